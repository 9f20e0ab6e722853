// What the batch norm files share: how rows are divided, and what the members of a team know.
#ifndef EVENKEEL_BATCH_NORM_H
#define EVENKEEL_BATCH_NORM_H

#include "norm.h"

#define EK_AHEAD 16  // rows from one that is read to the one that is asked for

// What the members of a team share.
typedef struct {
  ek_batch_norm norm;
  const float *x, *y;
  float *dy, *out;
  ek_batch_statistics statistics;
  float *dscale, *dshift;
  // Scratch: `chunks` pairs of sums, then two rows of means; each row padded to whole strips.
  size_t chunks;
  double *sums;
  // Merging: the rows before, their mean and squared differences.
  double rows_before, *mean, *squares;
  // The backward of a batch in parts: the sums that are added to; then those of all its rows.
  double *sum_dz, *sum_dz_n;
  double all_rows;
  const double *given_dz, *given_dz_n;
  ptrdiff_t first_bad;
  int streams;  // whether `out` is written past the cache
} ek_norm_job;

static inline size_t ek_norm_chunk_start(const ek_norm_job *j, size_t chunk) {
  return ek_cut(j->norm.rows, chunk, j->chunks);
}

// The two rows of sums of a chunk.
static inline double *ek_norm_sums(const ek_norm_job *j, size_t chunk) {
  return j->sums + 2 * chunk * ek_padded(j->norm.features);
}

// Prefetches the next block of rows: rows are far apart, so the processor does not predict it.
EK_INLINE void ek_fetch(const float *p) { __builtin_prefetch(p, 0, 2); }

// A member's share of the chunks and of the features; each member runs every phase, with a barrier between.
typedef struct {
  size_t first_chunk, last_chunk, first_row, last_row, first_feature, last_feature;
} ek_norm_share;

ek_norm_share ek_norm_share_of(const ek_norm_job *j);
// Adds the sums of features begin ..< end of all chunks, in order, to those of the first.
void ek_norm_merge_chunks(const ek_norm_job *j, size_t begin, size_t end);
// Runs `member` on a team; sets chunks and first_bad.
void ek_norm_run(void (*member)(void *), ek_norm_job *j, int threads);
// A member's part of taking statistics; a barrier must follow before they are read.
void ek_norm_take_statistics(ek_norm_job *j, ek_norm_share share);

#endif
