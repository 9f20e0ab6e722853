// What the processes of one training exchange, in the order of a balanced tree over the slices of a batch: the result
// has the same bits as one process's, on any number of ranks. The one room that calls MPI.
//
// All functions that take an ek_comm are called on the thread that called ek_comm_start (MPI_THREAD_FUNNELED), on all
// ranks of the communicator, in the same order and with arguments that agree. After an exchange has failed the ranks
// cannot exchange any more: what is left is ek_comm_error and ek_comm_abort.
#ifndef EVENKEEL_COLLECTIVES_H
#define EVENKEEL_COLLECTIVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether this library was built with MPI.
bool ek_has_mpi(void);

/// Ranks that exchange; a rank is a process of the training, 0 ..< size.
typedef struct ek_comm ek_comm;

/// How a call ended. For all but EK_COMM_OK, ek_comm_error says why in a sentence.
typedef enum {
  EK_COMM_OK = 0,
  /// This library was built without MPI.
  EK_COMM_ABSENT,
  /// Nothing came for as long as ek_comm_timeout allows.
  EK_COMM_TIMEOUT,
  /// MPI reported an error, as when another rank is gone.
  EK_COMM_FAILED,
  /// There is not enough memory.
  EK_COMM_MEMORY,
  /// The arguments do not fit together.
  EK_COMM_MISUSED,
} ek_comm_status;

// ---- start and end (comm.c) ---------------------------------------------------------------------------------------

/// Joins the ranks that a launcher (mpirun, srun) started; alone, this process is rank 0 of 1. `comm` is NULL where it
/// fails.
ek_comm_status ek_comm_start(ek_comm **comm);

/// The ranks that give the same color, in their order, as a communicator of their own; ended before `comm` is.
ek_comm_status ek_comm_split(ek_comm *comm, int color, ek_comm **part);

/// Leaves. The communicator of ek_comm_start waits for all ranks to do so.
void ek_comm_end(ek_comm *comm);

/// Ends the processes of all ranks, this one too, with this exit status; for errors, after which others would wait for
/// ever.
void ek_comm_abort(ek_comm *comm, int status);

int ek_comm_rank(const ek_comm *comm);
int ek_comm_size(const ek_comm *comm);

/// The place among the ranks on this host, and their number.
int ek_comm_local_rank(const ek_comm *comm);
int ek_comm_local_size(const ek_comm *comm);

/// The name of the host that a rank runs on; valid as long as `comm`.
const char *ek_comm_host(const ek_comm *comm, int rank);

/// Why the last call that failed did, in one sentence; `comm` may be NULL, after ek_comm_start. Valid until the next
/// call.
const char *ek_comm_error(const ek_comm *comm);

/// Whether waiting gives the core to other processes from the start, for hosts with fewer cores than threads. Otherwise
/// it does so after 0.1 ms.
void ek_comm_yield(ek_comm *comm, bool yields);

/// After how many seconds of waiting for one message a call fails; 0: never, as at the start.
void ek_comm_timeout(ek_comm *comm, double seconds);

/// What the calls so far cost this rank.
typedef struct {
  /// Calls; messages and bytes sent; nanoseconds spent waiting for others.
  uint64_t exchanges, messages, bytes, waited;
} ek_comm_traffic;

ek_comm_traffic ek_comm_traffic_of(const ek_comm *comm);

// ---- the balanced tree (tree.c) -----------------------------------------------------------------------------------

/// low <- low and high together, for `elements` elements one by one; low is of the lower leaves.
typedef void (*ek_merge)(void *low, const void *high, size_t elements, void *context);

/// low += high, floats.
void ek_merge_floats(void *low, const void *high, size_t elements, void *context);

/// Merges leaves first ..< first + count of a tree over `leaves`: neighbors, then neighbors of these, and so on; an odd
/// one goes up alone. `values` holds these leaves one after the other, leaf k at k * stride elements, each of `length`
/// elements; afterwards it holds the largest subtrees that lie within them in the same way. Returns their number: of
/// all leaves it is 1, the total.
///
/// A pure function, for any thread; several may work on different elements of the same leaves.
size_t ek_tree_merge(void *values, size_t stride, size_t length, size_t element_size, size_t leaves, size_t first,
                     size_t count, ek_merge merge, void *context);

// ---- exchanges (reduce.c, blocks.c) -------------------------------------------------------------------------------

/// Goes on with the tree over ranks. Rank r has leaves starts[r] ..< starts[r + 1], any number, and starts[size] is
/// that of all; `values` holds its largest subtrees as ek_tree_merge leaves them. On return the first `length` elements
/// are the total, the same bits on every rank. Where a rank has no leaves, there must be room for it too.
///
/// An element is what merging cannot cut: where it needs a whole record, element_size is the record's and length is 1.
ek_comm_status ek_comm_reduce(ek_comm *comm, void *values, size_t stride, size_t length, size_t element_size,
                              const size_t *starts, ek_merge merge, void *context);

/// ek_comm_reduce of which only ranks with leaves get the total; the others do not wait.
ek_comm_status ek_comm_reduce_held(ek_comm *comm, void *values, size_t stride, size_t length, size_t element_size,
                                   const size_t *starts, ek_merge merge, void *context);

/// ek_comm_reduce for sums of floats.
ek_comm_status ek_comm_sum(ek_comm *comm, float *values, size_t stride, size_t length, const size_t *starts);

/// The largest of all ranks' values, each entry by itself; NaN is larger than all numbers.
ek_comm_status ek_comm_agree(ek_comm *comm, double *values, size_t count);

/// all <- the blocks of all ranks: rank r's are counts[r] bytes at starts[r]. `mine` may be the rank's block in `all`.
ek_comm_status ek_comm_gather_all(ek_comm *comm, const void *mine, void *all, const size_t *counts, const size_t *starts);

/// bytes <- those of rank `root`.
ek_comm_status ek_comm_broadcast(ek_comm *comm, void *bytes, size_t count, int root);

#endif
