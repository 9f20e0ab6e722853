#ifndef EVENKEEL_COLLECTIVES_H
#define EVENKEEL_COLLECTIVES_H
#include <stdbool.h>

/// Whether this library was built with MPI.
bool ek_has_mpi(void);
#endif
