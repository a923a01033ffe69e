/* largest.h - what differences between tensors are measured by. */
#ifndef FX_LARGEST_H
#define FX_LARGEST_H

#include <math.h>

#include "tensor/tensor.h"

/* The largest magnitude in t, NaN aside. */
static inline double largest (const fx_tensor *t) {
  double m = 0;
  for (int64_t i = 0; i < fx_tensor_count(t); i++)
    m = fmax(m, fabs(fx_tensor_get(t, i)));
  return m;
}

#endif
