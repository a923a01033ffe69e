/*
** mask.h - dropout's mask, many numbers at a time.
**
** The numbers are those of fx_rng_uniform (base/rng.h), bit for bit: Philox's ten rounds on BLOCKS
** counters side by side, which compilers turn into vectors.
*/
#ifndef FX_CPU_MASK_H
#define FX_CPU_MASK_H

#include "base/rng.h"
#include "kernels/cpu/cpu.h"

/* y[i] = x[i] / (1-p) where uniform(key, first + i) >= p, else 0 x[i], for i < n; y may be x. */
void fxcpu_masked(fx_rng key, double p, int64_t first, int64_t n, const float *x, float *y)
    FXCPU_SYMBOL(masked);

#endif
