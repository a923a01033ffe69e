/*
** blas.h - matrix products by a BLAS, once it has shown that it can.
*/
#ifndef FX_BLAS_H
#define FX_BLAS_H

#include <stdbool.h>
#include <stdint.h>

/* Finds out, once, which of the two computes. Called by every fx_sgemm; a kernel calls it before
** fx_parallel so that the workers do not wait for each other. Thread-safe. */
void fx_blas_start(void);

/*
** C = alpha op(A) op(B) + beta C, row-major; op(A) is (m,k), op(B) is (k,n); beta = 0 does not read
** C. Runs in the calling thread: whoever wants threads cuts the product by its shape. The bits of
** an element may depend on m and n, but not on the number of threads.
*/
void fx_sgemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha,
              const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
              int64_t ldc);

#endif
