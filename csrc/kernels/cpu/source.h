/*
** source.h - what a convolution reads, row by row.
**
** A convolution of FLEX rarely reads a tensor as it lies in memory: it reads SiLU of its group norm,
** scaled and shifted by an embedding, of two tensors side by side, with dropout, upsampled or pooled. Written out,
** each of these steps would be a pass over memory that costs as much as half a convolution. Here they
** are one function, which makes one row of what is read, with its border, where it stays in cache:
** kernels ask for rows and never know what they are made of. The backward pass makes them again.
**
** A row is (left + width + right) pixels of `pitch` floats, the channels of x and then of x2, the
** rest zeros. Outside the image lie zeros or, if circular, the other side.
*/
#ifndef FX_CPU_SOURCE_H
#define FX_CPU_SOURCE_H

#include "base/bf16.h"
#include "kernels/cpu/cpu.h"

typedef struct {
  const float *x, *x2;  /* (N,H,W,c1) and, or NULL, (N,H,W,c2) */
  const float *x2_add;  /* added to x2, or NULL                */
  int64_t n, h, w;      /* of x                                */
  int64_t c1, c2, c;    /* c = c1 + c2                         */
  fx_resample resample; /* of what is made of x                */
  int64_t rows, cols;   /* after resampling                    */
  bool circular;
  bool bf16; /* what is made is rounded to bf16, and so are the weights of its convolution */
  double p;  /* of dropout; 0: none */
  fx_rng key;
  float *table; /* (N,3,C): mean, factor, shift of SiLU((x - mean) factor + shift); or NULL */
} conv_source;

/* A source that is x as it is. */
conv_source fxcpu_source_plain(const fx_tensor *x, bool circular) FXCPU_SYMBOL(source_plain);

/* The source of a fused convolution; the caller frees it with source_end, also after a failure. */
fx_status fxcpu_source_begin(const fx_conv_input *in, conv_source *s) FXCPU_SYMBOL(source_begin);
void fxcpu_source_end(conv_source *s) FXCPU_SYMBOL(source_end);

static inline bool source_is_plain (const conv_source *s) {
  return !s->table && !s->x2 && s->resample == FX_RESAMPLE_SAME;
}

/* Each of `count` numbers becomes the nearest of bf16. */
static inline void round_to_bf16 (int64_t count, float *x) {
  for (int64_t i = 0; i < count; i++)
    x[i] = fx_bf16_round(x[i]);
}

/* Floats of scratch that source_row needs: two rows of x, and one of x2 + x2_add. */
static inline int64_t source_scratch (const conv_source *s) {
  return 2 * s->w * s->c + s->w * s->c2;
}

/* `count` floats of x2 + add from `first` on: x2 itself where there is nothing to add, or `to`. */
static inline const float *second_half (const float *x2, const float *add, int64_t first,
                                        int64_t count, float *to) {
  if (!add)
    return x2 + first;
  for (int64_t i = 0; i < count; i++)
    to[i] = x2[first + i] + add[first + i];
  return to;
}

/* Row y of image n, which may lie outside, into `to`: pixels -left .. count-left-1. */
void fxcpu_source_row(const conv_source *s, int64_t n, int64_t y, int64_t left, int64_t count,
                      int64_t pitch, float *scratch, float *to) FXCPU_SYMBOL(source_row);

/* Asks for what pixel x of row y of image n is made of, if it lies inside. Never needed; in time, it spares
** the wait for memory. */
static inline void source_ask (const conv_source *s, int64_t n, int64_t y, int64_t x) {
  if (y < 0 || y >= s->rows)
    return;
  const int64_t row = s->resample == FX_RESAMPLE_UP ? y / 2 : y,
                col = s->resample == FX_RESAMPLE_UP ? x / 2 : x;
  const int64_t times = s->resample == FX_RESAMPLE_DOWN ? 2 : 1;
  for (int64_t i = 0; i < times; i++) {
    const int64_t at = (n * s->h + times * row + i) * s->w + times * col;
    for (int64_t q = 0; q < times * s->c1; q += LINE)
      __builtin_prefetch(s->x + at * s->c1 + q, 0, 2);
    for (int64_t q = 0; s->x2 && q < times * s->c2; q += LINE)
      __builtin_prefetch(s->x2 + at * s->c2 + q, 0, 2);
    for (int64_t q = 0; s->x2_add && q < times * s->c2; q += LINE)
      __builtin_prefetch(s->x2_add + at * s->c2 + q, 0, 2);
  }
}

/* y = x with dropout's mask, for the c channels of `count` pixels of x from `pixel` of image n on. */
void fxcpu_source_mask(const conv_source *s, int64_t n, int64_t pixel, int64_t count,
                       const float *x, float *y) FXCPU_SYMBOL(source_mask);

static inline int64_t wrap (int64_t i, int64_t n) {
  i %= n;
  return i < 0 ? i + n : i;
}

#endif
