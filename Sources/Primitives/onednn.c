#include "onednn.h"
#include "primitives.h"

#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static dnnl_engine_t engine;
static dnnl_stream_t stream;
static dnnl_primitive_attr_t attributes;

// A CPU stream keeps no state: its work has ended when the call returns.
static void start(void) {
  if (dnnl_engine_create(&engine, dnnl_cpu, 0)) engine = NULL;
  if (!engine || dnnl_stream_create(&stream, engine, dnnl_stream_default_flags)) stream = NULL;
  if (dnnl_primitive_attr_create(&attributes)) attributes = NULL;
  if (attributes) dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
}

dnnl_engine_t ek_engine(void) {
  pthread_once(&once, start);
  return engine;
}

dnnl_stream_t ek_stream(void) {
  pthread_once(&once, start);
  return stream;
}

dnnl_primitive_attr_t ek_attributes(void) {
  pthread_once(&once, start);
  return attributes;
}

// Also if a setting keeps oneDNN from using what the processor has.
int ek_has_bfloat16(void) {
  return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
}

extern int omp_get_max_threads(void);
extern void omp_set_num_threads(int);

int ek_begin_alone(void) {
  int before = omp_get_max_threads();
  omp_set_num_threads(1);
  return before;
}

void ek_end_alone(int before) { omp_set_num_threads(before); }

size_t ek_bytes(known layout) { return layout ? dnnl_memory_desc_get_size(layout) : 0; }

known ek_layout(description made, int argument) {
  return dnnl_primitive_desc_query_md(made, dnnl_query_exec_arg_md, argument);
}

int ek_prepare(ek_prepared *prepared, description made, const int *arguments, int count) {
  int status = dnnl_primitive_create(&prepared->primitive, made);
  if (status) return status;
  for (int i = 0; i <= count; i++) {
    int argument = i < count ? arguments[i] : DNNL_ARG_SCRATCHPAD;
    known layout = ek_layout(made, argument);
    dnnl_memory_t memory = NULL;
    status = dnnl_memory_create(&memory, layout, ek_engine(), DNNL_MEMORY_NONE);
    if (status) return status;
    prepared->operands[i] = (dnnl_exec_arg_t){argument, memory};
    prepared->operand_count = i + 1;
    if (i == count) prepared->scratch_bytes = ek_bytes(layout);
  }
  return 0;
}

int ek_make_reorder(ek_prepared *prepared, known from, known to) {
  description made = NULL;
  int status = dnnl_reorder_primitive_desc_create(&made, from, ek_engine(), to, ek_engine(), ek_attributes());
  if (!status) status = ek_prepare(prepared, made, (int[]){DNNL_ARG_FROM, DNNL_ARG_TO}, 2);
  if (made) dnnl_primitive_desc_destroy(made);
  return status;
}

void ek_prepared_destroy(ek_prepared *prepared) {
  for (int i = 0; i < prepared->operand_count; i++) dnnl_memory_destroy(prepared->operands[i].memory);
  if (prepared->primitive) dnnl_primitive_destroy(prepared->primitive);
}

int ek_run(ek_prepared *prepared, const void *const *memory) {
  for (int i = 0; i < prepared->operand_count; i++) {
    int status = dnnl_memory_set_data_handle(prepared->operands[i].memory, (void *)memory[i]);
    if (status) return status;
  }
  return dnnl_primitive_execute(prepared->primitive, ek_stream(), prepared->operand_count, prepared->operands);
}
