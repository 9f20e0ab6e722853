// What the processor's fused multiply-adds reach: independent ones in registers, twelve vectors of sixteen floats.
#include "onednn_peer.h"

typedef float vector __attribute__((vector_size(64)));

#if defined(__x86_64__)
__attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#endif
float fma_chain(long count) {
  vector a[12], b = {0}, c = {0};
  for (int i = 0; i < 16; i++) b[i] = 0.999f, c[i] = 0.001f;
  for (int i = 0; i < 12; i++) a[i] = b * (float)i;
  for (long k = 0; k < count; k++)
    for (int i = 0; i < 12; i++) a[i] = a[i] * b + c;
  float sum = 0;
  for (int i = 0; i < 12; i++)
    for (int lane = 0; lane < 16; lane++) sum += a[i][lane];
  return sum;
}
