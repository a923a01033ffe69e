/*
** ref.h - what the reference kernels share: every number is read as double and rounded once, when
** it is stored. Naive loops, no threads: these files are the meaning of the library.
*/
#ifndef FX_REF_H
#define FX_REF_H

#include "kernels/kernels.h"

/* Element i of a tensor as double; f32 and f64 only. */
static inline double load (const fx_tensor *t, int64_t i) {
  return t->dtype == FX_F64 ? ((const double *)t->data)[i] : (double)((const float *)t->data)[i];
}

static inline void store (fx_tensor *t, int64_t i, double v) {
  if (t->dtype == FX_F64)
    ((double *)t->data)[i] = v;
  else
    ((float *)t->data)[i] = (float)v;
}

/* Where element i of `full` lies in `small`, whose axes, aligned at the right, have size 1 or that
** of `full`. */
static inline int64_t broadcast_index (const fx_tensor *full, int64_t i, const fx_tensor *small) {
  int64_t index = 0, stride = 1;
  for (int a = 1; a <= full->ndim; a++) {
    const int64_t size = full->shape[full->ndim - a], coordinate = i % size;
    i /= size;
    if (a > small->ndim)
      break;
    const int64_t own = small->shape[small->ndim - a];
    index += own == 1 ? 0 : coordinate * stride;
    stride *= own;
  }
  return index;
}

/* Product of the sizes of axes first .. last-1. */
static inline int64_t extent (const fx_tensor *t, int first, int last) {
  int64_t n = 1;
  for (int a = first; a < last; a++)
    n *= t->shape[a];
  return n;
}

/* What dropout multiplies number `index` of sample `sample` by: 0 or 1/(1-p). */
static inline double dropout_factor (fx_rng key, double p, int64_t sample, int64_t index) {
  float u;
  key.sample += (uint32_t)sample;
  fx_rng_uniform(key, (uint64_t)index, 1, &u);
  return u >= (float)p ? 1 / (1 - p) : 0; /* u is a float: so is p */
}

#define KERNEL(name, ref, cpu, cuda) fx_status fxref_##name(const fx_kernel_##name *a);
#include "kernels.def"

#endif
