/*
** columns.c - the loop over columns (flow_state.h): FX_LANES neighbouring kx an item, all of y.
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
#include "sim/lanes/fft.h"

/* FX_LANES columns from kx0 on of a slot of mid, as a lane block over y; and back. */
static void columns_from_mid (const fx_flow *flow, int slot, int64_t kx0, fx_real *columns) {
  const fx_real *mid = reals(flow->mid) + slot * slot_size(flow);
  for (int64_t i = 0; i < flow->row_items; i++, columns += FX_LANES * FX_LANE_BLOCK) {
    const fx_real *tile = mid + (i * flow->padded + kx0) * FX_LANE_BLOCK;
    fx_lanes_turn(tile, FX_LANE_BLOCK, columns, FX_LANE_BLOCK);
    fx_lanes_turn(tile + FX_LANES, FX_LANE_BLOCK, columns + FX_LANES, FX_LANE_BLOCK);
  }
}

static void columns_to_mid (const fx_flow *flow, int slot, int64_t kx0, fx_real *columns) {
  fx_real *mid = reals(flow->mid) + slot * slot_size(flow);
  const int64_t beyond =
      flow->row_items * FX_LANES - flow->h; /* rows that are no rows stay at rest */
  memset(columns + flow->h * FX_LANE_BLOCK, 0, (size_t)(beyond * FX_LANE_BLOCK) * sizeof(fx_real));
  for (int64_t i = 0; i < flow->row_items; i++, columns += FX_LANES * FX_LANE_BLOCK) {
    fx_real *tile = mid + (i * flow->padded + kx0) * FX_LANE_BLOCK;
    fx_lanes_turn(columns, FX_LANE_BLOCK, tile, FX_LANE_BLOCK);
    fx_lanes_turn(columns + FX_LANES, FX_LANE_BLOCK, tile + FX_LANES, FX_LANE_BLOCK);
  }
}

/* --- decay -------------------------------------------------------------------------------------
** E is so near 1 in slow modes that single precision would round away percents of their viscosity, in every
** step the same way. There it is kept as E - 1 (fx_flow_decay): E x = x + (E - 1) x is rounded as x falls. */
enum { LESS_ONE = sizeof(fx_real) == sizeof(float) };

/* E of a mode from its factors. */
INLINE fx_vec join_decays (fx_vec along_x, fx_real along_y) {
  return LESS_ONE ? along_x + (along_y + along_x * along_y) : along_x * along_y;
}
INLINE fx_vec twice (fx_vec e) { return LESS_ONE ? e * 2.0 + e * e : e * e; }
INLINE fx_vec decayed (fx_vec e, fx_vec x) { return LESS_ONE ? x + e * x : e * x; }

/* --- stages ------------------------------------------------------------------------------------ */

/* One Runge-Kutta stage of one vector of modes. n is the right-hand side, e is E; returns the
** stage at which velocities are wanted next through *f. */
INLINE void combine (int stage, double dt, const fx_vec *e, const fx_vec *n, fx_real *w,
                     fx_real *sum, fx_vec *f) {
  const fx_real whole = (fx_real)dt, half = (fx_real)(dt / 2.0);
  const fx_real third = (fx_real)(dt / 3.0), sixth = (fx_real)(dt / 6.0);
  switch (stage) {
  case COLUMNS_STAGE_1:
    AT(sum) = decayed(twice(*e), GET(w) + *n * sixth);
    *f = decayed(*e, GET(w) + *n * half);
    break;
  case COLUMNS_STAGE_2:
    AT(sum) = GET(sum) + decayed(*e, *n) * third;
    *f = decayed(*e, GET(w)) + *n * half;
    break;
  case COLUMNS_STAGE_3:
    AT(sum) = GET(sum) + decayed(*e, *n) * third;
    *f = decayed(*e, decayed(*e, GET(w)) + *n * whole);
    break;
  case COLUMNS_STAGE_4:
    *f = GET(sum) + *n * sixth;
    AT(w) = *f;
    break;
  default: *f = GET(w); break;
  }
}

INLINE fx_real scale_of (const fx_flow *flow) {
  return (fx_real)(1.0 / ((double)flow->h * (double)flow->w));
}

/* Row y of FX_LANES columns: a, b hold the products and receive the velocities. */
INLINE void update_row (const fx_flow *flow, int stage, int64_t kx0, int64_t y, fx_real *a,
                        fx_real *b) {
  const fx_real ky = (fx_real)flow->ky[y], scale = scale_of(flow);
  /* W(0,0) = 0 must not become 0/0; beside 1 so little is nothing. */
  const fx_real ky_squared = (fx_real)(ky * ky + 1e-30);
  const fx_real decay = (fx_real)flow->decay_y[y];
  const int64_t at = (kx0 / FX_LANES * flow->h + y) * FX_LANE_BLOCK;
  for (int v = 0; v < FX_LANES; v += FX_VEC) {
    fx_real *w = reals(flow->state) + at + v, *sum = reals(flow->sum) + at + v;
    const fx_vec kx = GET(reals(flow->kx) + kx0 + v);
    const fx_vec e = join_decays(GET(reals(flow->decay_x) + kx0 + v), decay);
    const fx_vec ca = kx * (ky * scale), cb = (kx * kx - ky * ky) * scale;
    const fx_vec nr = ca * GET(a + v) + cb * GET(b + v);
    const fx_vec ni = ca * GET(a + FX_LANES + v) + cb * GET(b + FX_LANES + v);
    fx_vec fr, fi;
    combine(stage, flow->dt, &e, &nr, w, sum, &fr);
    combine(stage, flow->dt, &e, &ni, w + FX_LANES, sum + FX_LANES, &fi);
    /* psi = W / k^2, u = i ky psi, v = -i kx psi. */
    const fx_vec inverse = 1.0 / (kx * kx + ky_squared);
    const fx_vec pr = fr * inverse, pi = fi * inverse;
    AT(a + v) = -pi * ky;
    AT(a + FX_LANES + v) = pr * ky;
    AT(b + v) = kx * pi;
    AT(b + FX_LANES + v) = -kx * pr;
  }
}

/* What a stage does to row y of FX_LANES columns: update_row, or the scalar's. */
typedef void row_update(const fx_flow *flow, int stage, int64_t kx0, int64_t y, fx_real *a,
                        fx_real *b);

INLINE void update_rows (const fx_flow *flow, row_update *row, int stage, int64_t kx0, fx_real *a,
                         fx_real *b) {
  const int64_t h = flow->h, top = flow->top;
  for (int64_t y = 0; y <= top; y++)
    row(flow, stage, kx0, y, a + y * FX_LANE_BLOCK, b + y * FX_LANE_BLOCK);
  const int64_t gap = (h - 2 * top - 1) * FX_LANE_BLOCK;
  memset(a + (top + 1) * FX_LANE_BLOCK, 0, (size_t)gap * sizeof(fx_real));
  memset(b + (top + 1) * FX_LANE_BLOCK, 0, (size_t)gap * sizeof(fx_real));
  for (int64_t y = h - top; y < h; y++)
    row(flow, stage, kx0, y, a + y * FX_LANE_BLOCK, b + y * FX_LANE_BLOCK);
}

/* A mode is pushed by what a stress, times kx ky for a or kx^2 - ky^2 for b, makes of it: the one of the
** two to add to, and its factor, the larger, which only the mean has as 0. */
INLINE fx_real *stress_of (fx_real kx, fx_real ky, fx_real *a, fx_real *b, fx_real *factor) {
  const fx_real ca = kx * ky, cb = kx * kx - ky * ky;
  const bool first = ca * ca > cb * cb;
  *factor = first ? ca : cb;
  return first ? a : b;
}

/* The forces of FX_LANES columns, as stresses. a and b still lack their 1/(h w). */
static void add_forcing (const fx_flow *flow, int64_t kx0, fx_real *a, fx_real *b) {
  for (int64_t i = 0; i < flow->force_count; i++) {
    const fx_flow_push *f = &flow->forces[i];
    if (f->kx < kx0 || f->kx >= kx0 + FX_LANES)
      continue;
    fx_real factor, *to = stress_of((fx_real)f->kx, (fx_real)f->ky, a, b, &factor);
    const double scale = (double)flow->h * (double)flow->w / (double)factor;
    const int64_t y = f->ky < 0 ? f->ky + flow->h : f->ky;
    fx_real *stress = to + y * FX_LANE_BLOCK + f->kx - kx0;
    stress[0] += (fx_real)(f->re * scale);
    stress[FX_LANES] += (fx_real)(f->im * scale);
  }
}

/* The curl of the solids' force (c, d), as stresses like those above. */
static void add_damping (const fx_flow *flow, int64_t kx0, const fx_real *c, const fx_real *d,
                         fx_real *a, fx_real *b) {
  for (int64_t y = 0; y < flow->h; y++) {
    const fx_real ky = (fx_real)flow->ky[y];
    if (y > flow->top && y < flow->h - flow->top)
      continue;
    for (int64_t l = 0; l < FX_LANES; l++) {
      const fx_real kx = reals(flow->kx)[kx0 + l];
      const int64_t at = y * FX_LANE_BLOCK + l;
      fx_real factor, *stress = stress_of(kx, ky, a, b, &factor) + at;
      if (factor == 0.0)
        continue; /* the mean has no curl */
      stress[0] += (ky * c[at + FX_LANES] - kx * d[at + FX_LANES]) / factor;
      stress[FX_LANES] += (kx * d[at] - ky * c[at]) / factor;
    }
  }
}

/* Compiled for each row and stage: nothing of that is asked in the loops. */
INLINE void update (const fx_flow *flow, row_update *row, fx_flow_columns stage, int64_t kx0,
                    fx_real *a, fx_real *b) {
  switch (stage) {
  case COLUMNS_STAGE_1: update_rows(flow, row, COLUMNS_STAGE_1, kx0, a, b); break;
  case COLUMNS_STAGE_2: update_rows(flow, row, COLUMNS_STAGE_2, kx0, a, b); break;
  case COLUMNS_STAGE_3: update_rows(flow, row, COLUMNS_STAGE_3, kx0, a, b); break;
  case COLUMNS_STAGE_4: update_rows(flow, row, COLUMNS_STAGE_4, kx0, a, b); break;
  default: update_rows(flow, row, COLUMNS_START, kx0, a, b); break;
  }
}

/* The rows and lanes of FX_LANES loaded columns that are kept, scaled, into `to`, state or scalar; the rest becomes
** zero. */
static void keep_columns (const fx_flow *flow, int64_t kx0, const fx_real *a, fx_real *to) {
  fx_real *w = to + kx0 * flow->h * 2;
  const fx_real scale = scale_of(flow);
  for (int64_t y = 0; y < flow->h; y++, w += FX_LANE_BLOCK, a += FX_LANE_BLOCK) {
    const int kept = y <= flow->top || y >= flow->h - flow->top;
    for (int l = 0; l < FX_LANE_BLOCK; l++)
      w[l] = kept && kx0 + l % FX_LANES < flow->modes ? a[l] * scale : (fx_real)0.0;
  }
}

/* FX_LANES columns of a field that is stored: its coefficients to y space in slot 0, nothing in slot 1. */
static void store_columns (const fx_flow *flow, const fx_real *from, int64_t kx0, fx_real *a,
                           fx_real *spare) {
  const size_t bytes = (size_t)flow->h * FX_LANE_BLOCK * sizeof(fx_real);
  memcpy(a, from + kx0 * flow->h * 2, bytes);
  transform(flow->along_y, FX_FFT_INVERSE, &a, &spare);
  columns_to_mid(flow, 0, kx0, a);
  memset(a, 0, bytes);
  columns_to_mid(flow, 1, kx0, a);
}

static void load_columns (const fx_flow *flow, int64_t kx0, fx_real *a, fx_real *spare,
                          fx_real *to) {
  columns_from_mid(flow, 0, kx0, a);
  transform(flow->along_y, FX_FFT_FORWARD, &a, &spare);
  keep_columns(flow, kx0, a, to);
}

/* Products, forcing and solids of a stage, as stresses a and b in ky space. */
static void stage_columns (const fx_flow *flow, int64_t kx0, int worker, fx_real **a, fx_real **b,
                           fx_real **spare) {
  columns_from_mid(flow, 0, kx0, *a);
  transform(flow->along_y, FX_FFT_FORWARD, a, spare);
  columns_from_mid(flow, 1, kx0, *b);
  transform(flow->along_y, FX_FFT_FORWARD, b, spare);
  add_forcing(flow, kx0, *a, *b);
  if (!flow->damping)
    return;
  fx_real *c = scratch_of(flow, worker, 3), *d = scratch_of(flow, worker, 4);
  columns_from_mid(flow, 2, kx0, c);
  transform(flow->along_y, FX_FFT_FORWARD, &c, spare);
  columns_from_mid(flow, 3, kx0, d);
  transform(flow->along_y, FX_FFT_FORWARD, &d, spare);
  add_damping(flow, kx0, c, d, *a, *b);
}

/* Row y of FX_LANES columns: a, b hold the spectra of u c and v c; a receives that of c at the next stage. */
INLINE void update_scalar_row (const fx_flow *flow, int stage, int64_t kx0, int64_t y, fx_real *a,
                               fx_real *b) {
  const fx_real scale = scale_of(flow), ky = (fx_real)(flow->ky[y] * scale);
  const fx_real fade = (fx_real)flow->fade_y[y];
  const int64_t at = (kx0 / FX_LANES * flow->h + y) * FX_LANE_BLOCK;
  for (int v = 0; v < FX_LANES; v += FX_VEC) {
    fx_real *c = reals(flow->scalar) + at + v, *sum = reals(flow->scalar_sum) + at + v;
    const fx_vec kx = GET(reals(flow->kx) + kx0 + v) * scale;
    const fx_vec e = join_decays(GET(reals(flow->fade_x) + kx0 + v), fade);
    const fx_vec nr = kx * GET(a + FX_LANES + v) + ky * GET(b + FX_LANES + v);
    const fx_vec ni = -(kx * GET(a + v) + ky * GET(b + v));
    fx_vec fr, fi;
    combine(stage, flow->dt, &e, &nr, c, sum, &fr);
    combine(stage, flow->dt, &e, &ni, c + FX_LANES, sum + FX_LANES, &fi);
    AT(a + v) = fr;
    AT(a + FX_LANES + v) = fi;
  }
}

/* The same columns of the scalar, in three blocks of scratch that are free. */
static void scalar_columns (const fx_flow_job *job, int64_t kx0, fx_real *a, fx_real *b,
                            fx_real *spare) {
  const fx_flow *flow = job->flow;
  if (job->columns == COLUMNS_START) {
    const size_t bytes = (size_t)flow->h * FX_LANE_BLOCK * sizeof(fx_real);
    memset(a, 0, bytes);
    memset(b, 0, bytes);
  } else {
    columns_from_mid(flow, flow->scalar_slot, kx0, a);
    transform(flow->along_y, FX_FFT_FORWARD, &a, &spare);
    columns_from_mid(flow, flow->scalar_slot + 1, kx0, b);
    transform(flow->along_y, FX_FFT_FORWARD, &b, &spare);
  }
  update(flow, update_scalar_row, job->columns, kx0, a, b);
  transform(flow->along_y, FX_FFT_INVERSE, &a, &spare);
  columns_to_mid(flow, flow->scalar_slot, kx0, a);
}

void fxsim_columns (void *context, int64_t item, int worker) {
  const fx_flow_job *job = context;
  const fx_flow *flow = job->flow;
  const int64_t kx0 = item * FX_LANES;
  fx_real *a = scratch_of(flow, worker, 0), *b = scratch_of(flow, worker, 1);
  fx_real *spare = scratch_of(flow, worker, 2);
  switch (job->columns) {
  case COLUMNS_LOAD: load_columns(flow, kx0, a, spare, reals(flow->state)); return;
  case COLUMNS_LOAD_SCALAR: load_columns(flow, kx0, a, spare, reals(flow->scalar)); return;
  case COLUMNS_VORTICITY: store_columns(flow, reals(flow->state), kx0, a, spare); return;
  case COLUMNS_SCALAR: store_columns(flow, reals(flow->scalar), kx0, a, spare); return;
  case COLUMNS_START: {
    const size_t bytes = (size_t)flow->h * FX_LANE_BLOCK * sizeof(fx_real);
    memset(a, 0, bytes);
    memset(b, 0, bytes);
    break;
  }
  default: stage_columns(flow, kx0, worker, &a, &b, &spare); break;
  }
  update(flow, update_row, job->columns, kx0, a, b);
  if (item == 0)
    a[0] = (fx_real)flow->options.mean_velocity; /* the mode that vorticity does not know */
  transform(flow->along_y, FX_FFT_INVERSE, &a, &spare);
  columns_to_mid(flow, 0, kx0, a);
  transform(flow->along_y, FX_FFT_INVERSE, &b, &spare);
  columns_to_mid(flow, 1, kx0, b);
  if (flow->scalar)
    scalar_columns(job, kx0, a, b, spare);
}
