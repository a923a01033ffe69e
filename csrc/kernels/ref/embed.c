/* embed.c - Fourier features of time, and dropout. */
#include <math.h>

#include "kernels/ref/ref.h"

fx_status fxref_fourier (const fx_kernel_fourier *k) {
  const int64_t d = k->freqs->shape[0];
  for (int64_t i = 0; i < fx_tensor_count(k->y); i++) {
    const int64_t c = i % d;
    store(k->y, i, sqrt(2) * cos(load(k->t, i / d) * load(k->freqs, c) + load(k->phases, c)));
  }
  return FX_OK;
}

fx_status fxref_dropout (const fx_kernel_dropout *k) {
  const int64_t per_sample = extent(k->x, 1, k->x->ndim);
  for (int64_t i = 0; i < fx_tensor_count(k->x); i++)
    store(k->y, i, load(k->x, i) * dropout_factor(k->key, k->p, i / per_sample, i % per_sample));
  return FX_OK;
}
