#include "onednn_peer.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>

struct onednn_products {
  int64_t rows;
  int count;  // of matrices
  int64_t widths[16];
  float *x[16], *dx[16], *weights[16], *dweights[16];
};

// Numbers of moderate size; products of zeros or of numbers that are too small could take another time.
static float *matrix(int64_t count) {
  float *values = aligned_alloc(64, (size_t)((4 * count + 63) / 64 * 64));
  for (int64_t i = 0; values && i < count; i++) values[i] = (float)(i % 17) * 0.01f - 0.08f;
  return values;
}

onednn_products *onednn_products_create(int64_t rows, const int64_t *widths, int count) {
  if (count < 2 || count > 16) return NULL;
  onednn_products *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  p->rows = rows, p->count = count - 1;
  for (int i = 0; i < count; i++) {
    p->widths[i] = widths[i];
    p->x[i] = matrix(rows * widths[i]), p->dx[i] = matrix(rows * widths[i]);
    if (i + 1 == count) continue;
    p->weights[i] = matrix(widths[i] * widths[i + 1]), p->dweights[i] = matrix(widths[i] * widths[i + 1]);
  }
  return p;
}

int onednn_products_run(onednn_products *p) {
  int64_t m = p->rows;
  int status = 0;
  for (int i = 0; i < p->count && !status; i++) {
    int64_t k = p->widths[i], n = p->widths[i + 1];
    status = dnnl_sgemm('N', 'T', m, n, k, 1, p->x[i], k, p->weights[i], k, 0, p->x[i + 1], n);
  }
  for (int i = p->count - 1; i >= 0 && !status; i--) {
    int64_t k = p->widths[i], n = p->widths[i + 1];
    status = dnnl_sgemm('T', 'N', n, k, m, 1, p->dx[i + 1], n, p->x[i], k, 0, p->dweights[i], k);
    // Nobody wants the gradient of the input.
    if (i > 0 && !status)
      status = dnnl_sgemm('N', 'N', m, k, n, 1, p->dx[i + 1], n, p->weights[i], k, 0, p->dx[i], k);
  }
  return status;
}
