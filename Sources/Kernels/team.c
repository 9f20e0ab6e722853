// A team: the calling thread and its helpers, which sleep between jobs.
//
// The items of a job are divided into ranges, one a member, so that a member finds in its caches what it left there in the job before;
// who has ended its own goes on with those of the others. A range is published by a ticket: which job it is, where it ends, and the next
// item that nobody has claimed. An item is claimed by raising the ticket, so a helper that comes late finds nothing left and one that
// sleeps is not missed. Waiting is a short spin, for those who are nearly done, then a futex, which leaves the processor to others.
#define _GNU_SOURCE
#include "team.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
  most_members = 1024,
  // Below this many values, a job is done before a second thread has taken part of it.
  smallest_share = 16384,
  // How long a helper looks for the next job, and the calling thread for the end of the last items, before they sleep.
  helper_spin_ns = 30000,
  caller_spin_ns = 30000,
};

// Of a ticket: the job's number, the end of the range, the next item.
enum { item_bits = 20 };
#define END_OF(ticket) ((uint32_t)((ticket) >> item_bits) & ((1u << item_bits) - 1))
#define NEXT_OF(ticket) ((uint32_t)(ticket) & ((1u << item_bits) - 1))

typedef struct {
  _Alignas(64) _Atomic uint64_t ticket;
} range;

typedef struct {
  _Alignas(64) _Atomic uint32_t unfinished;  // items of the job; a futex of the calling thread
  _Atomic int caller_sleeps;
  _Alignas(64) _Atomic uint32_t doorbell;  // a futex of helpers
  _Atomic int sleepers;
  _Atomic int leaves;  // the team ends
  // Written before a job is published.
  ek_task task;
  void *context;
  _Atomic int members;  // of this job, which has as many ranges
  int helpers;          // threads that exist
  int refused;          // the number of helpers that the system did not give
  uint64_t job;
  uint64_t waited;
  pthread_t threads[most_members];
  range ranges[most_members];
} team;

typedef struct {
  team *of;
  int member;
} seat;

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void breathe(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void futex_wait(_Atomic uint32_t *word, uint32_t seen) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

// Claims and runs items of one range until none are left.
static void work_on(team *t, range *r, int member) {
  uint64_t ticket = atomic_load_explicit(&r->ticket, memory_order_acquire);
  // Not everyone who exists takes part in every job; a later job's members are not read for this one, as its ticket differs.
  while (NEXT_OF(ticket) < END_OF(ticket) && member < atomic_load_explicit(&t->members, memory_order_relaxed)) {
    if (!atomic_compare_exchange_weak_explicit(&r->ticket, &ticket, ticket + 1, memory_order_acq_rel,
                                               memory_order_acquire))
      continue;
    t->task(t->context, NEXT_OF(ticket), member);
    if (atomic_fetch_sub_explicit(&t->unfinished, 1, memory_order_seq_cst) == 1 &&
        atomic_load_explicit(&t->caller_sleeps, memory_order_seq_cst))
      futex_wake(&t->unfinished, 1);
    ticket = atomic_load_explicit(&r->ticket, memory_order_acquire);
  }
}

// Its own range first, then the others'.
static void work(team *t, int member) {
  int ranges = atomic_load_explicit(&t->members, memory_order_relaxed);
  for (int i = 0; i < ranges; i++) work_on(t, t->ranges + (member + i) % ranges, member);
}

static int has_work(team *t, int member) {
  int ranges = atomic_load_explicit(&t->members, memory_order_relaxed);
  for (int i = 0; member < ranges && i < ranges; i++) {
    uint64_t ticket = atomic_load_explicit(&t->ranges[i].ticket, memory_order_seq_cst);
    if (NEXT_OF(ticket) < END_OF(ticket)) return 1;
  }
  return 0;
}

// Returns when there may be work, or the team ends.
static void await_work(team *t, int member) {
  uint64_t start = 0;
  for (int i = 0;; i++) {
    if (has_work(t, member) || atomic_load_explicit(&t->leaves, memory_order_relaxed)) return;
    breathe();
    if (i % 64 != 63) continue;
    uint64_t time = now();
    if (!start) start = time;
    if (time - start > helper_spin_ns) break;
  }
  uint32_t rung = atomic_load_explicit(&t->doorbell, memory_order_seq_cst);
  atomic_fetch_add_explicit(&t->sleepers, 1, memory_order_seq_cst);
  if (!has_work(t, member) && !atomic_load_explicit(&t->leaves, memory_order_seq_cst)) futex_wait(&t->doorbell, rung);
  atomic_fetch_sub_explicit(&t->sleepers, 1, memory_order_seq_cst);
}

// Whether this thread is a helper of some team: it has no team of its own.
static _Thread_local int helps;

static void *help(void *context) {
  seat s = *(seat *)context;
  helps = 1;
  free(context);
  while (!atomic_load_explicit(&s.of->leaves, memory_order_acquire)) {
    await_work(s.of, s.member);
    work(s.of, s.member);
  }
  return NULL;
}

// ---- the team of a thread -----------------------------------------------------------------------------------------

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void ring(team *t, int count) {
  atomic_fetch_add_explicit(&t->doorbell, 1, memory_order_seq_cst);
  futex_wake(&t->doorbell, count);
}

static void end(void *context) {
  team *t = context;
  atomic_store_explicit(&t->leaves, 1, memory_order_seq_cst);
  ring(t, INT_MAX);
  for (int i = 0; i < t->helpers; i++) pthread_join(t->threads[i], NULL);
  free(t);
}

// Helpers do not live on in a child; its threads make their own.
static void forget(void) { pthread_setspecific(key, NULL); }

static void start(void) {
  if (pthread_key_create(&key, end)) abort();
  pthread_atfork(NULL, NULL, forget);
}

// The calling thread's team; NULL if there is no memory for one.
static team *own_team(void) {
  pthread_once(&once, start);
  team *t = pthread_getspecific(key);
  if (t) return t;
  t = aligned_alloc(64, (sizeof *t + 63) / 64 * 64);
  if (!t) return NULL;
  memset(t, 0, sizeof *t);
  t->refused = most_members;
  if (pthread_setspecific(key, t)) {
    free(t);
    return NULL;
  }
  return t;
}

// Helpers leave signals to the program's own threads, but for those that their own instructions raise.
static int start_helper(team *t) {
  seat *s = malloc(sizeof *s);
  if (!s) return 0;
  *s = (seat){.of = t, .member = t->helpers + 1};
  sigset_t all, before;
  sigfillset(&all);
  sigdelset(&all, SIGBUS), sigdelset(&all, SIGSEGV), sigdelset(&all, SIGFPE), sigdelset(&all, SIGILL);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failed = pthread_create(&t->threads[t->helpers], NULL, help, s);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (failed) free(s);
  else t->helpers++;
  return !failed;
}

void ek_team_run(ek_task task, void *context, size_t items, int threads) {
  team *t = threads > 1 && !helps && items > 1 && items < 1u << item_bits ? own_team() : NULL;
  // A job within a job is done by who asks for it.
  if (t && atomic_load_explicit(&t->unfinished, memory_order_relaxed)) t = NULL;
  if (t) {
    int wanted = (int)ek_smaller(ek_smaller((size_t)threads, items), most_members) - 1;
    while (t->helpers < wanted && t->helpers < t->refused)
      if (!start_helper(t)) t->refused = t->helpers;
  }
  if (!t || !t->helpers) {
    for (size_t item = 0; item < items; item++) task(context, item, 0);
    return;
  }
  t->task = task;
  t->context = context;
  int ranges = (int)ek_smaller((size_t)t->helpers + 1, ek_smaller((size_t)threads, items));
  atomic_store_explicit(&t->members, ranges, memory_order_relaxed);
  atomic_store_explicit(&t->unfinished, (uint32_t)items, memory_order_relaxed);
  t->job++;
  for (size_t i = 0; i < (size_t)ranges; i++) {
    uint64_t begin = ek_cut(items, i, (size_t)ranges), end = ek_cut(items, i + 1, (size_t)ranges);
    atomic_store_explicit(&t->ranges[i].ticket, t->job << (2 * item_bits) | end << item_bits | begin,
                          memory_order_seq_cst);
  }
  int sleepers = atomic_load_explicit(&t->sleepers, memory_order_seq_cst);
  if (sleepers) ring(t, (int)ek_smaller((size_t)sleepers, items - 1));
  work(t, 0);
  uint64_t since = 0;
  for (int i = 0; atomic_load_explicit(&t->unfinished, memory_order_acquire); i++) {
    breathe();
    if (i % 64 != 63) continue;
    uint64_t time = now();
    if (!since) since = time;
    if (time - since < caller_spin_ns) continue;
    atomic_store_explicit(&t->caller_sleeps, 1, memory_order_seq_cst);
    uint32_t left = atomic_load_explicit(&t->unfinished, memory_order_seq_cst);
    if (left) futex_wait(&t->unfinished, left);
    atomic_store_explicit(&t->caller_sleeps, 0, memory_order_relaxed);
  }
  if (since) t->waited += now() - since;
}

uint64_t ek_team_waited(void) {
  pthread_once(&once, start);
  const team *t = pthread_getspecific(key);
  return t ? t->waited : 0;
}

// ---- loops over values --------------------------------------------------------------------------------------------

typedef struct {
  ek_range range;
  void *context;
  size_t count, grain, parts;
} each;

static void each_part(void *context, size_t part, int member) {
  const each *e = context;
  size_t grains = (e->count + e->grain - 1) / e->grain;
  size_t begin = ek_smaller(ek_cut(grains, part, e->parts) * e->grain, e->count);
  size_t end = ek_smaller(ek_cut(grains, part + 1, e->parts) * e->grain, e->count);
  if (begin < end) e->range(e->context, begin, end, member);
}

void ek_each(ek_range range, void *context, size_t count, size_t grain, size_t elements, int threads) {
  if (threads <= 1 || elements < smallest_share) {
    if (count) range(context, 0, count, 0);
    return;
  }
  // Several parts a thread, so that one that is held up leaves the rest to others.
  size_t parts = ek_smaller(4 * (size_t)threads, elements / (smallest_share / 4));
  each e = {.range = range, .context = context, .count = count, .grain = grain, .parts = parts};
  ek_team_run(each_part, &e, parts, threads);
}
