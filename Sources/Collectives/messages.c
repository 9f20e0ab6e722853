// Messages that are posted, and waiting for them.
#if EK_MPI

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ranks.h"

enum {
  most_bytes = 1 << 30,   // of a message, whose count is an int
  last_tag = 0x3ffe,      // every MPI has tags to 32767
  presence_tag = 0x3fff,  // of the messages by which ranks find out who is missing
};

void *ek_scratch(ek_comm *comm, size_t bytes) {
  if (bytes > comm->scratch_bytes) {
    free(comm->scratch);
    comm->scratch_bytes = (bytes + 63) / 64 * 64;
    comm->scratch = aligned_alloc(64, comm->scratch_bytes);
  }
  if (comm->scratch) return comm->scratch;
  comm->scratch_bytes = 0;
  ek_fail(comm, EK_COMM_MEMORY, "There is no memory for an exchange of %zu bytes.", bytes);
  return NULL;
}

void ek_begin(ek_comm *comm) {
  comm->tag = comm->tag == last_tag ? 0 : comm->tag + 1;
  comm->traffic.exchanges++;
  comm->status = EK_COMM_OK;
}

// Room for one more message.
static bool reserve(ek_comm *comm) {
  if (comm->count < comm->capacity) return true;
  int capacity = comm->capacity ? 2 * comm->capacity : 64;
  size_t most = (size_t)capacity;
  MPI_Request *requests = realloc(comm->requests, most * sizeof *requests);
  if (requests) comm->requests = requests;
  MPI_Status *statuses = realloc(comm->statuses, most * sizeof *statuses);
  if (statuses) comm->statuses = statuses;
  message *messages = realloc(comm->messages, most * sizeof *messages);
  if (messages) comm->messages = messages;
  if (requests && statuses && messages) comm->capacity = capacity;
  return comm->count < comm->capacity;
}

static void post(ek_comm *comm, char *bytes, size_t count, int peer, bool receives) {
  for (size_t done = 0; done < count && !comm->status; done += most_bytes) {
    int part = count - done < most_bytes ? (int)(count - done) : most_bytes;
    if (!reserve(comm)) {
      comm->status = ek_fail(comm, EK_COMM_MEMORY, "There is no memory for another message.");
      return;
    }
    MPI_Request *request = &comm->requests[comm->count];
    int code = receives ? MPI_Irecv(bytes + done, part, MPI_BYTE, peer, comm->tag, comm->mpi, request)
                        : MPI_Isend(bytes + done, part, MPI_BYTE, peer, comm->tag, comm->mpi, request);
    if (code) {
      comm->status = ek_fail_as_mpi(comm, receives ? "Receiving" : "Sending", code);
      return;
    }
    comm->messages[comm->count++] = (message){peer, part, receives};
    if (!receives) comm->traffic.messages++, comm->traffic.bytes += (uint64_t)part;
  }
}

void ek_send(ek_comm *comm, const void *bytes, size_t count, int to) { post(comm, (char *)bytes, count, to, false); }
void ek_receive(ek_comm *comm, void *bytes, size_t count, int from) { post(comm, bytes, count, from, true); }

// ---- waiting ------------------------------------------------------------------------------------------------------

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// "rank 3 (node7)", of all processes.
static int name_rank(const ek_comm *comm, int rank, char *text, size_t room) {
  return snprintf(text, room, "rank %d (%s)", comm->members[rank].number, comm->members[rank].host);
}

// Waits for `count` requests. Not later than after `timeout` seconds, if that is not 0, `*done` says whether they all
// are.
static int wait_for(const ek_comm *comm, int count, MPI_Request *requests, MPI_Status *statuses, double timeout, int *done) {
  *done = is_simulated;
  if (is_simulated) return MPI_Waitall(count, requests, statuses);
  const double spins = 1e-4, naps = 5e-3, most_between = 0.5;
  double last = seconds(), waited = 0;
  for (;;) {
    int code = MPI_Testall(count, requests, done, statuses);
    if (code || *done) return code;
    // A longer time between two looks means that this process itself, or its whole machine, stood still.
    double now = seconds();
    waited += now - last < most_between ? now - last : most_between;
    last = now;
    if (timeout > 0 && waited > timeout) return MPI_SUCCESS;
    if (comm->yields && waited > naps)
      nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    else if (comm->yields || waited > spins)
      sched_yield();
  }
}

// Everyone who waits in vain says so to all others: who does not is missing.
static ek_comm_status fail_as_late(ek_comm *comm) {
  const double patience = 2;
  int others = comm->size - 1, done = false, last = comm->messages[0].peer;
  MPI_Request *requests = malloc(2 * (size_t)others * sizeof *requests);
  MPI_Status *statuses = malloc(2 * (size_t)others * sizeof *statuses);
  char names[most_text] = "";
  int length = 0, missing = 0;
  for (int i = 0; i < comm->count; i++)
    if (comm->requests[i] != MPI_REQUEST_NULL) last = comm->messages[i].peer;
  if (requests && statuses) {
    for (int i = 0; i < others; i++) {
      int peer = i < comm->rank ? i : i + 1;
      MPI_Irecv(NULL, 0, MPI_BYTE, peer, presence_tag, comm->mpi, &requests[i]);
      MPI_Isend(NULL, 0, MPI_BYTE, peer, presence_tag, comm->mpi, &requests[others + i]);
    }
    wait_for(comm, 2 * others, requests, statuses, patience, &done);
    for (int i = 0; i < others && !done; i++) {
      int answered = false;
      if (MPI_Test(&requests[i], &answered, MPI_STATUS_IGNORE) == MPI_SUCCESS && answered) continue;
      if (missing++ < 3) {
        length += snprintf(names + length, sizeof names - (size_t)length, missing > 1 ? ", " : "");
        length += name_rank(comm, i < comm->rank ? i : i + 1, names + length, sizeof names - (size_t)length);
        if (length >= (int)sizeof names) length = (int)sizeof names - 1;
      }
    }
  }
  free(requests), free(statuses);
  char others_too[32] = "";
  if (missing > 3) snprintf(others_too, sizeof others_too, " and %d others", missing - 3);
  if (missing)
    return ek_fail(comm, EK_COMM_TIMEOUT, "Nothing came for %g s: %s%s did not answer.", comm->timeout, names, others_too);
  name_rank(comm, last, names, sizeof names);
  return ek_fail(comm, EK_COMM_TIMEOUT,
                 "Nothing came for %g s from %s, which answers but is elsewhere in the training.", comm->timeout, names);
}

static ek_comm_status check(ek_comm *comm, int code, int done) {
  char name[most_host + 32];
  if (code == MPI_ERR_IN_STATUS) {
    for (int i = 0; i < comm->count; i++) {
      int error = comm->statuses[i].MPI_ERROR;
      if (error == MPI_SUCCESS || error == MPI_ERR_PENDING) continue;
      name_rank(comm, comm->messages[i].peer, name, sizeof name);
      char what[sizeof name + 32];
      snprintf(what, sizeof what, "An exchange with %s", name);
      return ek_fail_as_mpi(comm, what, error);
    }
  }
  if (code) return ek_fail_as_mpi(comm, "An exchange", code);
  if (!done) return fail_as_late(comm);
  for (int i = 0; i < comm->count; i++) {
    int count = 0;
    const message *of = &comm->messages[i];
    if (!of->receives || MPI_Get_count(&comm->statuses[i], MPI_BYTE, &count) != MPI_SUCCESS || count == of->count) continue;
    name_rank(comm, of->peer, name, sizeof name);
    return ek_fail(comm, EK_COMM_FAILED, "Expected %d bytes from %s, got %d: it does not do what this rank does.", of->count,
                   name, count);
  }
  return EK_COMM_OK;
}

ek_comm_status ek_wait(ek_comm *comm) {
  if (!comm->status && comm->count) {
    int done = false;
    double begin = seconds();
    int code = wait_for(comm, comm->count, comm->requests, comm->statuses, comm->timeout, &done);
    comm->traffic.waited += (uint64_t)(1e9 * (seconds() - begin));
    comm->status = check(comm, code, done);
  }
  comm->count = 0;
  return comm->status;
}

#endif
