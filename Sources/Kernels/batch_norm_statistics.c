// The statistics of batch norm: sums over rows, and what is made of them.
//
// They are taken in one sweep, from the first row k: with d = x - k, mean = k + sum(d)/m and
// variance = (sum(d^2) - sum(d)^2/m)/m, all in double. As k is one of the rows, its distance from the mean is at most
// sqrt(m-1) deviations, so the subtraction loses at most log2(m) of the 53 bits, whatever mean and deviation are.
// Rows are cut into chunks by the shape alone and the chunks' sums merged in order: the same bits for any team.
#include "batch_norm.h"

// Scratch: `chunks` pairs of sums, then two rows of means; each row padded to whole strips.
static size_t chunk_count(size_t rows, size_t features) {
  size_t wanted = rows * features / 65536;
  size_t most = minimum(64, rows / (2 * BLOCK));
  wanted = minimum(wanted, most);
  return wanted ? wanted : 1;
}

size_t ek_batch_norm_scratch(size_t rows, size_t features) {
  return (2 * chunk_count(rows, features) + 2) * padded(features);
}

// Adds the sums of features begin ..< end of all chunks, in order, to those of the first.
EK_CLONES void ek_norm_merge_chunks(const job *j, size_t begin, size_t end) {
  size_t stride = padded(j->norm.features);
  double *restrict first = chunk_sums(j, 0), *restrict second = first + stride;
  for (size_t chunk = 1; chunk < j->chunks; chunk++) {
    const double *next = chunk_sums(j, chunk);
    for (size_t c = begin; c < end; c++) first[c] += next[c];
    for (size_t c = begin; c < end; c++) second[c] += next[stride + c];
  }
}

// sums[0] = sum of (x - k), sums[1] = sum of (x - k)^2 over rows begin ..< end, per feature.
EK_CLONES static void sum_chunk(const float *x, size_t features, size_t begin, size_t end, double *sums) {
  size_t stride = (features + STRIP - 1) / STRIP * STRIP;
  for (size_t c = 0; c < 2 * stride; c++) sums[c] = 0;
  for (size_t block = begin; block < end; block += BLOCK) {
    size_t count = end - block < BLOCK ? end - block : BLOCK;
    for (size_t c = 0; c < features; c += STRIP) {
      size_t width = features - c < STRIP ? features - c : STRIP;
      ek_f16 k = ek_load(x + c, width);
      ek_d8 k0 = ek_low_half(k), k1 = ek_high_half(k);
      ek_d8 *s = (ek_d8 *)(sums + c), *q = (ek_d8 *)(sums + stride + c);
      ek_d8 s0 = s[0], s1 = s[1], q0 = q[0], q1 = q[1];
      const float *p = x + block * features + c;
      for (size_t r = 0; r < count; r++, p += features) {
        fetch(p + AHEAD * features);
        ek_f16 v = ek_load(p, width);
        ek_d8 d0 = ek_low_half(v) - k0, d1 = ek_high_half(v) - k1;
        s0 += d0, s1 += d1;
        q0 += d0 * d0, q1 += d1 * d1;
      }
      s[0] = s0, s[1] = s1, q[0] = q0, q[1] = q1;
    }
  }
}

// Merges the chunks' sums of features begin ..< end in order into mean, variance and 1/deviation.
EK_CLONES static void finish_statistics(job *j, size_t begin, size_t end) {
  size_t stride = padded(j->norm.features);
  double m = (double)j->norm.rows;
  ek_norm_merge_chunks(j, begin, end);
  for (size_t c = begin; c < end; c++) {
    double sum = chunk_sums(j, 0)[c], squares = chunk_sums(j, 0)[stride + c];
    double mean = (double)j->x[c] + sum / m;
    double variance = (squares - sum * sum / m) / m;
    keep_statistics(j->statistics, c, mean, variance, j->norm.epsilon, &j->first_bad);
  }
}

// ---- statistics of more rows than there is memory for --------------------------------------------------------------

// Merges the chunks' sums of features begin ..< end into mean and squares of the `count` rows before (Chan, Golub and
// LeVeque 1979).
EK_CLONES static void merge_statistics(job *j, size_t begin, size_t end) {
  size_t stride = padded(j->norm.features);
  double m = (double)j->norm.rows, n = j->count;
  ek_norm_merge_chunks(j, begin, end);
  for (size_t c = begin; c < end; c++) {
    double sum = chunk_sums(j, 0)[c], squares = chunk_sums(j, 0)[stride + c] - sum * sum / m;
    double difference = (double)j->x[c] + sum / m - j->carried[0][c];
    double mean = j->carried[0][c] + difference * (m / (n + m));
    double merged = j->carried[1][c] + (squares > 0 ? squares : 0) + difference * difference * (n * m / (n + m));
    if (!isfinite(mean) || !isfinite(merged) || !isfinite(squares)) {
      ek_note_first(&j->first_bad, (ptrdiff_t)c);
      continue;
    }
    j->carried[0][c] = mean;
    j->carried[1][c] = merged;
  }
}

static void sum_chunks(job *j, share s) {
  for (size_t chunk = s.first_chunk; chunk < s.last_chunk; chunk++)
    sum_chunk(j->x, j->norm.features, chunk_start(j, chunk), chunk_start(j, chunk + 1), chunk_sums(j, chunk));
  ek_barrier();
}

void ek_norm_take_statistics(job *j, share s) {
  sum_chunks(j, s);
  finish_statistics(j, s.first_feature, s.last_feature);
}

static void statistics_member(void *context) {
  job *j = context;
  ek_norm_take_statistics(j, share_of(j));
}

static void merge_member(void *context) {
  job *j = context;
  share s = share_of(j);
  sum_chunks(j, s);
  merge_statistics(j, s.first_feature, s.last_feature);
}

void ek_norm_run(void (*member)(void *), job *j, int threads) {
  j->chunks = chunk_count(j->norm.rows, j->norm.features);
  j->first_bad = -1;
  if (j->norm.rows && j->norm.features) ek_team(member, j, j->norm.rows * j->norm.features, threads);
}

ptrdiff_t ek_batch_statistics_of(const float *x, size_t rows, size_t features, double epsilon,
                                 ek_batch_statistics statistics, double *scratch, int threads) {
  job j = {.norm = {.rows = rows, .features = features, .epsilon = epsilon}, .x = x, .statistics = statistics,
           .sums = scratch};
  ek_norm_run(statistics_member, &j, threads);
  return j.first_bad;
}

ptrdiff_t ek_merge_statistics(const float *x, size_t rows, size_t features, double count, double *mean, double *squares,
                              double *scratch, int threads) {
  job j = {.norm = {.rows = rows, .features = features}, .x = x, .sums = scratch, .count = count,
           .carried = {mean, squares}};
  ek_norm_run(merge_member, &j, threads);
  return j.first_bad;
}
