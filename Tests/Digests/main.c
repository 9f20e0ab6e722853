#include "digests.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int threads = 1;

// ---- inputs -------------------------------------------------------------------------------------------------------

static uint64_t state = 1;

// SplitMix64 (Steele, Lea and Flood 2014).
static uint64_t bits(void) {
  uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

double next(void) { return (double)(bits() >> 11) * 0x1p-53; }

void *zeros(size_t bytes) {
  size_t whole = (bytes + 64) / 64 * 64;
  void *memory = aligned_alloc(64, whole);
  if (!memory) {
    fprintf(stderr, "no memory for %zu bytes\n", bytes);
    exit(71);
  }
  return memset(memory, 0, whole);
}

float *numbers(size_t count, float low, float high) {
  float *values = zeros(count * sizeof *values);
  for (size_t i = 0; i < count; i++) {
    double width = (double)high - (double)low, offset = width * next();
    values[i] = (float)((double)low + offset);
  }
  return values;
}

int32_t *places(size_t count, int32_t below) {
  int32_t *values = zeros(count * sizeof *values);
  for (size_t i = 0; i < count; i++) values[i] = (int32_t)(bits() % (uint64_t)below);
  return values;
}

// ---- digests ------------------------------------------------------------------------------------------------------

// FNV-1a, 64 bits.
static const uint64_t START = 0xCBF29CE484222325u;
static uint64_t digest = START;

void take_bytes(const void *values, size_t count) {
  const uint8_t *byte = values;
  for (size_t i = 0; i < count; i++) digest = (digest ^ byte[i]) * 0x100000001B3u;
}

void take_floats(const float *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float value = isnan(values[i]) ? (float)NAN : values[i];
    take_bytes(&value, sizeof value);
  }
}

void take_doubles(const double *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    double value = isnan(values[i]) ? (double)NAN : values[i];
    take_bytes(&value, sizeof value);
  }
}

void line(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf(": %016llx\n", (unsigned long long)digest);
  digest = START;
}

// digests THREADS
int main(int count, char **arguments) {
  threads = count > 1 ? atoi(arguments[1]) : 1;
  norm_lines();
  group_norm_lines();
  value_lines();
  training_lines();
  embedding_lines();
  data_lines();
  return fflush(stdout) ? 74 : 0;
}
