// The statistics of batch norm: the moments of slices, merged.
//
// A slice is swept once, from one of its rows k: with d = x - k, mean = k + sum(d)/m and the squared differences from it
// sum(d^2) - sum(d)^2/m, all in double. As k is one of the rows, its distance from the mean is at most sqrt(m-1) deviations, so
// the subtraction loses at most log2(m) of the 53 bits, whatever mean and deviation are.
#include "batch_norm.h"

enum { MOMENT_STRIPS = 4 };  // side by side: cache lines that follow one another, as many as the registers hold

size_t ek_slice_stride(size_t features) { return 2 * ek_padded(features) + 8; }
size_t ek_slice_second(size_t features) { return ek_padded(features); }

// From sums of differences from the row k to moments.
EK_CLONES static void finish_moments(const float *k, size_t features, double weight, double *moments) {
  double *restrict mean = ek_first_sums(moments), *restrict squares = ek_second_sums(moments, features);
  for (size_t c = 0; c < features; c++) {
    double sum = mean[c], left = squares[c] - sum * sum / weight;
    mean[c] = (double)k[c] + sum / weight;
    // Rounding may take it below 0; a NaN stays.
    squares[c] = left < 0 ? 0 : left;
  }
  *ek_slice_weight(moments, features) = weight;
}

// Adds the differences and their squares, over rows begin ..< end, of `vectors` strips from feature c on, `width` features each.
EK_INLINE void add_differences(const float *x, size_t begin, size_t end, size_t features, size_t c, int vectors,
                               size_t width, double *moments) {
  ek_d8 k[2 * MOMENT_STRIPS], s[2 * MOMENT_STRIPS], q[2 * MOMENT_STRIPS];
  ek_d8 *sums = (ek_d8 *)(moments + c), *squares = (ek_d8 *)(ek_second_sums(moments, features) + c);
  for (int v = 0; v < vectors; v++) {
    ek_f16 from = ek_load(x + c + v * EK_STRIP, width);
    k[2 * v] = ek_low_half(from), k[2 * v + 1] = ek_high_half(from);
  }
  for (int h = 0; h < 2 * vectors; h++) s[h] = sums[h], q[h] = squares[h];
  const float *p = x + begin * features + c;
  for (size_t row = begin; row < end; row++, p += features) {
    for (int v = 0; v < vectors; v++) {
      ek_fetch(p + v * EK_STRIP + EK_AHEAD * features);
      ek_f16 value = ek_load(p + v * EK_STRIP, width);
      ek_d8 d0 = ek_low_half(value) - k[2 * v], d1 = ek_high_half(value) - k[2 * v + 1];
      s[2 * v] += d0, s[2 * v + 1] += d1;
      q[2 * v] += d0 * d0, q[2 * v + 1] += d1 * d1;
    }
  }
  for (int h = 0; h < 2 * vectors; h++) sums[h] = s[h], squares[h] = q[h];
}

EK_CLONES static void sum_differences(const float *x, size_t rows, size_t features, double *moments) {
  const size_t wide = MOMENT_STRIPS * EK_STRIP;
  for (size_t c = 0; c < 2 * ek_padded(features); c++) moments[c] = 0;
  for (size_t row = 0; row < rows; row += EK_BLOCK) {
    size_t end = ek_smaller(rows, row + EK_BLOCK), c = 0;
    for (; c + wide <= features; c += wide)
      add_differences(x, row, end, features, c, MOMENT_STRIPS, EK_STRIP, moments);
    for (; c + EK_STRIP <= features; c += EK_STRIP)
      add_differences(x, row, end, features, c, 1, EK_STRIP, moments);
    if (c < features) add_differences(x, row, end, features, c, 1, features - c, moments);
  }
}

void ek_slice_moments(const float *x, size_t rows, size_t features, double *moments) {
  sum_differences(x, rows, features, moments);
  finish_moments(x, features, (double)rows, moments);
}

// ---- weighted rows ------------------------------------------------------------------------------------------------

static double weight_of(const ek_weights *w, size_t example) {
  double weight = w->weights ? (double)w->weights[example] : 1;
  return w->lengths && w->lengths[example] == 0 ? 0 : weight;
}

static size_t length_of(const ek_weights *w, size_t example) {
  return w->lengths ? (size_t)w->lengths[example] : w->positions;
}

// Adds w (x - k) and w (x - k)^2 of some rows.
EK_CLONES static void add_weighted_rows(const float *const *rows, const double *weights, size_t count, const float *k,
                                        size_t features, double *moments) {
  for (size_t c = 0; c < features; c += EK_STRIP) {
    size_t width = features - c < EK_STRIP ? features - c : EK_STRIP;
    ek_f16 from = ek_load(k + c, width);
    ek_d8 k0 = ek_low_half(from), k1 = ek_high_half(from);
    ek_d8 *s = (ek_d8 *)(moments + c), *q = (ek_d8 *)(ek_second_sums(moments, features) + c);
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

void ek_slice_weighted_moments(const float *x, const ek_weights *w, size_t features, double *moments) {
  const float *rows[EK_BLOCK], *k = NULL;
  double weights[EK_BLOCK], total = 0, heaviest = 0;
  size_t count = 0, length_of_row = w->positions * features;
  for (size_t c = 0; c < 2 * ek_padded(features); c++) moments[c] = 0;
  // From the heaviest row, whose distance from the mean is at most sqrt(rows) deviations.
  for (size_t example = 0; example < w->examples; example++) {
    double weight = weight_of(w, example);
    total += weight * (double)length_of(w, example);
    if (weight > heaviest) heaviest = weight, k = x + example * length_of_row;
  }
  *ek_slice_weight(moments, features) = total;
  if (!k) return;
  for (size_t example = 0; example < w->examples; example++) {
    double weight = weight_of(w, example);
    size_t length = weight > 0 ? length_of(w, example) : 0;
    for (size_t p = 0; p < length; p++) {
      rows[count] = x + example * length_of_row + p * features;
      weights[count++] = weight;
      if (count < EK_BLOCK) continue;
      add_weighted_rows(rows, weights, count, k, features, moments);
      count = 0;
    }
  }
  if (count) add_weighted_rows(rows, weights, count, k, features, moments);
  finish_moments(k, features, total, moments);
}

// ---- merging ------------------------------------------------------------------------------------------------------

EK_CLONES static void merge_two(double *moments, const double *other, size_t features) {
  size_t stride = ek_padded(features);
  double own = moments[2 * stride], added = other[2 * stride], both = own + added;
  if (added == 0) return;
  double *restrict mean = moments, *restrict squares = moments + stride;
  double share = added / both, weight = own * share;
  for (size_t c = 0; c < features; c++) {
    double difference = other[c] - mean[c];
    mean[c] += difference * share;
    squares[c] += other[stride + c] + difference * difference * weight;
  }
  moments[2 * stride] = both;
}

EK_CLONES static void add_two(double *sums, const double *other, size_t features) {
  double *restrict to = sums;
  for (size_t c = 0; c < ek_slice_stride(features); c++) to[c] += other[c];
}

// A balanced tree: neighbors, then neighbors of these, and so on.
static void merge(double *sums, size_t slices, size_t features, void (*two)(double *, const double *, size_t)) {
  size_t stride = ek_slice_stride(features);
  for (size_t apart = 1; apart < slices; apart *= 2)
    for (size_t s = 0; s + apart < slices; s += 2 * apart) two(sums + s * stride, sums + (s + apart) * stride, features);
}

void ek_merge_moments(double *moments, size_t slices, size_t features) { merge(moments, slices, features, merge_two); }

void ek_merge_sums(double *sums, size_t slices, size_t features) { merge(sums, slices, features, add_two); }

void ek_merge_moments_of(double *moments, const double *other, size_t features) { merge_two(moments, other, features); }

void ek_merge_sums_of(double *sums, const double *other, size_t features) { add_two(sums, other, features); }

ptrdiff_t ek_statistics_from(const double *moments, size_t features, double epsilon, ek_batch_statistics statistics) {
  size_t stride = ek_padded(features);
  double weight = moments[2 * stride];
  ptrdiff_t bad = -1;
  for (size_t c = features; c-- > 0;)
    if (!ek_keep_statistics(statistics, c, moments[c], moments[stride + c] / weight, epsilon)) bad = (ptrdiff_t)c;
  return bad;
}

// ---- of a batch at once -------------------------------------------------------------------------------------------

size_t ek_slice_count(size_t rows, size_t features) {
  size_t wanted = ek_smaller(rows * features / 65536, ek_smaller(64, rows / (2 * EK_BLOCK)));
  return wanted ? wanted : 1;
}

size_t ek_batch_norm_scratch(size_t rows, size_t features) {
  return ek_slice_count(rows, features) * ek_slice_stride(features) + ek_padded(features);
}

typedef struct {
  const float *x;
  size_t rows, features, slices;
  double *moments;
} moments_job;

static void moments_of_slice(void *context, size_t slice, int member) {
  const moments_job *j = context;
  size_t begin = ek_cut(j->rows, slice, j->slices), end = ek_cut(j->rows, slice + 1, j->slices);
  ek_slice_moments(j->x + begin * j->features, end - begin, j->features,
                   j->moments + slice * ek_slice_stride(j->features));
}

void ek_moments_of(const float *x, size_t rows, size_t features, double *scratch, int threads) {
  moments_job j = {.x = x, .rows = rows, .features = features, .slices = ek_slice_count(rows, features),
                   .moments = scratch};
  ek_team_run(moments_of_slice, &j, j.slices, threads);
  ek_merge_moments(scratch, j.slices, features);
}

ptrdiff_t ek_batch_statistics_of(const float *x, size_t rows, size_t features, double epsilon,
                                 ek_batch_statistics statistics, double *scratch, int threads) {
  ek_moments_of(x, rows, features, scratch, threads);
  return ek_statistics_from(scratch, features, epsilon, statistics);
}
