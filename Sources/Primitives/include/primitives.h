// The one room that calls oneDNN: matrix products, convolutions, pooling. Works with oneDNN 2.x and 3.x, whose C interfaces
// differ; nothing of either shows here.
//
// Tensors are f32 and features last: (rows, height, width, channels). A primitive is made once for a number of rows and run
// many times by one thread at a time, on the team of threads that was set when it was made. Functions that can fail return
// 0 or oneDNN's status.
#ifndef EVENKEEL_PRIMITIVES_H
#define EVENKEEL_PRIMITIVES_H

#include <stddef.h>
#include <stdint.h>

// The size of the team of libgomp's threads for what is made or run from this thread.
void ek_set_team_size(int threads);

// c (m, n) = a (m, k) b (k, n), row-major; a transposed matrix is stored as (k, m) or (n, k).
int ek_matrix_product(int64_t m, int64_t n, int64_t k, const float *a, int a_transposed, const float *b,
                      int b_transposed, float *c);

// The windows of a convolution or a pooling over an image.
typedef struct {
  int64_t rows;
  int64_t height, width, channels;             // of one input example
  int64_t out_height, out_width, out_channels;  // of one output example
  int64_t groups;                              // convolution: channels are cut into so many parts that do not mix
  int64_t kernel_height, kernel_width, stride_height, stride_width;
  int64_t dilation_height, dilation_width;     // 1: none
  int64_t pad_top, pad_left, pad_bottom, pad_right;
} ek_windows;

// ---- convolution --------------------------------------------------------------------------------------------------

typedef struct ek_convolution ek_convolution;

// For `training` the two backward functions are made too. Weights are (out, in / groups, height, width), as PyTorch's.
int ek_convolution_create(const ek_windows *windows, int has_bias, int training, ek_convolution **made);
void ek_convolution_destroy(ek_convolution *convolution);

// Bytes, each at an address that is a multiple of 64: the weights in the order that forward (and backward) ask for, and what
// a call needs beside its operands; nothing in it holds from one call to the next.
size_t ek_convolution_packed_bytes(const ek_convolution *convolution);
size_t ek_convolution_workspace_bytes(const ek_convolution *convolution);

// packed <- weights; to be called whenever the weights have changed.
int ek_convolution_pack(ek_convolution *convolution, const float *weights, void *packed, void *workspace);

// y = x * weights + bias; bias is NULL where there is none.
int ek_convolution_forward(ek_convolution *convolution, const float *x, const void *packed, const float *bias, float *y,
                           void *workspace);
// dweights, dbias, dx = the gradients of weights, bias (NULL where there is none) and input (NULL where nobody wants it).
int ek_convolution_backward(ek_convolution *convolution, const float *x, const float *dy, const void *packed,
                            float *dweights, float *dbias, float *dx, void *workspace);

// ---- pooling ------------------------------------------------------------------------------------------------------

// The mean counts padding as zeros.
typedef enum { EK_POOL_MAX, EK_POOL_AVERAGE } ek_pooling_kind;

typedef struct ek_pooling ek_pooling;

int ek_pooling_create(const ek_windows *windows, ek_pooling_kind kind, int training, ek_pooling **made);
void ek_pooling_destroy(ek_pooling *pooling);
// Bytes that hold between forward and backward, at an address that is a multiple of 64.
size_t ek_pooling_scratch_bytes(const ek_pooling *pooling);
int ek_pooling_forward(ek_pooling *pooling, const float *x, float *y, void *scratch);
int ek_pooling_backward(ek_pooling *pooling, const float *dy, float *dx, void *scratch);

#endif
