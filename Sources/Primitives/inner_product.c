// The products of a fully connected layer with operands in bfloat16 and sums in f32. Products in f32 use sgemm.
#include "onednn.h"
#include "primitives.h"

#include <stdlib.h>

struct ek_inner_product {
  ek_prepared forward, backward_input, backward_weights;
  ek_prepared pack_forward, pack_backward, unpack;
  // Bytes of the weights as each of the three asks for them, rounded up to 64.
  size_t forward_bytes, backward_bytes, gradient_bytes;
};

// x (rows, inputs) and y (rows, outputs) in both types; weights in bfloat16 and their gradient as the kernels like them, and plain.
typedef struct {
  layout x, dx, y, dy, weights, gradient, plain;
} shapes;

static int make_shapes(shapes *s, int64_t rows, int64_t inputs, int64_t outputs) {
  dnnl_dims_t x = {rows, inputs}, y = {rows, outputs}, weights = {outputs, inputs};
  int status = typed_layout_of(&s->x, 2, x, dnnl_bf16, dnnl_nc);
  if (!status) status = typed_layout_of(&s->dx, 2, x, dnnl_f32, dnnl_nc);
  if (!status) status = typed_layout_of(&s->y, 2, y, dnnl_f32, dnnl_nc);
  if (!status) status = typed_layout_of(&s->dy, 2, y, dnnl_bf16, dnnl_nc);
  if (!status) status = typed_layout_of(&s->weights, 2, weights, dnnl_bf16, dnnl_format_tag_any);
  if (!status) status = typed_layout_of(&s->gradient, 2, weights, dnnl_f32, dnnl_format_tag_any);
  if (!status) status = typed_layout_of(&s->plain, 2, weights, dnnl_f32, dnnl_oi);
  return status;
}

static void drop_shapes(shapes *s) {
  drop(s->x), drop(s->dx), drop(s->y), drop(s->dy), drop(s->weights), drop(s->gradient), drop(s->plain);
}

#if DNNL_VERSION_MAJOR >= 3
static int describe_forward(description *made, shapes *s) {
  return dnnl_inner_product_forward_primitive_desc_create(made, ek_engine(), dnnl_forward_training, s->x, s->weights, NULL,
                                                          s->y, ek_attributes());
}

static int describe_backward_input(description *made, shapes *s, description forward) {
  return dnnl_inner_product_backward_data_primitive_desc_create(made, ek_engine(), s->dx, s->weights, s->dy, forward,
                                                                ek_attributes());
}

static int describe_backward_weights(description *made, shapes *s, description forward) {
  return dnnl_inner_product_backward_weights_primitive_desc_create(made, ek_engine(), s->x, s->gradient, NULL, s->dy,
                                                                   forward, ek_attributes());
}
#else
static int describe_forward(description *made, shapes *s) {
  dnnl_inner_product_desc_t d;
  int status = dnnl_inner_product_forward_desc_init(&d, dnnl_forward_training, &s->x, &s->weights, NULL, &s->y);
  return status ? status : dnnl_primitive_desc_create(made, &d, ek_attributes(), ek_engine(), NULL);
}

static int describe_backward_input(description *made, shapes *s, description forward) {
  dnnl_inner_product_desc_t d;
  int status = dnnl_inner_product_backward_data_desc_init(&d, &s->dx, &s->weights, &s->dy);
  return status ? status : dnnl_primitive_desc_create(made, &d, ek_attributes(), ek_engine(), forward);
}

static int describe_backward_weights(description *made, shapes *s, description forward) {
  dnnl_inner_product_desc_t d;
  int status = dnnl_inner_product_backward_weights_desc_init(&d, &s->x, &s->gradient, NULL, &s->dy);
  return status ? status : dnnl_primitive_desc_create(made, &d, ek_attributes(), ek_engine(), forward);
}
#endif

static int make_backward(ek_inner_product *p, shapes *s, description forward) {
  description made = NULL;
  int status = describe_backward_input(&made, s, forward);
  if (!status) {
    status = ek_prepare(&p->backward_input, made, (int[]){DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC}, 3);
    known weights = ek_layout(made, DNNL_ARG_WEIGHTS);
    p->backward_bytes = ek_rounded(ek_bytes(weights));
    if (!status) status = ek_make_reorder(&p->pack_backward, KNOWN(s->plain), weights);
  }
  if (made) dnnl_primitive_desc_destroy(made);
  made = NULL;
  if (!status) status = describe_backward_weights(&made, s, forward);
  if (!status) {
    status = ek_prepare(&p->backward_weights, made, (int[]){DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS}, 3);
    known weights = ek_layout(made, DNNL_ARG_DIFF_WEIGHTS);
    p->gradient_bytes = ek_rounded(ek_bytes(weights));
    if (!status) status = ek_make_reorder(&p->unpack, weights, KNOWN(s->plain));
  }
  if (made) dnnl_primitive_desc_destroy(made);
  return status;
}

int ek_inner_product_create(int64_t rows, int64_t inputs, int64_t outputs, int training, ek_inner_product **made) {
  *made = NULL;
  if (!ek_stream()) return dnnl_runtime_error;
  ek_inner_product *p = calloc(1, sizeof *p);
  if (!p) return dnnl_out_of_memory;
  shapes s = {0};
  description forward = NULL;
  int status = make_shapes(&s, rows, inputs, outputs);
  if (!status) status = describe_forward(&forward, &s);
  if (!status) {
    status = ek_prepare(&p->forward, forward, (int[]){DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST}, 3);
    known weights = ek_layout(forward, DNNL_ARG_WEIGHTS);
    p->forward_bytes = ek_rounded(ek_bytes(weights));
    if (!status) status = ek_make_reorder(&p->pack_forward, KNOWN(s.plain), weights);
  }
  if (!status && training) status = make_backward(p, &s, forward);
  if (forward) dnnl_primitive_desc_destroy(forward);
  drop_shapes(&s);
  if (status) ek_inner_product_destroy(p);
  else *made = p;
  return status;
}

void ek_inner_product_destroy(ek_inner_product *p) {
  if (!p) return;
  ek_prepared *all[] = {&p->forward, &p->backward_input, &p->backward_weights, &p->pack_forward, &p->pack_backward,
                        &p->unpack};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) ek_prepared_destroy(all[i]);
  free(p);
}

size_t ek_inner_product_packed_bytes(const ek_inner_product *p) { return p->forward_bytes + p->backward_bytes; }

size_t ek_inner_product_workspace_bytes(const ek_inner_product *p) {
  const ek_prepared *others[] = {&p->forward, &p->backward_input, &p->pack_forward, &p->pack_backward};
  size_t most = ek_larger(p->backward_weights.scratch_bytes, p->unpack.scratch_bytes) + p->gradient_bytes;
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) most = ek_larger(most, others[i]->scratch_bytes);
  return most;
}

int ek_inner_product_pack(ek_inner_product *p, const float *weights, void *packed, void *workspace) {
  return ek_run(&p->pack_forward, (const void *[]){weights, packed, workspace});
}

int ek_inner_product_forward(ek_inner_product *p, const uint16_t *x, const void *packed, float *y, void *workspace) {
  return ek_run(&p->forward, (const void *[]){x, packed, y, workspace});
}

int ek_inner_product_backward_input(ek_inner_product *p, const uint16_t *dy, const float *weights, void *packed, float *dx,
                                    void *workspace) {
  char *own = (char *)packed + p->forward_bytes;
  int status = ek_run(&p->pack_backward, (const void *[]){weights, own, workspace});
  return status ? status : ek_run(&p->backward_input, (const void *[]){dy, own, dx, workspace});
}

int ek_inner_product_backward_weights(ek_inner_product *p, const uint16_t *x, const uint16_t *dy, float *dweights,
                                      void *workspace) {
  char *gradient = workspace, *rest = gradient + p->gradient_bytes;
  int status = ek_run(&p->backward_weights, (const void *[]){x, dy, gradient, rest});
  return status ? status : ek_run(&p->unpack, (const void *[]){gradient, dweights, rest});
}
