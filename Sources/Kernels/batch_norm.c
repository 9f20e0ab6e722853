// Batch normalization of a slice of rows (rows, features), forward and backward, with the activation that follows it; its
// statistics are taken in batch_norm_statistics.c.
#include "batch_norm.h"

enum { SUM_STRIPS = 2 };  // side by side, as many as the registers hold

// What the sweeps over one slice need.
typedef struct {
  ek_batch_norm norm;
  const float *x, *y;
  float *dy, *out;
  ek_batch_statistics statistics;
  const float *mean_dz, *mean_dz_n;
} sweep;

// ---- normalization ------------------------------------------------------------------------------------------------

// Stores past the cache if the whole does not fit into it: otherwise memory is fetched before it is overwritten.
EK_INLINE void put(const sweep *j, float *p, ek_f16 v, size_t n) {
  typedef float aligned __attribute__((vector_size(64)));
  if (j->norm.past_cache) __builtin_nontemporal_store((aligned)v, (aligned *)p);
  else ek_store(p, v, n);
}

// What was stored past the cache is visible to others once this returns.
static void drain(const ek_batch_norm *norm) {
#if defined(__x86_64__)
  if (norm->past_cache) __builtin_ia32_sfence();
#endif
}

// y = g(scale * (x - mean) * r + shift + addend) over `count` rows, 1 or 2, from row `row`.
EK_INLINE void normalize_few(const sweep *j, size_t row, int count, ek_activation activation, int adds) {
  size_t features = j->norm.features, at = row * features;
  float slope = j->norm.slope;
  EK_FOR_LANES(0, features, {
    ek_f16 high = ek_load(j->statistics.mean_high + i, n), low = ek_load(j->statistics.mean_low + i, n);
    ek_f16 gain = ek_load_or(j->norm.scale, i, n, 1) * ek_load(j->statistics.inverse_deviation + i, n);
    ek_f16 shift = ek_load_or(j->norm.shift, i, n, 0);
    for (int k = 0; k < count; k++) {
      size_t p = at + (size_t)k * features + i;
      ek_fetch(j->x + p + EK_AHEAD * features);
      ek_f16 z = ((ek_load(j->x + p, n) - high) - low) * gain + shift;
      if (adds) z += ek_load(j->norm.addend + p, n);
      put(j, j->out + p, ek_activate(z, activation, slope), n);
    }
  });
}

EK_INLINE void normalize(const sweep *j, ek_activation activation, int adds) {
  size_t row = 0, end = j->norm.rows;
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

// Adds the sums of dz and of dz * n, over rows begin ..< end in float, of `vectors` strips from feature c on, `width` features
// each. Where an addend and a ReLU follow (adds), dz is left in dy: it is the addend's gradient too.
EK_INLINE void add_gradients(const sweep *j, size_t begin, size_t end, size_t c, int vectors, size_t width, double *sums,
                             ek_activation activation, int adds) {
  const int reads_y = adds || ek_activation_reads_y(activation);
  size_t features = j->norm.features, at = begin * features + c;
  float slope = j->norm.slope;
  ek_f16 high[SUM_STRIPS], low[SUM_STRIPS], inverse[SUM_STRIPS], gain[SUM_STRIPS], shift[SUM_STRIPS];
  ek_f16 sum_dz[SUM_STRIPS], sum_dz_n[SUM_STRIPS];
  for (int v = 0; v < vectors; v++) {
    size_t i = c + v * EK_STRIP;
    high[v] = ek_load(j->statistics.mean_high + i, width), low[v] = ek_load(j->statistics.mean_low + i, width);
    inverse[v] = ek_load(j->statistics.inverse_deviation + i, width);
    gain[v] = ek_load_or(j->norm.scale, i, width, 1) * inverse[v], shift[v] = ek_load_or(j->norm.shift, i, width, 0);
    sum_dz[v] = sum_dz_n[v] = (ek_f16){0};
  }
  for (size_t row = begin; row < end; row++, at += features) {
    for (int v = 0; v < vectors; v++) {
      size_t i = at + v * EK_STRIP;
      ek_fetch(j->x + i + EK_AHEAD * features);
      ek_fetch(j->dy + i + EK_AHEAD * features);
      ek_f16 d = (ek_load(j->x + i, width) - high[v]) - low[v];
      ek_f16 dy = ek_load(j->dy + i, width), y = reads_y ? ek_load(j->y + i, width) : d;
      ek_f16 dz = adds ? dy * ek_activation_derivative(y, y, activation, slope)
                       : through_activation(d, gain[v], shift[v], y, dy, activation, slope);
      if (adds) ek_store(j->dy + i, dz, width);
      sum_dz[v] += dz;
      sum_dz_n[v] += dz * (d * inverse[v]);
    }
  }
  for (int v = 0; v < vectors; v++) {
    ek_d8 *s = (ek_d8 *)(sums + c + v * EK_STRIP);
    ek_d8 *t = (ek_d8 *)(ek_second_sums(sums, features) + c + v * EK_STRIP);
    s[0] += ek_low_half(sum_dz[v]), s[1] += ek_high_half(sum_dz[v]);
    t[0] += ek_low_half(sum_dz_n[v]), t[1] += ek_high_half(sum_dz_n[v]);
  }
}

// Eight rows at a time.
EK_INLINE void sum_gradients(const sweep *j, double *sums, ek_activation activation, int adds) {
  const size_t wide = SUM_STRIPS * EK_STRIP;
  size_t features = j->norm.features, rows = j->norm.rows;
  for (size_t c = 0; c < 2 * ek_padded(features); c++) sums[c] = 0;
  for (size_t row = 0; row < rows; row += EK_BLOCK) {
    size_t end = ek_smaller(rows, row + EK_BLOCK), c = 0;
    for (; c + wide <= features; c += wide)
      add_gradients(j, row, end, c, SUM_STRIPS, EK_STRIP, sums, activation, adds);
    for (; c + EK_STRIP <= features; c += EK_STRIP)
      add_gradients(j, row, end, c, 1, EK_STRIP, sums, activation, adds);
    if (c < features) add_gradients(j, row, end, c, 1, features - c, sums, activation, adds);
  }
}

// dx = scale * r * (dz - mean(dz) - n * mean(dz * n)) over `count` rows, 1 or 2, from row `row`.
EK_INLINE void spread_few(const sweep *j, size_t row, int count, ek_activation activation) {
  size_t features = j->norm.features, at = row * features;
  float slope = j->norm.slope;
  EK_FOR_LANES(0, features, {
    ek_f16 high = ek_load(j->statistics.mean_high + i, n), low = ek_load(j->statistics.mean_low + i, n);
    ek_f16 inverse = ek_load(j->statistics.inverse_deviation + i, n);
    ek_f16 gain = ek_load_or(j->norm.scale, i, n, 1) * inverse, shift = ek_load_or(j->norm.shift, i, n, 0);
    ek_f16 mean_dz = ek_load_or(j->mean_dz, i, n, 0), mean_dz_n = ek_load_or(j->mean_dz_n, i, n, 0);
    for (int k = 0; k < count; k++) {
      size_t p = at + (size_t)k * features + i;
      ek_fetch(j->x + p + EK_AHEAD * features);
      ek_fetch(j->dy + p + EK_AHEAD * features);
      ek_f16 d = (ek_load(j->x + p, n) - high) - low;
      ek_f16 y = ek_activation_reads_y(activation) ? ek_load(j->y + p, n) : d;
      ek_f16 dz = through_activation(d, gain, shift, y, ek_load(j->dy + p, n), activation, slope);
      put(j, j->out + p, gain * ((dz - mean_dz) - (d * inverse) * mean_dz_n), n);
    }
  });
}

EK_INLINE void spread_gradients(const sweep *j, ek_activation activation) {
  size_t row = 0, end = j->norm.rows;
  for (; row + 2 <= end; row += 2) spread_few(j, row, 2, activation);
  if (row < end) spread_few(j, row, 1, activation);
}

// One copy of the three sweeps for each activation, so that none is chosen inside a loop.
#define SWEEPS(NAME, KIND, SOURCE)                                                                \
  EK_CLONES static void normalize_##NAME(const sweep *j) { normalize(j, KIND, 0); }               \
  EK_CLONES static void sum_##NAME(const sweep *j, double *sums) { sum_gradients(j, sums, KIND, 0); } \
  EK_CLONES static void spread_##NAME(const sweep *j) { spread_gradients(j, KIND); }
EK_ACTIVATIONS(SWEEPS)

EK_CLONES static void add_to_identity(const sweep *j) { normalize(j, EK_IDENTITY, 1); }
EK_CLONES static void add_to_relu(const sweep *j) { normalize(j, EK_RELU, 1); }
EK_CLONES static void sum_relu_of_sum(const sweep *j, double *sums) { sum_gradients(j, sums, EK_RELU, 1); }

void ek_batch_norm_apply(const ek_batch_norm *norm, const float *x, float *y, ek_batch_statistics statistics) {
  sweep j = {.norm = *norm, .x = x, .out = y, .statistics = statistics};
  if (norm->addend) {
    if (norm->activation == EK_RELU) add_to_relu(&j);
    else add_to_identity(&j);
    drain(norm);
    return;
  }
  switch (norm->activation) {
#define CASE(NAME, KIND, SOURCE) case KIND: normalize_##NAME(&j); break;
    EK_ACTIVATIONS(CASE)
#undef CASE
  }
  drain(norm);
}

void ek_batch_norm_gradient_sums(const ek_batch_norm *norm, const float *x, const float *y, float *dy,
                                 ek_batch_statistics statistics, double *sums) {
  sweep j = {.norm = *norm, .x = x, .y = y, .dy = dy, .statistics = statistics};
  *ek_slice_weight(sums, norm->features) = (double)norm->rows;
  if (norm->addend && norm->activation == EK_RELU) {
    sum_relu_of_sum(&j, sums);
    return;
  }
  switch (norm->activation) {
#define CASE(NAME, KIND, SOURCE) case KIND: sum_##NAME(&j, sums); break;
    EK_ACTIVATIONS(CASE)
#undef CASE
  }
}

void ek_batch_norm_spread(const ek_batch_norm *norm, const float *x, const float *y, const float *dy,
                          ek_batch_statistics statistics, const float *mean_dz, const float *mean_dz_n, float *dx) {
  sweep j = {.norm = *norm, .x = x, .y = y, .dy = (float *)dy, .out = dx, .statistics = statistics,
             .mean_dz = mean_dz, .mean_dz_n = mean_dz_n};
  if (norm->addend) {  // the activation has been gone through
    spread_identity(&j);
    drain(norm);
    return;
  }
  switch (norm->activation) {
#define CASE(NAME, KIND, SOURCE) case KIND: spread_##NAME(&j); break;
    EK_ACTIVATIONS(CASE)
#undef CASE
  }
  drain(norm);
}

// ---- weighted statistics ------------------------------------------------------------------------------------------

// dx -= gain * weight * (mean_dz + n * mean_dz_n) over one row.
EK_CLONES static void correct_row(const sweep *j, size_t at, float weight) {
  EK_FOR_LANES(0, j->norm.features, {
    ek_f16 inverse = ek_load(j->statistics.inverse_deviation + i, n);
    ek_f16 gain = ek_load_or(j->norm.scale, i, n, 1) * inverse;
    ek_f16 d = (ek_load(j->x + at + i, n) - ek_load(j->statistics.mean_high + i, n)) -
               ek_load(j->statistics.mean_low + i, n);
    ek_f16 through = weight * (ek_load(j->mean_dz + i, n) + (d * inverse) * ek_load(j->mean_dz_n + i, n));
    ek_store(j->out + at + i, ek_load(j->out + at + i, n) - gain * through, n);
  });
}

void ek_batch_norm_spread_weights(const ek_batch_norm *norm, const float *x, const ek_weights *w,
                                  ek_batch_statistics statistics, const float *mean_dz, const float *mean_dz_n,
                                  float *dx) {
  sweep j = {.norm = *norm, .x = x, .out = dx, .statistics = statistics, .mean_dz = mean_dz, .mean_dz_n = mean_dz_n};
  for (size_t example = 0; example < w->examples; example++) {
    float weight = w->weights ? w->weights[example] : 1;
    size_t length = weight == 0 ? 0 : w->lengths ? (size_t)w->lengths[example] : w->positions;
    for (size_t p = 0; p < length; p++) correct_row(&j, (example * w->positions + p) * norm->features, weight);
  }
}
