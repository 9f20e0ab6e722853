#include "number.h"

#include <pthread.h>
#include <string.h>

// ---- Powers of five ------------------------------------------------------------------------------------------------

enum { LEAST_POWER = -342, GREATEST_POWER = 308, WORDS = 18 };

// The upper 128 bits of 5^q, the highest one set, high half first: rounded down, but up where 1 / 5^-q has so few digits that the product with
// a 64-bit number may end in a half (Lemire, Number Parsing at a Gigabyte per Second, 2021).
static uint64_t powers[GREATEST_POWER - LEAST_POWER + 1][2];

// Copies the upper 128 bits of a number of WORDS words, lowest first.
static void take_upper(const uint64_t *number, uint64_t *upper) {
  int word = WORDS - 1;
  while (number[word] == 0) word--;
  int shift = __builtin_clzll(number[word]);
  uint64_t parts[3] = {number[word], word > 0 ? number[word - 1] : 0, word > 1 ? number[word - 2] : 0};
  upper[0] = shift ? parts[0] << shift | parts[1] >> (64 - shift) : parts[0];
  upper[1] = shift ? parts[1] << shift | parts[2] >> (64 - shift) : parts[1];
}

static void make_powers(void) {
  uint64_t number[WORDS] = {1};
  for (int q = 0; q <= GREATEST_POWER; q++) {
    take_upper(number, powers[q - LEAST_POWER]);
    unsigned __int128 carry = 0;
    for (int i = 0; i < WORDS; i++) {
      carry += (unsigned __int128)number[i] * 5;
      number[i] = (uint64_t)carry;
      carry >>= 64;
    }
  }
  // The quotients of a power of two by 5, again and again, each rounded down, are those by powers of 5.
  memset(number, 0, sizeof number);
  number[WORDS - 1] = 1ull << 63;
  for (int q = -1; q >= LEAST_POWER; q--) {
    unsigned __int128 rest = 0;
    for (int i = WORDS - 1; i >= 0; i--) {
      rest = rest << 64 | number[i];
      number[i] = (uint64_t)(rest / 5);
      rest %= 5;
    }
    uint64_t *upper = powers[q - LEAST_POWER];
    take_upper(number, upper);
    if (q >= -27 && ++upper[1] == 0) upper[0]++;
  }
}

void ek_number_prepare(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_powers);
}

// ---- Rounding ------------------------------------------------------------------------------------------------------

// Eisel and Lemire: the upper bits of digits · 5^exponent decide, but for ties. Returns 0 where the result is no normal double.
static __attribute__((noinline)) int round_product(uint64_t digits, int64_t exponent, int is_negative, double *value) {
  if (exponent < LEAST_POWER || exponent > GREATEST_POWER) return 0;
  int zeros = __builtin_clzll(digits);
  digits <<= zeros;
  const uint64_t *power = powers[exponent - LEAST_POWER];
  unsigned __int128 product = (unsigned __int128)digits * power[0];
  uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
  if ((high & 0x1ff) == 0x1ff) {
    uint64_t more = (uint64_t)(((unsigned __int128)digits * power[1]) >> 64);
    low += more;
    if (low < more) high++;
  }
  int upper = (int)(high >> 63), shift = upper + 64 - 52 - 3;
  uint64_t mantissa = high >> shift;
  int64_t binary = (((152170 + 65536) * exponent) >> 16) + 63 + upper - zeros + 1023;
  if (binary <= 0) return 0;
  // A product that is exactly between two doubles goes to the even one.
  if (low <= 1 && exponent >= -4 && exponent <= 23 && (mantissa & 3) == 1 && mantissa << shift == high) mantissa &= ~1ull;
  mantissa = (mantissa + (mantissa & 1)) >> 1;
  if (mantissa >= 1ull << 53) {
    mantissa = 1ull << 52;
    binary++;
  }
  if (binary >= 2047) return 0;
  uint64_t bits = (mantissa & ~(1ull << 52)) | (uint64_t)binary << 52 | (uint64_t)(is_negative != 0) << 63;
  memcpy(value, &bits, sizeof bits);
  return 1;
}

// *value <- ± digits · 10^exponent, correctly rounded. Returns 0 where that is no normal double.
static inline int make_number(uint64_t digits, int64_t exponent, int is_negative, double *value) {
  static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  double result;
  if (exponent >= -22 && exponent <= 22 && digits <= 1ull << 53) {
    // Both are exact, so that one operation rounds.
    result = exponent < 0 ? (double)digits / tens[-exponent] : (double)digits * tens[exponent];
  } else if (digits == 0) {
    result = 0;
  } else {
    return round_product(digits, exponent, is_negative, value);
  }
  *value = is_negative ? -result : result;
  return 1;
}

// ---- Reading -------------------------------------------------------------------------------------------------------

static inline int is_digit(uint8_t character) { return (uint8_t)(character - '0') < 10; }

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
// Eight characters at once: a word of which the lowest bit that is set belongs to the first that is no digit.
static inline uint64_t others(uint64_t word) {
  word ^= 0x3030303030303030;
  return (word | (word + 0x7676767676767676)) & 0x8080808080808080;
}

static inline uint64_t number_of(uint64_t word) {
  const uint64_t pairs = 0x000000ff000000ff, thousands = 100 + (1000000ull << 32), ones = 1 + (10000ull << 32);
  word -= 0x3030303030303030;
  word = word * 10 + (word >> 8);
  return ((word & pairs) * thousands + ((word >> 16) & pairs) * ones) >> 32;
}

static inline const uint8_t *read_digits(const uint8_t *text, const uint8_t *end, uint64_t *digits) {
  static const uint64_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
  // Most often one digit is before a point.
  if (end - text >= 2 && is_digit(text[0]) && !is_digit(text[1])) {
    *digits = *digits * 10 + (uint64_t)(*text - '0');
    return text + 1;
  }
  while (end - text >= 8) {
    uint64_t word;
    memcpy(&word, text, 8);
    uint64_t other = others(word);
    if (!other) {
      *digits = *digits * 100000000 + number_of(word);
      text += 8;
      continue;
    }
    // How many digits are left differs from number to number: without a branch for each, with zeros before them.
    int count = __builtin_ctzll(other) / 8;
    if (count == 0) return text;
    *digits = *digits * tens[count] + number_of(word << (64 - 8 * count) | 0x3030303030303030 >> (8 * count));
    return text + count;
  }
  for (; text < end && is_digit(*text); text++) *digits = *digits * 10 + (uint64_t)(*text - '0');
  return text;
}
#else
static inline const uint8_t *read_digits(const uint8_t *text, const uint8_t *end, uint64_t *digits) {
  for (; text < end && is_digit(*text); text++) *digits = *digits * 10 + (uint64_t)(*text - '0');
  return text;
}
#endif

// The number of digits from the first that is not 0.
static size_t significant(const uint8_t *text, const uint8_t *end) {
  while (text < end && (*text == '0' || *text == '.')) text++;
  size_t count = 0;
  for (; text < end; text++) count += *text != '.';
  return count;
}

const uint8_t *ek_number_read(const uint8_t *text, const uint8_t *end, double *value) {
  int is_negative = text < end && *text == '-';
  if (text < end && (*text == '-' || *text == '+')) text++;
  uint64_t digits = 0;
  const uint8_t *start = text;
  text = read_digits(text, end, &digits);
  size_t count = (size_t)(text - start);
  int64_t exponent = 0;
  if (text < end && *text == '.') {
    const uint8_t *point = text + 1;
    text = read_digits(point, end, &digits);
    exponent = -(text - point);
    count += (size_t)(text - point);
  }
  if (count == 0 || (count > 19 && significant(start, text) > 19)) return NULL;
  if (text < end && (*text == 'e' || *text == 'E')) {
    const uint8_t *mark = text + 1;
    int is_small = mark < end && *mark == '-';
    if (mark < end && (*mark == '-' || *mark == '+')) mark++;
    if (mark == end || !is_digit(*mark)) return NULL;
    int64_t power = 0;
    for (; mark < end && is_digit(*mark); mark++)
      if (power < 100000) power = power * 10 + (*mark - '0');
    exponent += is_small ? -power : power;
    text = mark;
  }
  return make_number(digits, exponent, is_negative, value) ? text : NULL;
}

int ek_number_parse(const uint8_t *text, size_t count, double *value) {
  ek_number_prepare();
  return ek_number_read(text, text + count, value) == text + count;
}
