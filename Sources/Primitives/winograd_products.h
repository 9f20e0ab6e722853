// The products of Winograd's algorithm: of matrices, at 36 points.
#ifndef EVENKEEL_WINOGRAD_PRODUCTS_H
#define EVENKEEL_WINOGRAD_PRODUCTS_H

#include <stddef.h>

enum { lanes = 16 };
typedef float vec __attribute__((vector_size(64), aligned(4)));

#if defined(__x86_64__)
#define TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"), min_vector_width(512)))
#else
#define TARGET
#endif
#define INLINED static inline __attribute__((always_inline)) TARGET

INLINED vec load(const float *from) { return *(const vec *)from; }
INLINED void store(float *to, vec v) { *(vec *)to = v; }

// Whether the processor has the registers for it: without 32 of 16 floats the direct algorithm is as fast.
int ek_has_point_products(void);

// Packed matrices (inputs, outputs) lie in panels of 16 outputs.

// Floats from one point's matrix to the next's: an odd number of cache lines, so that 36 of them do not share a few sets.
static inline size_t ek_points_apart(size_t tiles, size_t channels) { return (tiles * channels / lanes | 1) * lanes; }

// y (point, tiles, outputs) = x (point, tiles, inputs) w (point, packed).
void ek_point_products(const float *x, const float *w, size_t tiles, size_t inputs, size_t outputs, float *y);
// dw (point, packed) = x^T dy, added to what is there if `adds`.
void ek_point_sums(const float *x, const float *dy, size_t tiles, size_t inputs, size_t outputs, int adds, float *dw);

#endif
