/* fft_plan.h - what a one-dimensional plan holds. Private to sim/. */
#ifndef FX_FFT_PLAN_H
#define FX_FFT_PLAN_H

#include <stdint.h>

#include "sim/arithmetic.h"

#define FX_FFT_MAX_PASSES 16 /* 3^10 < 65536 < 4^9, so 16 is ample */

typedef struct {
  int radix;      /* 2, 3, 4 or 5, or a prime above 5                   */
  int64_t m;      /* length before the pass / radix                     */
  int64_t stride; /* product of the radices before                      */
  int64_t
      turns; /* where in the plan's they begin: (m, radix-1) complex, exp(-2 pi i j p / (m radix)) */
  int64_t roots; /* of a prime above 5, also there: (radix) complex, exp(-2 pi i t / radix) */
} fx_fft_pass;

struct fx_fft {
  int64_t n;
  fx_dtype precision;
  const fx_arithmetic *arithmetic;
  int passes;
  fx_fft_pass pass[FX_FFT_MAX_PASSES];
  fx_reals *turns; /* owned: those of all passes, one after the other, then roots */
};

#endif
