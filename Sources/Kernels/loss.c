// Losses and their gradients. Outputs are few, so one thread does them.
#include "kernels.h"
#include "team.h"
#include "vector_math.h"

// out = e^(x - shift) over count values; returns their sum.
EK_CLONES static double exponentials(const float *x, size_t count, float shift, float *out) {
  double sum = 0;
  EK_FOR_LANES(0, count, {
    ek_f16 e = ek_exp(ek_load(x + i, n) - shift);
    ek_store(out + i, e, n);
    for (size_t lane = 0; lane < n; lane++) sum += (double)e[lane];
  });
  return sum;
}

// Without variants, x86-64 multiplies and adds in two steps here; processors that could fuse them (arm64) must not either.
#pragma STDC FP_CONTRACT OFF

static float largest(const float *x, size_t count, size_t *index) {
  size_t best = 0;
  for (size_t i = 1; i < count; i++)
    if (x[i] > x[best]) best = i;
  *index = best;
  return x[best];
}

void ek_softmax(const float *logits, size_t rows, size_t classes, float *probabilities) {
  for (size_t r = 0; r < rows; r++) {
    const float *z = logits + r * classes;
    float *p = probabilities + r * classes;
    size_t best;
    double sum = exponentials(z, classes, largest(z, classes, &best), p);
    for (size_t c = 0; c < classes; c++) p[c] = (float)(p[c] / sum);
  }
}

double ek_softmax_cross_entropy(const float *logits, const int32_t *labels, size_t rows, size_t classes,
                                float smoothing, float gradient_scale, float *dlogits, size_t *correct) {
  double total = 0;
  float even = smoothing / (float)classes;
  for (size_t r = 0; r < rows; r++) {
    const float *z = logits + r * classes;
    size_t best, label = (size_t)labels[r];
    float top = largest(z, classes, &best);
    if (correct) *correct += best == label;
    // Without a gradient, the exponentials go to a buffer that nothing reads.
    float spare[16];
    double sum = 0, logit_sum = 0;
    if (dlogits) sum = exponentials(z, classes, top, dlogits + r * classes);
    else EK_FOR_LANES(0, classes, sum += exponentials(z + i, n, top, spare););
    if (smoothing > 0)
      for (size_t c = 0; c < classes; c++) logit_sum += (double)z[c];
    double logarithm = log(sum) + (double)top;
    total += logarithm - (1 - (double)smoothing) * (double)z[label] - (double)even * logit_sum;
    if (!dlogits) continue;
    float *d = dlogits + r * classes;
    for (size_t c = 0; c < classes; c++) d[c] = gradient_scale * ((float)(d[c] / sum) - even);
    d[label] -= gradient_scale * (1 - smoothing);
  }
  return total;
}

double ek_sigmoid_cross_entropy(const float *logits, const float *targets, size_t count, float gradient_scale,
                                float *dlogits) {
  double total = 0;
  for (size_t i = 0; i < count; i++) {
    double z = (double)logits[i], t = (double)targets[i], e = exp(-fabs(z));
    total += (z > 0 ? z : 0) - z * t + log1p(e);
    if (dlogits) dlogits[i] = gradient_scale * (float)((z < 0 ? e : 1) / (1 + e) - t);
  }
  return total;
}

void ek_target_sums(const float *y, const float *targets, const float *weights, size_t rows, size_t width, double *sums) {
  for (size_t r = 0; r < rows; r++) {
    double w = weights ? (double)weights[r] : 1;
    for (size_t k = 0; k < width; k++) {
      double t = (double)targets[r * width + k], e = (double)y[r * width + k] - t;
      sums[k] += w * e * e;
      sums[width + k] += w * t;
      sums[2 * width + k] += w * t * t;
    }
  }
}

double ek_squared_error(const float *y, const float *targets, size_t count, float gradient_scale, float *dy) {
  double total = 0;
  for (size_t i = 0; i < count; i++) {
    float e = y[i] - targets[i];
    total += (double)e * (double)e;
    if (dy) dy[i] = gradient_scale * 2 * e;
  }
  return total;
}

double ek_huber(const float *y, const float *targets, size_t count, float delta, float gradient_scale, float *dy) {
  double total = 0;
  for (size_t i = 0; i < count; i++) {
    float e = y[i] - targets[i], size = fabsf(e);
    total += size <= delta ? 0.5 * (double)e * (double)e : (double)delta * ((double)size - 0.5 * (double)delta);
    if (dy) dy[i] = gradient_scale * (size <= delta ? e : copysignf(delta, e));
  }
  return total;
}
