// The two halves of Winograd's algorithm: tiles to and from their points (winograd_tiles.c), and calls (winograd.c).
#ifndef EVENKEEL_WINOGRAD_H
#define EVENKEEL_WINOGRAD_H

#include <stddef.h>

#include "primitives.h"
#include "winograd_products.h"

// Tiles of 4x4 outputs that cover an image.
static inline size_t ek_tiles_of(ek_images images) {
  return (images.out_height + 3) / 4 * ((images.out_width + 3) / 4);
}

// Each function works on tiles first ..< first + count of all images; `zeros` are as many as a pixel has channels.

// points (point, tile, channels) <- the inputs of the tiles.
void ek_transform_inputs(ek_images images, const float *x, size_t first, size_t count, const float *zeros, float *points);
// y <- the outputs of the tiles, plus bias where it is not NULL.
void ek_transform_outputs(ek_images images, const float *points, size_t first, size_t count, const float *bias, float *y);
// points (point, tile, outputs) <- the gradients of output channels channel ..< channel + outputs of the tiles.
void ek_transform_gradients(ek_images images, const float *dy, size_t first, size_t count, size_t channel, size_t outputs,
                            const float *zeros, float *points);

#endif
