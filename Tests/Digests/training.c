// Losses and optimizers.
#include "digests.h"
#include "kernels.h"

static void softmax(size_t rows, size_t classes, float smoothing) {
  size_t count = rows * classes, correct = 0;
  float *z = numbers(count, -8, 8), *d = zeros(count * sizeof(float));
  int32_t *labels = places(rows, (int32_t)classes);
  double loss = ek_softmax_cross_entropy(z, labels, rows, classes, smoothing, 0.125f, d, &correct);
  take_doubles(&loss, 1), take_floats(d, count);
  loss = ek_softmax_cross_entropy(z, labels, rows, classes, smoothing, 0.125f, NULL, &correct);
  ek_softmax(z, rows, classes, d);
  uint64_t hits = correct;
  take_doubles(&loss, 1), take_floats(d, count), take_bytes(&hits, sizeof hits);
  line("softmax of %zu by %zu, smoothing %g", rows, classes, (double)smoothing);
}

static void losses(size_t rows, size_t width) {
  size_t count = rows * width;
  float *y = numbers(count, -4, 4), *t = numbers(count, 0, 1), *d = zeros(count * sizeof(float));
  double loss = ek_sigmoid_cross_entropy(y, t, count, 0.25f, d);
  take_doubles(&loss, 1), take_floats(d, count);
  loss = ek_squared_error(y, t, count, 0.3f, d);
  take_doubles(&loss, 1), take_floats(d, count);
  loss = ek_huber(y, t, count, 0.7f, 0.3f, d);
  take_doubles(&loss, 1), take_floats(d, count);
  double *sums = zeros(3 * width * sizeof(double));
  ek_target_sums(y, t, numbers(rows, 0.5f, 2), rows, width, sums);
  take_doubles(sums, 3 * width);
  line("losses of %zu by %zu", rows, width);
}

static void optimizer(const char *name, ek_optimizer_kind kind, size_t count) {
  float *p = numbers(count, -1, 1), *m = zeros(count * sizeof(float)), *v = zeros(count * sizeof(float));
  for (int step = 1; step <= 3; step++) {
    ek_optimizer o = {.kind = kind, .learning_rate = 0.01, .momentum = 0.9, .decay1 = 0.9, .decay2 = 0.999, .epsilon = 1e-8,
                      .correction1 = step == 1 ? 0.1 : step == 2 ? 0.19 : 0.271,
                      .correction2 = step == 1 ? 0.001 : step == 2 ? 0.001999 : 0.002997001,
                      .weight_decay = 0.02, .decayed = count / 2, .gradient_scale = 0.7};
    ek_optimizer_step(&o, p, numbers(count, -1, 1), m, v, count, threads);
    take_floats(p, count), take_floats(m, count), take_floats(v, count);
  }
  line("%s of %zu", name, count);
}

void training_lines(void) {
  softmax(1, 1, 0), softmax(7, 10, 0), softmax(33, 17, 0.1f), softmax(100, 100, 0.1f), softmax(5, 1000, 0);
  losses(1, 1), losses(37, 3), losses(500, 7);
#define OPTIMIZER(NAME, KIND) optimizer(#NAME, KIND, 5), optimizer(#NAME, KIND, 1000), optimizer(#NAME, KIND, 70001);
  EK_OPTIMIZERS(OPTIMIZER)
#undef OPTIMIZER
}
