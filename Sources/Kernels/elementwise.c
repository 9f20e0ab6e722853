// Functions of single values, sums over columns, checks.
#include "kernels.h"
#include "team.h"
#include "vector_math.h"

typedef struct {
  const float *x, *y, *dy;
  float *out;
  size_t count;
  ek_activation activation;
  float slope;
} values;

#define FOR_EACH_ACTIVATION(DO)                                                                               \
  DO(identity, EK_IDENTITY) DO(relu, EK_RELU) DO(leaky_relu, EK_LEAKY_RELU) DO(elu, EK_ELU) DO(gelu, EK_GELU) \
  DO(silu, EK_SILU) DO(sigmoid, EK_SIGMOID) DO(tanh, EK_TANH) DO(softplus, EK_SOFTPLUS)

#define SWEEPS(NAME, KIND)                                                                              \
  EK_CLONES static void forward_##NAME(const values *v, size_t begin, size_t end) {                     \
    EK_FOR_LANES(begin, end, ek_store(v->out + i, ek_activate(ek_load(v->x + i, n), KIND, v->slope), n);); \
  }                                                                                                     \
  EK_CLONES static void backward_##NAME(const values *v, size_t begin, size_t end) {                    \
    const float *from = KIND == EK_GELU || KIND == EK_SILU ? v->x : v->y;                               \
    EK_FOR_LANES(begin, end, {                                                                          \
      ek_f16 value = ek_load(from + i, n);                                                              \
      ek_f16 derivative = ek_activation_derivative(value, value, KIND, v->slope);                       \
      ek_store(v->out + i, ek_load(v->dy + i, n) * derivative, n);                                      \
    });                                                                                                 \
  }
FOR_EACH_ACTIVATION(SWEEPS)

static void forward_member(void *context) {
  const values *v = context;
  size_t begin, end;
  ek_share(v->count, &begin, &end);
  switch (v->activation) {
#define CASE(NAME, KIND) case KIND: forward_##NAME(v, begin, end); break;
    FOR_EACH_ACTIVATION(CASE)
#undef CASE
  }
}

static void backward_member(void *context) {
  const values *v = context;
  size_t begin, end;
  ek_share(v->count, &begin, &end);
  switch (v->activation) {
#define CASE(NAME, KIND) case KIND: backward_##NAME(v, begin, end); break;
    FOR_EACH_ACTIVATION(CASE)
#undef CASE
  }
}

void ek_activation_forward(const float *x, size_t count, ek_activation activation, float slope, float *y,
                           int threads) {
  values v = {.x = x, .out = y, .count = count, .activation = activation, .slope = slope};
  ek_team(forward_member, &v, count, threads);
}

void ek_activation_backward(const float *x, const float *y, const float *dy, size_t count, ek_activation activation,
                            float slope, float *dx, int threads) {
  values v = {.x = x, .y = activation == EK_IDENTITY ? dy : y, .dy = dy, .out = dx, .count = count,
              .activation = activation, .slope = slope};
  ek_team(backward_member, &v, count, threads);
}

EK_CLONES static void add_range(const values *v, size_t begin, size_t end) {
  EK_FOR_LANES(begin, end, ek_store(v->out + i, ek_load(v->x + i, n) + ek_load(v->y + i, n), n););
}

static void add_member(void *context) {
  const values *v = context;
  size_t begin, end;
  ek_share(v->count, &begin, &end);
  add_range(v, begin, end);
}

void ek_add(const float *a, const float *b, size_t count, float *y, int threads) {
  values v = {.x = a, .y = b, .out = y, .count = count};
  ek_team(add_member, &v, count, threads);
}

EK_CLONES static void add_relu_range(const values *v, size_t begin, size_t end) {
  EK_FOR_LANES(begin, end, {
    ek_f16 sum = ek_load(v->x + i, n) + ek_load(v->y + i, n);
    ek_store(v->out + i, ek_activate(sum, EK_RELU, 0), n);
  });
}

static void add_relu_member(void *context) {
  const values *v = context;
  size_t begin, end;
  ek_share(v->count, &begin, &end);
  add_relu_range(v, begin, end);
}

void ek_add_relu(const float *a, const float *b, size_t count, float *y, int threads) {
  values v = {.x = a, .y = b, .out = y, .count = count};
  ek_team(add_relu_member, &v, count, threads);
}

// y (channels, positions) = x (positions, channels) transposed, in squares that a cache holds, example after example.
typedef struct {
  const float *x;
  float *y;
  size_t rows, positions, channels;
} transposition;

EK_CLONES static void transpose_rows(const transposition *t, size_t begin, size_t end) {
  size_t length = t->positions * t->channels;
  for (size_t row = begin; row < end; row++) {
    const float *x = t->x + row * length;
    float *y = t->y + row * length;
    for (size_t p = 0; p < t->positions; p += 16) {
      size_t last = p + 16 < t->positions ? p + 16 : t->positions;
      for (size_t c = 0; c < t->channels; c++)
        for (size_t i = p; i < last; i++) y[c * t->positions + i] = x[i * t->channels + c];
    }
  }
}

static void transpose_member(void *context) {
  const transposition *t = context;
  size_t members = (size_t)omp_get_num_threads(), me = (size_t)omp_get_thread_num();
  transpose_rows(t, t->rows * me / members, t->rows * (me + 1) / members);
}

void ek_transpose(const float *x, size_t rows, size_t positions, size_t channels, float *y, int threads) {
  transposition t = {.x = x, .y = y, .rows = rows, .positions = positions, .channels = channels};
  ek_team(transpose_member, &t, rows * positions * channels, threads);
}

typedef struct {
  const float *x;
  float *y, *sums;
  size_t rows, features;
} matrix;

EK_CLONES static void add_bias_rows(const matrix *m, size_t begin, size_t end) {
  for (size_t row = begin; row < end; row++) {
    float *y = m->y + row * m->features;
    EK_FOR_LANES(0, m->features, ek_store(y + i, ek_load(y + i, n) + ek_load(m->x + i, n), n););
  }
}

static void add_bias_member(void *context) {
  const matrix *m = context;
  size_t begin, end;
  ek_share(m->rows, &begin, &end);
  add_bias_rows(m, begin, end);
}

void ek_add_bias(float *y, size_t rows, size_t features, const float *bias, int threads) {
  matrix m = {.x = bias, .y = y, .rows = rows, .features = features};
  ek_team(add_bias_member, &m, rows * features, threads);
}

// Columns begin ..< end, sixteen at a time; eight rows in float, then into doubles.
EK_CLONES static void column_sums_range(const matrix *m, size_t begin, size_t end) {
  EK_FOR_LANES(begin, end, {
    ek_d8 low = {0}, high = {0};
    for (size_t block = 0; block < m->rows; block += 8) {
      size_t last = block + 8 < m->rows ? block + 8 : m->rows;
      ek_f16 part = {0};
      for (size_t row = block; row < last; row++) part += ek_load(m->x + row * m->features + i, n);
      low += ek_low_half(part), high += ek_high_half(part);
    }
    for (size_t lane = 0; lane < n; lane++) m->sums[i + lane] = (float)(lane < 8 ? low[lane] : high[lane - 8]);
  });
}

static void column_sums_member(void *context) {
  const matrix *m = context;
  size_t begin, end;
  ek_share(m->features, &begin, &end);
  column_sums_range(m, begin, end);
}

void ek_column_sums(const float *dy, size_t rows, size_t features, float *sums, int threads) {
  matrix m = {.x = dy, .sums = sums, .rows = rows, .features = features};
  ek_team(column_sums_member, &m, rows * features, threads);
}

typedef struct {
  const float *x;
  float *y;
  size_t first, count;
  uint32_t low, high, threshold;
  float gain;
} dropout;

// Two rounds of a 32-bit finalizer over the position, the key's halves between them.
EK_CLONES static void dropout_range(const dropout *d, size_t begin, size_t end) {
  for (size_t i = begin; i < end; i++) {
    size_t place = d->first + i;
    uint32_t h = (uint32_t)place * 0x9E3779B9u ^ d->low;
    h ^= h >> 16, h *= 0x7FEB352Du, h ^= h >> 15, h *= 0x846CA68Bu, h ^= h >> 16;
    h += d->high ^ (uint32_t)((uint64_t)place >> 32);
    h ^= h >> 16, h *= 0x7FEB352Du, h ^= h >> 15, h *= 0x846CA68Bu, h ^= h >> 16;
    d->y[i] = h < d->threshold ? 0 : d->x[i] * d->gain;
  }
}

static void dropout_member(void *context) {
  const dropout *d = context;
  size_t begin, end;
  ek_share(d->count, &begin, &end);
  dropout_range(d, begin, end);
}

void ek_dropout(const float *x, size_t first, size_t count, double rate, uint64_t key, float *y, int threads) {
  dropout d = {.x = x, .y = y, .first = first, .count = count, .low = (uint32_t)key, .high = (uint32_t)(key >> 32),
               .threshold = (uint32_t)(rate * 4294967296.0), .gain = (float)(1 / (1 - rate))};
  ek_team(dropout_member, &d, count, threads);
}

typedef struct {
  float *average;
  const float *x;
  size_t count;
  float share;
} averaging;

EK_CLONES static void average_range(const averaging *a, size_t begin, size_t end) {
  EK_FOR_LANES(begin, end, {
    ek_f16 average = ek_load(a->average + i, n);
    ek_store(a->average + i, average + a->share * (ek_load(a->x + i, n) - average), n);
  });
}

static void average_member(void *context) {
  const averaging *a = context;
  size_t begin, end;
  ek_share(a->count, &begin, &end);
  average_range(a, begin, end);
}

void ek_average(float *average, const float *x, size_t count, float share, int threads) {
  averaging a = {.average = average, .x = x, .count = count, .share = share};
  ek_team(average_member, &a, count, threads);
}

// An exponent of all ones is NaN or infinity.
EK_CLONES static int holds_non_finite(const float *x, size_t count) {
  uint32_t found = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    found |= (bits & 0x7f800000u) == 0x7f800000u;
  }
  return (int)found;
}

// The first position from begin to end, or -1.
static ptrdiff_t search_range(const float *x, size_t begin, size_t end) {
  for (size_t block = begin; block < end; block += 4096) {
    size_t last = block + 4096 < end ? block + 4096 : end;
    if (!holds_non_finite(x + block, last - block)) continue;
    while (isfinite(x[block])) block++;
    return (ptrdiff_t)block;
  }
  return -1;
}

typedef struct {
  const float *x;
  size_t count;
  ptrdiff_t first_bad;
} search;

static void search_member(void *context) {
  search *s = context;
  size_t begin, end;
  ek_share(s->count, &begin, &end);
  ptrdiff_t position = search_range(s->x, begin, end);
  if (position >= 0) ek_note_first(&s->first_bad, position);
}

ptrdiff_t ek_first_non_finite(const float *x, size_t count, int threads) {
  // A member of a team that asks for its own rows must not get a member's share of the search.
  if (threads <= 1) return search_range(x, 0, count);
  search s = {.x = x, .count = count, .first_bad = -1};
  ek_team(search_member, &s, count, threads);
  return s.first_bad;
}

// The largest magnitude as bits, which order as the magnitudes do; NaN is above infinity.
EK_CLONES static uint32_t largest_bits(const float *x, size_t count) {
  uint32_t largest = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    bits &= 0x7fffffffu;
    largest = bits > largest ? bits : largest;
  }
  return largest;
}

typedef struct {
  const float *x;
  size_t count;
  uint32_t largest;
} magnitude;

static void magnitude_member(void *context) {
  magnitude *m = context;
  size_t begin, end;
  ek_share(m->count, &begin, &end);
  uint32_t own = largest_bits(m->x + begin, end - begin), seen = __atomic_load_n(&m->largest, __ATOMIC_RELAXED);
  while (own > seen &&
         !__atomic_compare_exchange_n(&m->largest, &seen, own, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

float ek_largest_magnitude(const float *x, size_t count, int threads) {
  magnitude m = {.x = x, .count = count};
  ek_team(magnitude_member, &m, count, threads);
  float largest;
  memcpy(&largest, &m.largest, sizeof largest);
  return largest;
}

#define SQUARE_CHUNKS 64
typedef struct {
  const float *x;
  size_t count;
  double sums[SQUARE_CHUNKS];
} squares;

EK_CLONES static double sum_of_squares_range(const float *x, size_t begin, size_t end) {
  ek_d8 low = {0}, high = {0};
  EK_FOR_LANES(begin, end, {
    ek_f16 v = ek_load(x + i, n);
    ek_d8 first = ek_low_half(v), second = ek_high_half(v);
    low += first * first, high += second * second;
  });
  double sum = 0;
  for (int lane = 0; lane < 8; lane++) sum += low[lane] + high[lane];
  return sum;
}

static void squares_member(void *context) {
  squares *s = context;
  size_t members = (size_t)omp_get_num_threads(), me = (size_t)omp_get_thread_num();
  for (size_t c = SQUARE_CHUNKS * me / members; c < SQUARE_CHUNKS * (me + 1) / members; c++)
    s->sums[c] = sum_of_squares_range(s->x, s->count * c / SQUARE_CHUNKS, s->count * (c + 1) / SQUARE_CHUNKS);
}

double ek_sum_of_squares(const float *x, size_t count, int threads) {
  squares s = {.x = x, .count = count};
  ek_team(squares_member, &s, count, threads);
  double sum = 0;
  for (int c = 0; c < SQUARE_CHUNKS; c++) sum += s.sums[c];
  return sum;
}
