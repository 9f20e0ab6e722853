// Every parameter of a model is updated in one sweep over one buffer.
#include "kernels.h"
#include "team.h"
#include "vector_math.h"

typedef struct {
  const ek_optimizer *o;
  float *p, *state1, *state2;
  const float *g;
  size_t count;
} update;

// Values begin ..< end, all decayed by `decay` or (0) none.
EK_INLINE void step(const update *u, size_t begin, size_t end, float decay, ek_optimizer_kind kind) {
  const ek_optimizer *o = u->o;
  float rate = (float)o->learning_rate, m = (float)o->momentum, d1 = (float)o->decay1, d2 = (float)o->decay2;
  float rest1 = (float)(1 - o->decay1), rest2 = (float)(1 - o->decay2), epsilon = (float)o->epsilon;
  float adam_rate = (float)(o->learning_rate / o->correction1), root2 = (float)(1 / sqrt(o->correction2));
  float gain = (float)o->gradient_scale, kept = (float)(1 - o->learning_rate * (double)decay);
  EK_FOR_LANES(begin, end, {
    ek_f16 p = ek_load(u->p + i, n), g = ek_load(u->g + i, n) * gain;
    if (kind == EK_ADAMW) p = p * kept;
    else g = g + decay * p;
    if (kind == EK_GRADIENT_DESCENT) p = p - rate * g;
    if (kind == EK_MOMENTUM || kind == EK_NESTEROV) {
      ek_f16 v = m * ek_load(u->state1 + i, n) + g;
      ek_store(u->state1 + i, v, n);
      p = p - rate * (kind == EK_NESTEROV ? g + m * v : v);
    }
    if (kind == EK_RMSPROP) {
      ek_f16 s = d2 * ek_load(u->state2 + i, n) + rest2 * (g * g);
      ek_store(u->state2 + i, s, n);
      p = p - rate * g / (__builtin_elementwise_sqrt(s) + epsilon);
    }
    if (kind == EK_ADAM || kind == EK_ADAMW) {
      ek_f16 first = d1 * ek_load(u->state1 + i, n) + rest1 * g;
      ek_f16 second = d2 * ek_load(u->state2 + i, n) + rest2 * (g * g);
      ek_store(u->state1 + i, first, n);
      ek_store(u->state2 + i, second, n);
      p = p - adam_rate * first / (__builtin_elementwise_sqrt(second) * root2 + epsilon);
    }
    ek_store(u->p + i, p, n);
  });
}

#define KIND(NAME, VALUE)                                                                           \
  EK_CLONES static void step_##NAME(const update *u, size_t begin, size_t end, float decay) {       \
    step(u, begin, end, decay, VALUE);                                                              \
  }
#define FOR_EACH_KIND(DO)                                                                                      \
  DO(gradient_descent, EK_GRADIENT_DESCENT) DO(momentum, EK_MOMENTUM) DO(nesterov, EK_NESTEROV)                \
  DO(rmsprop, EK_RMSPROP) DO(adam, EK_ADAM) DO(adamw, EK_ADAMW)
FOR_EACH_KIND(KIND)

static void step_range(const update *u, size_t begin, size_t end, float decay) {
  switch (u->o->kind) {
#define CASE(NAME, VALUE) case VALUE: step_##NAME(u, begin, end, decay); break;
    FOR_EACH_KIND(CASE)
#undef CASE
  }
}

static void step_member(void *context) {
  const update *u = context;
  size_t begin, end, boundary = u->o->decayed;
  ek_share(u->count, &begin, &end);
  size_t middle = boundary < begin ? begin : boundary > end ? end : boundary;
  step_range(u, begin, middle, (float)u->o->weight_decay);
  step_range(u, middle, end, 0);
}

void ek_optimizer_step(const ek_optimizer *optimizer, float *p, const float *g, float *state1, float *state2,
                       size_t count, int threads) {
  update u = {.o = optimizer, .p = p, .g = g, .state1 = state1, .state2 = state2, .count = count};
  ek_team(step_member, &u, count, threads);
}
