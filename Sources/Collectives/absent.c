// Without MPI there are no communicators: ek_comm_start says so.
#if !EK_MPI

#include <stdlib.h>

#include "comm.h"

bool ek_has_mpi(void) { return false; }

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
