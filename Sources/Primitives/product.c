// Products of row-major matrices on the calling thread: by LIBXSMM, which multiplies blocks as they lie, or where there is none for
// this processor, by oneDNN, which copies them first.
#include "onednn.h"
#include "primitives.h"

#if defined(__x86_64__)
#include <libxsmm.h>

// Blocks of b that stay in the second-level cache while the rows of a go over them; where rows are far apart, they fall on the same
// places of it (Documentation/Performance.md).
enum { block_columns = 64, block_depth = 512, wide_depth = 256, wide_row = 512 };

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
  const int64_t depth = ldb < wide_row ? block_depth : wide_depth;
  for (int64_t j = 0; j < n; j += block_columns)
    for (int64_t p = 0; p < k; p += depth)
      if (!multiply_block((int)m, (int)smaller(n - j, block_columns), (int)smaller(k - p, depth),
                          a_transposed ? a + p * lda : a + p, (int)lda, a_transposed, b + p * ldb + j, (int)ldb, c + j,
                          (int)ldc, p > 0))
        return 0;
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
