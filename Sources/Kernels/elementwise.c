// Operations value by value: sums, biases, transposition, dropout, averages, and zeros after the end of sequences.
#include "kernels.h"
#include "team.h"
#include "vector_math.h"

// ---- sums ---------------------------------------------------------------------------------------------------------

typedef struct {
  const float *a, *b;
  float *y;
} addition;

EK_CLONES static void add(void *context, size_t begin, size_t end) {
  const addition *s = context;
  EK_FOR_LANES(begin, end, ek_store(s->y + i, ek_load(s->a + i, n) + ek_load(s->b + i, n), n););
}

void ek_add(const float *a, const float *b, size_t count, float *y, int threads) {
  addition s = {.a = a, .b = b, .y = y};
  ek_each(add, &s, count, EK_VECTOR, count, threads);
}

EK_CLONES static void add_relu(void *context, size_t begin, size_t end) {
  const addition *s = context;
  EK_FOR_LANES(begin, end, {
    ek_f16 sum = ek_load(s->a + i, n) + ek_load(s->b + i, n);
    ek_store(s->y + i, ek_activate(sum, EK_RELU, 0), n);
  });
}

void ek_add_relu(const float *a, const float *b, size_t count, float *y, int threads) {
  addition s = {.a = a, .b = b, .y = y};
  ek_each(add_relu, &s, count, EK_VECTOR, count, threads);
}

typedef struct {
  const float *bias;
  float *y;
  size_t features;
} biases;

EK_CLONES static void add_bias(void *context, size_t begin, size_t end) {
  const biases *b = context;
  for (size_t row = begin; row < end; row++) {
    float *y = b->y + row * b->features;
    EK_FOR_LANES(0, b->features, ek_store(y + i, ek_load(y + i, n) + ek_load(b->bias + i, n), n););
  }
}

void ek_add_bias(float *y, size_t rows, size_t features, const float *bias, int threads) {
  biases b = {.bias = bias, .y = y, .features = features};
  ek_each(add_bias, &b, rows, EK_ROW, rows * features, threads);
}

// ---- transposition ------------------------------------------------------------------------------------------------

typedef struct {
  const float *x;
  float *y;
  size_t positions, channels;
} transposition;

// In squares that fit a cache, example after example.
EK_CLONES static void transpose(void *context, size_t begin, size_t end) {
  const transposition *t = context;
  size_t length = t->positions * t->channels;
  for (size_t row = begin; row < end; row++) {
    const float *x = t->x + row * length;
    float *y = t->y + row * length;
    for (size_t p = 0; p < t->positions; p += 16) {
      size_t last = ek_smaller(p + 16, t->positions);
      for (size_t c = 0; c < t->channels; c++)
        for (size_t i = p; i < last; i++) y[c * t->positions + i] = x[i * t->channels + c];
    }
  }
}

void ek_transpose(const float *x, size_t rows, size_t positions, size_t channels, float *y, int threads) {
  transposition t = {.x = x, .y = y, .positions = positions, .channels = channels};
  ek_each(transpose, &t, rows, EK_ROW, rows * positions * channels, threads);
}

// ---- dropout ------------------------------------------------------------------------------------------------------

typedef struct {
  const float *x;
  float *y;
  size_t first;
  uint32_t low, high, threshold;
  float gain;
} dropout;

// Two rounds of a 32-bit finalizer over the position, the key's halves between them.
EK_CLONES static void drop(void *context, size_t begin, size_t end) {
  const dropout *d = context;
  for (size_t i = begin; i < end; i++) {
    size_t place = d->first + i;
    uint32_t h = (uint32_t)place * 0x9E3779B9u ^ d->low;
    h ^= h >> 16, h *= 0x7FEB352Du, h ^= h >> 15, h *= 0x846CA68Bu, h ^= h >> 16;
    h += d->high ^ (uint32_t)((uint64_t)place >> 32);
    h ^= h >> 16, h *= 0x7FEB352Du, h ^= h >> 15, h *= 0x846CA68Bu, h ^= h >> 16;
    d->y[i] = h < d->threshold ? 0 : d->x[i] * d->gain;
  }
}

void ek_dropout(const float *x, size_t first, size_t count, double rate, uint64_t key, float *y, int threads) {
  dropout d = {.x = x, .y = y, .first = first, .low = (uint32_t)key, .high = (uint32_t)(key >> 32),
               .threshold = (uint32_t)(rate * 4294967296.0), .gain = (float)(1 / (1 - rate))};
  ek_each(drop, &d, count, EK_VECTOR, count, threads);
}

// ---- averages -----------------------------------------------------------------------------------------------------

typedef struct {
  float *average;
  const float *x;
  float share;
} averaging;

EK_CLONES static void move_average(void *context, size_t begin, size_t end) {
  const averaging *a = context;
  EK_FOR_LANES(begin, end, {
    ek_f16 before = ek_load(a->average + i, n);
    ek_store(a->average + i, before + a->share * (ek_load(a->x + i, n) - before), n);
  });
}

void ek_average(float *average, const float *x, size_t count, float share, int threads) {
  averaging a = {.average = average, .x = x, .share = share};
  ek_each(move_average, &a, count, EK_VECTOR, count, threads);
}

// ---- sequences ----------------------------------------------------------------------------------------------------

void ek_clear_behind(float *x, const int32_t *lengths, size_t examples, size_t positions, size_t features) {
  for (size_t example = 0; example < examples; example++) {
    size_t length = (size_t)lengths[example];
    memset(x + (example * positions + length) * features, 0, (positions - length) * features * sizeof(float));
  }
}

void ek_scale_by_length(float *x, const int32_t *lengths, size_t examples, size_t positions, size_t width) {
  for (size_t example = 0; example < examples; example++) {
    float factor = lengths[example] ? (float)((double)positions / lengths[example]) : 0;
    for (size_t i = 0; i < width; i++) x[example * width + i] *= factor;
  }
}
