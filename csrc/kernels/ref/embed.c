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
  for (int64_t i = 0; i < fx_tensor_count(k->x); i++) {
    fx_rng key = k->key;
    float u;
    key.sample += (uint32_t)(i / per_sample);
    fx_rng_uniform(key, (uint64_t)(i % per_sample), 1, &u);
    store(k->y, i,
          load(k->x, i) * (u >= (float)k->p ? 1 / (1 - k->p) : 0)); /* u is a float: so is p */
  }
  return FX_OK;
}
