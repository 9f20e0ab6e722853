// A reduction in progress: who has what, and parts of large values.
#ifndef EVENKEEL_REDUCTION_H
#define EVENKEEL_REDUCTION_H

#include "comm.h"
#include "tree.h"

enum { most_held = 2 * 64 + 2 };  // subtrees of a range, and what is received beside them

/// A subtree's value, by its first leaf.
typedef struct {
  size_t start;
  char *value;
} held;

typedef struct {
  ek_comm *comm;
  size_t length, element_size;
  ek_merge merge;
  void *context;
  // Ranks that have leaves, in order, and then the others. The former are called holders, named by their place here;
  // holder i has leaves starts[i] ..< starts[i + 1]. `own` is the caller's place.
  int *ranks;
  size_t *starts;
  size_t leaves, holder_count, own;
  // The values of the subtrees that the caller has now, and room for others'.
  held nodes[most_held];
  char *spare[most_held];
  size_t node_count, spare_count;
  // Whether values are exchanged in parts; for these, room for the orders of a node's holders and its children's, and
  // for making one.
  bool in_parts;
  size_t *orders[3], *order_room;
} reduction;

typedef struct {
  size_t first, end;
} range;

/// The holder of a leaf, and those of a node.
size_t ek_holder(const reduction *r, size_t leaf);
range ek_holders(const reduction *r, ek_node node);

/// The elements that are the part of the holder at `place` of `count`.
range ek_part(const reduction *r, size_t place, size_t count);

/// order <- the holders of the node of `width` leaves from `start` on, in the order of their parts. Returns their
/// number.
size_t ek_part_order(const reduction *r, size_t start, size_t width, size_t *order);

/// Posts what turns the parts of a child's value, which `child` have, into those of `parent`. Returns the caller's new
/// part.
range ek_redistribute(reduction *r, const size_t *child, size_t child_count, const size_t *parent, size_t parent_count,
                      char *value);

#endif
