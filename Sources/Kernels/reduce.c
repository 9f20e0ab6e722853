// Reductions: sums over columns and of squares, the largest magnitude, the first value that is not finite.
#include "kernels.h"
#include "team.h"
#include "vector_math.h"

// Sixteen columns at a time; eight rows in float, then into doubles.
EK_CLONES void ek_column_sums(const float *x, size_t rows, size_t stride, size_t columns, float *sums) {
  EK_FOR_LANES(0, columns, {
    ek_d8 low = {0}, high = {0};
    for (size_t block = 0; block < rows; block += 8) {
      size_t last = ek_smaller(block + 8, rows);
      ek_f16 part = {0};
      for (size_t row = block; row < last; row++) part += ek_load(x + row * stride + i, n);
      low += ek_low_half(part), high += ek_high_half(part);
    }
    for (size_t lane = 0; lane < n; lane++) sums[i + lane] = (float)(lane < 8 ? low[lane] : high[lane - 8]);
  });
}

// ---- sum of squares -----------------------------------------------------------------------------------------------

#define SQUARE_CHUNKS 64

typedef struct {
  const float *x;
  size_t count;
  double sums[SQUARE_CHUNKS];
} squares;

EK_CLONES static double sum_of_squares(const float *x, size_t begin, size_t end) {
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

static void sum_chunks_of_squares(void *context, size_t begin, size_t end, int member) {
  squares *s = context;
  for (size_t c = begin; c < end; c++)
    s->sums[c] = sum_of_squares(s->x, ek_cut(s->count, c, SQUARE_CHUNKS), ek_cut(s->count, c + 1, SQUARE_CHUNKS));
}

double ek_sum_of_squares(const float *x, size_t count, int threads) {
  squares s = {.x = x, .count = count};
  ek_each(sum_chunks_of_squares, &s, SQUARE_CHUNKS, EK_ROW, count, threads);
  double sum = 0;
  for (int c = 0; c < SQUARE_CHUNKS; c++) sum += s.sums[c];
  return sum;
}

// ---- the largest magnitude ----------------------------------------------------------------------------------------

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
  uint32_t largest;
} magnitude;

static void find_largest(void *context, size_t begin, size_t end, int member) {
  magnitude *m = context;
  uint32_t own = largest_bits(m->x + begin, end - begin), seen = __atomic_load_n(&m->largest, __ATOMIC_RELAXED);
  while (own > seen &&
         !__atomic_compare_exchange_n(&m->largest, &seen, own, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

float ek_largest_magnitude(const float *x, size_t count, int threads) {
  magnitude m = {.x = x};
  ek_each(find_largest, &m, count, EK_VECTOR, count, threads);
  float largest;
  memcpy(&largest, &m.largest, sizeof largest);
  return largest;
}

// ---- the first value that is not finite ---------------------------------------------------------------------------

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
static ptrdiff_t search(const float *x, size_t begin, size_t end) {
  for (size_t block = begin; block < end; block += 4096) {
    size_t last = ek_smaller(block + 4096, end);
    if (!holds_non_finite(x + block, last - block)) continue;
    while (isfinite(x[block])) block++;
    return (ptrdiff_t)block;
  }
  return -1;
}

typedef struct {
  const float *x;
  ptrdiff_t first_bad;
} searching;

static void find_non_finite(void *context, size_t begin, size_t end, int member) {
  searching *s = context;
  ptrdiff_t position = search(s->x, begin, end);
  if (position >= 0) ek_note_first(&s->first_bad, position);
}

ptrdiff_t ek_first_non_finite(const float *x, size_t count, int threads) {
  // A member of a team that asks for its own rows must not get a member's share of the search.
  if (threads <= 1) return search(x, 0, count);
  searching s = {.x = x, .first_bad = -1};
  ek_each(find_non_finite, &s, count, EK_VECTOR, count, threads);
  return s.first_bad;
}
