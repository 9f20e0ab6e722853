#include "image_codecs.h"

#include <string.h>

static size_t big_endian(const uint8_t *bytes, int count) {
  size_t value = 0;
  for (int i = 0; i < count; i++) value = value << 8 | bytes[i];
  return value;
}

static size_t little_endian(const uint8_t *bytes, int count) {
  size_t value = 0;
  for (int i = count - 1; i >= 0; i--) value = value << 8 | bytes[i];
  return value;
}

// A part of a file; nothing where `start` is NULL.
typedef struct {
  const uint8_t *start;
  size_t count;
} span;

static const char exif_mark[] = {'E', 'x', 'i', 'f', 0, 0};

static int begins(span content, const void *mark, size_t count) {
  return content.count >= count && memcmp(content.start, mark, count) == 0;
}

// The part of `content` after its mark; as it is without one.
static span after_mark(span content) {
  if (!begins(content, exif_mark, sizeof exif_mark)) return content;
  return (span){content.start + sizeof exif_mark, content.count - sizeof exif_mark};
}

// The notes of a JPEG file lie in a segment before its first scan.
static span jpeg_exif(const uint8_t *bytes, size_t count) {
  for (size_t at = 2; at + 4 <= count && bytes[at] == 0xff;) {
    uint8_t marker = bytes[at + 1];
    if (marker == 0xff) {
      at++;
      continue;
    }
    size_t length = big_endian(bytes + at + 2, 2);
    if (marker == 0xda || marker == 0xd9 || length < 2 || length > count - at - 2) break;
    span content = {bytes + at + 4, length - 2};
    if (marker == 0xe1 && begins(content, exif_mark, sizeof exif_mark)) return after_mark(content);
    at += 2 + length;
  }
  return (span){NULL, 0};
}

static span png_exif(const uint8_t *bytes, size_t count) {
  for (size_t at = 8; at + 12 <= count;) {
    size_t length = big_endian(bytes + at, 4);
    if (length > count - at - 12) break;
    if (memcmp(bytes + at + 4, "eXIf", 4) == 0) return after_mark((span){bytes + at + 8, length});
    at += 12 + length;
  }
  return (span){NULL, 0};
}

static span webp_exif(const uint8_t *bytes, size_t count) {
  for (size_t at = 12; at + 8 <= count;) {
    size_t length = little_endian(bytes + at + 4, 4);
    if (length > count - at - 8) break;
    if (memcmp(bytes + at, "EXIF", 4) == 0) return after_mark((span){bytes + at + 8, length});
    at += 8 + length + length % 2;
  }
  return (span){NULL, 0};
}

int ek_image_orientation(const uint8_t *bytes, size_t count) {
  span file = {bytes, count};
  span exif = begins(file, "\xff\xd8", 2) ? jpeg_exif(bytes, count)
              : begins(file, "RIFF", 4)   ? webp_exif(bytes, count)
                                          : png_exif(bytes, count);
  int is_big = begins(exif, "MM\0*", 4);
  if (exif.count < 10 || (!is_big && !begins(exif, "II*\0", 4))) return 1;
  size_t (*number)(const uint8_t *, int) = is_big ? big_endian : little_endian;
  size_t directory = number(exif.start + 4, 4);
  if (directory > exif.count - 2) return 1;
  size_t entries = number(exif.start + directory, 2);
  const uint8_t *entry = exif.start + directory + 2, *end = exif.start + exif.count;
  for (size_t i = 0; i < entries && end - entry >= 12; i++, entry += 12) {
    if (number(entry, 2) != 0x0112) continue;
    size_t kind = number(entry + 2, 2);
    size_t value = kind == 3 ? number(entry + 8, 2) : kind == 4 ? number(entry + 8, 4) : 1;
    return value >= 1 && value <= 8 ? (int)value : 1;
  }
  return 1;
}

void ek_image_turn(const uint8_t *stored, ek_image_format format, int orientation, uint8_t *upright) {
  ptrdiff_t width = (ptrdiff_t)format.width, height = (ptrdiff_t)format.height, channels = (ptrdiff_t)format.channels;
  // Which corner as stored is the upper left one; from the fifth on rows become columns.
  int from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  int from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  ptrdiff_t along = from_right ? -1 : 1, down = from_bottom ? -width : width;
  const uint8_t *corner = stored + ((from_bottom ? height - 1 : 0) * width + (from_right ? width - 1 : 0)) * channels;
  int is_turned = orientation >= 5;
  ptrdiff_t rows = is_turned ? width : height, columns = is_turned ? height : width;
  ptrdiff_t row_step = is_turned ? along : down, column_step = is_turned ? down : along;
  for (ptrdiff_t y = 0; y < rows; y++)
    for (ptrdiff_t x = 0; x < columns; x++) {
      const uint8_t *pixel = corner + (y * row_step + x * column_step) * channels;
      for (ptrdiff_t c = 0; c < channels; c++) *upright++ = pixel[c];
    }
}
