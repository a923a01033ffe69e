/*
** ensemble.h - what an ensemble of predictions of one field says: its mean, its spread, and how
** good it is as a probabilistic forecast. Members (M,H,W,C) f32; arithmetic in double; the same
** bits for every number of threads.
** Errors, all: FX_ESHAPE, FX_EARG (dtype), FX_ENOMEM; *out is then untouched.
*/
#ifndef FX_ENSEMBLE_H
#define FX_ENSEMBLE_H

#include "base/status.h"
#include "tensor/tensor.h"

/* New (1,H,W,C) f32: the mean over members. */
fx_status fx_ensemble_mean(const fx_tensor *members, fx_tensor **out);

/* New (1,H,W,C) f32: the standard deviation over members, sum of squares divided by M - 1.
** FX_ESHAPE if M < 2. */
fx_status fx_ensemble_spread(const fx_tensor *members, fx_tensor **out);

/*
** Fair continuous ranked probability score, averaged over pixels and channels: new (1) f64.
**   crps = mean_i |x_i - y| - sum_ij |x_i - x_j| / (2 M (M-1))          truth (1,H,W,C)
** in units of the field, lower is better, 0 only if all members equal the truth; may be negative in
** one pixel, not in expectation. Fair: its expectation does not depend on M, so ensembles of
** different sizes compare [Ferro 2014, QJRMS 140; Zamo & Naveau 2018]. M = 1: the mean
** absolute error, which is the score of a forecast without spread.
** O(M log M) a pixel: sum_ij |x_i - x_j| = 2 sum_i (2 i - M + 1) x_(i), members sorted, i from 0.
*/
fx_status fx_ensemble_crps(const fx_tensor *members, const fx_tensor *truth, fx_tensor **out);

#endif
