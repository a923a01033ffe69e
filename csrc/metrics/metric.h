/*
** metric.h - how far a predicted field is from the true one: one number a sample.
**
** All metrics share a signature, so that other layers enumerate fx_metrics instead of knowing them:
**
**   prediction, truth (N,H,W,C) f32  ->  out: new tensor (N) f64, owned by the caller
**
** Sums run in double over all pixels and channels of one sample in a fixed order: the same bits
** for every number of threads. A sample with a value that is not finite gives NaN there.
** Errors, all metrics: FX_ESHAPE if the shapes differ, are not (N,H,W,C) or are empty; FX_EARG if a
** dtype is not f32; FX_ENOMEM. On an error *out is untouched.
**
** A new metric: one function of this signature and one line in metric.c.
*/
#ifndef FX_METRIC_H
#define FX_METRIC_H

#include "base/status.h"
#include "tensor/tensor.h"

typedef fx_status (*fx_metric_function)(const fx_tensor *prediction, const fx_tensor *truth,
                                        fx_tensor **out);

typedef enum {
  FX_DIRECTION_LOWER,
  FX_DIRECTION_HIGHER,
  FX_DIRECTION_ZERO, /* signed */
  FX_DIRECTION_ONE   /* a ratio */
} fx_metric_direction;

/* "lower", "higher", "0", "1": for tables. */
const char *fx_direction_name(fx_metric_direction direction);

typedef struct {
  const char *name;
  const char *unit; /* "1", "dB", "field": that of the field itself */
  fx_metric_direction direction;
  const char *doc; /* definition and source, one sentence */
  fx_metric_function function;
} fx_metric;

/* Ends with a row whose name is NULL. */
extern const fx_metric fx_metrics[];

/* ||p - y|| / ||y||, Frobenius norms; per sample, not over a batch. [RFNE of SuperBench, Ren et al.
** 2023]
** y = 0: 0 if p = 0 too, else infinity. */
fx_status fx_metric_rfne(const fx_tensor *prediction, const fx_tensor *truth, fx_tensor **out);

/* sqrt(mean (p - y)^2) and mean |p - y|; in units of the field. */
fx_status fx_metric_rmse(const fx_tensor *prediction, const fx_tensor *truth, fx_tensor **out);
fx_status fx_metric_mae(const fx_tensor *prediction, const fx_tensor *truth, fx_tensor **out);

/* 20 log10(R / rmse) in dB; the data range R = max y - min y of that sample, all channels.
** p = y: infinity. R = 0 otherwise: minus infinity. */
fx_status fx_metric_psnr(const fx_tensor *prediction, const fx_tensor *truth, fx_tensor **out);

/* Pearson's r = sum (p-mp)(y-my) / sqrt(sum (p-mp)^2 sum (y-my)^2), in [-1,1]; NaN if p or y is
** constant, where it has no meaning. */
fx_status fx_metric_pearson(const fx_tensor *prediction, const fx_tensor *truth, fx_tensor **out);

/*
** Structural similarity [Wang, Bovik, Sheikh, Simoncelli 2004, IEEE TIP 13, eq. 13]:
**   ssim = (2 mp my + C1)(2 spy + C2) / ((mp^2 + my^2 + C1)(sp^2 + sy^2 + C2))
** with moments in an 11x11 Gaussian window of standard deviation 1.5, C1 = (0.01 R)^2,
** C2 = (0.03 R)^2, R as in psnr, averaged over the pixels whose window lies inside the field and
** over channels; at most 1.
** Equals skimage.metrics.structural_similarity(gaussian_weights=True, sigma=1.5,
** use_sample_covariance=False, data_range=R, channel_axis=-1).
** R = 0: 1 if p = y, else 0. Errors: also FX_ESHAPE if H or W is below 11.
*/
fx_status fx_metric_ssim(const fx_tensor *prediction, const fx_tensor *truth, fx_tensor **out);

/*
** Error of the power in a band of scales: |sum of |P_k|^2 / sum of |Y_k|^2 - 1| over the rings of the
** band, fields less their means windowed as in fx_power_spectrum (Hann), whose rings count periods over the shorter side.
** With K = min(H,W)/2, a wavelength of two pixels: low 1 .. K/4,
** middle K/4+1 .. K/2, high K/2+1 .. K (divisions rounded down). 0 is best; 1: no power at
** all. Errors: also FX_ESHAPE below 8 x 8, FX_EARG for sides above FX_FFT_MAX_LENGTH.
*/
fx_status fx_metric_spectral_low(const fx_tensor *prediction, const fx_tensor *truth,
                                 fx_tensor **out);
fx_status fx_metric_spectral_middle(const fx_tensor *prediction, const fx_tensor *truth,
                                    fx_tensor **out);
fx_status fx_metric_spectral_high(const fx_tensor *prediction, const fx_tensor *truth,
                                  fx_tensor **out);

/* |kurtosis of p / kurtosis of y - 1|, kurtosis as of fx_moments: how heavy the tails are. NaN if
** one of the two is constant. */
fx_status fx_metric_kurtosis(const fx_tensor *prediction, const fx_tensor *truth, fx_tensor **out);

#endif
