// Convolutions of 3x3 with stride 1 by Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2016): 36 products for a tile of
// 16 outputs in place of 144.
//
// With g the weights, d a tile of 6x6 inputs and polynomials evaluated at six points along each axis,
//   y = A' [(G g G') (B' d B)] A,    dg = G' [(A dy A') (B' d B)] G,
// where the product in brackets is taken point by point and summed over channels, or over tiles: 36 products of matrices.
// The gradient of the input is a convolution of dy by the weights turned half around. Tiles go through in batches whose
// points stay in the core's own caches.
#include "winograd.h"

#include <string.h>

#include "winograd_points.h"

enum { points = 36 };

int ek_winograd_suits(const ek_windows *w) {
  int is_plain = w->kernel_height == 3 && w->kernel_width == 3 && w->stride_height == 1 && w->stride_width == 1 &&
                 w->dilation_height == 1 && w->dilation_width == 1 && w->groups == 1;
  return is_plain && w->channels % lanes == 0 && w->out_channels % lanes == 0 && ek_has_point_products();
}

ek_images ek_winograd_images(const ek_windows *w) {
  return (ek_images){.height = (size_t)w->height, .width = (size_t)w->width, .channels = (size_t)w->channels,
                     .out_height = (size_t)w->out_height, .out_width = (size_t)w->out_width,
                     .out_channels = (size_t)w->out_channels, .pad_top = w->pad_top, .pad_left = w->pad_left};
}

ek_images ek_winograd_reversed(ek_images i) {
  return (ek_images){.height = i.out_height, .width = i.out_width, .channels = i.out_channels, .out_height = i.height,
                     .out_width = i.width, .out_channels = i.channels, .pad_top = 2 - i.pad_top,
                     .pad_left = 2 - i.pad_left};
}

size_t ek_winograd_packed_count(ek_images i) { return points * i.channels * i.out_channels; }

// ---- batches of tiles ---------------------------------------------------------------------------------------------

// Tiles that go through at once: as many as a block of registers has rows, or twice that where the weights are too many for
// the second-level cache and have to be read again for each batch.
static size_t batch_of(ek_images images) { return images.channels * images.out_channels > 1 << 16 ? 24 : 12; }

// The parts of a workspace.
typedef struct { float *zeros, *inputs, *outputs, *sums; } parts;

static size_t zeros_of(ek_images i) { return i.channels > i.out_channels ? i.channels : i.out_channels; }
static size_t points_of(ek_images i, size_t channels) { return points * ek_points_apart(batch_of(i), channels); }

static parts parts_of(ek_images i, size_t outputs, float *workspace) {
  float *inputs = workspace + zeros_of(i), *results = inputs + points_of(i, i.channels);
  return (parts){workspace, inputs, results, results + points_of(i, outputs)};
}

size_t ek_winograd_workspace_count(ek_images i) {
  return zeros_of(i) + points_of(i, i.channels) + points_of(i, i.out_channels);
}

size_t ek_winograd_sums_workspace_count(ek_images i, size_t outputs) {
  return zeros_of(i) + points_of(i, i.channels) + points_of(i, outputs) + points * i.channels * outputs;
}

// The zeros around an image.
static void clear(parts p) { memset(p.zeros, 0, (size_t)(p.inputs - p.zeros) * sizeof *p.zeros); }

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

void ek_winograd_forward(ek_images images, size_t rows, const float *x, const float *packed, const float *bias, float *y,
                         float *workspace) {
  size_t all = rows * ek_tiles_of(images), batch = batch_of(images);
  parts p = parts_of(images, images.out_channels, workspace);
  clear(p);
  for (size_t first = 0; first < all; first += batch) {
    size_t count = smaller(all - first, batch);
    ek_transform_inputs(images, x, first, count, p.zeros, p.inputs);
    ek_point_products(p.inputs, packed, count, images.channels, images.out_channels, p.outputs);
    ek_transform_outputs(images, p.outputs, first, count, bias, y);
  }
}

// sums (panel, 3, 3, input, 16) from those of all points (point, panel, input, 16).
TARGET static void sums_from_points(size_t inputs, size_t outputs, const float *at, float *sums) {
  size_t each = inputs * outputs, panel = inputs * lanes;
  for (size_t i = 0; i < each; i += lanes) {
    vec half[3][6];
    for (int j = 0; j < 6; j++) {
      vec u[6], g[3];
      for (int k = 0; k < 6; k++) u[k] = load(at + (size_t)(k * 6 + j) * each + i);
      to_weights(u, g);
      for (int k = 0; k < 3; k++) half[k][j] = g[k];
    }
    float *to = sums + i / panel * panel * 9 + i % panel;
    for (int k = 0; k < 3; k++) {
      vec g[3];
      to_weights(half[k], g);
      for (int j = 0; j < 3; j++) store(to + (size_t)(k * 3 + j) * panel, g[j]);
    }
  }
}

void ek_winograd_sums(ek_images images, size_t rows, const float *x, const float *dy, size_t first_output, size_t outputs,
                      float *sums, float *workspace) {
  size_t all = rows * ek_tiles_of(images), batch = batch_of(images);
  parts p = parts_of(images, outputs, workspace);
  clear(p);
  for (size_t first = 0; first < all; first += batch) {
    size_t count = smaller(all - first, batch);
    ek_transform_inputs(images, x, first, count, p.zeros, p.inputs);
    ek_transform_gradients(images, dy, first, count, first_output, outputs, p.zeros, p.outputs);
    ek_point_sums(p.inputs, p.outputs, count, images.channels, outputs, first > 0, p.sums);
  }
  sums_from_points(images.channels, outputs, p.sums, sums);
}

// ---- weights ------------------------------------------------------------------------------------------------------

TARGET void ek_winograd_pack(ek_images images, int reversed, const float *weights, size_t first, size_t outputs,
                             float *packed) {
  size_t inputs = images.channels, each = inputs * images.out_channels;
  // From the weights of a channel to those of the next. Reversed, our outputs are the inputs of the weights.
  size_t along = reversed ? images.out_channels * 9 : 9, across = reversed ? 9 : inputs * 9;
  for (size_t o = first; o < first + outputs; o += lanes)
    for (size_t c = 0; c < inputs; c++) {
      const float *from = weights + c * along + o * across;
      vec g[9], half[6][3];
      for (int k = 0; k < 9; k++)
        for (size_t l = 0; l < lanes; l++) g[k][l] = from[l * across + (size_t)(reversed ? 8 - k : k)];
      for (int j = 0; j < 3; j++) {
        vec column[3] = {g[j], g[3 + j], g[6 + j]}, u[6];
        from_weights(column, u);
        for (int i = 0; i < 6; i++) half[i][j] = u[i];
      }
      for (int i = 0; i < 6; i++) {
        vec u[6];
        from_weights(half[i], u);
        for (int j = 0; j < 6; j++) store(packed + (size_t)(i * 6 + j) * each + o * inputs + c * lanes, u[j]);
      }
    }
}

void ek_winograd_unpack(size_t inputs, size_t outputs, const float *sums, float *dweights) {
  for (size_t o = 0; o < outputs; o++)
    for (size_t c = 0; c < inputs; c++)
      for (size_t k = 0; k < 9; k++)
        dweights[(o * inputs + c) * 9 + k] = sums[(o / lanes * 9 + k) * inputs * lanes + c * lanes + o % lanes];
}
