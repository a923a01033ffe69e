/*
** embed.c - dropout. Items are chunks of one sample; a number's mask comes from its place in the
** sample alone, so nothing else need be said about threads and batches.
*/
#include "kernels/cpu/cpu.h"

typedef struct {
  const fx_kernel_dropout *a;
  int64_t size, pieces; /* elements and chunks of a sample */
} dropout_job;

#define DRAWN 1024 /* uniforms at a time, a multiple of the generator's block of 4 */

static void dropout_task (void *context, int64_t item, int worker) {
  (void)worker;
  const dropout_job *job = context;
  const int64_t sample = item / job->pieces, begin = item % job->pieces * FXCPU_CHUNK;
  const int64_t end = smaller(job->size, begin + FXCPU_CHUNK);
  const float p = (float)job->a->p, scale = (float)(1.0 / (1.0 - job->a->p));
  const float *x = fx_f32(job->a->x) + sample * job->size;
  float *y = fx_f32(job->a->y) + sample * job->size, uniform[DRAWN];
  fx_rng key = job->a->key;
  key.sample += (uint32_t)sample;
  for (int64_t first = begin; first < end; first += DRAWN) {
    const int64_t n = smaller(end - first, DRAWN);
    fx_rng_uniform(key, (uint64_t)first, n, uniform);
    for (int64_t i = 0; i < n; i++)
      y[first + i] = uniform[i] >= p ? x[first + i] * scale : 0.0f;
  }
}

fx_status FXCPU (dropout)(const fx_kernel_dropout *a) {
  const int64_t count = fx_tensor_count(a->x);
  const int64_t samples = a->x->ndim > 0 ? a->x->shape[0] : 1;
  if (count == 0)
    return FX_OK;
  dropout_job job = { a, count / samples, chunks(count / samples) };
  fx_parallel(samples * job.pieces, dropout_task, &job);
  return FX_OK;
}
