// Numbers and categories as vectors, and what members of an ensemble share.
#include "digests.h"
#include "kernels.h"

#include <stdlib.h>

enum { input = 4, embedded = 3, most_bins = 5 };
static const size_t features[embedded] = {2, 0, 3}, rest[1] = {1};

static int ascending(const void *a, const void *b) { return (*(const float *)a > *(const float *)b) - (*(const float *)a < *(const float *)b); }

static void piecewise(size_t rows, size_t width) {
  size_t weights = embedded * most_bins * width, output = embedded * width + 1, used[embedded];
  float *edges = numbers(embedded * (most_bins + 1), -2, 2), *levels = zeros(weights * sizeof(float));
  ek_piecewise layer = {features, rest, used, embedded, 1, most_bins, width, edges, numbers(weights, -1, 1),
                        numbers(embedded * width, -1, 1), levels};
  float *bias = numbers(embedded * width, -1, 1);
  for (size_t e = 0; e < embedded; e++) {
    float *own = edges + e * (most_bins + 1);
    qsort(own, most_bins + 1, sizeof(float), ascending);
    if (e == 1) own[most_bins] = own[most_bins - 1];
    used[e] = ek_used_bins(own, most_bins);
    ek_piecewise_levels(layer.weights + e * most_bins * width, bias + e * width, most_bins, width,
                        levels + e * most_bins * width);
  }
  float *x = numbers(rows * input, -3, 3), *y = zeros(rows * output * sizeof(float)), *dy = numbers(rows * output, -1, 1);
  float *dx = zeros(rows * input * sizeof(float)), *sums = zeros(4 * most_bins * width * sizeof(float));
  ek_piecewise_forward(&layer, x, rows, input, output, y);
  ek_piecewise_backward(&layer, x, dy, rows, input, output, dx);
  take_floats(y, rows * output), take_floats(dx, rows * input);
  float *dweights = sums + most_bins * width, *dslope = dweights + most_bins * width, *dbias = dslope + width;
  for (size_t e = 0; e < embedded; e++) {
    ek_piecewise_gradient(&layer, e, x, dy, rows, input, output, sums, dweights, dslope, dbias);
    take_floats(dweights, most_bins * width), take_floats(dslope, width), take_floats(dbias, width);
  }
  line("piecewise linear vectors of %zu, %zu rows", width, rows);
}

static void periodic(size_t rows, size_t width, size_t frequencies) {
  size_t waves = 2 * frequencies, output = embedded * width + 1;
  float *weights = numbers(embedded * waves * width, -1, 1), *transposed = zeros(embedded * waves * width * sizeof(float));
  for (size_t e = 0; e < embedded; e++)
    ek_transpose_rows(weights + e * waves * width, waves, width, transposed + e * waves * width, waves);
  ek_periodic layer = {features, rest, embedded, 1, frequencies, width, numbers(embedded * frequencies, -3, 3), weights,
                       transposed, numbers(embedded * width, -1, 1)};
  float *x = numbers(rows * input, -3, 3), *y = zeros(rows * output * sizeof(float)), *dy = numbers(rows * output, -1, 1);
  float *dx = zeros(rows * input * sizeof(float)), *scratch = zeros((4 * frequencies + width) * sizeof(float));
  ek_periodic_forward(&layer, x, rows, input, output, scratch, y);
  ek_periodic_backward(&layer, x, y, dy, rows, input, output, scratch, dx);
  take_floats(y, rows * output), take_floats(dx, rows * input);
  float *dturns = zeros((frequencies + waves * width + width) * sizeof(float)), *dweights = dturns + frequencies;
  for (size_t e = 0; e < embedded; e++) {
    ek_periodic_gradient(&layer, e, x, y, dy, rows, input, output, scratch, dturns, dweights, dweights + waves * width);
    take_floats(dturns, frequencies + waves * width + width);
  }
  line("waves of %zu frequencies to vectors of %zu, %zu rows", frequencies, width, rows);
}

static void lookup(size_t rows, size_t width) {
  static const size_t sizes[embedded] = {3, 7, 2}, starts[embedded] = {0, 3, 10};
  size_t output = embedded * width + 1, entries = 12 * width;
  ek_lookup layer = {features, rest, sizes, starts, embedded, 1, width, numbers(entries, -1, 1)};
  float *x = numbers(rows * input, -1, 8), *y = zeros(rows * output * sizeof(float)), *d = zeros(entries * sizeof(float));
  ek_lookup_forward(&layer, x, rows, input, output, y);
  take_floats(y, rows * output);
  for (size_t e = 0; e < embedded; e++) ek_lookup_gradient(&layer, e, x, y, rows, input, output, d);
  take_floats(d, entries);
  line("categories as vectors of %zu, %zu rows", width, rows);
}

static void members(size_t rows, size_t count, size_t inputs, size_t outputs) {
  float *x = numbers(rows * count * inputs, -1, 1), *scale = numbers(count * inputs, -1, 1);
  float *y = zeros(rows * count * inputs * sizeof(float)), *d = zeros(inputs * sizeof(float));
  for (int is_shared = 0; is_shared < 2; is_shared++) {
    ek_members_scale(x, scale, rows, count, inputs, is_shared, y);
    take_floats(y, rows * count * inputs);
    ek_members_scale_gradient(x, y, rows, count, inputs, is_shared, count - 1, d);
    take_floats(d, inputs);
    ek_members_scale_backward(x, scale, rows, count, inputs, is_shared, y);
    take_floats(y, rows * (is_shared ? 1 : count) * inputs);
  }
  float *weights = numbers(count * outputs * inputs, -1, 1), *dy = numbers(rows * count * outputs, -1, 1);
  float *dweights = zeros(outputs * inputs * sizeof(float)), *dbias = zeros(outputs * sizeof(float));
  ek_members_product_backward(dy, weights, rows, count, inputs, outputs, y);
  ek_members_product_gradient(x, dy, rows, count, inputs, outputs, count - 1, dweights, dbias);
  take_floats(y, rows * count * inputs), take_floats(dweights, outputs * inputs), take_floats(dbias, outputs);
  line("%zu members from %zu to %zu, %zu rows", count, inputs, outputs, rows);
}

void embedding_lines(void) {
  piecewise(1, 1), piecewise(65, 7), piecewise(200, 16), piecewise(33, 24);
  periodic(1, 1, 1), periodic(65, 7, 5), periodic(40, 16, 16), periodic(33, 24, 19);
  lookup(1, 1), lookup(65, 7), lookup(200, 16);
  members(1, 1, 1, 1), members(33, 4, 17, 3), members(20, 8, 32, 2);
}
