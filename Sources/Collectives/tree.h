#ifndef EVENKEEL_TREE_H
#define EVENKEEL_TREE_H

#include "collectives.h"

/// A subtree: leaves start ..< end.
typedef struct {
  size_t start, end;
} ek_node;

/// The largest subtree of a tree over `leaves` that begins at `first` and ends at `end` or before.
ek_node ek_tree_node(size_t leaves, size_t first, size_t end);

#endif
