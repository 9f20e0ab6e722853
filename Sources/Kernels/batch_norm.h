// What the batch norm files share: where the sums of slices lie, and how slices are cut where a norm works alone.
#ifndef EVENKEEL_BATCH_NORM_H
#define EVENKEEL_BATCH_NORM_H

#include "norm.h"

// Rows from one that is read to the one that is asked for, also behind the end of a slice: most often the next one's.
#define EK_AHEAD 16

// A slice's sums: two rows of features, each padded to whole strips, then its weight.
static inline double *ek_first_sums(double *sums) { return sums; }
static inline double *ek_second_sums(double *sums, size_t features) { return sums + ek_padded(features); }
static inline double *ek_slice_weight(double *sums, size_t features) { return sums + 2 * ek_padded(features); }

// Prefetches what is further on. Sums run down some columns, which the processor does not predict; sweeps of whole rows it
// does, but not as far ahead as memory takes.
EK_INLINE void ek_fetch(const float *p) { __builtin_prefetch(p, 0, 2); }

// The slices of a norm that works alone.
size_t ek_slice_count(size_t rows, size_t features);

#endif
