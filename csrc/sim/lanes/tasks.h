/*
** tasks.h - what the files of this folder share. The folder is compiled once for each precision
** (FXSIM_REAL = double, float) and instruction set (FXSIM_ISA = baseline, avx2) and sim/arithmetic.c
** picks one at run time: one source, no #ifdef for either.
**
** A function is written fxsim_name; what the linker sees is fxsim_REAL_ISA_name, as FXSIM_SYMBOL at the
** prototype says (base/symbol.h). Without fused multiply-add on purpose: all instruction sets then give
** the same bits, and a study does not depend on which machine of a cluster it ran on.
**
** Everything here is fx_real, numbers that are the same for a whole step too: made in double, rounded
** once.
*/
#ifndef FXSIM_TASKS_H
#define FXSIM_TASKS_H

#include <string.h>

#include "base/symbol.h"
#include "sim/flow_state.h"
#include "sim/lanes/lanes.h"

#define FXSIM_SYMBOL(name) FX_SYMBOL("fxsim_" FX_TEXT(FXSIM_REAL) "_" FX_TEXT(FXSIM_ISA) "_" #name)

/* The two loops of flow_state.h over a fx_flow_job. */
void fxsim_columns(void *job, int64_t item, int worker) FXSIM_SYMBOL(columns);
void fxsim_rows(void *job, int64_t item, int worker) FXSIM_SYMBOL(rows);

#define INLINE static inline __attribute__((always_inline))
#define AT(p) (*(fx_vec *)(p))
#define GET(p) (*(const fx_vec *)(p))

INLINE fx_real *reals (fx_reals *x) { return (fx_real *)x; }

INLINE fx_real *scratch_of (const fx_flow *flow, int worker, int number) {
  return reals(flow->scratch) + (worker * flow->blocks + number) * flow->block * FX_LANE_BLOCK;
}

/* Numbers in a slot of mid. */
INLINE int64_t slot_size (const fx_flow *flow) {
  return flow->row_items * flow->padded * FX_LANE_BLOCK;
}

#endif
