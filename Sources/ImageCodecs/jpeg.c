#include "codecs.h"

#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>
#include <setjmp.h>

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

// Red, green and blue of a row of cyan, magenta, yellow and black, which are stored inverted, as Adobe's programs do.
static void mix_inks(const uint8_t *inks, size_t width, uint8_t *row) {
  for (size_t x = 0; x < width; x++) {
    unsigned light = inks[4 * x + 3];
    for (size_t c = 0; c < 3; c++) {
      unsigned product = (255 - inks[4 * x + c]) * light + 128;
      row[3 * x + c] = (uint8_t)(light - (((product >> 8) + product) >> 8));
    }
  }
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
  int stored = decoder->num_components, is_cmyk = stored == 4;
  if (stored != 1 && stored != 3 && !is_cmyk) {
    snprintf(reading->message, EK_IMAGE_MESSAGE_SIZE,
             "the JPEG file has %d channels; expected 1 (gray), 3 (color) or 4 (CMYK)", stored);
    return -1;
  }
  if (!pixels) {
    *format = (ek_image_format){
        .width = decoder->image_width, .height = decoder->image_height, .channels = stored == 1 ? 1 : 3};
    return 0;
  }
  decoder->out_color_space = is_cmyk ? JCS_CMYK : format->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(decoder);
  JSAMPARRAY inks =
      is_cmyk ? decoder->mem->alloc_sarray((j_common_ptr)decoder, JPOOL_IMAGE, 4 * decoder->output_width, 1) : NULL;
  while (decoder->output_scanline < decoder->output_height) {
    JSAMPROW row = pixels + decoder->output_scanline * format->width * format->channels;
    jpeg_read_scanlines(decoder, inks ? inks : &row, 1);
    if (inks) mix_inks(inks[0], decoder->output_width, row);
  }
  jpeg_finish_decompress(decoder);
  return 0;
}

int ek_read_jpeg(const uint8_t *bytes, size_t count, ek_image_format *format, uint8_t *pixels, char *message) {
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
