// Rows, cells and numbers of CSV text in memory. Pure functions on pointers, no allocation; they may run on many threads at once.
#ifndef EVENKEEL_CSV_SCAN_H
#define EVENKEEL_CSV_SCAN_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  const uint8_t *bytes;
  size_t count;
  uint8_t separator;
  // Whether there is a quotation mark anywhere. Text without one is read faster.
  uint8_t has_quotes;
} ek_csv;

// What ended the search for rows.
typedef enum { EK_CSV_NONE, EK_CSV_OPEN_QUOTE, EK_CSV_TEXT_AFTER_QUOTE, EK_CSV_WIDTH } ek_csv_failure_kind;

typedef struct {
  ek_csv_failure_kind kind;
  // From 1; of a wrong number of cells and of an open quote, where the row starts.
  size_t line;
  // The number of cells of a row that should have another.
  size_t cells;
} ek_csv_failure;

// Returns the number of line feeds; *quotes <- the number of quotation marks.
size_t ek_csv_count(const uint8_t *bytes, size_t count, size_t *quotes);

// Finds the rows that start at or after `from` and before `to`, each with `width` cells; `from` is the start of the text or lies
// behind a line feed. Lines without content are no rows, unless rows have one cell. Text with quotes has to be searched from its
// start, as a quoted cell may hold line feeds.
//   line: the line at `from`, counted from 1
//   starts, lines: where each row starts, and on which line; room for one more than there are line feeds
// Returns the number of rows; failure->kind says whether it stopped before the end.
size_t ek_csv_rows(const ek_csv *csv, size_t from, size_t to, size_t width, size_t line, size_t *starts, int32_t *lines,
                   ek_csv_failure *failure);

// Returns the number of cells of the row at `start`, 0 for a line without content. *next <- where the next row starts, *line is moved
// there. A failure is reported at the line that it concerns.
size_t ek_csv_row(const ek_csv *csv, size_t start, size_t *next, size_t *line, ek_csv_failure *failure);

typedef enum {
  // A decimal number: digits, maybe with a sign, a point and an exponent.
  EK_CELL_NUMBER,
  EK_CELL_EMPTY,
  // Anything else: text, or a number that is written in another way or needs a slower reader.
  EK_CELL_OTHER,
} ek_cell_kind;

// A cell without its quotes and the spaces around it.
typedef struct {
  size_t start;
  uint32_t length;
  // Of ek_cell_kind.
  uint8_t kind;
  // Whether quotes in it are doubled.
  uint8_t is_escaped;
} ek_cell;

// cells (rows, columns) <- columns `first` ..< first + columns of the rows that start at `starts`, which have as many; values, in the same
// order, <- their numbers, 0 for other cells.
void ek_csv_cells(const ek_csv *csv, const size_t *starts, size_t rows, size_t first, size_t columns, ek_cell *cells,
                  double *values);

// *value <- the number that the whole text is, rounded to the nearest double, halves to the even one. Returns whether it is a decimal
// number of up to 19 significant digits that a normal double can hold.
int ek_number_parse(const uint8_t *text, size_t count, double *value);

// values <- the numbers of a JSON array that begin at text[*position], with commas between them, `room` of them at most. *position <- behind
// the last one; what follows may be anything. Stops before what is no number of JSON, and before a number that ek_number_parse does not read.
// Returns how many they are.
size_t ek_json_numbers(const uint8_t *text, size_t count, size_t *position, double *values, size_t room);

#endif
