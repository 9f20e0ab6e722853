// Floats to bfloat16: the upper half of a float, rounded to nearest, ties to even. Subnormal numbers stay, numbers beyond the
// largest become infinite, a NaN stays one.
//
// By integers, not by the processor's own instruction, which takes subnormal numbers for 0; the loop waits for memory anyway.
#include "kernels.h"
#include "team.h"

#include <string.h>

EK_CLONES void ek_to_bfloat16(const float *restrict x, size_t count, uint16_t *restrict y) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    uint32_t quiet = (bits >> 16) | 0x40;  // rounding could make an infinity of a NaN
    y[i] = (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
  }
}
