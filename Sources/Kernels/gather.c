// Gathers rows of a data set into a batch: convert, scale, one after the other.
#include "gather.h"
#include "team.h"
#include "vector_math.h"

typedef struct {
  const ek_source *source;
  const int32_t *rows;
  size_t width;
  const ek_scaling *scaling;
  float *output;
  ptrdiff_t first_bad;
} gathering;

EK_INLINE double plain_difference(double x, double from) { return x - from; }

// x - from for an integer that a double may not hold, given in halves that it can.
EK_INLINE double difference_of_halves(double high, double low, double from) {
  double from_high = floor(from * 0x1p-32), from_low = from - from_high * 0x1p32;
  return (high - from_high) * 0x1p32 + (low - from_low);
}

EK_INLINE double signed_difference(int64_t x, double from) {
  return difference_of_halves((double)(int32_t)(x >> 32), (double)(uint32_t)x, from);
}

EK_INLINE double unsigned_difference(uint64_t x, double from) {
  return difference_of_halves((double)(uint32_t)(x >> 32), (double)(uint32_t)x, from);
}

// By kind of number: values of a stored row as floats, standardized in double, and their differences from others.
#define LOOPS(KIND, NAME, TYPE, DIFFERENCE)                                                                      \
  EK_CLONES static void convert_##NAME(const TYPE *row, size_t count, float *restrict output) {                  \
    for (size_t i = 0; i < count; i++) output[i] = (float)row[i];                                                \
  }                                                                                                              \
  EK_CLONES static void standardize_##NAME(const TYPE *row, size_t count, const double *mean,                    \
                                           const double *remainder, const double *deviation,                     \
                                           float *restrict output) {                                             \
    for (size_t i = 0; i < count; i++)                                                                           \
      output[i] = (float)((DIFFERENCE(row[i], mean[i]) - remainder[i]) / deviation[i]);                          \
  }                                                                                                              \
  EK_CLONES static void subtract_##NAME(const TYPE *row, size_t count, const double *from,                       \
                                        double *restrict output) {                                               \
    for (size_t i = 0; i < count; i++) output[i] = DIFFERENCE(row[i], from[i]);                                  \
  }
#define FOR_EACH_ELEMENT(DO)                                                                                        \
  DO(EK_UINT8, bytes, uint8_t, plain_difference) DO(EK_FLOAT32, floats, float, plain_difference)                 \
  DO(EK_FLOAT64, doubles, double, plain_difference) DO(EK_INT32, ints, int32_t, plain_difference)                \
  DO(EK_UINT32, unsigned_ints, uint32_t, plain_difference) DO(EK_INT64, longs, int64_t, signed_difference)       \
  DO(EK_UINT64, unsigned_longs, uint64_t, unsigned_difference)
FOR_EACH_ELEMENT(LOOPS)

static size_t size_of(ek_element element) {
  switch (element) {
#define CASE(KIND, NAME, TYPE, DIFFERENCE) case KIND: return sizeof(TYPE);
    FOR_EACH_ELEMENT(CASE)
#undef CASE
  }
  return 0;
}

// Rows may be anywhere: the next but one is prefetched while this one is converted.
static void prefetch(const ek_source *s, int32_t row) {
  size_t bytes = s->stored_width * size_of(s->element);
  const char *at = (const char *)s->base + (size_t)row * bytes;
  for (size_t b = 0; b < bytes && b < 4096; b += 64) __builtin_prefetch(at + b);
}

static void convert(const ek_source *s, int32_t row, size_t begin, size_t count, float *output) {
  size_t at = (size_t)row * s->stored_width + begin;
  switch (s->element) {
#define CASE(KIND, NAME, TYPE, DIFFERENCE)                                                                       \
  case KIND: convert_##NAME((const TYPE *)s->base + at, count, output); break;
    FOR_EACH_ELEMENT(CASE)
#undef CASE
  }
}

void ek_read_row(const ek_source *source, int32_t row, size_t width, float *output) {
  size_t before = source->skipped_column < 0 ? width : (size_t)source->skipped_column;
  convert(source, row, 0, before, output);
  if (before < width) convert(source, row, before + 1, width - before, output + before);
}

static void standardize(const ek_source *s, size_t at, size_t count, const double *mean, const double *remainder,
                        const double *deviation, float *output) {
  switch (s->element) {
#define CASE(KIND, NAME, TYPE, DIFFERENCE)                                                                       \
  case KIND:                                                                                                     \
    standardize_##NAME((const TYPE *)s->base + at, count, mean, remainder, deviation, output);                   \
    break;
    FOR_EACH_ELEMENT(CASE)
#undef CASE
  }
}

enum { shortest = 96 };

void ek_read_scaled_row(const ek_source *source, int32_t row, size_t width, const ek_scaling *scaling, float *output) {
  size_t at = (size_t)row * source->stored_width, period = scaling->period;
  const double *mean = scaling->exact_mean, *remainder = scaling->remainder, *deviation = scaling->deviation;
  if (source->skipped_column >= 0) {  // a flat row: a channel each
    size_t before = (size_t)source->skipped_column;
    standardize(source, at, before, mean, remainder, deviation, output);
    standardize(source, at + before + 1, width - before, mean + before, remainder + before, deviation + before,
                output + before);
    return;
  }
  // A few channels are repeated until a loop over them is worth vectorizing.
  double repeated[3][2 * shortest];
  if (period < shortest && period < width) {
    size_t count = (shortest + period - 1) / period * period;
    for (size_t i = 0; i < count; i++) {
      repeated[0][i] = mean[i % period];
      repeated[1][i] = remainder[i % period];
      repeated[2][i] = deviation[i % period];
    }
    mean = repeated[0], remainder = repeated[1], deviation = repeated[2], period = count;
  }
  for (size_t start = 0; start < width; start += period) {
    size_t count = width - start < period ? width - start : period;
    standardize(source, at + start, count, mean, remainder, deviation, output + start);
  }
}

void ek_row_differences(const ek_source *source, int32_t row, size_t begin, size_t count, const double *from,
                        double *output) {
  size_t at = (size_t)row * source->stored_width + begin;
  switch (source->element) {
#define CASE(KIND, NAME, TYPE, DIFFERENCE)                                                                       \
  case KIND: subtract_##NAME((const TYPE *)source->base + at, count, from, output); break;
    FOR_EACH_ELEMENT(CASE)
#undef CASE
  }
}

EK_CLONES static void scale_by(float *row, size_t width, const float *mean, const float *scale, size_t period) {
  for (size_t start = 0; start < width; start += period) {
    size_t count = width - start < period ? width - start : period;
    for (size_t c = 0; c < count; c++) row[start + c] = (row[start + c] - mean[c]) * scale[c];
  }
}

void ek_scale_row(float *row, size_t width, const ek_scaling *scaling) {
  const float *mean = scaling->mean, *scale = scaling->scale;
  size_t period = scaling->period;
  if (period >= shortest || period >= width) {
    scale_by(row, width, mean, scale, period);
    return;
  }
  float means[2 * shortest], scales[2 * shortest];
  size_t repeated = (shortest + period - 1) / period * period;
  for (size_t i = 0; i < repeated; i++) {
    means[i] = mean[i % period];
    scales[i] = scale[i % period];
  }
  scale_by(row, width, means, scales, repeated);
}

static void gather_rows(void *context, size_t first, size_t last, int member) {
  gathering *g = context;
  int exactly = g->scaling && g->scaling->exact_mean;
  ptrdiff_t bad = -1;
  for (size_t r = first; r < last; r++) {
    if (r + 2 < last) prefetch(g->source, g->rows[r + 2]);
    float *row = g->output + r * g->width;
    if (exactly) {
      ek_read_scaled_row(g->source, g->rows[r], g->width, g->scaling, row);
    } else {
      ek_read_row(g->source, g->rows[r], g->width, row);
      if (g->scaling) ek_scale_row(row, g->width, g->scaling);
    }
    if (bad >= 0 || g->source->element == EK_UINT8) continue;  // bytes are finite
    ptrdiff_t column = ek_first_non_finite(row, g->width, 1);
    if (column >= 0) bad = (ptrdiff_t)(r * g->width) + column;
  }
  if (bad >= 0) ek_note_first(&g->first_bad, bad);
}

ptrdiff_t ek_gather(const ek_source *source, const int32_t *rows, size_t row_count, const ek_scaling *scaling,
                    float *output, int threads) {
  gathering g = {.source = source, .rows = rows, .scaling = scaling, .output = output,
                 .first_bad = -1, .width = source->stored_width - (source->skipped_column >= 0 ? 1 : 0)};
  ek_each(gather_rows, &g, row_count, EK_ROW, row_count * g.width, threads);
  return g.first_bad;
}
