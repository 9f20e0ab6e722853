// oneDNN's own batch norm with a fused ReLU, forward and backward, over images with features last: the peer of Evenkeel's kernel.
#ifndef ONEDNN_NORM_H
#define ONEDNN_NORM_H

#include <stdint.h>

typedef struct onednn_norm onednn_norm;

// NULL where oneDNN cannot make it (its interface is another from 3.0 on). scale, shift, dscale, dshift have `features` floats.
onednn_norm *onednn_norm_create(int64_t rows, int64_t features, float *x, float *y, float *dy, float *dx, float *scale,
                                float *shift, float *dscale, float *dshift);
// One forward and one backward; 0, or oneDNN's status.
int onednn_norm_run(onednn_norm *norm);

#endif
