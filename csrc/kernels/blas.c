/*
** blas.c - a BLAS, most often OpenBLAS, behind one function, or an own product where it cannot be trusted.
**
** Debian 12 ships OpenBLAS 0.3.21, which chooses its code by the processor and knows nothing of
** those that came later: on some it computes wrong products. So before the first product it has to
** agree with plain loops on a few shapes - small and odd ones take other code than large ones -
** which costs less than a millisecond. If it fails, one warning is given and the own product below
** computes from then on. OPENBLAS_CORETYPE is left as the user set it.
**
** OpenBLAS runs single-threaded: its results depend on its number of threads, and ours must not.
** Its OpenMP build takes that number from the OpenMP runtime at every call, where each thread of
** our pool has a setting of its own, all cores at first: so it is set to 1 in every new thread.
** Any other BLAS that the build was given is examined alike, and told the same where it is one of
** those that are known here (MKL, BLIS, FlexiBLAS, and OpenBLAS under the name of libblas); one that
** uses threads and is not known would make results depend on their number.
** Only sgemm is used; the level 1 and 2 functions of this release have known faults. Products with
** m or n below TINY go to the own loops too: there OpenBLAS may switch to gemv by itself.
*/
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include "kernels/blas.h"

#include <cblas.h>
#ifndef FLEXLAB_OPENBLAS
#include <dlfcn.h>
#endif
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "kernels/kernels.h"

#define TINY 4

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool trusted;
static char text[96];

/* --- the own product -------------------------------------------------------------------------- */

#define WIDTH 16 /* columns a pass holds in registers: four SSE vectors */

static inline float at (const float *matrix, int64_t ld, bool transposed, int64_t i, int64_t j) {
  return transposed ? matrix[j * ld + i] : matrix[i * ld + j];
}

/* One row of C, WIDTH columns at a time; columns of B that are missing count as 0. */
static void own_row (bool ta, bool tb, int64_t i, int64_t n, int64_t k, float alpha, const float *a,
                     int64_t lda, const float *b, int64_t ldb, float beta, float *c) {
  for (int64_t j = 0; j < n; j += WIDTH) {
    const int64_t width = n - j < WIDTH ? n - j : WIDTH;
    float sum[WIDTH] = { 0 };
    for (int64_t p = 0; p < k; p++) {
      const float x = at(a, lda, ta, i, p);
      if (!tb && width == WIDTH)
        for (int l = 0; l < WIDTH; l++)
          sum[l] += x * b[p * ldb + j + l];
      else
        for (int64_t l = 0; l < width; l++)
          sum[l] += x * at(b, ldb, tb, p, j + l);
    }
    for (int64_t l = 0; l < width; l++)
      c[j + l] = alpha * sum[l] + (beta == 0.0f ? 0.0f : beta * c[j + l]);
  }
}

static void own_sgemm (bool ta, bool tb, int64_t m, int64_t n, int64_t k, float alpha,
                       const float *a, int64_t lda, const float *b, int64_t ldb, float beta,
                       float *c, int64_t ldc) {
  for (int64_t i = 0; i < m; i++)
    own_row(ta, tb, i, n, k, alpha, a, lda, b, ldb, beta, c + i * ldc);
}

/* --- the examination -------------------------------------------------------------------------- */

#ifdef FLEXLAB_OPENBLAS

static void use_one_thread (void) { openblas_set_num_threads(1); }
static const char *blas_name (void) {
  static char name[64];
  snprintf(name, sizeof name, "OpenBLAS %.50s", openblas_get_corename());
  return name;
}

#else

/* The libraries that have threads, and how each is told to use one. */
static const struct {
  const char *name, *setter;
} known[] = { { "OpenBLAS", "openblas_set_num_threads" },
              { "MKL", "MKL_Set_Num_Threads" },
              { "FlexiBLAS", "flexiblas_set_num_threads" },
              { "BLIS", "bli_thread_set_num_threads" } };

static void use_one_thread (void) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    /* BLIS takes a 64-bit number: a register holds both. */
    void (*set)(int64_t) = (void (*)(int64_t))dlsym(RTLD_DEFAULT, known[i].setter);
    if (set)
      set(1);
  }
}
static const char *blas_name (void) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (dlsym(RTLD_DEFAULT, known[i].setter))
      return known[i].name;
  return "BLAS";
}

#endif

static pthread_mutex_t setting = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local bool alone; /* this thread has told the BLAS to use no others */

static void stay_alone (void) {
  if (alone)
    return;
  pthread_mutex_lock(&setting);
  use_one_thread();
  pthread_mutex_unlock(&setting);
  alone = true;
}

static void blas_sgemm (bool ta, bool tb, int64_t m, int64_t n, int64_t k, float alpha,
                        const float *a, int64_t lda, const float *b, int64_t ldb, float beta,
                        float *c, int64_t ldc) {
  stay_alone();
  cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, (int)m,
              (int)n, (int)k, alpha, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

#define EXAM 67 /* largest side: past every micro-kernel, and odd */

static bool product_is_right (bool ta, bool tb, int64_t m, int64_t n, int64_t k) {
  static float a[EXAM * EXAM], b[EXAM * EXAM], c[EXAM * EXAM], want[EXAM * EXAM];
  for (int i = 0; i < EXAM * EXAM; i++) { /* small integers: every product is exact */
    a[i] = (float)(i * 7 % 11 - 5);
    b[i] = (float)(i * 5 % 13 - 6);
    c[i] = want[i] = (float)(i % 3);
  }
  own_sgemm(ta, tb, m, n, k, 2.0f, a, EXAM, b, EXAM, 1.0f, want, EXAM);
  blas_sgemm(ta, tb, m, n, k, 2.0f, a, EXAM, b, EXAM, 1.0f, c, EXAM);
  return memcmp(c, want, sizeof c) == 0; /* what lies outside of C must be untouched as well */
}

static void examine (void) {
  static const struct {
    int m, n, k;
  } shapes[] = { { 4, 4, 1 },    { 7, 9, 33 },       { 33, 7, 9 },
                 { 64, 32, 48 }, { EXAM, EXAM, 65 }, { 17, EXAM, 5 } };
  trusted = true;
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    for (int t = 0; t < 4; t++)
      trusted = trusted && product_is_right(t & 1, t & 2, shapes[s].m, shapes[s].n, shapes[s].k);
  if (trusted) {
    snprintf(text, sizeof text, "%.60s (checked)", blas_name());
    return;
  }
  snprintf(text, sizeof text, "own (%.40s computed wrong products here)", blas_name());
  fx_warn("%s computes wrong products on this processor: own code is used. "
          "For OpenBLAS, OPENBLAS_CORETYPE=Haswell may help.",
          blas_name());
}

void fx_blas_start (void) { pthread_once(&once, examine); }

const char *fx_blas_text (void) {
  fx_blas_start();
  return text;
}

void fx_sgemm (bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha,
               const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
               int64_t ldc) {
  fx_blas_start();
  if (trusted && m >= TINY && n >= TINY && k >= 1)
    blas_sgemm(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  else
    own_sgemm(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
