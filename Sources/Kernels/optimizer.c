// Every parameter of a model is updated in one sweep over one buffer.
#include "kernels.h"
#include "team.h"
#include "vector_math.h"

typedef struct {
  const ek_optimizer *o;
  float *p, *state1, *state2;
  const float *g;
} update;

// 1, -1, or 0; a NaN stays one.
EK_INLINE ek_f16 sign(ek_f16 x) {
  return ek_choose(x > 0.0f, ek_splat(1), ek_choose(x < 0.0f, ek_splat(-1), x));
}

// Values begin ..< end, all decayed by `decay` or (0) none.
EK_INLINE void step(const update *u, size_t begin, size_t end, float decay, ek_optimizer_kind kind) {
  const ek_optimizer *o = u->o;
  float rate = (float)o->learning_rate, m = (float)o->momentum, d1 = (float)o->decay1, d2 = (float)o->decay2;
  float rest1 = (float)(1 - o->decay1), rest2 = (float)(1 - o->decay2), epsilon = (float)o->epsilon;
  float adam_rate = (float)(o->learning_rate / o->correction1), root2 = (float)(1 / sqrt(o->correction2));
  float gain = (float)o->gradient_scale, kept = (float)(1 - o->learning_rate * (double)decay);
  EK_FOR_LANES(begin, end, {
    ek_f16 p = ek_load(u->p + i, n), g = ek_load(u->g + i, n) * gain;
    if (kind == EK_ADAMW || kind == EK_LION) p = p * kept;
    else g = g + decay * p;
    switch (kind) {
      case EK_GRADIENT_DESCENT: p = p - rate * g; break;
      case EK_MOMENTUM:
      case EK_NESTEROV: {
        ek_f16 v = m * ek_load(u->state1 + i, n) + g;
        ek_store(u->state1 + i, v, n);
        p = p - rate * (kind == EK_NESTEROV ? g + m * v : v);
        break;
      }
      case EK_RMSPROP: {
        ek_f16 s = d2 * ek_load(u->state2 + i, n) + rest2 * (g * g);
        ek_store(u->state2 + i, s, n);
        p = p - rate * g / (__builtin_elementwise_sqrt(s) + epsilon);
        break;
      }
      case EK_ADAM:
      case EK_ADAMW: {
        ek_f16 first = d1 * ek_load(u->state1 + i, n) + rest1 * g;
        ek_f16 second = d2 * ek_load(u->state2 + i, n) + rest2 * (g * g);
        ek_store(u->state1 + i, first, n);
        ek_store(u->state2 + i, second, n);
        p = p - adam_rate * first / (__builtin_elementwise_sqrt(second) * root2 + epsilon);
        break;
      }
      case EK_LION: {
        ek_f16 v = ek_load(u->state1 + i, n);
        ek_store(u->state1 + i, d2 * v + rest2 * g, n);
        p = p - rate * sign(d1 * v + rest1 * g);
        break;
      }
    }
    ek_store(u->p + i, p, n);
  });
}

typedef void (*decayed_step)(const update *u, size_t begin, size_t end, float decay);

#define STEP(NAME, KIND)                                                                            \
  EK_CLONES static void step_##NAME(const update *u, size_t begin, size_t end, float decay) {       \
    step(u, begin, end, decay, KIND);                                                               \
  }
EK_OPTIMIZERS(STEP)

static decayed_step step_of(ek_optimizer_kind kind) {
  switch (kind) {
#define CASE(NAME, KIND) case KIND: return step_##NAME;
    EK_OPTIMIZERS(CASE)
#undef CASE
  }
  return step_gradient_descent;
}

static void step_values(void *context, size_t begin, size_t end, int member) {
  const update *u = context;
  size_t boundary = u->o->decayed;
  size_t middle = boundary < begin ? begin : ek_smaller(boundary, end);
  decayed_step step = step_of(u->o->kind);
  step(u, begin, middle, (float)u->o->weight_decay);
  step(u, middle, end, 0);
}

void ek_optimizer_step(const ek_optimizer *optimizer, float *p, const float *g, float *state1, float *state2,
                       size_t count, int threads) {
  update u = {.o = optimizer, .p = p, .g = g, .state1 = state1, .state2 = state2};
  ek_each(step_values, &u, count, EK_VECTOR, count, threads);
}
