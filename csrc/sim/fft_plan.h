/* fft_plan.h - what a one-dimensional plan holds. Private to the fft*.c files. */
#ifndef FX_FFT_PLAN_H
#define FX_FFT_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "sim/fft.h"

#define FX_FFT_MAX_PASSES 16 /* 3^10 < 65536 < 4^9, so 16 is ample */

typedef struct {
  int radix;           /* 2, 3, 4 or 5                                       */
  int64_t m;           /* length before the pass / radix                     */
  int64_t stride;      /* product of the radices before                      */
  const double *turns; /* (m, radix-1) complex: exp(-2 pi i j p / (m radix)) */
} fx_fft_pass;

struct fx_fft {
  int64_t n;
  int passes;
  fx_fft_pass pass[FX_FFT_MAX_PASSES];
  double *turns; /* owned: those of all passes, one after the other */
  double *(*run)(const fx_fft *plan, int inverse, double *data, double *work);
};

/* The two compilations of fft_passes.h. The second may run only where fx_fft_has_avx2() is true. */
double *fx_fft_run_base(const fx_fft *plan, int inverse, double *data, double *work);
double *fx_fft_run_avx2(const fx_fft *plan, int inverse, double *data, double *work);
int fx_fft_has_avx2(void);

#endif
