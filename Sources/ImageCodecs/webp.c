#include "codecs.h"

#include <stdio.h>

#include <webp/decode.h>

int ek_read_webp(const uint8_t *bytes, size_t count, ek_image_format *format, uint8_t *pixels, char *message) {
  WebPBitstreamFeatures features;
  int is_whole = WebPGetFeatures(bytes, count, &features) == VP8_STATUS_OK;
  if (is_whole && features.has_animation) {
    snprintf(message, EK_IMAGE_MESSAGE_SIZE, "the WebP file is an animation; expected one image");
    return -1;
  }
  if (is_whole && pixels) {
    size_t stride = 3 * format->width;
    is_whole = WebPDecodeRGBInto(bytes, count, pixels, stride * format->height, (int)stride) != NULL;
  } else if (is_whole) {
    *format = (ek_image_format){.width = (size_t)features.width, .height = (size_t)features.height, .channels = 3};
  }
  if (!is_whole) snprintf(message, EK_IMAGE_MESSAGE_SIZE, "the WebP file is damaged");
  return is_whole ? 0 : -1;
}
