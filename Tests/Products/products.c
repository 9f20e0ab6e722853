// Products of the room Primitives beside plain sums of doubles, for processors on which the other tests do not run (Scripts/arm64).
#include "primitives.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t state = 1;

// From -1 to 1.
static float next(void) {
  state = state * 1664525u + 1013904223u;
  return (float)(state >> 8) * 0x1p-23f - 1;
}

static float *numbers(size_t count) {
  float *values = malloc((count + 1) * sizeof *values);
  for (size_t i = 0; values && i < count; i++) values[i] = next();
  return values;
}

// Rows lie `more` values further apart than they are long, and these stay as they are. Returns whether every sum of k products is within
// the bound of k roundings, in any order, of the exact one.
static int is_right(size_t m, size_t n, size_t k, int a_transposed, size_t more) {
  size_t lda = (a_transposed ? m : k) + more, ldb = n + more, ldc = n + more;
  float *a = numbers((a_transposed ? k : m) * lda), *b = numbers(k * ldb), *c = numbers(m * ldc);
  if (!a || !b || !c) exit(71);
  int right = 1;
  float beyond = c[ldc - 1];
  if (ek_product((int64_t)m, (int64_t)n, (int64_t)k, a, (int64_t)lda, a_transposed, b, (int64_t)ldb, c, (int64_t)ldc)) right = 0;
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < n; j++) {
      double sum = 0, sizes = 0;
      for (size_t p = 0; p < k; p++) {
        double product = (double)a[a_transposed ? p * lda + i : i * lda + p] * (double)b[p * ldb + j];
        sum += product, sizes += fabs(product);
      }
      if (!(fabs((double)c[i * ldc + j] - sum) <= (double)(k + 1) * 0x1p-24 * sizes)) right = 0;
    }
  if (more && c[ldc - 1] != beyond) right = 0;
  free(a), free(b), free(c);
  if (!right) printf("wrong: %zu by %zu, from %zu%s\n", m, n, k, a_transposed ? ", transposed" : "");
  return right;
}

int main(void) {
  static const size_t sizes[][3] = {{1, 1, 1},   {1, 10, 784},  {2, 3, 5},      {7, 17, 33},   {16, 16, 16},
                                    {33, 65, 9}, {60, 100, 129}, {128, 64, 256}, {257, 31, 300}, {300, 200, 1}};
  int wrong = 0, count = 0;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
    for (int transposed = 0; transposed < 2; transposed++)
      for (size_t more = 0; more < 4; more += 3, count++)
        wrong += !is_right(sizes[s][0], sizes[s][1], sizes[s][2], transposed, more);
  if (!wrong) printf("%d products are right.\n", count);
  return wrong != 0;
}
