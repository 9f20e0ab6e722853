#include "team.h"

#include <limits.h>
#include <pthread.h>

#include "kernels.h"

extern int omp_get_num_procs(void);
extern int omp_get_thread_limit(void);
extern int omp_get_max_active_levels(void);
extern int omp_in_parallel(void);
extern void omp_set_dynamic(int);
extern void omp_set_max_active_levels(int);
extern void omp_set_num_threads(int);

static int smaller(int a, int b) { return a < b ? a : b; }

// What the process could use at its start: later this thread may be bound to one processor (OMP_PROC_BIND).
int ek_processor_count(void) { return smaller(omp_get_num_procs(), omp_get_thread_limit()); }

static void *wait_for_all(void *barrier) {
  pthread_mutex_lock(barrier);
  pthread_mutex_unlock(barrier);
  return NULL;
}

// How many of `count` threads the system gives at once. libgomp would end the process if one were missing.
static int threads_given(int count) {
  pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
  pthread_t threads[count];
  int given = 0;
  pthread_mutex_lock(&gate);
  while (given < count && !pthread_create(&threads[given], NULL, wait_for_all, &gate)) given++;
  pthread_mutex_unlock(&gate);
  for (int i = 0; i < given; i++) pthread_join(threads[i], NULL);
  return given;
}

int ek_team_limit(int threads) {
  // Each thread has its own team: the largest that it is known to get, and the smallest that it did not.
  static _Thread_local int possible = 1, refused = INT_MAX;
  if (omp_in_parallel()) return 1;
  threads = smaller(threads, omp_get_thread_limit());
  if (threads > possible && threads < refused) {
    int got = 1 + threads_given(threads - 1);
    if (got > possible) possible = got;
    if (got < threads) refused = threads;
  }
  return smaller(threads, possible);
}

typedef struct {
  ek_range range;
  void *context;
  size_t count, grain;
} each;

static void each_member(void *data) {
  const each *e = data;
  size_t begin, end;
  ek_share(e->count, e->grain, &begin, &end);
  e->range(e->context, begin, end);
}

void ek_each(ek_range range, void *context, size_t count, size_t grain, size_t elements, int threads) {
  each e = {.range = range, .context = context, .count = count, .grain = grain};
  ek_team(each_member, &e, elements, threads);
}

int ek_set_team_size(int threads) {
  // Otherwise libgomp may give fewer than it promises (OMP_DYNAMIC, OMP_MAX_ACTIVE_LEVELS).
  omp_set_dynamic(0);
  if (omp_get_max_active_levels() < 1) omp_set_max_active_levels(1);
  int members = ek_team_limit(threads);
  omp_set_num_threads(members);
  return members;
}
