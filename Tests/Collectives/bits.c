// mpirun -np P bits: whether exchanges give the bits of one process, for any ranges of leaves. Prints what was checked;
// the exit status is 0 if all of it holds. Every rank knows every leaf, as all are drawn from their numbers, and has
// the tree in plain recursion to compare with.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectives.h"

static ek_comm *comm;
static size_t size, rank_, failures, checks;

static void stop_on(ek_comm_status status) {
  if (!status) return;
  fprintf(stderr, "[%zu] %s\n", rank_, ek_comm_error(comm));
  ek_comm_abort(comm, 1);
}

static void check(bool holds, const char *what, size_t leaves, size_t length, const char *ranges) {
  checks++;
  if (holds) return;
  failures++;
  fprintf(stderr, "[%zu] %s over %zu leaves of %zu elements, %s, differs from one process's.\n", rank_, what, leaves,
          length, ranges);
}

// ---- leaves -------------------------------------------------------------------------------------------------------

// Numbers of very different size, so that another order of addition gives other bits.
static const double scales[] = {1e-3, 1e-2, 0.1, 1, 10, 100, 1e3};
static double drawn(size_t leaf, size_t element, size_t salt) {
  uint64_t x = (leaf * 1000003 + element) * 31 + salt;
  x ^= x >> 33, x *= 0xff51afd7ed558ccdULL, x ^= x >> 33, x *= 0xc4ceb9fe1a85ec53ULL, x ^= x >> 33;
  return ((double)(x >> 11) / 9007199254740992.0 - 0.5) * scales[x % 7];
}

typedef struct {
  double count, mean, squares;
} moments;

// Chan, Golub and LeVeque 1979.
static void merge_moments(void *low, const void *high, size_t elements, void *context) {
  moments *to = low;
  const moments *other = high;
  for (size_t i = 0; i < elements; i++) {
    double both = to[i].count + other[i].count, difference = other[i].mean - to[i].mean;
    if (other[i].count == 0) continue;
    to[i].squares += other[i].squares + difference * difference * (to[i].count * other[i].count / both);
    to[i].mean += difference * (other[i].count / both);
    to[i].count = both;
  }
}

static float float_of(size_t leaf, size_t element) { return (float)drawn(leaf, element, 1); }

// Some leaves have no rows.
static moments moments_of(size_t leaf, size_t element) {
  if (leaf % 5 == 3) return (moments){0};
  return (moments){1 + (double)(leaf % 4), drawn(leaf, element, 2), fabs(drawn(leaf, element, 3))};
}

// The tree as it is defined: the largest power of two below the number of leaves go left.
static float tree_of_floats(size_t first, size_t count, size_t element) {
  if (count == 1) return float_of(first, element);
  size_t left = 1;
  while (2 * left < count) left *= 2;
  return tree_of_floats(first, left, element) + tree_of_floats(first + left, count - left, element);
}

static moments tree_of_moments(size_t first, size_t count, size_t element) {
  if (count == 1) return moments_of(first, element);
  size_t left = 1;
  while (2 * left < count) left *= 2;
  moments low = tree_of_moments(first, left, element), high = tree_of_moments(first + left, count - left, element);
  merge_moments(&low, &high, 1, NULL);
  return low;
}

// ---- ranges -------------------------------------------------------------------------------------------------------

typedef enum { even, random_ranges, one_has_most, first_has_none, some_have_none, kinds } ranges;
static const char *names[] = {"even ranges", "random ranges", "one rank with most", "a first rank with none",
                              "ranks with none"};

static int by_size(const void *a, const void *b) {
  size_t x = *(const size_t *)a, y = *(const size_t *)b;
  return x < y ? -1 : x > y;
}

static void cut(ranges kind, size_t leaves, size_t *starts) {
  starts[0] = 0, starts[size] = leaves;
  for (size_t i = 1; i < size; i++) switch (kind) {
    case even: starts[i] = leaves * i / size; break;
    case random_ranges: starts[i] = (size_t)(fabs(drawn(i, leaves, 4)) * 1e6) % (leaves + 1); break;
    case one_has_most: starts[i] = leaves - (leaves > size - i ? size - i : leaves); break;
    case first_has_none: starts[i] = leaves * (i - 1) / (size - 1); break;
    case some_have_none: starts[i] = leaves * (i / 2 * 2) / size; break;
    case kinds: break;
  }
  qsort(starts, size + 1, sizeof *starts, by_size);
}

// ---- checks -------------------------------------------------------------------------------------------------------

// Totals are compared at some elements, as the plain tree is slow; all elements with those of other ranks, by a hash.
// Where ranks are many, one of them compares.
enum { many = 100 };

static uint64_t hash(const void *bytes, size_t count) {
  uint64_t h = 1469598103934665603ULL;
  for (size_t i = 0; i < count; i++) h = (h ^ ((const unsigned char *)bytes)[i]) * 1099511628211ULL;
  return h;
}

static bool is_same_everywhere(const void *bytes, size_t count) {
  uint64_t h = hash(bytes, count);
  double both[4] = {(double)(h >> 32), -(double)(h >> 32), (double)(h & 0xffffffff), -(double)(h & 0xffffffff)};
  stop_on(ek_comm_agree(comm, both, 4));
  return both[0] == -both[1] && both[2] == -both[3];
}

static void check_reductions(ranges kind, size_t leaves, size_t length) {
  size_t *starts = malloc((size + 1) * sizeof *starts), stride = length + 3;
  cut(kind, leaves, starts);
  size_t first = starts[rank_], count = starts[rank_ + 1] - first, places = count ? count : 1;
  size_t step = length / (size > many ? 5 : 50) + 1;
  float *sums = malloc(places * stride * sizeof *sums);
  moments *merged = malloc(places * stride * sizeof *merged);
  for (size_t leaf = 0; leaf < count; leaf++)
    for (size_t i = 0; i < length; i++) {
      sums[leaf * stride + i] = float_of(first + leaf, i);
      merged[leaf * stride + i] = moments_of(first + leaf, i);
    }
  ek_tree_merge(sums, stride, length, sizeof *sums, leaves, first, count, ek_merge_floats, NULL);
  stop_on(ek_comm_sum(comm, sums, stride, length, starts));
  ek_tree_merge(merged, stride, length, sizeof *merged, leaves, first, count, merge_moments, NULL);
  stop_on(ek_comm_reduce(comm, merged, stride, length, sizeof *merged, starts, merge_moments, NULL));
  bool equal_sums = true, equal_moments = true;
  for (size_t i = rank_ % step; i < length && (size <= many || rank_ == 0); i += step) {
    float sum = tree_of_floats(0, leaves, i);
    moments of = tree_of_moments(0, leaves, i);
    equal_sums &= !memcmp(&sum, &sums[i], sizeof sum);
    equal_moments &= !memcmp(&of, &merged[i], sizeof of);
  }
  check(equal_sums, "A sum of floats", leaves, length, names[kind]);
  check(equal_moments, "A merge of moments", leaves, length, names[kind]);
  check(is_same_everywhere(sums, length * sizeof *sums), "Somebody's sum", leaves, length, names[kind]);
  check(is_same_everywhere(merged, length * sizeof *merged), "Somebody's merge", leaves, length, names[kind]);
  free(sums), free(merged), free(starts);
}

static void check_blocks(ranges kind, size_t bytes) {
  size_t *starts = malloc((size + 1) * sizeof *starts), *counts = malloc(size * sizeof *counts);
  cut(kind, bytes, starts);
  for (size_t r = 0; r < size; r++) counts[r] = starts[r + 1] - starts[r];
  unsigned char *all = calloc(bytes, 1), *mine = malloc(counts[rank_] + 1), *expected = malloc(bytes);
  for (size_t i = 0; i < bytes; i++) expected[i] = (unsigned char)(1 + i * 7 % 251);
  memcpy(mine, expected + starts[rank_], counts[rank_]);
  stop_on(ek_comm_gather_all(comm, mine, all, counts, starts));
  check(!memcmp(all, expected, bytes), "Gathering bytes", size, bytes, names[kind]);
  size_t root = bytes % size;
  if (rank_ != root) memset(all, 0, bytes);
  stop_on(ek_comm_broadcast(comm, all, bytes, (int)root));
  check(!memcmp(all, expected, bytes), "A broadcast", size, bytes, names[kind]);
  free(starts), free(counts), free(all), free(mine), free(expected);
}

static void check_agreement(void) {
  double values[4] = {(double)rank_, -(double)rank_, rank_ == size - 1 ? NAN : 1, 7};
  stop_on(ek_comm_agree(comm, values, 4));
  bool holds = values[0] == (double)(size - 1) && values[1] == 0 && isnan(values[2]) && values[3] == 7;
  check(holds, "What is agreed on", size, 4, "a value a rank");
}

// Ranks in two halves: each half sums for itself.
static void check_parts(void) {
  ek_comm *part, *whole = comm;
  size_t all = size, place = rank_;
  stop_on(ek_comm_split(comm, rank_ >= size / 2, &part));
  comm = part, size = (size_t)ek_comm_size(part), rank_ = (size_t)ek_comm_rank(part);
  check_reductions(even, 2 * size + 1, 10);
  ek_comm_end(part);
  comm = whole, size = all, rank_ = place;
}

int main(int argc, char **argv) {
  if (ek_comm_start(&comm)) {
    fprintf(stderr, "%s\n", ek_comm_error(NULL));
    return 1;
  }
  size = (size_t)ek_comm_size(comm), rank_ = (size_t)ek_comm_rank(comm);
  ek_comm_yield(comm, true);
  ek_comm_timeout(comm, 60);
  const size_t leaves[] = {size, 4 * size + 1, 1, 3, 8, 13, 2 * size}, lengths[] = {33, 20000, 1, 1024};
  const size_t leaf_counts = size > many ? 2 : 7, length_counts = size > many ? 2 : 4;
  for (ranges kind = even; kind < kinds; kind++) {
    if (size == 1 && kind == first_has_none) continue;
    if (size > many && (kind == one_has_most || kind == first_has_none)) continue;
    for (size_t l = 0; l < leaf_counts; l++)
      for (size_t n = 0; n < length_counts; n++)
        if (size <= many || l + n < 2) check_reductions(kind, leaves[l], lengths[n]);
    check_blocks(kind, 5);
    check_blocks(kind, size > many ? 5000 : 100000);
  }
  check_agreement();
  if (size > 1) check_parts();
  double all = (double)failures;
  stop_on(ek_comm_agree(comm, &all, 1));
  if (rank_ == 0 && all == 0) printf("%zu ranks: %zu exchanges have the bits of one process.\n", size, checks);
  ek_comm_end(comm);
  return all > 0;
}
