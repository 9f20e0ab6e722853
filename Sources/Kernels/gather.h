// What gather.c and augment.c do to one row.
#ifndef EVENKEEL_GATHER_H
#define EVENKEEL_GATHER_H

#include "kernels.h"

// output (width) = stored row `row` as floats, the skipped column left out.
void ek_read_row(const ek_source *source, int32_t row, size_t width, float *output);

// row (width) = (row - mean[c]) * scale[c] with c = position modulo period.
void ek_scale_row(float *row, size_t width, const float *mean, const float *scale, size_t period);

#endif
