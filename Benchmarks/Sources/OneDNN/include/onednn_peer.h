// oneDNN called by itself in the benchmark's harness: what Evenkeel's own parts are measured against.
#ifndef ONEDNN_PEER_H
#define ONEDNN_PEER_H

#include <stdint.h>

// ---- norm.c: its batch norm with a fused ReLU, forward and backward, over images with features last -----------------

typedef struct onednn_norm onednn_norm;

// NULL where oneDNN cannot make it (its interface is another from 3.0 on). scale, shift, dscale, dshift have `features` floats.
onednn_norm *onednn_norm_create(int64_t rows, int64_t features, float *x, float *y, float *dy, float *dx, float *scale,
                                float *shift, float *dscale, float *dshift);
// One forward and one backward; 0, or oneDNN's status.
int onednn_norm_run(onednn_norm *norm);

// ---- products.c: the matrix products of a step of a fully connected net, and nothing else ---------------------------

typedef struct onednn_products onednn_products;

// `widths` are those of the input and of every layer, `count` of them, 16 at most; NULL where there is no memory for them.
onednn_products *onednn_products_create(int64_t rows, const int64_t *widths, int count);
// x W^T of every layer, then dy^T x and dy W from the last layer to the first (whose dy W nobody wants), by sgemm on matrices
// that lie as Evenkeel's; 0, or oneDNN's status.
int onednn_products_run(onednn_products *products);

// 384 floating-point operations `count` times, all in registers; returns what nobody needs.
float fma_chain(long count);

#endif
