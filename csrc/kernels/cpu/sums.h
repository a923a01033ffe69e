/*
** sums.h - sums of floats in double, LANES partial sums wide, always in the same order.
*/
#ifndef FX_CPU_SUMS_H
#define FX_CPU_SUMS_H

#include "kernels/cpu/cpu.h"

#define HALF (LANES / 2)

static inline double sum_of (int64_t n, const float *x) {
  wide s0 = { 0 }, s1 = { 0 };
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    s0 += load_wide(x + i);
    s1 += load_wide(x + i + HALF);
  }
  double sum = sum_wide(s0 + s1);
  for (; i < n; i++)
    sum += x[i];
  return sum;
}

/* Sum of a[i] b[i]; a may be b. */
static inline double sum_of_products (int64_t n, const float *a, const float *b) {
  wide s0 = { 0 }, s1 = { 0 };
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    s0 += load_wide(a + i) * load_wide(b + i);
    s1 += load_wide(a + i + HALF) * load_wide(b + i + HALF);
  }
  double sum = sum_wide(s0 + s1);
  for (; i < n; i++)
    sum += (double)a[i] * b[i];
  return sum;
}

/* Sum of (x[i] - mean)^2. */
static inline double sum_of_deviations (int64_t n, const float *x, double mean) {
  wide s0 = { 0 }, s1 = { 0 };
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    const wide d0 = load_wide(x + i) - mean, d1 = load_wide(x + i + HALF) - mean;
    s0 += d0 * d0;
    s1 += d1 * d1;
  }
  double sum = sum_wide(s0 + s1);
  for (; i < n; i++)
    sum += (x[i] - mean) * (x[i] - mean);
  return sum;
}

/* sums[c] += a row of x, for each of `rows` rows of n. */
static inline void add_rows (int64_t rows, int64_t n, int64_t pitch, const float *x, double *sums) {
  for (int64_t r = 0; r < rows; r++, x += pitch)
    for (int64_t c = 0; c < n; c++)
      sums[c] += x[c];
}

#endif
