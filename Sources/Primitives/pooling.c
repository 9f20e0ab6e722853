// Largest and mean values of windows of an image, features last.
#include "onednn.h"
#include "primitives.h"

#include <stdlib.h>

struct ek_pooling {
  ek_prepared forward, backward;
  size_t workspace_bytes;  // which value was the largest, rounded up to 64
};

typedef struct {
  layout x, y;
  dnnl_dims_t strides, kernel, begin, end;
  dnnl_dims_t dilations;  // always 0
  dnnl_alg_kind_t kind;
} shapes;

#if DNNL_VERSION_MAJOR >= 3
static int describe_forward(description *made, shapes *s, int training) {
  return dnnl_pooling_forward_primitive_desc_create(
      made, ek_engine(), training ? dnnl_forward_training : dnnl_forward_inference, s->kind, s->x, s->y, s->strides,
      s->kernel, s->dilations, s->begin, s->end, ek_attributes());
}

static int describe_backward(description *made, shapes *s, description forward) {
  return dnnl_pooling_backward_primitive_desc_create(made, ek_engine(), s->kind, s->x, s->y, s->strides, s->kernel,
                                                     s->dilations, s->begin, s->end, forward, ek_attributes());
}
#else
static int describe_forward(description *made, shapes *s, int training) {
  dnnl_pooling_desc_t d;
  int status =
      dnnl_pooling_forward_desc_init(&d, training ? dnnl_forward_training : dnnl_forward_inference, s->kind, &s->x,
                                     &s->y, s->strides, s->kernel, s->begin, s->end);
  return status ? status : dnnl_primitive_desc_create(made, &d, ek_attributes(), ek_engine(), NULL);
}

static int describe_backward(description *made, shapes *s, description forward) {
  dnnl_pooling_desc_t d;
  int status = dnnl_pooling_backward_desc_init(&d, s->kind, &s->x, &s->y, s->strides, s->kernel, s->begin, s->end);
  return status ? status : dnnl_primitive_desc_create(made, &d, ek_attributes(), ek_engine(), forward);
}
#endif

static int make_backward(ek_pooling *p, shapes *s, description forward, int has_workspace) {
  description made = NULL;
  int status = describe_backward(&made, s, forward);
  int arguments[] = {DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_SRC, DNNL_ARG_WORKSPACE};
  if (!status) status = ek_prepare(&p->backward, made, arguments, has_workspace ? 3 : 2);
  if (made) dnnl_primitive_desc_destroy(made);
  return status;
}

int ek_pooling_create(const ek_windows *w, ek_pooling_kind kind, int training, ek_pooling **made) {
  *made = NULL;
  if (!ek_stream()) return dnnl_runtime_error;
  ek_pooling *p = calloc(1, sizeof *p);
  if (!p) return dnnl_out_of_memory;
  shapes s = {.kernel = {w->kernel_height, w->kernel_width}, .strides = {w->stride_height, w->stride_width},
              .begin = {w->pad_top, w->pad_left}, .end = {w->pad_bottom, w->pad_right}, 
              .kind = kind == EK_POOL_MAX ? dnnl_pooling_max : dnnl_pooling_avg_include_padding};
  dnnl_dims_t x = {w->rows, w->channels, w->height, w->width}, y = {w->rows, w->channels, w->out_height, w->out_width};
  description forward = NULL;
  int status = layout_of(&s.x, 4, x, dnnl_nhwc);
  if (!status) status = layout_of(&s.y, 4, y, dnnl_nhwc);
  if (!status) status = describe_forward(&forward, &s, training);
  if (!status) {
    size_t workspace = kind == EK_POOL_MAX && training ? ek_bytes(ek_layout(forward, DNNL_ARG_WORKSPACE)) : 0;
    p->workspace_bytes = (workspace + 63) / 64 * 64;
    status = ek_prepare(&p->forward, forward, (int[]){DNNL_ARG_SRC, DNNL_ARG_DST, DNNL_ARG_WORKSPACE}, workspace ? 3 : 2);
    if (!status && training) status = make_backward(p, &s, forward, workspace != 0);
  }
  if (forward) dnnl_primitive_desc_destroy(forward);
  drop(s.x), drop(s.y);
  if (status) ek_pooling_destroy(p);
  else *made = p;
  return status;
}

void ek_pooling_destroy(ek_pooling *p) {
  if (!p) return;
  ek_prepared_destroy(&p->forward);
  ek_prepared_destroy(&p->backward);
  free(p);
}

size_t ek_pooling_scratch_bytes(const ek_pooling *p) {
  size_t forward = p->forward.scratch_bytes, backward = p->backward.scratch_bytes;
  return p->workspace_bytes + (forward > backward ? forward : backward);
}

int ek_pooling_forward(ek_pooling *p, const float *x, float *y, void *scratch) {
  void *rest = (char *)scratch + p->workspace_bytes;
  if (p->workspace_bytes) return ek_run(&p->forward, (const void *[]){x, y, scratch, rest});
  return ek_run(&p->forward, (const void *[]){x, y, rest});
}

int ek_pooling_backward(ek_pooling *p, const float *dy, float *dx, void *scratch) {
  void *rest = (char *)scratch + p->workspace_bytes;
  if (p->workspace_bytes) return ek_run(&p->backward, (const void *[]){dy, dx, scratch, rest});
  return ek_run(&p->backward, (const void *[]){dy, dx, rest});
}
