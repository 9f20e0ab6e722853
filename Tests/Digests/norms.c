// Batch norm: forward, backward and statistics of whole batches and of slices, weighted or not, and its derivatives in a direction.
#include "digests.h"
#include "kernels.h"

typedef struct {
  size_t rows, features;
} shape;

static const shape shapes[] = {{1, 1}, {2, 3}, {5, 16}, {33, 17}, {64, 32}, {100, 50}, {1000, 70}, {257, 129}};
enum { shape_count = sizeof shapes / sizeof *shapes };

typedef struct {
  size_t count, features;
  float *x, *y, *dy, *scale, *shift, *dscale, *dshift;
  ek_batch_statistics statistics;
  double *scratch;
} batch;

static batch make(shape s) {
  batch b = {.count = s.rows * s.features, .features = s.features};
  // A mean that is large beside the deviation, so that its low part counts.
  b.x = numbers(b.count, 90, 110), b.dy = numbers(b.count, -1, 1);
  b.scale = numbers(s.features, 0.5f, 2), b.shift = numbers(s.features, -1, 1);
  b.y = zeros(b.count * sizeof(float));
  b.dscale = zeros(s.features * sizeof(float)), b.dshift = zeros(s.features * sizeof(float));
  b.statistics = (ek_batch_statistics){zeros(s.features * sizeof(float)), zeros(s.features * sizeof(float)),
                                       zeros(s.features * sizeof(float)), zeros(s.features * sizeof(float))};
  b.scratch = zeros(ek_batch_norm_scratch(s.rows, s.features) * sizeof(double));
  return b;
}

static void take_statistics(const batch *b) {
  take_floats(b->statistics.mean_high, b->features), take_floats(b->statistics.mean_low, b->features);
  take_floats(b->statistics.variance, b->features), take_floats(b->statistics.inverse_deviation, b->features);
}

static void whole(shape s, const char *name, ek_activation activation, int is_affine, int adds, int frozen) {
  batch b = make(s);
  ek_batch_norm norm = {.rows = s.rows, .features = s.features, .epsilon = 1e-5, .activation = activation, .slope = 0.3f};
  if (is_affine) norm.scale = b.scale, norm.shift = b.shift;
  if (adds) norm.addend = numbers(b.count, -1, 1);
  ek_batch_norm_forward(&norm, b.x, b.y, b.statistics, b.scratch, threads);
  take_floats(b.y, b.count), take_statistics(&b);
  float *dx = zeros(b.count * sizeof(float));
  ek_batch_norm_backward(&norm, frozen, b.x, b.y, b.dy, b.statistics, b.dscale, b.dshift, dx, b.scratch, threads);
  take_floats(dx, b.count), take_floats(b.dscale, s.features), take_floats(b.dshift, s.features);
  line("batch norm of %zu by %zu, then %s%s%s%s", s.rows, s.features, name, is_affine ? "" : ", plain",
       adds ? ", with an addend" : "", frozen ? ", frozen" : "");
}

static void weighted(shape s) {
  batch b = make(s);
  size_t positions = s.rows % 2 ? 1 : 2, examples = s.rows / positions;
  float *weights = numbers(examples, 0.5f, 1.5f);
  int32_t *lengths = places(examples, (int32_t)positions);
  double total = 0;
  for (size_t i = 0; i < examples; i++) lengths[i]++, total += (double)weights[i] * lengths[i];
  ek_weights w = {examples, positions, weights, lengths, total};
  ek_slice_weighted_moments(b.x, &w, s.features, b.scratch);
  take_doubles(b.scratch, ek_slice_stride(s.features));
  ek_statistics_from(b.scratch, s.features, 1e-5, b.statistics);
  take_statistics(&b);
  ek_batch_norm norm = {.rows = s.rows, .features = s.features, .epsilon = 1e-5, .scale = b.scale, .shift = b.shift};
  ek_batch_norm_apply(&norm, b.x, b.y, b.statistics);
  ek_batch_norm_spread_weights(&norm, b.x, &w, b.statistics, b.scale, b.shift, b.y);
  take_floats(b.y, b.count);
  line("weighted batch norm of %zu by %zu", s.rows, s.features);
}

static void tangents(shape s, int frozen) {
  batch b = make(s);
  size_t f = s.features;
  ek_norm_point p = {.rows = s.rows, .features = f, .epsilon = 1e-5, .frozen = frozen, .scale = b.scale};
  p.n = zeros(b.count * sizeof(float)), p.n_tangent = zeros(b.count * sizeof(float));
  double *doubles = zeros(7 * f * sizeof(double));
  p.mean = doubles, p.s = doubles + f, p.sum_dz = doubles + 2 * f, p.sum_dz_n = doubles + 3 * f, p.k = doubles + 4 * f;
  p.sums = doubles + 5 * f;
  for (size_t c = 0; c < f; c++) p.mean[c] = 100 + next(), p.s[c] = next();
  float *out = zeros(b.count * sizeof(float));
  ek_norm_point_forward(&p, b.x, b.shift, out);
  take_floats(out, b.count);
  ek_norm_point_backward(&p, b.dy, out);
  take_floats(out, b.count);
  float *moved = numbers(b.count, -1, 1), *moved_scale = numbers(f, -1, 1);
  ek_norm_point_forward_tangent(&p, moved, moved_scale, b.shift, out);
  take_floats(out, b.count);
  ek_norm_point_backward_tangent(&p, b.dy, moved, moved_scale, b.dshift, b.dscale, out);
  take_floats(out, b.count), take_floats(b.dshift, f), take_floats(b.dscale, f);
  line("batch norm of %zu by %zu in a direction%s", s.rows, f, frozen ? ", frozen" : "");
}

void norm_lines(void) {
  for (size_t i = 0; i < shape_count; i++) {
#define WHOLE(NAME, KIND, SOURCE) whole(shapes[i], #NAME, KIND, 1, 0, 0);
    EK_ACTIVATIONS(WHOLE)
#undef WHOLE
    whole(shapes[i], "identity", EK_IDENTITY, 0, 0, 0);
    whole(shapes[i], "relu", EK_RELU, 1, 0, 1);
    whole(shapes[i], "relu", EK_RELU, 1, 1, 0);
    whole(shapes[i], "identity", EK_IDENTITY, 1, 1, 0);
    weighted(shapes[i]);
    tangents(shapes[i], 0);
    tangents(shapes[i], 1);
  }
}
