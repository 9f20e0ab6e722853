#include "kernels.h"
#include "team.h"

// What the process could use when it started: later this thread may have been bound to one processor (OMP_PROC_BIND).
int ek_processor_count(void) { return omp_get_num_procs(); }
