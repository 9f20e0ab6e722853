// Convolutions over images, features last. Weights are kept in PyTorch's order and brought into the order of oneDNN's
// kernels when they change: they are small compared with the images.
//
// In training, a 3x3 convolution over many channels uses Winograd's minimal filtering (Lavin and Gray 2016), with 2.25
// to 4 times fewer products, if oneDNN has it. It needs channels in blocks of 16, so images are brought into that order
// and back: 5 sweeps over memory, about a third of the savings.
#include "onednn.h"
#include "primitives.h"

#include <stdlib.h>

struct ek_convolution {
  ek_prepared forward, backward_input, backward_weights;
  ek_prepared pack_forward, pack_backward, unpack;
  ek_prepared block_x, block_y, unblock_x, unblock_y;  // by Winograd: between features last and blocks of channels
  // Bytes of the weights as each of the three asks for them, rounded up to 64.
  size_t forward_bytes, backward_bytes, gradient_bytes;
  size_t blocked_x_bytes, blocked_y_bytes;  // 0 where images stay features last
  int has_bias, training;
};

// The layouts of input, weights, bias and output and of their gradients; weights and their gradient as the kernel likes them,
// and plain; where `winograd`, input and output in blocks of channels. What is multiplied is in bfloat16 where `half`.
typedef struct {
  layout x, dx, weights, gradient, plain, bias, y, dy, blocked_x, blocked_y;
  dnnl_dims_t strides, dilations, begin, end;
  int has_bias, winograd, half;
} shapes;

static void drop_shapes(shapes *s) {
  drop(s->x), drop(s->dx), drop(s->weights), drop(s->gradient), drop(s->plain), drop(s->y), drop(s->dy);
  if (s->has_bias) drop(s->bias);
  if (s->winograd) drop(s->blocked_x), drop(s->blocked_y);
}

// Below 32 channels, and for few images, the direct algorithm is as fast (Documentation/Performance.md).
static int suits_winograd(const ek_windows *w) {
  return w->kernel_height == 3 && w->kernel_width == 3 && w->stride_height == 1 && w->stride_width == 1 &&
         w->dilation_height == 1 && w->dilation_width == 1 && w->groups == 1 && w->channels >= 32 &&
         w->channels % 16 == 0 && w->out_channels >= 32 && w->out_channels % 16 == 0 && w->rows >= 16;
}

static dnnl_alg_kind_t algorithm(const shapes *s) {
  return s->winograd ? dnnl_convolution_winograd : dnnl_convolution_direct;
}

static int make_shapes(shapes *s, const ek_windows *w, int has_bias) {
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
  dnnl_data_type_t operand = s->half ? dnnl_bf16 : dnnl_f32;
  int status = typed_layout_of(&s->x, 4, x, operand, dnnl_nhwc);
  if (!status) status = layout_of(&s->dx, 4, x, dnnl_nhwc);
  if (!status) status = layout_of(&s->y, 4, y, dnnl_nhwc);
  if (!status) status = typed_layout_of(&s->dy, 4, y, operand, dnnl_nhwc);
  if (!status) status = typed_layout_of(&s->weights, axes, weights, operand, dnnl_format_tag_any);
  if (!status) status = layout_of(&s->gradient, axes, weights, dnnl_format_tag_any);
  if (!status) status = layout_of(&s->plain, axes, weights, grouped ? dnnl_goihw : dnnl_oihw);
  if (!status && has_bias) status = layout_of(&s->bias, 1, bias, dnnl_a);
  if (!status && s->winograd) status = layout_of(&s->blocked_x, 4, x, dnnl_nChw16c);
  if (!status && s->winograd) status = layout_of(&s->blocked_y, 4, y, dnnl_nChw16c);
  return status;
}

static known input(const shapes *s) { return s->winograd ? KNOWN(s->blocked_x) : KNOWN(s->x); }
static known output(const shapes *s) { return s->winograd ? KNOWN(s->blocked_y) : KNOWN(s->y); }
static known input_gradient(const shapes *s) { return s->winograd ? KNOWN(s->blocked_x) : KNOWN(s->dx); }
static known output_gradient(const shapes *s) { return s->winograd ? KNOWN(s->blocked_y) : KNOWN(s->dy); }

#if DNNL_VERSION_MAJOR >= 3
static int describe_forward(description *made, shapes *s, int training) {
  return dnnl_convolution_forward_primitive_desc_create(
      made, ek_engine(), training ? dnnl_forward_training : dnnl_forward_inference, algorithm(s), input(s),
      s->weights, s->has_bias ? s->bias : NULL, output(s), s->strides, s->dilations, s->begin, s->end, ek_attributes());
}

static int describe_backward_input(description *made, shapes *s, description forward) {
  return dnnl_convolution_backward_data_primitive_desc_create(
      made, ek_engine(), algorithm(s), input_gradient(s), s->weights, output_gradient(s), s->strides, s->dilations,
      s->begin, s->end, forward, ek_attributes());
}

static int describe_backward_weights(description *made, shapes *s, description forward) {
  return dnnl_convolution_backward_weights_primitive_desc_create(
      made, ek_engine(), algorithm(s), input(s), s->gradient, s->has_bias ? s->bias : NULL, output_gradient(s),
      s->strides, s->dilations, s->begin, s->end, forward, ek_attributes());
}
#else
static int describe_forward(description *made, shapes *s, int training) {
  dnnl_convolution_desc_t d;
  int status = dnnl_dilated_convolution_forward_desc_init(
      &d, training ? dnnl_forward_training : dnnl_forward_inference, algorithm(s), input(s), &s->weights,
      s->has_bias ? &s->bias : NULL, output(s), s->strides, s->dilations, s->begin, s->end);
  return status ? status : dnnl_primitive_desc_create(made, &d, ek_attributes(), ek_engine(), NULL);
}

static int describe_backward_input(description *made, shapes *s, description forward) {
  dnnl_convolution_desc_t d;
  int status = dnnl_dilated_convolution_backward_data_desc_init(
      &d, algorithm(s), input_gradient(s), &s->weights, output_gradient(s), s->strides, s->dilations, s->begin, s->end);
  return status ? status : dnnl_primitive_desc_create(made, &d, ek_attributes(), ek_engine(), forward);
}

static int describe_backward_weights(description *made, shapes *s, description forward) {
  dnnl_convolution_desc_t d;
  int status = dnnl_dilated_convolution_backward_weights_desc_init(
      &d, algorithm(s), input(s), &s->gradient, s->has_bias ? &s->bias : NULL, output_gradient(s), s->strides,
      s->dilations, s->begin, s->end);
  return status ? status : dnnl_primitive_desc_create(made, &d, ek_attributes(), ek_engine(), forward);
}
#endif

static int make_forward(ek_convolution *c, shapes *s, description made) {
  int arguments[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_BIAS};
  int status = ek_prepare(&c->forward, made, arguments, c->has_bias ? 4 : 3);
  if (status) return status;
  known weights = ek_layout(made, DNNL_ARG_WEIGHTS);
  c->forward_bytes = ek_rounded(ek_bytes(weights));
  return ek_make_reorder(&c->pack_forward, KNOWN(s->plain), weights);
}

static int make_backward(ek_convolution *c, shapes *s, description forward) {
  description made = NULL;
  int status = describe_backward_input(&made, s, forward);
  if (!status) {
    status = ek_prepare(&c->backward_input, made, (int[]){DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC}, 3);
    known weights = ek_layout(made, DNNL_ARG_WEIGHTS);
    c->backward_bytes = ek_rounded(ek_bytes(weights));
    if (!status) status = ek_make_reorder(&c->pack_backward, KNOWN(s->plain), weights);
  }
  if (made) dnnl_primitive_desc_destroy(made);
  made = NULL;
  if (!status) status = describe_backward_weights(&made, s, forward);
  if (!status) {
    int arguments[] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_BIAS};
    status = ek_prepare(&c->backward_weights, made, arguments, c->has_bias ? 4 : 3);
    known weights = ek_layout(made, DNNL_ARG_DIFF_WEIGHTS);
    c->gradient_bytes = ek_rounded(ek_bytes(weights));
    if (!status) status = ek_make_reorder(&c->unpack, weights, KNOWN(s->plain));
  }
  if (made) dnnl_primitive_desc_destroy(made);
  return status;
}

static int make_reorders(ek_convolution *c, const shapes *s) {
  c->blocked_x_bytes = ek_rounded(ek_bytes(KNOWN(s->blocked_x)));
  c->blocked_y_bytes = ek_rounded(ek_bytes(KNOWN(s->blocked_y)));
  int status = ek_make_reorder(&c->block_x, KNOWN(s->x), KNOWN(s->blocked_x));
  if (!status) status = ek_make_reorder(&c->block_y, KNOWN(s->y), KNOWN(s->blocked_y));
  if (!status) status = ek_make_reorder(&c->unblock_x, KNOWN(s->blocked_x), KNOWN(s->x));
  if (!status) status = ek_make_reorder(&c->unblock_y, KNOWN(s->blocked_y), KNOWN(s->y));
  return status;
}

static int make(const ek_windows *windows, int has_bias, int training, int half, int winograd,
                ek_convolution **made) {
  ek_convolution *c = calloc(1, sizeof *c);
  if (!c) return dnnl_out_of_memory;
  c->has_bias = has_bias, c->training = training;
  shapes s = {.winograd = winograd, .half = half};
  description forward = NULL;
  int status = make_shapes(&s, windows, has_bias);
  if (!status) status = describe_forward(&forward, &s, training);
  if (!status) status = make_forward(c, &s, forward);
  if (!status && training) status = make_backward(c, &s, forward);
  if (!status && winograd) status = make_reorders(c, &s);
  if (forward) dnnl_primitive_desc_destroy(forward);
  drop_shapes(&s);
  if (status) ek_convolution_destroy(c);
  else *made = c;
  return status;
}

int ek_convolution_create(const ek_windows *windows, int has_bias, int training, int half, ek_convolution **made) {
  *made = NULL;
  if (!ek_stream()) return dnnl_runtime_error;
  // oneDNN reports it if it has no Winograd for this processor; it has none in bfloat16.
  if (training && !half && suits_winograd(windows) && !make(windows, has_bias, training, half, 1, made)) return 0;
  return make(windows, has_bias, training, half, 0, made);
}

void ek_convolution_destroy(ek_convolution *c) {
  if (!c) return;
  ek_prepared *all[] = {&c->forward, &c->backward_input, &c->backward_weights, &c->pack_forward, &c->pack_backward,
                        &c->unpack, &c->block_x, &c->block_y, &c->unblock_x, &c->unblock_y};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) ek_prepared_destroy(all[i]);
  free(c);
}

size_t ek_convolution_packed_bytes(const ek_convolution *c) { return c->forward_bytes + c->backward_bytes; }

size_t ek_convolution_workspace_bytes(const ek_convolution *c) {
  const ek_prepared *all[] = {&c->forward, &c->backward_input, &c->backward_weights, &c->pack_forward,
                              &c->pack_backward, &c->unpack, &c->block_x, &c->block_y, &c->unblock_x, &c->unblock_y};
  size_t most = 0;
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) most = ek_larger(most, all[i]->scratch_bytes);
  return c->gradient_bytes + c->blocked_x_bytes + c->blocked_y_bytes + most;
}

// The parts of a workspace.
typedef struct { char *gradient, *x, *y, *rest; } parts;

static parts parts_of(const ek_convolution *c, void *workspace) {
  parts p = {.gradient = workspace};
  p.x = p.gradient + c->gradient_bytes, p.y = p.x + c->blocked_x_bytes, p.rest = p.y + c->blocked_y_bytes;
  return p;
}

int ek_convolution_pack(ek_convolution *c, const float *weights, void *packed, void *workspace) {
  char *rest = parts_of(c, workspace).rest;
  int status = ek_run(&c->pack_forward, (const void *[]){weights, packed, rest});
  if (status || !c->training) return status;
  return ek_run(&c->pack_backward, (const void *[]){weights, (char *)packed + c->forward_bytes, rest});
}

int ek_convolution_forward(ek_convolution *c, const void *x, const void *packed, const float *bias, float *y,
                           void *workspace) {
  parts p = parts_of(c, workspace);
  const void *from = x;
  void *to = y;
  int status = 0;
  if (c->blocked_x_bytes) {
    from = p.x, to = p.y;
    status = ek_run(&c->block_x, (const void *[]){x, p.x, p.rest});
  }
  if (!status)
    status = c->has_bias ? ek_run(&c->forward, (const void *[]){from, packed, to, bias, p.rest})
                         : ek_run(&c->forward, (const void *[]){from, packed, to, p.rest});
  if (!status && c->blocked_x_bytes) status = ek_run(&c->unblock_y, (const void *[]){p.y, y, p.rest});
  return status;
}

int ek_convolution_backward(ek_convolution *c, const void *x, const void *dy, const void *packed, float *dweights,
                            float *dbias, float *dx, void *workspace) {
  parts p = parts_of(c, workspace);
  const void *input = x, *gradient = dy;
  int status = 0;
  if (c->blocked_x_bytes) {
    input = p.x, gradient = p.y;
    status = ek_run(&c->block_x, (const void *[]){x, p.x, p.rest});
    if (!status) status = ek_run(&c->block_y, (const void *[]){dy, p.y, p.rest});
  }
  if (!status)
    status = c->has_bias
                 ? ek_run(&c->backward_weights, (const void *[]){input, gradient, p.gradient, dbias, p.rest})
                 : ek_run(&c->backward_weights, (const void *[]){input, gradient, p.gradient, p.rest});
  if (!status) status = ek_run(&c->unpack, (const void *[]){p.gradient, dweights, p.rest});
  if (status || !dx) return status;
  const char *weights = (const char *)packed + c->forward_bytes;
  // x is no longer read: its blocks make room for those of its gradient.
  void *to = c->blocked_x_bytes ? (void *)p.x : dx;
  status = ek_run(&c->backward_input, (const void *[]){gradient, weights, to, p.rest});
  if (!status && c->blocked_x_bytes) status = ek_run(&c->unblock_x, (const void *[]){p.x, dx, p.rest});
  return status;
}
