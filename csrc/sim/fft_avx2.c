/*
** fft_avx2.c - the butterflies of fft_passes.h for x86 processors with AVX2, chosen at run time.
** Without fused multiply-add on purpose: the two versions then give the same bits, and a study does
** not depend on which machine of a cluster it ran on.
** (A build with -march that has FMA needs -ffp-contract=off for the same, as base/rng.c does.)
*/
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("avx2,no-fma")
#define HAVE_AVX2_BUILD 1
#endif

#include "sim/fft_passes.h"

int fx_fft_has_avx2 (void) {
#ifdef HAVE_AVX2_BUILD
  return __builtin_cpu_supports("avx2") ? 1 : 0;
#else
  return 0;
#endif
}

double *fx_fft_run_avx2 (const fx_fft *plan, int inverse, double *data, double *work) {
  return run_all(plan, inverse, data, work);
}
