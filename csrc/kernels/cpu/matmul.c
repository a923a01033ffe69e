/*
** matmul.c - products of matrices; linear layers are linear.c's.
**
** Two rounds: B is packed into panels, one item a panel; then rows of the result, SLICE at a time,
** are one item each. A slice never straddles two samples, so that with OpenBLAS too - which takes
** different code for different sizes - a sample's numbers are its own.
**
** OpenBLAS computes only in the build for plain processors (see gemm.c).
*/
#include "kernels/blas.h"
#include "kernels/cpu/gemm.h"

#define USE_BLAS (LANES == 4)
#define SLICE 64

typedef struct {
  bool transpose_a, transpose_b;
  int64_t batch, m, n, k;
  const float *a, *b;
  int64_t step_a, step_b; /* from one product's matrix to the next; step_b 0: shared */
  float *c;
  int64_t slices; /* of the rows of one product */
  float *panels;  /* b packed, if the tiles compute */
} product_job;

static void pack_task (void *context, int64_t item, int worker) {
  (void)worker;
  const product_job *job = context;
  const int64_t count = panel_count(job->n), which = item / count;
  const int64_t first = item % count * TILE_COLS, width = smaller(job->n - first, TILE_COLS);
  const float *b = job->b + which * job->step_b;
  float *to = job->panels + which * panels_size(job->k, job->n) + first * job->k;
  if (job->transpose_b)
    fxcpu_pack_panel(job->k, width, b + first * job->k, 1, job->k, to);
  else
    fxcpu_pack_panel(job->k, width, b + first, job->n, 1, to);
}

static void slice_task (void *context, int64_t item, int worker) {
  (void)worker;
  const product_job *job = context;
  const int64_t which = item / job->slices, first = item % job->slices * SLICE;
  const int64_t rows = smaller(job->m - first, SLICE);
  const int64_t lda = job->transpose_a ? job->m : job->k;
  const float *a = job->a + which * job->step_a + (job->transpose_a ? first : first * lda);
  float *c = job->c + (which * job->m + first) * job->n;
  if (!job->panels)
    fx_sgemm(job->transpose_a, job->transpose_b, rows, job->n, job->k, 1.0f, a, lda,
             job->b + which * job->step_b, job->transpose_b ? job->k : job->n, 0.0f, c, job->n);
  else
    fxcpu_product(job->transpose_a, rows, job->n, job->k, a, lda,
                  job->panels + (job->step_b ? which * panels_size(job->k, job->n) : 0), false, c,
                  job->n);
}

static fx_status run_products (product_job *job) {
  const int64_t matrices = job->step_b ? job->batch : 1;
  if (job->batch * job->m * job->n == 0)
    return FX_OK;
  if (USE_BLAS) {
    fx_blas_start();
  } else {
    if (!(job->panels = new_floats(matrices * panels_size(job->k, job->n))))
      return FX_ENOMEM;
    fx_parallel(matrices * panel_count(job->n), pack_task, job);
  }
  job->slices = ceil_div(job->m, SLICE);
  fx_parallel(job->batch * job->slices, slice_task, job);
  fx_free(job->panels);
  return FX_OK;
}

fx_status fxcpu_matmul (const fx_kernel_matmul *a) {
  const int last = a->y->ndim - 1, ta = a->transpose_a;
  product_job job = { .transpose_a = a->transpose_a,
                      .transpose_b = a->transpose_b,
                      .m = a->y->shape[last - 1],
                      .n = a->y->shape[last],
                      .k = a->a->shape[a->a->ndim - (ta ? 2 : 1)],
                      .a = fx_f32(a->a),
                      .b = fx_f32(a->b),
                      .c = fx_f32(a->y) };
  job.batch = 1;
  for (int i = 0; i < last - 1; i++)
    job.batch *= a->y->shape[i];
  job.step_a = job.m * job.k;
  job.step_b = a->b->ndim > 2 ? job.k * job.n : 0;
  return run_products(&job);
}
