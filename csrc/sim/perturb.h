/*
** perturb.h - fields that a coarse observer cannot tell apart: the true ensemble behind
** super-resolution and behind a forecast from coarse data.
*/
#ifndef FX_PERTURB_H
#define FX_PERTURB_H

#include "base/rng.h"
#include "base/status.h"
#include "tensor/tensor.h"

/* How the observer coarsens by a factor f. */
typedef enum {
  FX_COARSE_SUBSAMPLE = 0, /* w[::f, ::f]                                            */
  FX_COARSE_BLOCK_MEAN,    /* mean of blocks f x f                                   */
  FX_COARSE_CUTOFF         /* modes with 2 f |kx| < W and 2 f |ky| < H, the rest lost */
} fx_coarse;

/*
** A periodic field with the same coarse-grained version as `field`, to rounding, and other scales
** below it: new (1,H,W,1) f64; the caller owns it.
**   field (1,H,W,1) f32 or f64; factor divides H and W
** Every mode that the observer does not resolve keeps its amplitude and gets a random phase (from
** `key`, its index the wave vector), so the spectrum of what is unseen stays the flow's own; this is
** the surrogate field of Theiler et al. [1992], confined to the unseen modes. What these modes alias
** onto a coarse mode is then taken from the resolved mode there. Left alone are modes beyond the 2/3
** rule, which the solver does not keep, and those that alias onto the coarse mean or the coarse
** Nyquist wavenumbers, which no resolved mode could mend.
** Errors: FX_ESHAPE; FX_EARG if the dtype is neither, a side is above FX_FFT_MAX_LENGTH, or factor
** is below 2; FX_ENOMEM.
*/
fx_status fx_perturb_unseen(const fx_tensor *field, int64_t factor, fx_coarse coarse, fx_rng key,
                            fx_tensor **out);

#endif
