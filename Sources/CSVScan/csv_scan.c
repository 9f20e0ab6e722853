#include "number.h"

#include <string.h>

// ---- Rows ----------------------------------------------------------------------------------------------------------

size_t ek_csv_count(const uint8_t *bytes, size_t count, size_t *quotes) {
  size_t feeds = 0, marks = 0;
  // In pieces whose counts fit a byte a lane.
  for (size_t at = 0; at < count;) {
    size_t end = count - at < 4096 ? count : at + 4096;
    unsigned some_feeds = 0, some_marks = 0;
    for (; at < end; at++) {
      some_feeds += bytes[at] == '\n';
      some_marks += bytes[at] == '"';
    }
    feeds += some_feeds;
    marks += some_marks;
  }
  *quotes = marks;
  return feeds;
}

static inline int is_blank(const uint8_t *text, const uint8_t *end) {
  if (text < end && end[-1] == '\r') end--;
  while (text < end && *text == ' ') text++;
  return text == end;
}

static inline size_t count_separators(const uint8_t *text, const uint8_t *end, uint8_t separator) {
  unsigned count = 0;
  for (; text < end; text++) count += *text == separator;
  return count;
}

// The end of a cell that starts with a quote: behind the closing one. NULL where there is none.
static const uint8_t *skip_quoted(const uint8_t *text, const uint8_t *end, size_t *feeds, int *is_escaped) {
  for (text++; text < end; text++) {
    if (*text == '\n') ++*feeds;
    if (*text != '"') continue;
    if (text + 1 == end || text[1] != '"') return text + 1;
    *is_escaped = 1;
    text++;
  }
  return NULL;
}

size_t ek_csv_row(const ek_csv *csv, size_t start, size_t *next, size_t *line, ek_csv_failure *failure) {
  const uint8_t *text = csv->bytes + start, *end = csv->bytes + csv->count;
  size_t first_line = *line, cells = 0;
  int has_content = 0;
  while (1) {
    const uint8_t *cell = text;
    if (text < end && *text == '"') {
      size_t feeds = 0;
      int is_escaped = 0;
      text = skip_quoted(text, end, &feeds, &is_escaped);
      if (!text) {
        *failure = (ek_csv_failure){.kind = EK_CSV_OPEN_QUOTE, .line = first_line};
        return 0;
      }
      *line += feeds;
      has_content |= text - cell > 2;
      if (text < end && *text == '\r') text++;
      if (text < end && *text != csv->separator && *text != '\n') {
        *failure = (ek_csv_failure){.kind = EK_CSV_TEXT_AFTER_QUOTE, .line = *line};
        return 0;
      }
    } else {
      while (text < end && *text != csv->separator && *text != '\n') text++;
      has_content |= !is_blank(cell, text);
    }
    cells++;
    if (text == end) break;
    if (*text++ == '\n') {
      ++*line;
      break;
    }
  }
  *next = (size_t)(text - csv->bytes);
  return cells == 1 && !has_content ? 0 : cells;
}

size_t ek_csv_rows(const ek_csv *csv, size_t from, size_t to, size_t width, size_t line, size_t *starts, int32_t *lines,
                   ek_csv_failure *failure) {
  size_t rows = 0;
  while (from < to) {
    size_t next, first_line = line, cells;
    if (csv->has_quotes) {
      cells = ek_csv_row(csv, from, &next, &line, failure);
      if (failure->kind) return rows;
    } else {
      const uint8_t *text = csv->bytes + from, *feed = memchr(text, '\n', csv->count - from);
      const uint8_t *end = feed ? feed : csv->bytes + csv->count;
      next = (size_t)(end - csv->bytes) + 1;
      line++;
      cells = count_separators(text, end, csv->separator) + 1;
      if (cells == 1 && is_blank(text, end)) cells = 0;
    }
    if (cells == 0 && width == 1) cells = 1;
    if (cells > 0 && cells != width) {
      *failure = (ek_csv_failure){.kind = EK_CSV_WIDTH, .line = first_line, .cells = cells};
      return rows;
    }
    if (cells > 0) {
      starts[rows] = from;
      lines[rows++] = (int32_t)first_line;
    }
    from = next;
  }
  return rows;
}

// ---- Cells ---------------------------------------------------------------------------------------------------------

// The separator behind the cell at `text`, its line feed, or the end of the text.
static inline const uint8_t *find_end(const uint8_t *text, const uint8_t *end, uint8_t separator) {
  while (text < end && *text != separator && *text != '\n') text++;
  return text;
}

// The start of the cell `column` of a row.
static const uint8_t *find_cell(const ek_csv *csv, const uint8_t *text, size_t column) {
  const uint8_t *end = csv->bytes + csv->count;
  if (!csv->has_quotes) {
    // Sixteen characters at once, as long as not all separators are passed.
    for (; end - text >= 16; text += 16) {
      size_t passed = 0;
      for (int i = 0; i < 16; i++) passed += text[i] == csv->separator;
      if (passed >= column) break;
      column -= passed;
    }
  }
  while (column > 0 && text < end) {
    if (csv->has_quotes && *text == '"') {
      size_t feeds = 0;
      int is_escaped = 0;
      const uint8_t *behind = skip_quoted(text, end, &feeds, &is_escaped);
      text = behind ? behind : end;
    }
    text = find_end(text, end, csv->separator);
    if (text < end) text++;
    column--;
  }
  return text;
}

// Reads the cell at `text`. Returns where it ends: a separator, a line feed, or the end of the text.
static inline const uint8_t *read_cell(const ek_csv *csv, const uint8_t *text, ek_cell *cell, double *value) {
  const uint8_t *end = csv->bytes + csv->count, *first = text, *last, *behind;
  uint8_t separator = csv->separator;
  *value = 0;
  cell->is_escaped = 0;
  if (csv->has_quotes && text < end && *text == '"') {
    size_t feeds = 0;
    int is_escaped = 0;
    behind = skip_quoted(text, end, &feeds, &is_escaped);
    if (!behind) behind = end;
    first = text + 1;
    last = behind > first ? behind - 1 : first;
    cell->is_escaped = (uint8_t)is_escaped;
    behind = find_end(behind, end, separator);
  } else {
    while (first < end && *first == ' ') first++;
    const uint8_t *number = ek_number_read(first, end, value);
    if (number && (number == end || *number == separator || *number == '\n')) {
      *cell = (ek_cell){(size_t)(first - csv->bytes), (uint32_t)(number - first), EK_CELL_NUMBER, 0};
      return number;
    }
    *value = 0;
    behind = last = find_end(first, end, separator);
    if (last > first && last[-1] == '\r') last--;
    while (last > first && last[-1] == ' ') last--;
  }
  cell->start = (size_t)(first - csv->bytes);
  cell->length = (uint32_t)(last - first);
  cell->kind = first == last                                      ? EK_CELL_EMPTY
               : ek_number_read(first, last, value) == last ? EK_CELL_NUMBER
                                                                  : EK_CELL_OTHER;
  if (cell->kind != EK_CELL_NUMBER) *value = 0;
  return behind;
}

void ek_csv_cells(const ek_csv *csv, const size_t *starts, size_t rows, size_t first, size_t columns, ek_cell *cells,
                  double *values) {
  ek_number_prepare();
  const uint8_t *end = csv->bytes + csv->count;
  for (size_t row = 0; row < rows; row++) {
    const uint8_t *text = csv->bytes + starts[row];
    if (first > 0) text = find_cell(csv, text, first);
    for (size_t column = 0; column < columns; column++) {
      text = read_cell(csv, text, cells++, values++);
      if (text < end && *text == csv->separator) text++;
    }
  }
}
