/*
** optim.c - optimiser steps, each one pass over parameter, moments and average together.
**
** The scalars of a step are worked out in double once; the elements are updated in float. The
** build's -fno-math-errno makes sqrt an instruction and lets Adam's loop vectorise.
*/
#include <math.h>

#include "kernels/cpu/sums.h"

/* --- Adam, AdamW ------------------------------------------------------------------------------ */

typedef struct {
  int64_t count;
  float *p, *m, *v, *average;
  const float *g;
  float grad_scale, l2, shrink;     /* decay added to g, and p's factor if decoupled */
  float beta1, rest1, beta2, rest2; /* b and 1 - b, each rounded once */
  float rate, root, eps;            /* lr / (1 - b1^step), 1 / sqrt(1 - b2^step) */
  float drift;                      /* 1 - ema_decay */
} step_job;

static void adam_chunk (const step_job *s, int64_t n, float *restrict p, float *restrict m,
                        float *restrict v, const float *restrict grad) {
  const float scale = s->grad_scale, l2 = s->l2, shrink = s->shrink, rate = s->rate;
  const float beta1 = s->beta1, rest1 = s->rest1, beta2 = s->beta2, rest2 = s->rest2;
  const float root = s->root, eps = s->eps;
  for (int64_t i = 0; i < n; i++) {
    const float g = scale * grad[i] + l2 * p[i];
    m[i] = beta1 * m[i] + rest1 * g;
    v[i] = beta2 * v[i] + rest2 * g * g;
    p[i] = shrink * p[i] - rate * m[i] / (__builtin_sqrtf(v[i]) * root + eps);
  }
}

static void lion_chunk (const step_job *s, int64_t n, float *restrict p, float *restrict m,
                        const float *restrict grad) {
  const float scale = s->grad_scale, shrink = s->shrink, rate = s->rate;
  const float beta1 = s->beta1, rest1 = s->rest1, beta2 = s->beta2, rest2 = s->rest2;
  for (int64_t i = 0; i < n; i++) {
    const float g = scale * grad[i], u = beta1 * m[i] + rest1 * g;
    const float step = u > 0.0f ? rate : u < 0.0f ? -rate : 0.0f * u; /* NaN stays */
    p[i] = shrink * p[i] - step;
    m[i] = beta2 * m[i] + rest2 * g;
  }
}

static void ema_chunk (float drift, int64_t n, const float *restrict p, float *restrict average) {
  for (int64_t i = 0; i < n; i++)
    average[i] -= drift * (average[i] - p[i]);
}

#define PIECE 2048 /* the five arrays of a piece stay in L1 between step and average */

static void step_task (void *context, int64_t item, int worker) {
  (void)worker;
  const step_job *s = context;
  const int64_t end = smaller(s->count, (item + 1) * FXCPU_CHUNK);
  for (int64_t i = item * FXCPU_CHUNK; i < end; i += PIECE) {
    const int64_t n = smaller(end - i, PIECE);
    if (s->v)
      adam_chunk(s, n, s->p + i, s->m + i, s->v + i, s->g + i);
    else if (s->m)
      lion_chunk(s, n, s->p + i, s->m + i, s->g + i);
    if (s->average)
      ema_chunk(s->drift, n, s->p + i, s->average + i);
  }
}

fx_status fxcpu_adam (const fx_kernel_adam *a) {
  step_job s = { .count = fx_tensor_count(a->p),
                 .p = fx_f32(a->p),
                 .m = fx_f32(a->m),
                 .v = fx_f32(a->v),
                 .g = fx_f32(a->g) };
  s.average = a->average ? fx_f32(a->average) : NULL;
  s.grad_scale = (float)a->grad_scale;
  s.l2 = a->decoupled ? 0.0f : (float)a->decay;
  s.shrink = a->decoupled ? (float)(1.0 - a->lr * a->decay) : 1.0f;
  s.beta1 = (float)a->beta1;
  s.rest1 = (float)(1.0 - a->beta1);
  s.beta2 = (float)a->beta2;
  s.rest2 = (float)(1.0 - a->beta2);
  s.rate = (float)(a->lr / (1.0 - pow(a->beta1, (double)a->step)));
  s.root = (float)(1.0 / sqrt(1.0 - pow(a->beta2, (double)a->step)));
  s.eps = (float)a->eps;
  s.drift = (float)(1.0 - a->ema_decay);
  fx_parallel(chunks(s.count), step_task, &s);
  return FX_OK;
}

fx_status fxcpu_lion (const fx_kernel_lion *a) {
  step_job s = {
    .count = fx_tensor_count(a->p), .p = fx_f32(a->p), .m = fx_f32(a->m), .g = fx_f32(a->g)
  };
  s.average = a->average ? fx_f32(a->average) : NULL;
  s.grad_scale = (float)a->grad_scale;
  s.shrink = (float)(1.0 - a->lr * a->decay);
  s.beta1 = (float)a->beta1;
  s.rest1 = (float)(1.0 - a->beta1);
  s.beta2 = (float)a->beta2;
  s.rest2 = (float)(1.0 - a->beta2);
  s.rate = (float)a->lr;
  s.drift = (float)(1.0 - a->ema_decay);
  fx_parallel(chunks(s.count), step_task, &s);
  return FX_OK;
}

fx_status fxcpu_ema (const fx_kernel_ema *a) {
  step_job s = { .count = fx_tensor_count(a->p),
                 .p = fx_f32(a->p),
                 .average = fx_f32(a->average),
                 .drift = (float)(1.0 - a->ema_decay) };
  fx_parallel(chunks(s.count), step_task, &s);
  return FX_OK;
}

/* --- sums of gradients ------------------------------------------------------------------------ */

typedef struct {
  int64_t count;
  float scale;
  const float *x;
  float *y;
  double *partial;
} array_job;

static void add_task (void *context, int64_t item, int worker) {
  (void)worker;
  const array_job *job = context;
  const int64_t first = item * FXCPU_CHUNK, n = smaller(job->count - first, FXCPU_CHUNK);
  const float *x = job->x + first;
  float *y = job->y + first;
  for (int64_t i = 0; i < n; i++)
    y[i] += job->scale * x[i];
}

fx_status fxcpu_add_scaled (const fx_kernel_add_scaled *a) {
  array_job job = { fx_tensor_count(a->y), (float)a->scale, fx_f32(a->x), fx_f32(a->y), NULL };
  fx_parallel(chunks(job.count), add_task, &job);
  return FX_OK;
}

static void squares_task (void *context, int64_t item, int worker) {
  (void)worker;
  const array_job *job = context;
  const int64_t first = item * FXCPU_CHUNK, n = smaller(job->count - first, FXCPU_CHUNK);
  job->partial[item] = sum_of_products(n, job->x + first, job->x + first);
}

fx_status fxcpu_sum_squares (const fx_kernel_sum_squares *a) {
  array_job job = { fx_tensor_count(a->x), 0.0f, fx_f32(a->x), NULL, NULL };
  if (!(job.partial = new_doubles(chunks(job.count))))
    return FX_ENOMEM;
  fx_parallel(chunks(job.count), squares_task, &job);
  *a->sum = 0.0;
  for (int64_t i = 0; i < chunks(job.count); i++)
    *a->sum += job.partial[i];
  fx_free(job.partial);
  return FX_OK;
}
