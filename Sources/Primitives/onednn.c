#include "onednn.h"
#include "primitives.h"

#include <pthread.h>
#include <stdlib.h>

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

int ek_instruction_set(void) { return (int)dnnl_get_effective_cpu_isa(); }

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

int ek_prepare(ek_prepared *prepared, description made, const int *arguments, int count, int members) {
  int status = dnnl_primitive_create(&prepared->primitive, made);
  if (status) return status;
  prepared->operands = calloc((size_t)members, sizeof *prepared->operands);
  if (!prepared->operands) return dnnl_out_of_memory;
  prepared->members = members;
  prepared->operand_count = count + 1;
  prepared->scratch_bytes = ek_bytes(ek_layout(made, DNNL_ARG_SCRATCHPAD));
  for (int member = 0; member < members; member++)
    for (int i = 0; i <= count; i++) {
      int argument = i < count ? arguments[i] : DNNL_ARG_SCRATCHPAD;
      dnnl_exec_arg_t *operand = &prepared->operands[member][i];
      operand->arg = argument;
      status = dnnl_memory_create(&operand->memory, ek_layout(made, argument), ek_engine(), DNNL_MEMORY_NONE);
      if (status) return status;
    }
  return 0;
}

int ek_make_reorder(ek_prepared *prepared, known from, known to, int members) {
  description made = NULL;
  int status = dnnl_reorder_primitive_desc_create(&made, from, ek_engine(), to, ek_engine(), ek_attributes());
  if (!status) status = ek_prepare(prepared, made, (int[]){DNNL_ARG_FROM, DNNL_ARG_TO}, 2, members);
  if (made) dnnl_primitive_desc_destroy(made);
  return status;
}

void ek_prepared_destroy(ek_prepared *prepared) {
  for (int member = 0; member < prepared->members; member++)
    for (int i = 0; i < prepared->operand_count; i++) dnnl_memory_destroy(prepared->operands[member][i].memory);
  free(prepared->operands);
  if (prepared->primitive) dnnl_primitive_destroy(prepared->primitive);
}

int ek_run(ek_prepared *prepared, int member, const void *const *memory) {
  if (member >= prepared->members) return dnnl_invalid_arguments;
  dnnl_exec_arg_t *operands = prepared->operands[member];
  for (int i = 0; i < prepared->operand_count; i++) {
    int status = dnnl_memory_set_data_handle(operands[i].memory, (void *)memory[i]);
    if (status) return status;
  }
  int before = ek_begin_alone();
  int status = dnnl_primitive_execute(prepared->primitive, ek_stream(), prepared->operand_count, operands);
  ek_end_alone(before);
  return status;
}
