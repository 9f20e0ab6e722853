// What differs between the C interfaces of oneDNN 2.x and 3.x: descriptions of memory and how primitives are described.
#ifndef EVENKEEL_ONEDNN_H
#define EVENKEEL_ONEDNN_H

#include <oneapi/dnnl/dnnl.h>
#include <stddef.h>

typedef dnnl_primitive_desc_t description;

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t layout;           // owned by whoever made it
typedef const_dnnl_memory_desc_t known;      // owned by a description
#define KNOWN(made) (made)
static inline void drop(layout made) { if (made) dnnl_memory_desc_destroy(made); }
static inline int typed_layout_of(layout *made, int axes, const dnnl_dims_t extent, dnnl_data_type_t type,
                                  dnnl_format_tag_t tag) {
  return dnnl_memory_desc_create_with_tag(made, axes, extent, type, tag);
}
#else
typedef dnnl_memory_desc_t layout;
typedef const dnnl_memory_desc_t *known;
#define KNOWN(made) (&(made))
static inline void drop(layout made) { (void)made; }
static inline int typed_layout_of(layout *made, int axes, const dnnl_dims_t extent, dnnl_data_type_t type,
                                  dnnl_format_tag_t tag) {
  return dnnl_memory_desc_init_by_tag(made, axes, extent, type, tag);
}
#endif
static inline int layout_of(layout *made, int axes, const dnnl_dims_t extent, dnnl_format_tag_t tag) {
  return typed_layout_of(made, axes, extent, dnnl_f32, tag);
}

// The processor, made once; NULL if oneDNN cannot be used.
dnnl_engine_t ek_engine(void);
dnnl_stream_t ek_stream(void);

// Between the two, oneDNN works on the calling thread alone, whatever OpenMP is set to for it, which is then put back.
int ek_begin_alone(void);
void ek_end_alone(int before);

// A primitive, which several threads may run at once, and for each of them the operands that it is run with, in the order of
// `arguments`. Operand memory is set at each run.
enum { most_operands = 5 };
typedef struct {
  dnnl_primitive_t primitive;
  dnnl_exec_arg_t (*operands)[most_operands];  // one a member of the team
  int operand_count, members;
  size_t scratch_bytes;
} ek_prepared;

// Makes the primitive that `made` describes, for `members` threads; its operands are named by `arguments` and laid out as it
// asks for. The last operand is its scratch memory.
int ek_prepare(ek_prepared *prepared, description made, const int *arguments, int count, int members);
void ek_prepared_destroy(ek_prepared *prepared);
// Runs it on the calling thread, which is `member`, over `memory`, one address an operand, scratch last.
int ek_run(ek_prepared *prepared, int member, const void *const *memory);
// The layout of operand `argument`.
known ek_layout(description made, int argument);
size_t ek_bytes(known layout);
static inline size_t ek_rounded(size_t bytes) { return (bytes + 63) / 64 * 64; }
static inline size_t ek_larger(size_t a, size_t b) { return a > b ? a : b; }
// Makes the primitive that brings a tensor from one layout, and type, into another.
int ek_make_reorder(ek_prepared *prepared, known from, known to, int members);
// Attributes under which scratch memory is the caller's.
dnnl_primitive_attr_t ek_attributes(void);

#endif
