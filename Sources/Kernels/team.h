// How work is divided among threads: a job is a number of items that the members of a team claim one after the other. A
// member that the system takes away holds back the one item that it has in hand; whoever is there does the rest.
#ifndef EVENKEEL_TEAM_H
#define EVENKEEL_TEAM_H

#include <stddef.h>

#include "kernels.h"

// Hot functions are compiled for x86-64 v2, v3 (AVX2) and v4 (AVX-512); the loader picks one, by a function that runs before
// ThreadSanitizer is ready for any.
#if defined(__x86_64__) && !__has_feature(thread_sanitizer)
#define EK_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define EK_CLONES
#endif

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

// The loop over values begin ..< end of `context`, on one member of a team.
typedef void (*ek_range)(void *context, size_t begin, size_t end, int member);

// Values in a vector: loops over values are cut at whole vectors, loops over rows at EK_ROW.
enum { EK_VECTOR = 16, EK_ROW = 1 };

// Runs range over 0 ..< count in parts that are cut at multiples of `grain`; `elements` is what they hold in all.
void ek_each(ek_range range, void *context, size_t count, size_t grain, size_t elements, int threads);

#endif
