// What the files on batch norm share: how rows are cut, what the members of a team know, and how statistics are kept.
#ifndef EVENKEEL_BATCH_NORM_H
#define EVENKEEL_BATCH_NORM_H

#include "kernels.h"
#include "team.h"
#include "vector_math.h"

#include <math.h>

#define STRIP 16  // features that are held in registers
#define BLOCK 8   // rows that a strip runs over before its sums go back to memory
#define AHEAD 16  // rows from one that is read to the one that is asked for

EK_INLINE ek_f16 load_or(const float *p, size_t c, size_t width, float otherwise) {
  return p ? ek_load(p + c, width) : ek_splat(otherwise);
}

static inline size_t minimum(size_t a, size_t b) { return a < b ? a : b; }

// Scratch: `chunks` pairs of sums, then two rows of means; each row padded to whole strips.
static inline size_t padded(size_t features) { return (features + STRIP - 1) / STRIP * STRIP; }

// What the members of a team share.
typedef struct {
  ek_batch_norm norm;
  const float *x, *y;
  float *dy, *out;
  size_t chunks;
  ek_batch_statistics statistics;
  float *dscale, *dshift;
  double *sums;
  // Of the parts of a batch before, `count` rows: mean and squares of x, or sums of dz and of dz * normalized x.
  double count, *carried[2];
  ptrdiff_t first_bad;
  int streams;  // whether `out` is written past the cache
} job;

static inline size_t chunk_start(const job *j, size_t chunk) { return j->norm.rows * chunk / j->chunks; }

// The two rows of sums of a chunk.
static inline double *chunk_sums(const job *j, size_t chunk) { return j->sums + 2 * chunk * padded(j->norm.features); }

// Asks for what the next block of rows will read: rows lie far apart, so the processor does not foresee it.
EK_INLINE void fetch(const float *p) { __builtin_prefetch(p, 0, 2); }

// Mean and variance of feature c as they are kept; *first_bad is the first feature for which they are not finite.
static inline void keep_statistics(ek_batch_statistics statistics, size_t c, double mean, double variance, double epsilon,
                                   ptrdiff_t *first_bad) {
  if (!isfinite(mean) || !isfinite(variance)) {
    ek_note_first(first_bad, (ptrdiff_t)c);
    return;
  }
  if (variance < 0) variance = 0;
  float high = (float)mean;
  statistics.mean_high[c] = high;
  statistics.mean_low[c] = (float)(mean - (double)high);
  statistics.variance[c] = (float)variance;
  statistics.inverse_deviation[c] = (float)ek_inverse_deviation(variance, epsilon);
}

// A member's share of the chunks and of the features; each member runs every phase, with a barrier between.
typedef struct {
  size_t first_chunk, last_chunk, first_row, last_row, first_feature, last_feature;
} share;

static inline share share_of(const job *j) {
  size_t members = (size_t)omp_get_num_threads(), me = (size_t)omp_get_thread_num();
  size_t strips = padded(j->norm.features) / STRIP;
  share s = {.first_chunk = j->chunks * me / members, .last_chunk = j->chunks * (me + 1) / members};
  s.first_row = chunk_start(j, s.first_chunk);
  s.last_row = chunk_start(j, s.last_chunk);
  s.first_feature = minimum(strips * me / members * STRIP, j->norm.features);
  s.last_feature = minimum(strips * (me + 1) / members * STRIP, j->norm.features);
  return s;
}

// Adds the sums of features begin ..< end of all chunks, in order, to those of the first.
void ek_norm_merge_chunks(const job *j, size_t begin, size_t end);
// A member's part of taking statistics; a barrier must follow before they are read.
void ek_norm_take_statistics(job *j, share s);
// Runs `member` on a team; sets chunks and first_bad.
void ek_norm_run(void (*member)(void *), job *j, int threads);

#endif
