// Layer, group, instance and RMS norm: every example is normalized separately, forward and backward.
//
// A set is the values of one example and one group of consecutive channels at all positions. Its statistics are taken
// as in batch norm: differences from one of its own values, summed in double, so that the subtraction at the end loses
// at most log2(m) of the 53 bits. Without positions a set is a run of memory and is swept as one (rows); with positions
// the sums are taken channel by channel, which suits groups of any width, and then added up by group (images).
// The gradients of scale and shift go over all examples: a call gives the sums over its own.
#include "norm.h"

typedef struct {
  ek_group_norm norm;
  const float *x, *dy;
  float *out;
  ek_group_statistics statistics;
  ptrdiff_t first_bad;
} group_job;

// Where positions are swept channel by channel: the sums of one example's channels, and six rows of floats, in which what belongs to
// a group is written out for each of its channels.
size_t ek_group_norm_scratch(const ek_group_norm *norm) {
  return norm->positions > 1 ? 5 * ek_padded(norm->channels) : 0;
}

// n scales or shifts from channel c on; the other lanes are 0.
EK_INLINE ek_f16 parameters(const float *p, size_t c, size_t n, float otherwise) {
  return p ? ek_load(p + c, n) : ek_lanes(otherwise, n);
}

EK_INLINE double total(ek_d8 v) { return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7])); }

// Statistics of a set from the sums of its m differences from k.
EK_INLINE void finish_set(group_job *j, size_t example, size_t set, double k, double sum, double squares, double m) {
  double mean = j->norm.centered ? k + sum / m : 0;
  double variance = j->norm.centered ? (squares - sum * sum / m) / m : squares / m;
  if (variance < 0) variance = 0;
  if (j->first_bad < 0 && (!isfinite(mean) || !isfinite(variance))) j->first_bad = (ptrdiff_t)example;
  ek_split_mean(mean, j->statistics.mean_high + set, j->statistics.mean_low + set);
  j->statistics.inverse_deviation[set] = (float)ek_inverse_deviation(variance, j->norm.epsilon);
}

// ---- rows: x (examples, channels) ---------------------------------------------------------------------------------

EK_CLONES static void forward_rows(group_job *j, size_t begin, size_t end) {
  size_t channels = j->norm.channels, groups = j->norm.groups, width = channels / groups;
  for (size_t e = begin; e < end; e++) {
    for (size_t g = 0; g < groups; g++) {
      size_t set = e * groups + g;
      const float *x = j->x + e * channels + g * width;
      float k = j->norm.centered ? x[0] : 0;
      ek_d8 s0 = {0}, s1 = {0}, q0 = {0}, q1 = {0};
      EK_FOR_LANES(0, width, {
        ek_f16 v = ek_load(x + i, n), first = ek_lanes(k, n);
        ek_d8 d0 = ek_low_half(v) - ek_low_half(first), d1 = ek_high_half(v) - ek_high_half(first);
        s0 += d0, s1 += d1;
        q0 += d0 * d0, q1 += d1 * d1;
      });
      finish_set(j, e, set, k, total(s0 + s1), total(q0 + q1), (double)width);
      ek_f16 high = ek_splat(j->statistics.mean_high[set]), low = ek_splat(j->statistics.mean_low[set]);
      ek_f16 inverse = ek_splat(j->statistics.inverse_deviation[set]);
      float *y = j->out + e * channels + g * width;
      EK_FOR_LANES(0, width, {
        ek_f16 gain = parameters(j->norm.scale, g * width + i, n, 1) * inverse;
        ek_store(y + i, ((ek_load(x + i, n) - high) - low) * gain + parameters(j->norm.shift, g * width + i, n, 0), n);
      });
    }
  }
}

// sums[0] += sum of dy, sums[1] += sum of dy * normalized x over at most EK_BLOCK rows, per channel.
EK_INLINE void sum_parameter_gradients(const group_job *j, size_t begin, size_t end, double *sums) {
  size_t channels = j->norm.channels, groups = j->norm.groups, width = channels / groups, stride = ek_padded(channels);
  for (size_t g = 0; g < groups; g++) {
    EK_FOR_LANES(g * width, (g + 1) * width, {
      ek_f16 sum_dz = {0}, sum_dz_n = {0};
      for (size_t e = begin; e < end; e++) {
        size_t set = e * groups + g;
        ek_f16 d = (ek_load(j->x + e * channels + i, n) - j->statistics.mean_high[set]) - j->statistics.mean_low[set];
        ek_f16 dz = ek_load(j->dy + e * channels + i, n);
        sum_dz += dz;
        sum_dz_n += dz * (d * j->statistics.inverse_deviation[set]);
      }
      for (size_t lane = 0; lane < n; lane++) {
        sums[i + lane] += sum_dz[lane];
        sums[stride + i + lane] += sum_dz_n[lane];
      }
    });
  }
}

// With g = scale * dz and n the normalized x: dx = r * (g - mean(g) - n * mean(g * n)); mean(g) is 0 where not centered.
EK_CLONES static void backward_rows(const group_job *j, size_t begin, size_t end, double *sums) {
  size_t channels = j->norm.channels, groups = j->norm.groups, width = channels / groups;
  for (size_t block = begin; block < end; block += EK_BLOCK) {
    size_t last = end - block < EK_BLOCK ? end : block + EK_BLOCK;
    sum_parameter_gradients(j, block, last, sums);
    if (!j->out) continue;
    for (size_t set = block * groups; set < last * groups; set++) {
      size_t channel = set % groups * width, at = set / groups * channels + channel;
      const float *x = j->x + at, *dy = j->dy + at;
      ek_f16 high = ek_splat(j->statistics.mean_high[set]), low = ek_splat(j->statistics.mean_low[set]);
      ek_f16 inverse = ek_splat(j->statistics.inverse_deviation[set]);
      ek_d8 s0 = {0}, s1 = {0}, t0 = {0}, t1 = {0};
      EK_FOR_LANES(0, width, {
        ek_f16 gradient = ek_load(dy + i, n) * parameters(j->norm.scale, channel + i, n, 1);
        ek_f16 product = gradient * (((ek_load(x + i, n) - high) - low) * inverse);
        s0 += ek_low_half(gradient), s1 += ek_high_half(gradient);
        t0 += ek_low_half(product), t1 += ek_high_half(product);
      });
      ek_f16 mean_g = ek_splat(j->norm.centered ? (float)(total(s0 + s1) / (double)width) : 0);
      ek_f16 mean_g_n = ek_splat((float)(total(t0 + t1) / (double)width));
      EK_FOR_LANES(0, width, {
        ek_f16 gradient = ek_load(dy + i, n) * parameters(j->norm.scale, channel + i, n, 1);
        ek_f16 normalized = ((ek_load(x + i, n) - high) - low) * inverse;
        ek_store(j->out + at + i, inverse * ((gradient - mean_g) - normalized * mean_g_n), n);
      });
    }
  }
}

// ---- images: x (examples, positions, channels) --------------------------------------------------------------------

// Row `index` of the floats of scratch, one a channel.
EK_INLINE float *expanded(const group_job *j, double *scratch, size_t index) {
  size_t stride = ek_padded(j->norm.channels);
  return (float *)(scratch + 2 * stride) + index * stride;
}

// The statistics of an example's groups, one a channel: the means' parts and 1/deviation.
EK_INLINE void expand_statistics(const group_job *j, size_t e, double *scratch) {
  size_t groups = j->norm.groups, width = j->norm.channels / groups;
  float *high = expanded(j, scratch, 0), *low = expanded(j, scratch, 1), *inverse = expanded(j, scratch, 2);
  for (size_t g = 0; g < groups; g++) {
    size_t set = e * groups + g;
    for (size_t c = g * width; c < (g + 1) * width; c++) {
      high[c] = j->statistics.mean_high[set];
      low[c] = j->statistics.mean_low[set];
      inverse[c] = j->statistics.inverse_deviation[set];
    }
  }
}

EK_CLONES static void forward_image(group_job *j, size_t e, double *scratch) {
  size_t positions = j->norm.positions, channels = j->norm.channels, groups = j->norm.groups;
  size_t width = channels / groups, stride = ek_padded(channels);
  const float *x = j->x + e * positions * channels;
  float *first = expanded(j, scratch, 3);
  for (size_t c = 0; c < channels; c++) first[c] = j->norm.centered ? x[c / width * width] : 0;
  double *differences = scratch, *squares = differences + stride;
  for (size_t c = 0; c < 2 * stride; c++) differences[c] = 0;
  for (size_t block = 0; block < positions; block += EK_BLOCK) {
    size_t last = positions - block < EK_BLOCK ? positions : block + EK_BLOCK;
    EK_FOR_LANES(0, channels, {
      ek_f16 k = ek_load(first + i, n);
      ek_d8 k0 = ek_low_half(k), k1 = ek_high_half(k);
      ek_d8 *s = (ek_d8 *)(differences + i), *q = (ek_d8 *)(squares + i);
      ek_d8 s0 = s[0], s1 = s[1], q0 = q[0], q1 = q[1];
      for (size_t p = block; p < last; p++) {
        ek_f16 v = ek_load(x + p * channels + i, n);
        ek_d8 d0 = ek_low_half(v) - k0, d1 = ek_high_half(v) - k1;
        s0 += d0, s1 += d1;
        q0 += d0 * d0, q1 += d1 * d1;
      }
      s[0] = s0, s[1] = s1, q[0] = q0, q[1] = q1;
    });
  }
  for (size_t g = 0; g < groups; g++) {
    double sum = 0, square = 0;
    for (size_t c = g * width; c < (g + 1) * width; c++) sum += differences[c], square += squares[c];
    finish_set(j, e, e * groups + g, first[g * width], sum, square, (double)(positions * width));
  }
  expand_statistics(j, e, scratch);
  float *high = expanded(j, scratch, 0), *low = expanded(j, scratch, 1), *inverse = expanded(j, scratch, 2);
  float *y = j->out + e * positions * channels;
  for (size_t p = 0; p < positions; p++) {
    EK_FOR_LANES(0, channels, {
      ek_f16 gain = parameters(j->norm.scale, i, n, 1) * ek_load(inverse + i, n);
      ek_f16 d = (ek_load(x + p * channels + i, n) - ek_load(high + i, n)) - ek_load(low + i, n);
      ek_store(y + p * channels + i, d * gain + parameters(j->norm.shift, i, n, 0), n);
    });
  }
}

EK_CLONES static void backward_image(const group_job *j, size_t e, double *sums, double *scratch) {
  size_t positions = j->norm.positions, channels = j->norm.channels, groups = j->norm.groups;
  size_t width = channels / groups, stride = ek_padded(channels);
  const float *x = j->x + e * positions * channels, *dy = j->dy + e * positions * channels;
  expand_statistics(j, e, scratch);
  float *high = expanded(j, scratch, 0), *low = expanded(j, scratch, 1), *inverse = expanded(j, scratch, 2);
  double *sum_dz = scratch, *sum_dz_n = sum_dz + stride;
  for (size_t c = 0; c < 2 * stride; c++) sum_dz[c] = 0;
  for (size_t block = 0; block < positions; block += EK_BLOCK) {
    size_t last = positions - block < EK_BLOCK ? positions : block + EK_BLOCK;
    EK_FOR_LANES(0, channels, {
      ek_f16 a = {0}, b = {0};
      ek_f16 h = ek_load(high + i, n), l = ek_load(low + i, n), r = ek_load(inverse + i, n);
      for (size_t p = block; p < last; p++) {
        ek_f16 gradient = ek_load(dy + p * channels + i, n);
        a += gradient;
        b += gradient * (((ek_load(x + p * channels + i, n) - h) - l) * r);
      }
      ek_d8 *s = (ek_d8 *)(sum_dz + i), *t = (ek_d8 *)(sum_dz_n + i);
      s[0] += ek_low_half(a), s[1] += ek_high_half(a);
      t[0] += ek_low_half(b), t[1] += ek_high_half(b);
    });
  }
  for (size_t c = 0; c < 2 * stride; c++) sums[c] += sum_dz[c];
  if (!j->out) return;
  float *mean_g = expanded(j, scratch, 3), *mean_g_n = expanded(j, scratch, 4);
  double m = (double)(positions * width);
  for (size_t g = 0; g < groups; g++) {
    double sum_g = 0, sum_g_n = 0;
    for (size_t c = g * width; c < (g + 1) * width; c++) {
      double scale = j->norm.scale ? j->norm.scale[c] : 1;
      sum_g += scale * sum_dz[c];
      sum_g_n += scale * sum_dz_n[c];
    }
    for (size_t c = g * width; c < (g + 1) * width; c++) {
      mean_g[c] = j->norm.centered ? (float)(sum_g / m) : 0;
      mean_g_n[c] = (float)(sum_g_n / m);
    }
  }
  float *dx = j->out + e * positions * channels;
  for (size_t p = 0; p < positions; p++) {
    EK_FOR_LANES(0, channels, {
      ek_f16 r = ek_load(inverse + i, n);
      ek_f16 normalized = ((ek_load(x + p * channels + i, n) - ek_load(high + i, n)) - ek_load(low + i, n)) * r;
      ek_f16 gradient = ek_load(dy + p * channels + i, n) * parameters(j->norm.scale, i, n, 1);
      ek_store(dx + p * channels + i,
               r * ((gradient - ek_load(mean_g + i, n)) - normalized * ek_load(mean_g_n + i, n)), n);
    });
  }
}

// ---- calls --------------------------------------------------------------------------------------------------------

ptrdiff_t ek_group_norm_forward(const ek_group_norm *norm, const float *x, float *y, ek_group_statistics statistics,
                                double *scratch) {
  group_job j = {.norm = *norm, .x = x, .out = y, .statistics = statistics, .first_bad = -1};
  if (norm->positions == 1) forward_rows(&j, 0, norm->examples);
  else
    for (size_t e = 0; e < norm->examples; e++) forward_image(&j, e, scratch);
  return j.first_bad;
}

void ek_group_norm_backward(const ek_group_norm *norm, const float *x, const float *dy, ek_group_statistics statistics,
                            double *sums, float *dx, double *scratch) {
  group_job j = {.norm = *norm, .x = x, .dy = dy, .out = dx, .statistics = statistics};
  for (size_t c = 0; c < ek_slice_stride(norm->channels); c++) sums[c] = 0;
  if (norm->positions == 1) backward_rows(&j, 0, norm->examples, sums);
  else
    for (size_t e = 0; e < norm->examples; e++) backward_image(&j, e, sums, scratch);
}
