/*
** layer_norm.c - normalisation of rows. An item is a group of rows of about FXCPU_CHUNK numbers;
** its statistics are exact to the last bit of a float, and its share of dw and db is kept apart and
** added in order.
*/
#include "kernels/cpu/layer_norm.h"

#include <string.h>

typedef struct {
  int64_t rows, c, group; /* rows of an item */
  double eps;
  const float *x, *w, *b, *dy;
  float *y, *mean, *rstd; /* y: or dx */
  double *partial;        /* dw and db of an item, 2C; NULL if not asked for */
} rows_job;

static void rows_start (rows_job *job, const fx_tensor *x) {
  job->c = last_dim(x);
  job->rows = job->c ? fx_tensor_count(x) / job->c : 0;
  job->group = larger(1, FXCPU_CHUNK / larger(1, job->c));
  job->x = fx_f32(x);
}

static void forward_row (const rows_job *job, int64_t row) {
  const int64_t c = job->c;
  const float *x = job->x + row * c;
  const row_moments m = moments_of_row(c, x, job->eps);
  job->mean[row] = m.mean;
  job->rstd[row] = m.rstd;
  normalise(c, x, m, job->w, job->b, job->y + row * c);
}

static void forward_task (void *context, int64_t item, int worker) {
  (void)worker;
  const rows_job *job = context;
  for (int64_t r = item * job->group; r < smaller(job->rows, (item + 1) * job->group); r++)
    forward_row(job, r);
}

fx_status fxcpu_layer_norm_forward (const fx_kernel_layer_norm_forward *a) {
  rows_job job = { .eps = a->eps,
                   .w = fx_f32(a->w),
                   .b = a->b ? fx_f32(a->b) : NULL,
                   .y = fx_f32(a->y),
                   .mean = fx_f32(a->mean),
                   .rstd = fx_f32(a->rstd) };
  rows_start(&job, a->x);
  fx_parallel(ceil_div(job.rows, job.group), forward_task, &job);
  return FX_OK;
}

static void add_shares (const rows_job *job, int64_t row, double *dw) {
  const int64_t c = job->c;
  const float *x = job->x + row * c, *dy = job->dy + row * c;
  const float mean = job->mean[row];
  const double rstd = job->rstd[row];
  double *restrict to_w = dw, *restrict to_b = dw + c;
  for (int64_t i = 0; i < c; i++) {
    to_w[i] += dy[i] * ((x[i] - mean) * rstd);
    to_b[i] += dy[i];
  }
}

/* The scratch row for xhat lies behind the sums of the item. */
static void backward_task (void *context, int64_t item, int worker) {
  (void)worker;
  const rows_job *job = context;
  double *sums = job->partial + item * 3 * job->c;
  memset(sums, 0, (size_t)(2 * job->c) * sizeof *sums);
  for (int64_t r = item * job->group; r < smaller(job->rows, (item + 1) * job->group); r++) {
    if (job->y)
      normalise_backward(job->c, job->x + r * job->c, job->mean[r], job->rstd[r], job->w,
                         job->dy + r * job->c, (float *)(sums + 2 * job->c), job->y + r * job->c);
    add_shares(job, r, sums);
  }
}

fx_status fxcpu_layer_norm_backward (const fx_kernel_layer_norm_backward *a) {
  rows_job job = { .w = fx_f32(a->w),
                   .dy = fx_f32(a->dy),
                   .mean = fx_f32(a->mean),
                   .rstd = fx_f32(a->rstd),
                   .y = a->dx ? fx_f32(a->dx) : NULL };
  rows_start(&job, a->x);
  const int64_t items = ceil_div(job.rows, job.group), c = job.c;
  if (!(job.partial = new_doubles(items * 3 * c)))
    return FX_ENOMEM;
  fx_parallel(items, backward_task, &job);
  for (int64_t i = 0; i < 2 * c; i++) {
    fx_tensor *to = i < c ? a->dw : a->db;
    double sum = 0.0;
    for (int64_t item = 0; item < items; item++)
      sum += job.partial[item * 3 * c + i];
    if (to)
      fx_f32(to)[i % c] = (float)sum;
  }
  fx_free(job.partial);
  return FX_OK;
}
