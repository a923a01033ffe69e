/*
** conv.h - convolution of what a source gives: the entries that conv2d and the fused convolution
** share, the geometry, and the padded band of an image that is read at a time.
*/
#ifndef FX_CPU_CONV_H
#define FX_CPU_CONV_H

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/residual.h"
#include "kernels/cpu/source.h"

/* y (n,oh,ow,outs) = convolution + bias + add. w is (outs,kh,kw,c), or (c,kh,kw,outs) to be flipped.
** The AMX unit's tiles where there is one (amx/conv.h), Winograd's (winograd.h) where they suit, else the
** tiles of gemm.c. A source of bf16 asks for weights of bf16. */
typedef struct {
  const conv_source *s;
  int64_t kh, kw, stride, pad_y, pad_x;
  const float *w, *bias; /* bias may be NULL */
  bool flipped;
  residual add;
  int64_t oh, ow, outs;
  float *y;
} conv_call;
fx_status fxcpu_conv(const conv_call *call) FXCPU_SYMBOL(conv);

/* dw (outs,kh,kw,c) and db (outs) of that convolution; either may be NULL. */
typedef struct {
  const conv_source *s;
  int64_t kh, kw, stride, pad;
  const fx_tensor *dy;
  fx_tensor *dw, *db;
} conv_weights_call;
fx_status fxcpu_conv_weights(const conv_weights_call *call) FXCPU_SYMBOL(conv_weights);

typedef struct {
  const conv_source *source; /* x, or dy in the backward pass */
  int64_t n, h, w, c;        /* its size                      */
  int64_t kh, kw, stride;
  int64_t pad_y, pad_x;
  int64_t oh, ow, o;   /* what is written */
  int64_t band, bands; /* rows of the output in a band, bands in an image */
  int64_t pitch;       /* floats from one row of a band to the next */
  bool copied;         /* a band is a copy with its border; else it lies in the image */
} conv_shape;

/* Fills bands, pitch and copied. A band has about `pixels` outputs and `floats` of copy. */
static inline void conv_cut (conv_shape *s, int64_t pixels, int64_t floats) {
  s->copied = s->pad_y > 0 || s->pad_x > 0 || s->source->circular || s->source->bf16 ||
              !source_is_plain(s->source);
  s->pitch = (s->copied ? (s->ow - 1) * s->stride + s->kw : s->w) * s->c;
  s->band = larger(1, smaller(pixels / s->ow, floats / (s->pitch * s->stride)));
  s->band = larger(s->band, ceil_div(32, s->ow)); /* some tiles at least */
  s->band = smaller(s->band, s->oh);
  s->bands = ceil_div(s->oh, s->band);
}

static inline int64_t conv_band_size (const conv_shape *s) {
  return ((s->band - 1) * s->stride + s->kh) * s->pitch + source_scratch(s->source);
}

/* The rows that outputs first .. first+rows-1 of image n read: `to` filled, or the image itself.
** Output (i,j) of the band reads kh runs of kw*c floats, `pitch` apart, from
** result[i stride pitch + j stride c]. */
const float *fxcpu_conv_band(const conv_shape *s, int64_t n, int64_t first, int64_t rows, float *to)
    FXCPU_SYMBOL(conv_band);

#endif
