/*
** layer_norm.h - normalising one row, for layer_norm and for what a fused linear layer reads.
*/
#ifndef FX_CPU_LAYER_NORM_H
#define FX_CPU_LAYER_NORM_H

#include <math.h>

#include "kernels/cpu/sums.h"

/* A row's mean and reciprocal standard deviation; `rest` is (what rounding the mean lost) rstd. */
typedef struct {
  float mean, rstd, rest;
} row_moments;

static inline row_moments moments_of_row (int64_t c, const float *x, double eps) {
  const double mean = sum_of(c, x) / (double)c;
  const double rstd = 1.0 / sqrt(sum_of_deviations(c, x, mean) / (double)c + eps);
  const float m = (float)mean;
  return (row_moments){ m, (float)rstd, (float)((m - mean) * rstd) };
}

/* y = xhat w + b; b may be NULL, y may be x. x - mean lost what rounding the mean lost: add it again. */
static inline void normalise (int64_t c, const float *x, row_moments m, const float *w,
                              const float *b, float *y) {
  if (!b) {
    STEPS_APART
    for (int64_t i = 0; i < c; i++)
      y[i] = ((x[i] - m.mean) * m.rstd + m.rest) * w[i];
    return;
  }
  STEPS_APART
  for (int64_t i = 0; i < c; i++)
    y[i] = ((x[i] - m.mean) * m.rstd + m.rest) * w[i] + b[i];
}

/* dx = rstd (g - mean(g) - xhat mean(g xhat)), g = dy w. `xhat` is scratch of c numbers; dx may be dy. */
static inline void normalise_backward (int64_t c, const float *x, float mean, float rstd,
                                       const float *w, const float *dy, float *xhat, float *dx) {
  STEPS_APART
  for (int64_t i = 0; i < c; i++) {
    xhat[i] = (x[i] - mean) * rstd;
    dx[i] = dy[i] * w[i];
  }
  const float g = (float)(sum_of(c, dx) / (double)c);
  const float gx = (float)(sum_of_products(c, dx, xhat) / (double)c);
  for (int64_t i = 0; i < c; i++)
    dx[i] = rstd * (dx[i] - g - xhat[i] * gx);
}

#endif
