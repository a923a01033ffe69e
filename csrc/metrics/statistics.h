/*
** statistics.h - one-point and two-point statistics of fields: their distribution with its tails,
** and structure functions. Fields (N,H,W,C) f32; sums in double in a fixed order.
** Errors, all: FX_ESHAPE, FX_EARG, FX_ENOMEM; *out is then untouched.
*/
#ifndef FX_STATISTICS_H
#define FX_STATISTICS_H

#include "base/status.h"
#include "tensor/tensor.h"

/*
** Mean, standard deviation (divided by the number of values), skewness <d^3>/sd^3 and kurtosis
** <d^4>/sd^4 (3 for a Gaussian) of each sample, d = value - mean, all channels together: new (N,4)
** f64. Skewness and kurtosis of a constant are NaN. scipy: skew, kurtosis(fisher=False).
*/
fx_status fx_moments(const fx_tensor *field, fx_tensor **out);

/*
** Histogram of each sample: new (N, bins + 2) f64 of counts; the first and the last hold what lies
** below `low` and at or above `high`, the rest equal intervals closed below. A value that is not
** finite is counted nowhere. Divided by (count x width) the bins are the probability density.
** FX_EARG unless low < high, both finite, and bins >= 1.
*/
fx_status fx_histogram(const fx_tensor *field, double low, double high, int64_t bins,
                       fx_tensor **out);

/* The tails: the fraction of values with |value| > threshold, for each of `count` >= 1 thresholds: new
** (N, count) f64. */
fx_status fx_exceedances(const fx_tensor *field, const double *thresholds, int64_t count,
                         fx_tensor **out);

/*
** Structure functions [Kolmogorov 1941; Frisch 1995, section 5]: moments of increments over r grid
** points along x and along y, averaged over both directions: new (N,R) f64 for r = 1 .. R.
**   C = 1:  S(r) = <(f(x + r) - f(x))^order>
**   C = 2:  longitudinal, velocity (u,v): du = u(x + r, y) - u(x, y) and v(x, y + r) - v(x, y)
** Periodic: increments wrap around; otherwise only pairs inside the field count.
** FX_ESHAPE for other C; FX_EARG unless order is 1 .. 8 and 1 <= R < min(H,W).
*/
fx_status fx_structure_function(const fx_tensor *field, int order, int64_t separations,
                                bool periodic, fx_tensor **out);

#endif
