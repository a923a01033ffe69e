/*
** residual.h - what a convolution adds to its result: a tensor that may be resampled on the way, and
** one that is not.
*/
#ifndef FX_CPU_RESIDUAL_H
#define FX_CPU_RESIDUAL_H

#include "kernels/cpu/cpu.h"

typedef struct {
  const float *x, *more; /* either may be NULL; `more` has the result's shape */
  fx_resample resample;
  int64_t rows, cols, c; /* of the result */
} residual;

static inline vec resampled_at (const residual *r, int64_t n, int64_t i, int64_t j, int64_t k,
                                int64_t count) {
  const int64_t h = r->rows, w = r->cols, c = r->c;
  if (r->resample == FX_RESAMPLE_DOWN) {
    const float *a = r->x + ((n * 2 * h + 2 * i) * 2 * w + 2 * j) * c + k, *b = a + 2 * w * c;
    return 0.25f * ((load_part(a, count) + load_part(a + c, count)) +
                    (load_part(b, count) + load_part(b + c, count)));
  }
  if (r->resample == FX_RESAMPLE_UP)
    return load_part(r->x + ((n * (h / 2) + i / 2) * (w / 2) + j / 2) * c + k, count);
  return load_part(r->x + ((n * h + i) * w + j) * c + k, count);
}

static inline bool residual_exists (const residual *r) { return r->x || r->more; }

/* Channels k .. k+count-1 of pixel (n,i,j). */
static inline vec residual_at (const residual *r, int64_t n, int64_t i, int64_t j, int64_t k,
                               int64_t count) {
  vec sum = { 0 };
  if (r->x)
    sum = resampled_at(r, n, i, j, k, count);
  if (r->more)
    sum += load_part(r->more + ((n * r->rows + i) * r->cols + j) * r->c + k, count);
  return sum;
}

#endif
