#define _GNU_SOURCE
#include "kernels.h"

#include <sched.h>

extern void omp_set_num_threads(int);

void ek_set_team_size(int threads) { omp_set_num_threads(threads); }

int ek_processor_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return CPU_COUNT(&set);
}
