/*
** conv_weights.c - the gradient of a convolution for its weights and bias.
**
** dw (O, kH kW I) = dy^T columns, summed over all pixels. As in conv.c the columns are never
** written: for a band of the image (with its border), TILE_COLS of its columns at a time are packed
** into a panel, one row a pixel, and multiplied with all of dy, whose TILE_ROWS outputs lie side by
** side. Bands, a fixed number of them, make a slice; each slice has a gradient of its own and the
** slices are added in order, so that the sum does not depend on threads. The number of slices is
** bounded by memory and by work: adding up must stay small against computing.
*/
#include <string.h>

#include "kernels/cpu/conv.h"
#include "kernels/cpu/winograd.h"

#define BAND_PIXELS 256 /* panel: 32 KiB with AVX-512, half of L2's way to it           */
#define BAND_FLOATS 65536
#define MOST_SLICES 16
#define SLICE_PIXELS 256        /* at least, or reading partial sums costs more than products   */
#define SLICE_FLOATS (16 << 20) /* 64 MiB of partial gradients in all                        */

typedef struct {
  conv_shape s;
  const float *dy;
  float *dw, *db;            /* either may be NULL */
  int64_t slices, per_slice; /* bands in a slice */
  int64_t size;              /* floats of a partial gradient: dw, then db */
  float *partial, *copies, *panel;
} weights_job;

/* Columns first .. first+width-1 of the patches of all pixels of the band. */
static void pack_columns (const conv_shape *s, const float *band, int64_t rows, int64_t first,
                          int64_t width, float *panel) {
  const int64_t run = s->kw * s->c;
  if (width < TILE_COLS)
    memset(panel, 0, (size_t)(rows * s->ow * TILE_COLS) * sizeof *panel);
  for (int64_t done = 0; done < width;) {
    const int64_t u = (first + done) / run, q = (first + done) % run;
    const int64_t length = smaller(width - done, run - q);
    float *to = panel + done;
    for (int64_t i = 0; i < rows; i++) {
      const float *from = band + (i * s->stride + u) * s->pitch + q;
      for (int64_t j = 0; j < s->ow; j++, from += s->stride * s->c, to += TILE_COLS)
        if (length == TILE_COLS)
          for (int l = 0; l < TILE_COLS; l += LANES)
            store(to + l, load(from + l));
        else
          for (int64_t l = 0; l < length; l++)
            to[l] = from[l];
    }
    done += length;
  }
}

static void band_weights (const weights_job *job, int64_t band, bool add, int worker, float *dw) {
  const conv_shape *s = &job->s;
  const int64_t image = band / s->bands, first = band % s->bands * s->band;
  const int64_t rows = smaller(s->oh - first, s->band), patch = s->kh * s->kw * s->c;
  const float *dy = job->dy + (image * s->oh + first) * s->ow * s->o;
  const float *from =
      fxcpu_conv_band(s, image, first, rows, job->copies + worker * conv_band_size(s));
  float *panel = job->panel + worker * s->band * s->ow * TILE_COLS, tile[TILE_SIZE];
  for (int64_t k = 0; k < patch; k += TILE_COLS) {
    const int64_t width = smaller(patch - k, TILE_COLS);
    pack_columns(s, from, rows, k, width, panel);
    for (int64_t o = 0; o < s->o; o += TILE_ROWS) {
      const int64_t outs = smaller(s->o - o, TILE_ROWS);
      fxcpu_tile_of_columns(outs, rows * s->ow, dy + o, s->o, panel, tile);
      store_tile(tile, outs, width, add, NULL, dw + o * patch + k, patch);
    }
  }
}

static void band_bias (const weights_job *job, int64_t band, float *db) {
  const conv_shape *s = &job->s;
  const int64_t image = band / s->bands, first = band % s->bands * s->band;
  const int64_t pixels = smaller(s->oh - first, s->band) * s->ow;
  const float *dy = job->dy + (image * s->oh + first) * s->ow * s->o;
  for (int64_t i = 0; i < pixels; i++, dy += s->o)
    for (int64_t o = 0; o < s->o; o++)
      db[o] += dy[o];
}

static void slice_task (void *context, int64_t slice, int worker) {
  const weights_job *job = context;
  const conv_shape *s = &job->s;
  float *dw = job->partial + slice * job->size, *db = dw + job->size - s->o;
  const int64_t begin = slice * job->per_slice;
  const int64_t end = smaller(begin + job->per_slice, s->n * s->bands);
  memset(db, 0, (size_t)s->o * sizeof *db);
  for (int64_t band = begin; band < end; band++) {
    if (job->dw)
      band_weights(job, band, band > begin, worker, dw);
    if (job->db)
      band_bias(job, band, db);
  }
}

static void add_slices (const weights_job *job, int64_t from, int64_t count, float *to) {
  for (int64_t i = 0; i < count; i++)
    to[i] = job->partial[from + i];
  for (int64_t slice = 1; slice < job->slices; slice++) {
    const float *partial = job->partial + slice * job->size + from;
    for (int64_t i = 0; i < count; i++)
      to[i] += partial[i];
  }
}

static void add_task (void *context, int64_t item, int worker) {
  (void)worker;
  const weights_job *job = context;
  const int64_t first = item * 4096; /* 16 KiB: the sum stays in L1 */
  add_slices(job, first, smaller(job->size - job->s.o - first, 4096), job->dw + first);
}

static void cut_slices (weights_job *job) {
  const conv_shape *s = &job->s;
  const int64_t all = s->n * s->bands, pixels = s->n * s->oh * s->ow;
  int64_t slices = smaller(MOST_SLICES, larger(4, SLICE_FLOATS / job->size));
  slices = smaller(slices, larger(2, pixels / SLICE_PIXELS));
  job->per_slice = ceil_div(all, smaller(slices, all));
  job->slices = ceil_div(all, job->per_slice);
}

static fx_status run_slices (weights_job *job) {
  conv_shape *s = &job->s;
  fx_status st = FX_ENOMEM;
  conv_cut(s, smaller(BAND_PIXELS, ceil_div(s->oh * s->ow, 2)), BAND_FLOATS);
  job->size = (job->dw ? s->o * s->kh * s->kw * s->c : 0) + s->o;
  cut_slices(job);
  job->partial = new_floats(job->slices * job->size);
  job->copies = new_floats(s->copied ? fx_threads() * conv_band_size(s) : 0);
  job->panel = new_floats(fx_threads() * s->band * s->ow * TILE_COLS);
  if (job->partial && job->copies && job->panel) {
    fx_parallel(job->slices, slice_task, job);
    if (job->dw)
      fx_parallel(ceil_div(job->size - s->o, 4096), add_task, job);
    if (job->db)
      add_slices(job, job->size - s->o, s->o, job->db);
    st = FX_OK;
  }
  fx_free(job->panel);
  fx_free(job->copies);
  fx_free(job->partial);
  return st;
}

fx_status fxcpu_conv_weights (const conv_weights_call *c) {
  const conv_source *x = c->s;
  const int64_t *dy = c->dy->shape;
  weights_job job = { .s = { .source = x,
                             .n = x->n,
                             .h = x->rows,
                             .w = x->cols,
                             .c = x->c,
                             .kh = c->kh,
                             .kw = c->kw,
                             .stride = c->stride,
                             .pad_y = c->pad,
                             .pad_x = c->pad,
                             .oh = dy[1],
                             .ow = dy[2],
                             .o = dy[3] },
                      .dy = fx_f32(c->dy),
                      .dw = c->dw ? fx_f32(c->dw) : NULL,
                      .db = c->db ? fx_f32(c->db) : NULL };
  if (fx_tensor_count(c->dy) == 0) {
    if (c->dw)
      fx_tensor_fill(c->dw, 0.0);
    if (c->db)
      fx_tensor_fill(c->db, 0.0);
    return FX_OK;
  }
  if (c->dw && winograd_suits(c->kh, c->kw, c->stride, c->pad, x->c, dy[3]))
    return fxcpu_winograd_weights(
        &(winograd_grad){ .s = x, .dy = job.dy, .outs = dy[3], .dw = job.dw, .db = job.db });
  return run_slices(&job);
}

/* Without dw any kernel size does: db reads dy only. */
fx_status fxcpu_conv2d_backward_w (const fx_kernel_conv2d_backward_w *a) {
  const conv_source source = fxcpu_source_plain(a->x, a->circular);
  return fxcpu_conv_weights(&(conv_weights_call){ .s = &source,
                                                  .kh = a->dw ? a->dw->shape[1] : 1,
                                                  .kw = a->dw ? a->dw->shape[2] : 1,
                                                  .stride = a->stride,
                                                  .pad = a->pad,
                                                  .dy = a->dy,
                                                  .dw = a->dw,
                                                  .db = a->db });
}
