/*
** conv.h - the geometry of a convolution, and the padded band of an image it reads.
*/
#ifndef FX_CPU_CONV_H
#define FX_CPU_CONV_H

#include "kernels/cpu/gemm.h"

typedef struct {
  int64_t n, h, w, c; /* what is read: x, or dy in the backward pass */
  int64_t kh, kw, stride;
  int64_t pad_y, pad_x;
  bool circular;
  int64_t oh, ow, o;   /* what is written */
  int64_t band, bands; /* rows of the output in a band, bands in an image */
  int64_t pitch;       /* floats from one row of a band to the next */
  bool copied;         /* a band is a copy with its border; else it lies in the image */
} conv_shape;

/* Fills bands, pitch and copied. A band has about `pixels` outputs and `floats` of copy. */
static inline void conv_cut (conv_shape *s, int64_t pixels, int64_t floats) {
  s->copied = s->pad_y > 0 || s->pad_x > 0 || s->circular;
  s->pitch = (s->copied ? (s->ow - 1) * s->stride + s->kw : s->w) * s->c;
  s->band = larger(1, smaller(pixels / s->ow, floats / (s->pitch * s->stride)));
  s->band = larger(s->band, ceil_div(32, s->ow)); /* some tiles at least */
  s->band = smaller(s->band, s->oh);
  s->bands = ceil_div(s->oh, s->band);
}

static inline int64_t conv_band_size (const conv_shape *s) {
  return ((s->band - 1) * s->stride + s->kh) * s->pitch;
}

/* The rows that outputs first .. first+rows-1 of an image read: `to` filled, or the image itself.
** Output (i,j) of the band reads kh runs of kw*c floats, `pitch` apart, from
** result[i stride pitch + j stride c]. */
const float *FXCPU(conv_band)(const conv_shape *s, const float *image, int64_t first, int64_t rows,
                              float *to);

#endif
