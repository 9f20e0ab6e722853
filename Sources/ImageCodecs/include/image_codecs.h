// PNG, JPEG and WebP files in memory to pixels, by libpng, libjpeg and libwebp; and pixels upright, in gray, of another size. In C
// because two of the libraries report errors by longjmp. Values are Pillow's, except that it clips gray of 16 bits at 255.
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

// Whether a file begins as a PNG, JPEG or WebP image.
int ek_image_is_one(const uint8_t *bytes, size_t count);

// *format <- what the header of the file says of the image as it is stored. A palette and CMYK count as color; transparency is no
// channel. Returns 0, or -1 with the reason in message, a phrase that follows "FILE: ".
int ek_image_read_format(const uint8_t *bytes, size_t count, ek_image_format *format, char *message);

// pixels (height, width, channels) <- the image as it is stored, in eight bits. The file must have the width and height of
// `format`; gray is repeated where `format` has three channels. Of 16 bits the upper eight are taken. The color of a pixel that is
// transparent is what the file says it is, whatever lies behind it; a gamma in the file is not followed.
// Returns 0, or -1 with the reason in message; pixels may have been written to then.
int ek_image_decode(const uint8_t *bytes, size_t count, ek_image_format format, uint8_t *pixels, char *message);

// How the camera was held, by the EXIF notes of the file: 1 to 8; 1, upright, without notes or with damaged ones. From 5 on width
// and height change places.
int ek_image_orientation(const uint8_t *bytes, size_t count);

// upright <- the pixels of an image of this format turned and mirrored as the orientation says.
void ek_image_turn(const uint8_t *stored, ek_image_format format, int orientation, uint8_t *upright);

// grays <- the brightness of `count` pixels of three channels (ITU-R 601).
void ek_image_to_gray(const uint8_t *colors, size_t count, uint8_t *grays);

// Edges between pixels.
typedef struct {
  float left, top, right, bottom;
} ek_image_box;

// target (height rows of width pixels, rows `stride` bytes apart) <- the box of the source, bilinear, antialiased where it shrinks.
// Returns 0, or -1 where there is no memory.
int ek_image_resize(const uint8_t *source, ek_image_format format, ek_image_box box, size_t width, size_t height,
                    uint8_t *target, size_t stride);

#endif
