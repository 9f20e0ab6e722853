// Largest and mean values of windows of an image, features last.
#include "primitives.h"

#include <string.h>

// The places of a window along one axis that lie inside the image.
typedef struct { int64_t first, begin, end; } span;  // first: the pixel of place 0

static span span_of(int64_t index, int64_t stride, int64_t pad, int64_t kernel, int64_t extent) {
  int64_t first = index * stride - pad;
  return (span){first, first < 0 ? -first : 0, extent - first < kernel ? extent - first : kernel};
}

// One pixel of the output: its window, and where it lies.
typedef struct {
  span high, wide;
  size_t output;  // in values, like the result of `input`
} window;

static window window_of(const ek_windows *w, size_t row, int64_t i, int64_t j) {
  return (window){span_of(i, w->stride_height, w->pad_top, w->kernel_height, w->height),
                  span_of(j, w->stride_width, w->pad_left, w->kernel_width, w->width),
                  (size_t)((((int64_t)row * w->out_height + i) * w->out_width + j) * w->channels)};
}

static size_t input(const ek_windows *w, const window *at, size_t row, int64_t i, int64_t j) {
  return (size_t)((((int64_t)row * w->height + at->high.first + i) * w->width + at->wide.first + j) * w->channels);
}

#define FOR_EACH_WINDOW(w, rows)                           \
  for (size_t row = 0; row < rows; row++)                  \
    for (int64_t out_i = 0; out_i < w->out_height; out_i++) \
      for (int64_t out_j = 0; out_j < w->out_width; out_j++)

#define FOR_EACH_PLACE(at)                                 \
  for (int64_t i = at.high.begin; i < at.high.end; i++)    \
    for (int64_t j = at.wide.begin; j < at.wide.end; j++)

// Loops over channels, compiled for several processors.
#if defined(__x86_64__) && !__has_feature(thread_sanitizer)
#define CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define CLONES
#endif

// A NaN is larger than anything: it must not vanish.
CLONES void ek_largest_pool(const ek_windows *w, size_t rows, const float *x, float *y, int32_t *place) {
  size_t channels = (size_t)w->channels;
  FOR_EACH_WINDOW(w, rows) {
    window at = window_of(w, row, out_i, out_j);
    float *restrict to = y + at.output;
    int32_t *restrict where = place ? place + at.output : NULL;
    int is_first = 1;
    FOR_EACH_PLACE(at) {
      const float *restrict from = x + input(w, &at, row, i, j);
      int32_t here = (int32_t)(i * w->kernel_width + j);
      if (is_first) {
        memcpy(to, from, channels * sizeof *to);
        for (size_t c = 0; where && c < channels; c++) where[c] = here;
      } else if (where) {
        for (size_t c = 0; c < channels; c++) {
          int larger = from[c] > to[c] || from[c] != from[c];
          to[c] = larger ? from[c] : to[c];
          where[c] = larger ? here : where[c];
        }
      } else {
        for (size_t c = 0; c < channels; c++) to[c] = from[c] > to[c] || from[c] != from[c] ? from[c] : to[c];
      }
      is_first = 0;
    }
  }
}

// Whether every pixel of the input lies in one window.
static int tiles(const ek_windows *w) {
  return w->stride_height == w->kernel_height && w->stride_width == w->kernel_width && !w->pad_top && !w->pad_left &&
         w->out_height * w->stride_height == w->height && w->out_width * w->stride_width == w->width;
}

CLONES void ek_largest_pool_backward(const ek_windows *w, size_t rows, const float *dy, const int32_t *place, float *dx) {
  size_t channels = (size_t)w->channels;
  int adds = !tiles(w);
  if (adds) memset(dx, 0, rows * (size_t)(w->height * w->width) * channels * sizeof *dx);
  FOR_EACH_WINDOW(w, rows) {
    window at = window_of(w, row, out_i, out_j);
    const float *restrict from = dy + at.output;
    const int32_t *restrict where = place + at.output;
    FOR_EACH_PLACE(at) {
      float *restrict to = dx + input(w, &at, row, i, j);
      int32_t here = (int32_t)(i * w->kernel_width + j);
      if (adds)
        for (size_t c = 0; c < channels; c++) to[c] += where[c] == here ? from[c] : 0;
      else
        for (size_t c = 0; c < channels; c++) to[c] = where[c] == here ? from[c] : 0;
    }
  }
}

CLONES void ek_mean_pool(const ek_windows *w, size_t rows, const float *x, float *y) {
  size_t channels = (size_t)w->channels;
  float share = 1 / (float)(w->kernel_height * w->kernel_width);
  FOR_EACH_WINDOW(w, rows) {
    window at = window_of(w, row, out_i, out_j);
    float *restrict to = y + at.output;
    memset(to, 0, channels * sizeof *to);
    FOR_EACH_PLACE(at) {
      const float *restrict from = x + input(w, &at, row, i, j);
      for (size_t c = 0; c < channels; c++) to[c] += from[c];
    }
    for (size_t c = 0; c < channels; c++) to[c] *= share;
  }
}

CLONES void ek_mean_pool_backward(const ek_windows *w, size_t rows, const float *dy, float *dx) {
  size_t channels = (size_t)w->channels;
  float share = 1 / (float)(w->kernel_height * w->kernel_width);
  memset(dx, 0, rows * (size_t)(w->height * w->width) * channels * sizeof *dx);
  FOR_EACH_WINDOW(w, rows) {
    window at = window_of(w, row, out_i, out_j);
    const float *restrict from = dy + at.output;
    FOR_EACH_PLACE(at) {
      float *restrict to = dx + input(w, &at, row, i, j);
      for (size_t c = 0; c < channels; c++) to[c] += share * from[c];
    }
  }
}
