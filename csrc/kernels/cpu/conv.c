/*
** conv.c - convolution forward, and the gradient for its input.
**
** There is no im2col. With channels last, what kernel row u contributes to a pixel is one dot
** product over kW*C neighbouring floats, so the tile of gemm.c reads its "rows" straight from a
** copy of the image with its border (zero or circular), kH runs a row, and multiplies them with the
** weights, packed once a call. The copy is made band by band, some rows of the output each, so that
** it stays in L2; without a border the image itself is read, which makes a 1x1 convolution a plain
** product. Bands are cut by the shape of one image, one item each.
**
** Backward for stride 1 is the same function: dx is the convolution of dy with the kernel flipped
** and its channels exchanged. Other strides make columns of gradients and add them into dx, image
** by image.
** With 4 or fewer outputs a tile would be mostly empty; then dot products along the runs.
*/
#include "kernels/cpu/conv.h"

#include <string.h>

#include "kernels/cpu/winograd.h"
#ifdef FXCPU_AMX_TILES
#include "kernels/cpu/amx/conv.h"
#endif

#define FEW 4 /* outputs at which dot products win                       */
#define BAND_PIXELS 512
#define BAND_FLOATS 32768 /* 128 KiB: band and weights share L2                      */

/* --- the band --------------------------------------------------------------------------------- */

const float *fxcpu_conv_band (const conv_shape *s, int64_t n, int64_t first, int64_t rows,
                              float *to) {
  const int64_t top = first * s->stride - s->pad_y, count = (rows - 1) * s->stride + s->kh;
  if (!s->copied)
    return s->source->x + n * s->h * s->w * s->c + first * s->stride * s->pitch;
  float *band = to + source_scratch(s->source);
  for (int64_t r = 0; r < count; r++)
    fxcpu_source_row(s->source, n, top + r, s->pad_x, s->pitch / s->c, s->c, to,
                     band + r * s->pitch);
  return band;
}

/* --- convolution ------------------------------------------------------------------------------ */

typedef struct {
  conv_shape s;
  residual add;
  const float *bias, *w; /* w: (o,kh,kw,c); read if there are few outputs, or to be packed */
  float *panels;         /* w packed, unless there are few outputs */
  bool flipped;          /* w is (c,kh,kw,o) and is to be flipped while packing */
  float *y;
  float *copies;        /* a band for each worker */
  const float **pixels; /* pointers to its outputs' first floats */
} conv_job;

static void pack_task (void *context, int64_t item, int worker) {
  (void)worker;
  const conv_job *job = context;
  const conv_shape *s = &job->s;
  const int64_t taps = s->kh * s->kw, first = item * TILE_COLS;
  const int64_t width = smaller(s->o - first, TILE_COLS);
  float *panel = job->panels + first * taps * s->c;
  if (!job->flipped)
    fxcpu_pack_panel(taps * s->c, width, job->w + first * taps * s->c, 1, taps * s->c, panel);
  else
    for (int64_t t = 0; t < taps; t++) /* tap t of the flipped kernel is tap taps-1-t of w */
      fxcpu_pack_panel(s->c, width, job->w + (taps - 1 - t) * s->o + first, taps * s->o, 1,
                       panel + t * s->c * TILE_COLS);
  if (s->source->bf16)
    round_to_bf16(taps * s->c * TILE_COLS, panel);
}

/* Outputs of one pixel as dot products. */
static void few_outputs (const conv_job *job, const float *pixel, float *y) {
  const conv_shape *s = &job->s;
  const int64_t run = s->kw * s->c, whole = run / LANES * LANES;
  for (int64_t o = 0; o < s->o; o++) {
    const float *w = job->w + o * s->kh * run;
    vec acc = { 0 };
    float rest = job->bias ? job->bias[o] : 0.0f;
    for (int64_t u = 0; u < s->kh; u++, w += run) {
      const float *x = pixel + u * s->pitch;
      for (int64_t q = 0; q < whole; q += LANES)
        acc += load(x + q) * load(w + q);
      for (int64_t q = whole; q < run; q++)
        rest += x[q] * w[q];
    }
    y[o] = sum_lanes(acc) + rest;
  }
}

static void band_panel (const conv_job *job, const float **pixels, int64_t count, int64_t first,
                        float *y) {
  const conv_shape *s = &job->s;
  const float *panel = job->panels + first * s->kh * s->kw * s->c;
  const float *bias = job->bias ? job->bias + first : NULL;
  float tile[TILE_SIZE];
  for (int64_t i = 0; i < count; i += TILE_ROWS) {
    const int64_t rows = smaller(count - i, TILE_ROWS);
    fxcpu_tile_of_rows(rows, pixels + i, s->kh, s->kw * s->c, s->pitch, panel, tile);
    store_tile(tile, rows, smaller(s->o - first, TILE_COLS), false, bias, y + i * s->o + first,
               s->o);
  }
}

static void add_residual (const conv_job *job, int64_t n, int64_t first, int64_t rows) {
  const conv_shape *s = &job->s;
  float *y = job->y + (n * s->oh + first) * s->ow * s->o;
  for (int64_t i = first; i < first + rows; i++)
    for (int64_t j = 0; j < s->ow; j++, y += s->o)
      for (int64_t k = 0; k < s->o; k += LANES) {
        const int64_t count = smaller(s->o - k, LANES);
        store_part(y + k, load_part(y + k, count) + residual_at(&job->add, n, i, j, k, count),
                   count);
      }
}

static void conv_task (void *context, int64_t item, int worker) {
  const conv_job *job = context;
  const conv_shape *s = &job->s;
  const int64_t image = item / s->bands, first = item % s->bands * s->band;
  const int64_t rows = smaller(s->oh - first, s->band), count = rows * s->ow;
  const float *band =
      fxcpu_conv_band(s, image, first, rows, job->copies + worker * conv_band_size(s));
  float *y = job->y + (image * s->oh + first) * s->ow * s->o;
  const float **pixels = job->pixels + worker * s->band * s->ow;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < s->ow; j++)
      pixels[i * s->ow + j] = band + i * s->stride * s->pitch + j * s->stride * s->c;
  if (!job->panels)
    for (int64_t i = 0; i < count; i++)
      few_outputs(job, pixels[i], y + i * s->o);
  else
    for (int64_t o = 0; o < s->o; o += TILE_COLS)
      band_panel(job, pixels, count, o, y);
  if (residual_exists(&job->add))
    add_residual(job, image, first, rows);
}

/* The weights flipped, (o,kh,kw,c), for few outputs. */
static float *new_flipped (const conv_shape *s, const float *w) {
  const int64_t taps = s->kh * s->kw;
  float *flipped = new_floats(s->o * taps * s->c);
  if (flipped)
    for (int64_t o = 0; o < s->o; o++)
      for (int64_t t = 0; t < taps; t++)
        for (int64_t c = 0; c < s->c; c++)
          flipped[(o * taps + t) * s->c + c] = w[(c * taps + taps - 1 - t) * s->o + o];
  return flipped;
}

static fx_status convolve (conv_job *job) {
  conv_shape *s = &job->s;
  fx_status st = FX_ENOMEM;
  const bool few = !s->source->bf16 && s->o <= FEW && s->kw * s->c >= LANES;
  float *flipped = NULL;
  if (s->n * s->oh * s->ow * s->o == 0)
    return FX_OK;
  conv_cut(s, smaller(BAND_PIXELS, ceil_div(s->oh * s->ow, 4)), BAND_FLOATS);
  job->copies = new_floats(s->copied ? fx_threads() * conv_band_size(s) : 0);
  job->pixels = fx_alloc((size_t)(fx_threads() * s->band * s->ow) * sizeof *job->pixels);
  job->panels = few ? NULL : new_floats(panels_size(s->kh * s->kw * s->c, s->o));
  if (!job->copies || !job->pixels || (!few && !job->panels))
    goto done;
  if (few && job->flipped) {
    if (!(flipped = new_flipped(s, job->w)))
      goto done;
    job->w = flipped;
  }
  if (!few)
    fx_parallel(panel_count(s->o), pack_task, job);
  fx_parallel(s->n * s->bands, conv_task, job);
  st = FX_OK;
done:
  fx_free(flipped);
  fx_free(job->panels);
  fx_free((void *)job->pixels);
  fx_free(job->copies);
  return st;
}

fx_status fxcpu_conv (const conv_call *c) {
  const conv_source *x = c->s;
#ifdef FXCPU_AMX_TILES
  if (amx_suits(c->kh, c->kw, c->stride, c->pad_y, c->pad_x, x->c, c->outs))
    return fxcpu_amx_conv(c);
#endif
  if (c->pad_y == c->pad_x && winograd_suits(c->kh, c->kw, c->stride, c->pad_y, x->c, c->outs))
    return fxcpu_winograd(&(winograd_conv){ .s = x,
                                            .w = c->w,
                                            .bias = c->bias,
                                            .flipped = c->flipped,
                                            .add = c->add,
                                            .outs = c->outs,
                                            .y = c->y });
  conv_job job = { .s = { .source = x,
                          .n = x->n,
                          .h = x->rows,
                          .w = x->cols,
                          .c = x->c,
                          .kh = c->kh,
                          .kw = c->kw,
                          .stride = c->stride,
                          .pad_y = c->pad_y,
                          .pad_x = c->pad_x,
                          .oh = c->oh,
                          .ow = c->ow,
                          .o = c->outs },
                   .w = c->w,
                   .bias = c->bias,
                   .flipped = c->flipped,
                   .add = c->add,
                   .y = c->y };
  return convolve(&job);
}

fx_status fxcpu_conv2d_forward (const fx_kernel_conv2d_forward *a) {
  conv_source source = fxcpu_source_plain(a->x, a->circular);
  source.bf16 = a->bf16;
  return fxcpu_conv(&(conv_call){ .s = &source,
                                  .kh = a->w->shape[1],
                                  .kw = a->w->shape[2],
                                  .stride = a->stride,
                                  .pad_y = a->pad,
                                  .pad_x = a->pad,
                                  .w = fx_f32(a->w),
                                  .bias = a->b ? fx_f32(a->b) : NULL,
                                  .oh = a->y->shape[1],
                                  .ow = a->y->shape[2],
                                  .outs = a->y->shape[3],
                                  .y = fx_f32(a->y) });
}

/* --- gradient for the input, any stride ------------------------------------------------------- */

typedef struct {
  const fx_kernel_conv2d_backward_x *a;
  float *panels;  /* w as (o, kh kw c) */
  float *columns; /* for each worker: gradients of one row of outputs' patches, that row rounded */
} scatter_job;

/* Adds the gradients of one patch to the image. */
static void scatter_patch (const fx_kernel_conv2d_backward_x *a, const float *patch, int64_t top,
                           int64_t left, float *image) {
  const int64_t *w = a->w->shape, height = a->dx->shape[1], width = a->dx->shape[2], c = w[3];
  for (int64_t u = 0; u < w[1]; u++)
    for (int64_t v = 0; v < w[2]; v++, patch += c) {
      const int64_t y = a->circular ? wrap(top + u, height) : top + u;
      const int64_t x = a->circular ? wrap(left + v, width) : left + v;
      if (y < 0 || y >= height || x < 0 || x >= width)
        continue;
      float *to = image + (y * width + x) * c;
      for (int64_t i = 0; i < c; i++)
        to[i] += patch[i];
    }
}

static void scatter_task (void *context, int64_t n, int worker) {
  const scatter_job *job = context;
  const fx_kernel_conv2d_backward_x *a = job->a;
  const int64_t *w = a->w->shape, oh = a->dy->shape[1], ow = a->dy->shape[2], outs = w[0];
  const int64_t patch = w[1] * w[2] * w[3];
  const int64_t size = a->dx->shape[1] * a->dx->shape[2] * w[3];
  float *columns = job->columns + worker * ow * (patch + outs), *row = columns + ow * patch;
  float *image = fx_f32(a->dx) + n * size;
  memset(image, 0, (size_t)size * sizeof *image);
  for (int64_t i = 0; i < oh; i++) {
    const float *dy = fx_f32(a->dy) + (n * oh + i) * ow * outs;
    if (a->bf16) {
      memcpy(row, dy, (size_t)(ow * outs) * sizeof *row);
      round_to_bf16(ow * outs, row);
      dy = row;
    }
    fxcpu_product(false, ow, patch, outs, dy, outs, job->panels, false, columns, patch);
    for (int64_t j = 0; j < ow; j++)
      scatter_patch(a, columns + j * patch, i * a->stride - a->pad, j * a->stride - a->pad, image);
  }
}

static fx_status scatter (const fx_kernel_conv2d_backward_x *a) {
  const int64_t *w = a->w->shape, patch = w[1] * w[2] * w[3];
  fx_status st = FX_ENOMEM;
  scatter_job job = { .a = a,
                      .panels = new_floats(panels_size(w[0], patch)),
                      .columns = new_floats(fx_threads() * a->dy->shape[2] * (patch + w[0])) };
  if (job.panels && job.columns) {
    fxcpu_pack(w[0], patch, fx_f32(a->w), patch, 1, job.panels);
    if (a->bf16)
      round_to_bf16(panels_size(w[0], patch), job.panels);
    fx_parallel(a->dy->shape[0], scatter_task, &job);
    st = FX_OK;
  }
  fx_free(job.columns);
  fx_free(job.panels);
  return st;
}

fx_status fxcpu_conv2d_backward_x (const fx_kernel_conv2d_backward_x *a) {
  const int64_t *dy = a->dy->shape, *w = a->w->shape, *dx = a->dx->shape;
  const bool same_size = dy[1] == dx[1] && dy[2] == dx[2];
  if (a->stride != 1 || a->pad > w[1] - 1 || a->pad > w[2] - 1 || (a->circular && !same_size))
    return scatter(a);
  conv_source source = fxcpu_source_plain(a->dy, a->circular);
  source.bf16 = a->bf16;
  return fxcpu_conv(&(conv_call){ .s = &source,
                                  .kh = w[1],
                                  .kw = w[2],
                                  .stride = 1,
                                  .pad_y = w[1] - 1 - a->pad,
                                  .pad_x = w[2] - 1 - a->pad,
                                  .w = fx_f32(a->w),
                                  .flipped = true,
                                  .oh = dx[1],
                                  .ow = dx[2],
                                  .outs = dx[3],
                                  .y = fx_f32(a->dx) });
}
