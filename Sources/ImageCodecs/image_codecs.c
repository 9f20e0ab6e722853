#include "codecs.h"

#include <stdio.h>
#include <string.h>

static ek_image_codec *codec_of(const uint8_t *bytes, size_t count) {
  static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, jpeg[] = {0xff, 0xd8, 0xff};
  if (count >= sizeof png && memcmp(bytes, png, sizeof png) == 0) return ek_read_png;
  if (count >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0) return ek_read_jpeg;
  if (count >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0) return ek_read_webp;
  return NULL;
}

int ek_image_is_one(const uint8_t *bytes, size_t count) { return codec_of(bytes, count) != NULL; }

static int read_image(const uint8_t *bytes, size_t count, ek_image_format *format, uint8_t *pixels, char *message) {
  ek_image_codec *codec = codec_of(bytes, count);
  if (codec) return codec(bytes, count, format, pixels, message);
  snprintf(message, EK_IMAGE_MESSAGE_SIZE, "it is not a PNG, JPEG or WebP image");
  return -1;
}

int ek_image_read_format(const uint8_t *bytes, size_t count, ek_image_format *format, char *message) {
  if (read_image(bytes, count, format, NULL, message) != 0) return -1;
  if (format->width > 0 && format->height > 0 && format->height <= EK_IMAGE_MAXIMUM_PIXELS / format->width) return 0;
  snprintf(message, EK_IMAGE_MESSAGE_SIZE, "the header promises %zu × %zu pixels; expected 1 to %d", format->width,
           format->height, EK_IMAGE_MAXIMUM_PIXELS);
  return -1;
}

int ek_image_decode(const uint8_t *bytes, size_t count, ek_image_format format, uint8_t *pixels, char *message) {
  ek_image_format found;
  if (ek_image_read_format(bytes, count, &found, message) != 0) return -1;
  if (found.width == format.width && found.height == format.height && found.channels <= format.channels)
    return read_image(bytes, count, &format, pixels, message);
  snprintf(message, EK_IMAGE_MESSAGE_SIZE, "the image is %zu × %zu with %zu channels; expected %zu × %zu with %zu",
           found.width, found.height, found.channels, format.width, format.height, format.channels);
  return -1;
}
