#include "include/collectives.h"

#if EK_MPI
  #include <mpi.h>
#endif

bool ek_has_mpi(void) {
#if EK_MPI
  return MPI_VERSION >= 3;
#else
  return false;
#endif
}
