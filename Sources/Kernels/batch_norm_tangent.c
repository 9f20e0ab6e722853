// Batch norm at a point and its derivatives in a direction, for products of the Hessian with a vector. A product's time goes
// into matrices; these sweeps are plain and run on one thread.
#include "kernels.h"
#include "team.h"

#include <math.h>
#include <string.h>

static void clear(double *sums, size_t count) { memset(sums, 0, count * sizeof *sums); }

// sums[c] = scale * sum over rows of a[r][c] (* b[r][c] where b is not NULL).
EK_CLONES static void column_sums(const float *a, const float *b, size_t rows, size_t features, double scale,
                                  double *sums) {
  clear(sums, features);
  for (size_t r = 0; r < rows; r++) {
    const float *u = a + r * features;
    if (b) {
      const float *v = b + r * features;
      for (size_t c = 0; c < features; c++) sums[c] += (double)u[c] * (double)v[c];
    } else {
      for (size_t c = 0; c < features; c++) sums[c] += (double)u[c];
    }
  }
  for (size_t c = 0; c < features; c++) sums[c] *= scale;
}

static double scale_of(const ek_norm_point *p, size_t c) { return p->scale ? (double)p->scale[c] : 1; }

EK_CLONES void ek_norm_point_forward(const ek_norm_point *p, const float *x, const float *shift, float *y) {
  size_t features = p->features;
  double m = (double)p->rows;
  if (!p->frozen) {
    // Differences from the first row, as large means would cost the variance its digits.
    double *first = p->sums, *second = p->sums + features;
    clear(first, 2 * features);
    for (size_t r = 0; r < p->rows; r++)
      for (size_t c = 0; c < features; c++) {
        double d = (double)x[r * features + c] - (double)x[c];
        first[c] += d, second[c] += d * d;
      }
    for (size_t c = 0; c < features; c++) {
      double d = first[c] / m, variance = fmax(0, second[c] / m - d * d);
      p->mean[c] = (double)x[c] + d;
      p->s[c] = ek_inverse_deviation(variance, p->epsilon);
    }
  }
  for (size_t r = 0; r < p->rows; r++)
    for (size_t c = 0; c < features; c++) {
      size_t i = r * features + c;
      double n = ((double)x[i] - p->mean[c]) * p->s[c];
      p->n[i] = (float)n;
      y[i] = (float)(scale_of(p, c) * n + (shift ? (double)shift[c] : 0));
    }
}

// dx = scale s (dy - sum_dz / m - n sum_dz_n / m)
EK_CLONES void ek_norm_point_backward(const ek_norm_point *p, const float *dy, float *dx) {
  size_t features = p->features;
  column_sums(dy, NULL, p->rows, features, 1, p->sum_dz);
  column_sums(dy, p->n, p->rows, features, 1, p->sum_dz_n);
  if (!dx) return;
  double share = p->frozen ? 0 : 1 / (double)p->rows;
  for (size_t r = 0; r < p->rows; r++)
    for (size_t c = 0; c < features; c++) {
      size_t i = r * features + c;
      double inner = (double)dy[i] - share * (p->sum_dz[c] + (double)p->n[i] * p->sum_dz_n[c]);
      dx[i] = (float)(scale_of(p, c) * p->s[c] * inner);
    }
}

// n' = s (x' - mean x' - n k), k = mean (n x'), as s' = -s^2 k.
EK_CLONES void ek_norm_point_forward_tangent(const ek_norm_point *p, const float *x_tangent, const float *scale_tangent,
                                             const float *shift_tangent, float *y_tangent) {
  size_t features = p->features;
  double share = p->frozen ? 0 : 1 / (double)p->rows;
  double *mean = p->sums;
  clear(p->k, features), clear(mean, features);
  if (x_tangent && !p->frozen) {
    column_sums(x_tangent, NULL, p->rows, features, share, mean);
    column_sums(x_tangent, p->n, p->rows, features, share, p->k);
  }
  for (size_t r = 0; r < p->rows; r++)
    for (size_t c = 0; c < features; c++) {
      size_t i = r * features + c;
      double n = (double)p->n[i];
      double n_tangent = x_tangent ? p->s[c] * ((double)x_tangent[i] - mean[c] - n * p->k[c]) : 0;
      p->n_tangent[i] = (float)n_tangent;
      y_tangent[i] = (float)(scale_of(p, c) * n_tangent + (scale_tangent ? (double)scale_tangent[c] * n : 0) +
                             (shift_tangent ? (double)shift_tangent[c] : 0));
    }
}

// sum_dz_n' = sum (dy' n + dy n')
// dx' = (scale' s + scale s') (dy - sum_dz / m - n sum_dz_n / m)
//       + scale s (dy' - sum_dz' / m - n' sum_dz_n / m - n sum_dz_n' / m)
EK_CLONES void ek_norm_point_backward_tangent(const ek_norm_point *p, const float *dy, const float *dy_tangent,
                                              const float *scale_tangent, float *dshift_tangent,
                                              float *dscale_tangent, float *dx_tangent) {
  size_t features = p->features;
  double *sum_dz_tangent = p->sums, *sum_dz_n_tangent = p->sums + features;
  column_sums(dy_tangent, NULL, p->rows, features, 1, sum_dz_tangent);
  clear(sum_dz_n_tangent, features);
  for (size_t r = 0; r < p->rows; r++)
    for (size_t c = 0; c < features; c++) {
      size_t i = r * features + c;
      sum_dz_n_tangent[c] += (double)dy_tangent[i] * (double)p->n[i] + (double)dy[i] * (double)p->n_tangent[i];
    }
  for (size_t c = 0; c < features; c++) {
    if (dshift_tangent) dshift_tangent[c] = (float)sum_dz_tangent[c];
    if (dscale_tangent) dscale_tangent[c] = (float)sum_dz_n_tangent[c];
  }
  if (!dx_tangent) return;
  double share = p->frozen ? 0 : 1 / (double)p->rows;
  for (size_t r = 0; r < p->rows; r++)
    for (size_t c = 0; c < features; c++) {
      size_t i = r * features + c;
      double scale = scale_of(p, c), s = p->s[c], n = (double)p->n[i];
      double moved = (scale_tangent ? (double)scale_tangent[c] * s : 0) - scale * s * s * p->k[c];
      double inner = (double)dy[i] - share * (p->sum_dz[c] + n * p->sum_dz_n[c]);
      double moved_mean = sum_dz_tangent[c] + (double)p->n_tangent[i] * p->sum_dz_n[c] + n * sum_dz_n_tangent[c];
      double inner_tangent = (double)dy_tangent[i] - share * moved_mean;
      dx_tangent[i] = (float)(moved * inner + scale * s * inner_tangent);
    }
}
