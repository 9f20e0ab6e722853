// How loops are divided among threads: libgomp's team, which oneDNN uses too. Swift's clang has no omp.h, so its entry
// points are declared here. A team may be smaller than requested: every loop uses the actual number of members.
#ifndef EVENKEEL_TEAM_H
#define EVENKEEL_TEAM_H

#include <stddef.h>

extern int omp_get_num_threads(void);
extern int omp_get_thread_num(void);
extern void GOMP_parallel(void (*function)(void *), void *data, unsigned threads, unsigned flags);
extern void GOMP_barrier(void);

// Hot functions are compiled for x86-64 v2, v3 (AVX2) and v4 (AVX-512); the loader picks one, by a function that runs before
// ThreadSanitizer is ready for any.
#if defined(__x86_64__) && !__has_feature(thread_sanitizer)
#define EK_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define EK_CLONES
#endif

// Below this many elements, waking a second thread costs more than it gains.
#define EK_TEAM_THRESHOLD 16384

// The members, at most `threads`, of a team that the calling thread can have.
int ek_team_limit(int threads);

// Runs member(data) on every member of a team; only on the calling thread for small work.
static inline void ek_team(void (*member)(void *), void *data, size_t elements, int threads) {
  int members = threads <= 1 || elements < EK_TEAM_THRESHOLD ? 1 : ek_team_limit(threads);
  // Who calls may be a member of a team of its own program's.
  if (members == 1 && omp_get_num_threads() == 1) member(data);
  else GOMP_parallel(member, data, (unsigned)members, 0);
}

static inline void ek_barrier(void) {
  if (omp_get_num_threads() > 1) GOMP_barrier();
}

// *first <- position where it is -1 or larger; members call it in any order.
static inline void ek_note_first(ptrdiff_t *first, ptrdiff_t position) {
  ptrdiff_t seen = __atomic_load_n(first, __ATOMIC_RELAXED);
  while ((seen < 0 || position < seen) &&
         !__atomic_compare_exchange_n(first, &seen, position, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

static inline size_t ek_smaller(size_t a, size_t b) { return a < b ? a : b; }

// Where part `part` of 0 ..< count begins when it is cut into `parts`.
static inline size_t ek_cut(size_t count, size_t part, size_t parts) { return count * part / parts; }

// The part of 0 ..< count that the calling member takes, cut at multiples of `grain`.
static inline void ek_share(size_t count, size_t grain, size_t *begin, size_t *end) {
  size_t members = (size_t)omp_get_num_threads(), me = (size_t)omp_get_thread_num();
  size_t grains = (count + grain - 1) / grain;
  *begin = ek_smaller(ek_cut(grains, me, members) * grain, count);
  *end = ek_smaller(ek_cut(grains, me + 1, members) * grain, count);
}

// The loop over items begin ..< end of `context`.
typedef void (*ek_range)(void *context, size_t begin, size_t end);

// Values in a vector: loops over values share them out by whole vectors, loops over rows by EK_ROW.
enum { EK_VECTOR = 16, EK_ROW = 1 };

// Runs range over 0 ..< count, every member of a team on its share; `elements` is what the items hold in all.
void ek_each(ek_range range, void *context, size_t count, size_t grain, size_t elements, int threads);

#endif
