// The products of Winograd's algorithm: at each of 36 points, matrices of tiles by channels. Blocks of 12 rows by 32 columns of
// a result stay in registers.
#include "winograd_products.h"

enum { points = 36, most_rows = 12 };

int ek_has_point_products(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq");
#else
  return 0;
#endif
}

#define UNROLLED _Pragma("clang loop unroll(full)")

// `rows` rows by `panels` panels of y; both are constants where it is inlined.
INLINED void rows_by_panels(const float *x, const float *w, size_t inputs, size_t outputs, float *y, int rows, int panels) {
  vec sums[most_rows][2];
  UNROLLED for (int r = 0; r < rows; r++)
    UNROLLED for (int p = 0; p < panels; p++) sums[r][p] = (vec){0};
  for (size_t k = 0; k < inputs; k++) {
    vec weights[2];
    UNROLLED for (int p = 0; p < panels; p++) weights[p] = load(w + p * inputs * lanes + k * lanes);
    UNROLLED for (int r = 0; r < rows; r++)
      UNROLLED for (int p = 0; p < panels; p++) sums[r][p] += x[r * inputs + k] * weights[p];
  }
  UNROLLED for (int r = 0; r < rows; r++)
    UNROLLED for (int p = 0; p < panels; p++) store(y + r * outputs + p * lanes, sums[r][p]);
}

INLINED void all_rows(const float *x, const float *w, size_t tiles, size_t inputs, size_t outputs, float *y, int panels) {
  size_t r = 0;
#define ROWS(N) for (; r + N <= tiles; r += N) rows_by_panels(x + r * inputs, w, inputs, outputs, y + r * outputs, N, panels);
  ROWS(12) ROWS(8) ROWS(4) ROWS(2) ROWS(1)
#undef ROWS
}

TARGET void ek_point_products(const float *x, const float *w, size_t tiles, size_t inputs, size_t outputs, float *y) {
  for (size_t point = 0; point < points; point++) {
    size_t o = 0;
    for (; o + 2 * lanes <= outputs; o += 2 * lanes) all_rows(x, w + o * inputs, tiles, inputs, outputs, y + o, 2);
    if (o < outputs) all_rows(x, w + o * inputs, tiles, inputs, outputs, y + o, 1);
    x += ek_points_apart(tiles, inputs), y += ek_points_apart(tiles, outputs), w += inputs * outputs;
  }
}

// `rows` inputs by `panels` panels of dw.
INLINED void sums_by_panels(const float *x, const float *dy, size_t tiles, size_t inputs, size_t outputs, int adds, float *dw,
                            int rows, int panels) {
  vec sums[16][2];
  UNROLLED for (int r = 0; r < rows; r++)
    UNROLLED for (int p = 0; p < panels; p++)
      sums[r][p] = adds ? load(dw + (p * inputs + r) * lanes) : (vec){0};
  for (size_t t = 0; t < tiles; t++) {
    vec gradients[2];
    UNROLLED for (int p = 0; p < panels; p++) gradients[p] = load(dy + t * outputs + p * lanes);
    UNROLLED for (int r = 0; r < rows; r++)
      UNROLLED for (int p = 0; p < panels; p++) sums[r][p] += x[t * inputs + r] * gradients[p];
  }
  UNROLLED for (int r = 0; r < rows; r++)
    UNROLLED for (int p = 0; p < panels; p++) store(dw + (p * inputs + r) * lanes, sums[r][p]);
}

TARGET void ek_point_sums(const float *x, const float *dy, size_t tiles, size_t inputs, size_t outputs, int adds, float *dw) {
  for (size_t point = 0; point < points; point++) {
    size_t o = 0;
    for (; o + 2 * lanes <= outputs; o += 2 * lanes)
      for (size_t c = 0; c < inputs; c += 8)
        sums_by_panels(x + c, dy + o, tiles, inputs, outputs, adds, dw + o * inputs + c * lanes, 8, 2);
    if (o < outputs)
      for (size_t c = 0; c < inputs; c += 16)
        sums_by_panels(x + c, dy + o, tiles, inputs, outputs, adds, dw + o * inputs + c * lanes, 16, 1);
    x += ek_points_apart(tiles, inputs), dy += ek_points_apart(tiles, outputs), dw += inputs * outputs;
  }
}
