// What all norms share: how features lie in vectors, and how far sums run in float.
#ifndef EVENKEEL_NORM_H
#define EVENKEEL_NORM_H

#include "kernels.h"
#include "team.h"
#include "vector_math.h"

#define EK_STRIP 16  // features that are held in registers
#define EK_BLOCK 8   // rows or positions that a strip runs over before its sums go on in double

// Rows of sums are padded to whole strips.
static inline size_t ek_padded(size_t features) { return (features + EK_STRIP - 1) / EK_STRIP * EK_STRIP; }

// n floats at p + c, or `otherwise` if p is NULL. Lanes after the n-th are undefined.
EK_INLINE ek_f16 ek_load_or(const float *p, size_t c, size_t n, float otherwise) {
  return p ? ek_load(p + c, n) : ek_splat(otherwise);
}

// n lanes of a value; the others are 0, as those of a part that is loaded, for sums over lanes.
EK_INLINE ek_f16 ek_lanes(float value, size_t n) {
  if (n == 16) return ek_splat(value);
  ek_f16 v = {0};
  for (size_t lane = 0; lane < n; lane++) v[lane] = value;
  return v;
}

#endif
