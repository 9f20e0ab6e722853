// The statistics of batch norm: sums over rows, and what follows from them.
//
// They are taken in one sweep, from the first row k: with d = x - k, mean = k + sum(d)/m and
// variance = (sum(d^2) - sum(d)^2/m)/m, all in double. As k is one of the rows, its distance from the mean is at most
// sqrt(m-1) deviations, so the subtraction loses at most log2(m) of the 53 bits, whatever mean and deviation are.
#include "batch_norm.h"

// sums[0] = sum of (x - k), sums[1] = sum of (x - k)^2 over rows begin ..< end, per feature.
EK_CLONES static void sum_chunk(const float *x, size_t features, size_t begin, size_t end, double *sums) {
  size_t stride = ek_padded(features);
  for (size_t c = 0; c < 2 * stride; c++) sums[c] = 0;
  for (size_t block = begin; block < end; block += EK_BLOCK) {
    size_t count = ek_smaller(end - block, EK_BLOCK);
    for (size_t c = 0; c < features; c += EK_STRIP) {
      size_t width = features - c < EK_STRIP ? features - c : EK_STRIP;
      ek_f16 k = ek_load(x + c, width);
      ek_d8 k0 = ek_low_half(k), k1 = ek_high_half(k);
      ek_d8 *s = (ek_d8 *)(sums + c), *q = (ek_d8 *)(sums + stride + c);
      ek_d8 s0 = s[0], s1 = s[1], q0 = q[0], q1 = q[1];
      const float *p = x + block * features + c;
      for (size_t r = 0; r < count; r++, p += features) {
        ek_fetch(p + EK_AHEAD * features);
        ek_f16 v = ek_load(p, width);
        ek_d8 d0 = ek_low_half(v) - k0, d1 = ek_high_half(v) - k1;
        s0 += d0, s1 += d1;
        q0 += d0 * d0, q1 += d1 * d1;
      }
      s[0] = s0, s[1] = s1, q[0] = q0, q[1] = q1;
    }
  }
}

static void sum_chunks(ek_norm_job *j, ek_norm_share s) {
  for (size_t chunk = s.first_chunk; chunk < s.last_chunk; chunk++)
    sum_chunk(j->x, j->norm.features, ek_norm_chunk_start(j, chunk), ek_norm_chunk_start(j, chunk + 1),
              ek_norm_sums(j, chunk));
  ek_barrier();
}

// ---- of one batch -------------------------------------------------------------------------------------------------

// Merges the chunks' sums of features begin ..< end in order into mean, variance and 1/deviation.
EK_CLONES static void finish_statistics(ek_norm_job *j, size_t begin, size_t end) {
  size_t stride = ek_padded(j->norm.features);
  double m = (double)j->norm.rows;
  ek_norm_merge_chunks(j, begin, end);
  for (size_t c = begin; c < end; c++) {
    double sum = ek_norm_sums(j, 0)[c], squares = ek_norm_sums(j, 0)[stride + c];
    double mean = (double)j->x[c] + sum / m;
    double variance = (squares - sum * sum / m) / m;
    if (!ek_keep_statistics(j->statistics, c, mean, variance, j->norm.epsilon))
      ek_note_first(&j->first_bad, (ptrdiff_t)c);
  }
}

void ek_norm_take_statistics(ek_norm_job *j, ek_norm_share s) {
  sum_chunks(j, s);
  finish_statistics(j, s.first_feature, s.last_feature);
}

static void statistics_member(void *context) {
  ek_norm_job *j = context;
  ek_norm_take_statistics(j, ek_norm_share_of(j));
}

ptrdiff_t ek_batch_statistics_of(const float *x, size_t rows, size_t features, double epsilon,
                                 ek_batch_statistics statistics, double *scratch, int threads) {
  ek_norm_job j = {.norm = {.rows = rows, .features = features, .epsilon = epsilon}, .x = x, .statistics = statistics,
                   .sums = scratch};
  ek_norm_run(statistics_member, &j, threads);
  return j.first_bad;
}

// ---- of more rows than there is memory for ------------------------------------------------------------------------

// Merges the chunks' sums of features begin ..< end into mean and squares of the rows before.
EK_CLONES static void merge_statistics(ek_norm_job *j, size_t begin, size_t end) {
  size_t stride = ek_padded(j->norm.features);
  double m = (double)j->norm.rows, n = j->rows_before;
  ek_norm_merge_chunks(j, begin, end);
  for (size_t c = begin; c < end; c++) {
    double sum = ek_norm_sums(j, 0)[c], squares = ek_norm_sums(j, 0)[stride + c] - sum * sum / m;
    double difference = (double)j->x[c] + sum / m - j->mean[c];
    double mean = j->mean[c] + difference * (m / (n + m));
    double merged = j->squares[c] + (squares > 0 ? squares : 0) + difference * difference * (n * m / (n + m));
    if (!isfinite(mean) || !isfinite(merged) || !isfinite(squares)) {
      ek_note_first(&j->first_bad, (ptrdiff_t)c);
      continue;
    }
    j->mean[c] = mean;
    j->squares[c] = merged;
  }
}

static void merge_member(void *context) {
  ek_norm_job *j = context;
  ek_norm_share s = ek_norm_share_of(j);
  sum_chunks(j, s);
  merge_statistics(j, s.first_feature, s.last_feature);
}

ptrdiff_t ek_merge_statistics(const float *x, size_t rows, size_t features, double count, double *mean, double *squares,
                              double *scratch, int threads) {
  ek_norm_job j = {.norm = {.rows = rows, .features = features}, .x = x, .sums = scratch, .rows_before = count,
                   .mean = mean, .squares = squares};
  ek_norm_run(merge_member, &j, threads);
  return j.first_bad;
}
