/* fft_base.c - the butterflies of fft_passes.h for whatever processor the build is for. */
#include "sim/fft_passes.h"

double *fx_fft_run_base (const fx_fft *plan, int inverse, double *data, double *work) {
  return run_all(plan, inverse, data, work);
}
