/*
** source_backward.c - from the gradient for what a convolution reads to those for what it is made of.
**
** Two passes over the rows of x. The first turns da into dz, the gradient in front of SiLU, and writes
** it to where dx will be, and adds up, channel by channel, S1 = sum dz and S2 = sum dz (x - mean); all
** other gradients follow from these sums (per sample n and channel c, in double):
**
**   demb shift = S1                     demb scale = rstd w S2 + b S1
**   dnorm_b    = sum_n (1+s) S1         dnorm_w    = sum_n (1+s) rstd S2
**   dx = p dz + q (x - mean) + r        p = rstd (1+s) w,  q = -rstd^2 B/M,  r = -rstd A/M
**   with, over a group, A = sum (1+s) w S1,  B = sum (1+s) w rstd S2,  M its numbers
**
** which the second pass computes in place. Rows are the items and are joined in order.
*/
#include <string.h>

#include "kernels/cpu/source.h"
#include "kernels/cpu/vmath.h"

#define RUN 32 /* pixels added up in float before double takes over */

typedef struct {
  const fx_kernel_fused_conv_backward_x *a;
  conv_source s;
  const float *da;
  float *dx, *dx2; /* scratch where the caller wants none */
  double *partial; /* S1, S2 (2C) of each row             */
  float *table;    /* (N,3,C): p, q, r                    */
  int64_t line;    /* floats of scratch a worker          */
  float *lines;
} backward_job;

/* The gradient for silu(z) in row y of image n, pixels c apart: da itself, or `to` filled. */
static const float *gradient_row (const backward_job *job, int64_t n, int64_t y, float *to) {
  const conv_source *s = &job->s;
  const int64_t c = s->c, pitch = s->cols * c;
  const float *da = job->da + n * s->rows * pitch;
  if (s->resample == FX_RESAMPLE_SAME)
    return da + y * pitch;
  if (s->resample == FX_RESAMPLE_DOWN) {
    const float *row = da + y / 2 * pitch;
    for (int64_t j = 0; j < s->w; j++)
      for (int64_t i = 0; i < c; i++)
        to[j * c + i] = 0.25f * row[j / 2 * c + i];
    return to;
  }
  const float *a = da + 2 * y * pitch, *b = a + pitch;
  for (int64_t j = 0; j < s->w; j++, a += 2 * c, b += 2 * c)
    for (int64_t i = 0; i < c; i++)
      to[j * c + i] = (a[i] + a[c + i]) + (b[i] + b[c + i]);
  return to;
}

/* --- first pass ------------------------------------------------------------------------------- */

/* One pixel's c channels: dz, and its share of the sums. */
static inline void slope_pixel (int64_t c, const float *restrict x, const float *restrict mean,
                                const float *restrict factor, const float *restrict shift,
                                const float *g, float *dz, float *restrict s1, float *restrict s2) {
  /* dz may be g */
  STEPS_APART
  for (int64_t i = 0; i < c; i++) {
    const float d = x[i] - mean[i], slope = g[i] * v_silu_slope(d * factor[i] + shift[i]);
    dz[i] = slope;
    s1[i] += slope;
    s2[i] += slope * d;
  }
}

static void slope_run (const backward_job *job, int64_t n, int64_t pixel, int64_t run,
                       const float *g, float *sums, float *half) {
  const conv_source *s = &job->s;
  const int64_t c = s->c, c1 = s->c1, c2 = s->c2, at = n * s->h * s->w + pixel;
  const float *mean = s->table + n * 3 * c;
  const float *x2 = c2 ? second_half(s->x2, s->x2_add, at * c2, run * c2, half) : NULL;
  memset(sums, 0, (size_t)(2 * c) * sizeof *sums);
  for (int64_t j = 0; j < run; j++, g += c) {
    slope_pixel(c1, s->x + (at + j) * c1, mean, mean + c, mean + 2 * c, g, job->dx + (at + j) * c1,
                sums, sums + c);
    if (c2)
      slope_pixel(c2, x2 + j * c2, mean + c1, mean + c + c1, mean + 2 * c + c1, g + c1,
                  job->dx2 + (at + j) * c2, sums + c1, sums + c + c1);
  }
}

static void slope_task (void *context, int64_t row, int worker) {
  const backward_job *job = context;
  const conv_source *s = &job->s;
  const int64_t c = s->c, n = row / s->h, y = row % s->h;
  float *sums = job->lines + worker * job->line;
  const float *g = gradient_row(job, n, y, sums + 2 * c);
  double *partial = job->partial + row * 2 * c;
  if (s->p > 0) {
    float *masked = sums + 2 * c;
    fxcpu_source_mask(s, n, y * s->w, s->w, g, masked);
    g = masked;
  }
  memset(partial, 0, (size_t)(2 * c) * sizeof *partial);
  for (int64_t j = 0; j < s->w; j += RUN) {
    slope_run(job, n, y * s->w + j, smaller(RUN, s->w - j), g + j * c, sums,
              sums + 2 * c + s->w * c);
    for (int64_t i = 0; i < 2 * c; i++)
      partial[i] += sums[i];
  }
}

/* --- between ---------------------------------------------------------------------------------- */

static void add_f32 (fx_tensor *t, int64_t i, double value) {
  if (t)
    fx_f32(t)[i] += (float)value;
}

/* Channel c of sample n: its shares, and A and B of its group. */
static void finish_channel (const backward_job *job, int64_t n, int64_t c, double s1, double s2,
                            double *a, double *b) {
  const fx_conv_input *in = &job->a->in;
  const int64_t all = job->s.c, group = n * in->groups + c / (all / in->groups);
  const double rstd = fx_f32(in->rstd)[group], w = fx_f32(in->norm_w)[c];
  const double bias = in->norm_b ? fx_f32(in->norm_b)[c] : 0.0;
  const double scale = 1.0 + (in->emb ? fx_f32(in->emb)[n * 2 * all + c] : 0.0);
  add_f32(job->a->dnorm_b, c, scale * s1);
  add_f32(job->a->dnorm_w, c, scale * rstd * s2);
  add_f32(job->a->demb, n * 2 * all + c, rstd * w * s2 + bias * s1);
  add_f32(job->a->demb, n * 2 * all + all + c, s1);
  *a += scale * w * s1;
  *b += scale * w * rstd * s2;
}

static void finish_sample (const backward_job *job, int64_t n, double *sums) {
  const fx_conv_input *in = &job->a->in;
  const int64_t c = job->s.c, width = c / in->groups, rows = job->s.h;
  const double m = (double)(rows * job->s.w * width);
  float *p = job->table + n * 3 * c, *q = p + c, *r = q + c;
  memset(sums, 0, (size_t)(2 * c) * sizeof *sums);
  for (int64_t y = 0; y < rows; y++)
    for (int64_t i = 0; i < 2 * c; i++)
      sums[i] += job->partial[(n * rows + y) * 2 * c + i];
  for (int64_t g = 0; g < in->groups; g++) {
    const double rstd = fx_f32(in->rstd)[n * in->groups + g];
    double a = 0.0, b = 0.0;
    for (int64_t i = g * width; i < (g + 1) * width; i++)
      finish_channel(job, n, i, sums[i], sums[c + i], &a, &b);
    for (int64_t i = g * width; i < (g + 1) * width; i++) {
      p[i] = job->s.table[n * 3 * c + c + i]; /* rstd (1+s) w */
      q[i] = (float)(-rstd * rstd * b / m);
      r[i] = (float)(-rstd * a / m);
    }
  }
}

/* --- second pass ------------------------------------------------------------------------------ */

static inline void finish_pixels (int64_t pixels, int64_t c, const float *x, const float *mean,
                                  const float *p, int64_t step, float *dx) {
  const float *restrict q = p + step, *restrict r = q + step;
  for (int64_t j = 0; j < pixels; j++, x += c, dx += c)
    for (int64_t i = 0; i < c; i++)
      dx[i] = dx[i] * p[i] + ((x[i] - mean[i]) * q[i] + r[i]);
}

static void finish_task (void *context, int64_t row, int worker) {
  const backward_job *job = context;
  const conv_source *s = &job->s;
  const int64_t c = s->c, n = row / s->h, at = row * s->w;
  const float *mean = s->table + n * 3 * c, *p = job->table + n * 3 * c;
  if (job->a->dx)
    finish_pixels(s->w, s->c1, s->x + at * s->c1, mean, p, c, job->dx + at * s->c1);
  if (job->a->dx2)
    finish_pixels(
        s->w, s->c2,
        second_half(s->x2, s->x2_add, at * s->c2, s->w * s->c2, job->lines + worker * job->line),
        mean + s->c1, p + s->c1, c, job->dx2 + at * s->c2);
}

/* --- without norm: the adjoint of joining and resampling ---------------------------------------- */

static void split_task (void *context, int64_t row, int worker) {
  const backward_job *job = context;
  const conv_source *s = &job->s;
  const int64_t n = row / s->h, at = row * s->w;
  const float *g = gradient_row(job, n, row % s->h, job->lines + worker * job->line);
  for (int64_t j = 0; j < s->w; j++, g += s->c) {
    if (job->a->dx)
      memcpy(job->dx + (at + j) * s->c1, g, (size_t)s->c1 * sizeof *g);
    if (job->a->dx2)
      memcpy(job->dx2 + (at + j) * s->c2, g + s->c1, (size_t)s->c2 * sizeof *g);
  }
}

/* --- entry ------------------------------------------------------------------------------------ */

static void clear (fx_tensor *t) {
  if (t)
    fx_tensor_fill(t, 0.0);
}

static fx_status run (backward_job *job, float **spare) {
  const conv_source *s = &job->s;
  const int64_t rows = s->n * s->h, pixels = rows * s->w;
  job->line = 2 * s->c + s->w * (s->c + s->c2);
  job->lines = new_floats(fx_threads() * job->line);
  if (!job->lines)
    return FX_ENOMEM;
  if (!s->table) {
    fx_parallel(rows, split_task, job);
    return FX_OK;
  }
  /* dz of a half whose gradient nobody wants still passes through memory. */
  *spare = new_floats((job->a->dx ? 0 : pixels * s->c1) + (job->a->dx2 ? 0 : pixels * s->c2));
  job->partial = new_doubles((rows + 1) * 2 * s->c);
  job->table = new_floats(s->n * 3 * s->c);
  if (!*spare || !job->partial || !job->table)
    return FX_ENOMEM;
  if (!job->a->dx)
    job->dx = *spare;
  if (!job->a->dx2)
    job->dx2 = *spare + (job->a->dx ? 0 : pixels * s->c1);
  fx_parallel(rows, slope_task, job);
  for (int64_t n = 0; n < s->n; n++)
    finish_sample(job, n, job->partial + rows * 2 * s->c);
  fx_parallel(rows, finish_task, job);
  return FX_OK;
}

fx_status fxcpu_fused_conv_backward_x (const fx_kernel_fused_conv_backward_x *a) {
  backward_job job = { .a = a,
                       .da = fx_f32(a->da),
                       .dx = a->dx ? fx_f32(a->dx) : NULL,
                       .dx2 = a->dx2 ? fx_f32(a->dx2) : NULL };
  float *spare = NULL;
  clear(a->dnorm_w);
  clear(a->dnorm_b);
  clear(a->demb);
  fx_status st = fxcpu_source_begin(&a->in, &job.s);
  if (st == FX_OK)
    st = run(&job, &spare);
  fxcpu_source_end(&job.s);
  fx_free(spare);
  fx_free(job.table);
  fx_free(job.partial);
  fx_free(job.lines);
  return st;
}
