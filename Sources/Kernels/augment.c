// Batches of images that are randomly shifted, mirrored, rotated and covered; the caller draws the random numbers.
#include "gather.h"
#include "team.h"

#include <math.h>
#include <string.h>

typedef struct {
  size_t height, width, channels;
} extent;

// `count` pixels with the values outside the image: a channel's own, or 0 where outside is NULL.
static void blank(float *to, size_t count, size_t channels, const float *outside) {
  if (!outside) {
    memset(to, 0, count * channels * sizeof(float));
    return;
  }
  for (size_t i = 0; i < count; i++) memcpy(to + i * channels, outside, channels * sizeof(float));
}

// to(y, x) = from(y - down, x - right), the outside where that does not lie in the image.
static void shift(const float *from, extent e, ptrdiff_t right, ptrdiff_t down, const float *outside, float *to) {
  size_t row = e.width * e.channels;
  size_t moved = right < 0 ? (size_t)-right : (size_t)right;
  size_t pixels = moved < e.width ? moved : e.width, margin = pixels * e.channels, kept = row - margin;
  for (size_t y = 0; y < e.height; y++, to += row) {
    ptrdiff_t source = (ptrdiff_t)y - down;
    if (source < 0 || source >= (ptrdiff_t)e.height) {
      blank(to, e.width, e.channels, outside);
      continue;
    }
    const float *line = from + (size_t)source * row;
    memcpy(right < 0 ? to : to + margin, right < 0 ? line + margin : line, kept * sizeof(float));
    blank(right < 0 ? to + kept : to, pixels, e.channels, outside);
  }
}

// to(y, x) = from(y, width - 1 - x).
static inline __attribute__((always_inline)) void flip_channels(const float *from, extent e, size_t channels,
                                                                float *to) {
  size_t row = e.width * channels;
  for (size_t y = 0; y < e.height; y++, from += row, to += row)
    for (size_t x = 0; x < e.width; x++)
      for (size_t c = 0; c < channels; c++) to[x * channels + c] = from[(e.width - 1 - x) * channels + c];
}

EK_CLONES static void flip(const float *from, extent e, float *to) {
  if (e.channels == 1) flip_channels(from, e, 1, to);
  else if (e.channels == 3) flip_channels(from, e, 3, to);
  else flip_channels(from, e, e.channels, to);
}

// Rotated about its center, counterclockwise for a positive sine; bilinear between pixels.
static inline __attribute__((always_inline)) void rotate_channels(const float *from, extent e, size_t channels,
                                                                  double cosine, double sine, const float *outside,
                                                                  float *to) {
  const double centre_x = 0.5 * ((double)e.width - 1), centre_y = 0.5 * ((double)e.height - 1);
  const ptrdiff_t width = (ptrdiff_t)e.width, height = (ptrdiff_t)e.height;
  for (ptrdiff_t y = 0; y < height; y++) {
    for (ptrdiff_t x = 0; x < width; x++, to += channels) {
      double dx = (double)x - centre_x, dy = (double)y - centre_y;
      double at_x = centre_x + cosine * dx - sine * dy, at_y = centre_y + sine * dx + cosine * dy;
      double left = floor(at_x), top = floor(at_y);
      float along = (float)(at_x - left), down = (float)(at_y - top);
      ptrdiff_t column = (ptrdiff_t)left, line = (ptrdiff_t)top;
      float beyond = 0;  // the corners' weight that lies outside
      for (size_t c = 0; c < channels; c++) to[c] = 0;
      for (int corner = 0; corner < 4; corner++) {
        ptrdiff_t u = column + (corner & 1), v = line + (corner >> 1);
        float weight = (corner & 1 ? along : 1 - along) * (corner >> 1 ? down : 1 - down);
        if (u < 0 || v < 0 || u >= width || v >= height) {
          beyond += weight;
          continue;
        }
        const float *pixel = from + (size_t)(v * width + u) * channels;
        for (size_t c = 0; c < channels; c++) to[c] += weight * pixel[c];
      }
      for (size_t c = 0; outside && beyond > 0 && c < channels; c++) to[c] += beyond * outside[c];
    }
  }
}

EK_CLONES static void rotate(const float *from, extent e, double cosine, double sine, const float *outside,
                             float *to) {
  if (e.channels == 1) rotate_channels(from, e, 1, cosine, sine, outside, to);
  else if (e.channels == 3) rotate_channels(from, e, 3, cosine, sine, outside, to);
  else rotate_channels(from, e, e.channels, cosine, sine, outside, to);
}

// The square of `side` pixels from (left, top) on, as far as it lies inside, gets the channels' means;
// 0 where mean is NULL.
static void cut_out(float *image, extent e, ptrdiff_t left, ptrdiff_t top, ptrdiff_t side, const float *mean,
                    size_t period) {
  size_t x0 = left < 0 ? 0 : (size_t)left, y0 = top < 0 ? 0 : (size_t)top;
  for (size_t y = y0; y < e.height && (ptrdiff_t)y < top + side; y++)
    for (size_t x = x0; x < e.width && (ptrdiff_t)x < left + side; x++)
      for (size_t c = 0; c < e.channels; c++) {
        size_t at = (y * e.width + x) * e.channels + c;
        image[at] = mean ? mean[at % period] : 0;
      }
}

typedef struct {
  const ek_source *source;
  const int32_t *rows;
  extent extent;
  const ek_transform *transforms;
  size_t transform_count;
  const ek_scaling *scaling;
  float *scratch, *output;
  ptrdiff_t first_bad;
} augmenting;

// Values are changed and then standardized; or the other way round if that is done in double, with the outside what 0
// becomes and the mean 0.
static void augment_rows(void *context, size_t first, size_t last, int member) {
  augmenting *a = context;
  const extent e = a->extent;
  const size_t count = e.height * e.width * e.channels;
  const int exactly = a->scaling->exact_mean != NULL;
  const float *mean = exactly ? NULL : a->scaling->mean;
  const float *outside = exactly ? a->scaling->zero : NULL;
  float *own = a->scratch + 2 * count * (size_t)member;
  ptrdiff_t bad = -1;
  for (size_t r = first; r < last; r++) {
    float *image = own, *other = own + count;
    if (exactly) ek_read_scaled_row(a->source, a->rows[r], count, a->scaling, image);
    else ek_read_row(a->source, a->rows[r], count, image);
    // Bytes are finite.
    ptrdiff_t position = bad >= 0 || a->source->element == EK_UINT8 ? -1 : ek_first_non_finite(image, count, 1);
    if (position >= 0) bad = (ptrdiff_t)(r * count) + position;
    for (size_t i = 0; i < a->transform_count; i++) {
      const ek_transform *t = a->transforms + r * a->transform_count + i;
      switch (t->kind) {
        case EK_UNCHANGED: continue;
        case EK_CUT_OUT: cut_out(image, e, t->x, t->y, t->side, mean, a->scaling->period); continue;
        case EK_SHIFT: shift(image, e, t->x, t->y, outside, other); break;
        case EK_FLIP: flip(image, e, other); break;
        case EK_ROTATE: rotate(image, e, t->cosine, t->sine, outside, other); break;
      }
      float *before = image;
      image = other;
      other = before;
    }
    if (!exactly) ek_scale_row(image, count, a->scaling);
    memcpy(a->output + r * count, image, count * sizeof(float));
  }
  if (bad >= 0) ek_note_first(&a->first_bad, bad);
}

ptrdiff_t ek_gather_augmented(const ek_source *source, const int32_t *rows, size_t row_count, size_t height,
                              size_t width, size_t channels, const ek_transform *transforms, size_t transform_count,
                              const ek_scaling *scaling, float *scratch, float *output, int threads) {
  augmenting a = {.source = source, .rows = rows, .extent = {height, width, channels},
                  .transforms = transforms, .transform_count = transform_count, .scaling = scaling,
                  .scratch = scratch, .output = output, .first_bad = -1};
  ek_each(augment_rows, &a, row_count, EK_ROW, row_count * height * width * channels, threads);
  return a.first_bad;
}
