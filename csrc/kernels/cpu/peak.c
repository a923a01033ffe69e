/*
** peak.c - how fast multiply-adds can be on this instruction set: what kernels are measured against.
**
** Twelve independent accumulators hide the latency of two multiply-add units (4 cycles each) and,
** with two constants, fit into the 16 registers of SSE and AVX2. The results are stored, so that
** nothing is optimised away. Without FMA (baseline) a multiply and an add count the same two.
*/
#include "kernels/cpu/cpu.h"

#define ACCUMULATORS 12

typedef struct {
  int64_t iterations;
  float *sums; /* one an item */
} fma_job;

static void fma_task (void *context, int64_t item, int worker) {
  (void)worker;
  const fma_job *job = context;
  /* Read from memory, so that the compiler cannot fold them; the fixed point of x a + b is 1. */
  volatile float factor = 0.5f, shift = 0.5f;
  const float a = factor, b = shift;
  vec x[ACCUMULATORS], va = { 0 }, vb = { 0 };
  va += a;
  vb += b;
  for (int k = 0; k < ACCUMULATORS; k++)
    x[k] = vb * (float)k;
  for (int64_t i = 0; i < job->iterations; i++)
    for (int k = 0; k < ACCUMULATORS; k++)
      x[k] = x[k] * va + vb;
  for (int k = 1; k < ACCUMULATORS; k++)
    x[0] += x[k];
  job->sums[item] = sum_lanes(x[0]);
}

fx_status fxcpu_fma_loop (const fx_kernel_fma_loop *a) {
  fma_job job = { a->iterations, new_floats(a->items) };
  if (!job.sums)
    return FX_ENOMEM;
  fx_parallel(a->items, fma_task, &job);
  fx_free(job.sums);
  *a->flop = 2.0 * LANES * ACCUMULATORS * (double)a->iterations * (double)a->items;
  return FX_OK;
}
