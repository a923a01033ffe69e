/*
** checkpoint.h - the checkpoint of a run as a network that C can use, without Lua.
**
** A run's last.h5 describes itself in JSON: `network`, the resolved configuration of the network, is
** all that decides its shape; `model`, `data` and `normalisation` say in the words of recipes what it
** predicts, what it was fed and in which units. Words are not interpreted here: what a
** parametrisation, a schedule or a degradation *is* has its place in lua/flexlab, and a C program
** that samples implements the ones it wants (docs/sample.c) and refuses the others by name.
*/
#ifndef FX_CHECKPOINT_H
#define FX_CHECKPOINT_H

#include "model/flex.h"

#define FX_WORD_SIZE 32

typedef struct {
  fx_flex *net;          /* owned */
  fx_tensor *mean, *std; /* (C) f32, owned: physical = normalised * std + mean, by channel */
  char predict[FX_WORD_SIZE], schedule[FX_WORD_SIZE]; /* "v", "cosine" */
  bool official; /* x and eps as the authors' code has them              */
  double shift;  /* of the schedule; 1: none                             */
  double limit;  /* of the schedule, largest |logSNR|; 0: the schedule's */
  char task[FX_WORD_SIZE], degradation[FX_WORD_SIZE]; /* "superres", "bicubic"; or "" */
  int64_t factor; /* of super-resolution: fine / coarse pixels a side; else 0     */
} fx_checkpoint;

/* Reads the HDF5 file of a run or of `flexlab convert`; `averaged`: the averaged weights where there
** are any. *out is filled on success only; free its contents with fx_checkpoint_free.
** Errors, with the path: FX_EIO, FX_EFORMAT (no checkpoint, damaged, a weight is missing), FX_ESHAPE
** (a weight has another shape than the configuration says), FX_EARG (a configuration that no network
** can have), FX_EUNSUPPORTED (a part of the network that is written in Lua). */
fx_status fx_checkpoint_load(const char *path, bool averaged, fx_checkpoint *out);

/* Frees what `c` holds and clears it; a cleared struct is ignored. */
void fx_checkpoint_free(fx_checkpoint *c);

#endif
