/*
** loss.c - mean losses. Each chunk is summed in double; the chunks are added in order.
*/
#include <math.h>

#include "kernels/cpu/cpu.h"

#define STEP 16 /* partial sums side by side, so that the loop vectorises */

typedef struct {
  fx_loss_kind kind;
  float delta, scale;
  int64_t count;
  const float *a, *b;
  double *partial;
  float *dx;
} loss_job;

static inline float loss_of (fx_loss_kind kind, float delta, float d) {
  const float r = fabsf(d);
  switch (kind) {
  case FX_LOSS_L1: return r;
  case FX_LOSS_MSE: return d * d;
  default: return r <= delta ? 0.5f * d * d : delta * (r - 0.5f * delta);
  }
}

static inline float slope_of (fx_loss_kind kind, float delta, float d) {
  switch (kind) {
  case FX_LOSS_L1: return d > 0.0f ? 1.0f : d < 0.0f ? -1.0f : 0.0f * d;
  case FX_LOSS_MSE: return 2.0f * d;
  default: return d > delta ? delta : d < -delta ? -delta : d;
  }
}

/* Inlined with a constant kind. */
static inline __attribute__((always_inline)) double
sum_losses (fx_loss_kind kind, float delta, int64_t n, const float *a, const float *b) {
  double sums[STEP] = { 0 }, sum = 0.0;
  int64_t i = 0;
  for (; i + STEP <= n; i += STEP) {
    float values[STEP];
    for (int l = 0; l < STEP; l++)
      values[l] = loss_of(kind, delta, a[i + l] - b[i + l]);
    for (int l = 0; l < STEP; l++)
      sums[l] += values[l];
  }
  for (; i < n; i++)
    sum += loss_of(kind, delta, a[i] - b[i]);
  for (int l = 0; l < STEP; l++)
    sum += sums[l];
  return sum;
}

static void forward_task (void *context, int64_t item, int worker) {
  (void)worker;
  const loss_job *job = context;
  const int64_t first = item * FXCPU_CHUNK, n = smaller(job->count - first, FXCPU_CHUNK);
  const float *a = job->a + first, *b = job->b + first;
  switch (job->kind) {
  case FX_LOSS_L1: job->partial[item] = sum_losses(FX_LOSS_L1, 0.0f, n, a, b); break;
  case FX_LOSS_MSE: job->partial[item] = sum_losses(FX_LOSS_MSE, 0.0f, n, a, b); break;
  case FX_LOSS_HUBER: job->partial[item] = sum_losses(FX_LOSS_HUBER, job->delta, n, a, b); break;
  }
}

static inline __attribute__((always_inline)) void fill_slopes (fx_loss_kind kind, float delta,
                                                               float scale, int64_t n,
                                                               const float *a, const float *b,
                                                               float *dx) {
  for (int64_t i = 0; i < n; i++)
    dx[i] = scale * slope_of(kind, delta, a[i] - b[i]);
}

static void backward_task (void *context, int64_t item, int worker) {
  (void)worker;
  const loss_job *job = context;
  const int64_t first = item * FXCPU_CHUNK, n = smaller(job->count - first, FXCPU_CHUNK);
  const float *a = job->a + first, *b = job->b + first;
  float *dx = job->dx + first;
  switch (job->kind) {
  case FX_LOSS_L1: fill_slopes(FX_LOSS_L1, 0.0f, job->scale, n, a, b, dx); break;
  case FX_LOSS_MSE: fill_slopes(FX_LOSS_MSE, 0.0f, job->scale, n, a, b, dx); break;
  case FX_LOSS_HUBER: fill_slopes(FX_LOSS_HUBER, job->delta, job->scale, n, a, b, dx); break;
  }
}

fx_status fxcpu_loss_forward (const fx_kernel_loss_forward *a) {
  loss_job job = { .kind = a->kind,
                   .delta = (float)a->delta,
                   .count = fx_tensor_count(a->a),
                   .a = fx_f32(a->a),
                   .b = fx_f32(a->b) };
  double sum = 0.0;
  if (!(job.partial = new_doubles(chunks(job.count))))
    return FX_ENOMEM;
  fx_parallel(chunks(job.count), forward_task, &job);
  for (int64_t i = 0; i < chunks(job.count); i++)
    sum += job.partial[i];
  *fx_f32(a->y) = (float)(sum / (double)job.count);
  fx_free(job.partial);
  return FX_OK;
}

fx_status fxcpu_loss_backward (const fx_kernel_loss_backward *a) {
  loss_job job = { .kind = a->kind,
                   .delta = (float)a->delta,
                   .count = fx_tensor_count(a->a),
                   .a = fx_f32(a->a),
                   .b = fx_f32(a->b),
                   .dx = fx_f32(a->dx) };
  job.scale = (float)((double)*fx_f32(a->dy) / (double)job.count);
  fx_parallel(chunks(job.count), backward_task, &job);
  return FX_OK;
}
