// Layer, group, instance and RMS norm.
#include "digests.h"
#include "kernels.h"

static void group(size_t examples, size_t positions, size_t channels, size_t groups, int centered) {
  size_t count = examples * positions * channels, sets = examples * groups;
  ek_group_norm norm = {examples, positions, channels, groups, 1e-5, centered, numbers(channels, 0.5f, 2),
                        numbers(channels, -1, 1)};
  float *x = numbers(count, 9, 11), *y = zeros(count * sizeof(float)), *dy = numbers(count, -1, 1);
  ek_group_statistics statistics = {zeros(sets * sizeof(float)), zeros(sets * sizeof(float)), zeros(sets * sizeof(float))};
  double *scratch = zeros(ek_group_norm_scratch(&norm) * sizeof(double));
  ek_group_norm_forward(&norm, x, y, statistics, scratch);
  take_floats(y, count), take_floats(statistics.mean_high, sets), take_floats(statistics.mean_low, sets);
  take_floats(statistics.inverse_deviation, sets);
  size_t stride = ek_slice_stride(channels);
  double *sums = zeros(stride * sizeof(double));
  ek_group_norm_backward(&norm, x, dy, statistics, sums, dy, scratch);
  take_floats(dy, count), take_doubles(sums, channels), take_doubles(sums + ek_slice_second(channels), channels);
  line("%s of %zu by %zu by %zu in %zu groups", centered ? "norm" : "RMS norm", examples, positions, channels, groups);
}

void group_norm_lines(void) {
  for (int centered = 0; centered < 2; centered++) {
    group(1, 1, 5, 1, centered), group(7, 1, 70, 1, centered), group(33, 1, 128, 1, centered);
    group(3, 49, 24, 4, centered), group(2, 25, 17, 17, centered), group(5, 64, 32, 8, centered);
    group(4, 9, 48, 1, centered), group(2, 100, 6, 2, centered);
  }
}
