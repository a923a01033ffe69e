/*
** reduce.c - sums, their adjoint, and the largest. Sums are gathered in double in a scratch array
** and rounded once.
*/
#include <math.h>

#include "base/alloc.h"
#include "kernels/ref/ref.h"

fx_status fxref_sum_to (const fx_kernel_sum_to *k) {
  const int64_t n = fx_tensor_count(k->x), m = fx_tensor_count(k->y);
  double *sum = fx_calloc((size_t)m, sizeof *sum);
  if (!sum)
    return FX_ENOMEM;
  for (int64_t i = 0; i < n; i++)
    sum[broadcast_index(k->x, i, k->y)] += load(k->x, i);
  for (int64_t j = 0; j < m; j++)
    store(k->y, j, k->scale * sum[j]);
  fx_free(sum);
  return FX_OK;
}

fx_status fxref_expand (const fx_kernel_expand *k) {
  const int64_t n = fx_tensor_count(k->y);
  for (int64_t i = 0; i < n; i++)
    store(k->y, i, k->scale * load(k->x, broadcast_index(k->y, i, k->x)));
  return FX_OK;
}

fx_status fxref_max_forward (const fx_kernel_max_forward *k) {
  const int64_t n = fx_tensor_count(k->x);
  for (int64_t j = 0; j < fx_tensor_count(k->y); j++)
    store(k->y, j, -INFINITY);
  for (int64_t i = 0; i < n; i++) {
    const int64_t j = broadcast_index(k->x, i, k->y);
    const double v = load(k->x, i);
    if (v > load(k->y, j) || v != v)
      store(k->y, j, v);
  }
  return FX_OK;
}

fx_status fxref_max_backward (const fx_kernel_max_backward *k) {
  const int64_t n = fx_tensor_count(k->x), m = fx_tensor_count(k->y);
  int64_t *ties = fx_calloc((size_t)m, sizeof *ties);
  if (!ties)
    return FX_ENOMEM;
  for (int64_t i = 0; i < n; i++) {
    const int64_t j = broadcast_index(k->x, i, k->y);
    ties[j] += load(k->x, i) == load(k->y, j);
  }
  for (int64_t i = 0; i < n; i++) {
    const int64_t j = broadcast_index(k->x, i, k->y);
    const bool largest = load(k->x, i) == load(k->y, j);
    const bool none = isnan(load(k->y, j)); /* then no element is the largest */
    store(k->dx, i, none ? NAN : largest ? load(k->dy, j) / (double)ties[j] : 0);
  }
  fx_free(ties);
  return FX_OK;
}

fx_status fxref_sum_squares (const fx_kernel_sum_squares *k) {
  const int64_t n = fx_tensor_count(k->x);
  double sum = 0;
  for (int64_t i = 0; i < n; i++)
    sum += load(k->x, i) * load(k->x, i);
  *k->sum = sum;
  return FX_OK;
}
