/*
** past.h - stores that pass the caches by.
**
** A store of part of a line first reads the line from memory. Where whole lines are written that will have
** left the caches before anyone reads them, half of that traffic is for nothing, and it is traffic that a
** large map waits for. AVX2, where two stores fill a line, and AVX-512, where one does, have them;
** elsewhere they are plain stores.
*/
#ifndef FX_CPU_PAST_H
#define FX_CPU_PAST_H

#include "kernels/cpu/cpu.h"

/* Floats of a result from which on it pays: 4 MiB, no less than the second-level caches of two threads. */
#define PAST_FLOATS ((int64_t)1 << 20)

/* Whether a result of `count` floats, written in runs of whole lines of `width` floats, goes past the caches. */
static inline bool past_pays (const float *y, int64_t count, int64_t width) {
#ifdef __AVX2__
  return count >= PAST_FLOATS && width % LINE == 0 && (uintptr_t)y % (LINE * sizeof *y) == 0;
#else
  (void)y, (void)count, (void)width;
  return false;
#endif
}

/* x[0 .. LANES-1] = v, x at a multiple of a vector's size. The rest of the line is to follow at once. */
static inline void store_past (float *x, vec v) {
#if defined(__AVX2__) && defined(__clang__)
  __builtin_nontemporal_store(v, (vec *)x);
#elif defined(__AVX512F__)
  __builtin_ia32_movntps512(x, v);
#elif defined(__AVX2__)
  __builtin_ia32_movntps256(x, v);
#else
  store(x, v);
#endif
}

/* Before another thread may read what was stored past the caches. */
static inline void past_done (void) {
#ifdef __AVX2__
  __builtin_ia32_sfence();
#endif
}

#endif
