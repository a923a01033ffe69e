/* spectrum.h - radial power spectra of fields: how much of each scale there is. */
#ifndef FX_SPECTRUM_H
#define FX_SPECTRUM_H

#include "base/status.h"
#include "tensor/tensor.h"

typedef enum {
  FX_SPECTRUM_SUM = 0, /* power of the whole ring: the bins add up to the mean square      */
  FX_SPECTRUM_MEAN     /* average over the modes of the ring: the "radially averaged" one   */
} fx_spectrum_kind;

typedef struct {
  fx_spectrum_kind kind;
  int hann; /* 1: multiply by a Hann window in y and x first, for fields cut out of larger ones */
} fx_spectrum_options;

/*
** Radial power spectrum of each sample, channels added.
**   field (N,H,W,C) f32  ->  new (N,B) f64, B = fx_spectrum_bins(H, W); the caller owns it
**   power(ky,kx) = |F(ky,kx)|^2 / (H W)^2 / <window^2>,   F the unscaled DFT of window * field
**   bin b collects the modes with b - 1/2 <= |k| < b + 1/2,   |k| = sqrt(kx^2 + ky^2)
** kx, ky count periods over the field's sides, -H/2 .. H/2: rings are rings if the field is square
** in space. Bins up to min(H,W)/2 hold whole rings, those above only corners.
**
** Normalised by Parseval: with FX_SPECTRUM_SUM the bins add up to sum_c <f_c^2>, so half the sum
** for (u,v) is the kinetic energy. The Hann window w(i) = (1 - cos(2 pi i / n)) / 2 is divided out
** by its mean square, which keeps the total for statistically homogeneous fields. The mean of
** the field is not removed (it is bin 0, and with a window leaks into bins 1 and 2).
** numpy: bincount of |fft2(field * window)|^2 over int(|k| + 0.5).
**
** Errors: FX_ESHAPE; FX_EARG if the dtype is not f32, options are unknown, a window is wanted
** for a side of 1, or H or W has a prime factor above 5; FX_ENOMEM.
*/
fx_status fx_power_spectrum(const fx_tensor *field, const fx_spectrum_options *options,
                            fx_tensor **out);

/* Number of bins for fields (h, w): 1 + round(hypot(h/2, w/2)), h/2 and w/2 rounded down. */
int64_t fx_spectrum_bins(int64_t h, int64_t w);

#endif
