// Vectors that stand for a number or a category, and members that share what follows them. All rows lie one after the
// other; `input` and `output` are the lengths of one.
#include "kernels.h"
#include "team.h"
#include "vector_math.h"

// Before a loop that adds up products one after the other: in vectors, where a processor has them for it (arm64), they would not be
// fused with their sums, as they are everywhere else.
#define EK_IN_ORDER _Pragma("clang loop vectorize(disable)")

// The bin of x: the number of inner edges that are not above it.
EK_INLINE size_t bin_of(float x, const float *edges, size_t bins) {
  size_t low = 0, high = bins - 1;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (x >= edges[middle + 1]) low = middle + 1;
    else high = middle;
  }
  return low;
}

// How far x is through bin k of `bins`; the outer bins go on beyond their outer edges.
EK_INLINE float share_of(float x, const float *edges, size_t k, size_t bins) {
  float width = edges[k + 1] - edges[k];
  if (!(width > 0)) return 0;
  float share = (x - edges[k]) / width;
  if (k > 0 && share < 0) share = 0;
  if (k + 1 < bins && share > 1) share = 1;
  return share;
}

size_t ek_used_bins(const float *edges, size_t bins) {
  size_t used = bins;
  while (used > 0 && edges[used] == edges[used - 1]) used--;
  return used;
}

EK_CLONES void ek_piecewise_levels(const float *weights, const float *bias, size_t bins, size_t width, float *levels) {
  for (size_t i = 0; i < width; i++) levels[i] = bias[i];
  for (size_t k = 1; k < bins; k++)
    for (size_t i = 0; i < width; i++) levels[k * width + i] = levels[(k - 1) * width + i] + weights[(k - 1) * width + i];
}

EK_CLONES void ek_piecewise_forward(const ek_piecewise *layer, const float *x, size_t rows, size_t input, size_t output,
                                    float *y) {
  size_t width = layer->width, bins = layer->bins;
  for (size_t row = 0; row < rows; row++, x += input, y += output) {
    float *to = y;
    for (size_t e = 0; e < layer->count; e++, to += width) {
      float value = x[layer->features[e]];
      const float *edges = layer->edges + e * (bins + 1), *slope = layer->slope + e * width;
      size_t used = layer->used[e], k = used ? bin_of(value, edges, used) : 0;
      float share = used ? share_of(value, edges, k, used) : 0;
      const float *level = layer->levels + (e * bins + k) * width, *weight = layer->weights + (e * bins + k) * width;
      for (size_t i = 0; i < width; i++) to[i] = level[i] + slope[i] * value + share * weight[i];
    }
    for (size_t r = 0; r < layer->rest_count; r++) to[r] = x[layer->rest[r]];
  }
}

EK_CLONES void ek_piecewise_backward(const ek_piecewise *layer, const float *x, const float *dy, size_t rows,
                                     size_t input, size_t output, float *dx) {
  size_t width = layer->width, bins = layer->bins;
  for (size_t row = 0; row < rows; row++, x += input, dy += output, dx += input) {
    const float *from = dy;
    for (size_t e = 0; e < layer->count; e++, from += width) {
      float value = x[layer->features[e]];
      const float *edges = layer->edges + e * (bins + 1), *slope = layer->slope + e * width;
      size_t used = layer->used[e], k = used ? bin_of(value, edges, used) : 0;
      float bin = used ? edges[k + 1] - edges[k] : 0, by_slope = 0, by_weight = 0;
      const float *weight = layer->weights + (e * bins + k) * width;
      EK_IN_ORDER for (size_t i = 0; i < width; i++) {
        by_slope += from[i] * slope[i];
        by_weight += from[i] * weight[i];
      }
      dx[layer->features[e]] = by_slope + (bin > 0 ? by_weight / bin : 0);
    }
    for (size_t r = 0; r < layer->rest_count; r++) dx[layer->rest[r]] = from[r];
  }
}

EK_CLONES void ek_piecewise_gradient(const ek_piecewise *layer, size_t e, const float *x, const float *dy, size_t rows,
                                     size_t input, size_t output, float *sums, float *dweights, float *dslope,
                                     float *dbias) {
  size_t width = layer->width, bins = layer->bins, used = layer->used[e], feature = layer->features[e];
  const float *edges = layer->edges + e * (bins + 1);
  // Of every bin: the sum of dy over the rows in it (later over those beyond it), and by their shares, in dweights.
  for (size_t i = 0; i < bins * width; i++) sums[i] = dweights[i] = 0;
  for (size_t i = 0; i < width; i++) dslope[i] = 0;
  for (size_t row = 0; row < rows; row++) {
    float value = x[row * input + feature];
    const float *from = dy + row * output + e * width;
    size_t k = used ? bin_of(value, edges, used) : 0;
    float share = used ? share_of(value, edges, k, used) : 0;
    float *sum = sums + k * width, *shared = dweights + k * width;
    for (size_t i = 0; i < width; i++) {
      sum[i] += from[i];
      shared[i] += share * from[i];
      dslope[i] += value * from[i];
    }
  }
  for (size_t k = bins; k-- > 1;)
    for (size_t i = 0; i < width; i++) {
      dweights[(k - 1) * width + i] += sums[k * width + i];
      sums[(k - 1) * width + i] += sums[k * width + i];
    }
  for (size_t i = 0; i < width; i++) dbias[i] = sums[i];
}

// The cosines, then the sines, of x times each frequency, in turns.
EK_INLINE void waves_of(float x, const float *turns, size_t frequencies, float *waves) {
  EK_FOR_LANES(0, frequencies, {
    ek_f16 sine, cosine = ek_turn(x * ek_load(turns + i, n), &sine);
    ek_store(waves + i, cosine, n);
    ek_store(waves + frequencies + i, sine, n);
  });
}

// Before the ReLU: the gradient of a vector in `before`, those of its waves in `slopes`.
EK_INLINE void slopes_of(const ek_periodic *layer, size_t e, const float *y, const float *dy, float *before,
                         float *slopes) {
  size_t width = layer->width, waves = 2 * layer->frequencies;
  for (size_t j = 0; j < waves; j++) slopes[j] = 0;
  for (size_t i = 0; i < width; i++) {
    before[i] = y[i] > 0 ? dy[i] : 0;
    if (before[i] == 0) continue;
    const float *weight = layer->transposed + (e * width + i) * waves;
    for (size_t j = 0; j < waves; j++) slopes[j] += before[i] * weight[j];
  }
}

static const float ONE_TURN = 6.28318531f;

EK_CLONES void ek_periodic_forward(const ek_periodic *layer, const float *x, size_t rows, size_t input, size_t output,
                                   float *scratch, float *y) {
  size_t width = layer->width, frequencies = layer->frequencies;
  for (size_t e = 0; e < layer->count; e++) {
    const float *turns = layer->turns + e * frequencies, *weights = layer->weights + e * 2 * frequencies * width;
    for (size_t row = 0; row < rows; row++) {
      float *to = y + row * output + e * width;
      waves_of(x[row * input + layer->features[e]], turns, frequencies, scratch);
      for (size_t i = 0; i < width; i++) to[i] = layer->bias[e * width + i];
      for (size_t j = 0; j < 2 * frequencies; j++)
        for (size_t i = 0; i < width; i++) to[i] += scratch[j] * weights[j * width + i];
      for (size_t i = 0; i < width; i++) to[i] = to[i] < 0 ? 0 : to[i];
    }
  }
  for (size_t row = 0; row < rows; row++)
    for (size_t r = 0; r < layer->rest_count; r++)
      y[row * output + layer->count * width + r] = x[row * input + layer->rest[r]];
}

EK_CLONES void ek_periodic_backward(const ek_periodic *layer, const float *x, const float *y, const float *dy,
                                    size_t rows, size_t input, size_t output, float *scratch, float *dx) {
  size_t width = layer->width, frequencies = layer->frequencies;
  float *slopes = scratch + 2 * frequencies, *before = slopes + 2 * frequencies;
  for (size_t e = 0; e < layer->count; e++) {
    const float *turns = layer->turns + e * frequencies;
    for (size_t row = 0; row < rows; row++) {
      size_t at = row * input + layer->features[e], from = row * output + e * width;
      waves_of(x[at], turns, frequencies, scratch);
      slopes_of(layer, e, y + from, dy + from, before, slopes);
      float sum = 0;
      EK_IN_ORDER for (size_t j = 0; j < frequencies; j++)
        sum += turns[j] * (slopes[frequencies + j] * scratch[j] - slopes[j] * scratch[frequencies + j]);
      dx[at] = ONE_TURN * sum;
    }
  }
  for (size_t row = 0; row < rows; row++)
    for (size_t r = 0; r < layer->rest_count; r++)
      dx[row * input + layer->rest[r]] = dy[row * output + layer->count * width + r];
}

EK_CLONES void ek_periodic_gradient(const ek_periodic *layer, size_t e, const float *x, const float *y, const float *dy,
                                    size_t rows, size_t input, size_t output, float *scratch, float *dturns,
                                    float *dweights, float *dbias) {
  size_t width = layer->width, frequencies = layer->frequencies;
  float *slopes = scratch + 2 * frequencies, *before = slopes + 2 * frequencies;
  for (size_t j = 0; j < frequencies; j++) dturns[j] = 0;
  for (size_t j = 0; j < 2 * frequencies * width; j++) dweights[j] = 0;
  for (size_t i = 0; i < width; i++) dbias[i] = 0;
  for (size_t row = 0; row < rows; row++) {
    float value = x[row * input + layer->features[e]];
    size_t from = row * output + e * width;
    waves_of(value, layer->turns + e * frequencies, frequencies, scratch);
    slopes_of(layer, e, y + from, dy + from, before, slopes);
    for (size_t j = 0; j < frequencies; j++)
      dturns[j] += value * (slopes[frequencies + j] * scratch[j] - slopes[j] * scratch[frequencies + j]);
    for (size_t j = 0; j < 2 * frequencies; j++)
      for (size_t i = 0; i < width; i++) dweights[j * width + i] += scratch[j] * before[i];
    for (size_t i = 0; i < width; i++) dbias[i] += before[i];
  }
  for (size_t j = 0; j < frequencies; j++) dturns[j] *= ONE_TURN;
}

EK_CLONES void ek_lookup_forward(const ek_lookup *layer, const float *x, size_t rows, size_t input, size_t output,
                                 float *y) {
  for (size_t row = 0; row < rows; row++, x += input, y += output) {
    float *to = y;
    for (size_t r = 0; r < layer->rest_count; r++) *to++ = x[layer->rest[r]];
    for (size_t e = 0; e < layer->count; e++, to += layer->width) {
      const float *entry = layer->entries + (layer->starts[e] + ek_entry(x[layer->features[e]], layer->counts[e])) * layer->width;
      for (size_t i = 0; i < layer->width; i++) to[i] = entry[i];
    }
  }
}

EK_CLONES void ek_lookup_gradient(const ek_lookup *layer, size_t e, const float *x, const float *dy, size_t rows,
                                  size_t input, size_t output, float *dentries) {
  size_t width = layer->width, count = layer->counts[e];
  float *own = dentries + layer->starts[e] * width;
  for (size_t i = 0; i < count * width; i++) own[i] = 0;
  for (size_t row = 0; row < rows; row++) {
    float *entry = own + ek_entry(x[row * input + layer->features[e]], count) * width;
    const float *from = dy + row * output + layer->rest_count + e * width;
    for (size_t i = 0; i < width; i++) entry[i] += from[i];
  }
}

EK_CLONES void ek_members_scale(const float *x, const float *scale, size_t rows, size_t members, size_t width,
                                int is_shared, float *y) {
  for (size_t row = 0; row < rows; row++)
    for (size_t m = 0; m < members; m++, y += width) {
      const float *from = x + (is_shared ? row : row * members + m) * width, *by = scale + m * width;
      for (size_t i = 0; i < width; i++) y[i] = from[i] * by[i];
    }
}

EK_CLONES void ek_members_scale_backward(const float *dy, const float *scale, size_t rows, size_t members, size_t width,
                                         int is_shared, float *dx) {
  if (!is_shared) return ek_members_scale(dy, scale, rows, members, width, 0, dx);
  for (size_t row = 0; row < rows; row++, dx += width)
    for (size_t m = 0; m < members; m++, dy += width)
      for (size_t i = 0; i < width; i++) dx[i] = (m ? dx[i] : 0) + dy[i] * scale[m * width + i];
}

EK_CLONES void ek_members_scale_gradient(const float *x, const float *dy, size_t rows, size_t members, size_t width,
                                         int is_shared, size_t member, float *dscale) {
  for (size_t i = 0; i < width; i++) dscale[i] = 0;
  for (size_t row = 0; row < rows; row++) {
    const float *from = x + (is_shared ? row : row * members + member) * width;
    const float *by = dy + (row * members + member) * width;
    for (size_t i = 0; i < width; i++) dscale[i] += from[i] * by[i];
  }
}

EK_CLONES void ek_members_product_backward(const float *dy, const float *weights, size_t rows, size_t members,
                                           size_t inputs, size_t outputs, float *dx) {
  for (size_t row = 0; row < rows; row++)
    for (size_t m = 0; m < members; m++, dy += outputs, dx += inputs)
      for (size_t o = 0; o < outputs; o++) {
        const float *w = weights + (m * outputs + o) * inputs;
        for (size_t i = 0; i < inputs; i++) dx[i] = (o ? dx[i] : 0) + dy[o] * w[i];
      }
}

EK_CLONES void ek_members_product_gradient(const float *x, const float *dy, size_t rows, size_t members, size_t inputs,
                                           size_t outputs, size_t member, float *dweights, float *dbias) {
  for (size_t i = 0; i < outputs * inputs; i++) dweights[i] = 0;
  for (size_t o = 0; o < outputs; o++) dbias[o] = 0;
  for (size_t row = 0; row < rows; row++) {
    const float *from = x + (row * members + member) * inputs, *by = dy + (row * members + member) * outputs;
    for (size_t o = 0; o < outputs; o++) {
      dbias[o] += by[o];
      for (size_t i = 0; i < inputs; i++) dweights[o * inputs + i] += by[o] * from[i];
    }
  }
}
