// Convolutions over images, features last. Weights are kept in PyTorch's order and put into the order that oneDNN's kernels
// ask for when they change: they are small beside what they are applied to.
#include "onednn.h"
#include "primitives.h"

#include <stdlib.h>

struct ek_convolution {
  ek_prepared forward, backward_input, backward_weights;
  ek_prepared pack_forward, pack_backward, unpack;
  // Bytes of the weights as each of the three asks for them, rounded up to 64.
  size_t forward_bytes, backward_bytes, gradient_bytes;
  int has_bias, training;
};

static size_t rounded(size_t bytes) { return (bytes + 63) / 64 * 64; }
static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

// The layouts of input, weights, bias and output; weights as the kernel likes them, and plain.
typedef struct {
  layout x, weights, plain, bias, y;
  dnnl_dims_t strides, dilations, begin, end;
  int has_bias;
} shapes;

static void drop_shapes(shapes *s) {
  drop(s->x), drop(s->weights), drop(s->plain), drop(s->y);
  if (s->has_bias) drop(s->bias);
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
  int status = layout_of(&s->x, 4, x, dnnl_nhwc);
  if (!status) status = layout_of(&s->y, 4, y, dnnl_nhwc);
  if (!status) status = layout_of(&s->weights, axes, weights, dnnl_format_tag_any);
  if (!status) status = layout_of(&s->plain, axes, weights, grouped ? dnnl_goihw : dnnl_oihw);
  if (!status && has_bias) status = layout_of(&s->bias, 1, bias, dnnl_a);
  return status;
}

#if DNNL_VERSION_MAJOR >= 3
static int describe_forward(description *made, shapes *s, int training) {
  return dnnl_convolution_forward_primitive_desc_create(
      made, ek_engine(), training ? dnnl_forward_training : dnnl_forward_inference, dnnl_convolution_direct, s->x,
      s->weights, s->has_bias ? s->bias : NULL, s->y, s->strides, s->dilations, s->begin, s->end, ek_attributes());
}

static int describe_backward_input(description *made, shapes *s, description forward) {
  return dnnl_convolution_backward_data_primitive_desc_create(
      made, ek_engine(), dnnl_convolution_direct, s->x, s->weights, s->y, s->strides, s->dilations, s->begin, s->end,
      forward, ek_attributes());
}

static int describe_backward_weights(description *made, shapes *s, description forward) {
  return dnnl_convolution_backward_weights_primitive_desc_create(
      made, ek_engine(), dnnl_convolution_direct, s->x, s->weights, s->has_bias ? s->bias : NULL, s->y, s->strides,
      s->dilations, s->begin, s->end, forward, ek_attributes());
}

static int describe_reorder(description *made, known from, known to) {
  return dnnl_reorder_primitive_desc_create(made, from, ek_engine(), to, ek_engine(), ek_attributes());
}
#else
static int describe_forward(description *made, shapes *s, int training) {
  dnnl_convolution_desc_t d;
  int status = dnnl_dilated_convolution_forward_desc_init(
      &d, training ? dnnl_forward_training : dnnl_forward_inference, dnnl_convolution_direct, &s->x, &s->weights,
      s->has_bias ? &s->bias : NULL, &s->y, s->strides, s->dilations, s->begin, s->end);
  return status ? status : dnnl_primitive_desc_create(made, &d, ek_attributes(), ek_engine(), NULL);
}

static int describe_backward_input(description *made, shapes *s, description forward) {
  dnnl_convolution_desc_t d;
  int status = dnnl_dilated_convolution_backward_data_desc_init(
      &d, dnnl_convolution_direct, &s->x, &s->weights, &s->y, s->strides, s->dilations, s->begin, s->end);
  return status ? status : dnnl_primitive_desc_create(made, &d, ek_attributes(), ek_engine(), forward);
}

static int describe_backward_weights(description *made, shapes *s, description forward) {
  dnnl_convolution_desc_t d;
  int status = dnnl_dilated_convolution_backward_weights_desc_init(
      &d, dnnl_convolution_direct, &s->x, &s->weights, s->has_bias ? &s->bias : NULL, &s->y, s->strides, s->dilations,
      s->begin, s->end);
  return status ? status : dnnl_primitive_desc_create(made, &d, ek_attributes(), ek_engine(), forward);
}

static int describe_reorder(description *made, known from, known to) {
  return dnnl_reorder_primitive_desc_create(made, from, ek_engine(), to, ek_engine(), ek_attributes());
}
#endif

static int make_reorder(ek_prepared *prepared, known from, known to) {
  description made = NULL;
  int status = describe_reorder(&made, from, to);
  if (!status) status = ek_prepare(prepared, made, (int[]){DNNL_ARG_FROM, DNNL_ARG_TO}, 2);
  if (made) dnnl_primitive_desc_destroy(made);
  return status;
}

static int make_forward(ek_convolution *c, shapes *s, description made) {
  int arguments[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_BIAS};
  int status = ek_prepare(&c->forward, made, arguments, c->has_bias ? 4 : 3);
  if (status) return status;
  known weights = ek_layout(made, DNNL_ARG_WEIGHTS);
  c->forward_bytes = rounded(ek_bytes(weights));
  return make_reorder(&c->pack_forward, KNOWN(s->plain), weights);
}

static int make_backward(ek_convolution *c, shapes *s, description forward) {
  description made = NULL;
  int status = describe_backward_input(&made, s, forward);
  if (!status) {
    status = ek_prepare(&c->backward_input, made, (int[]){DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC}, 3);
    known weights = ek_layout(made, DNNL_ARG_WEIGHTS);
    c->backward_bytes = rounded(ek_bytes(weights));
    if (!status) status = make_reorder(&c->pack_backward, KNOWN(s->plain), weights);
  }
  if (made) dnnl_primitive_desc_destroy(made);
  made = NULL;
  if (!status) status = describe_backward_weights(&made, s, forward);
  if (!status) {
    int arguments[] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_BIAS};
    status = ek_prepare(&c->backward_weights, made, arguments, c->has_bias ? 4 : 3);
    known weights = ek_layout(made, DNNL_ARG_DIFF_WEIGHTS);
    c->gradient_bytes = rounded(ek_bytes(weights));
    if (!status) status = make_reorder(&c->unpack, weights, KNOWN(s->plain));
  }
  if (made) dnnl_primitive_desc_destroy(made);
  return status;
}

int ek_convolution_create(const ek_windows *windows, int has_bias, int training, ek_convolution **made) {
  *made = NULL;
  if (!ek_stream()) return dnnl_runtime_error;
  ek_convolution *c = calloc(1, sizeof *c);
  if (!c) return dnnl_out_of_memory;
  c->has_bias = has_bias, c->training = training;
  shapes s = {0};
  description forward = NULL;
  int status = make_shapes(&s, windows, has_bias);
  if (!status) status = describe_forward(&forward, &s, training);
  if (!status) status = make_forward(c, &s, forward);
  if (!status && training) status = make_backward(c, &s, forward);
  if (forward) dnnl_primitive_desc_destroy(forward);
  drop_shapes(&s);
  if (status) ek_convolution_destroy(c);
  else *made = c;
  return status;
}

void ek_convolution_destroy(ek_convolution *c) {
  if (!c) return;
  ek_prepared *all[] = {&c->forward, &c->backward_input, &c->backward_weights, &c->pack_forward, &c->pack_backward,
                        &c->unpack};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) ek_prepared_destroy(all[i]);
  free(c);
}

size_t ek_convolution_packed_bytes(const ek_convolution *c) { return c->forward_bytes + c->backward_bytes; }

size_t ek_convolution_scratch_bytes(const ek_convolution *c) {
  size_t gradient = larger(c->backward_weights.scratch_bytes, c->unpack.scratch_bytes) + c->gradient_bytes;
  size_t others = larger(larger(c->forward.scratch_bytes, c->backward_input.scratch_bytes),
                         larger(c->pack_forward.scratch_bytes, c->pack_backward.scratch_bytes));
  return larger(gradient, others);
}

int ek_convolution_pack(ek_convolution *c, const float *weights, void *packed, void *scratch) {
  int status = ek_run(&c->pack_forward, (const void *[]){weights, packed, scratch});
  if (status || !c->training) return status;
  return ek_run(&c->pack_backward, (const void *[]){weights, (char *)packed + c->forward_bytes, scratch});
}

int ek_convolution_forward(ek_convolution *c, const float *x, const void *packed, const float *bias, float *y,
                           void *scratch) {
  if (c->has_bias) return ek_run(&c->forward, (const void *[]){x, packed, y, bias, scratch});
  return ek_run(&c->forward, (const void *[]){x, packed, y, scratch});
}

int ek_convolution_backward_input(ek_convolution *c, const float *dy, const void *packed, float *dx, void *scratch) {
  return ek_run(&c->backward_input, (const void *[]){dy, (const char *)packed + c->forward_bytes, dx, scratch});
}

int ek_convolution_backward_weights(ek_convolution *c, const float *x, const float *dy, float *dweights, float *dbias,
                                    void *scratch) {
  char *gradient = scratch, *rest = gradient + c->gradient_bytes;
  int status = c->has_bias ? ek_run(&c->backward_weights, (const void *[]){x, dy, gradient, dbias, rest})
                           : ek_run(&c->backward_weights, (const void *[]){x, dy, gradient, rest});
  return status ? status : ek_run(&c->unpack, (const void *[]){gradient, dweights, rest});
}
