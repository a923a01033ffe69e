/*
** spectrum.h - radial spectra of fields: how much of each scale there is, and how far two fields
** agree about it.
*/
#ifndef FX_SPECTRUM_H
#define FX_SPECTRUM_H

#include "base/status.h"
#include "tensor/tensor.h"

typedef enum {
  FX_SPECTRUM_SUM = 0, /* power of the whole ring: the bins add up to the mean square      */
  FX_SPECTRUM_MEAN     /* average over the modes of the ring: the "radially averaged" one   */
} fx_spectrum_kind;

typedef enum {
  FX_SPECTRUM_POWER = 0, /* |f_k|^2, channels added                                        */
  FX_SPECTRUM_ENERGY,    /* |u_k|^2 / 2 of a flow: C = 1 is vorticity, C = 2 velocity (u,v) */
  FX_SPECTRUM_ENSTROPHY  /* |w_k|^2 / 2 of a flow, likewise                                 */
} fx_spectrum_quantity;

typedef struct {
  fx_spectrum_kind kind;
  bool hann; /* multiply by a Hann window in y and x first, for fields cut out of larger ones */
  fx_spectrum_quantity quantity;
  double spacing; /* between grid points, in y and x; 0: 2 pi / W. For energy and enstrophy */
} fx_spectrum_options;

/*
** Radial spectrum of each sample.
**   field (N,H,W,C) f32  ->  new (N,B) f64, B = 1 + round(hypot(H/2, W/2)), both rounded down; the caller owns it
**   power(ky,kx) = sum_c |F_c(ky,kx)|^2 / (H W)^2 / <window^2>
**   F the unscaled DFT of window * (f - <f>), <f> the mean of the sample's channel
**   bin b collects the modes with b - 1/2 <= |k| < b + 1/2,   |k| = L sqrt((kx/W)^2 + (ky/H)^2)
**   bin 0 also has <f>^2
** kx, ky count periods over the field's sides, -H/2 .. H/2, and L = min(H,W) pixels: |k| counts periods over the
** shorter side, so waves of one length in pixels are in one ring, whatever the field's shape. Waves longer than 2 L
** are in bin 1. Bins up to L/2 hold whole rings, those above only corners.
**
** Normalised by Parseval: with FX_SPECTRUM_SUM the bins add up to sum_c <f_c^2>. The Hann window
** w(i) = (1 - cos(2 pi i / n)) / 2 is divided out by its mean square, which keeps the total for
** statistically homogeneous fields. The mean is taken off before the window, which would carry it into
** bins 1 and 2: there the mean of 300 K +- 0.1 is a million times the fluctuations.
** numpy: bincount of |fft2((field - field.mean()) * window)|^2 over int(|k| + 0.5 + 1e-9), at least 1 but
** for k = 0, and mean^2 in bin 0.
**
** Energy and enstrophy of two-dimensional flow: with q = 2 pi k / (side), the wave vector in the
** units of `spacing`, |u_k|^2 = |w_k|^2 / q^2 (mean vorticity carries no energy here), and
** w_k = i (qx v_k - qy u_k); a Nyquist mode has no derivative. Sums are <u^2+v^2>/2 and <w^2>/2. The
** two forms agree for periodic divergence-free fields without mean; derivatives of windowed
** fields are those of the product.
**
** Errors: FX_ESHAPE, also for a flow that has neither 1 nor 2 channels; FX_EARG if the dtype is not
** f32, options are unknown, a window is wanted for a side of 1, or H or W is above
** FX_FFT_MAX_LENGTH; FX_ENOMEM.
*/
fx_status fx_power_spectrum(const fx_tensor *field, const fx_spectrum_options *options,
                            fx_tensor **out);

/*
** Spectral coherence of two fields: their correlation ring by ring,
**   r(b) = sum_b Re(P Y*) / sqrt(sum_b |P|^2 sum_b |Y|^2)      (N,H,W,C) twice  ->  new (N,B) f64
** channels added; -1 .. 1. A ring holds k and -k, so the cross spectrum is real, and r^2 is the
** magnitude-squared coherence [Bendat & Piersol 2010, section 5.2]; r keeps the sign. NaN where one
** of the two has no power. Errors as of fx_power_spectrum, and FX_ESHAPE if shapes differ.
*/
fx_status fx_spectral_coherence(const fx_tensor *prediction, const fx_tensor *truth, bool hann,
                                fx_tensor **out);

/*
** How far a velocity field is from divergence-free:
**   sqrt(<(du/dx + dv/dy)^2> / <|grad u|^2 + |grad v|^2>)     velocity (N,H,W,2) f32 -> new (N) f64
** dimensionless, 0 for an incompressible flow, 1 for a potential one. Periodic: derivatives are
** spectral (a Nyquist mode has none). Otherwise: central differences in the interior, whose own
** error is of order (k dx)^2 relative. NaN for a field without gradients.
** Errors: FX_ESHAPE if C is not 2, or a side is below 3 and not periodic; FX_EARG; FX_ENOMEM.
*/
fx_status fx_divergence(const fx_tensor *velocity, bool periodic, fx_tensor **out);

#endif
