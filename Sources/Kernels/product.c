// What surrounds matrix products: writing a matrix out transposed, and products with few rows.
#include "kernels.h"
#include "team.h"
#include "vector_math.h"

// What is not unrolled goes through memory.
#define UNROLLED _Pragma("clang loop unroll(full)")

// Squares of 16 by 16 in registers: rows are read as vectors, exchanged in four rounds, and written as vectors.
EK_INLINE void transpose_square(const float *x, size_t x_stride, float *y, size_t y_stride) {
  ek_f16 a[16], b[16];
  UNROLLED for (int i = 0; i < 16; i++) a[i] = ek_load(x + (size_t)i * x_stride, 16);
#define ROUND(FROM, TO, DISTANCE, LOW, HIGH)                                     \
  UNROLLED for (int i = 0; i < 16; i++)                                          \
    if (!(i & (DISTANCE))) {                                                     \
      TO[i] = __builtin_shufflevector(FROM[i], FROM[i + (DISTANCE)], LOW);       \
      TO[i + (DISTANCE)] = __builtin_shufflevector(FROM[i], FROM[i + (DISTANCE)], HIGH); \
    }
#define LOW8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define LOW4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define HIGH4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define LOW2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define HIGH1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
  ROUND(a, b, 8, LOW8, HIGH8)
  ROUND(b, a, 4, LOW4, HIGH4)
  ROUND(a, b, 2, LOW2, HIGH2)
  ROUND(b, a, 1, LOW1, HIGH1)
  UNROLLED for (int i = 0; i < 16; i++) ek_store(y + (size_t)i * y_stride, a[i], 16);
}

EK_CLONES void ek_transpose_rows(const float *x, size_t rows, size_t columns, float *y, size_t stride) {
  for (size_t c = 0; c < columns; c += 16)
    for (size_t r = 0; r < rows; r += 16) {
      // Rows are far apart, so the processor does not predict where they go on.
      for (size_t k = r; k < ek_smaller(r + 16, rows); k++) __builtin_prefetch(x + k * columns + c + 64, 0, 2);
      if (r + 16 <= rows && c + 16 <= columns) {
        transpose_square(x + r * columns + c, columns, y + c * stride + r, stride);
        continue;
      }
      size_t last = ek_smaller(r + 16, rows), end = ek_smaller(c + 16, columns);
      for (size_t i = c; i < end; i++)
        for (size_t k = r; k < last; k++) y[i * stride + k] = x[k * columns + i];
    }
}

EK_INLINE float sum(ek_f16 v) {
  for (int half = 8; half; half /= 2)
    for (int i = 0; i < half; i++) v[i] += v[i + half];
  return v[0];
}

// Up to four sums of products with rows of weights, of numbers of rows and outputs that are constants: each in the same order, whatever is
// beside it.
EK_INLINE void products(const float *x, const float *weights, size_t inputs, int rows, int outputs, float *y, size_t stride) {
  ek_f16 s[2][4] = {{{0}}};
  EK_FOR_LANES(0, inputs, {
    UNROLLED for (int r = 0; r < rows; r++)
      UNROLLED for (int o = 0; o < outputs; o++)
        s[r][o] += ek_load(x + (size_t)r * inputs + i, n) * ek_load(weights + (size_t)o * inputs + i, n);
  });
  UNROLLED for (int r = 0; r < rows; r++)
    UNROLLED for (int o = 0; o < outputs; o++) y[(size_t)r * stride + (size_t)o] = sum(s[r][o]);
}

EK_CLONES void ek_row_products(const float *x, size_t rows, const float *weights, const float *bias, size_t inputs, size_t outputs,
                               float *y) {
  size_t o = 0;
  // Four rows of weights at a time, which stay in the first cache while all rows of x pass.
  for (; o + 4 <= outputs; o += 4) {
    const float *w = weights + o * inputs;
    size_t r = 0;
    for (; r + 2 <= rows; r += 2) {
      products(x + r * inputs, w, inputs, 2, 2, y + r * outputs + o, outputs);
      products(x + r * inputs, w + 2 * inputs, inputs, 2, 2, y + r * outputs + o + 2, outputs);
    }
    if (r < rows) products(x + r * inputs, w, inputs, 1, 4, y + r * outputs + o, outputs);
  }
  for (; o < outputs; o++)
    for (size_t r = 0; r < rows; r++) products(x + r * inputs, weights + o * inputs, inputs, 1, 1, y + r * outputs + o, outputs);
  if (bias)
    for (size_t i = 0; i < rows * outputs; i++) y[i] += bias[i % outputs];
}
