#include "number.h"

static inline const uint8_t *skip_space(const uint8_t *text, const uint8_t *end) {
  while (text < end && (*text == ' ' || *text == '\n' || *text == '\r' || *text == '\t')) text++;
  return text;
}

static inline int is_digit(uint8_t character) { return (uint8_t)(character - '0') < 10; }

// Whether a number begins as JSON wants it, which has no plus sign, no zeros before other digits, and digits around a point.
static inline int begins_number(const uint8_t *text, const uint8_t *end) {
  if (text < end && *text == '-') text++;
  if (text == end || !is_digit(*text)) return 0;
  if (*text == '0' && end - text > 1 && is_digit(text[1])) return 0;
  while (text < end && is_digit(*text)) text++;
  return text == end || *text != '.' || (end - text > 1 && is_digit(text[1]));
}

size_t ek_json_numbers(const uint8_t *text, size_t count, size_t *position, double *values, size_t room) {
  ek_number_prepare();
  const uint8_t *end = text + count, *next = text + *position;
  size_t read = 0;
  while (read < room && begins_number(next, end)) {
    const uint8_t *behind = ek_number_read(next, end, &values[read]);
    if (!behind) break;
    read++;
    *position = (size_t)(behind - text);
    next = skip_space(behind, end);
    if (next == end || *next != ',') break;
    next = skip_space(next + 1, end);
  }
  return read;
}
