/*
** arithmetic.h - numbers of two precisions, and who computes with them. Private to sim/.
**
** What a time step spends its time in, and nothing else, is written for a type `fx_real` and compiled
** once for each precision and instruction set: the folder sim/lanes, as kernels/cpu is for instruction
** sets. A table of three functions is what the rest sees of it, one table a compilation. The rest of
** sim/ is compiled once, computes in double, and knows stored numbers only through fx_reals_get and
** fx_reals_put, which convert: so time, steps, random numbers, forces, walls and sums over a field are
** double in a flow of either precision, and one text says what they are. (Refused: the whole solver
** twice, since none of that has a reason to be single, and sums have one not to be.)
**
** A precision is FX_F64 or FX_F32.
*/
#ifndef FX_ARITHMETIC_H
#define FX_ARITHMETIC_H

#include "base/thread.h"
#include "sim/fft.h"
#include "tensor/tensor.h"

typedef struct {
  const char *isa; /* instruction set: "baseline", "avx2"        */
  int64_t lanes;   /* numbers side by side: 4 doubles, 8 floats  */
  void *(*fft)(const fx_fft *plan, bool inverse, void *data, void *work); /* fx_fft_lanes */
  fx_task columns, rows; /* of a fx_flow_job (flow_state.h) */
} fx_arithmetic;

/* Those that this processor can run, fastest first, NULL behind the last; all give the same bits. */
const fx_arithmetic *const *fx_arithmetics(fx_dtype precision);

/* An array of doubles or of floats, which only its owner's precision tells. Incomplete, so that nobody
** counts in it. */
typedef struct fx_reals fx_reals;

static inline double fx_reals_get (const fx_reals *x, fx_dtype precision, int64_t i) {
  return precision == FX_F32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static inline void fx_reals_put (fx_reals *x, fx_dtype precision, int64_t i, double value) {
  if (precision == FX_F32)
    ((float *)x)[i] = (float)value;
  else
    ((double *)x)[i] = value;
}

#endif
