/*
** fused_linear.c - a linear layer whose rows are made while they are read, and the gradient of the making.
**
** Rows that need work (a norm, an activation, dropout) are made once a call into scratch, a few rows an item, and
** the products (linear.c) find them in a cache; x alone, or x and x2 side by side, are read where they lie.
** Backward makes the rows again. An item's share of dnorm_w and dnorm_b is kept apart and added in order.
*/
#include <string.h>

#include "kernels/cpu/layer_norm.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/mask.h"
#include "kernels/cpu/vmath.h"

#define GROUP 4096 /* numbers of an item, about: 16 rows of 256 channels */

typedef struct {
  int64_t rows, c1, c2, c, group; /* c = c1 + c2; group: rows of an item */
  int64_t sample;                 /* rows of a sample                    */
  const float *x, *x2, *norm_w, *norm_b;
  double eps, p;
  bool gelu;
  fx_rng key;
} row_source;

static row_source source_of (const fx_linear_input *in) {
  row_source s = { .c1 = last_dim(in->x),
                   .c2 = in->x2 ? last_dim(in->x2) : 0,
                   .sample = 1,
                   .x = fx_f32(in->x),
                   .x2 = in->x2 ? fx_f32(in->x2) : NULL,
                   .norm_w = in->norm_w ? fx_f32(in->norm_w) : NULL,
                   .norm_b = in->norm_b ? fx_f32(in->norm_b) : NULL,
                   .eps = in->eps,
                   .p = in->p,
                   .gelu = in->gelu,
                   .key = in->key };
  for (int i = 1; i < in->x->ndim - 1; i++)
    s.sample *= in->x->shape[i];
  s.rows = s.sample * in->x->shape[0];
  s.c = s.c1 + s.c2;
  s.group = larger(1, GROUP / larger(1, s.c));
  return s;
}

static bool is_made (const row_source *s) { return s->norm_w || s->gelu || s->p > 0; }

/* Row r of x, or of x and x2 side by side in `to`. */
static const float *joined_row (const row_source *s, int64_t r, float *to) {
  if (!s->x2)
    return s->x + r * s->c1;
  memcpy(to, s->x + r * s->c1, (size_t)s->c1 * sizeof *to);
  memcpy(to + s->c1, s->x2 + r * s->c2, (size_t)s->c2 * sizeof *to);
  return to;
}

/* y = dropout's mask, of row r, times x; y may be x. */
static void mask_row (const row_source *s, int64_t r, const float *x, float *y) {
  fx_rng key = s->key;
  key.sample += (uint32_t)(r / s->sample);
  fxcpu_masked(key, s->p, r % s->sample * s->c, s->c, x, y);
}

static void make_row (const row_source *s, int64_t r, float *to) {
  const float *x = joined_row(s, r, to);
  if (s->norm_w) {
    normalise(s->c, x, moments_of_row(s->c, x, s->eps), s->norm_w, s->norm_b, to);
    x = to;
  }
  if (s->gelu) {
    /* to may be x */
    STEPS_APART
    for (int64_t i = 0; i < s->c; i++)
      to[i] = v_gelu(x[i]);
    x = to;
  }
  if (s->p > 0)
    mask_row(s, r, x, to);
}

typedef struct {
  const row_source *s;
  float *to; /* (rows,c) */
} making;

static void make_task (void *context, int64_t item, int worker) {
  (void)worker;
  const making *job = context;
  const row_source *s = job->s;
  for (int64_t r = item * s->group; r < smaller(s->rows, (item + 1) * s->group); r++)
    make_row(s, r, job->to + r * s->c);
}

/* All rows as new scratch; NULL if there is no memory. */
static float *make_rows (const row_source *s) {
  making job = { s, new_floats(s->rows * s->c) };
  if (job.to && s->c > 0)
    fx_parallel(ceil_div(s->rows, s->group), make_task, &job);
  return job.to;
}

fx_status fxcpu_fused_linear_forward (const fx_kernel_fused_linear_forward *a) {
  const row_source s = source_of(&a->in);
  linear_call call = { .rows = s.rows,
                       .in = s.c,
                       .out = a->w->shape[0],
                       .x = { { s.x, s.x2 }, { s.c1, s.c2 }, { s.c1, s.c2 } },
                       .w = fx_f32(a->w),
                       .bias = a->b ? fx_f32(a->b) : NULL,
                       .add = a->add ? fx_f32(a->add) : NULL,
                       .y = fx_f32(a->y) };
  making rows = { &s, NULL };
  if (is_made(&s)) {
    if (!(rows.to = new_floats(s.rows * s.c)))
      return FX_ENOMEM;
    call.x = (product_rows){ { rows.to }, { s.c }, { s.c } };
    call.make = make_task;
    call.made_of = &rows;
    call.made = ceil_div(s.rows, s.group);
  }
  const fx_status st = fxcpu_linear_product(&call);
  fx_free(rows.to);
  return st;
}

fx_status fxcpu_fused_linear_backward_w (const fx_kernel_fused_linear_backward_w *a) {
  const row_source s = source_of(&a->in);
  const bool plain = !a->dw || (!is_made(&s) && !s.x2);
  float *made = NULL;
  if (!plain && !(made = make_rows(&s)))
    return FX_ENOMEM;
  const fx_status st =
      fxcpu_linear_weights(s.rows, s.c, last_dim(a->dy), plain ? s.x : made, fx_f32(a->dy),
                           a->dw ? fx_f32(a->dw) : NULL, a->db ? fx_f32(a->db) : NULL);
  fx_free(made);
  return st;
}

/* --- backward to what rows are made of -------------------------------------------------------- */

typedef struct {
  const row_source *s;
  const float *da;
  float *dx, *dx2;  /* may be NULL */
  double *shares;   /* of each item: 2c sums, for dnorm_w and dnorm_b; NULL without a norm */
  float *scratch;   /* of each worker: three rows                                       */
  bool wants_input; /* dx or dx2 */
} backward_job;

/* dz from da: through dropout and the activation of z. */
static void back_through_activation (const row_source *s, int64_t r, const float *z,
                                     const float *da, float *dz) {
  if (s->p > 0) {
    mask_row(s, r, da, dz);
    da = dz;
  }
  if (s->gelu) {
    /* dz may be da */
    STEPS_APART
    for (int64_t i = 0; i < s->c; i++)
      dz[i] = da[i] * v_gelu_slope(z[i]);
  } else if (da != dz) {
    memcpy(dz, da, (size_t)s->c * sizeof *dz);
  }
}

static void add_shares (int64_t c, const float *x, row_moments m, const float *dz, double *sums) {
  double *restrict to_w = sums, *restrict to_b = sums + c;
  const double rstd = m.rstd;
  for (int64_t i = 0; i < c; i++) {
    to_w[i] += dz[i] * ((x[i] - m.mean) * rstd);
    to_b[i] += dz[i];
  }
}

static void hand_out (const backward_job *job, int64_t r, const float *dz) {
  const row_source *s = job->s;
  if (job->dx && job->dx + r * s->c1 != dz)
    memcpy(job->dx + r * s->c1, dz, (size_t)s->c1 * sizeof *dz);
  if (job->dx2)
    memcpy(job->dx2 + r * s->c2, dz + s->c1, (size_t)s->c2 * sizeof *dz);
}

static void backward_row (const backward_job *job, int64_t r, float *scratch, double *sums) {
  const row_source *s = job->s;
  const int64_t c = s->c;
  float *z = scratch + c, *dz = job->dx && !s->x2 ? job->dx + r * c : scratch + 2 * c;
  const float *x = joined_row(s, r, scratch), *da = job->da + r * c;
  if (!s->norm_w) {
    back_through_activation(s, r, x, da, dz);
    hand_out(job, r, dz);
    return;
  }
  const row_moments m = moments_of_row(c, x, s->eps);
  if (s->gelu)
    normalise(c, x, m, s->norm_w, s->norm_b, z);
  back_through_activation(s, r, z, da, dz);
  add_shares(c, x, m, dz, sums);
  if (!job->wants_input)
    return;
  normalise_backward(c, x, m.mean, m.rstd, s->norm_w, dz, z, dz);
  hand_out(job, r, dz);
}

static void backward_task (void *context, int64_t item, int worker) {
  const backward_job *job = context;
  const row_source *s = job->s;
  double *sums = job->shares ? job->shares + item * 2 * s->c : NULL;
  if (sums)
    memset(sums, 0, (size_t)(2 * s->c) * sizeof *sums);
  for (int64_t r = item * s->group; r < smaller(s->rows, (item + 1) * s->group); r++)
    backward_row(job, r, job->scratch + worker * 3 * s->c, sums);
}

/* to[i] = the items' shares i, added in order. */
static void add_up (const backward_job *job, int64_t items, int64_t first, fx_tensor *to) {
  const int64_t c = job->s->c;
  for (int64_t i = 0; to && i < c; i++) {
    double sum = 0.0;
    for (int64_t item = 0; item < items; item++)
      sum += job->shares[item * 2 * c + first + i];
    fx_f32(to)[i] = (float)sum;
  }
}

fx_status fxcpu_fused_linear_backward_x (const fx_kernel_fused_linear_backward_x *a) {
  row_source s = source_of(&a->in);
  if (s.norm_w)
    s.group *= 4; /* fewer shares to add up */
  const int64_t items = ceil_div(s.rows, s.group);
  backward_job job = { .s = &s,
                       .da = fx_f32(a->da),
                       .dx = a->dx ? fx_f32(a->dx) : NULL,
                       .dx2 = a->dx2 ? fx_f32(a->dx2) : NULL,
                       .shares = s.norm_w ? new_doubles(items * 2 * s.c) : NULL,
                       .scratch = new_floats(fx_threads() * 3 * s.c),
                       .wants_input = a->dx || a->dx2 };
  fx_status st = FX_ENOMEM;
  if (job.scratch && (job.shares || !s.norm_w)) {
    fx_parallel(items, backward_task, &job);
    add_up(&job, items, 0, a->dnorm_w);
    add_up(&job, items, s.c, a->dnorm_b);
    st = FX_OK;
  }
  fx_free(job.shares);
  fx_free(job.scratch);
  return st;
}
