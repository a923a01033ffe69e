/*
** flow_kernels.h - the arithmetic of the solver: the tasks `columns` and `rows` of flow_state.h.
** Included by flow_base.c and flow_avx2.c, as fft_passes.h is.
**
** With E = exp(-(nu k^2 + drag) dt/2) and N(W) the nonlinear term and forcing, one step is
**
**   k1 = N(W)   a = E (W + dt/2 k1)      k2 = N(a)   b = E W + dt/2 k2
**   k3 = N(b)   c = E (E W + dt k3)      k4 = N(c)
**   W' = E^2 W + dt/6 (E^2 k1 + 2 E (k2 + k3) + k4)
**
** which is classical RK4 applied to exp(lambda t) W. The stages are never stored: they become
** velocities at once; `sum` collects W'.
*/
#ifndef FX_FLOW_KERNELS_H
#define FX_FLOW_KERNELS_H

#include <string.h>

#include "sim/flow_state.h"

#define INLINE static inline __attribute__((always_inline))
#define AT(p) (*(fx_vec *)(p))
#define GET(p) (*(const fx_vec *)(p))

typedef int64_t fx_bits __attribute__((vector_size(8 * FX_VEC)));

INLINE double *scratch_of (const fx_flow *flow, int worker, int number) {
  return flow->scratch + (worker * flow->blocks + number) * flow->block * FX_LANE_BLOCK;
}

/* --- columns --------------------------------------------------------------------------------- */

/* Columns kx0 .. kx0+3 of a slot of mid, as a lane block over y; and back. */
static void columns_from_mid (const fx_flow *flow, int slot, int64_t kx0, double *columns) {
  const double *mid = flow->mid + slot * flow->row_items * flow->padded * FX_LANE_BLOCK;
  for (int64_t i = 0; i < flow->row_items; i++, columns += FX_LANES * FX_LANE_BLOCK) {
    const double *tile = mid + (i * flow->padded + kx0) * FX_LANE_BLOCK;
    fx_lanes_turn(tile, FX_LANE_BLOCK, columns, FX_LANE_BLOCK);
    fx_lanes_turn(tile + 4, FX_LANE_BLOCK, columns + 4, FX_LANE_BLOCK);
  }
}

static void columns_to_mid (const fx_flow *flow, int slot, int64_t kx0, const double *columns) {
  double *mid = flow->mid + slot * flow->row_items * flow->padded * FX_LANE_BLOCK;
  for (int64_t i = 0; i < flow->row_items; i++, columns += FX_LANES * FX_LANE_BLOCK) {
    double *tile = mid + (i * flow->padded + kx0) * FX_LANE_BLOCK;
    fx_lanes_turn(columns, FX_LANE_BLOCK, tile, FX_LANE_BLOCK);
    fx_lanes_turn(columns + 4, FX_LANE_BLOCK, tile + 4, FX_LANE_BLOCK);
  }
}

/* One Runge-Kutta stage of one vector of modes. n is the right-hand side, e is E; returns the
** stage at which velocities are wanted next through *f. */
INLINE void combine (int stage, double dt, const fx_vec *e, const fx_vec *n, double *w, double *sum,
                     fx_vec *f) {
  switch (stage) {
  case COLUMNS_STAGE_1:
    AT(sum) = *e * *e * (GET(w) + *n * (dt / 6.0));
    *f = *e * (GET(w) + *n * (dt / 2.0));
    break;
  case COLUMNS_STAGE_2:
    AT(sum) = GET(sum) + *e * *n * (dt / 3.0);
    *f = *e * GET(w) + *n * (dt / 2.0);
    break;
  case COLUMNS_STAGE_3:
    AT(sum) = GET(sum) + *e * *n * (dt / 3.0);
    *f = *e * (*e * GET(w) + *n * dt);
    break;
  case COLUMNS_STAGE_4:
    *f = GET(sum) + *n * (dt / 6.0);
    AT(w) = *f;
    break;
  default: *f = GET(w); break;
  }
}

/* Row y of four columns: a, b hold the products and receive the velocities. */
INLINE void update_row (const fx_flow *flow, int stage, int64_t kx0, int64_t y, double *a,
                        double *b) {
  const double ky = flow->ky[y], scale = 1.0 / ((double)flow->h * (double)flow->w);
  const int64_t at = (kx0 / FX_LANES * flow->h + y) * FX_LANE_BLOCK;
  for (int v = 0; v < FX_LANES; v += FX_VEC) {
    double *w = flow->state + at + v, *sum = flow->sum + at + v;
    const fx_vec kx = GET(flow->kx + kx0 + v);
    const fx_vec e = GET(flow->decay_x + kx0 + v) * flow->decay_y[y];
    const fx_vec ca = kx * (ky * scale), cb = (kx * kx - ky * ky) * scale;
    const fx_vec nr = ca * GET(a + v) + cb * GET(b + v);
    const fx_vec ni = ca * GET(a + 4 + v) + cb * GET(b + 4 + v);
    fx_vec fr, fi;
    combine(stage, flow->dt, &e, &nr, w, sum, &fr);
    combine(stage, flow->dt, &e, &ni, w + 4, sum + 4, &fi);
    /* psi = W / k^2, u = i ky psi, v = -i kx psi; W(0,0) = 0 must not become 0/0. */
    const fx_vec inverse = 1.0 / (kx * kx + (ky * ky + 1e-300));
    const fx_vec pr = fr * inverse, pi = fi * inverse;
    AT(a + v) = -pi * ky;
    AT(a + 4 + v) = pr * ky;
    AT(b + v) = kx * pi;
    AT(b + 4 + v) = -kx * pr;
  }
}

/* What a stage does to row y of four columns: update_row, or the scalar's. */
typedef void row_update(const fx_flow *flow, int stage, int64_t kx0, int64_t y, double *a,
                        double *b);

INLINE void update_rows (const fx_flow *flow, row_update *row, int stage, int64_t kx0, double *a,
                         double *b) {
  const int64_t h = flow->h, top = flow->top;
  for (int64_t y = 0; y <= top; y++)
    row(flow, stage, kx0, y, a + y * FX_LANE_BLOCK, b + y * FX_LANE_BLOCK);
  const int64_t gap = (h - 2 * top - 1) * FX_LANE_BLOCK;
  memset(a + (top + 1) * FX_LANE_BLOCK, 0, (size_t)gap * sizeof(double));
  memset(b + (top + 1) * FX_LANE_BLOCK, 0, (size_t)gap * sizeof(double));
  for (int64_t y = h - top; y < h; y++)
    row(flow, stage, kx0, y, a + y * FX_LANE_BLOCK, b + y * FX_LANE_BLOCK);
}

/* A mode is pushed by what a stress, times kx ky for a or kx^2 - ky^2 for b, makes of it: the one of the
** two to add to, and its factor, the larger, which only the mean has as 0. */
INLINE double *stress_of (double kx, double ky, double *a, double *b, double *factor) {
  const double ca = kx * ky, cb = kx * kx - ky * ky;
  const int first = ca * ca > cb * cb;
  *factor = first ? ca : cb;
  return first ? a : b;
}

/* The forces of four columns, as stresses. a and b still lack their 1/(h w). */
static void add_forcing (const fx_flow *flow, int64_t kx0, double *a, double *b) {
  for (int64_t i = 0; i < flow->force_count; i++) {
    const fx_flow_push *f = &flow->forces[i];
    if (f->kx < kx0 || f->kx >= kx0 + FX_LANES)
      continue;
    double factor, *to = stress_of((double)f->kx, (double)f->ky, a, b, &factor);
    const double scale = (double)flow->h * (double)flow->w / factor;
    const int64_t y = f->ky < 0 ? f->ky + flow->h : f->ky;
    double *stress = to + y * FX_LANE_BLOCK + f->kx - kx0;
    stress[0] += f->re * scale;
    stress[4] += f->im * scale;
  }
}

/* The curl of the solids' force (c, d), as stresses like those above. */
static void add_damping (const fx_flow *flow, int64_t kx0, const double *c, const double *d,
                         double *a, double *b) {
  for (int64_t y = 0; y < flow->h; y++) {
    const double ky = flow->ky[y];
    if (y > flow->top && y < flow->h - flow->top)
      continue;
    for (int64_t l = 0; l < FX_LANES; l++) {
      const double kx = flow->kx[kx0 + l];
      const int64_t at = y * FX_LANE_BLOCK + l;
      double factor, *stress = stress_of(kx, ky, a, b, &factor) + at;
      if (factor == 0.0)
        continue; /* the mean has no curl */
      stress[0] += (ky * c[at + 4] - kx * d[at + 4]) / factor;
      stress[4] += (kx * d[at] - ky * c[at]) / factor;
    }
  }
}

/* Compiled for each row and stage: nothing of that is asked in the loops. */
INLINE void update (const fx_flow *flow, row_update *row, fx_flow_columns stage, int64_t kx0,
                    double *a, double *b) {
  switch (stage) {
  case COLUMNS_STAGE_1: update_rows(flow, row, COLUMNS_STAGE_1, kx0, a, b); break;
  case COLUMNS_STAGE_2: update_rows(flow, row, COLUMNS_STAGE_2, kx0, a, b); break;
  case COLUMNS_STAGE_3: update_rows(flow, row, COLUMNS_STAGE_3, kx0, a, b); break;
  case COLUMNS_STAGE_4: update_rows(flow, row, COLUMNS_STAGE_4, kx0, a, b); break;
  default: update_rows(flow, row, COLUMNS_START, kx0, a, b); break;
  }
}

/* Transforms *data, which swaps places with *spare if the result lies there. */
static void transform (const fx_fft *plan, fx_fft_direction direction, double **data,
                       double **spare) {
  double *result = fx_fft_lanes(plan, direction, *data, *spare);
  if (result != *data) {
    *spare = *data;
    *data = result;
  }
}

/* The rows and lanes of four loaded columns that are kept, scaled, into `to`, state or scalar; the rest becomes
** zero. */
static void keep_columns (const fx_flow *flow, int64_t kx0, const double *a, double *to) {
  double *w = to + kx0 * flow->h * 2;
  const double scale = 1.0 / ((double)flow->h * (double)flow->w);
  for (int64_t y = 0; y < flow->h; y++, w += FX_LANE_BLOCK, a += FX_LANE_BLOCK) {
    const int kept = y <= flow->top || y >= flow->h - flow->top;
    for (int l = 0; l < FX_LANE_BLOCK; l++)
      w[l] = kept && kx0 + l % FX_LANES < flow->modes ? a[l] * scale : 0.0;
  }
}

/* Four columns of a field that is stored: its coefficients to y space in slot 0, nothing in slot 1. */
static void store_columns (const fx_flow *flow, const double *from, int64_t kx0, double *a,
                           double *spare) {
  const size_t bytes = (size_t)flow->h * FX_LANE_BLOCK * sizeof(double);
  memcpy(a, from + kx0 * flow->h * 2, bytes);
  transform(flow->along_y, FX_FFT_INVERSE, &a, &spare);
  columns_to_mid(flow, 0, kx0, a);
  memset(a, 0, bytes);
  columns_to_mid(flow, 1, kx0, a);
}

static void load_columns (const fx_flow *flow, int64_t kx0, double *a, double *spare, double *to) {
  columns_from_mid(flow, 0, kx0, a);
  transform(flow->along_y, FX_FFT_FORWARD, &a, &spare);
  keep_columns(flow, kx0, a, to);
}

/* Products, forcing and solids of a stage, as stresses a and b in ky space. */
static void stage_columns (const fx_flow *flow, int64_t kx0, int worker, double **a, double **b,
                           double **spare) {
  columns_from_mid(flow, 0, kx0, *a);
  transform(flow->along_y, FX_FFT_FORWARD, a, spare);
  columns_from_mid(flow, 1, kx0, *b);
  transform(flow->along_y, FX_FFT_FORWARD, b, spare);
  add_forcing(flow, kx0, *a, *b);
  if (!flow->damping)
    return;
  double *c = scratch_of(flow, worker, 3), *d = scratch_of(flow, worker, 4);
  columns_from_mid(flow, 2, kx0, c);
  transform(flow->along_y, FX_FFT_FORWARD, &c, spare);
  columns_from_mid(flow, 3, kx0, d);
  transform(flow->along_y, FX_FFT_FORWARD, &d, spare);
  add_damping(flow, kx0, c, d, *a, *b);
}

#include "sim/flow_scalar_kernels.h"

static void columns (void *context, int64_t item, int worker) {
  const fx_flow_job *job = context;
  const fx_flow *flow = job->flow;
  const int64_t kx0 = item * FX_LANES;
  double *a = scratch_of(flow, worker, 0), *b = scratch_of(flow, worker, 1);
  double *spare = scratch_of(flow, worker, 2);
  switch (job->columns) {
  case COLUMNS_LOAD: load_columns(flow, kx0, a, spare, flow->state); return;
  case COLUMNS_LOAD_SCALAR: load_columns(flow, kx0, a, spare, flow->scalar); return;
  case COLUMNS_VORTICITY: store_columns(flow, flow->state, kx0, a, spare); return;
  case COLUMNS_SCALAR: store_columns(flow, flow->scalar, kx0, a, spare); return;
  case COLUMNS_START: {
    const size_t bytes = (size_t)flow->h * FX_LANE_BLOCK * sizeof(double);
    memset(a, 0, bytes);
    memset(b, 0, bytes);
    break;
  }
  default: stage_columns(flow, kx0, worker, &a, &b, &spare); break;
  }
  update(flow, update_row, job->columns, kx0, a, b);
  if (item == 0)
    a[0] = flow->options.mean_velocity; /* the mode that vorticity does not know */
  transform(flow->along_y, FX_FFT_INVERSE, &a, &spare);
  columns_to_mid(flow, 0, kx0, a);
  transform(flow->along_y, FX_FFT_INVERSE, &b, &spare);
  columns_to_mid(flow, 1, kx0, b);
  if (flow->scalar)
    scalar_columns(job, kx0, a, b, spare);
}

/* --- rows ------------------------------------------------------------------------------------ */

/* z = A + i B over all kx of four rows, from the half spectra of two real fields A and B. */
static void join_rows (const fx_flow *flow, const double *a, const double *b, double *z) {
  const int64_t gap = flow->w - 2 * flow->modes + 1;
  memset(z + flow->modes * FX_LANE_BLOCK, 0, (size_t)gap * FX_LANE_BLOCK * sizeof(double));
  for (int64_t k = 0; k < flow->modes; k++, a += FX_LANE_BLOCK, b += FX_LANE_BLOCK) {
    double *plus = z + k * FX_LANE_BLOCK, *minus = z + (k ? flow->w - k : 0) * FX_LANE_BLOCK;
    /* kx = 0 of a real field is real: leaving out what rounding adds keeps the state symmetric. */
    const double keep = k ? 1.0 : 0.0;
    for (int v = 0; v < FX_LANES; v += FX_VEC) {
      const fx_vec ar = GET(a + v), ai = GET(a + 4 + v) * keep;
      const fx_vec br = GET(b + v), bi = GET(b + 4 + v) * keep;
      AT(minus + v) = ar + bi;
      AT(minus + 4 + v) = br - ai;
      AT(plus + v) = ar - bi;
      AT(plus + 4 + v) = br + ai;
    }
  }
}

static void split_rows (const fx_flow *flow, const double *z, double *a, double *b) {
  for (int64_t k = 0; k < flow->modes; k++, a += FX_LANE_BLOCK, b += FX_LANE_BLOCK) {
    const double *plus = z + k * FX_LANE_BLOCK;
    const double *minus = z + (k ? flow->w - k : 0) * FX_LANE_BLOCK;
    for (int v = 0; v < FX_LANES; v += FX_VEC) {
      const fx_vec pr = GET(plus + v), pi = GET(plus + 4 + v);
      const fx_vec mr = GET(minus + v), mi = GET(minus + 4 + v);
      AT(a + v) = (pr + mr) * 0.5;
      AT(a + 4 + v) = (pi - mi) * 0.5;
      AT(b + v) = (pi + mi) * 0.5;
      AT(b + 4 + v) = (mr - pr) * 0.5;
    }
  }
}

INLINE void magnitude (fx_vec *x) { *x = (fx_vec)((fx_bits)*x & INT64_MAX); }

/* (u, v) -> (v^2 - u^2, u v) in place; peak[0] = max |u|/dx + |v|/dy, peak[1] = its sum, which is
** how a NaN, invisible to comparisons, shows. Lanes beyond the last row hold zeros. */
static void multiply (const fx_flow *flow, double *z, double peak[2]) {
  const double inv_dx = (double)flow->w / TWO_PI;
  const double inv_dy = (double)flow->h / TWO_PI;
  double top[FX_LANES] = { 0 }, total[FX_LANES] = { 0 };
  for (int v = 0; v < FX_LANES; v += FX_VEC) {
    fx_vec max = { 0 }, sum = { 0 };
    for (int64_t x = 0; x < flow->w; x++) {
      double *point = z + x * FX_LANE_BLOCK + v;
      fx_vec p = GET(point), q = GET(point + 4);
      AT(point) = q * q - p * p;
      AT(point + 4) = p * q;
      magnitude(&p);
      magnitude(&q);
      const fx_vec speed = p * inv_dx + q * inv_dy;
      const fx_bits more = (fx_bits)(speed > max);
      max = (fx_vec)(((fx_bits)speed & more) | ((fx_bits)max & ~more));
      sum += speed;
    }
    memcpy(top + v, &max, sizeof max);
    memcpy(total + v, &sum, sizeof sum);
  }
  peak[0] = peak[1] = 0.0;
  for (int l = 0; l < FX_LANES; l++) {
    peak[0] = top[l] > peak[0] ? top[l] : peak[0];
    peak[1] += total[l];
  }
}

/* The force of solids and sponge at velocities z, into f. */
static void damp (const fx_flow *flow, int64_t item, const double *z, double *f) {
  const double *rate = flow->damping + item * flow->w * FX_LANES;
  for (int64_t x = 0; x < flow->w; x++, rate += FX_LANES) {
    const double sponge = flow->sponge[x], target = sponge * flow->options.mean_velocity;
    for (int v = 0; v < FX_LANES; v += FX_VEC) {
      const int64_t at = x * FX_LANE_BLOCK + v;
      const fx_vec total = GET(rate + v) + sponge;
      AT(f + at) = target - total * GET(z + at);
      AT(f + at + 4) = -total * GET(z + at + 4);
    }
  }
}

/* Four rows between a field (h, w, channels) and a lane block; missing rows and channels are 0. */
static void store_rows (const fx_flow_job *job, int64_t y0, const double *z) {
  const int64_t w = job->flow->w;
  for (int64_t l = 0; l < FX_LANES && y0 + l < job->flow->h; l++) {
    double *row = job->field + (y0 + l) * w * job->channels;
    for (int64_t x = 0; x < w; x++) {
      for (int c = 0; c < job->channels; c++)
        row[x * job->channels + c] = z[x * FX_LANE_BLOCK + c * FX_LANES + l];
    }
  }
}

static void load_rows (const fx_flow_job *job, int64_t y0, double *z) {
  const int64_t w = job->flow->w;
  memset(z, 0, (size_t)w * FX_LANE_BLOCK * sizeof(double));
  for (int64_t l = 0; l < FX_LANES && y0 + l < job->flow->h; l++) {
    const double *row = job->field + (y0 + l) * w;
    for (int64_t x = 0; x < w; x++)
      z[x * FX_LANE_BLOCK + l] = row[x];
  }
}

static void rows (void *context, int64_t item, int worker) {
  const fx_flow_job *job = context;
  const fx_flow *flow = job->flow;
  double *z = scratch_of(flow, worker, 0), *spare = scratch_of(flow, worker, 1);
  double *a = flow->mid + item * flow->padded * FX_LANE_BLOCK;
  double *b = a + flow->row_items * flow->padded * FX_LANE_BLOCK;
  if (job->rows == ROWS_LOAD) {
    load_rows(job, item * FX_LANES, z);
  } else {
    join_rows(flow, a, b, z);
    transform(flow->along_x, FX_FFT_INVERSE, &z, &spare);
    if (job->rows == ROWS_STORE) {
      store_rows(job, item * FX_LANES, z);
      return;
    }
    double *f = scratch_of(flow, worker, 2);
    if (flow->damping) {
      const int64_t slot = flow->row_items * flow->padded * FX_LANE_BLOCK;
      damp(flow, item, z, f);
      transform(flow->along_x, FX_FFT_FORWARD, &f, &spare);
      split_rows(flow, f, a + 2 * slot, b + 2 * slot);
    }
    if (flow->scalar)
      scalar_rows(flow, z, a, f, spare);
    multiply(flow, z, flow->peak + 2 * item);
  }
  transform(flow->along_x, FX_FFT_FORWARD, &z, &spare);
  split_rows(flow, z, a, b);
}

#endif
