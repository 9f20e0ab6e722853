// Batch normalization over matrices (rows, features), forward and backward, with the activation that follows it; its
// statistics are taken in batch_norm_statistics.c.
#include "batch_norm.h"

static int writes_past_cache(const ek_norm_job *j) {
  int apart = j->out && j->out != j->x && j->out != j->dy && (uintptr_t)j->out % 64 == 0;
  return apart && j->norm.features % EK_STRIP == 0 && j->norm.rows * j->norm.features >= EK_STREAM_THRESHOLD;
}

// As ek_norm_run, but also decides whether `out` is written past the cache.
static void run_sweeps(void (*member)(void *), ek_norm_job *j, int threads) {
  j->streams = writes_past_cache(j);
  ek_norm_run(member, j, threads);
}

// ---- normalization ------------------------------------------------------------------------------------------------

// Stores past the cache if the whole does not fit into it: otherwise memory is fetched before it is overwritten.
EK_INLINE void put(const ek_norm_job *j, float *p, ek_f16 v, size_t n) {
  typedef float aligned __attribute__((vector_size(64)));
  if (j->streams) __builtin_nontemporal_store((aligned)v, (aligned *)p);
  else ek_store(p, v, n);
}

// y = g(scale * (x - mean) * r + shift + addend) over `count` rows, 1 or 2, from row `row`.
EK_INLINE void normalize_few(const ek_norm_job *j, size_t row, int count, ek_activation activation, int adds) {
  size_t features = j->norm.features, at = row * features;
  float slope = j->norm.slope;
  EK_FOR_LANES(0, features, {
    ek_f16 high = ek_load(j->statistics.mean_high + i, n), low = ek_load(j->statistics.mean_low + i, n);
    ek_f16 gain = ek_load_or(j->norm.scale, i, n, 1) * ek_load(j->statistics.inverse_deviation + i, n);
    ek_f16 shift = ek_load_or(j->norm.shift, i, n, 0);
    for (int k = 0; k < count; k++) {
      size_t p = at + (size_t)k * features + i;
      ek_f16 z = ((ek_load(j->x + p, n) - high) - low) * gain + shift;
      if (adds) z += ek_load(j->norm.addend + p, n);
      put(j, j->out + p, ek_activate(z, activation, slope), n);
    }
  });
}

EK_INLINE void normalize(const ek_norm_job *j, size_t begin, size_t end, ek_activation activation, int adds) {
  size_t row = begin;
  for (; row + 2 <= end; row += 2) normalize_few(j, row, 2, activation, adds);
  if (row < end) normalize_few(j, row, 1, activation, adds);
}

// The gradient of the loss with respect to the value before the activation, d being x - mean.
EK_INLINE ek_f16 through_activation(ek_f16 d, ek_f16 gain, ek_f16 shift, ek_f16 y, ek_f16 dy,
                                    ek_activation activation, float slope) {
  if (activation == EK_IDENTITY) return dy;
  ek_f16 before = d * gain + shift;
  if (ek_activation_source(activation) == EK_FROM_SIGN) y = before;
  return dy * ek_activation_derivative(before, y, activation, slope);
}

// sums[0] = sum of dz, sums[1] = sum of dz * n over rows begin ..< end; eight rows at a time in float.
// Where an addend and a ReLU follow (adds), dz is left in dy: it is the addend's gradient too.
EK_INLINE void sum_gradients(const ek_norm_job *j, size_t begin, size_t end, double *sums, ek_activation activation,
                             int adds) {
  const int reads_y = adds || ek_activation_reads_y(activation);
  size_t features = j->norm.features, stride = ek_padded(features);
  float slope = j->norm.slope;
  for (size_t c = 0; c < 2 * stride; c++) sums[c] = 0;
  for (size_t block = begin; block < end; block += EK_BLOCK) {
    size_t count = ek_smaller(end - block, EK_BLOCK);
    for (size_t c = 0; c < features; c += EK_STRIP) {
      size_t width = features - c < EK_STRIP ? features - c : EK_STRIP;
      ek_f16 high = ek_load(j->statistics.mean_high + c, width), low = ek_load(j->statistics.mean_low + c, width);
      ek_f16 inverse = ek_load(j->statistics.inverse_deviation + c, width);
      ek_f16 gain = ek_load_or(j->norm.scale, c, width, 1) * inverse, shift = ek_load_or(j->norm.shift, c, width, 0);
      ek_f16 sum_dz = {0}, sum_dz_n = {0};
      size_t at = block * features + c;
      for (size_t r = 0; r < count; r++, at += features) {
        ek_fetch(j->x + at + EK_AHEAD * features);
        ek_fetch(j->dy + at + EK_AHEAD * features);
        ek_f16 d = (ek_load(j->x + at, width) - high) - low;
        ek_f16 dy = ek_load(j->dy + at, width), y = reads_y ? ek_load(j->y + at, width) : d;
        ek_f16 dz = adds ? dy * ek_activation_derivative(y, y, activation, slope)
                         : through_activation(d, gain, shift, y, dy, activation, slope);
        if (adds) ek_store(j->dy + at, dz, width);
        sum_dz += dz;
        sum_dz_n += dz * (d * inverse);
      }
      ek_d8 *s = (ek_d8 *)(sums + c), *t = (ek_d8 *)(sums + stride + c);
      s[0] += ek_low_half(sum_dz), s[1] += ek_high_half(sum_dz);
      t[0] += ek_low_half(sum_dz_n), t[1] += ek_high_half(sum_dz_n);
    }
  }
}

// The rows of means that follow the chunks' sums: sum_dz/m and sum_dz_n/m; zero where frozen.
static float *mean_gradients(const ek_norm_job *j) { return (float *)ek_norm_sums(j, j->chunks); }

EK_CLONES static void finish_gradients(ek_norm_job *j, size_t begin, size_t end) {
  size_t stride = ek_padded(j->norm.features);
  float *means = mean_gradients(j);
  ek_norm_merge_chunks(j, begin, end);
  for (size_t c = begin; c < end; c++) {
    double sum_dz = ek_norm_sums(j, 0)[c], sum_dz_n = ek_norm_sums(j, 0)[stride + c];
    if (j->dshift) j->dshift[c] = (float)sum_dz;
    if (j->dscale) j->dscale[c] = (float)sum_dz_n;
    means[c] = j->norm.frozen ? 0 : (float)(sum_dz / (double)j->norm.rows);
    means[stride + c] = j->norm.frozen ? 0 : (float)(sum_dz_n / (double)j->norm.rows);
  }
}

// dx = scale * r * (dz - mean(dz) - n * mean(dz * n)) over `count` rows, 1 or 2, from row `row`.
EK_INLINE void spread_few(const ek_norm_job *j, size_t row, int count, const float *means, ek_activation activation) {
  size_t features = j->norm.features, stride = ek_padded(features), at = row * features;
  float slope = j->norm.slope;
  EK_FOR_LANES(0, features, {
    ek_f16 high = ek_load(j->statistics.mean_high + i, n), low = ek_load(j->statistics.mean_low + i, n);
    ek_f16 inverse = ek_load(j->statistics.inverse_deviation + i, n);
    ek_f16 gain = ek_load_or(j->norm.scale, i, n, 1) * inverse, shift = ek_load_or(j->norm.shift, i, n, 0);
    ek_f16 mean_dz = ek_load(means + i, n), mean_dz_n = ek_load(means + stride + i, n);
    for (int k = 0; k < count; k++) {
      size_t p = at + (size_t)k * features + i;
      ek_f16 d = (ek_load(j->x + p, n) - high) - low;
      ek_f16 y = ek_activation_reads_y(activation) ? ek_load(j->y + p, n) : d;
      ek_f16 dz = through_activation(d, gain, shift, y, ek_load(j->dy + p, n), activation, slope);
      put(j, j->out + p, gain * ((dz - mean_dz) - (d * inverse) * mean_dz_n), n);
    }
  });
}

EK_INLINE void spread_gradients(const ek_norm_job *j, size_t begin, size_t end, const float *means,
                                ek_activation activation) {
  size_t row = begin;
  for (; row + 2 <= end; row += 2) spread_few(j, row, 2, means, activation);
  if (row < end) spread_few(j, row, 1, means, activation);
}

// One copy of the three sweeps for each activation, so that none is chosen inside a loop.
#define SWEEPS(NAME, KIND, SOURCE)                                                                            \
  EK_CLONES static void normalize_##NAME(const ek_norm_job *j, size_t begin, size_t end) {                    \
    normalize(j, begin, end, KIND, 0);                                                                        \
  }                                                                                                           \
  EK_CLONES static void sum_##NAME(const ek_norm_job *j, size_t begin, size_t end, double *sums) {            \
    sum_gradients(j, begin, end, sums, KIND, 0);                                                              \
  }                                                                                                           \
  EK_CLONES static void spread_##NAME(const ek_norm_job *j, size_t begin, size_t end, const float *means) {   \
    spread_gradients(j, begin, end, means, KIND);                                                             \
  }
EK_ACTIVATIONS(SWEEPS)

EK_CLONES static void add_to_identity(const ek_norm_job *j, size_t begin, size_t end) {
  normalize(j, begin, end, EK_IDENTITY, 1);
}
EK_CLONES static void add_to_relu(const ek_norm_job *j, size_t begin, size_t end) {
  normalize(j, begin, end, EK_RELU, 1);
}
EK_CLONES static void sum_relu_of_sum(const ek_norm_job *j, size_t begin, size_t end, double *sums) {
  sum_gradients(j, begin, end, sums, EK_RELU, 1);
}

static void normalize_rows(const ek_norm_job *j, size_t begin, size_t end) {
  if (j->norm.addend) {
    if (j->norm.activation == EK_RELU) add_to_relu(j, begin, end);
    else add_to_identity(j, begin, end);
    return;
  }
  switch (j->norm.activation) {
#define CASE(NAME, KIND, SOURCE) case KIND: normalize_##NAME(j, begin, end); break;
    EK_ACTIVATIONS(CASE)
#undef CASE
  }
}

static void sum_gradient_rows(const ek_norm_job *j, size_t begin, size_t end, double *sums) {
  if (j->norm.addend && j->norm.activation == EK_RELU) {
    sum_relu_of_sum(j, begin, end, sums);
    return;
  }
  switch (j->norm.activation) {
#define CASE(NAME, KIND, SOURCE) case KIND: sum_##NAME(j, begin, end, sums); break;
    EK_ACTIVATIONS(CASE)
#undef CASE
  }
}

static void spread_gradient_rows(const ek_norm_job *j, size_t begin, size_t end) {
  if (j->norm.addend) {  // the activation has been gone through
    spread_identity(j, begin, end, mean_gradients(j));
    return;
  }
  switch (j->norm.activation) {
#define CASE(NAME, KIND, SOURCE) case KIND: spread_##NAME(j, begin, end, mean_gradients(j)); break;
    EK_ACTIVATIONS(CASE)
#undef CASE
  }
}

// ---- teams --------------------------------------------------------------------------------------------------------

// Stores past the cache are visible to the others once this returns.
static void drain(void) {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#endif
}

static void forward_member(void *context) {
  ek_norm_job *j = context;
  ek_norm_share s = ek_norm_share_of(j);
  ek_norm_take_statistics(j, s);
  ek_barrier();
  if (j->first_bad < 0) normalize_rows(j, s.first_row, s.last_row);
  drain();
}

static void apply_member(void *context) {
  ek_norm_job *j = context;
  ek_norm_share s = ek_norm_share_of(j);
  normalize_rows(j, s.first_row, s.last_row);
  drain();
}

static void sum_gradient_chunks(const ek_norm_job *j, ek_norm_share s) {
  for (size_t chunk = s.first_chunk; chunk < s.last_chunk; chunk++)
    sum_gradient_rows(j, ek_norm_chunk_start(j, chunk), ek_norm_chunk_start(j, chunk + 1), ek_norm_sums(j, chunk));
  ek_barrier();
}

static void backward_member(void *context) {
  ek_norm_job *j = context;
  ek_norm_share s = ek_norm_share_of(j);
  sum_gradient_chunks(j, s);
  finish_gradients(j, s.first_feature, s.last_feature);
  ek_barrier();
  if (j->out) spread_gradient_rows(j, s.first_row, s.last_row);
  drain();
}

// Adds the sums of all rows to those of the previous parts, if these are wanted.
static void gradient_sums_member(void *context) {
  ek_norm_job *j = context;
  ek_norm_share s = ek_norm_share_of(j);
  sum_gradient_chunks(j, s);
  ek_norm_merge_chunks(j, s.first_feature, s.last_feature);
  for (size_t c = s.first_feature; j->sum_dz && c < s.last_feature; c++) {
    j->sum_dz[c] += ek_norm_sums(j, 0)[c];
    j->sum_dz_n[c] += ek_norm_sums(j, 0)[ek_padded(j->norm.features) + c];
  }
}

static void spread_member(void *context) {
  ek_norm_job *j = context;
  ek_norm_share s = ek_norm_share_of(j);
  float *means = mean_gradients(j);
  for (size_t c = s.first_feature; c < s.last_feature; c++) {
    means[c] = (float)(j->given_dz[c] / j->all_rows);
    means[ek_padded(j->norm.features) + c] = (float)(j->given_dz_n[c] / j->all_rows);
  }
  ek_barrier();
  spread_gradient_rows(j, s.first_row, s.last_row);
  drain();
}

ptrdiff_t ek_batch_norm_forward(const ek_batch_norm *norm, const float *x, float *y, ek_batch_statistics statistics,
                                double *scratch, int threads) {
  ek_norm_job j = {.norm = *norm, .x = x, .out = y, .statistics = statistics, .sums = scratch};
  run_sweeps(forward_member, &j, threads);
  return j.first_bad;
}

void ek_batch_norm_apply(const ek_batch_norm *norm, const float *x, float *y, ek_batch_statistics statistics,
                         int threads) {
  ek_norm_job j = {.norm = *norm, .x = x, .out = y, .statistics = statistics};
  run_sweeps(apply_member, &j, threads);
}

void ek_batch_norm_backward(const ek_batch_norm *norm, const float *x, const float *y, float *dy,
                            ek_batch_statistics statistics, float *dscale, float *dshift, float *dx, double *scratch,
                            int threads) {
  ek_norm_job j = {.norm = *norm, .x = x, .y = y, .dy = dy, .out = dx, .statistics = statistics, .dscale = dscale,
                   .dshift = dshift, .sums = scratch};
  run_sweeps(backward_member, &j, threads);
}

void ek_batch_norm_gradient_sums(const ek_batch_norm *norm, const float *x, const float *y, float *dy,
                                 ek_batch_statistics statistics, double *sum_dz, double *sum_dz_n, double *scratch,
                                 int threads) {
  ek_norm_job j = {.norm = *norm, .x = x, .y = y, .dy = dy, .statistics = statistics, .sums = scratch,
                   .sum_dz = sum_dz, .sum_dz_n = sum_dz_n};
  run_sweeps(gradient_sums_member, &j, threads);
}

void ek_batch_norm_spread(const ek_batch_norm *norm, const float *x, const float *y, float *dy,
                          ek_batch_statistics statistics, const double *sum_dz, const double *sum_dz_n, double count,
                          float *dx, double *scratch, int threads) {
  ek_norm_job j = {.norm = *norm, .x = x, .y = y, .dy = dy, .out = dx, .statistics = statistics, .sums = scratch};
  // The gradient goes through the sum with the addend and its ReLU first.
  if (norm->addend && norm->activation == EK_RELU) run_sweeps(gradient_sums_member, &j, threads);
  j.all_rows = count, j.given_dz = sum_dz, j.given_dz_n = sum_dz_n;
  if (dx) run_sweeps(spread_member, &j, threads);
}
