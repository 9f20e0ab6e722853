#include "kernels.h"

extern void omp_set_num_threads(int);

void ek_set_team_size(int threads) { omp_set_num_threads(threads); }
