#include "onednn_peer.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>

struct onednn_norm {
  dnnl_stream_t stream;
  dnnl_primitive_t forward, backward;
  dnnl_exec_arg_t forward_operands[8], backward_operands[11];
  int forward_count, backward_count;
};

#if DNNL_VERSION_MAJOR >= 3
onednn_norm *onednn_norm_create(int64_t rows, int64_t features, float *x, float *y, float *dy, float *dx, float *scale,
                                float *shift, float *dscale, float *dshift) {
  return NULL;
}
#else
static dnnl_memory_t memory(const dnnl_memory_desc_t *layout, dnnl_engine_t engine, void *at) {
  dnnl_memory_t made = NULL;
  dnnl_memory_create(&made, layout, engine, at ? at : DNNL_MEMORY_ALLOCATE);
  return made;
}

onednn_norm *onednn_norm_create(int64_t rows, int64_t features, float *x, float *y, float *dy, float *dx, float *scale,
                                float *shift, float *dscale, float *dshift) {
  onednn_norm *n = calloc(1, sizeof *n);
  dnnl_engine_t engine;
  if (!n || dnnl_engine_create(&engine, dnnl_cpu, 0)) return NULL;
  if (dnnl_stream_create(&n->stream, engine, dnnl_stream_default_flags)) return NULL;
  // Height and width of 1: the form `nc` falls to a slow path.
  dnnl_dims_t extent = {rows, features, 1, 1}, one = {features};
  dnnl_memory_desc_t data, vector;
  dnnl_memory_desc_init_by_tag(&data, 4, extent, dnnl_f32, dnnl_nhwc);
  dnnl_memory_desc_init_by_tag(&vector, 1, one, dnnl_f32, dnnl_a);
  unsigned flags = dnnl_use_scale | dnnl_use_shift | dnnl_fuse_norm_relu;
  dnnl_batch_normalization_desc_t forward, backward;
  dnnl_primitive_desc_t made, hint;
  if (dnnl_batch_normalization_forward_desc_init(&forward, dnnl_forward_training, &data, 1e-5f, flags)) return NULL;
  if (dnnl_primitive_desc_create(&hint, &forward, NULL, engine, NULL)) return NULL;
  if (dnnl_primitive_create(&n->forward, hint)) return NULL;
  if (dnnl_batch_normalization_backward_desc_init(&backward, dnnl_backward, &data, &data, 1e-5f, flags)) return NULL;
  if (dnnl_primitive_desc_create(&made, &backward, NULL, engine, hint)) return NULL;
  if (dnnl_primitive_create(&n->backward, made)) return NULL;
  dnnl_memory_t source = memory(&data, engine, x), mean = memory(&vector, engine, NULL);
  dnnl_memory_t variance = memory(&vector, engine, NULL), gain = memory(&vector, engine, scale);
  dnnl_memory_t offset = memory(&vector, engine, shift);
  dnnl_memory_t mask = memory(dnnl_primitive_desc_query_md(hint, dnnl_query_workspace_md, 0), engine, NULL);
  dnnl_exec_arg_t f[] = {{DNNL_ARG_SRC, source},       {DNNL_ARG_DST, memory(&data, engine, y)},
                         {DNNL_ARG_MEAN, mean},        {DNNL_ARG_VARIANCE, variance},
                         {DNNL_ARG_SCALE, gain},       {DNNL_ARG_SHIFT, offset},
                         {DNNL_ARG_WORKSPACE, mask}};
  dnnl_exec_arg_t b[] = {{DNNL_ARG_SRC, source},
                         {DNNL_ARG_MEAN, mean},
                         {DNNL_ARG_VARIANCE, variance},
                         {DNNL_ARG_SCALE, gain},
                         {DNNL_ARG_SHIFT, offset},
                         {DNNL_ARG_WORKSPACE, mask},
                         {DNNL_ARG_DIFF_DST, memory(&data, engine, dy)},
                         {DNNL_ARG_DIFF_SRC, memory(&data, engine, dx)},
                         {DNNL_ARG_DIFF_SCALE, memory(&vector, engine, dscale)},
                         {DNNL_ARG_DIFF_SHIFT, memory(&vector, engine, dshift)}};
  n->forward_count = sizeof f / sizeof f[0], n->backward_count = sizeof b / sizeof b[0];
  for (int i = 0; i < n->forward_count; i++) n->forward_operands[i] = f[i];
  for (int i = 0; i < n->backward_count; i++) n->backward_operands[i] = b[i];
  return n;
}
#endif

int onednn_norm_run(onednn_norm *n) {
  int status = dnnl_primitive_execute(n->forward, n->stream, n->forward_count, n->forward_operands);
  if (!status) status = dnnl_primitive_execute(n->backward, n->stream, n->backward_count, n->backward_operands);
  return status;
}
