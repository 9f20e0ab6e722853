// Activations on their own, without a batch norm before them.
#include "kernels.h"
#include "team.h"
#include "vector_math.h"

typedef struct {
  const float *x, *y, *dy;
  float *out;
  float slope;
} values;

typedef void (*loop)(const values *v, size_t count);

// A loop for each activation, so that none is chosen inside one.
#define LOOPS(NAME, KIND, SOURCE)                                                                          \
  EK_CLONES static void forward_##NAME(const values *v, size_t count) {                                  \
    EK_FOR_LANES(0, count, ek_store(v->out + i, ek_activate(ek_load(v->x + i, n), KIND, v->slope), n);); \
  }                                                                                                        \
  EK_CLONES static void backward_##NAME(const values *v, size_t count) {                                 \
    const float *from = SOURCE == EK_FROM_X ? v->x : v->y;                                                 \
    EK_FOR_LANES(0, count, {                                                                             \
      ek_f16 value = ek_load(from + i, n);                                                                 \
      ek_f16 derivative = ek_activation_derivative(value, value, KIND, v->slope);                          \
      ek_store(v->out + i, ek_load(v->dy + i, n) * derivative, n);                                         \
    });                                                                                                    \
  }
EK_ACTIVATIONS(LOOPS)

static loop forward_of(ek_activation activation) {
  switch (activation) {
#define CASE(NAME, KIND, SOURCE) case KIND: return forward_##NAME;
    EK_ACTIVATIONS(CASE)
#undef CASE
  }
  return forward_identity;
}

static loop backward_of(ek_activation activation) {
  switch (activation) {
#define CASE(NAME, KIND, SOURCE) case KIND: return backward_##NAME;
    EK_ACTIVATIONS(CASE)
#undef CASE
  }
  return backward_identity;
}

void ek_activation_forward(const float *x, size_t count, ek_activation activation, float slope, float *y) {
  values v = {.x = x, .out = y, .slope = slope};
  forward_of(activation)(&v, count);
}

void ek_activation_backward(const float *x, const float *y, const float *dy, size_t count, ek_activation activation,
                            float slope, float *dx) {
  values v = {.x = x, .y = activation == EK_IDENTITY ? dy : y, .dy = dy, .out = dx, .slope = slope};
  backward_of(activation)(&v, count);
}
