// PNG and JPEG files in memory to pixels, by libpng and libjpeg. In C because libjpeg reports errors by longjmp.
#ifndef EVENKEEL_IMAGE_CODECS_H
#define EVENKEEL_IMAGE_CODECS_H

#include <stddef.h>
#include <stdint.h>

// channels: 1 for gray, 3 for red, green, blue.
typedef struct {
  size_t width, height, channels;
} ek_image_format;

enum {
  // The room for a message.
  EK_IMAGE_MESSAGE_SIZE = 256,
  // The largest image that is read, in pixels: 2^26.
  EK_IMAGE_MAXIMUM_PIXELS = 1 << 26,
};

// *format <- what the header of the file says. A palette counts as color; transparency is no channel.
// Returns 0, or -1 with the reason in message, a phrase that follows "FILE: ".
int ek_image_read_format(const uint8_t *bytes, size_t count, ek_image_format *format, char *message);

// pixels (height, width, channels) <- the image in eight bits. The file must have the width and height of `format`; gray
// is repeated where `format` has three channels. Transparent pixels are laid over white, mixed as light (gamma 2.2).
// 16-bit values are rounded to eight bits, and a PNG file that names a gamma other than sRGB's is converted to sRGB.
// Returns 0, or -1 with the reason in message; pixels may have been written to then.
int ek_image_decode(const uint8_t *bytes, size_t count, ek_image_format format, uint8_t *pixels, char *message);

#endif
