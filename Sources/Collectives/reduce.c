// The balanced tree over leaves that lie on several ranks.
//
// All ranks that have leaves of a node, its holders, end up with its value: level by level, holders of one child get
// the other child's value from the latter's holders, and merge. Where ranks have equal powers of two of leaves, this is
// recursive doubling. Small values are exchanged whole. Large ones are in parts, one for each of a node's holders, and
// at the end the parts of the root are gathered: where ranks have equal powers of two, Rabenseifner's algorithm (2004).
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reduction.h"

enum { large = 64 << 10 };  // bytes from which parts pay

// ---- one level ----------------------------------------------------------------------------------------------------

// A node of which the caller has leaves and others have leaves; the values of its children, and the elements to merge.
typedef struct {
  size_t start, middle, end;
  char *values[2];
  range merged;
} shared;

static bool is_among(range holders, size_t holder) { return holder >= holders.first && holder < holders.end; }

// The value of the subtree at `start`, if the caller has leaves of it, or else room for it.
static char *value_or_room(reduction *r, ek_node node) {
  if (is_among(ek_holders(r, node), r->own))
    for (size_t i = 0; i < r->node_count; i++)
      if (r->nodes[i].start == node.start) return r->nodes[i].value;
  return r->spare[--r->spare_count];
}

// The caller's shared nodes of `width` leaves that have two children: at most that of its first leaf and that of its
// last.
static size_t shared_nodes(reduction *r, size_t width, shared nodes[2]) {
  size_t first = r->starts[r->own], end = r->starts[r->own + 1], count = 0;
  size_t starts[2] = {first / width * width, (end - 1) / width * width};
  for (int i = 0; i < (starts[0] == starts[1] ? 1 : 2); i++) {
    size_t start = starts[i], middle = start + width / 2, node_end = start + width < r->leaves ? start + width : r->leaves;
    if ((start >= first && node_end <= end) || middle >= r->leaves) continue;
    nodes[count++] = (shared){start, middle, node_end,
                              {value_or_room(r, (ek_node){start, middle}), value_or_room(r, (ek_node){middle, node_end})},
                              {0, r->length}};
  }
  return count;
}

// One round in which those of `parent` that have a child's value, at first the holders of `child`, pass it to as many
// others. Returns whether there was anything to pass on.
static bool pass_on(reduction *r, range child, range parent, int round, char *value) {
  size_t count = child.end - child.first, all = parent.end - parent.first, have = count << round;
  if (have >= all) return false;
  // Places: the child's holders, those before them, those after them.
  size_t own = r->own, before = child.first - parent.first;
  size_t place = is_among(child, own) ? own - child.first : own - parent.first + (own < child.first ? count : 0);
  size_t partner = place < have ? place + have : place - have;
  if (place >= 2 * have || partner >= all) return true;
  size_t holder = partner < count ? child.first + partner : parent.first + partner - (partner - count < before ? count : 0);
  size_t bytes = r->length * r->element_size;
  if (place < have) ek_send(r->comm, value, bytes, r->ranks[holder]);
  else ek_receive(r->comm, value, bytes, r->ranks[holder]);
  return true;
}

static ek_comm_status exchange_whole(reduction *r, shared *nodes, size_t count) {
  bool goes_on = count > 0;
  for (int round = 0; goes_on; round++) {
    goes_on = false;
    for (size_t n = 0; n < count; n++) {
      const shared *node = &nodes[n];
      range parent = ek_holders(r, (ek_node){node->start, node->end});
      goes_on |= pass_on(r, ek_holders(r, (ek_node){node->start, node->middle}), parent, round, node->values[0]);
      goes_on |= pass_on(r, ek_holders(r, (ek_node){node->middle, node->end}), parent, round, node->values[1]);
    }
    ek_comm_status status = ek_wait(r->comm);
    if (status) return status;
  }
  return EK_COMM_OK;
}

static ek_comm_status exchange_parts(reduction *r, shared *nodes, size_t count, size_t width) {
  size_t *low = r->orders[0], *high = r->orders[1], *both = r->orders[2];
  for (size_t n = 0; n < count; n++) {
    shared *node = &nodes[n];
    size_t low_count = ek_part_order(r, node->start, width / 2, low);
    size_t high_count = ek_part_order(r, node->middle, width / 2, high);
    size_t both_count = ek_part_order(r, node->start, width, both);
    ek_redistribute(r, low, low_count, both, both_count, node->values[0]);
    node->merged = ek_redistribute(r, high, high_count, both, both_count, node->values[1]);
  }
  return ek_wait(r->comm);
}

// Merges a node's children; its value takes the place of the lower one's.
static void merge_children(reduction *r, const shared *node) {
  size_t count = 0, at = node->merged.first * r->element_size;
  r->merge(node->values[0] + at, node->values[1] + at, node->merged.end - node->merged.first, r->context);
  for (size_t i = 0; i < r->node_count; i++)
    if (r->nodes[i].start != node->start && r->nodes[i].start != node->middle) r->nodes[count++] = r->nodes[i];
  r->nodes[count] = (held){node->start, node->values[0]};
  r->node_count = count + 1;
  r->spare[r->spare_count++] = node->values[1];
}

static ek_comm_status climb(reduction *r) {
  for (size_t width = 2; width / 2 < r->leaves; width *= 2) {
    shared nodes[2];
    size_t count = shared_nodes(r, width, nodes);
    ek_comm_status status = r->in_parts ? exchange_parts(r, nodes, count, width) : exchange_whole(r, nodes, count);
    if (status) return status;
    for (size_t n = 0; n < count; n++) merge_children(r, &nodes[n]);
  }
  return EK_COMM_OK;
}

// ---- to everyone --------------------------------------------------------------------------------------------------

// Brings the caller's part of the total to its place.
static void settle(const reduction *r, char *total, range part) {
  size_t at = part.first * r->element_size;
  const char *value = r->node_count ? r->nodes[0].value : total;
  if (value != total) memcpy(total + at, value + at, (part.end - part.first) * r->element_size);
}

// From the holders, who all have the total, to those without leaves.
static ek_comm_status spread_whole(reduction *r, char *total, size_t size) {
  settle(r, total, (range){0, r->length});
  for (size_t have = r->holder_count; have < size; have *= 2) {
    size_t bytes = r->length * r->element_size;
    if (r->own < have && r->own + have < size) ek_send(r->comm, total, bytes, r->ranks[r->own + have]);
    if (r->own >= have && r->own < 2 * have) ek_receive(r->comm, total, bytes, r->ranks[r->own - have]);
    ek_comm_status status = ek_wait(r->comm);
    if (status) return status;
  }
  return EK_COMM_OK;
}

// The parts of all holders; `counts` and `starts` are room for `size` numbers each, `ranks` for as many ranks.
static ek_comm_status gather_parts(reduction *r, char *total, size_t size, size_t *counts, size_t *starts, int *ranks) {
  size_t width = 1, own = r->own;
  while (width < r->leaves) width *= 2;
  size_t count = ek_part_order(r, 0, width, r->orders[0]);
  for (size_t i = 0; i < size; i++) {
    range part = i < count ? ek_part(r, i, count) : (range){r->length, r->length};
    counts[i] = (part.end - part.first) * r->element_size, starts[i] = part.first * r->element_size;
    ranks[i] = r->ranks[i < count ? r->orders[0][i] : i];
    if (ranks[i] == r->ranks[r->own]) own = i, settle(r, total, part);
  }
  return ek_gather_blocks(r->comm, total, ranks, size, own, counts, starts);
}

// ---- the calls ----------------------------------------------------------------------------------------------------

// Everything that a reduction needs beside `values`, in one block of memory.
static ek_comm_status prepare(reduction *r, char *values, size_t stride, const size_t *starts, size_t size, int **ranks) {
  size_t bytes = (r->length * r->element_size + 63) / 64 * 64, room = size + 64, rank = (size_t)ek_comm_rank(r->comm);
  char *memory = ek_scratch(r->comm, 2 * bytes + 5 * room * sizeof(size_t) + 2 * room * sizeof(int));
  if (!memory) return EK_COMM_MEMORY;
  for (int i = 0; i < 2; i++) r->spare[r->spare_count++] = memory + (size_t)i * bytes;
  size_t *numbers = (size_t *)(memory + 2 * bytes);
  for (int i = 0; i < 3; i++) r->orders[i] = numbers + (size_t)i * room;
  r->order_room = numbers + 3 * room, r->starts = numbers + 4 * room;
  r->ranks = (int *)(numbers + 5 * room), *ranks = r->ranks + room;
  for (size_t i = 0; i < size; i++)
    if (starts[i] < starts[i + 1]) r->starts[r->holder_count] = starts[i], r->ranks[r->holder_count++] = (int)i;
  r->starts[r->holder_count] = r->leaves;
  for (size_t i = 0, others = r->holder_count; i < size; i++)
    if (starts[i] == starts[i + 1]) r->ranks[others++] = (int)i;
  while (r->ranks[r->own] != (int)rank) r->own++;
  for (size_t start = starts[rank]; start < starts[rank + 1]; r->node_count++) {
    r->nodes[r->node_count] = (held){start, values + r->node_count * stride * r->element_size};
    start = ek_tree_node(r->leaves, start, starts[rank + 1]).end;
  }
  r->in_parts = r->holder_count > 2 && r->length >= r->holder_count && r->length * r->element_size >= large;
  return EK_COMM_OK;
}

static ek_comm_status reduce(ek_comm *comm, void *values, size_t stride, size_t length, size_t element_size,
                             const size_t *starts, ek_merge merge, void *context, bool to_all) {
  size_t size = (size_t)ek_comm_size(comm);
  ek_begin(comm);
  for (size_t i = 0; i < size; i++)
    if (starts[0] || starts[i] > starts[i + 1] || !starts[size])
      return ek_fail(comm, EK_COMM_MISUSED, "Rank %zu has leaves %zu ..< %zu of %zu.", i, starts[i], starts[i + 1],
                     starts[size]);
  if (size == 1) return EK_COMM_OK;
  reduction r = {.comm = comm, .length = length, .element_size = element_size, .merge = merge, .context = context,
                 .leaves = starts[size]};
  int *ranks = NULL;
  ek_comm_status status = prepare(&r, values, stride, starts, size, &ranks);
  if (!status && r.node_count) status = climb(&r);
  if (status || (!to_all && !r.node_count)) return status;
  if (!to_all) size = r.holder_count;
  return r.in_parts ? gather_parts(&r, values, size, r.orders[1], r.orders[2], ranks) : spread_whole(&r, values, size);
}

ek_comm_status ek_comm_reduce(ek_comm *comm, void *values, size_t stride, size_t length, size_t element_size,
                              const size_t *starts, ek_merge merge, void *context) {
  return reduce(comm, values, stride, length, element_size, starts, merge, context, true);
}

ek_comm_status ek_comm_reduce_held(ek_comm *comm, void *values, size_t stride, size_t length, size_t element_size,
                                   const size_t *starts, ek_merge merge, void *context) {
  return reduce(comm, values, stride, length, element_size, starts, merge, context, false);
}

ek_comm_status ek_comm_sum(ek_comm *comm, float *values, size_t stride, size_t length, const size_t *starts) {
  return ek_comm_reduce(comm, values, stride, length, sizeof *values, starts, ek_merge_floats, NULL);
}

static void keep_larger(void *low, const void *high, size_t elements, void *context) {
  double *to = low;
  const double *other = high;
  for (size_t i = 0; i < elements; i++)
    if (other[i] > to[i] || isnan(other[i])) to[i] = other[i];
}

ek_comm_status ek_comm_agree(ek_comm *comm, double *values, size_t count) {
  size_t size = (size_t)ek_comm_size(comm);
  size_t *starts = malloc((size + 1) * sizeof *starts);
  if (!starts) return ek_fail(comm, EK_COMM_MEMORY, "There is no memory for an exchange of %zu ranks.", size);
  for (size_t i = 0; i <= size; i++) starts[i] = i;
  ek_comm_status status = ek_comm_reduce(comm, values, count, count, sizeof *values, starts, keep_larger, NULL);
  free(starts);
  return status;
}
