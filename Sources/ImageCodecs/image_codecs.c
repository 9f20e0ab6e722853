#include "image_codecs.h"

#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>
#include <png.h>
#include <setjmp.h>

// ---- PNG ----------------------------------------------------------------------------------------------------------

// libpng's simplified interface catches its own errors. pixels is NULL where the header alone is wanted.
static int read_png(const uint8_t *bytes, size_t count, ek_image_format *format, uint8_t *pixels, char *message) {
  png_image image = {.version = PNG_IMAGE_VERSION};
  const png_color white = {255, 255, 255};
  int read = png_image_begin_read_from_memory(&image, bytes, count);
  if (read && !pixels) {
    *format = (ek_image_format){image.width, image.height, image.format & PNG_FORMAT_FLAG_COLOR ? 3 : 1};
  } else if (read) {
    image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // 16-bit values are not taken for linear light
    image.format = format->channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    read = png_image_finish_read(&image, &white, pixels, 0, NULL);
  }
  if (!read) snprintf(message, EK_IMAGE_MESSAGE_SIZE, "the PNG file is damaged (%s)", image.message);
  png_image_free(&image);
  return read ? 0 : -1;
}

// ---- JPEG ---------------------------------------------------------------------------------------------------------

// More scans than any encoder writes: a small file must not keep a processor busy for long.
#define MAXIMUM_SCANS 100

typedef struct {
  struct jpeg_decompress_struct decoder;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf back;
  char *message;
} jpeg_reading;

static void on_jpeg_error(j_common_ptr common) {
  jpeg_reading *reading = common->client_data;
  char text[JMSG_LENGTH_MAX];
  common->err->format_message(common, text);
  snprintf(reading->message, EK_IMAGE_MESSAGE_SIZE, "the JPEG file is damaged (%s)", text);
  longjmp(reading->back, 1);
}

// libjpeg goes on after damage, with gray for what is missing. All but the warnings that leave the pixels whole end it.
static void on_jpeg_message(j_common_ptr common, int level) {
  int code = common->err->msg_code;
  if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_JFIF_MAJOR && code != JWRN_ADOBE_XFORM)
    on_jpeg_error(common);
}

static void on_jpeg_progress(j_common_ptr common) {
  jpeg_reading *reading = common->client_data;
  if (reading->decoder.input_scan_number <= MAXIMUM_SCANS) return;
  snprintf(reading->message, EK_IMAGE_MESSAGE_SIZE, "the JPEG file has more than %d scans", MAXIMUM_SCANS);
  longjmp(reading->back, 1);
}

// What may end in a longjmp. `reading` belongs to the caller, so its content is defined after the jump.
static int run_jpeg(jpeg_reading *reading, const uint8_t *bytes, size_t count, ek_image_format *format,
                    uint8_t *pixels) {
  struct jpeg_decompress_struct *decoder = &reading->decoder;
  if (setjmp(reading->back)) return -1;
  jpeg_create_decompress(decoder);
  // Coefficients of a progressive image are kept until its last scan: at most 2^26 pixels of six bytes, and some.
  decoder->mem->max_memory_to_use = 1l << 29;
  decoder->progress = &reading->progress;
  jpeg_mem_src(decoder, bytes, count);
  jpeg_read_header(decoder, TRUE);
  if (decoder->num_components != 1 && decoder->num_components != 3) {
    snprintf(reading->message, EK_IMAGE_MESSAGE_SIZE, "the JPEG file has %d channels%s; expected 1 (gray) or 3 (color)",
             decoder->num_components, decoder->num_components == 4 ? " (CMYK)" : "");
    return -1;
  }
  if (!pixels) {
    *format = (ek_image_format){decoder->image_width, decoder->image_height, (size_t)decoder->num_components};
    return 0;
  }
  decoder->out_color_space = format->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(decoder);
  while (decoder->output_scanline < decoder->output_height) {
    JSAMPROW row = pixels + decoder->output_scanline * format->width * format->channels;
    jpeg_read_scanlines(decoder, &row, 1);
  }
  jpeg_finish_decompress(decoder);
  return 0;
}

static int read_jpeg(const uint8_t *bytes, size_t count, ek_image_format *format, uint8_t *pixels, char *message) {
  jpeg_reading reading = {.message = message};
  reading.decoder.err = jpeg_std_error(&reading.errors);
  reading.decoder.client_data = &reading;
  reading.errors.error_exit = on_jpeg_error;
  reading.errors.emit_message = on_jpeg_message;
  reading.progress.progress_monitor = on_jpeg_progress;
  int result = run_jpeg(&reading, bytes, count, format, pixels);
  jpeg_destroy_decompress(&reading.decoder);
  return result;
}

// ---- Both ---------------------------------------------------------------------------------------------------------

static int read_image(const uint8_t *bytes, size_t count, ek_image_format *format, uint8_t *pixels, char *message) {
  static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, jpeg[] = {0xff, 0xd8, 0xff};
  if (count >= sizeof png && memcmp(bytes, png, sizeof png) == 0) return read_png(bytes, count, format, pixels, message);
  if (count >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0)
    return read_jpeg(bytes, count, format, pixels, message);
  snprintf(message, EK_IMAGE_MESSAGE_SIZE, "it is not a PNG or JPEG image");
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
