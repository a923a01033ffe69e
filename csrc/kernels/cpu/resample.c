/*
** resample.c - pixels repeated in blocks, and blocks summed; an item is a row of the small image.
*/
#include <string.h>

#include "kernels/cpu/cpu.h"

typedef struct {
  int64_t width, c, factor; /* of the small image */
  float scale;
  const float *x;
  float *y;
} blocks_job;

static void repeat_task (void *context, int64_t item, int worker) {
  (void)worker;
  const blocks_job *job = context;
  const int64_t c = job->c, row = job->width * job->factor * c;
  const float *x = job->x + item * job->width * c;
  float *y = job->y + item * job->factor * row, *to = y;
  for (int64_t j = 0; j < job->width; j++, x += c)
    for (int64_t r = 0; r < job->factor; r++, to += c)
      for (int64_t i = 0; i < c; i++)
        to[i] = job->scale * x[i];
  for (int64_t r = 1; r < job->factor; r++)
    memcpy(y + r * row, y, (size_t)row * sizeof *y);
}

static void sum_task (void *context, int64_t item, int worker) {
  (void)worker;
  const blocks_job *job = context;
  const int64_t c = job->c, f = job->factor, row = job->width * f * c;
  for (int64_t j = 0; j < job->width; j++) {
    float *y = job->y + (item * job->width + j) * c;
    const float *block = job->x + item * f * row + j * f * c;
    memcpy(y, block, (size_t)c * sizeof *y);
    for (int64_t p = 1; p < f * f; p++) {
      const float *x = block + p / f * row + p % f * c;
      for (int64_t i = 0; i < c; i++)
        y[i] += x[i];
    }
    for (int64_t i = 0; i < c; i++)
      y[i] *= job->scale;
  }
}

fx_status fxcpu_repeat_blocks (const fx_kernel_repeat_blocks *a) {
  const int64_t *s = a->x->shape;
  blocks_job job = { s[2], s[3], a->factor, (float)a->scale, fx_f32(a->x), fx_f32(a->y) };
  fx_parallel(s[0] * s[1], repeat_task, &job);
  return FX_OK;
}

fx_status fxcpu_sum_blocks (const fx_kernel_sum_blocks *a) {
  const int64_t *s = a->y->shape;
  blocks_job job = { s[2], s[3], a->factor, (float)a->scale, fx_f32(a->x), fx_f32(a->y) };
  fx_parallel(s[0] * s[1], sum_task, &job);
  return FX_OK;
}
