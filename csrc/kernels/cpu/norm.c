/*
** norm.c - group norm, layer norm, and modulation by an embedding.
**
** Group norm makes two passes over (N,S,C): sums per channel, then the result. A sample's pixels
** are cut into pieces of about FXCPU_CHUNK numbers; each item adds up one piece, channel by channel
** in double, about a shift near the group's mean, so that squares do not cancel; the pieces are
** joined in order, then channels into groups. The second pass is three numbers per channel, fused:
** y = (x - mean) rstd w + b, and backward dx = dy p + (x - mean) q + r.
** Gradients for w and b are sums per channel of the same pieces. Layer norm: layer_norm.c.
*/
#include <math.h>
#include <string.h>

#include "kernels/cpu/sums.h"

/* A (N,S,C) tensor in pieces of pixels. */
typedef struct {
  int64_t n, space, c, piece, pieces;
} pieces;

static pieces pieces_of (const fx_tensor *x) {
  pieces p = { .n = x->shape[0], .c = last_dim(x), .space = 1 };
  for (int i = 1; i < x->ndim - 1; i++)
    p.space *= x->shape[i];
  p.piece = larger(1, FXCPU_CHUNK / larger(1, p.c));
  p.pieces = ceil_div(p.space, p.piece);
  return p;
}

/* Item -> sample, offset of its first number, number of pixels. */
static int64_t piece_at (const pieces *p, int64_t item, int64_t *offset, int64_t *pixels) {
  const int64_t sample = item / p->pieces, first = item % p->pieces * p->piece;
  *offset = (sample * p->space + first) * p->c;
  *pixels = smaller(p->piece, p->space - first);
  return sample;
}

/* Adds up `width` numbers of each piece of sample n, which start at `partial` and are `width` apart
** per item; into `sums`. */
static void join_pieces (const pieces *p, const double *partial, int64_t n, int64_t width,
                         double *sums) {
  memset(sums, 0, (size_t)width * sizeof *sums);
  for (int64_t i = 0; i < p->pieces; i++)
    for (int64_t c = 0; c < width; c++)
      sums[c] += partial[(n * p->pieces + i) * width + c];
}

typedef struct {
  pieces p;
  int64_t groups, width; /* width = channels of a group */
  const float *x, *dy, *w, *b, *mean, *rstd;
  float *y;        /* or dx */
  double *partial; /* 2C an item */
  float *table;    /* 4C a sample: what the second pass needs for each channel */
} norm_job;

static void group_job_start (norm_job *job, const fx_tensor *x, int64_t groups) {
  job->p = pieces_of(x);
  job->groups = groups;
  job->width = job->p.c / groups;
  job->x = fx_f32(x);
  job->partial = new_doubles((job->p.n * job->p.pieces + 1) * 2 * job->p.c);
  job->table = new_floats(job->p.n * 4 * job->p.c);
}

static void group_job_end (norm_job *job) {
  fx_free(job->table);
  fx_free(job->partial);
}

/* --- group norm, forward ---------------------------------------------------------------------- */

/* Sums of (x - shift) and of its square per channel; the shift is the group's first number. */
static void moments_task (void *context, int64_t item, int worker) {
  (void)worker;
  const norm_job *job = context;
  const int64_t c = job->p.c;
  int64_t offset, pixels;
  const int64_t n = piece_at(&job->p, item, &offset, &pixels);
  double *restrict sums = job->partial + item * 2 * c, *restrict squares = sums + c;
  const float *x = job->x + offset, *restrict shift = job->table + n * 4 * c;
  memset(sums, 0, (size_t)(2 * c) * sizeof *sums);
  for (int64_t s = 0; s < pixels; s++, x += c)
    for (int64_t i = 0; i < c; i++) {
      const double d = (double)x[i] - shift[i];
      sums[i] += d;
      squares[i] += d * d;
    }
}

static void set_shifts (const norm_job *job) {
  const int64_t c = job->p.c;
  for (int64_t n = 0; n < job->p.n; n++)
    for (int64_t i = 0; i < c; i++)
      job->table[n * 4 * c + i] = job->x[n * job->p.space * c + i / job->width * job->width];
}

/* Statistics of sample n, and its table: mean (float), factor, offset. The mean's rounding error,
** times the factor, goes into the offset. */
static void finish_sample (const norm_job *job, double *sums, int64_t n, double eps, float *mean,
                           float *rstd) {
  const int64_t c = job->p.c, width = job->width;
  const double count = (double)(job->p.space * width);
  float *table = job->table + n * 4 * c;
  join_pieces(&job->p, job->partial, n, 2 * c, sums);
  for (int64_t g = 0; g < job->groups; g++) {
    double sum = 0.0, squares = 0.0;
    for (int64_t i = g * width; i < (g + 1) * width; i++) {
      sum += sums[i];
      squares += sums[c + i];
    }
    const double shifted = sum / count, m = shifted + table[g * width];
    const double var = squares / count - shifted * shifted, r = 1.0 / sqrt(fmax(var, 0.0) + eps);
    mean[n * job->groups + g] = (float)m;
    rstd[n * job->groups + g] = (float)r;
    for (int64_t i = g * width; i < (g + 1) * width; i++) {
      const double factor = r * job->w[i];
      table[i] = (float)m;
      table[c + i] = (float)factor;
      table[2 * c + i] = (float)((job->b ? job->b[i] : 0.0) - (m - (float)m) * factor);
    }
  }
}

static void normalise_task (void *context, int64_t item, int worker) {
  (void)worker;
  const norm_job *job = context;
  const int64_t c = job->p.c;
  int64_t offset, pixels;
  const int64_t n = piece_at(&job->p, item, &offset, &pixels);
  const float *restrict mean = job->table + n * 4 * c, *factor = mean + c, *add = mean + 2 * c;
  const float *x = job->x + offset;
  float *restrict y = job->y + offset;
  for (int64_t s = 0; s < pixels; s++, x += c, y += c)
    for (int64_t i = 0; i < c; i++)
      y[i] = (x[i] - mean[i]) * factor[i] + add[i];
}

fx_status fxcpu_group_norm_forward (const fx_kernel_group_norm_forward *a) {
  norm_job job = { .w = fx_f32(a->w), .b = a->b ? fx_f32(a->b) : NULL, .y = fx_f32(a->y) };
  fx_status st = FX_ENOMEM;
  if (fx_tensor_count(a->x) == 0)
    return FX_OK;
  group_job_start(&job, a->x, a->groups);
  if (job.partial && job.table) {
    const int64_t items = job.p.n * job.p.pieces;
    set_shifts(&job);
    fx_parallel(items, moments_task, &job);
    for (int64_t n = 0; n < job.p.n; n++)
      finish_sample(&job, job.partial + items * 2 * job.p.c, n, a->eps, fx_f32(a->mean),
                    fx_f32(a->rstd));
    fx_parallel(items, normalise_task, &job);
    st = FX_OK;
  }
  group_job_end(&job);
  return st;
}

/* --- group norm, backward --------------------------------------------------------------------- */

/* Sums of dy and of dy (x - mean) per channel. */
static void slopes_task (void *context, int64_t item, int worker) {
  (void)worker;
  const norm_job *job = context;
  const int64_t c = job->p.c;
  int64_t offset, pixels;
  const int64_t n = piece_at(&job->p, item, &offset, &pixels);
  double *restrict sums = job->partial + item * 2 * c, *restrict products = sums + c;
  const float *x = job->x + offset, *dy = job->dy + offset;
  const float *restrict mean = job->table + n * 4 * c;
  memset(sums, 0, (size_t)(2 * c) * sizeof *sums);
  for (int64_t s = 0; s < pixels; s++, x += c, dy += c)
    for (int64_t i = 0; i < c; i++) {
      sums[i] += dy[i];
      products[i] += (double)dy[i] * (x[i] - mean[i]);
    }
}

static void set_means (const norm_job *job) {
  const int64_t c = job->p.c;
  for (int64_t n = 0; n < job->p.n; n++)
    for (int64_t i = 0; i < c; i++)
      job->table[n * 4 * c + i] = job->mean[n * job->groups + i / job->width];
}

/* Sample n: its p, q, r of dx = dy p + (x - mean) q + r, and its share of dw and db. */
static void backward_sample (const norm_job *job, double *sums, int64_t n, double *dw, double *db) {
  const int64_t c = job->p.c, width = job->width;
  const double count = (double)(job->p.space * width);
  float *table = job->table + n * 4 * c;
  join_pieces(&job->p, job->partial, n, 2 * c, sums);
  for (int64_t g = 0; g < job->groups; g++) {
    const double r = job->rstd[n * job->groups + g];
    double sum = 0.0, product = 0.0; /* of g = dy w and of g xhat over the group */
    for (int64_t i = g * width; i < (g + 1) * width; i++) {
      db[i] += sums[i];
      dw[i] += sums[c + i] * r;
      sum += sums[i] * job->w[i];
      product += sums[c + i] * r * job->w[i];
    }
    for (int64_t i = g * width; i < (g + 1) * width; i++) {
      table[c + i] = (float)(r * job->w[i]);
      table[2 * c + i] = (float)(-r * r * product / count);
      table[3 * c + i] = (float)(-r * sum / count);
    }
  }
}

static void gradient_task (void *context, int64_t item, int worker) {
  (void)worker;
  const norm_job *job = context;
  const int64_t c = job->p.c;
  int64_t offset, pixels;
  const int64_t n = piece_at(&job->p, item, &offset, &pixels);
  const float *restrict mean = job->table + n * 4 * c;
  const float *p = mean + c, *q = mean + 2 * c, *r = mean + 3 * c;
  const float *x = job->x + offset, *dy = job->dy + offset;
  float *restrict dx = job->y + offset;
  for (int64_t s = 0; s < pixels; s++, x += c, dy += c, dx += c)
    for (int64_t i = 0; i < c; i++)
      dx[i] = dy[i] * p[i] + ((x[i] - mean[i]) * q[i] + r[i]);
}

static void store_doubles (int64_t n, const double *from, fx_tensor *to) {
  for (int64_t i = 0; to && i < n; i++)
    fx_f32(to)[i] = (float)from[i];
}

fx_status fxcpu_group_norm_backward (const fx_kernel_group_norm_backward *a) {
  norm_job job = { .dy = fx_f32(a->dy),
                   .w = fx_f32(a->w),
                   .mean = fx_f32(a->mean),
                   .rstd = fx_f32(a->rstd),
                   .y = a->dx ? fx_f32(a->dx) : NULL };
  const int64_t c = last_dim(a->x);
  fx_status st = FX_ENOMEM;
  double *sums = fx_calloc((size_t)(2 * c), sizeof *sums); /* dw, then db */
  if (!sums)
    return st;
  group_job_start(&job, a->x, a->groups);
  if (job.partial && job.table) {
    const int64_t items = job.p.n * job.p.pieces;
    set_means(&job);
    fx_parallel(items, slopes_task, &job);
    for (int64_t n = 0; n < job.p.n; n++)
      backward_sample(&job, job.partial + items * 2 * c, n, sums, sums + c);
    store_doubles(c, sums, a->dw);
    store_doubles(c, sums + c, a->db);
    if (a->dx)
      fx_parallel(items, gradient_task, &job);
    st = FX_OK;
  }
  group_job_end(&job);
  fx_free(sums);
  return st;
}

/* --- modulation ------------------------------------------------------------------------------- */

typedef struct {
  pieces p;
  const float *x, *emb, *dy;
  float *y;        /* or dx */
  double *partial; /* 2C an item */
} modulate_job;

static void modulate_task (void *context, int64_t item, int worker) {
  (void)worker;
  const modulate_job *job = context;
  const int64_t c = job->p.c;
  int64_t offset, pixels;
  const float *restrict scale = job->emb + piece_at(&job->p, item, &offset, &pixels) * 2 * c;
  const float *shift = scale + c, *x = job->x + offset;
  float *restrict y = job->y + offset;
  for (int64_t s = 0; s < pixels; s++, x += c, y += c)
    for (int64_t i = 0; i < c; i++)
      y[i] = x[i] * (1.0f + scale[i]) + shift[i];
}

fx_status fxcpu_modulate_forward (const fx_kernel_modulate_forward *a) {
  modulate_job job = {
    .p = pieces_of(a->x), .x = fx_f32(a->x), .emb = fx_f32(a->emb), .y = fx_f32(a->y)
  };
  fx_parallel(job.p.n * job.p.pieces, modulate_task, &job);
  return FX_OK;
}

/* dx, and the piece's sums of dy x and of dy. */
static void modulate_slope_task (void *context, int64_t item, int worker) {
  (void)worker;
  const modulate_job *job = context;
  const int64_t c = job->p.c;
  int64_t offset, pixels;
  const float *restrict scale = job->emb + piece_at(&job->p, item, &offset, &pixels) * 2 * c;
  const float *x = job->x + offset, *dy = job->dy + offset;
  for (int64_t s = 0; job->y && s < pixels; s++) {
    float *restrict dx = job->y + offset + s * c;
    for (int64_t i = 0; i < c; i++)
      dx[i] = dy[s * c + i] * (1.0f + scale[i]);
  }
  if (!job->partial)
    return;
  double *restrict products = job->partial + item * 2 * c, *restrict sums = products + c;
  memset(products, 0, (size_t)(2 * c) * sizeof *products);
  for (int64_t s = 0; s < pixels; s++, x += c, dy += c)
    for (int64_t i = 0; i < c; i++) {
      products[i] += (double)dy[i] * x[i];
      sums[i] += dy[i];
    }
}

fx_status fxcpu_modulate_backward (const fx_kernel_modulate_backward *a) {
  modulate_job job = { .p = pieces_of(a->x),
                       .x = fx_f32(a->x),
                       .emb = fx_f32(a->emb),
                       .dy = fx_f32(a->dy),
                       .y = a->dx ? fx_f32(a->dx) : NULL };
  const int64_t items = job.p.n * job.p.pieces, width = 2 * job.p.c;
  if (a->demb && !(job.partial = new_doubles((items + 1) * width)))
    return FX_ENOMEM;
  fx_parallel(items, modulate_slope_task, &job);
  for (int64_t n = 0; a->demb && n < job.p.n; n++) {
    double *sums = job.partial + items * width;
    join_pieces(&job.p, job.partial, n, width, sums);
    for (int64_t i = 0; i < width; i++)
      fx_f32(a->demb)[n * width + i] = (float)sums[i];
  }
  fx_free(job.partial);
  return FX_OK;
}
