#include "image_codecs.h"

#include <math.h>
#include <stdlib.h>

// The weights of a triangle whose width grows with the reduction, so that every pixel of the source counts (antialiasing). They
// are whole numbers of 2^-22: sums of a row of weights and bytes fit 32 bits.
enum { WEIGHT_BITS = 22 };

// For each place of the target along one axis: the first place of the source that counts, how many do, and their weights.
typedef struct {
  size_t *first, *count;
  int32_t *weights;
  size_t room;
} axis;

static int make_axis(axis *a, size_t source, float from, float to, size_t target) {
  double scale = ((double)to - (double)from) / (double)target, reach = fmax(scale, 1);
  a->room = (size_t)ceil(reach) * 2 + 1;
  a->first = malloc(2 * target * sizeof *a->first);
  a->weights = malloc(target * a->room * sizeof *a->weights);
  double *shares = malloc(a->room * sizeof *shares);
  if (!a->first || !a->weights || !shares) {
    free(shares);
    return -1;
  }
  a->count = a->first + target;
  for (size_t i = 0; i < target; i++) {
    double center = (double)from + ((double)i + 0.5) * scale, sum = 0;
    size_t first = (size_t)fmax(center - reach + 0.5, 0), end = (size_t)(center + reach + 0.5);
    if (end > source) end = source;
    for (size_t x = first; x < end; x++) {
      double distance = fabs(((double)x - center + 0.5) / reach);
      shares[x - first] = distance < 1 ? 1 - distance : 0;
      sum += shares[x - first];
    }
    for (size_t x = first; x < end; x++)
      a->weights[i * a->room + x - first] = (int32_t)(shares[x - first] / sum * (1 << WEIGHT_BITS) + 0.5);
    a->first[i] = first;
    a->count[i] = end - first;
  }
  free(shares);
  return 0;
}

static inline uint8_t byte(int32_t sum) {
  sum >>= WEIGHT_BITS;
  return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

static inline __attribute__((always_inline)) void narrow_row(const uint8_t *source, const axis *a, size_t width,
                                                             size_t channels, uint8_t *target) {
  for (size_t x = 0; x < width; x++) {
    const int32_t *weights = a->weights + x * a->room;
    const uint8_t *pixels = source + a->first[x] * channels;
    int32_t sums[3];
    for (size_t c = 0; c < channels; c++) sums[c] = 1 << (WEIGHT_BITS - 1);
    for (size_t i = 0; i < a->count[x]; i++)
      for (size_t c = 0; c < channels; c++) sums[c] += weights[i] * pixels[i * channels + c];
    for (size_t c = 0; c < channels; c++) *target++ = byte(sums[c]);
  }
}

int ek_image_resize(const uint8_t *source, ek_image_format format, ek_image_box box, size_t width, size_t height,
                    uint8_t *target, size_t stride) {
  axis across = {0}, down = {0};
  uint8_t *narrow = NULL;
  int32_t *sums = NULL;
  size_t channels = format.channels, length = width * channels;
  int result = -1;
  if (make_axis(&across, format.width, box.left, box.right, width) != 0 ||
      make_axis(&down, format.height, box.top, box.bottom, height) != 0)
    goto done;
  size_t first = down.first[0], end = down.first[height - 1] + down.count[height - 1];
  narrow = malloc((end - first) * length);
  sums = malloc(length * sizeof *sums);
  if (!narrow || !sums) goto done;
  for (size_t y = first; y < end; y++) {
    const uint8_t *row = source + y * format.width * channels;
    uint8_t *narrowed = narrow + (y - first) * length;
    if (channels == 3) narrow_row(row, &across, width, 3, narrowed);
    else narrow_row(row, &across, width, 1, narrowed);
  }
  for (size_t y = 0; y < height; y++) {
    for (size_t x = 0; x < length; x++) sums[x] = 1 << (WEIGHT_BITS - 1);
    for (size_t i = 0; i < down.count[y]; i++) {
      const uint8_t *row = narrow + (down.first[y] + i - first) * length;
      int32_t weight = down.weights[y * down.room + i];
      for (size_t x = 0; x < length; x++) sums[x] += weight * row[x];
    }
    for (size_t x = 0; x < length; x++) target[y * stride + x] = byte(sums[x]);
  }
  result = 0;
done:
  free(across.first), free(across.weights), free(down.first), free(down.weights), free(narrow), free(sums);
  return result;
}

void ek_image_to_gray(const uint8_t *colors, size_t count, uint8_t *grays) {
  for (size_t i = 0; i < count; i++, colors += 3)
    grays[i] = (uint8_t)((19595 * (uint32_t)colors[0] + 38470 * (uint32_t)colors[1] + 7471 * (uint32_t)colors[2] + 32768) >> 16);
}
