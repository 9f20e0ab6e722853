// The products of a fully connected layer with operands in bfloat16 and sums in f32. Products in f32 are in product.c.
#include "onednn.h"
#include "primitives.h"

#include <stdlib.h>

// One product, and how an operand of it, the weights or their gradient, is brought from or into plain order.
struct ek_inner_product {
  ek_prepared run, reorder;
  description made;  // knows the order of the weights
  size_t bytes;      // of the weights, or their gradient, as the product asks for them, rounded up to 64
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

// `order` is that of the weights or of their gradient.
#if DNNL_VERSION_MAJOR >= 3
static int describe_forward(description *made, shapes *s, known order) {
  return dnnl_inner_product_forward_primitive_desc_create(made, ek_engine(), dnnl_forward_training, s->x, order, NULL, s->y,
                                                          ek_attributes());
}

static int describe_backward_input(description *made, shapes *s, description forward, known order) {
  return dnnl_inner_product_backward_data_primitive_desc_create(made, ek_engine(), s->dx, order, s->dy, forward,
                                                                ek_attributes());
}

static int describe_gradient(description *made, shapes *s, description forward, known order) {
  return dnnl_inner_product_backward_weights_primitive_desc_create(made, ek_engine(), s->x, order, NULL, s->dy, forward,
                                                                   ek_attributes());
}
#else
static int describe_forward(description *made, shapes *s, known order) {
  dnnl_inner_product_desc_t d;
  int status = dnnl_inner_product_forward_desc_init(&d, dnnl_forward_training, &s->x, order, NULL, &s->y);
  return status ? status : dnnl_primitive_desc_create(made, &d, ek_attributes(), ek_engine(), NULL);
}

static int describe_backward_input(description *made, shapes *s, description forward, known order) {
  dnnl_inner_product_desc_t d;
  int status = dnnl_inner_product_backward_data_desc_init(&d, &s->dx, order, &s->dy);
  return status ? status : dnnl_primitive_desc_create(made, &d, ek_attributes(), ek_engine(), forward);
}

static int describe_gradient(description *made, shapes *s, description forward, known order) {
  dnnl_inner_product_desc_t d;
  int status = dnnl_inner_product_backward_weights_desc_init(&d, &s->x, order, NULL, &s->dy);
  return status ? status : dnnl_primitive_desc_create(made, &d, ek_attributes(), ek_engine(), forward);
}
#endif

typedef struct { int weights, arguments[3]; } operands;

static operands operands_of(ek_inner_product_kind kind) {
  switch (kind) {
    case EK_INNER_FORWARD: return (operands){DNNL_ARG_WEIGHTS, {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST}};
    case EK_INNER_BACKWARD_INPUT:
      return (operands){DNNL_ARG_WEIGHTS, {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC}};
    case EK_INNER_GRADIENT:
      return (operands){DNNL_ARG_DIFF_WEIGHTS, {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS}};
  }
}

static int describe(ek_inner_product *p, ek_inner_product_kind kind, shapes *s, known order) {
  if (kind == EK_INNER_FORWARD) return describe_forward(&p->made, s, order);
  description forward = NULL;
  int status = describe_forward(&forward, s, KNOWN(s->weights));
  if (!status)
    status = kind == EK_INNER_GRADIENT ? describe_gradient(&p->made, s, forward, order)
                                       : describe_backward_input(&p->made, s, forward, order);
  if (forward) dnnl_primitive_desc_destroy(forward);
  return status;
}

int ek_inner_product_create(ek_inner_product_kind kind, int64_t rows, int64_t inputs, int64_t outputs, int members,
                            const ek_inner_product *like, ek_inner_product **made) {
  *made = NULL;
  if (!ek_stream()) return dnnl_runtime_error;
  ek_inner_product *p = calloc(1, sizeof *p);
  if (!p) return dnnl_out_of_memory;
  shapes s = {0};
  operands names = operands_of(kind);
  int before = ek_begin_alone();
  int status = make_shapes(&s, rows, inputs, outputs);
  if (!status) {
    known any = kind == EK_INNER_GRADIENT ? KNOWN(s.gradient) : KNOWN(s.weights);
    status = describe(p, kind, &s, like ? ek_layout(like->made, names.weights) : any);
  }
  if (!status) status = ek_prepare(&p->run, p->made, names.arguments, 3, members);
  if (!status) {
    known weights = ek_layout(p->made, names.weights);
    p->bytes = ek_rounded(ek_bytes(weights));
    status = kind == EK_INNER_GRADIENT ? ek_make_reorder(&p->reorder, weights, KNOWN(s.plain), members)
                                       : ek_make_reorder(&p->reorder, KNOWN(s.plain), weights, members);
  }
  ek_end_alone(before);
  drop_shapes(&s);
  if (status) ek_inner_product_destroy(p);
  else *made = p;
  return status;
}

void ek_inner_product_destroy(ek_inner_product *p) {
  if (!p) return;
  ek_prepared_destroy(&p->run), ek_prepared_destroy(&p->reorder);
  if (p->made) dnnl_primitive_desc_destroy(p->made);
  free(p);
}

size_t ek_inner_product_weights_bytes(const ek_inner_product *p) { return p->bytes; }
size_t ek_inner_product_workspace_bytes(const ek_inner_product *p) {
  return ek_larger(p->run.scratch_bytes, p->reorder.scratch_bytes);
}

int ek_inner_product_reorder(ek_inner_product *p, int member, const void *from, void *to, void *workspace) {
  return ek_run(&p->reorder, member, (const void *[]){from, to, workspace});
}

int ek_inner_product_run(ek_inner_product *p, int member, const void *first, const void *second, void *result,
                         void *workspace) {
  return ek_run(&p->run, member, (const void *[]){first, second, result, workspace});
}
