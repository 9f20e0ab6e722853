// Batch norm over weighted examples, or examples with only their first positions valid. It differs from batch_norm.c in
// the statistics and in the terms of the gradient that go through them. The sweeps in between are the same.
#include "batch_norm.h"

static double weight_of(const ek_weights *w, size_t example) { return w->weights ? (double)w->weights[example] : 1; }

static size_t length_of(const ek_weights *w, size_t example) {
  return w->lengths ? (size_t)w->lengths[example] : w->positions;
}

typedef struct {
  const ek_weights *weights;
  const float *x;
  size_t features, chunks;
  double epsilon;
  ek_batch_statistics statistics;
  double *sums;
  ptrdiff_t first_bad;
} weighted_job;

// sums[0] += w (x - k), sums[1] += w (x - k)^2 over `count` rows, per feature.
EK_CLONES static void sum_weighted_rows(const float *const *rows, const double *weights, size_t count,
                                        const float *shift, size_t features, double *sums) {
  size_t stride = ek_padded(features);
  for (size_t c = 0; c < features; c += EK_STRIP) {
    size_t width = features - c < EK_STRIP ? features - c : EK_STRIP;
    ek_f16 k = ek_load(shift + c, width);
    ek_d8 k0 = ek_low_half(k), k1 = ek_high_half(k);
    ek_d8 *s = (ek_d8 *)(sums + c), *q = (ek_d8 *)(sums + stride + c);
    ek_d8 s0 = s[0], s1 = s[1], q0 = q[0], q1 = q[1];
    for (size_t r = 0; r < count; r++) {
      ek_f16 v = ek_load(rows[r] + c, width);
      ek_d8 d0 = ek_low_half(v) - k0, d1 = ek_high_half(v) - k1;
      s0 += weights[r] * d0, s1 += weights[r] * d1;
      q0 += weights[r] * d0 * d0, q1 += weights[r] * d1 * d1;
    }
    s[0] = s0, s[1] = s1, q[0] = q0, q[1] = q1;
  }
}

static void sum_weighted_chunk(const weighted_job *j, size_t begin, size_t end, double *sums) {
  const ek_weights *w = j->weights;
  const float *rows[EK_BLOCK], *shift = j->x + w->heaviest * j->features;
  double weights[EK_BLOCK];
  size_t count = 0;
  for (size_t i = 0; i < 2 * ek_padded(j->features); i++) sums[i] = 0;
  for (size_t example = begin; example < end; example++) {
    double weight = weight_of(w, example);
    size_t length = weight > 0 ? length_of(w, example) : 0;
    for (size_t p = 0; p < length; p++) {
      rows[count] = j->x + (example * w->positions + p) * j->features;
      weights[count++] = weight;
      if (count < EK_BLOCK) continue;
      sum_weighted_rows(rows, weights, count, shift, j->features, sums);
      count = 0;
    }
  }
  if (count) sum_weighted_rows(rows, weights, count, shift, j->features, sums);
}

// The chunks' sums in order: mean, variance and 1/deviation of features begin ..< end.
static void finish_weighted(weighted_job *j, size_t begin, size_t end) {
  size_t stride = ek_padded(j->features);
  double total = j->weights->total;
  for (size_t c = begin; c < end; c++) {
    double sum = 0, squares = 0;
    for (size_t chunk = 0; chunk < j->chunks; chunk++) {
      sum += j->sums[2 * chunk * stride + c];
      squares += j->sums[(2 * chunk + 1) * stride + c];
    }
    double mean = (double)j->x[j->weights->heaviest * j->features + c] + sum / total;
    double variance = (squares - sum * sum / total) / total;
    if (!ek_keep_statistics(j->statistics, c, mean, variance, j->epsilon))
      ek_note_first(&j->first_bad, (ptrdiff_t)c);
  }
}

static void weighted_member(void *context) {
  weighted_job *j = context;
  size_t examples = j->weights->examples, begin, end;
  ek_share(j->chunks, EK_ROW, &begin, &end);
  for (size_t chunk = begin; chunk < end; chunk++)
    sum_weighted_chunk(j, ek_cut(examples, chunk, j->chunks), ek_cut(examples, chunk + 1, j->chunks),
                       j->sums + 2 * chunk * ek_padded(j->features));
  ek_barrier();
  ek_share(j->features, EK_VECTOR, &begin, &end);
  finish_weighted(j, begin, end);
}

ptrdiff_t ek_weighted_statistics_of(const float *x, const ek_weights *weights, size_t features, double epsilon,
                                    ek_batch_statistics statistics, double *scratch, int threads) {
  size_t rows = weights->examples * weights->positions;
  weighted_job j = {.weights = weights, .x = x, .features = features, .epsilon = epsilon, .statistics = statistics,
                    .sums = scratch, .first_bad = -1};
  // As many chunks as the scratch was measured for: pairs of sums and a pair of rows beside them.
  j.chunks = (ek_batch_norm_scratch(rows, features) / ek_padded(features) - 2) / 2;
  j.chunks = ek_smaller(j.chunks, weights->examples);
  ek_team(weighted_member, &j, rows * features, threads);
  return j.first_bad;
}

typedef struct {
  const ek_weights *weights;
  const ek_batch_norm *norm;
  const float *x, *sum_dz, *sum_dz_n;
  ek_batch_statistics statistics;
  float *dx;
} correction;

// dx -= scale * r * w/W * (sum_dz + n * sum_dz_n) over one row.
EK_CLONES static void correct_row(const correction *j, size_t at, float weight) {
  EK_FOR_LANES(0, j->norm->features, {
    ek_f16 inverse = ek_load(j->statistics.inverse_deviation + i, n);
    ek_f16 gain = j->norm->scale ? ek_load(j->norm->scale + i, n) * inverse : inverse;
    ek_f16 d = (ek_load(j->x + at + i, n) - ek_load(j->statistics.mean_high + i, n)) -
               ek_load(j->statistics.mean_low + i, n);
    ek_f16 through = weight * (ek_load(j->sum_dz + i, n) + (d * inverse) * ek_load(j->sum_dz_n + i, n));
    ek_store(j->dx + at + i, ek_load(j->dx + at + i, n) - gain * through, n);
  });
}

static void correct_examples(void *context, size_t begin, size_t end) {
  const correction *j = context;
  const ek_weights *w = j->weights;
  for (size_t example = begin; example < end; example++) {
    float weight = (float)(weight_of(w, example) / w->total);
    size_t length = weight > 0 ? length_of(w, example) : 0;
    for (size_t p = 0; p < length; p++)
      correct_row(j, (example * w->positions + p) * j->norm->features, weight);
  }
}

void ek_weighted_norm_backward(const ek_batch_norm *norm, const float *x, const float *y, float *dy,
                               const ek_weights *weights, ek_batch_statistics statistics, float *dscale,
                               float *dshift, float *dx, double *scratch, int threads) {
  ek_batch_norm given = *norm;
  given.frozen = 1;
  ek_batch_norm_backward(&given, x, y, dy, statistics, dscale, dshift, dx, scratch, threads);
  if (!dx) return;
  correction j = {.weights = weights, .norm = norm, .x = x, .sum_dz = dshift, .sum_dz_n = dscale,
                  .statistics = statistics, .dx = dx};
  ek_each(correct_examples, &j, weights->examples, EK_ROW, norm->rows * norm->features, threads);
}
