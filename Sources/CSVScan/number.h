// Decimal numbers to doubles.
#ifndef EVENKEEL_NUMBER_H
#define EVENKEEL_NUMBER_H

#include "csv_scan.h"

// Must have returned before ek_number_read is called.
void ek_number_prepare(void);

// Reads a number at `text`. Returns where it ends, or NULL where there is none or it has more than 19 significant digits.
const uint8_t *ek_number_read(const uint8_t *text, const uint8_t *end, double *value);

#endif
