// Sums over the rows of a data set, from which its scaling is computed.
#include "gather.h"
#include "team.h"

#include <math.h>

typedef struct {
  const ek_source *source;
  const int32_t *rows;
  size_t row_count, width;
  const float *weights;
  const int32_t *counts;
  const double *from, *unit;
  double *weight, *sums, *squares, *largest;
} summing;

enum { strip = 256 };  // values whose differences stay in the first cache

EK_CLONES static void add_values(const double *restrict d, size_t count, double w, const double *restrict unit,
                                 double *restrict weight, double *restrict sums, double *restrict squares,
                                 double *restrict largest) {
  for (size_t i = 0; i < count; i++) {
    double size = fabs(d[i]), scaled = d[i] * unit[i];
    weight[i] += w;
    sums[i] += w * d[i];
    squares[i] += w * scaled * scaled;
    largest[i] = size > largest[i] ? size : largest[i];
  }
}

// Values begin ..< end of a row as positions count them, which lie together in the stored row.
static void add_run(const summing *s, size_t r, size_t begin, size_t end, size_t stored) {
  double differences[strip];
  double w = s->weights ? (double)s->weights[r] : 1;
  for (size_t p = begin; p < end; p += strip) {
    size_t count = end - p < strip ? end - p : strip;
    ek_row_differences(s->source, s->rows[r], stored + (p - begin), count, s->from + p, differences);
    add_values(differences, count, w, s->unit + p, s->weight + p, s->sums + p, s->squares + p, s->largest + p);
  }
}

// A member takes its part of the positions, over all rows: the same bits for any team.
static void sum_positions(void *context, size_t begin, size_t last, int member) {
  const summing *s = context;
  size_t skipped = s->source->skipped_column < 0 ? s->width : (size_t)s->source->skipped_column;
  for (size_t r = 0; r < s->row_count; r++) {
    if (s->weights && s->weights[r] == 0) continue;
    size_t end = s->counts && (size_t)s->counts[r] < last ? (size_t)s->counts[r] : last;
    size_t middle = end < skipped ? end : begin > skipped ? begin : skipped;
    if (begin < middle) add_run(s, r, begin, middle, begin);
    if (middle < end) add_run(s, r, middle, end, middle + 1);
  }
}

void ek_moments(const ek_source *source, const int32_t *rows, size_t row_count, const float *weights,
                const int32_t *counts, const double *from, const double *unit, double *weight, double *sums,
                double *squares, double *largest, int threads) {
  summing s = {.source = source, .rows = rows, .row_count = row_count, .weights = weights, .counts = counts,
               .from = from, .unit = unit, .weight = weight, .sums = sums, .squares = squares, .largest = largest,
               .width = source->stored_width - (source->skipped_column >= 0 ? 1 : 0)};
  ek_each(sum_positions, &s, s.width, EK_VECTOR, row_count * s.width, threads);
}
