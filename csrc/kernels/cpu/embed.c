/*
** embed.c - dropout. Items are chunks of one sample; a number's mask comes from its place in the
** sample alone, so nothing else need be said about threads and batches.
*/
#include "kernels/cpu/mask.h"

typedef struct {
  const fx_kernel_dropout *a;
  int64_t size, pieces; /* elements and chunks of a sample */
} dropout_job;

static void dropout_task (void *context, int64_t item, int worker) {
  (void)worker;
  const dropout_job *job = context;
  const int64_t sample = item / job->pieces, begin = item % job->pieces * FXCPU_CHUNK;
  const int64_t end = smaller(job->size, begin + FXCPU_CHUNK);
  const int64_t at = sample * job->size + begin;
  fx_rng key = job->a->key;
  key.sample += (uint32_t)sample;
  fxcpu_masked(key, job->a->p, begin, end - begin, fx_f32(job->a->x) + at, fx_f32(job->a->y) + at);
}

fx_status fxcpu_dropout (const fx_kernel_dropout *a) {
  const int64_t count = fx_tensor_count(a->x);
  const int64_t samples = a->x->ndim > 0 ? a->x->shape[0] : 1;
  if (count == 0)
    return FX_OK;
  dropout_job job = { a, count / samples, chunks(count / samples) };
  fx_parallel(samples * job.pieces, dropout_task, &job);
  return FX_OK;
}
