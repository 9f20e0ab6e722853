// Activations, value by value, reductions, transposition and products with one row.
#include "digests.h"
#include "kernels.h"

#include <float.h>

static const size_t counts[] = {1, 15, 16, 17, 100, 1023, 70001};
enum { count_count = sizeof counts / sizeof *counts };

// Numbers of all sizes, and those that are special.
static float *all_sizes(size_t count) {
  static const float special[] = {0,        -0.0f,     1e-45f, -1e-40f, FLT_MIN, FLT_MAX,  -FLT_MAX, INFINITY,
                                  -INFINITY, NAN,      88.7f,  -87.4f,  -104.5f, 0.00001f, -0.3466f, 20};
  float *x = numbers(count, -6, 6);
  for (size_t i = 0; i < count; i += 7) x[i] *= i % 2 ? 20 : 1e-4f;
  for (size_t i = 0; i + 16 < count && i < 16; i++) x[16 + i] = i + 33 < count ? special[i] : x[16 + i];
  return x;
}

static void activation(const char *name, ek_activation kind) {
  for (size_t k = 0; k < count_count; k++) {
    size_t count = counts[k];
    float *x = all_sizes(count), *dy = numbers(count, -1, 1), *y = zeros(count * sizeof(float));
    ek_activation_forward(x, count, kind, 0.7f, y);
    take_floats(y, count);
    ek_activation_backward(x, y, dy, count, kind, 0.7f, y);
    take_floats(y, count);
    line("%s of %zu", name, count);
  }
}

static void elementwise(size_t count) {
  float *a = numbers(count, -2, 2), *b = numbers(count, -2, 2), *y = zeros(count * sizeof(float));
  ek_add(a, b, count, y, threads);
  take_floats(y, count);
  ek_add_relu(a, b, count, y);
  take_floats(y, count);
  ek_average(a, b, count, 0.1f, threads);
  take_floats(a, count);
  ek_dropout(a, 12345, count, 0.3, 0x123456789ABCDEFu, y);
  take_floats(y, count);
  uint16_t *halves = zeros(count * sizeof(uint16_t));
  ek_to_bfloat16(b, count, halves);
  take_bytes(halves, count * sizeof(uint16_t));
  double sum = ek_sum_of_squares(a, count, threads);
  float largest = ek_largest_magnitude(a, count, threads);
  take_doubles(&sum, 1), take_floats(&largest, 1);
  b[count / 2] = NAN;
  int64_t first = ek_first_non_finite(b, count, threads);
  take_bytes(&first, sizeof first);
  line("values of %zu", count);
}

static void matrix(size_t rows, size_t columns) {
  size_t count = rows * columns;
  float *x = numbers(count, -1, 1), *y = zeros(count * sizeof(float)), *row = numbers(columns, -1, 1);
  float *sums = zeros(columns * sizeof(float)), *out = zeros(rows * sizeof(float));
  ek_column_sums(x, rows, columns, columns, sums);
  ek_transpose_rows(x, rows, columns, y, rows);
  ek_row_products(row, 1, x, numbers(rows, -1, 1), columns, rows, out);
  take_floats(sums, columns), take_floats(y, count), take_floats(out, rows);
  ek_add_bias(x, rows, columns, row);
  ek_transpose(x, 1, rows, columns, y);
  take_floats(y, count);
  int32_t *lengths = places(rows, (int32_t)columns + 1);
  ek_scale_by_length(x, lengths, rows, columns, columns);
  ek_clear_behind(x, lengths, rows, columns, 1);
  take_floats(x, count);
  line("matrix of %zu by %zu", rows, columns);
}

void value_lines(void) {
#define ACTIVATION(NAME, KIND, SOURCE) activation(#NAME, KIND);
  EK_ACTIVATIONS(ACTIVATION)
#undef ACTIVATION
  for (size_t k = 0; k < count_count; k++) elementwise(counts[k]);
  matrix(1, 1), matrix(3, 5), matrix(16, 16), matrix(33, 17), matrix(64, 200), matrix(301, 70);
}
