// What gather.c and augment.c do with one row.
#ifndef EVENKEEL_GATHER_H
#define EVENKEEL_GATHER_H

#include "kernels.h"

// output (width) = stored row `row` as floats, the skipped column left out.
void ek_read_row(const ek_source *source, int32_t row, size_t width, float *output);

// row (width) standardized in floats.
void ek_scale_row(float *row, size_t width, const ek_scaling *scaling);

// output (width) = stored row `row`, the skipped column left out, standardized in double.
void ek_read_scaled_row(const ek_source *source, int32_t row, size_t width, const ek_scaling *scaling, float *output);

// output (count) = values begin ..< begin + count of stored row `row`, a skipped column not left out, less from[0 ..< count].
void ek_row_differences(const ek_source *source, int32_t row, size_t begin, size_t count, const double *from,
                        double *output);

#endif
