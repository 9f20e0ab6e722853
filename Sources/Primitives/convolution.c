// Convolutions over images by oneDNN's direct algorithm, features last. Weights are kept in PyTorch's order and brought into the
// order of oneDNN's kernels when they change: they are small compared with the images.
#include "onednn.h"
#include "primitives.h"

#include <stdlib.h>

struct ek_convolution {
  ek_prepared forward, backward_input, pack_forward, pack_backward;
  description forward_made, backward_made;  // they know the order of the weights
  size_t forward_bytes, backward_bytes;     // of the weights as each of the two asks for them, rounded up to 64
  int has_bias, backward;
};

struct ek_convolution_gradient {
  ek_prepared run, unpack;
  description made;
  size_t bytes;
};

// The layouts of input, weights, bias and output and of their gradients; weights and their gradient as the kernel likes them,
// and plain. What is multiplied is in bfloat16 where `half`.
typedef struct {
  layout x, dx, weights, gradient, plain, bias, y, dy;
  dnnl_dims_t strides, dilations, begin, end;
  int has_bias;
} shapes;

static void drop_shapes(shapes *s) {
  drop(s->x), drop(s->dx), drop(s->weights), drop(s->gradient), drop(s->plain), drop(s->y), drop(s->dy);
  if (s->has_bias) drop(s->bias);
}

static int make_shapes(shapes *s, const ek_windows *w, int has_bias, int half) {
  dnnl_dims_t x = {w->rows, w->channels, w->height, w->width};
  dnnl_dims_t y = {w->rows, w->out_channels, w->out_height, w->out_width};
  dnnl_dims_t whole = {w->out_channels, w->channels, w->kernel_height, w->kernel_width};
  dnnl_dims_t parts = {w->groups, w->out_channels / w->groups, w->channels / w->groups, w->kernel_height,
                       w->kernel_width};
  dnnl_dims_t bias = {w->out_channels};
  int grouped = w->groups > 1, axes = grouped ? 5 : 4;
  const dnnl_dim_t *weights = grouped ? parts : whole;
  s->strides[0] = w->stride_height, s->strides[1] = w->stride_width;
  s->dilations[0] = w->dilation_height - 1, s->dilations[1] = w->dilation_width - 1;
  s->begin[0] = w->pad_top, s->begin[1] = w->pad_left;
  s->end[0] = w->pad_bottom, s->end[1] = w->pad_right;
  s->has_bias = has_bias;
  dnnl_data_type_t operand = half ? dnnl_bf16 : dnnl_f32;
  int status = typed_layout_of(&s->x, 4, x, operand, dnnl_nhwc);
  if (!status) status = layout_of(&s->dx, 4, x, dnnl_nhwc);
  if (!status) status = layout_of(&s->y, 4, y, dnnl_nhwc);
  if (!status) status = typed_layout_of(&s->dy, 4, y, operand, dnnl_nhwc);
  if (!status) status = typed_layout_of(&s->weights, axes, weights, operand, dnnl_format_tag_any);
  if (!status) status = layout_of(&s->gradient, axes, weights, dnnl_format_tag_any);
  if (!status) status = layout_of(&s->plain, axes, weights, grouped ? dnnl_goihw : dnnl_oihw);
  if (!status && has_bias) status = layout_of(&s->bias, 1, bias, dnnl_a);
  return status;
}

// `weights` and `gradient` are the order that is asked for.
#if DNNL_VERSION_MAJOR >= 3
static int describe_forward(description *made, shapes *s, int training, known weights) {
  return dnnl_convolution_forward_primitive_desc_create(
      made, ek_engine(), training ? dnnl_forward_training : dnnl_forward_inference, dnnl_convolution_direct, s->x, weights,
      s->has_bias ? s->bias : NULL, s->y, s->strides, s->dilations, s->begin, s->end, ek_attributes());
}

static int describe_backward_input(description *made, shapes *s, description forward, known weights) {
  return dnnl_convolution_backward_data_primitive_desc_create(
      made, ek_engine(), dnnl_convolution_direct, s->dx, weights, s->dy, s->strides, s->dilations, s->begin, s->end,
      forward, ek_attributes());
}

static int describe_gradient(description *made, shapes *s, description forward, known gradient) {
  return dnnl_convolution_backward_weights_primitive_desc_create(
      made, ek_engine(), dnnl_convolution_direct, s->x, gradient, NULL, s->dy, s->strides, s->dilations, s->begin, s->end,
      forward, ek_attributes());
}
#else
static int describe_forward(description *made, shapes *s, int training, known weights) {
  dnnl_convolution_desc_t d;
  int status = dnnl_dilated_convolution_forward_desc_init(
      &d, training ? dnnl_forward_training : dnnl_forward_inference, dnnl_convolution_direct, &s->x, weights,
      s->has_bias ? &s->bias : NULL, &s->y, s->strides, s->dilations, s->begin, s->end);
  return status ? status : dnnl_primitive_desc_create(made, &d, ek_attributes(), ek_engine(), NULL);
}

static int describe_backward_input(description *made, shapes *s, description forward, known weights) {
  dnnl_convolution_desc_t d;
  int status = dnnl_dilated_convolution_backward_data_desc_init(
      &d, dnnl_convolution_direct, &s->dx, weights, &s->dy, s->strides, s->dilations, s->begin, s->end);
  return status ? status : dnnl_primitive_desc_create(made, &d, ek_attributes(), ek_engine(), forward);
}

static int describe_gradient(description *made, shapes *s, description forward, known gradient) {
  dnnl_convolution_desc_t d;
  int status = dnnl_dilated_convolution_backward_weights_desc_init(
      &d, dnnl_convolution_direct, &s->x, gradient, NULL, &s->dy, s->strides, s->dilations, s->begin, s->end);
  return status ? status : dnnl_primitive_desc_create(made, &d, ek_attributes(), ek_engine(), forward);
}
#endif

// ---- forward, and the gradient of the input -----------------------------------------------------------------------

static int make_forward(ek_convolution *c, shapes *s, int members, const ek_convolution *like) {
  known order = like ? ek_layout(like->forward_made, DNNL_ARG_WEIGHTS) : KNOWN(s->weights);
  int status = describe_forward(&c->forward_made, s, c->backward, order);
  if (status) return status;
  int arguments[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_BIAS};
  status = ek_prepare(&c->forward, c->forward_made, arguments, c->has_bias ? 4 : 3, members);
  known weights = ek_layout(c->forward_made, DNNL_ARG_WEIGHTS);
  c->forward_bytes = ek_rounded(ek_bytes(weights));
  return status ? status : ek_make_reorder(&c->pack_forward, KNOWN(s->plain), weights, members);
}

static int make_backward(ek_convolution *c, shapes *s, int members, const ek_convolution *like) {
  known order = like ? ek_layout(like->backward_made, DNNL_ARG_WEIGHTS) : KNOWN(s->weights);
  int status = describe_backward_input(&c->backward_made, s, c->forward_made, order);
  if (status) return status;
  int arguments[] = {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC};
  status = ek_prepare(&c->backward_input, c->backward_made, arguments, 3, members);
  known weights = ek_layout(c->backward_made, DNNL_ARG_WEIGHTS);
  c->backward_bytes = ek_rounded(ek_bytes(weights));
  return status ? status : ek_make_reorder(&c->pack_backward, KNOWN(s->plain), weights, members);
}

int ek_convolution_create(const ek_windows *windows, int has_bias, int backward, int half, int members,
                          const ek_convolution *like, ek_convolution **made) {
  *made = NULL;
  if (!ek_stream()) return dnnl_runtime_error;
  ek_convolution *c = calloc(1, sizeof *c);
  if (!c) return dnnl_out_of_memory;
  c->has_bias = has_bias, c->backward = backward;
  shapes s = {0};
  int before = ek_begin_alone();
  int status = make_shapes(&s, windows, has_bias, half);
  if (!status) status = make_forward(c, &s, members, like);
  if (!status && backward) status = make_backward(c, &s, members, like);
  ek_end_alone(before);
  drop_shapes(&s);
  if (status) ek_convolution_destroy(c);
  else *made = c;
  return status;
}

void ek_convolution_destroy(ek_convolution *c) {
  if (!c) return;
  ek_prepared_destroy(&c->forward), ek_prepared_destroy(&c->backward_input);
  ek_prepared_destroy(&c->pack_forward), ek_prepared_destroy(&c->pack_backward);
  if (c->forward_made) dnnl_primitive_desc_destroy(c->forward_made);
  if (c->backward_made) dnnl_primitive_desc_destroy(c->backward_made);
  free(c);
}

size_t ek_convolution_packed_bytes(const ek_convolution *c) { return c->forward_bytes + c->backward_bytes; }

size_t ek_convolution_workspace_bytes(const ek_convolution *c) {
  return ek_larger(ek_larger(c->forward.scratch_bytes, c->backward_input.scratch_bytes),
                   ek_larger(c->pack_forward.scratch_bytes, c->pack_backward.scratch_bytes));
}

int ek_convolution_pack(ek_convolution *c, int member, const float *weights, void *packed, void *workspace) {
  int status = ek_run(&c->pack_forward, member, (const void *[]){weights, packed, workspace});
  if (status || !c->backward) return status;
  return ek_run(&c->pack_backward, member, (const void *[]){weights, (char *)packed + c->forward_bytes, workspace});
}

int ek_convolution_forward(ek_convolution *c, int member, const void *x, const void *packed, const float *bias, float *y,
                           void *workspace) {
  if (c->has_bias) return ek_run(&c->forward, member, (const void *[]){x, packed, y, bias, workspace});
  return ek_run(&c->forward, member, (const void *[]){x, packed, y, workspace});
}

int ek_convolution_backward_input(ek_convolution *c, int member, const void *dy, const void *packed, float *dx,
                                  void *workspace) {
  const char *weights = (const char *)packed + c->forward_bytes;
  return ek_run(&c->backward_input, member, (const void *[]){dy, weights, dx, workspace});
}

// ---- the gradient of the weights ----------------------------------------------------------------------------------

int ek_convolution_gradient_create(const ek_windows *windows, int half, int members, const ek_convolution_gradient *like,
                                   ek_convolution_gradient **made) {
  *made = NULL;
  if (!ek_stream()) return dnnl_runtime_error;
  ek_convolution_gradient *g = calloc(1, sizeof *g);
  if (!g) return dnnl_out_of_memory;
  shapes s = {0};
  description forward = NULL;
  int before = ek_begin_alone();
  int status = make_shapes(&s, windows, 0, half);
  if (!status) status = describe_forward(&forward, &s, 1, KNOWN(s.weights));
  if (!status) {
    known order = like ? ek_layout(like->made, DNNL_ARG_DIFF_WEIGHTS) : KNOWN(s.gradient);
    status = describe_gradient(&g->made, &s, forward, order);
  }
  if (!status) {
    int arguments[] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS};
    status = ek_prepare(&g->run, g->made, arguments, 3, members);
    known sums = ek_layout(g->made, DNNL_ARG_DIFF_WEIGHTS);
    g->bytes = ek_rounded(ek_bytes(sums));
    if (!status) status = ek_make_reorder(&g->unpack, sums, KNOWN(s.plain), members);
  }
  ek_end_alone(before);
  if (forward) dnnl_primitive_desc_destroy(forward);
  drop_shapes(&s);
  if (status) ek_convolution_gradient_destroy(g);
  else *made = g;
  return status;
}

void ek_convolution_gradient_destroy(ek_convolution_gradient *g) {
  if (!g) return;
  ek_prepared_destroy(&g->run), ek_prepared_destroy(&g->unpack);
  if (g->made) dnnl_primitive_desc_destroy(g->made);
  free(g);
}

size_t ek_convolution_gradient_bytes(const ek_convolution_gradient *g) { return g->bytes; }

size_t ek_convolution_gradient_workspace_bytes(const ek_convolution_gradient *g) {
  return ek_larger(g->run.scratch_bytes, g->unpack.scratch_bytes);
}

int ek_convolution_gradient_run(ek_convolution_gradient *g, int member, const void *x, const void *dy, float *sums,
                                void *workspace) {
  return ek_run(&g->run, member, (const void *[]){x, dy, sums, workspace});
}

int ek_convolution_gradient_unpack(ek_convolution_gradient *g, int member, const float *sums, float *dweights,
                                   void *workspace) {
  return ek_run(&g->unpack, member, (const void *[]){sums, dweights, workspace});
}
