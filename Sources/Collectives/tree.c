// The balanced tree over leaves, and what of it lies within a range of them.
#include "tree.h"

#include <string.h>

void ek_merge_floats(void *low, const void *high, size_t elements, void *context) {
  float *restrict to = low;
  const float *restrict other = high;
  for (size_t i = 0; i < elements; i++) to[i] += other[i];
}

ek_node ek_tree_node(size_t leaves, size_t first, size_t end) {
  size_t width = 1;
  // A subtree that reaches beyond the last leaf is the one that ends there.
  while (first % (2 * width) == 0 && width < leaves - first && (first + 2 * width <= end || end == leaves)) width *= 2;
  return (ek_node){first, first + width < end ? first + width : end};
}

size_t ek_tree_merge(void *values, size_t stride, size_t length, size_t element_size, size_t leaves, size_t first,
                     size_t count, ek_merge merge, void *context) {
  size_t nodes = 0, bytes = stride * element_size;
  char *own = values;
  for (size_t start = first; start < first + count; nodes++) {
    ek_node node = ek_tree_node(leaves, start, first + count);
    char *at = own + (start - first) * bytes;
    size_t width = node.end - node.start;
    for (size_t apart = 1; apart < width; apart *= 2)
      for (size_t leaf = 0; leaf + apart < width; leaf += 2 * apart)
        merge(at + leaf * bytes, at + (leaf + apart) * bytes, length, context);
    if (at != own + nodes * bytes) memcpy(own + nodes * bytes, at, length * element_size);
    start = node.end;
  }
  return nodes;
}
