// Products of row-major matrices on the calling thread. On x86-64, by LIBXSMM, which multiplies blocks as they lie, or by oneDNN, which
// copies them first. On arm64, by OpenBLAS: oneDNN has only plain loops for it there. Elsewhere by oneDNN.
#include "onednn.h"
#include "primitives.h"

#if defined(__x86_64__)
#include <libxsmm.h>

// Blocks of b that stay in the second-level cache while the rows of a go over them. Where the rows of b are far apart, those of a block
// fall on the same places of the cache, so it has fewer (Documentation/Performance.md).
enum { narrow_columns = 64, wide_columns = 128, narrow_depth = 512, wide_depth = 256, wide_row = 512 };

// From this many rows on, and where b is larger than a second-level cache, copying pays.
enum { many_rows = 256, large_matrix = 1 << 18 };

// c (m, n) = a b, plus c where `adds`. LIBXSMM's matrices are column-major: their transposes are multiplied in reverse.
// Returns 0 where it has no function for this size.
static int multiply_block(int m, int n, int k, const float *a, int lda, int a_transposed, const float *b, int ldb,
                          float *c, int ldc, int adds) {
  const float alpha = 1, beta = adds ? 1 : 0;
  const int flags = a_transposed ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
  libxsmm_smmfunction kernel = libxsmm_smmdispatch(n, m, k, &ldb, &lda, &ldc, &alpha, &beta, &flags, NULL);
  if (kernel) kernel(b, a, c);
  return kernel != NULL;
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static int multiply(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, int a_transposed, const float *b,
                    int64_t ldb, float *c, int64_t ldc) {
  if (m >= many_rows && k * n >= large_matrix) return 0;
  const int64_t columns = a_transposed ? wide_columns : narrow_columns;
  const int64_t depth = (a_transposed ? n > narrow_columns : ldb >= wide_row) ? wide_depth : narrow_depth;
  for (int64_t j = 0; j < n; j += columns)
    for (int64_t p = 0; p < k; p += depth)
      if (!multiply_block((int)m, (int)smaller(n - j, columns), (int)smaller(k - p, depth),
                          a_transposed ? a + p * lda : a + p, (int)lda, a_transposed, b + p * ldb + j, (int)ldb, c + j,
                          (int)ldc, p > 0))
        return 0;
  return 1;
}
#elif defined(__aarch64__)
#include <cblas.h>
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

// OpenBLAS has one number of threads for the whole process.
static void stay_alone(void) { openblas_set_num_threads(1); }

static int multiply(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, int a_transposed, const float *b,
                    int64_t ldb, float *c, int64_t ldc) {
  pthread_once(&once, stay_alone);
  cblas_sgemm(CblasRowMajor, a_transposed ? CblasTrans : CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, a, (int)lda, b,
              (int)ldb, 0, c, (int)ldc);
  return 1;
}
#else
static int multiply(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, int a_transposed, const float *b,
                    int64_t ldb, float *c, int64_t ldc) {
  return 0;
}
#endif

int ek_product(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, int a_transposed, const float *b,
               int64_t ldb, float *c, int64_t ldc) {
  if (multiply(m, n, k, a, lda, a_transposed, b, ldb, c, ldc)) return 0;
  int before = ek_begin_alone();
  int status = dnnl_sgemm(a_transposed ? 'T' : 'N', 'N', m, n, k, 1, a, lda, b, ldb, 0, c, ldc);
  ek_end_alone(before);
  return status;
}
