/*
** rings.h - what metrics in Fourier space share: the transform of one channel of a field, and the
** ring of wavenumbers that each mode falls into. Private to this folder.
**
** Spectra are half spectra (h, w/2+1) of (re, im) pairs; a mode with 0 < kx < w/2 stands for its
** mirror image too and counts twice (fx_ring_copies). A fx_rings serves one caller at a time.
*/
#ifndef FX_RINGS_H
#define FX_RINGS_H

#include "base/status.h"
#include "sim/fft.h"

typedef struct {
  fx_fft2 *plan;
  int64_t h, w, bins;
  double *window_y, *window_x; /* (h), (w) */
  double scale;                /* of |F|^2: 1 / (h w)^2 / <window^2> */
  double *field;               /* (h,w): work space */
  double *count;               /* (bins): modes in each ring */
} fx_rings;

/* Opens `rings`, which must be zero before; fx_rings_close frees, also after a failure.
** Errors: FX_EARG if a side is too long or is 1 with a window; FX_ENOMEM. */
fx_status fx_rings_open(fx_rings *rings, const char *what, int64_t h, int64_t w, bool hann);
void fx_rings_close(fx_rings *rings);

/* New array for one spectrum, h (w/2+1) pairs; freed with fx_free. */
fx_status fx_rings_new_array(const fx_rings *rings, double **out);

/*
** spectrum = DFT of window * (channel - mean), and the mean, which callers add to ring 0: a window
** would carry it into rings 1 and 2, where it drowns the fluctuations of a field of 300 K +- 0.1.
** `in` is the channel's first value, `stride` the channels.
*/
fx_status fx_rings_transform(fx_rings *rings, const float *in, int64_t stride, double *spectrum,
                             double *mean);

/* Wavenumber of row y, with its sign; the Nyquist row is positive. */
int64_t fx_ring_ky(const fx_rings *rings, int64_t y);

/* The ring b with b - 1/2 <= |k| < b + 1/2, |k| in periods over the shorter side (spectrum.h); of waves longer than
** twice that side, ring 1: ring 0 is the mean's alone. */
int64_t fx_ring_of(const fx_rings *rings, int64_t y, int64_t kx);

/* 1 or 2: how many modes of the whole spectrum this one stands for. */
double fx_ring_copies(const fx_rings *rings, int64_t kx);

#endif
