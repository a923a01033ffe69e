/*
** fft.h - transforms of lane blocks, for the columns and the rows of a step.
*/
#ifndef FXSIM_FFT_H
#define FXSIM_FFT_H

#include "sim/fft_plan.h"
#include "sim/lanes/tasks.h"

/* Transforms lane blocks: fx_fft_lanes of this precision. */
void *fxsim_fft(const fx_fft *plan, bool inverse, void *data, void *work) FXSIM_SYMBOL(fft);

/* Transforms *data, which swaps places with *spare if the result lies there. */
INLINE void transform (const fx_fft *plan, fx_fft_direction direction, fx_real **data,
                       fx_real **spare) {
  fx_real *result = fxsim_fft(plan, direction == FX_FFT_INVERSE, *data, *spare);
  if (result != *data) {
    *spare = *data;
    *data = result;
  }
}

#endif
