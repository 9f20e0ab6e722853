// The only target that calls oneDNN: matrix products, convolutions, pooling. It works with oneDNN 2.x and 3.x, which
// have different C interfaces; neither is visible here.
//
// Tensors are f32, or bfloat16 where their elements are uint16_t, and features last: (rows, height, width, channels). A primitive is made once for a number of rows and run
// many times by one thread at a time, on the team of threads that was set when it was made. Functions that can fail return
// 0 or oneDNN's status.
#ifndef EVENKEEL_PRIMITIVES_H
#define EVENKEEL_PRIMITIVES_H

#include <stddef.h>
#include <stdint.h>

// c (m, n) = a (m, k) b (k, n), row-major, with rows lda, ldb and ldc floats apart; a transposed a is stored as (k, m).
// The parts of c that are computed for themselves have the same bits as the whole: rows where a is plain, and columns.
int ek_product(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, int a_transposed, const float *b,
               int64_t ldb, float *c, int64_t ldc);

// Whether the processor multiplies bfloat16 itself (AVX512-BF16, AMX) and oneDNN uses it.
int ek_has_bfloat16(void);

// The windows of a convolution or a pooling over an image.
typedef struct {
  int64_t rows;
  int64_t height, width, channels;             // of one input example
  int64_t out_height, out_width, out_channels;  // of one output example
  int64_t groups;                              // convolution: channels are divided into this many parts that do not mix
  int64_t kernel_height, kernel_width, stride_height, stride_width;
  int64_t dilation_height, dilation_width;     // 1: none
  int64_t pad_top, pad_left, pad_bottom, pad_right;
} ek_windows;

// ---- inner product ------------------------------------------------------------------------------------------------

// The three products of a fully connected layer with operands in bfloat16 and sums in f32.
typedef struct ek_inner_product ek_inner_product;

// For `training` the two backward functions are made too. Weights are f32 (outputs, inputs).
int ek_inner_product_create(int64_t rows, int64_t inputs, int64_t outputs, int training, ek_inner_product **made);
void ek_inner_product_destroy(ek_inner_product *product);

// Bytes, each at an address that is a multiple of 64: the weights rounded and in the orders that forward and the
// gradient of the input ask for, and what a run needs besides its operands.
size_t ek_inner_product_packed_bytes(const ek_inner_product *product);
size_t ek_inner_product_workspace_bytes(const ek_inner_product *product);

// packed <- weights, as forward asks for them; call whenever the weights have changed.
int ek_inner_product_pack(ek_inner_product *product, const float *weights, void *packed, void *workspace);
// y (rows, outputs) = x (rows, inputs) weights^T.
int ek_inner_product_forward(ek_inner_product *product, const uint16_t *x, const void *packed, float *y, void *workspace);
// dx (rows, inputs) = dy (rows, outputs) weights, which are packed for it here: a first layer never needs it.
int ek_inner_product_backward_input(ek_inner_product *product, const uint16_t *dy, const float *weights, void *packed,
                                    float *dx, void *workspace);
// dweights (outputs, inputs) = dy^T x.
int ek_inner_product_backward_weights(ek_inner_product *product, const uint16_t *x, const uint16_t *dy, float *dweights,
                                      void *workspace);

// ---- convolution --------------------------------------------------------------------------------------------------

typedef struct ek_convolution ek_convolution;

// For `training` the two backward functions are made too. Weights are (out, in / groups, height, width), as PyTorch's.
// Where `half` is set, what is multiplied is in bfloat16: x, dy and the packed weights; else x and dy are floats.
int ek_convolution_create(const ek_windows *windows, int has_bias, int training, int half, ek_convolution **made);
void ek_convolution_destroy(ek_convolution *convolution);

// Bytes, each at an address that is a multiple of 64: the weights in the order that forward (and backward) ask for, and
// what a call needs besides its operands; nothing in it is kept from one call to the next.
size_t ek_convolution_packed_bytes(const ek_convolution *convolution);
size_t ek_convolution_workspace_bytes(const ek_convolution *convolution);

// packed <- weights; call whenever the weights have changed.
int ek_convolution_pack(ek_convolution *convolution, const float *weights, void *packed, void *workspace);

// y = x * weights + bias; bias is NULL if there is none.
int ek_convolution_forward(ek_convolution *convolution, const void *x, const void *packed, const float *bias, float *y,
                           void *workspace);
// dweights, dbias, dx = the gradients of weights, bias (NULL if there is none) and input (NULL if not wanted).
int ek_convolution_backward(ek_convolution *convolution, const void *x, const void *dy, const void *packed,
                            float *dweights, float *dbias, float *dx, void *workspace);

// ---- pooling ------------------------------------------------------------------------------------------------------

// The mean counts padding as zeros.
typedef enum { EK_POOL_MAX, EK_POOL_AVERAGE } ek_pooling_kind;

typedef struct ek_pooling ek_pooling;

int ek_pooling_create(const ek_windows *windows, ek_pooling_kind kind, int training, ek_pooling **made);
void ek_pooling_destroy(ek_pooling *pooling);
// Bytes that are kept from forward to backward, at an address that is a multiple of 64.
size_t ek_pooling_scratch_bytes(const ek_pooling *pooling);
int ek_pooling_forward(ek_pooling *pooling, const float *x, float *y, void *scratch);
int ek_pooling_backward(ek_pooling *pooling, const float *dy, float *dx, void *scratch);

#endif
