// Batch normalization over matrices (rows, features), forward and backward, with the activation that follows it; its
// statistics are taken in batch_norm_statistics.c.
#include "batch_norm.h"

#define EK_STREAM_THRESHOLD (2u << 20)  // values, 8 MiB: more than a processor's share of the last cache

static int writes_past_cache(const job *j) {
  return j->out && j->out != j->x && j->out != j->dy && j->norm.features % STRIP == 0 && (uintptr_t)j->out % 64 == 0 &&
         j->norm.rows * j->norm.features >= EK_STREAM_THRESHOLD;
}

// As ek_norm_run, and decides whether `out` is written past the cache.
static void run(void (*member)(void *), job *j, int threads) {
  j->streams = writes_past_cache(j);
  ek_norm_run(member, j, threads);
}

// ---- normalization ------------------------------------------------------------------------------------------------

// Stores past the cache where the whole does not fit into it: what is written would be fetched first.
EK_INLINE void put(const job *j, float *p, ek_f16 v, size_t n) {
  typedef float aligned __attribute__((vector_size(64)));
  if (j->streams) __builtin_nontemporal_store((aligned)v, (aligned *)p);
  else ek_store(p, v, n);
}

// y = g(scale * (x - mean) * r + shift + addend) over `count` rows, 1 or 2, from row `row`.
EK_INLINE void normalize_few(const job *j, size_t row, int count, ek_activation activation, int adds) {
  size_t features = j->norm.features, at = row * features;
  float slope = j->norm.slope;
  EK_FOR_LANES(0, features, {
    ek_f16 high = ek_load(j->statistics.mean_high + i, n), low = ek_load(j->statistics.mean_low + i, n);
    ek_f16 gain = load_or(j->norm.scale, i, n, 1) * ek_load(j->statistics.inverse_deviation + i, n);
    ek_f16 shift = load_or(j->norm.shift, i, n, 0);
    for (int k = 0; k < count; k++) {
      size_t p = at + (size_t)k * features + i;
      ek_f16 z = ((ek_load(j->x + p, n) - high) - low) * gain + shift;
      if (adds) z += ek_load(j->norm.addend + p, n);
      put(j, j->out + p, ek_activate(z, activation, slope), n);
    }
  });
}

EK_INLINE void normalize(const job *j, size_t begin, size_t end, ek_activation activation, int adds) {
  size_t row = begin;
  for (; row + 2 <= end; row += 2) normalize_few(j, row, 2, activation, adds);
  if (row < end) normalize_few(j, row, 1, activation, adds);
}

// The gradient of the loss with respect to the value before the activation, d being x - mean.
EK_INLINE ek_f16 through_activation(ek_f16 d, ek_f16 gain, ek_f16 shift, ek_f16 y, ek_f16 dy,
                                    ek_activation activation, float slope) {
  if (activation == EK_IDENTITY) return dy;
  ek_f16 before = d * gain + shift;
  if (activation == EK_RELU || activation == EK_LEAKY_RELU) y = before;  // the sign is all that is asked for
  return dy * ek_activation_derivative(before, y, activation, slope);
}

EK_INLINE int reads_output(ek_activation activation) {
  return activation == EK_ELU || activation == EK_SIGMOID || activation == EK_TANH || activation == EK_SOFTPLUS;
}

// sums[0] = sum of dz, sums[1] = sum of dz * normalized x over rows begin ..< end; eight rows at a time in float.
// Where an addend and a ReLU follow (adds), dz is left in dy: it is the addend's gradient too.
EK_INLINE void sum_gradients(const job *j, size_t begin, size_t end, double *sums, ek_activation activation, int adds) {
  size_t features = j->norm.features, stride = (features + STRIP - 1) / STRIP * STRIP;
  float slope = j->norm.slope;
  for (size_t c = 0; c < 2 * stride; c++) sums[c] = 0;
  for (size_t block = begin; block < end; block += BLOCK) {
    size_t count = end - block < BLOCK ? end - block : BLOCK;
    for (size_t c = 0; c < features; c += STRIP) {
      size_t width = features - c < STRIP ? features - c : STRIP;
      ek_f16 high = ek_load(j->statistics.mean_high + c, width), low = ek_load(j->statistics.mean_low + c, width);
      ek_f16 inverse = ek_load(j->statistics.inverse_deviation + c, width);
      ek_f16 gain = load_or(j->norm.scale, c, width, 1) * inverse, shift = load_or(j->norm.shift, c, width, 0);
      ek_f16 plain = {0}, weighted = {0};
      size_t at = block * features + c;
      for (size_t r = 0; r < count; r++, at += features) {
        fetch(j->x + at + AHEAD * features);
        fetch(j->dy + at + AHEAD * features);
        ek_f16 d = (ek_load(j->x + at, width) - high) - low;
        ek_f16 dy = ek_load(j->dy + at, width), y = adds || reads_output(activation) ? ek_load(j->y + at, width) : d;
        ek_f16 dz = adds ? dy * ek_activation_derivative(y, y, activation, slope)
                         : through_activation(d, gain, shift, y, dy, activation, slope);
        if (adds) ek_store(j->dy + at, dz, width);
        plain += dz;
        weighted += dz * (d * inverse);
      }
      ek_d8 *s = (ek_d8 *)(sums + c), *w = (ek_d8 *)(sums + stride + c);
      s[0] += ek_low_half(plain), s[1] += ek_high_half(plain);
      w[0] += ek_low_half(weighted), w[1] += ek_high_half(weighted);
    }
  }
}

// The rows of means that follow the chunks' sums: sum(dz)/m and sum(dz * normalized x)/m; zero where frozen.
static float *mean_gradients(const job *j) { return (float *)(j->sums + 2 * j->chunks * padded(j->norm.features)); }

EK_CLONES static void finish_gradients(job *j, size_t begin, size_t end) {
  size_t stride = padded(j->norm.features);
  float *means = mean_gradients(j);
  ek_norm_merge_chunks(j, begin, end);
  for (size_t c = begin; c < end; c++) {
    double plain = chunk_sums(j, 0)[c], weighted = chunk_sums(j, 0)[stride + c];
    if (j->dshift) j->dshift[c] = (float)plain;
    if (j->dscale) j->dscale[c] = (float)weighted;
    means[c] = j->norm.frozen ? 0 : (float)(plain / (double)j->norm.rows);
    means[stride + c] = j->norm.frozen ? 0 : (float)(weighted / (double)j->norm.rows);
  }
}

// dx = scale * r * (dz - mean(dz) - normalized x * mean(dz * normalized x)) over `count` rows, 1 or 2, from row `row`.
EK_INLINE void spread_few(const job *j, size_t row, int count, const float *means, ek_activation activation) {
  size_t features = j->norm.features, stride = (features + STRIP - 1) / STRIP * STRIP, at = row * features;
  float slope = j->norm.slope;
  EK_FOR_LANES(0, features, {
    ek_f16 high = ek_load(j->statistics.mean_high + i, n), low = ek_load(j->statistics.mean_low + i, n);
    ek_f16 inverse = ek_load(j->statistics.inverse_deviation + i, n);
    ek_f16 gain = load_or(j->norm.scale, i, n, 1) * inverse, shift = load_or(j->norm.shift, i, n, 0);
    ek_f16 plain = ek_load(means + i, n), weighted = ek_load(means + stride + i, n);
    for (int k = 0; k < count; k++) {
      size_t p = at + (size_t)k * features + i;
      ek_f16 d = (ek_load(j->x + p, n) - high) - low;
      ek_f16 y = reads_output(activation) ? ek_load(j->y + p, n) : d;
      ek_f16 dz = through_activation(d, gain, shift, y, ek_load(j->dy + p, n), activation, slope);
      put(j, j->out + p, gain * ((dz - plain) - (d * inverse) * weighted), n);
    }
  });
}

EK_INLINE void spread_gradients(const job *j, size_t begin, size_t end, const float *means,
                                ek_activation activation) {
  size_t row = begin;
  for (; row + 2 <= end; row += 2) spread_few(j, row, 2, means, activation);
  if (row < end) spread_few(j, row, 1, means, activation);
}

// One copy of the three sweeps for each activation, so that none is chosen inside a loop.
#define SWEEPS(NAME, KIND)                                                                                    \
  EK_CLONES static void normalize_##NAME(const job *j, size_t begin, size_t end) {                            \
    normalize(j, begin, end, KIND, 0);                                                                        \
  }                                                                                                           \
  EK_CLONES static void sum_##NAME(const job *j, size_t begin, size_t end, double *sums) {                    \
    sum_gradients(j, begin, end, sums, KIND, 0);                                                              \
  }                                                                                                           \
  EK_CLONES static void spread_##NAME(const job *j, size_t begin, size_t end, const float *means) {           \
    spread_gradients(j, begin, end, means, KIND);                                                             \
  }
#define FOR_EACH_ACTIVATION(DO)                                                                               \
  DO(identity, EK_IDENTITY) DO(relu, EK_RELU) DO(leaky_relu, EK_LEAKY_RELU) DO(elu, EK_ELU) DO(gelu, EK_GELU) \
  DO(silu, EK_SILU) DO(sigmoid, EK_SIGMOID) DO(tanh, EK_TANH) DO(softplus, EK_SOFTPLUS)
FOR_EACH_ACTIVATION(SWEEPS)

EK_CLONES static void add_to_identity(const job *j, size_t begin, size_t end) {
  normalize(j, begin, end, EK_IDENTITY, 1);
}
EK_CLONES static void add_to_relu(const job *j, size_t begin, size_t end) { normalize(j, begin, end, EK_RELU, 1); }
EK_CLONES static void sum_relu_of_sum(const job *j, size_t begin, size_t end, double *sums) {
  sum_gradients(j, begin, end, sums, EK_RELU, 1);
}

static void normalize_rows(const job *j, size_t begin, size_t end) {
  if (j->norm.addend) {
    if (j->norm.activation == EK_RELU) add_to_relu(j, begin, end);
    else add_to_identity(j, begin, end);
    return;
  }
  switch (j->norm.activation) {
#define CASE(NAME, KIND) case KIND: normalize_##NAME(j, begin, end); break;
    FOR_EACH_ACTIVATION(CASE)
#undef CASE
  }
}

static void sum_gradient_rows(const job *j, size_t begin, size_t end, double *sums) {
  if (j->norm.addend && j->norm.activation == EK_RELU) {
    sum_relu_of_sum(j, begin, end, sums);
    return;
  }
  switch (j->norm.activation) {
#define CASE(NAME, KIND) case KIND: sum_##NAME(j, begin, end, sums); break;
    FOR_EACH_ACTIVATION(CASE)
#undef CASE
  }
}

static void spread_gradient_rows(const job *j, size_t begin, size_t end) {
  if (j->norm.addend) {  // the activation has been gone through
    spread_identity(j, begin, end, mean_gradients(j));
    return;
  }
  switch (j->norm.activation) {
#define CASE(NAME, KIND) case KIND: spread_##NAME(j, begin, end, mean_gradients(j)); break;
    FOR_EACH_ACTIVATION(CASE)
#undef CASE
  }
}

// ---- teams --------------------------------------------------------------------------------------------------------

// What was stored past the cache is there for the others once this returns.
static void drain(void) {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#endif
}

static void forward_member(void *context) {
  job *j = context;
  share s = share_of(j);
  ek_norm_take_statistics(j, s);
  ek_barrier();
  if (j->first_bad < 0) normalize_rows(j, s.first_row, s.last_row);
  drain();
}

static void apply_member(void *context) {
  job *j = context;
  share s = share_of(j);
  normalize_rows(j, s.first_row, s.last_row);
  drain();
}

static void backward_member(void *context) {
  job *j = context;
  share s = share_of(j);
  for (size_t chunk = s.first_chunk; chunk < s.last_chunk; chunk++)
    sum_gradient_rows(j, chunk_start(j, chunk), chunk_start(j, chunk + 1), chunk_sums(j, chunk));
  ek_barrier();
  finish_gradients(j, s.first_feature, s.last_feature);
  ek_barrier();
  if (j->out) spread_gradient_rows(j, s.first_row, s.last_row);
  drain();
}

// Adds the sums of all rows to those of the parts before, where any are carried.
static void gradient_sums_member(void *context) {
  job *j = context;
  share s = share_of(j);
  for (size_t chunk = s.first_chunk; chunk < s.last_chunk; chunk++)
    sum_gradient_rows(j, chunk_start(j, chunk), chunk_start(j, chunk + 1), chunk_sums(j, chunk));
  ek_barrier();
  ek_norm_merge_chunks(j, s.first_feature, s.last_feature);
  for (size_t c = s.first_feature; j->carried[0] && c < s.last_feature; c++) {
    j->carried[0][c] += chunk_sums(j, 0)[c];
    j->carried[1][c] += chunk_sums(j, 0)[padded(j->norm.features) + c];
  }
}

static void spread_member(void *context) {
  job *j = context;
  share s = share_of(j);
  float *means = mean_gradients(j);
  for (size_t c = s.first_feature; c < s.last_feature; c++) {
    means[c] = (float)(j->carried[0][c] / j->count);
    means[padded(j->norm.features) + c] = (float)(j->carried[1][c] / j->count);
  }
  ek_barrier();
  spread_gradient_rows(j, s.first_row, s.last_row);
  drain();
}

ptrdiff_t ek_batch_norm_forward(const ek_batch_norm *norm, const float *x, float *y, ek_batch_statistics statistics,
                                double *scratch, int threads) {
  job j = {.norm = *norm, .x = x, .out = y, .statistics = statistics, .sums = scratch};
  run(forward_member, &j, threads);
  return j.first_bad;
}

void ek_batch_norm_apply(const ek_batch_norm *norm, const float *x, float *y, ek_batch_statistics statistics,
                         int threads) {
  job j = {.norm = *norm, .x = x, .out = y, .statistics = statistics};
  run(apply_member, &j, threads);
}

void ek_batch_norm_backward(const ek_batch_norm *norm, const float *x, const float *y, float *dy,
                            ek_batch_statistics statistics, float *dscale, float *dshift, float *dx, double *scratch,
                            int threads) {
  job j = {.norm = *norm, .x = x, .y = y, .dy = dy, .out = dx, .statistics = statistics, .dscale = dscale,
           .dshift = dshift, .sums = scratch};
  run(backward_member, &j, threads);
}

void ek_batch_norm_gradient_sums(const ek_batch_norm *norm, const float *x, const float *y, float *dy,
                                 ek_batch_statistics statistics, double *plain, double *weighted, double *scratch,
                                 int threads) {
  job j = {.norm = *norm, .x = x, .y = y, .dy = dy, .statistics = statistics, .sums = scratch,
           .carried = {plain, weighted}};
  run(gradient_sums_member, &j, threads);
}

void ek_batch_norm_spread(const ek_batch_norm *norm, const float *x, const float *y, float *dy,
                          ek_batch_statistics statistics, double *plain, double *weighted, double count, float *dx,
                          double *scratch, int threads) {
  job j = {.norm = *norm, .x = x, .y = y, .dy = dy, .out = dx, .statistics = statistics, .sums = scratch,
           .count = count, .carried = {plain, weighted}};
  // The gradient goes through the sum with the addend and its ReLU first.
  if (norm->addend && norm->activation == EK_RELU) {
    j.carried[0] = NULL;
    run(gradient_sums_member, &j, threads);
    j.carried[0] = plain;
  }
  if (dx) run(spread_member, &j, threads);
}

// ---- traffic ------------------------------------------------------------------------------------------------------

// What writing `out` moves, in tensors: a line that is not there yet is fetched before it is written, but for stores past the
// cache.
static size_t write_of(const job *j) { return j->out == j->x || j->out == j->dy || writes_past_cache(j) ? 1 : 2; }

ek_traffic ek_batch_norm_traffic(const ek_batch_norm *norm, const float *x, float *y, float *dy, float *dx) {
  job forward = {.norm = *norm, .x = x, .out = y}, backward = {.norm = *norm, .x = x, .y = y, .dy = dy, .out = dx};
  int adds = norm->addend != NULL, leaves_gradient = adds && norm->activation == EK_RELU;
  size_t sums = 2 + (leaves_gradient ? 2 : reads_output(norm->activation) ? 1 : 0);  // x, dy; y and what is left in dy
  size_t spread = dx ? 2 + (!adds && reads_output(norm->activation) ? 1 : 0) + write_of(&backward) : 0;
  size_t statistics = norm->frozen ? 0 : 1, bytes = norm->rows * norm->features * sizeof(float);
  return (ek_traffic){.forward = (statistics + 1 + (size_t)adds + write_of(&forward)) * bytes,
                      .backward = (sums + spread) * bytes};
}
