// Layer, group, instance and RMS norm: every example is normalized by itself, forward and backward.
//
// A set is the values of one example and one group of consecutive channels at all positions. Its statistics are taken as in
// batch norm: differences from one of its own values, summed in double, so that the subtraction at the end loses at most
// log2(m) of the 53 bits. Without positions a set is a run of memory and is swept as one (rows); with positions the sums are
// taken channel by channel, which suits groups of any width, and then added up by group (images).
// The gradients of scale and shift go over all examples: these are cut into chunks by the shape alone, and the chunks' sums
// merged in order: the same bits for any team.
#include "kernels.h"
#include "team.h"
#include "vector_math.h"

#include <math.h>

#define STRIP 16  // channels that are held in registers
#define BLOCK 8   // rows or positions whose gradients are added in float before they go on in double

// What the members of a team share.
typedef struct {
  ek_group_norm norm;
  const float *x, *dy;
  float *out;
  ek_group_statistics statistics;
  float *dscale, *dshift;
  double *scratch;
  size_t chunks;
  ptrdiff_t first_bad;
} job;

static size_t padded(size_t channels) { return (channels + STRIP - 1) / STRIP * STRIP; }

static size_t chunk_count(const ek_group_norm *norm) {
  size_t wanted = norm->examples * norm->positions * norm->channels / 65536;
  if (wanted > 64) wanted = 64;
  if (wanted > norm->examples) wanted = norm->examples;
  return wanted ? wanted : 1;
}

// A chunk's doubles: the sums for dshift and dscale; for images also the sums of one example's channels, and six rows of
// floats, in which what belongs to a group is written out for each of its channels.
static size_t chunk_scratch(const ek_group_norm *norm) {
  return (norm->positions > 1 ? 7 : 2) * padded(norm->channels);
}

size_t ek_group_norm_scratch(const ek_group_norm *norm) { return chunk_count(norm) * chunk_scratch(norm); }

static double *sums_of_chunk(const job *j, size_t chunk) { return j->scratch + chunk * chunk_scratch(&j->norm); }

// n lanes of a value; the others are 0, as those of a part that is loaded.
EK_INLINE ek_f16 lanes(float value, size_t n) {
  if (n == 16) return ek_splat(value);
  ek_f16 v = {0};
  for (size_t lane = 0; lane < n; lane++) v[lane] = value;
  return v;
}

EK_INLINE ek_f16 load_or(const float *p, size_t c, size_t n, float otherwise) {
  return p ? ek_load(p + c, n) : lanes(otherwise, n);
}

EK_INLINE double total(ek_d8 v) { return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7])); }

// Statistics of a set from the sums of its m differences from k.
EK_INLINE void finish_statistics(job *j, size_t example, size_t set, double k, double sum, double squares, double m) {
  double mean = j->norm.centered ? k + sum / m : 0;
  double variance = j->norm.centered ? (squares - sum * sum / m) / m : squares / m;
  if (variance < 0) variance = 0;
  if (!isfinite(mean) || !isfinite(variance)) ek_note_first(&j->first_bad, (ptrdiff_t)example);
  float high = (float)mean;
  j->statistics.mean_high[set] = high;
  j->statistics.mean_low[set] = (float)(mean - (double)high);
  j->statistics.inverse_deviation[set] = (float)ek_inverse_deviation(variance, j->norm.epsilon);
}

// ---- rows: x (examples, channels) ---------------------------------------------------------------------------------

EK_CLONES static void forward_rows(job *j, size_t begin, size_t end) {
  size_t channels = j->norm.channels, groups = j->norm.groups, width = channels / groups;
  for (size_t e = begin; e < end; e++) {
    for (size_t g = 0; g < groups; g++) {
      size_t set = e * groups + g;
      const float *x = j->x + e * channels + g * width;
      float k = j->norm.centered ? x[0] : 0;
      ek_d8 s0 = {0}, s1 = {0}, q0 = {0}, q1 = {0};
      EK_FOR_LANES(0, width, {
        ek_f16 v = ek_load(x + i, n), first = lanes(k, n);
        ek_d8 d0 = ek_low_half(v) - ek_low_half(first), d1 = ek_high_half(v) - ek_high_half(first);
        s0 += d0, s1 += d1;
        q0 += d0 * d0, q1 += d1 * d1;
      });
      finish_statistics(j, e, set, k, total(s0 + s1), total(q0 + q1), (double)width);
      ek_f16 high = ek_splat(j->statistics.mean_high[set]), low = ek_splat(j->statistics.mean_low[set]);
      ek_f16 inverse = ek_splat(j->statistics.inverse_deviation[set]);
      float *y = j->out + e * channels + g * width;
      EK_FOR_LANES(0, width, {
        ek_f16 gain = load_or(j->norm.scale, g * width + i, n, 1) * inverse;
        ek_store(y + i, ((ek_load(x + i, n) - high) - low) * gain + load_or(j->norm.shift, g * width + i, n, 0), n);
      });
    }
  }
}

// sums[0] += sum of dy, sums[1] += sum of dy * normalized x over at most BLOCK rows, per channel.
EK_INLINE void sum_parameter_gradients(const job *j, size_t begin, size_t end, double *sums) {
  size_t channels = j->norm.channels, groups = j->norm.groups, width = channels / groups, stride = padded(channels);
  for (size_t g = 0; g < groups; g++) {
    EK_FOR_LANES(g * width, (g + 1) * width, {
      ek_f16 plain = {0}, weighted = {0};
      for (size_t e = begin; e < end; e++) {
        size_t set = e * groups + g;
        ek_f16 d = (ek_load(j->x + e * channels + i, n) - j->statistics.mean_high[set]) - j->statistics.mean_low[set];
        ek_f16 dy = ek_load(j->dy + e * channels + i, n);
        plain += dy;
        weighted += dy * (d * j->statistics.inverse_deviation[set]);
      }
      for (size_t lane = 0; lane < n; lane++) {
        sums[i + lane] += plain[lane];
        sums[stride + i + lane] += weighted[lane];
      }
    });
  }
}

// With g = scale * dy: dx = r * (g - mean(g) - normalized x * mean(g * normalized x)); mean(g) is 0 where not centered.
EK_CLONES static void backward_rows(const job *j, size_t begin, size_t end, double *sums) {
  size_t channels = j->norm.channels, groups = j->norm.groups, width = channels / groups;
  for (size_t block = begin; block < end; block += BLOCK) {
    size_t last = end - block < BLOCK ? end : block + BLOCK;
    if (j->dscale || j->dshift) sum_parameter_gradients(j, block, last, sums);
    if (!j->out) continue;
    for (size_t set = block * groups; set < last * groups; set++) {
      size_t channel = set % groups * width, at = set / groups * channels + channel;
      const float *x = j->x + at, *dy = j->dy + at;
      ek_f16 high = ek_splat(j->statistics.mean_high[set]), low = ek_splat(j->statistics.mean_low[set]);
      ek_f16 inverse = ek_splat(j->statistics.inverse_deviation[set]);
      ek_d8 p0 = {0}, p1 = {0}, w0 = {0}, w1 = {0};
      EK_FOR_LANES(0, width, {
        ek_f16 gradient = ek_load(dy + i, n) * load_or(j->norm.scale, channel + i, n, 1);
        ek_f16 along = gradient * (((ek_load(x + i, n) - high) - low) * inverse);
        p0 += ek_low_half(gradient), p1 += ek_high_half(gradient);
        w0 += ek_low_half(along), w1 += ek_high_half(along);
      });
      ek_f16 plain = ek_splat(j->norm.centered ? (float)(total(p0 + p1) / (double)width) : 0);
      ek_f16 weighted = ek_splat((float)(total(w0 + w1) / (double)width));
      EK_FOR_LANES(0, width, {
        ek_f16 gradient = ek_load(dy + i, n) * load_or(j->norm.scale, channel + i, n, 1);
        ek_f16 normalized = ((ek_load(x + i, n) - high) - low) * inverse;
        ek_store(j->out + at + i, inverse * ((gradient - plain) - normalized * weighted), n);
      });
    }
  }
}

// ---- images: x (examples, positions, channels) --------------------------------------------------------------------

// Row `index` of the floats of a chunk, one a channel.
EK_INLINE float *expanded(const job *j, double *sums, size_t index) {
  size_t stride = padded(j->norm.channels);
  return (float *)(sums + 4 * stride) + index * stride;
}

// The statistics of an example's groups, one a channel: the means' parts and 1/deviation.
EK_INLINE void expand_statistics(const job *j, size_t e, double *sums) {
  size_t groups = j->norm.groups, width = j->norm.channels / groups;
  float *high = expanded(j, sums, 0), *low = expanded(j, sums, 1), *inverse = expanded(j, sums, 2);
  for (size_t g = 0; g < groups; g++) {
    size_t set = e * groups + g;
    for (size_t c = g * width; c < (g + 1) * width; c++) {
      high[c] = j->statistics.mean_high[set];
      low[c] = j->statistics.mean_low[set];
      inverse[c] = j->statistics.inverse_deviation[set];
    }
  }
}

EK_CLONES static void forward_image(job *j, size_t e, double *sums) {
  size_t positions = j->norm.positions, channels = j->norm.channels, groups = j->norm.groups;
  size_t width = channels / groups, stride = padded(channels);
  const float *x = j->x + e * positions * channels;
  float *first = expanded(j, sums, 3);
  for (size_t c = 0; c < channels; c++) first[c] = j->norm.centered ? x[c / width * width] : 0;
  double *plain = sums + 2 * stride, *squares = plain + stride;
  for (size_t c = 0; c < 2 * stride; c++) plain[c] = 0;
  for (size_t block = 0; block < positions; block += BLOCK) {
    size_t last = positions - block < BLOCK ? positions : block + BLOCK;
    EK_FOR_LANES(0, channels, {
      ek_f16 k = ek_load(first + i, n);
      ek_d8 k0 = ek_low_half(k), k1 = ek_high_half(k);
      ek_d8 *s = (ek_d8 *)(plain + i), *q = (ek_d8 *)(squares + i);
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
    for (size_t c = g * width; c < (g + 1) * width; c++) sum += plain[c], square += squares[c];
    finish_statistics(j, e, e * groups + g, first[g * width], sum, square, (double)(positions * width));
  }
  expand_statistics(j, e, sums);
  float *high = expanded(j, sums, 0), *low = expanded(j, sums, 1), *inverse = expanded(j, sums, 2);
  float *y = j->out + e * positions * channels;
  for (size_t p = 0; p < positions; p++) {
    EK_FOR_LANES(0, channels, {
      ek_f16 gain = load_or(j->norm.scale, i, n, 1) * ek_load(inverse + i, n);
      ek_f16 d = (ek_load(x + p * channels + i, n) - ek_load(high + i, n)) - ek_load(low + i, n);
      ek_store(y + p * channels + i, d * gain + load_or(j->norm.shift, i, n, 0), n);
    });
  }
}

EK_CLONES static void backward_image(const job *j, size_t e, double *sums) {
  size_t positions = j->norm.positions, channels = j->norm.channels, groups = j->norm.groups;
  size_t width = channels / groups, stride = padded(channels);
  const float *x = j->x + e * positions * channels, *dy = j->dy + e * positions * channels;
  expand_statistics(j, e, sums);
  float *high = expanded(j, sums, 0), *low = expanded(j, sums, 1), *inverse = expanded(j, sums, 2);
  double *plain = sums + 2 * stride, *weighted = plain + stride;
  for (size_t c = 0; c < 2 * stride; c++) plain[c] = 0;
  for (size_t block = 0; block < positions; block += BLOCK) {
    size_t last = positions - block < BLOCK ? positions : block + BLOCK;
    EK_FOR_LANES(0, channels, {
      ek_f16 a = {0}, b = {0};
      ek_f16 h = ek_load(high + i, n), l = ek_load(low + i, n), r = ek_load(inverse + i, n);
      for (size_t p = block; p < last; p++) {
        ek_f16 gradient = ek_load(dy + p * channels + i, n);
        a += gradient;
        b += gradient * (((ek_load(x + p * channels + i, n) - h) - l) * r);
      }
      ek_d8 *s = (ek_d8 *)(plain + i), *w = (ek_d8 *)(weighted + i);
      s[0] += ek_low_half(a), s[1] += ek_high_half(a);
      w[0] += ek_low_half(b), w[1] += ek_high_half(b);
    });
  }
  for (size_t c = 0; c < 2 * stride; c++) sums[c] += plain[c];
  if (!j->out) return;
  float *means = expanded(j, sums, 3), *along = expanded(j, sums, 4);
  double m = (double)(positions * width);
  for (size_t g = 0; g < groups; g++) {
    double sum = 0, weight = 0;
    for (size_t c = g * width; c < (g + 1) * width; c++) {
      double scale = j->norm.scale ? j->norm.scale[c] : 1;
      sum += scale * plain[c];
      weight += scale * weighted[c];
    }
    for (size_t c = g * width; c < (g + 1) * width; c++) {
      means[c] = j->norm.centered ? (float)(sum / m) : 0;
      along[c] = (float)(weight / m);
    }
  }
  float *dx = j->out + e * positions * channels;
  for (size_t p = 0; p < positions; p++) {
    EK_FOR_LANES(0, channels, {
      ek_f16 r = ek_load(inverse + i, n);
      ek_f16 normalized = ((ek_load(x + p * channels + i, n) - ek_load(high + i, n)) - ek_load(low + i, n)) * r;
      ek_f16 gradient = ek_load(dy + p * channels + i, n) * load_or(j->norm.scale, i, n, 1);
      ek_store(dx + p * channels + i,
               r * ((gradient - ek_load(means + i, n)) - normalized * ek_load(along + i, n)), n);
    });
  }
}

// ---- teams --------------------------------------------------------------------------------------------------------

static size_t chunk_start(const job *j, size_t chunk) { return j->norm.examples * chunk / j->chunks; }

static void forward_member(void *context) {
  job *j = context;
  size_t members = (size_t)omp_get_num_threads(), me = (size_t)omp_get_thread_num();
  for (size_t chunk = j->chunks * me / members; chunk < j->chunks * (me + 1) / members; chunk++) {
    size_t begin = chunk_start(j, chunk), end = chunk_start(j, chunk + 1);
    if (j->norm.positions == 1) forward_rows(j, begin, end);
    else
      for (size_t e = begin; e < end; e++) forward_image(j, e, sums_of_chunk(j, chunk));
  }
}

static void backward_member(void *context) {
  job *j = context;
  size_t members = (size_t)omp_get_num_threads(), me = (size_t)omp_get_thread_num();
  size_t stride = padded(j->norm.channels);
  for (size_t chunk = j->chunks * me / members; chunk < j->chunks * (me + 1) / members; chunk++) {
    double *sums = sums_of_chunk(j, chunk);
    size_t begin = chunk_start(j, chunk), end = chunk_start(j, chunk + 1);
    for (size_t c = 0; c < 2 * stride; c++) sums[c] = 0;
    if (j->norm.positions == 1) backward_rows(j, begin, end, sums);
    else
      for (size_t e = begin; e < end; e++) backward_image(j, e, sums);
  }
  if (!j->dscale && !j->dshift) return;
  ek_barrier();
  size_t first, last;
  ek_share(j->norm.channels, &first, &last);
  for (size_t c = first; c < last; c++) {
    double plain = 0, weighted = 0;
    for (size_t chunk = 0; chunk < j->chunks; chunk++) {
      plain += sums_of_chunk(j, chunk)[c];
      weighted += sums_of_chunk(j, chunk)[stride + c];
    }
    if (j->dshift) j->dshift[c] = (float)plain;
    if (j->dscale) j->dscale[c] = (float)weighted;
  }
}

static void run(void (*member)(void *), job *j, int threads) {
  j->chunks = chunk_count(&j->norm);
  j->first_bad = -1;
  ek_team(member, j, j->norm.examples * j->norm.positions * j->norm.channels, threads);
}

ptrdiff_t ek_group_norm_forward(const ek_group_norm *norm, const float *x, float *y, ek_group_statistics statistics,
                                double *scratch, int threads) {
  job j = {.norm = *norm, .x = x, .out = y, .statistics = statistics, .scratch = scratch};
  run(forward_member, &j, threads);
  return j.first_bad;
}

void ek_group_norm_backward(const ek_group_norm *norm, const float *x, const float *dy, ek_group_statistics statistics,
                            float *dscale, float *dshift, float *dx, double *scratch, int threads) {
  job j = {.norm = *norm, .x = x, .dy = dy, .out = dx, .statistics = statistics, .dscale = dscale, .dshift = dshift,
           .scratch = scratch};
  run(backward_member, &j, threads);
}
