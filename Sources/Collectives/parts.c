// Values in parts: each of a node's holders has an even part of its value.
#include <string.h>

#include "reduction.h"

size_t ek_holder(const reduction *r, size_t leaf) {
  size_t low = 0, high = r->holder_count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (r->starts[middle] <= leaf) low = middle;
    else high = middle;
  }
  return low;
}

range ek_holders(const reduction *r, ek_node node) {
  return (range){ek_holder(r, node.start), ek_holder(r, node.end - 1) + 1};
}

static size_t boundary(size_t length, size_t place, size_t count) {
  return length / count * place + length % count * place / count;
}

range ek_part(const reduction *r, size_t place, size_t count) {
  return (range){boundary(r->length, place, count), boundary(r->length, place + 1, count)};
}

// Holders of both children are taken in turn, so that most of a holder's part lies within the part of the child that it
// has.
size_t ek_part_order(const reduction *r, size_t start, size_t width, size_t *order) {
  size_t end = start + width < r->leaves ? start + width : r->leaves, middle = start + width / 2;
  range holders = ek_holders(r, (ek_node){start, end});
  if (holders.end - holders.first == 1) {
    order[0] = holders.first;
    return 1;
  }
  size_t low = ek_part_order(r, start, width / 2, order);
  if (middle >= r->leaves) return low;
  size_t high = ek_part_order(r, middle, width / 2, order + low);
  size_t last_low = ek_holder(r, middle - 1), count = 0;
  for (size_t i = 0, j = 0; i < low || j < high;) {
    bool takes_low = j == high || (i < low && (2 * i + 1) * high <= (2 * j + 1) * low);
    size_t next = takes_low ? order[i++] : order[low + j++];
    // Whoever has leaves of both counts once.
    if (takes_low || next != last_low) r->order_room[count++] = next;
  }
  memcpy(order, r->order_room, count * sizeof *order);
  return count;
}

static size_t place_in(const size_t *order, size_t count, size_t holder) {
  size_t place = 0;
  while (place < count && order[place] != holder) place++;
  return place;
}

static range overlap(range a, range b) {
  size_t first = a.first > b.first ? a.first : b.first, end = a.end < b.end ? a.end : b.end;
  return (range){first, end > first ? end : first};
}

range ek_redistribute(reduction *r, const size_t *child, size_t child_count, const size_t *parent, size_t parent_count,
                      char *value) {
  size_t place = place_in(child, child_count, r->own), size = r->element_size;
  range wanted = ek_part(r, place_in(parent, parent_count, r->own), parent_count);
  for (size_t i = 0; i < child_count; i++) {
    range common = overlap(wanted, ek_part(r, i, child_count));
    if (i != place)
      ek_receive(r->comm, value + common.first * size, (common.end - common.first) * size, r->ranks[child[i]]);
  }
  if (place == child_count) return wanted;
  range own = ek_part(r, place, child_count);
  for (size_t i = 0; i < parent_count; i++) {
    range common = overlap(own, ek_part(r, i, parent_count));
    if (parent[i] != r->own)
      ek_send(r->comm, value + common.first * size, (common.end - common.first) * size, r->ranks[parent[i]]);
  }
  return wanted;
}
