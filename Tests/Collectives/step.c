// step NORMS SUMS ROWS BLOCKS: what the exchanges of a training step take, for Scripts/simulate. Each argument is a
// list of exchanges, bytes/parts with a comma after each; 0/1 is none:
//   NORMS   a norm's record of a slice, merged over ranks
//   SUMS    the gradient of a convolution's weights, floats
//   ROWS    rows that everyone gets from all ranks
//   BLOCKS  gradients that everyone gets, computed in so many blocks by as many ranks
// Rank 0 prints a line of seconds: norms, sums, rows, blocks, and what is agreed on at the end of a step.
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#include "collectives.h"

static ek_comm *comm;
static size_t *starts, *counts, *offsets;
// For the blocks of all: the simulation maps the memory of every rank, which takes longer than all else.
static char *all;

static void merge(void *low, const void *high, size_t elements, void *context) {}

static void stop_on(ek_comm_status status) {
  if (!status) return;
  fprintf(stderr, "%s\n", ek_comm_error(comm));
  ek_comm_abort(comm, 1);
}

static void merge_records(size_t bytes, size_t parts) {
  void *record = calloc(1, bytes);
  stop_on(ek_comm_reduce(comm, record, 1, 1, bytes, starts, merge, NULL));
  free(record);
}

static void sum(size_t bytes, size_t parts) {
  float *gradient = calloc(1, bytes);
  stop_on(ek_comm_sum(comm, gradient, bytes / sizeof *gradient, bytes / sizeof *gradient, starts));
  free(gradient);
}

// The first block that is not of ranks before `rank`: as ranks divide slices and blocks among them.
static size_t first(size_t parts, size_t rank, size_t size) { return (parts * rank + size - 1) / size; }

static void gather(size_t bytes, size_t parts) {
  size_t size = (size_t)ek_comm_size(comm);
  for (size_t r = 0; r < size; r++) {
    offsets[r] = bytes * first(parts, r, size) / parts;
    counts[r] = bytes * first(parts, r + 1, size) / parts - offsets[r];
  }
  stop_on(ek_comm_gather_all(comm, all + offsets[ek_comm_rank(comm)], all, counts, offsets));
}

static void agree(size_t bytes, size_t parts) {
  double values[8] = {0};
  stop_on(ek_comm_agree(comm, values, bytes / sizeof *values));
}

static size_t largest(const char *list) {
  size_t most = 0;
  for (char *next; *list; list = next + 1) {
    size_t bytes = strtoull(list, &next, 10);
    strtoull(next + 1, &next, 10);
    if (bytes > most) most = bytes;
  }
  return most;
}

// From when all ranks have begun to the end of the last.
static double seconds_of(const char *list, void (*exchange)(size_t, size_t)) {
  MPI_Barrier(MPI_COMM_WORLD);
  double times[2] = {MPI_Wtime(), 0};
  for (char *next; *list; list = next + 1) {
    size_t bytes = strtoull(list, &next, 10), parts = strtoull(next + 1, &next, 10);
    if (bytes) exchange(bytes, parts);
  }
  times[1] = MPI_Wtime();
  stop_on(ek_comm_agree(comm, times, 2));
  return times[1] - times[0];
}

int main(int argc, char **argv) {
  if (argc != 5 || ek_comm_start(&comm)) return 64;
  size_t size = (size_t)ek_comm_size(comm);
  starts = malloc((size + 1) * sizeof *starts);
  counts = malloc(size * sizeof *counts), offsets = malloc(size * sizeof *offsets);
  for (size_t r = 0; r <= size; r++) starts[r] = r;
  size_t of_rows = largest(argv[3]), of_blocks = largest(argv[4]);
  all = malloc(of_rows > of_blocks ? of_rows : of_blocks);
  double norms = seconds_of(argv[1], merge_records), sums = seconds_of(argv[2], sum), rows = seconds_of(argv[3], gather),
         blocks = seconds_of(argv[4], gather), agreement = seconds_of("16/1,", agree);
  if (ek_comm_rank(comm) == 0) printf("%.9f %.9f %.9f %.9f %.9f\n", norms, sums, rows, blocks, agreement);
  free(starts), free(counts), free(offsets), free(all);
  ek_comm_end(comm);
  return 0;
}
