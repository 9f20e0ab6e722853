// What every kernel gives, as one line a call: what was called, and a digest of the bits that came out. Two machines give the same bits
// where their lines are the same (Scripts/digests).
#ifndef EVENKEEL_DIGESTS_H
#define EVENKEEL_DIGESTS_H

#include <stddef.h>
#include <stdint.h>

// The largest team that kernels may use. It is in no line.
extern int threads;

// Memory at a multiple of 64 bytes, zeros; the program ends where there is none. It is given back when the program ends.
void *zeros(size_t bytes);

// `count` values from the same stream on every machine, evenly from low to high.
float *numbers(size_t count, float low, float high);
// Whole numbers 0 ..< below.
int32_t *places(size_t count, int32_t below);
// The next number of that stream, in [0, 1).
double next(void);

// Goes on with the line that is begun: a digest of `count` values. What a NaN's sign and payload are is the processor's matter, so all
// NaNs count as one.
void take_floats(const float *values, size_t count);
void take_doubles(const double *values, size_t count);
void take_bytes(const void *values, size_t count);
// Ends it under a name, formatted as printf's.
void line(const char *format, ...) __attribute__((format(printf, 1, 2)));

void norm_lines(void);
void group_norm_lines(void);
void value_lines(void);
void training_lines(void);
void embedding_lines(void);
void data_lines(void);

#endif
