// How batch norm is divided among threads: rows are cut into chunks that depend only on the shape, and the chunks' sums
// merged in order, so that any team gives the same bits.
#include "batch_norm.h"

static size_t chunk_count(size_t rows, size_t features) {
  size_t wanted = ek_smaller(rows * features / 65536, ek_smaller(64, rows / (2 * EK_BLOCK)));
  return wanted ? wanted : 1;
}

size_t ek_batch_norm_scratch(size_t rows, size_t features) {
  return (2 * chunk_count(rows, features) + 2) * ek_padded(features);
}

ek_norm_share ek_norm_share_of(const ek_norm_job *j) {
  size_t members = (size_t)omp_get_num_threads(), me = (size_t)omp_get_thread_num();
  ek_norm_share s = {.first_chunk = ek_cut(j->chunks, me, members), .last_chunk = ek_cut(j->chunks, me + 1, members)};
  s.first_row = ek_norm_chunk_start(j, s.first_chunk);
  s.last_row = ek_norm_chunk_start(j, s.last_chunk);
  ek_share(j->norm.features, EK_STRIP, &s.first_feature, &s.last_feature);
  return s;
}

EK_CLONES void ek_norm_merge_chunks(const ek_norm_job *j, size_t begin, size_t end) {
  size_t stride = ek_padded(j->norm.features);
  double *restrict first = ek_norm_sums(j, 0), *restrict second = first + stride;
  for (size_t chunk = 1; chunk < j->chunks; chunk++) {
    const double *next = ek_norm_sums(j, chunk);
    for (size_t c = begin; c < end; c++) first[c] += next[c];
    for (size_t c = begin; c < end; c++) second[c] += next[stride + c];
  }
}

void ek_norm_run(void (*member)(void *), ek_norm_job *j, int threads) {
  j->chunks = chunk_count(j->norm.rows, j->norm.features);
  j->first_bad = -1;
  if (j->norm.rows && j->norm.features) ek_team(member, j, j->norm.rows * j->norm.features, threads);
}
