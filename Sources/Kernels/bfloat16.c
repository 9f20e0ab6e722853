// Floats to bfloat16: the upper half of a float, rounded to nearest, ties to even. Subnormal numbers stay, numbers beyond the
// largest become infinite, a NaN stays one.
//
// By integers, not by the processor's own instruction, which takes subnormal numbers for 0; the loop waits for memory anyway.
#include "kernels.h"
#include "team.h"

#include <string.h>

typedef struct {
  const float *x;
  uint16_t *y;
  size_t count;
} conversion;

EK_CLONES static void convert(const float *restrict x, size_t count, uint16_t *restrict y) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    uint32_t quiet = (bits >> 16) | 0x40;  // rounding could make an infinity of a NaN
    y[i] = (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
  }
}

static void member(void *context) {
  conversion *c = context;
  size_t begin, end;
  ek_share(c->count, &begin, &end);
  convert(c->x + begin, end - begin, c->y + begin);
}

void ek_to_bfloat16(const float *x, size_t count, uint16_t *y, int threads) {
  conversion c = {.x = x, .y = y, .count = count};
  ek_team(member, &c, count, threads);
}
