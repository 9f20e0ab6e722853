// Rows of a data set into a batch: convert, scale, one after the other.
#include "gather.h"
#include "team.h"
#include "vector_math.h"

typedef struct {
  const ek_source *source;
  const int32_t *rows;
  size_t row_count, width, period;
  const float *mean, *scale;
  float *output;
  ptrdiff_t first_bad;
} gathering;

// output = values begin ..< end of a stored row as floats.
#define CONVERT(NAME, TYPE)                                                                        \
  EK_CLONES static void convert_##NAME(const TYPE *row, size_t count, float *restrict output) {    \
    for (size_t i = 0; i < count; i++) output[i] = (float)row[i];                                  \
  }
CONVERT(bytes, uint8_t)
CONVERT(floats, float)
CONVERT(doubles, double)

// Rows lie anywhere: the next but one is fetched while this one is converted.
static void prefetch(const ek_source *s, int32_t row) {
  size_t bytes = s->stored_width * (s->element == 0 ? 1 : s->element == 1 ? 4 : 8);
  const char *at = (const char *)s->base + (size_t)row * bytes;
  for (size_t b = 0; b < bytes && b < 4096; b += 64) __builtin_prefetch(at + b);
}

static void convert(const ek_source *s, int32_t row, size_t begin, size_t count, float *output) {
  size_t at = (size_t)row * s->stored_width + begin;
  switch (s->element) {
    case 0: convert_bytes((const uint8_t *)s->base + at, count, output); break;
    case 1: convert_floats((const float *)s->base + at, count, output); break;
    default: convert_doubles((const double *)s->base + at, count, output); break;
  }
}

void ek_read_row(const ek_source *source, int32_t row, size_t width, float *output) {
  size_t before = source->skipped_column < 0 ? width : (size_t)source->skipped_column;
  convert(source, row, 0, before, output);
  if (before < width) convert(source, row, before + 1, width - before, output + before);
}

EK_CLONES static void scale_by(float *row, size_t width, const float *mean, const float *scale, size_t period) {
  for (size_t start = 0; start < width; start += period) {
    size_t count = width - start < period ? width - start : period;
    for (size_t c = 0; c < count; c++) row[start + c] = (row[start + c] - mean[c]) * scale[c];
  }
}

void ek_scale_row(float *row, size_t width, const float *mean, const float *scale, size_t period) {
  enum { shortest = 96 };
  if (period >= shortest || period >= width) {
    scale_by(row, width, mean, scale, period);
    return;
  }
  // A few channels are repeated until a loop over them is worth vectorising.
  float means[2 * shortest], scales[2 * shortest];
  size_t repeated = (shortest + period - 1) / period * period;
  for (size_t i = 0; i < repeated; i++) {
    means[i] = mean[i % period];
    scales[i] = scale[i % period];
  }
  scale_by(row, width, means, scales, repeated);
}

static void gather_member(void *context) {
  gathering *g = context;
  size_t members = (size_t)omp_get_num_threads(), me = (size_t)omp_get_thread_num();
  size_t last = g->row_count * (me + 1) / members;
  ptrdiff_t bad = -1;
  for (size_t r = g->row_count * me / members; r < last; r++) {
    if (r + 2 < last) prefetch(g->source, g->rows[r + 2]);
    float *row = g->output + r * g->width;
    ek_read_row(g->source, g->rows[r], g->width, row);
    if (g->mean) ek_scale_row(row, g->width, g->mean, g->scale, g->period);
    if (bad >= 0 || g->source->element == 0) continue;  // bytes are finite
    ptrdiff_t column = ek_first_non_finite(row, g->width, 1);
    if (column >= 0) bad = (ptrdiff_t)(r * g->width) + column;
  }
  if (bad >= 0) ek_note_first(&g->first_bad, bad);
}

ptrdiff_t ek_gather(const ek_source *source, const int32_t *rows, size_t row_count, const float *mean, const float *scale,
               size_t period, float *output, int threads) {
  gathering g = {.source = source, .rows = rows, .row_count = row_count, .period = period, .mean = mean,
                 .scale = scale, .output = output, .first_bad = -1,
                 .width = source->stored_width - (source->skipped_column >= 0 ? 1 : 0)};
  ek_team(gather_member, &g, row_count * g.width, threads);
  return g.first_bad;
}
