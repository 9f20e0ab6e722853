// Operations value by value: sums, biases, transposition, dropout, averages, and zeros after the end of sequences.
#include "kernels.h"
#include "team.h"
#include "vector_math.h"

// ---- sums ---------------------------------------------------------------------------------------------------------

typedef struct {
  const float *a, *b;
  float *y;
} addition;

EK_CLONES static void add(void *context, size_t begin, size_t end, int member) {
  const addition *s = context;
  EK_FOR_LANES(begin, end, ek_store(s->y + i, ek_load(s->a + i, n) + ek_load(s->b + i, n), n););
}

void ek_add(const float *a, const float *b, size_t count, float *y, int threads) {
  addition s = {.a = a, .b = b, .y = y};
  ek_each(add, &s, count, EK_VECTOR, count, threads);
}

EK_CLONES void ek_add_relu(const float *a, const float *b, size_t count, float *y) {
  EK_FOR_LANES(0, count, ek_store(y + i, ek_activate(ek_load(a + i, n) + ek_load(b + i, n), EK_RELU, 0), n););
}

EK_CLONES void ek_add_bias(float *y, size_t rows, size_t features, const float *bias) {
  for (size_t row = 0; row < rows; row++, y += features)
    EK_FOR_LANES(0, features, ek_store(y + i, ek_load(y + i, n) + ek_load(bias + i, n), n););
}

// ---- transposition ------------------------------------------------------------------------------------------------

// In squares that fit a cache, example after example.
EK_CLONES void ek_transpose(const float *x, size_t rows, size_t positions, size_t channels, float *y) {
  size_t length = positions * channels;
  for (size_t row = 0; row < rows; row++, x += length, y += length)
    for (size_t p = 0; p < positions; p += 16) {
      size_t last = ek_smaller(p + 16, positions);
      for (size_t c = 0; c < channels; c++)
        for (size_t i = p; i < last; i++) y[c * positions + i] = x[i * channels + c];
    }
}

// ---- dropout ------------------------------------------------------------------------------------------------------

// Two rounds of a 32-bit finalizer over the position, the key's halves between them.
EK_CLONES void ek_dropout(const float *x, size_t first, size_t count, double rate, uint64_t key, float *y) {
  uint32_t low = (uint32_t)key, high = (uint32_t)(key >> 32), threshold = (uint32_t)(rate * 4294967296.0);
  float gain = (float)(1 / (1 - rate));
  for (size_t i = 0; i < count; i++) {
    size_t place = first + i;
    uint32_t h = (uint32_t)place * 0x9E3779B9u ^ low;
    h ^= h >> 16, h *= 0x7FEB352Du, h ^= h >> 15, h *= 0x846CA68Bu, h ^= h >> 16;
    h += high ^ (uint32_t)((uint64_t)place >> 32);
    h ^= h >> 16, h *= 0x7FEB352Du, h ^= h >> 15, h *= 0x846CA68Bu, h ^= h >> 16;
    y[i] = h < threshold ? 0 : x[i] * gain;
  }
}

// ---- averages -----------------------------------------------------------------------------------------------------

typedef struct {
  float *average;
  const float *x;
  float share;
} averaging;

EK_CLONES static void move_average(void *context, size_t begin, size_t end, int member) {
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
