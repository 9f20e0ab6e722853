// Curves that bend inputs: through quantiles to a normal distribution, or softly limited.
#include "kernels.h"
#include "team.h"
#include "vector_math.h"

// Without variants, x86-64 multiplies and adds in two steps here; processors that could fuse them (arm64) must not either.
#pragma STDC FP_CONTRACT OFF

// The number of nodes below x, and the number not above it.
EK_INLINE size_t below(float x, const float *nodes, size_t count) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (nodes[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

EK_INLINE size_t not_above(float x, const float *nodes, size_t count) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (nodes[middle] <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

// The quantile of the standard normal distribution: Wichura 1988, algorithm AS 241 (PPND16), about 16 digits.
static double normal_quantile(double p) {
  double q = p - 0.5;
  if (fabs(q) <= 0.425) {
    double r = 0.180625 - q * q;
    return q *
           (((((((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r +
                45921.953931549871457) * r + 13731.693765509461125) * r + 1971.5909503065514427) * r +
             133.14166789178437745) * r + 3.387132872796366608) /
           (((((((5226.495278852545925 * r + 28729.085735721942674) * r + 39307.89580009271061) * r +
                21213.794301586595867) * r + 5394.1960214247511077) * r + 687.1870074920579083) * r +
             42.313330701600911252) * r + 1.0);
  }
  double r = sqrt(-log(q < 0 ? p : 1 - p)), value;
  if (r <= 5) {
    r -= 1.6;
    value = (((((((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177) * r +
                 1.27045825245236838258) * r + 3.64784832476320460504) * r + 5.7694972214606914055) * r +
              4.6303378461565452959) * r + 1.42343711074968357734) /
            (((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r +
                 0.14810397642748007459) * r + 0.68976733498510000455) * r + 1.6763848301838038494) * r +
              2.05319162663775882187) * r + 1.0);
  } else {
    r -= 5;
    value = (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 0.0012426609473880784386) * r +
                 0.026532189526576123093) * r + 0.29656057182850489123) * r + 1.7848265399172913358) * r +
              5.4637849111641143699) * r + 6.6579046435011037772) /
            (((((((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r + 1.8463183175100546818e-5) * r +
                 7.868691311456132591e-4) * r + 0.0148753612908506148525) * r + 0.13692988092273580531) * r +
              0.59983220655588793769) * r + 1.0);
  }
  return q < 0 ? -value : value;
}

// What the share 1e-7 of a normal distribution lies below.
static const double LEAST_SHARE = 1e-7;

static float to_normal(float x, const float *nodes, size_t count) {
  size_t first = below(x, nodes, count), last = not_above(x, nodes, count);
  double place;
  if (last > first) place = 0.5 * ((double)first + (double)(last - 1));
  else if (first == 0) place = 0;
  else if (first == count) place = (double)(count - 1);
  else
    place = (double)(first - 1) + ((double)x - nodes[first - 1]) / ((double)nodes[first] - nodes[first - 1]);
  double share = place / (double)(count - 1);
  return (float)normal_quantile(fmin(fmax(share, LEAST_SHARE), 1 - LEAST_SHARE));
}

// x / sqrt(1 + (x / 3)^2): Holzmüller et al. 2024.
static float softly_limited(float x) { return (float)(x / sqrt(1 + (double)x / 3 * ((double)x / 3))); }

typedef struct {
  float *values;
  size_t rows, width;
  const ek_curve *curves;
  size_t count;
} bending;

static const size_t ROWS_AT_ONCE = 64;

static void bend(void *context, size_t item, int member) {
  const bending *job = context;
  (void)member;
  size_t end = ek_smaller((item + 1) * ROWS_AT_ONCE, job->rows);
  for (size_t row = item * ROWS_AT_ONCE; row < end; row++)
    for (size_t c = 0; c < job->count; c++) {
      const ek_curve *curve = job->curves + c;
      float *value = job->values + row * job->width + curve->feature;
      *value = curve->nodes ? to_normal(*value, curve->nodes, curve->count)
                            : softly_limited((*value - curve->center) * curve->scale);
    }
}

void ek_bend(float *values, size_t rows, size_t width, const ek_curve *curves, size_t count, int threads) {
  bending job = {values, rows, width, curves, count};
  ek_team_run(bend, &job, (rows + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE, rows * count < 4096 ? 1 : threads);
}
