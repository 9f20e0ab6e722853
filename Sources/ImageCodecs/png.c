#include "codecs.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  png_structp decoder;
  png_infop info;
  jmp_buf back;
  char *message;
  const uint8_t *next;
  size_t left;
} png_reading;

static void on_png_error(png_structp decoder, png_const_charp text) {
  png_reading *reading = png_get_error_ptr(decoder);
  snprintf(reading->message, EK_IMAGE_MESSAGE_SIZE, "the PNG file is damaged (%s)", text);
  longjmp(reading->back, 1);
}

static void on_png_warning(png_structp decoder, png_const_charp text) { (void)decoder, (void)text; }

static void give_png_bytes(png_structp decoder, png_bytep target, size_t count) {
  png_reading *reading = png_get_io_ptr(decoder);
  if (count > reading->left) png_error(decoder, "it is truncated");
  memcpy(target, reading->next, count);
  reading->next += count;
  reading->left -= count;
}

// What may end in a longjmp. `reading` belongs to the caller, so its content is defined after the jump.
static int run_png(png_reading *reading, ek_image_format *format, uint8_t *pixels) {
  if (setjmp(reading->back)) return -1;
  png_structp decoder = reading->decoder;
  png_set_read_fn(decoder, reading, give_png_bytes);
  png_read_info(decoder, reading->info);
  int color = png_get_color_type(decoder, reading->info);
  if (!pixels) {
    *format = (ek_image_format){.width = png_get_image_width(decoder, reading->info),
                                .height = png_get_image_height(decoder, reading->info),
                                .channels = color & PNG_COLOR_MASK_COLOR ? 3 : 1};
    return 0;
  }
  png_set_strip_16(decoder);
  if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(decoder);
  if (color == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(decoder);
  png_set_strip_alpha(decoder);
  if (!(color & PNG_COLOR_MASK_COLOR) && format->channels == 3) png_set_gray_to_rgb(decoder);
  int passes = png_set_interlace_handling(decoder);
  png_read_update_info(decoder, reading->info);
  size_t length = format->width * format->channels;
  if (png_get_rowbytes(decoder, reading->info) != length) png_error(decoder, "its rows have another length");
  for (int pass = 0; pass < passes; pass++)
    for (size_t row = 0; row < format->height; row++) png_read_row(decoder, pixels + row * length, NULL);
  png_read_end(decoder, NULL);
  return 0;
}

int ek_read_png(const uint8_t *bytes, size_t count, ek_image_format *format, uint8_t *pixels, char *message) {
  png_reading reading = {.message = message, .next = bytes, .left = count};
  snprintf(message, EK_IMAGE_MESSAGE_SIZE, "there is no memory to read the PNG file");
  reading.decoder = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reading, on_png_error, on_png_warning);
  if (reading.decoder) reading.info = png_create_info_struct(reading.decoder);
  int result = reading.info ? run_png(&reading, format, pixels) : -1;
  png_destroy_read_struct(&reading.decoder, &reading.info, NULL);
  return result;
}
