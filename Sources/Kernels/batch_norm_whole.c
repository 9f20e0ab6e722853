// A batch norm over a whole batch: two phases over slices each way, with a merge between them.
#include "batch_norm.h"

#include <stdint.h>

typedef struct {
  ek_batch_norm norm;
  const float *x, *y;
  float *dy, *out;
  ek_batch_statistics statistics;
  double *sums;
  const float *mean_dz, *mean_dz_n;
  size_t slices;
} whole_job;

static size_t start_of(const whole_job *j, size_t slice) { return ek_cut(j->norm.rows, slice, j->slices); }

static ek_batch_norm norm_of(const whole_job *j, size_t slice, size_t *at) {
  ek_batch_norm norm = j->norm;
  *at = start_of(j, slice) * norm.features;
  norm.rows = start_of(j, slice + 1) - start_of(j, slice);
  if (norm.addend) norm.addend += *at;
  return norm;
}

static void apply_to_slice(void *context, size_t slice, int member) {
  const whole_job *j = context;
  size_t at;
  ek_batch_norm norm = norm_of(j, slice, &at);
  ek_batch_norm_apply(&norm, j->x + at, j->out + at, j->statistics);
}

static int writes_past_cache(const ek_batch_norm *norm, const float *out, const float *x, const float *dy) {
  int apart = out && out != x && out != dy && (uintptr_t)out % 64 == 0;
  return apart && norm->features % EK_STRIP == 0 && norm->rows * norm->features >= EK_STREAM_THRESHOLD;
}

ptrdiff_t ek_batch_norm_forward(const ek_batch_norm *norm, const float *x, float *y, ek_batch_statistics statistics,
                                double *scratch, int threads) {
  if (!norm->rows || !norm->features) return -1;
  ptrdiff_t bad = ek_batch_statistics_of(x, norm->rows, norm->features, norm->epsilon, statistics, scratch, threads);
  if (bad >= 0) return bad;
  whole_job j = {.norm = *norm, .x = x, .out = y, .statistics = statistics,
                 .slices = ek_slice_count(norm->rows, norm->features)};
  j.norm.past_cache = writes_past_cache(norm, y, x, NULL);
  ek_team_run(apply_to_slice, &j, j.slices, threads);
  return -1;
}

static void sum_slice(void *context, size_t slice, int member) {
  const whole_job *j = context;
  size_t at;
  ek_batch_norm norm = norm_of(j, slice, &at);
  ek_batch_norm_gradient_sums(&norm, j->x + at, j->y ? j->y + at : NULL, j->dy + at, j->statistics,
                              j->sums + slice * ek_slice_stride(norm.features));
}

static void spread_slice(void *context, size_t slice, int member) {
  const whole_job *j = context;
  size_t at;
  ek_batch_norm norm = norm_of(j, slice, &at);
  ek_batch_norm_spread(&norm, j->x + at, j->y ? j->y + at : NULL, j->dy + at, j->statistics, j->mean_dz, j->mean_dz_n,
                       j->out + at);
}

void ek_batch_norm_backward(const ek_batch_norm *norm, int frozen, const float *x, const float *y, float *dy,
                            ek_batch_statistics statistics, float *dscale, float *dshift, float *dx, double *scratch,
                            int threads) {
  size_t features = norm->features, stride = ek_slice_stride(features);
  if (!norm->rows || !features) return;
  whole_job j = {.norm = *norm, .x = x, .y = y, .dy = dy, .out = dx, .statistics = statistics, .sums = scratch,
                 .slices = ek_slice_count(norm->rows, features)};
  j.norm.past_cache = writes_past_cache(norm, dx, x, dy);
  ek_team_run(sum_slice, &j, j.slices, threads);
  ek_merge_sums(scratch, j.slices, features);
  const double *sum_dz = ek_first_sums(scratch), *sum_dz_n = ek_second_sums(scratch, features);
  float *mean_dz = (float *)(scratch + j.slices * stride), *mean_dz_n = mean_dz + ek_padded(features);
  for (size_t c = 0; c < features; c++) {
    if (dshift) dshift[c] = (float)sum_dz[c];
    if (dscale) dscale[c] = (float)sum_dz_n[c];
    mean_dz[c] = (float)(sum_dz[c] / (double)norm->rows);
    mean_dz_n[c] = (float)(sum_dz_n[c] / (double)norm->rows);
  }
  if (!frozen) j.mean_dz = mean_dz, j.mean_dz_n = mean_dz_n;
  if (dx) ek_team_run(spread_slice, &j, j.slices, threads);
}
