/*
** matmul.c - products of matrices, and linear layers.
**
** Two rounds: B is packed into panels, one item a panel; then rows of the result, SLICE at a time,
** are one item each. A slice never straddles two samples, so that with OpenBLAS too - which takes
** different code for different sizes - a sample's numbers are its own. In a linear layer of (N,I)
** every row is a sample: dot products, a row at a time, compute it.
**
** OpenBLAS computes only in the build for plain processors (see gemm.c). The gradient for weights
** sums over rows: slices of rows have partial gradients, added in order.
*/
#include <string.h>

#include "kernels/blas.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/sums.h"

#define USE_BLAS (LANES == 4)
#define SLICE 64

typedef struct {
  bool transpose_a, transpose_b;
  int64_t batch, m, n, k;
  const float *a, *b;
  int64_t step_a, step_b; /* from one product's matrix to the next; step_b 0: shared */
  const float *bias;      /* NULL, or added to each row */
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
  if (job->bias)
    for (int64_t i = 0; i < rows; i++, c += job->n)
      for (int64_t j = 0; j < job->n; j++)
        c[j] += job->bias[j];
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

/* --- linear ----------------------------------------------------------------------------------- */

typedef struct {
  int64_t rows, in, out;
  const float *x, *w, *bias;
  float *y;
} dots_job;

#define OUTS 64 /* outputs of a row in one item: 64 x in weights are read by all rows in turn */

static void dots_task (void *context, int64_t item, int worker) {
  (void)worker;
  const dots_job *job = context;
  const int64_t first = item * OUTS, outs = smaller(job->out - first, OUTS);
  for (int64_t i = 0; i < job->rows; i++)
    fxcpu_dots(1, outs, job->in, job->x + i * job->in, job->w + first * job->in,
               job->bias ? job->bias + first : NULL, job->y + i * job->out + first);
}

fx_status fxcpu_linear_forward (const fx_kernel_linear_forward *a) {
  const int64_t rows = fx_tensor_count(a->y) / larger(1, a->w->shape[0]);
  const float *bias = a->b ? fx_f32(a->b) : NULL;
  if (a->x->ndim <= 2) {
    dots_job job = { rows,         a->w->shape[1], a->w->shape[0], fx_f32(a->x),
                     fx_f32(a->w), bias,           fx_f32(a->y) };
    fx_parallel(ceil_div(job.out, OUTS), dots_task, &job);
    return FX_OK;
  }
  product_job job = { .transpose_b = true,
                      .batch = a->x->shape[0],
                      .n = a->w->shape[0],
                      .k = a->w->shape[1],
                      .a = fx_f32(a->x),
                      .b = fx_f32(a->w),
                      .bias = bias,
                      .c = fx_f32(a->y) };
  job.m = rows / larger(1, job.batch);
  job.step_a = job.m * job.k;
  return run_products(&job);
}

fx_status fxcpu_linear_backward_x (const fx_kernel_linear_backward_x *a) {
  product_job job = { .batch = 1,
                      .m = fx_tensor_count(a->dy) / larger(1, a->w->shape[0]),
                      .n = a->w->shape[1],
                      .k = a->w->shape[0],
                      .a = fx_f32(a->dy),
                      .b = fx_f32(a->w),
                      .c = fx_f32(a->dx) };
  return run_products(&job);
}

/* --- gradient for the weights ----------------------------------------------------------------- */

#define MOST_PARTS 8
#define PART_ROWS 256          /* of x at least in a part                */
#define PART_FLOATS (16 << 20) /* 64 MiB of partial gradients altogether */

typedef struct {
  int64_t rows, in, out;
  const float *x, *dy;
  float *dw;
  int64_t parts, part_rows, strips; /* a strip: TILE_COLS columns of dw, one item per part */
  float *partial;                   /* dw itself if there is one part */
  float *panels;                    /* a strip of x packed, for each worker */
} weights_job;

static void weights_task (void *context, int64_t item, int worker) {
  const weights_job *job = context;
  const int64_t part = item / job->strips, first = item % job->strips * TILE_COLS;
  const int64_t begin = part * job->part_rows, rows = smaller(job->rows - begin, job->part_rows);
  const int64_t width = smaller(job->in - first, TILE_COLS);
  float *panel = job->panels + worker * job->part_rows * TILE_COLS;
  fxcpu_pack_panel(rows, width, job->x + begin * job->in + first, job->in, 1, panel);
  fxcpu_product(true, job->out, width, rows, job->dy + begin * job->out, job->out, panel, false,
                job->partial + part * job->out * job->in + first, job->in);
}

static void add_parts_task (void *context, int64_t item, int worker) {
  (void)worker;
  const weights_job *job = context;
  const int64_t size = job->out * job->in, first = item * FXCPU_CHUNK;
  const int64_t n = smaller(size - first, FXCPU_CHUNK);
  float *dw = job->dw + first;
  memcpy(dw, job->partial + first, (size_t)n * sizeof *dw);
  for (int64_t part = 1; part < job->parts; part++)
    for (int64_t i = 0; i < n; i++)
      dw[i] += job->partial[part * size + first + i];
}

static fx_status weights (weights_job *job) {
  const int64_t size = job->out * job->in;
  fx_status st = FX_ENOMEM;
  if (size == 0)
    return FX_OK;
  int64_t parts = smaller(MOST_PARTS, larger(1, PART_FLOATS / size));
  parts = smaller(parts, larger(1, job->rows / PART_ROWS));
  job->part_rows = larger(1, ceil_div(job->rows, parts));
  job->parts = larger(1, ceil_div(job->rows, job->part_rows));
  job->strips = panel_count(job->in);
  job->panels = new_floats(fx_threads() * job->part_rows * TILE_COLS);
  job->partial = job->parts > 1 ? new_floats(job->parts * size) : job->dw;
  if (job->panels && job->partial) {
    fx_parallel(job->parts * job->strips, weights_task, job);
    if (job->parts > 1)
      fx_parallel(chunks(size), add_parts_task, job);
    st = FX_OK;
  }
  if (job->partial != job->dw)
    fx_free(job->partial);
  fx_free(job->panels);
  return st;
}

/* db: sums of dy's columns, in double. */
static fx_status bias_gradient (int64_t rows, int64_t out, const float *dy, float *db) {
  double *sums = fx_calloc((size_t)out, sizeof *sums);
  if (!sums)
    return FX_ENOMEM;
  add_rows(rows, out, out, dy, sums);
  for (int64_t o = 0; o < out; o++)
    db[o] = (float)sums[o];
  fx_free(sums);
  return FX_OK;
}

fx_status fxcpu_linear_backward_w (const fx_kernel_linear_backward_w *a) {
  const int64_t out = last_dim(a->dy), rows = fx_tensor_count(a->dy) / larger(1, out);
  weights_job job = { .rows = rows,
                      .in = last_dim(a->x),
                      .out = out,
                      .x = fx_f32(a->x),
                      .dy = fx_f32(a->dy),
                      .dw = a->dw ? fx_f32(a->dw) : NULL };
  if (a->dw)
    FX_TRY(weights(&job));
  return a->db ? bias_gradient(rows, out, job.dy, fx_f32(a->db)) : FX_OK;
}
