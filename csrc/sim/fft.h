/*
** fft.h - Fourier transforms of any length, fast for 2^a 3^b 5^c, in double precision and, for lane blocks, in single.
**
** Conventions are numpy's: forward X[k] = sum_j x[j] exp(-2 pi i j k / n), unscaled; the public
** inverse divides by the number of points. Complex numbers in memory are (re, im) pairs. Results
** have the same bits for every number of threads and with or without AVX2. A precision is FX_F64 or
** FX_F32.
*/
#ifndef FX_FFT_H
#define FX_FFT_H

#include <stdint.h>

#include "base/status.h"
#include "tensor/tensor.h"

/* Largest length a plan accepts. */
#define FX_FFT_MAX_LENGTH 65536

/* --- one dimension --------------------------------------------------------------------------- */

typedef struct fx_fft fx_fft;

/* New plan for length n in 1 .. FX_FFT_MAX_LENGTH; the caller owns it and frees it with
** fx_fft_free. A plan is read-only in use, so threads may share it.
** A prime factor r above 5 costs r products an element. Errors: FX_EARG if n is out of range or the precision is
** another; FX_ENOMEM. */
fx_status fx_fft_new(int64_t n, fx_dtype precision, fx_fft **out);
void fx_fft_free(fx_fft *plan); /* NULL is ignored */

typedef enum { FX_FFT_FORWARD = 0, FX_FFT_INVERSE = 1 } fx_fft_direction;

/*
** Transforms four sequences of doubles or eight of floats at once, unscaled in both directions.
**   data, work: lane blocks of n elements, double[n][2][4] or float[n][2][8], 32-byte aligned, not overlapping.
** Returns whichever of the two holds the result; the other one is garbage. Never fails, allocates
** nothing. Stockham's autosort algorithm [Stockham 1966; Van Loan 1992, section 1.7].
*/
void *fx_fft_lanes(const fx_fft *plan, fx_fft_direction direction, void *data, void *work);

/* The smallest length >= n that has no prime factor above 5: n itself if it is fast. */
int64_t fx_fft_good_length(int64_t n);

/* --- two dimensions, real fields ------------------------------------------------------------- */

typedef struct fx_fft2 fx_fft2;

/* New plan for real fields (h, w) of doubles, any lengths that fx_fft_new accepts. It owns work space, so one
** plan serves one caller at a time (each call itself uses all threads). Free with fx_fft2_free.
** Errors: FX_EARG, FX_ENOMEM. */
fx_status fx_fft2_new(int64_t h, int64_t w, fx_fft2 **out);
void fx_fft2_free(fx_fft2 *plan);

/*
** spectrum = rfft2(field):   field (h,w) real  ->  spectrum (h, w/2+1) complex pairs, unscaled.
** spectrum[ky][kx], rows in the order ky = 0, 1, .., -1. The arrays may not overlap.
** Allocates only if the number of threads has grown since the last call. Errors: FX_ENOMEM.
*/
fx_status fx_fft2_forward(fx_fft2 *plan, const double *field, double *spectrum);

/* field = irfft2(spectrum), divided by h w. The parts of spectrum that a real field cannot have
** (imaginary parts at kx = 0 and w/2 after the first axis) are ignored, as in numpy. */
fx_status fx_fft2_inverse(fx_fft2 *plan, const double *spectrum, double *field);

#endif
