// Exchanges without arithmetic: blocks to everyone.
#include <string.h>
#include <stdlib.h>

#include "comm.h"

// Posts the blocks of `count` positions from `first` on, around the end, as few messages as their places allow: sent to
// rank `to`, or, if `to` is -1, received from `from`.
static void post_blocks(ek_comm *comm, char *all, size_t positions, size_t first, size_t count, const size_t *counts,
                        const size_t *starts, int to, int from) {
  size_t begin = 0, end = 0;
  for (size_t i = 0; i < count; i++) {
    size_t position = (first + i) % positions;
    if (counts[position] == 0) continue;
    if (starts[position] != end) {
      if (to >= 0) ek_send(comm, all + begin, end - begin, to);
      else ek_receive(comm, all + begin, end - begin, from);
      begin = starts[position];
    }
    end = starts[position] + counts[position];
  }
  if (to >= 0) ek_send(comm, all + begin, end - begin, to);
  else ek_receive(comm, all + begin, end - begin, from);
}

// Bruck et al. 1997: in each round everyone has the blocks of as many positions as the distance, beginning with its
// own, and gets as many more. ⌈log₂ p⌉ rounds, (p - 1)/p of all bytes.
ek_comm_status ek_gather_blocks(ek_comm *comm, char *all, const int *ranks, size_t positions, size_t own,
                                const size_t *counts, const size_t *starts) {
  for (size_t distance = 1; distance < positions; distance *= 2) {
    size_t count = distance < positions - distance ? distance : positions - distance;
    size_t above = (own + distance) % positions, below = (own + positions - distance) % positions;
    post_blocks(comm, all, positions, above, count, counts, starts, -1, ranks[above]);
    post_blocks(comm, all, positions, own, count, counts, starts, ranks[below], -1);
    ek_comm_status status = ek_wait(comm);
    if (status) return status;
  }
  return EK_COMM_OK;
}

ek_comm_status ek_comm_gather_all(ek_comm *comm, const void *mine, void *all, const size_t *counts, const size_t *starts) {
  int size = ek_comm_size(comm), rank = ek_comm_rank(comm);
  char *bytes = all;
  ek_begin(comm);
  if (counts[rank] && mine != bytes + starts[rank]) memmove(bytes + starts[rank], mine, counts[rank]);
  int *ranks = malloc((size_t)size * sizeof *ranks);
  if (!ranks) return ek_fail(comm, EK_COMM_MEMORY, "There is no memory for an exchange of %d ranks.", size);
  for (int i = 0; i < size; i++) ranks[i] = i;
  ek_comm_status status = ek_gather_blocks(comm, bytes, ranks, (size_t)size, (size_t)rank, counts, starts);
  free(ranks);
  return status;
}

// A binomial tree: whoever has the bytes passes them on, twice as many ranks in each round.
ek_comm_status ek_comm_broadcast(ek_comm *comm, void *bytes, size_t count, int root) {
  int size = ek_comm_size(comm), place = (ek_comm_rank(comm) - root + size) % size;
  ek_begin(comm);
  for (int have = 1; have < size; have *= 2) {
    if (place < have && place + have < size) ek_send(comm, bytes, count, (place + have + root) % size);
    if (place >= have && place < 2 * have) ek_receive(comm, bytes, count, (place - have + root) % size);
    ek_comm_status status = ek_wait(comm);
    if (status) return status;
  }
  return EK_COMM_OK;
}
