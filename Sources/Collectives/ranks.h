// What a communicator is where there is MPI.
#ifndef EVENKEEL_RANKS_H
#define EVENKEEL_RANKS_H

#include <mpi.h>

#include "comm.h"

// SimGrid's MPI: processes are its threads, and its clock stands still between calls.
#ifdef SMPI_H
enum { is_simulated = true };
#else
enum { is_simulated = false };
#endif

enum { most_text = 512, most_host = 256 };

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

/// Keeps "`what` failed" and what MPI says of it.
ek_comm_status ek_fail_as_mpi(ek_comm *comm, const char *what, int code);

#endif
