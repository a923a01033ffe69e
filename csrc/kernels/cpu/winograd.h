/*
** winograd.h - 3x3 convolution by Winograd's minimal filtering F(4x4,3x3) and F(6x6,3x3) [Lavin & Gray 2016].
**
** An output tile of 4x4 pixels needs 144 multiplications per pair of channels; on the 6x6 tile of
** the input, transformed, it needs 36, so the products shrink to a quarter:
**
**     Y = A^T [ (G g G^T) . (B^T d B) ] A        d: 6x6 of the input, g: 3x3 weights, Y: 4x4
**
** Tiles of 6x6 pixels are 8x8 of the input and need 64 for 324: a fifth. Larger maps take them; small ones would fill
** them badly, and the gradient for the weights, whose sums are over tiles, keeps the smaller ones.
**
** The product "." is taken at each of the positions by itself; summed over channels and for many
** tiles it is a matrix product V_p (tiles, C) U_p (C, O). With channels last every transform works
** on LANES channels at once.
**
** Memory: winograd_tiles.h.
**
** Rounding. The points cost about a digit of float, sums over many channels would cost another: they
** are cut into runs (winograd.c). Tests hold the error below 2e-5 of the largest output, and
** docs/measurements.md tables it by number of channels.
*/
#ifndef FX_CPU_WINOGRAD_H
#define FX_CPU_WINOGRAD_H

#include "kernels/cpu/residual.h"
#include "kernels/cpu/source.h"

/* What winograd.c computes: y (n,rows,cols,outs) = conv(s, w) + bias + add. w is (outs,3,3,c), or
** (c,3,3,outs) to be flipped, as the gradient for the input needs it. */
typedef struct {
  const conv_source *s;
  const float *w, *bias;
  bool flipped;
  residual add;
  int64_t outs;
  float *y;
} winograd_conv;
fx_status fxcpu_winograd(const winograd_conv *c) FXCPU_SYMBOL(winograd);

/* dw (outs,3,3,c) and, unless NULL, db (outs) of that convolution. */
typedef struct {
  const conv_source *s;
  const float *dy; /* (n,rows,cols,outs) */
  int64_t outs;
  float *dw, *db;
} winograd_grad;
fx_status fxcpu_winograd_weights(const winograd_grad *g) FXCPU_SYMBOL(winograd_weights);

/* Whether the tiles pay: the shape of one image decides, never the batch, since the bits differ. */
static inline bool winograd_suits (int64_t kh, int64_t kw, int64_t stride, int64_t pad, int64_t c,
                                   int64_t outs) {
  return kh == 3 && kw == 3 && stride == 1 && pad == 1 && c >= 16 && outs >= 16;
}

#endif
