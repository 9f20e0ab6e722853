// Ranks: who they are, on which hosts, and how they start and end.
#if EK_MPI

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ranks.h"

bool ek_has_mpi(void) { return true; }

static char start_error[most_text];

ek_comm_status ek_fail(ek_comm *comm, ek_comm_status status, const char *sentence, ...) {
  va_list values;
  va_start(values, sentence);
  vsnprintf(comm ? comm->error : start_error, most_text, sentence, values);
  va_end(values);
  return status;
}

ek_comm_status ek_fail_as_mpi(ek_comm *comm, const char *what, int code) {
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) length = 0;
  return ek_fail(comm, EK_COMM_FAILED, "%s failed: %.*s.", what, length, text);
}

// Takes over `mpi`: sizes, hosts, neighbors.
static ek_comm_status describe(ek_comm *comm) {
  int code, length = 0;
  MPI_Comm host = MPI_COMM_NULL;
  if ((code = MPI_Comm_set_errhandler(comm->mpi, MPI_ERRORS_RETURN)) || (code = MPI_Comm_rank(comm->mpi, &comm->rank)) ||
      (code = MPI_Comm_size(comm->mpi, &comm->size)) ||
      (code = MPI_Comm_split_type(comm->mpi, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL, &host)) ||
      (code = MPI_Comm_rank(host, &comm->local_rank)) || (code = MPI_Comm_size(host, &comm->local_size)) ||
      (code = MPI_Comm_free(&host)))
    return ek_fail_as_mpi(NULL, "Asking MPI for the ranks", code);
  size_t size = (size_t)comm->size;
  size_t *counts = calloc(2 * size, sizeof *counts), *starts = counts + size;
  comm->members = calloc(size, sizeof *comm->members);
  ek_comm_status status = EK_COMM_OK;
  member *own = &comm->members[comm->rank];
  char name[MPI_MAX_PROCESSOR_NAME] = "";
  if (!counts || !comm->members) {
    status = ek_fail(NULL, EK_COMM_MEMORY, "There is no memory for %zu ranks.", size);
  } else if ((code = MPI_Comm_rank(MPI_COMM_WORLD, &own->number)) || (code = MPI_Get_processor_name(name, &length))) {
    status = ek_fail_as_mpi(NULL, "Asking MPI for the host", code);
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
  ek_comm_status status = code ? ek_fail_as_mpi(NULL, "Making a communicator", code) : describe(comm);
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
  if (code) return ek_fail_as_mpi(NULL, "Starting MPI", code);
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

#endif
