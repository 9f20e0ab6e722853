// What the codecs of the three formats share. Each reads a whole file in memory.
#ifndef EVENKEEL_CODECS_H
#define EVENKEEL_CODECS_H

#include "image_codecs.h"

// Without `pixels`: *format <- the size as stored, and the channels. With them: the image as stored, row after row, in
// `format->channels`, its own or three where it is gray. Returns 0, or -1 with the reason in message.
typedef int ek_image_codec(const uint8_t *bytes, size_t count, ek_image_format *format, uint8_t *pixels, char *message);

ek_image_codec ek_read_png, ek_read_jpeg, ek_read_webp;

#endif
