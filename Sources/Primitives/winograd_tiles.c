// Tiles of images to and from the points of Winograd's algorithm. Features are last, so the transforms work on 16 channels at a
// time and nothing is reordered.
#include "winograd.h"
#include "winograd_points.h"

// How many tiles ahead the next inputs are fetched: the rows of a tile lie far apart, and the processor does not foresee them.
enum { ahead = 4 };

typedef struct { size_t row, top, left; } tile;  // the image, and where the tile begins in its output

static tile tile_at(ek_images images, size_t index) {
  uint32_t across = (uint32_t)(images.out_width + 3) / 4, each = (uint32_t)ek_tiles_of(images), place = (uint32_t)index;
  return (tile){place / each, place % each / across * 4, place % across * 4};
}

// An address beyond the end does no harm: fetching is a hint.
static void fetch_inputs(ek_images images, const float *x, tile at) {
  size_t pixel = (at.row * images.height + at.top) * images.width + at.left, wide = 4 * images.channels;
  for (size_t i = 0; i < 4; i++)
    for (size_t c = 0; c < wide; c += lanes)
      __builtin_prefetch((const char *)x + ((pixel + i * images.width) * images.channels + c) * sizeof *x);
}

TARGET void ek_transform_inputs(ek_images images, const float *x, size_t first, size_t count, const float *zeros,
                                float *points) {
  size_t channels = images.channels, apart = ek_points_apart(count, channels);
  for (size_t t = 0; t < count; t++) {
    tile at = tile_at(images, first + t);
    fetch_inputs(images, x, tile_at(images, first + t + ahead));
    const float *from[6][6];
    for (int i = 0; i < 6; i++)
      for (int j = 0; j < 6; j++) {
        ptrdiff_t h = (ptrdiff_t)at.top + i - images.pad_top, w = (ptrdiff_t)at.left + j - images.pad_left;
        int inside = h >= 0 && h < (ptrdiff_t)images.height && w >= 0 && w < (ptrdiff_t)images.width;
        from[i][j] = inside ? x + ((at.row * images.height + (size_t)h) * images.width + (size_t)w) * channels : zeros;
      }
    for (size_t c = 0; c < channels; c += lanes) {
      vec half[6][6];
      for (int j = 0; j < 6; j++) {
        vec d[6], p[6];
        for (int i = 0; i < 6; i++) d[i] = load(from[i][j] + c);
        to_points(d, p);
        for (int i = 0; i < 6; i++) half[i][j] = p[i];
      }
      for (int i = 0; i < 6; i++) {
        vec p[6];
        to_points(half[i], p);
        for (int j = 0; j < 6; j++) store(points + (size_t)(i * 6 + j) * apart + t * channels + c, p[j]);
      }
    }
  }
}

TARGET void ek_transform_outputs(ek_images images, const float *points, size_t first, size_t count, const float *bias,
                                 float *y) {
  size_t channels = images.out_channels, apart = ek_points_apart(count, channels);
  for (size_t t = 0; t < count; t++) {
    tile at = tile_at(images, first + t);
    size_t below = images.out_height - at.top, beside = images.out_width - at.left;
    size_t high = below < 4 ? below : 4, wide = beside < 4 ? beside : 4;
    float *to = y + ((at.row * images.out_height + at.top) * images.out_width + at.left) * channels;
    for (size_t c = 0; c < channels; c += lanes) {
      vec half[4][6], offset = {0};
      for (int j = 0; j < 6; j++) {
        vec m[6], p[4];
        for (int i = 0; i < 6; i++) m[i] = load(points + (size_t)(i * 6 + j) * apart + t * channels + c);
        to_outputs(m, p);
        for (int i = 0; i < 4; i++) half[i][j] = p[i];
      }
      if (bias) offset = load(bias + c);
      for (size_t i = 0; i < high; i++) {
        vec p[4];
        to_outputs(half[i], p);
        float *line = to + i * images.out_width * channels + c;
        for (size_t j = 0; j < wide; j++) store(line + j * channels, p[j] + offset);
      }
    }
  }
}

TARGET void ek_transform_gradients(ek_images images, const float *dy, size_t first, size_t count, size_t channel,
                                   size_t outputs, const float *zeros, float *points) {
  size_t apart = ek_points_apart(count, outputs);
  for (size_t t = 0; t < count; t++) {
    tile at = tile_at(images, first + t);
    const float *from[4][4];
    for (size_t i = 0; i < 4; i++)
      for (size_t j = 0; j < 4; j++) {
        size_t h = at.top + i, w = at.left + j;
        int inside = h < images.out_height && w < images.out_width;
        from[i][j] = inside ? dy + ((at.row * images.out_height + h) * images.out_width + w) * images.out_channels + channel
                            : zeros;
      }
    for (size_t c = 0; c < outputs; c += lanes) {
      vec half[6][4];
      for (int j = 0; j < 4; j++) {
        vec d[4], p[6];
        for (int i = 0; i < 4; i++) d[i] = load(from[i][j] + c);
        from_outputs(d, p);
        for (int i = 0; i < 6; i++) half[i][j] = p[i];
      }
      for (int i = 0; i < 6; i++) {
        vec p[6];
        from_outputs(half[i], p);
        for (int j = 0; j < 6; j++) store(points + (size_t)(i * 6 + j) * apart + t * outputs + c, p[j]);
      }
    }
  }
}
