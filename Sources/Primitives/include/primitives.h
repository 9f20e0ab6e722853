// The only target that calls LIBXSMM and oneDNN: matrix products, convolutions, pooling. It works with oneDNN 2.x and 3.x, which
// have different C interfaces; neither is visible here.
//
// Tensors are f32, or bfloat16 where their elements are uint16_t, and features last: (rows, height, width, channels).
// Every function works on the calling thread alone. What is made once for a number of rows may be run by `members` threads at once, each
// under its own number `member` below that and with its own workspace. Workspaces and packed weights lie at
// multiples of 64 bytes; nothing in a workspace is kept from one call to the next. Functions that can fail return 0 or oneDNN's
// status.
#ifndef EVENKEEL_PRIMITIVES_H
#define EVENKEEL_PRIMITIVES_H

#include <stddef.h>
#include <stdint.h>

// c (m, n) = a (m, k) b (k, n), row-major, with rows lda, ldb and ldc floats apart; a transposed a is stored as (k, m).
// Which of the two libraries does it depends on the size, so a part of c that is computed for itself may have other last bits.
int ek_product(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, int a_transposed, const float *b,
               int64_t ldb, float *c, int64_t ldc);

// Whether the processor multiplies bfloat16 itself (AVX512-BF16, AMX) and oneDNN uses it.
int ek_has_bfloat16(void);

// The instructions that oneDNN uses: where two machines have the same number, they compute the same bits.
int ek_instruction_set(void);

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

// ---- products in bfloat16 (inner_product.c) -------------------------------------------------------------------------

// One of the three products of a fully connected layer with operands in bfloat16 and sums in f32.
typedef struct ek_inner_product ek_inner_product;
typedef enum {
  EK_INNER_FORWARD,         // y (rows, outputs) = x (rows, inputs) weights^T
  EK_INNER_BACKWARD_INPUT,  // dx (rows, inputs) = dy (rows, outputs) weights
  EK_INNER_GRADIENT,        // dweights (outputs, inputs) = dy^T x
} ek_inner_product_kind;

// Weights, or their gradient, lie in an order of the product's own: that of `like`, or where it is NULL, the one that suits best.
int ek_inner_product_create(ek_inner_product_kind kind, int64_t rows, int64_t inputs, int64_t outputs, int members,
                            const ek_inner_product *like, ek_inner_product **made);
void ek_inner_product_destroy(ek_inner_product *product);
size_t ek_inner_product_weights_bytes(const ek_inner_product *product);
size_t ek_inner_product_workspace_bytes(const ek_inner_product *product);
// Rounds plain weights into this order, or brings their gradient out of it; plain, they are f32 (outputs, inputs).
int ek_inner_product_reorder(ek_inner_product *product, int member, const void *from, void *to, void *workspace);
// result = the product of first and second, in the order in which the kinds name them.
int ek_inner_product_run(ek_inner_product *product, int member, const void *first, const void *second, void *result,
                         void *workspace);

// ---- convolution by oneDNN (convolution.c) -------------------------------------------------------------------------

// Weights are (out, in / groups, height, width), as PyTorch's. Where `half` is set, what is multiplied is in bfloat16: x, dy and the
// packed weights; else x and dy are floats.
typedef struct ek_convolution ek_convolution;

// `backward` makes the gradient of the input too. Weights are packed in the order of `like`, or where it is NULL, in the one that
// suits best.
int ek_convolution_create(const ek_windows *windows, int has_bias, int backward, int half, int members,
                          const ek_convolution *like, ek_convolution **made);
void ek_convolution_destroy(ek_convolution *convolution);
size_t ek_convolution_packed_bytes(const ek_convolution *convolution);
size_t ek_convolution_workspace_bytes(const ek_convolution *convolution);

// packed <- weights; call whenever the weights have changed.
int ek_convolution_pack(ek_convolution *convolution, int member, const float *weights, void *packed, void *workspace);
// y = x * weights + bias; bias is NULL if there is none.
int ek_convolution_forward(ek_convolution *convolution, int member, const void *x, const void *packed, const float *bias,
                           float *y, void *workspace);
int ek_convolution_backward_input(ek_convolution *convolution, int member, const void *dy, const void *packed, float *dx,
                                  void *workspace);

// The gradient of the weights. It is a sum over rows, in an order of its own, or that of `like`, until it is unpacked.
typedef struct ek_convolution_gradient ek_convolution_gradient;

int ek_convolution_gradient_create(const ek_windows *windows, int half, int members, const ek_convolution_gradient *like,
                                   ek_convolution_gradient **made);
void ek_convolution_gradient_destroy(ek_convolution_gradient *gradient);
// Bytes of the sums, rounded up to 64.
size_t ek_convolution_gradient_bytes(const ek_convolution_gradient *gradient);
size_t ek_convolution_gradient_workspace_bytes(const ek_convolution_gradient *gradient);
int ek_convolution_gradient_run(ek_convolution_gradient *gradient, int member, const void *x, const void *dy, float *sums,
                                void *workspace);
int ek_convolution_gradient_unpack(ek_convolution_gradient *gradient, int member, const float *sums, float *dweights,
                                   void *workspace);

// ---- convolution by Winograd's algorithm (winograd.c) --------------------------------------------------------------

// An image before and after a convolution of 3x3 with stride 1: place i of the output is read from i - pad on.
typedef struct {
  size_t height, width, channels;
  size_t out_height, out_width, out_channels;
  ptrdiff_t pad_top, pad_left;
} ek_images;

// Whether the processor has the registers for it and the convolution is one for which it pays.
int ek_winograd_suits(const ek_windows *windows);
ek_images ek_winograd_images(const ek_windows *windows);
// The images of the gradient of the input, which is a convolution of the output's.
ek_images ek_winograd_reversed(ek_images images);

// Floats of packed weights, and of what a call of forward and of sums needs. Output channels are worked on in panels of this many.
enum { EK_WINOGRAD_PANEL = 16 };
size_t ek_winograd_packed_count(ek_images images);
size_t ek_winograd_workspace_count(ek_images images);
size_t ek_winograd_sums_workspace_count(ek_images images, size_t outputs);

// Packs the part of weights (outputs, inputs, 3, 3) that belongs to output channels first ..< first + outputs of `images`;
// `reversed`: for the gradient of the input.
void ek_winograd_pack(ek_images images, int reversed, const float *weights, size_t first, size_t outputs, float *packed);
// y = x * weights + bias; bias may be NULL.
void ek_winograd_forward(ek_images images, size_t rows, const float *x, const float *packed, const float *bias, float *y,
                         float *workspace);
// sums (panel, 3, 3, input, 16) <- what the rows add to the gradient of the weights of output channels first ..< first + outputs.
void ek_winograd_sums(ek_images images, size_t rows, const float *x, const float *dy, size_t first, size_t outputs,
                      float *sums, float *workspace);
// dweights (outputs, inputs, 3, 3) <- sums of as many outputs.
void ek_winograd_unpack(size_t inputs, size_t outputs, const float *sums, float *dweights);

// ---- pooling (pooling.c) -------------------------------------------------------------------------------------------

// y = the largest value of each window, and place, the first of the window's places that has it, counted from its top left corner.
void ek_largest_pool(const ek_windows *windows, size_t rows, const float *x, float *y, int32_t *place);
void ek_largest_pool_backward(const ek_windows *windows, size_t rows, const float *dy, const int32_t *place, float *dx);
// The mean of each window counts padding as zeros.
void ek_mean_pool(const ek_windows *windows, size_t rows, const float *x, float *y);
void ek_mean_pool_backward(const ek_windows *windows, size_t rows, const float *dy, float *dx);

#endif
