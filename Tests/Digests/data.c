// Data on its way in: gathered, standardized, augmented and bent, and numbers read from text.
#include "csv_scan.h"
#include "digests.h"
#include "kernels.h"
#include "primitives.h"

#include <stdio.h>

enum { stored = 53, width = 19 };

static void gather(const char *name, ek_element element, size_t bytes, ptrdiff_t skipped) {
  uint8_t *base = zeros(stored * width * bytes);
  for (size_t i = 0; i < stored * width; i++) {
    double value = 200 * next();
    switch (element) {
      case EK_UINT8: base[i] = (uint8_t)value; break;
      case EK_FLOAT32: ((float *)base)[i] = (float)value; break;
      case EK_FLOAT64: ((double *)base)[i] = value; break;
      case EK_INT32: ((int32_t *)base)[i] = (int32_t)(value * 1e6) - 100000000; break;
      case EK_UINT32: ((uint32_t *)base)[i] = (uint32_t)(value * 1e7); break;
      case EK_INT64: ((int64_t *)base)[i] = (int64_t)(value * 4e16) - 4000000000000000000; break;
      case EK_UINT64: ((uint64_t *)base)[i] = (uint64_t)(value * 9e16); break;
    }
  }
  size_t count = width - (skipped >= 0), rows = 1500;
  ek_source source = {base, element, width, skipped};
  int32_t *chosen = places(rows, stored);
  float *output = zeros(rows * count * sizeof(float)), *mean = numbers(count, 50, 150), *scale = numbers(count, 0, 1);
  ek_gather(&source, chosen, rows, NULL, output, threads);
  take_floats(output, rows * count);
  ek_scaling plain = {.period = count, .mean = mean, .scale = scale};
  ek_gather(&source, chosen, rows, &plain, output, threads);
  take_floats(output, rows * count);
  double *numbers_ = zeros(7 * count * sizeof(double));
  double *exact = numbers_, *remainder = exact + count, *unit = remainder + count, *weight = unit + count;
  double *sums = weight + count, *squares = sums + count, *largest = squares + count;
  for (size_t c = 0; c < count; c++) exact[c] = 100 + next(), remainder[c] = 1e-9 * next(), unit[c] = 0.5 + next();
  ek_scaling exactly = {.period = count, .exact_mean = exact, .remainder = remainder, .deviation = unit};
  ek_gather(&source, chosen, rows, &exactly, output, threads);
  take_floats(output, rows * count);
  ek_moments(&source, chosen, rows, numbers(rows, 0, 2), places(rows, (int32_t)count + 1), exact, unit, weight, sums,
             squares, largest, threads);
  take_doubles(weight, 4 * count);
  line("rows of %s%s", name, skipped >= 0 ? ", one column left out" : "");
}

static void augment(size_t height, size_t side, size_t channels) {
  size_t count = height * side * channels, rows = 60;
  ek_source source = {numbers(stored * count, 0, 255), EK_FLOAT32, count, -1};
  ek_scaling scaling = {.period = channels, .mean = numbers(channels, 100, 150), .scale = numbers(channels, 0, 1)};
  ek_transform *transforms = zeros(4 * rows * sizeof *transforms);
  for (size_t r = 0; r < rows; r++) {
    double angle = 0.5 * next();
    int32_t *at = places(4, (int32_t)side);
    transforms[4 * r] = (ek_transform){.kind = r % 2 ? EK_FLIP : EK_UNCHANGED};
    transforms[4 * r + 1] = (ek_transform){.kind = EK_SHIFT, .x = at[0] / 2 - 2, .y = at[1] / 2 - 2};
    // A point of the unit circle without a sine.
    transforms[4 * r + 2] = (ek_transform){.kind = EK_ROTATE, .cosine = (1 - angle * angle) / (1 + angle * angle),
                                           .sine = 2 * angle / (1 + angle * angle)};
    transforms[4 * r + 3] = (ek_transform){.kind = EK_CUT_OUT, .x = at[2] - 1, .y = at[3] - 1, .side = 3};
  }
  float *output = zeros(rows * count * sizeof(float)), *scratch = zeros(2 * count * (size_t)threads * sizeof(float));
  ek_gather_augmented(&source, places(rows, stored), rows, height, side, channels, transforms, 4, &scaling, scratch, output,
                      threads);
  take_floats(output, rows * count);
  line("augmented images of %zu by %zu by %zu", height, side, channels);
}

static void pool(size_t rows, size_t side, size_t channels) {
  int64_t out = (int64_t)(side - 1) / 2 + 1;
  ek_windows windows = {.rows = (int64_t)rows, .height = (int64_t)side, .width = (int64_t)side, .channels = (int64_t)channels,
                        .out_height = out, .out_width = out, .out_channels = (int64_t)channels, .groups = 1,
                        .kernel_height = 3, .kernel_width = 3, .stride_height = 2, .stride_width = 2, .dilation_height = 1,
                        .dilation_width = 1, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1};
  size_t count = rows * side * side * channels, outputs = rows * (size_t)(out * out) * channels;
  float *x = numbers(count, -1, 1), *y = zeros(outputs * sizeof(float)), *dx = zeros(count * sizeof(float));
  int32_t *place = zeros(outputs * sizeof *place);
  ek_largest_pool(&windows, rows, x, y, place);
  ek_largest_pool_backward(&windows, rows, y, place, dx);
  take_floats(y, outputs), take_floats(dx, count), take_bytes(place, outputs * sizeof *place);
  ek_mean_pool(&windows, rows, x, y);
  ek_mean_pool_backward(&windows, rows, y, dx);
  take_floats(y, outputs), take_floats(dx, count);
  line("pools over %zu images of %zu by %zu by %zu", rows, side, side, channels);
}

static void bend(size_t rows) {
  static const float nodes[] = {-2, -1.5f, -1.5f, -0.25f, 0, 0.5f, 2.75f};
  ek_curve curves[] = {{.feature = 0, .nodes = nodes, .count = 7}, {.feature = 2, .center = 0.3f, .scale = 1.7f}};
  float *x = numbers(rows * 3, -4, 4);
  ek_bend(x, rows, 3, curves, 2, threads);
  take_floats(x, rows * 3);
  line("curves over %zu rows", rows);
}

static void text(size_t rows) {
  char *all = zeros(rows * 64);
  size_t length = 0;
  for (size_t r = 0; r < rows; r++) {
    double a = (next() - 0.5) * 1e3, b = next() * 1e-300, c = next() * 1e300;
    length += (size_t)sprintf(all + length, "%.9g,%.17g,\"%.3e\"\n", a, b, c);
  }
  size_t quotes, lines = ek_csv_count((const uint8_t *)all, length, &quotes);
  ek_csv csv = {(const uint8_t *)all, length, ',', quotes > 0};
  size_t *starts = zeros((lines + 1) * sizeof *starts);
  int32_t *at = zeros((lines + 1) * sizeof *at);
  ek_csv_failure failure = {EK_CSV_NONE};
  size_t found = ek_csv_rows(&csv, 0, length, 3, 1, starts, at, &failure);
  ek_cell *cells = zeros(found * 3 * sizeof *cells);
  double *values = zeros(found * 3 * sizeof *values);
  ek_csv_cells(&csv, starts, found, 0, 3, cells, values);
  take_bytes(starts, found * sizeof *starts), take_bytes(at, found * sizeof *at), take_doubles(values, found * 3);
  line("text of %zu rows", found);
}

void data_lines(void) {
#define GATHER(ELEMENT, TYPE) gather(#TYPE, ELEMENT, sizeof(TYPE), -1), gather(#TYPE, ELEMENT, sizeof(TYPE), 7);
  GATHER(EK_UINT8, uint8_t)
  GATHER(EK_FLOAT32, float)
  GATHER(EK_FLOAT64, double)
  GATHER(EK_INT32, int32_t)
  GATHER(EK_UINT32, uint32_t)
  GATHER(EK_INT64, int64_t)
  GATHER(EK_UINT64, uint64_t)
  augment(8, 8, 1), augment(9, 7, 3), augment(28, 28, 1), augment(12, 12, 5);
  pool(2, 8, 3), pool(3, 7, 16), pool(2, 14, 21);
  bend(1), bend(70), bend(5000);
  text(1), text(333);
}
