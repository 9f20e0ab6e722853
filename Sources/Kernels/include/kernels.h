// The loops of Evenkeel: pure functions on pointers, no allocation, no global state.
//
// Matrices are row-major, features last. `threads` is the largest team that a function may use; small inputs run on the
// calling thread, and so does every function without it. Every function gives the same bits for any `threads`.
// Formulae are those of Ioffe and Szegedy 2015 unless another source is named.
#ifndef EVENKEEL_KERNELS_H
#define EVENKEEL_KERNELS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

// ---- team.c -------------------------------------------------------------------------------------------------------

// One item of a job. `member` is the member of the team that runs it, below the job's `threads`: 0 is the calling thread.
typedef void (*ek_task)(void *context, size_t item, int member);

// Runs task for items 0 ..< items, each once, in any order, on the calling thread and at most threads - 1 others, and
// returns when all are done. Every calling thread has helpers of its own, which are kept for its next jobs. Where the
// system gives no threads, and for a job within a job, the calling thread does all of it.
void ek_team_run(ek_task task, void *context, size_t items, int threads);

// Nanoseconds that the calling thread has waited so far for items that its helpers had in hand.
uint64_t ek_team_waited(void);

// ---- activation.c -------------------------------------------------------------------------------------------------

// What the derivative of an activation y = g(x) is computed from. EK_FROM_SIGN: the sign of x or of y, or nothing.
typedef enum { EK_FROM_SIGN, EK_FROM_X, EK_FROM_Y } ek_derivative_source;

// Every activation: name, kind, and what its derivative is computed from. Everything that depends on the kind follows
// from this list and from the two functions of vector_math.h, which do not compile without a case for each.
#define EK_ACTIVATIONS(DO)                    \
  DO(identity, EK_IDENTITY, EK_FROM_SIGN)     \
  DO(relu, EK_RELU, EK_FROM_SIGN)             \
  DO(leaky_relu, EK_LEAKY_RELU, EK_FROM_SIGN) \
  DO(elu, EK_ELU, EK_FROM_Y)                  \
  DO(gelu, EK_GELU, EK_FROM_X)                \
  DO(silu, EK_SILU, EK_FROM_X)                \
  DO(sigmoid, EK_SIGMOID, EK_FROM_Y)          \
  DO(tanh, EK_TANH, EK_FROM_Y)                \
  DO(softplus, EK_SOFTPLUS, EK_FROM_Y)        \
  DO(mish, EK_MISH, EK_FROM_X)

typedef enum {
#define EK_KIND(NAME, KIND, SOURCE) KIND,
  EK_ACTIVATIONS(EK_KIND)
#undef EK_KIND
} ek_activation;

static inline ek_derivative_source ek_activation_source(ek_activation activation) {
  switch (activation) {
#define EK_SOURCE(NAME, KIND, SOURCE) case KIND: return SOURCE;
    EK_ACTIVATIONS(EK_SOURCE)
#undef EK_SOURCE
  }
  return EK_FROM_SIGN;
}

// Whether the derivative needs x, so that y must not replace it.
static inline int ek_activation_reads_x(ek_activation activation) {
  return ek_activation_source(activation) == EK_FROM_X;
}
// Whether batch norm, which computes x again in its backward, needs y there too.
static inline int ek_activation_reads_y(ek_activation activation) {
  return ek_activation_source(activation) == EK_FROM_Y;
}

// y = g(x) over count values; x and y may be one buffer. `slope` is LeakyReLU's slope or ELU's alpha.
void ek_activation_forward(const float *x, size_t count, ek_activation activation, float slope, float *y);

// dx = dy * g'(x), from x where ek_activation_reads_x and else from y (the other pointer may be NULL). dx may be dy.
void ek_activation_backward(const float *x, const float *y, const float *dy, size_t count, ek_activation activation,
                            float slope, float *dx);

// ---- statistics of the norms --------------------------------------------------------------------------------------

// 1/sqrt(variance + epsilon) of every norm; 0 if that sum is 0, so that constant features become 0 and get no gradient.
static inline double ek_inverse_deviation(double variance, double epsilon) {
  double sum = variance + epsilon;
  return sum == 0 ? 0 : 1 / sqrt(sum);
}

// What one batch-norm layer keeps per feature between forward and backward, each of `features` floats:
// the mean as an unevaluated sum mean_high + mean_low, the biased variance, and its inverse deviation.
typedef struct {
  float *mean_high;
  float *mean_low;
  float *variance;
  float *inverse_deviation;
} ek_batch_statistics;

// The mean as high + low, the nearest float and the remainder.
static inline void ek_split_mean(double mean, float *high, float *low) {
  float nearest = (float)mean;
  *high = nearest;
  *low = (float)(mean - (double)nearest);
}

// Stores the mean and the variance (0 if rounding made it negative) of feature c.
// Returns 1, or 0 if one is not finite and nothing was written.
static inline int ek_keep_statistics(ek_batch_statistics statistics, size_t c, double mean, double variance,
                                     double epsilon) {
  if (!isfinite(mean) || !isfinite(variance)) return 0;
  if (variance < 0) variance = 0;
  ek_split_mean(mean, statistics.mean_high + c, statistics.mean_low + c);
  statistics.variance[c] = (float)variance;
  statistics.inverse_deviation[c] = (float)ek_inverse_deviation(variance, epsilon);
  return 1;
}

// ---- batch_norm_statistics.c --------------------------------------------------------------------------------------
//
// A batch is cut into slices, consecutive rows. Each has sums of its own, in double, and these are merged in the order of a balanced
// tree over slices: what results depends on where slices are cut, not on who computed them.

// What one slice contributes to a reduction over rows: a weight and two sums a feature. Slices lie ek_slice_stride(features)
// doubles apart; what is merged is in the first.
size_t ek_slice_stride(size_t features);
// Where the second sums of a slice begin, after the first.
size_t ek_slice_second(size_t features);

// moments <- weight (the number of rows), mean, and sum of squared differences from it, of x (rows, features).
void ek_slice_moments(const float *x, size_t rows, size_t features, double *moments);

// The weight of each row of (examples, positions, features): its example's weight in the first positions, 0 after them.
typedef struct {
  size_t examples, positions;
  const float *weights;    // (examples) or NULL for 1
  const int32_t *lengths;  // (examples), 0 to positions, or NULL for all positions
  double total;            // the sum of the weights of all rows of the batch, above 0
} ek_weights;

// The same of weighted rows: sum(w), sum(w x) / sum(w), sum(w (x - mean)^2). Uses the first `examples` of weights.
void ek_slice_weighted_moments(const float *x, const ek_weights *weights, size_t features, double *moments);

// Merges the moments of slices (Chan, Golub and LeVeque 1979).
void ek_merge_moments(double *moments, size_t slices, size_t features);

// Mean and biased variance from merged moments. Returns the first feature whose statistics are not finite, or -1.
ptrdiff_t ek_statistics_from(const double *moments, size_t features, double epsilon, ek_batch_statistics statistics);

// Merges the sums of slices: adds.
void ek_merge_sums(double *sums, size_t slices, size_t features);

// Both for two slices that lie apart.
void ek_merge_moments_of(double *moments, const double *other, size_t features);
void ek_merge_sums_of(double *sums, const double *other, size_t features);

// The number of doubles of scratch that the functions below need for this shape.
size_t ek_batch_norm_scratch(size_t rows, size_t features);

// scratch <- the moments of x (rows, features), cut into slices by its shape.
void ek_moments_of(const float *x, size_t rows, size_t features, double *scratch, int threads);

// statistics <- mean and biased variance of x (rows, features).
// Returns the first feature whose statistics are not finite, or -1.
ptrdiff_t ek_batch_statistics_of(const float *x, size_t rows, size_t features, double epsilon,
                                 ek_batch_statistics statistics, double *scratch, int threads);

// ---- batch_norm.c -------------------------------------------------------------------------------------------------
//
// In the backward dz is the gradient of the value before the activation and n the normalized x. sum_dz = sum(dz) and
// sum_dz_n = sum(dz * n) over rows are the gradients of shift and scale.

// One batch norm over a slice of rows (rows, features), and what is done in its sweeps:
// y = g(scale * (x - mean) * inverse_deviation + shift + addend).
typedef struct {
  size_t rows, features;
  double epsilon;
  const float *scale, *shift;  // (features) or NULL for 1 and 0
  ek_activation activation;
  float slope;
  const float *addend;  // (rows, features) or NULL; goes with EK_IDENTITY and EK_RELU
  int past_cache;       // what is written is not read soon; it is aligned to 64 bytes, and features fill whole vectors
} ek_batch_norm;

// y of one slice from the statistics. x and y may be one buffer.
void ek_batch_norm_apply(const ek_batch_norm *norm, const float *x, float *y, ek_batch_statistics statistics);

// sums <- weight (the number of rows), sum_dz, sum_dz_n of one slice. dy (rows, features) is the gradient of y. y is read for
// activations whose derivative follows from their output, and where there is an addend; dy then becomes the gradient of the
// addend.
void ek_batch_norm_gradient_sums(const ek_batch_norm *norm, const float *x, const float *y, float *dy,
                                 ek_batch_statistics statistics, double *sums);

// dx = scale * r * (dz - mean_dz - n * mean_dz_n) of one slice, from the means over all rows (features each), NULL for 0: statistics
// that were given, not computed. dx may be dy where there is no addend, whose ReLU the sums have gone through.
void ek_batch_norm_spread(const ek_batch_norm *norm, const float *x, const float *y, const float *dy,
                          ek_batch_statistics statistics, const float *mean_dz, const float *mean_dz_n, float *dx);

// dx_i -= scale * r * w_i * (mean_dz + n_i * mean_dz_n), where the means are sums over all rows, whatever they weigh, divided by the
// weight of all: what the gradient owes to weighted statistics. Follows ek_batch_norm_spread without means.
void ek_batch_norm_spread_weights(const ek_batch_norm *norm, const float *x, const ek_weights *weights,
                                  ek_batch_statistics statistics, const float *mean_dz, const float *mean_dz_n,
                                  float *dx);

// ---- batch_norm_whole.c -------------------------------------------------------------------------------------------
//
// A norm alone, over a whole batch that it cuts into slices by its shape: for those who use these loops without the engine, which cuts
// batches itself. Results of EK_STREAM_THRESHOLD values or more (8 MiB: more
// than a processor's share of the last cache) are written past the cache, if they go to a separate buffer.
#define EK_STREAM_THRESHOLD (2u << 20)

// Statistics as above, then y. x and y may be one buffer.
// Returns the first feature whose statistics are not finite, or -1; y is not written then.
ptrdiff_t ek_batch_norm_forward(const ek_batch_norm *norm, const float *x, float *y, ek_batch_statistics statistics,
                                double *scratch, int threads);

// Overwrites dscale, dshift (features; NULL where not learned) and dx (rows, features; NULL where not wanted; may be dy where there
// is no addend). With `frozen` the statistics were given, not computed from x.
void ek_batch_norm_backward(const ek_batch_norm *norm, int frozen, const float *x, const float *y, float *dy,
                            ek_batch_statistics statistics, float *dscale, float *dshift, float *dx, double *scratch,
                            int threads);

// ---- batch_norm_tangent.c -----------------------------------------------------------------------------------------

// One batch norm at a point, y = scale * n + shift with n = (x - mean) * s and s = 1/sqrt(variance + epsilon), and what its
// derivatives in a direction have in common (Pearlmutter 1994). n, n_tangent are (rows, features), the doubles (features).
// Sums are taken in double. With `frozen` mean and variance were given and do not move; s is then an input.
typedef struct {
  size_t rows, features;
  double epsilon;
  int frozen;
  const float *scale;    // or NULL for 1
  float *n, *n_tangent;  // n_tangent is written by the forward tangent
  double *mean, *s;
  double *sum_dz, *sum_dz_n;  // sums of dy and of dy n, the gradients of shift and scale: written by backward
  double *k;                  // mean of n * x_tangent: written by the forward tangent
  double *sums;               // scratch, 2 * features
} ek_norm_point;

// y, n, mean and s from x. shift may be NULL.
void ek_norm_point_forward(const ek_norm_point *p, const float *x, const float *shift, float *y);
// The sums (in the point), and dx where it is not NULL.
void ek_norm_point_backward(const ek_norm_point *p, const float *dy, float *dx);
// y_tangent in the direction (x_tangent, scale_tangent, shift_tangent), each of which may be NULL for 0.
void ek_norm_point_forward_tangent(const ek_norm_point *p, const float *x_tangent, const float *scale_tangent,
                                   const float *shift_tangent, float *y_tangent);
// The derivative of backward in the same direction, where dy moves by dy_tangent: dshift_tangent, dscale_tangent (features)
// and dx_tangent (rows, features), each NULL where not wanted. dx_tangent may be dy_tangent.
void ek_norm_point_backward_tangent(const ek_norm_point *p, const float *dy, const float *dy_tangent,
                                    const float *scale_tangent, float *dshift_tangent, float *dscale_tangent,
                                    float *dx_tangent);

// ---- group_norm.c -------------------------------------------------------------------------------------------------

// One layer, group, instance or RMS norm over (examples, positions, channels): every set, which is one example's values
// in one of `groups` parts of consecutive channels at all positions, is normalized separately.
// With m = positions * channels / groups:
// y = scale * (x - mean) / sqrt(variance + epsilon) + shift   (Ba et al. 2016, Wu and He 2018, Ulyanov et al. 2016), or,
// where not centered, y = scale * x / sqrt(sum(x^2)/m + epsilon) + shift   (Zhang and Sennrich 2019).
typedef struct {
  size_t examples, positions, channels, groups;
  double epsilon;
  int centered;
  const float *scale, *shift;  // (channels) or NULL for 1 and 0
} ek_group_norm;

// What a norm keeps per set between forward and backward, each of examples * groups floats: the mean as an unevaluated sum
// mean_high + mean_low (0 where not centered), and 1/sqrt(variance + epsilon).
typedef struct {
  float *mean_high;
  float *mean_low;
  float *inverse_deviation;
} ek_group_statistics;

// The number of doubles of scratch that a call needs; scale and shift do not matter.
size_t ek_group_norm_scratch(const ek_group_norm *norm);

// y and statistics. x and y may be one buffer.
// Returns the first example whose statistics are not finite, or -1; what that example gives is not finite then.
ptrdiff_t ek_group_norm_forward(const ek_group_norm *norm, const float *x, float *y, ek_group_statistics statistics,
                                double *scratch);

// sums <- the gradients of shift and scale over these examples, as a slice's (ek_merge_sums), and dx (NULL where not wanted; may be
// dy).
void ek_group_norm_backward(const ek_group_norm *norm, const float *x, const float *dy, ek_group_statistics statistics,
                            double *sums, float *dx, double *scratch);

// ---- elementwise.c ------------------------------------------------------------------------------------------------

// y (rows, features) += bias (features).
void ek_add_bias(float *y, size_t rows, size_t features, const float *bias);

// y = a + b over count values; y may be a or b.
void ek_add(const float *a, const float *b, size_t count, float *y, int threads);

// y = max(0, a + b) over count values; y may be a or b.
void ek_add_relu(const float *a, const float *b, size_t count, float *y);

// y (rows, channels, positions) = x (rows, positions, channels), each example transposed.
void ek_transpose(const float *x, size_t rows, size_t positions, size_t channels, float *y);

// y = x (rows, columns) transposed: value (r, c) goes to y[c * stride + r].
void ek_transpose_rows(const float *x, size_t rows, size_t columns, float *y, size_t stride);

// y (rows, outputs) = x (rows, inputs) times weights (outputs, inputs) transposed, + bias (outputs; NULL for 0). A row's bits do not depend
// on those beside it.
void ek_row_products(const float *x, size_t rows, const float *weights, const float *bias, size_t inputs, size_t outputs, float *y);

// Inverted dropout (Srivastava et al. 2014): value i is kept with probability 1 - rate and divided by it, dropped to 0
// otherwise, by number first + i of the stream `key`. The same call on gradients is the backward. y may be x.
void ek_dropout(const float *x, size_t first, size_t count, double rate, uint64_t key, float *y);

// average <- average + share * (x - average) over count values.
void ek_average(float *average, const float *x, size_t count, float share, int threads);

// x (examples, positions, features) = 0 in the positions from lengths[example] on.
void ek_clear_behind(float *x, const int32_t *lengths, size_t examples, size_t positions, size_t features);

// x (examples, width) *= positions / lengths[example]; 0 where the length is 0.
void ek_scale_by_length(float *x, const int32_t *lengths, size_t examples, size_t positions, size_t width);

// ---- reduce.c -----------------------------------------------------------------------------------------------------

// sums (columns) = sums of x (rows, columns), whose rows lie `stride` floats apart, accumulated in double in a fixed order.
void ek_column_sums(const float *x, size_t rows, size_t stride, size_t columns, float *sums);

// The index of the first value that is NaN or infinite, or -1. With one thread it may be called by a member of a team.
ptrdiff_t ek_first_non_finite(const float *x, size_t count, int threads);

// The largest |x|; NaN if one is NaN, infinity if one is infinite.
float ek_largest_magnitude(const float *x, size_t count, int threads);

// The sum of squares of count values, in double, in a fixed order; NaN or infinite if one of them is.
double ek_sum_of_squares(const float *x, size_t count, int threads);

// ---- gather.c -----------------------------------------------------------------------------------------------------

// The kinds of number that rows are gathered from.
typedef enum {
  EK_UINT8 = 0,
  EK_FLOAT32 = 1,
  EK_FLOAT64 = 2,
  EK_INT32 = 3,
  EK_UINT32 = 4,
  EK_INT64 = 5,
  EK_UINT64 = 6,
} ek_element;

// Stored rows; skipped_column (-1 for none) is left out of what is read.
typedef struct {
  const void *base;
  ek_element element;
  size_t stored_width;
  ptrdiff_t skipped_column;
} ek_source;

// How values are standardized; c = position in the row modulo period. (x - mean[c]) * scale[c] in floats; if exact_mean
// is given, ((x - exact_mean[c]) - remainder[c]) / deviation[c] in double, the first difference exact for integers of
// 64 bits too, and zero[c] is what the value 0 becomes. A deviation of infinity makes all values 0.
typedef struct {
  size_t period;
  const float *mean, *scale;
  const double *exact_mean, *remainder, *deviation;
  const float *zero;
} ek_scaling;

// output (row_count, width) = rows[i] of source as floats, standardized where scaling is given. width is stored_width, less
// one where a column is skipped.
// Returns the first position of output that is NaN or infinite, or -1.
ptrdiff_t ek_gather(const ek_source *source, const int32_t *rows, size_t row_count, const ek_scaling *scaling,
                    float *output, int threads);

// Over rows[i] of source, weights[i] each (NULL for 1), the first counts[i] of its values (NULL for all): adds the
// weight, w d and w (d unit[p])^2 to weight, sums and squares of position p, where d = x - from[p], and keeps the
// largest |d|. Each has width values. A value that is not finite makes its sum not finite.
void ek_moments(const ek_source *source, const int32_t *rows, size_t row_count, const float *weights,
                const int32_t *counts, const double *from, const double *unit, double *weight, double *sums,
                double *squares, double *largest, int threads);

// ---- curves.c -----------------------------------------------------------------------------------------------------

// How one feature of a row is bent. With nodes (at least 2, ascending): the standard normal's quantile of the share of
// nodes below x, linear between them, in the middle of equal ones, and within 1e-7 and 1 - 1e-7. Without:
// u / sqrt(1 + (u / 3)^2) of u = (x - center) * scale.
typedef struct {
  size_t feature;
  const float *nodes;
  size_t count;
  float center, scale;
} ek_curve;

// Bends the features of `curves` of every row in place.
void ek_bend(float *values, size_t rows, size_t width, const ek_curve *curves, size_t count, int threads);

// ---- embedding.c --------------------------------------------------------------------------------------------------

// Numbers as vectors of piecewise linear functions (Gorishniy et al. 2022): of each embedded feature, `bins` + 1
// ascending edges, of which the first `used` bins have a width; weights (count, bins, width); slope (count, width); levels
// as ek_piecewise_levels makes them. An output row holds the vectors of `features`, then the values of `rest`.
typedef struct {
  const size_t *features, *rest, *used;
  size_t count, rest_count, bins, width;
  const float *edges, *weights, *slope, *levels;
} ek_piecewise;

// The number of bins before the edges stay the same.
size_t ek_used_bins(const float *edges, size_t bins);
// levels (bins, width) = bias + the weights of all bins before: the vector at the beginning of each bin, without slope.
void ek_piecewise_levels(const float *weights, const float *bias, size_t bins, size_t width, float *levels);
void ek_piecewise_forward(const ek_piecewise *layer, const float *x, size_t rows, size_t input, size_t output, float *y);
void ek_piecewise_backward(const ek_piecewise *layer, const float *x, const float *dy, size_t rows, size_t input,
                           size_t output, float *dx);
// The gradients of one feature's weights, slope and bias; sums: bins * width floats of scratch.
void ek_piecewise_gradient(const ek_piecewise *layer, size_t feature, const float *x, const float *dy, size_t rows,
                           size_t input, size_t output, float *sums, float *dweights, float *dslope, float *dbias);

// Numbers as vectors of waves (PLR, Gorishniy et al. 2022): of each embedded feature, frequencies in turns, `turns`
// (count, frequencies); weights (count, 2 * frequencies, width), for the cosines and then the sines; `transposed`, the same with the
// last two axes exchanged, which only gradients read; bias (count, width). A ReLU follows. Rows are those of ek_piecewise. `scratch`:
// 4 * frequencies + width floats.
typedef struct {
  const size_t *features, *rest;
  size_t count, rest_count, frequencies, width;
  const float *turns, *weights, *transposed, *bias;
} ek_periodic;

void ek_periodic_forward(const ek_periodic *layer, const float *x, size_t rows, size_t input, size_t output,
                         float *scratch, float *y);
void ek_periodic_backward(const ek_periodic *layer, const float *x, const float *y, const float *dy, size_t rows,
                          size_t input, size_t output, float *scratch, float *dx);
// The gradients of one feature's frequencies, weights and bias.
void ek_periodic_gradient(const ek_periodic *layer, size_t feature, const float *x, const float *y, const float *dy,
                          size_t rows, size_t input, size_t output, float *scratch, float *dturns, float *dweights,
                          float *dbias);

// Categories as vectors: those of feature e are counts[e] entries from starts[e] on. An output row holds the values of
// `rest`, then the vectors of `features`.
typedef struct {
  const size_t *features, *rest, *counts, *starts;
  size_t count, rest_count, width;
  const float *entries;
} ek_lookup;

// The entry that a value stands for: 0 for what is none.
static inline size_t ek_entry(float x, size_t count) { return x >= 0 && x < (float)count ? (size_t)x : 0; }

void ek_lookup_forward(const ek_lookup *layer, const float *x, size_t rows, size_t input, size_t output, float *y);
// The gradient of one feature's entries.
void ek_lookup_gradient(const ek_lookup *layer, size_t feature, const float *x, const float *dy, size_t rows,
                        size_t input, size_t output, float *dentries);

// y (rows, members, width) = x * scale (members, width), where x has the shape of y, or (rows, width) if is_shared.
void ek_members_scale(const float *x, const float *scale, size_t rows, size_t members, size_t width, int is_shared,
                      float *y);
void ek_members_scale_backward(const float *dy, const float *scale, size_t rows, size_t members, size_t width,
                               int is_shared, float *dx);
// The gradient of one member's scale.
void ek_members_scale_gradient(const float *x, const float *dy, size_t rows, size_t members, size_t width,
                               int is_shared, size_t member, float *dscale);

// Of y (rows, members, outputs) = x (rows, members, inputs) by weights (members, outputs, inputs): the gradient of x, and
// those of one member's weights and bias.
void ek_members_product_backward(const float *dy, const float *weights, size_t rows, size_t members, size_t inputs,
                                 size_t outputs, float *dx);
void ek_members_product_gradient(const float *x, const float *dy, size_t rows, size_t members, size_t inputs,
                                 size_t outputs, size_t member, float *dweights, float *dbias);

// ---- bfloat16.c ---------------------------------------------------------------------------------------------------

// y = x rounded to bfloat16, to nearest, ties to even; a NaN stays one.
void ek_to_bfloat16(const float *x, size_t count, uint16_t *y);

// ---- augment.c ----------------------------------------------------------------------------------------------------

// One step of an image's augmentation.
typedef enum {
  EK_UNCHANGED = 0,
  EK_SHIFT = 1,    // moved right by x and down by y pixels; 0 comes in
  EK_FLIP = 2,     // left and right exchanged
  EK_ROTATE = 3,   // rotated about its center by the angle of cosine and sine, counterclockwise; bilinear, 0 comes in
  EK_CUT_OUT = 4,  // the square of `side` pixels from column x and row y on, as far as it lies inside, gets the means
} ek_transform_kind;

typedef struct {
  ek_transform_kind kind;
  int32_t x, y, side;
  double cosine, sine;
} ek_transform;

// output (row_count, height, width, channels) = rows[i] of source as floats, changed by transforms[i * transform_count]
// and those that follow, in order, and standardized.
// scratch: 2 * height * width * channels floats for each thread.
// Returns the first position, in the stored rows, that is NaN or infinite, or -1.
ptrdiff_t ek_gather_augmented(const ek_source *source, const int32_t *rows, size_t row_count, size_t height,
                              size_t width, size_t channels, const ek_transform *transforms, size_t transform_count,
                              const ek_scaling *scaling, float *scratch, float *output, int threads);

// ---- loss.c -------------------------------------------------------------------------------------------------------

// Each returns the sum of the loss over rows, in double, in a fixed order, and writes, where dlogits is not NULL,
// gradient_scale times the gradient of that sum (pass 1/rows for the mean).

// logits (rows, classes); labels (rows). smoothing moves that share of the target evenly over all classes
// (Szegedy et al. 2016). *correct counts the rows whose largest logit is the label's.
double ek_softmax_cross_entropy(const float *logits, const int32_t *labels, size_t rows, size_t classes,
                                float smoothing, float gradient_scale, float *dlogits, size_t *correct);

// logits, targets in [0, 1] (rows, outputs): sum of max(z,0) - z t + log(1 + exp(-|z|)) over rows and outputs.
double ek_sigmoid_cross_entropy(const float *logits, const float *targets, size_t count, float gradient_scale,
                                float *dlogits);

// Of each of width outputs, over rows of weights[r] (NULL for 1), adds to sums[0 ..< width] w (y - t)^2, to the next width w t,
// and to the last w t^2.
void ek_target_sums(const float *y, const float *targets, const float *weights, size_t rows, size_t width, double *sums);

// Sum of (y - t)^2.
double ek_squared_error(const float *y, const float *targets, size_t count, float gradient_scale, float *dy);

// Sum of Huber's loss: e^2/2 where |e| <= delta, delta (|e| - delta/2) beyond (Huber 1964).
double ek_huber(const float *y, const float *targets, size_t count, float delta, float gradient_scale, float *dy);

// probabilities (rows, classes) = softmax of logits; may be one buffer.
void ek_softmax(const float *logits, size_t rows, size_t classes, float *probabilities);

// ---- optimizer.c --------------------------------------------------------------------------------------------------

// Every optimizer: name and kind. With r the learning rate and g the gradient:
// gradient_descent  p -= r g
// momentum          v = m v + g; p -= r v                                                   (PyTorch's SGD)
// nesterov          v = m v + g; p -= r (g + m v)
// rmsprop           s = d s + (1-d) g^2; p -= r g / (sqrt(s) + epsilon)
// adam              Kingma and Ba 2015, with bias corrections
// adamw             Adam with decoupled decay: p -= r decay p (Loshchilov and Hutter 2019)
// lion              p -= r (sign(b1 m + (1-b1) g) + decay p); m = b2 m + (1-b2) g           (Chen et al. 2023)
#define EK_OPTIMIZERS(DO)                                        \
  DO(gradient_descent, EK_GRADIENT_DESCENT)                      \
  DO(momentum, EK_MOMENTUM)                                      \
  DO(nesterov, EK_NESTEROV)                                      \
  DO(rmsprop, EK_RMSPROP)                                        \
  DO(adam, EK_ADAM)                                              \
  DO(adamw, EK_ADAMW)                                            \
  DO(lion, EK_LION)

typedef enum {
#define EK_KIND(NAME, KIND) KIND,
  EK_OPTIMIZERS(EK_KIND)
#undef EK_KIND
} ek_optimizer_kind;

typedef struct {
  ek_optimizer_kind kind;
  double learning_rate;
  double momentum;         // momentum, Nesterov
  double decay1, decay2;   // Adam's and Lion's beta1, beta2; RMSProp's d is decay2
  double epsilon;
  double correction1, correction2;  // 1 - beta1^t, 1 - beta2^t of this step
  double weight_decay;     // acts on the first `decayed` values: added to g as weight_decay p, but for AdamW and Lion
  size_t decayed;
  double gradient_scale;   // multiplies every gradient first (clipping)
} ek_optimizer;

// Updates p (count) in one pass. state1 is v, m or Adam's first moment, state2 s or the second; unused ones may be NULL.
void ek_optimizer_step(const ek_optimizer *optimizer, float *p, const float *g, float *state1, float *state2,
                       size_t count, int threads);

#endif
