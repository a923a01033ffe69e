/*
** flexlab.h - FlexLab from C, without Lua: everything a program needs, one header a noun.
**
**   cc program.c $(pkg-config --cflags --libs flexlab)
**
** Conventions. Every fallible function returns an fx_status; fx_errmsg() is the sentence that goes
** with it. Results come through the last pointer. *New* is the caller's to release, *borrowed* is not.
** Fields are (N,H,W,C). Nothing prints, exits or jumps. docs/sample.c is a whole program.
*/
#ifndef FLEXLAB_H
#define FLEXLAB_H

#ifdef __cplusplus
#error "flexlab.h is C11; from C++, put what you need behind functions of your own in a .c file"
#endif

/* --- ground: failures, memory, random numbers by address, threads, Ctrl-C, warnings -------------- */
#include "base/alloc.h"
#include "base/each.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/option.h"
#include "base/rng.h"
#include "base/status.h"
#include "base/thread.h"

/* --- tensors, and who computes ------------------------------------------------------------------- */
#include "kernels/kernels.h"
#include "tensor/tensor.h"

/* --- ops and gradients: fx_conv2d(FX_ARGS(conv2d, .x = x, .w = w, .stride = 2), &y) --------------- */
#include "autograd/tape.h"
#include "ops/op.h"

/* --- networks: layers, FLEX, optimisers ---------------------------------------------------------- */
#include "model/flex.h"
#include "nn/layers.h"
#include "nn/param.h"
#include "nn/scope.h"
#include "optim/optimizer.h"

/* --- simulation and measurement ------------------------------------------------------------------ */
#include "metrics/calibration.h"
#include "metrics/ensemble.h"
#include "metrics/metric.h"
#include "metrics/spectrum.h"
#include "metrics/statistics.h"
#include "sim/navier_stokes.h"
#include "sim/perturb.h"

/* --- files: arrays, fields, named tensors, checkpoints, pictures ---------------------------------- */
#include "io/archive.h"
#include "io/attributes.h"
#include "io/checkpoint.h"
#include "io/container.h"
#include "io/h5_field_writer.h"
#include "io/packing.h"
#include "io/png.h"

#endif
