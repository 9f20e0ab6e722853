// What exchanges are made of: messages that are posted, and a wait for all of them.
#ifndef EVENKEEL_COMM_H
#define EVENKEEL_COMM_H

#include "collectives.h"

/// The ranks of `comm` begin an exchange: its messages are not mistaken for those of another.
void ek_begin(ek_comm *comm);

/// Post `count` bytes to or from a rank, where `count` is not 0. Between two ranks, messages are received in the order
/// in which they are sent. The bytes are free, or there, when ek_wait returns; it also says what went wrong.
void ek_send(ek_comm *comm, const void *bytes, size_t count, int to);
void ek_receive(ek_comm *comm, void *bytes, size_t count, int from);
ek_comm_status ek_wait(ek_comm *comm);

/// At least `bytes` bytes, until the next call; NULL, and an error, where there are none.
void *ek_scratch(ek_comm *comm, size_t bytes);

/// Keeps the sentence, and returns `status`.
ek_comm_status ek_fail(ek_comm *comm, ek_comm_status status, const char *sentence, ...)
    __attribute__((format(printf, 3, 4)));

/// Blocks of all of `positions`, each of which belongs to a rank: counts[i] bytes at starts[i] of `all`. The caller's
/// is there; afterwards all are. `own` is the caller's position.
ek_comm_status ek_gather_blocks(ek_comm *comm, char *all, const int *ranks, size_t positions, size_t own,
                                const size_t *counts, const size_t *starts);

#endif
