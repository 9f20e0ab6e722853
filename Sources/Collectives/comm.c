// Ranks, messages and waiting: everything that calls MPI.
#include "comm.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if EK_MPI
  #include <mpi.h>
#endif

enum {
  most_text = 512,
  most_host = 256,
  most_bytes = 1 << 30,   // of a message, whose count is an int
  last_tag = 0x3ffe,      // every MPI has tags to 32767
  presence_tag = 0x3fff,  // of the messages by which ranks find out who is missing
};

bool ek_has_mpi(void) {
#if EK_MPI
  return true;
#else
  return false;
#endif
}

#if EK_MPI

// SimGrid's MPI: processes are its threads, and its clock stands still between calls.
#ifdef SMPI_H
static const bool is_simulated = true;
#else
static const bool is_simulated = false;
#endif

// A message that is posted.
typedef struct {
  int peer, count;
  bool receives;
} message;

// A rank: its number among all processes, and its host.
typedef struct {
  int number;
  char host[most_host];
} member;

struct ek_comm {
  MPI_Comm mpi;
  int rank, size, local_rank, local_size;
  member *members;            // by rank
  bool yields, is_part;
  double timeout;
  int tag;
  ek_comm_traffic traffic;
  ek_comm_status status;      // the first failure of what is posted
  MPI_Request *requests;
  MPI_Status *statuses;
  message *messages;
  int count, capacity;
  void *scratch;
  size_t scratch_bytes;
  char error[most_text];
};

static char start_error[most_text];

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

ek_comm_status ek_fail(ek_comm *comm, ek_comm_status status, const char *sentence, ...) {
  va_list values;
  va_start(values, sentence);
  vsnprintf(comm ? comm->error : start_error, most_text, sentence, values);
  va_end(values);
  return status;
}

static ek_comm_status fail_as_mpi(ek_comm *comm, const char *what, int code) {
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) length = 0;
  return ek_fail(comm, EK_COMM_FAILED, "%s failed: %.*s.", what, length, text);
}

// ---- start and end ------------------------------------------------------------------------------------------------

// Takes over `mpi`: sizes, hosts, neighbors.
static ek_comm_status describe(ek_comm *comm) {
  int code, length = 0;
  MPI_Comm host = MPI_COMM_NULL;
  if ((code = MPI_Comm_set_errhandler(comm->mpi, MPI_ERRORS_RETURN)) || (code = MPI_Comm_rank(comm->mpi, &comm->rank)) ||
      (code = MPI_Comm_size(comm->mpi, &comm->size)) ||
      (code = MPI_Comm_split_type(comm->mpi, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL, &host)) ||
      (code = MPI_Comm_rank(host, &comm->local_rank)) || (code = MPI_Comm_size(host, &comm->local_size)) ||
      (code = MPI_Comm_free(&host)))
    return fail_as_mpi(NULL, "Asking MPI for the ranks", code);
  size_t size = (size_t)comm->size;
  size_t *counts = calloc(2 * size, sizeof *counts), *starts = counts + size;
  comm->members = calloc(size, sizeof *comm->members);
  ek_comm_status status = EK_COMM_OK;
  member *own = &comm->members[comm->rank];
  char name[MPI_MAX_PROCESSOR_NAME] = "";
  if (!counts || !comm->members) {
    status = ek_fail(NULL, EK_COMM_MEMORY, "There is no memory for %zu ranks.", size);
  } else if ((code = MPI_Comm_rank(MPI_COMM_WORLD, &own->number)) || (code = MPI_Get_processor_name(name, &length))) {
    status = fail_as_mpi(NULL, "Asking MPI for the host", code);
  } else {
    snprintf(own->host, most_host, "%s", name);
    for (size_t i = 0; i < size; i++) counts[i] = sizeof *own, starts[i] = i * sizeof *own;
    status = ek_comm_gather_all(comm, own, comm->members, counts, starts);
    if (status) ek_fail(NULL, status, "%s", comm->error);
    comm->traffic = (ek_comm_traffic){0};
  }
  free(counts);
  return status;
}

static void release(ek_comm *comm) {
  if (comm->mpi != MPI_COMM_NULL) MPI_Comm_free(&comm->mpi);
  free(comm->members), free(comm->requests), free(comm->statuses), free(comm->messages), free(comm->scratch);
  free(comm);
}

// A communicator of its own for our messages.
static ek_comm_status make(ek_comm **made, const ek_comm *whole, int color) {
  *made = NULL;
  ek_comm *comm = calloc(1, sizeof *comm);
  if (!comm) return ek_fail(NULL, EK_COMM_MEMORY, "There is no memory for a communicator.");
  comm->mpi = MPI_COMM_NULL;
  int code = whole ? MPI_Comm_split(whole->mpi, color, whole->rank, &comm->mpi) : MPI_Comm_dup(MPI_COMM_WORLD, &comm->mpi);
  ek_comm_status status = code ? fail_as_mpi(NULL, "Making a communicator", code) : describe(comm);
  if (status) {
    release(comm);
    return status;
  }
  *made = comm;
  return EK_COMM_OK;
}

ek_comm_status ek_comm_start(ek_comm **comm) {
  int provided = MPI_THREAD_SINGLE, code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
  *comm = NULL;
  if (code) return fail_as_mpi(NULL, "Starting MPI", code);
  if (provided < MPI_THREAD_FUNNELED && !is_simulated)
    return ek_fail(NULL, EK_COMM_FAILED, "This MPI does not allow threads beside the one that calls it.");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  return make(comm, NULL, 0);
}

ek_comm_status ek_comm_split(ek_comm *comm, int color, ek_comm **part) {
  ek_comm_status status = make(part, comm, color);
  if (status) return ek_fail(comm, status, "%s", start_error);
  (*part)->is_part = true;
  (*part)->yields = comm->yields, (*part)->timeout = comm->timeout;
  return EK_COMM_OK;
}

void ek_comm_end(ek_comm *comm) {
  bool is_part = comm->is_part;
  release(comm);
  if (!is_part) MPI_Finalize();
}

void ek_comm_abort(ek_comm *comm, int status) { MPI_Abort(MPI_COMM_WORLD, status); }

int ek_comm_rank(const ek_comm *comm) { return comm->rank; }
int ek_comm_size(const ek_comm *comm) { return comm->size; }
int ek_comm_local_rank(const ek_comm *comm) { return comm->local_rank; }
int ek_comm_local_size(const ek_comm *comm) { return comm->local_size; }
const char *ek_comm_host(const ek_comm *comm, int rank) { return comm->members[rank].host; }
const char *ek_comm_error(const ek_comm *comm) { return comm ? comm->error : start_error; }
void ek_comm_yield(ek_comm *comm, bool yields) { comm->yields = yields; }
void ek_comm_timeout(ek_comm *comm, double timeout) { comm->timeout = timeout; }
ek_comm_traffic ek_comm_traffic_of(const ek_comm *comm) { return comm->traffic; }

// ---- messages -----------------------------------------------------------------------------------------------------

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
      comm->status = fail_as_mpi(comm, receives ? "Receiving" : "Sending", code);
      return;
    }
    comm->messages[comm->count++] = (message){peer, part, receives};
    if (!receives) comm->traffic.messages++, comm->traffic.bytes += (uint64_t)part;
  }
}

void ek_send(ek_comm *comm, const void *bytes, size_t count, int to) { post(comm, (char *)bytes, count, to, false); }
void ek_receive(ek_comm *comm, void *bytes, size_t count, int from) { post(comm, bytes, count, from, true); }

// ---- waiting ------------------------------------------------------------------------------------------------------

// "rank 3 (node7)", of all processes.
static int name_rank(const ek_comm *comm, int rank, char *text, size_t room) {
  return snprintf(text, room, "rank %d (%s)", comm->members[rank].number, comm->members[rank].host);
}

// Waits for `count` requests. Not later than after `timeout` seconds, if that is not 0, `*done` says whether they all
// are.
static int wait_for(const ek_comm *comm, int count, MPI_Request *requests, MPI_Status *statuses, double timeout, int *done) {
  *done = is_simulated;
  if (is_simulated) return MPI_Waitall(count, requests, statuses);
  const double spins = 1e-4, naps = 5e-3;
  double begin = seconds();
  for (;;) {
    int code = MPI_Testall(count, requests, done, statuses);
    if (code || *done) return code;
    double waited = seconds() - begin;
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
                 "Nothing came for %g s from %s, which answers: it is elsewhere in the training, or this process was stopped.",
                 comm->timeout, names);
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
      return fail_as_mpi(comm, what, error);
    }
  }
  if (code) return fail_as_mpi(comm, "An exchange", code);
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

#else

static const char absent[] = "This program was built without MPI; build it with the trait MPI.";

ek_comm_status ek_fail(ek_comm *comm, ek_comm_status status, const char *sentence, ...) { return status; }
ek_comm_status ek_comm_start(ek_comm **comm) {
  *comm = NULL;
  return EK_COMM_ABSENT;
}
ek_comm_status ek_comm_split(ek_comm *comm, int color, ek_comm **part) {
  *part = NULL;
  return EK_COMM_ABSENT;
}
void ek_comm_end(ek_comm *comm) {}
void ek_comm_abort(ek_comm *comm, int status) { exit(status); }
int ek_comm_rank(const ek_comm *comm) { return 0; }
int ek_comm_size(const ek_comm *comm) { return 1; }
int ek_comm_local_rank(const ek_comm *comm) { return 0; }
int ek_comm_local_size(const ek_comm *comm) { return 1; }
const char *ek_comm_host(const ek_comm *comm, int rank) { return ""; }
const char *ek_comm_error(const ek_comm *comm) { return absent; }
void ek_comm_yield(ek_comm *comm, bool yields) {}
void ek_comm_timeout(ek_comm *comm, double timeout) {}
ek_comm_traffic ek_comm_traffic_of(const ek_comm *comm) { return (ek_comm_traffic){0}; }
void ek_begin(ek_comm *comm) {}
void ek_send(ek_comm *comm, const void *bytes, size_t count, int to) {}
void ek_receive(ek_comm *comm, void *bytes, size_t count, int from) {}
ek_comm_status ek_wait(ek_comm *comm) { return EK_COMM_ABSENT; }
void *ek_scratch(ek_comm *comm, size_t bytes) { return NULL; }

#endif
