/*
** flow_state.h - what a flow holds, and the two tasks that do all the work. Private to sim/.
**
** Fourier coefficients W(kx,ky) of w (w = sum W exp(i k.x), kx >= 0) are kept for 3 kx < width
** only, in lane blocks of L neighbouring kx, where L is 4 in double and 8 in single precision (lanes/lanes.h):
**
**   state[kx / L][ky][re, im][kx % L]       ky = 0 .. height-1 in transform order
**
** Rows beyond the 2/3 rule in ky, lanes beyond it in kx, and W(0,0) are zero at all times.
** A stage of the time step is two parallel loops, and each piece of data is touched in one of them
** while it is in cache:
**
**   columns: products back to ky space -> right-hand side -> Runge-Kutta -> velocities to y space
**   rows:    velocities to x space -> products -> back to kx space
**
** Between them lies mid[slot][y / L][kx][re, im][y % L], slot 0 for u or v^2 - u^2, 1 for v or u v,
** beside solids 2 and 3 for the two components of their force, and with a scalar two more: the first for c or
** u c, the second for v c. The scalar's coefficients lie in `scalar` as those of w in `state`.
**
** Arrays of fx_reals hold the flow's precision; the two tasks compute in it, everything else in double
** (arithmetic.h).
*/
#ifndef FX_FLOW_STATE_H
#define FX_FLOW_STATE_H

#include <math.h>

#include "sim/arithmetic.h"
#include "sim/fft.h"
#include "sim/navier_stokes.h"

#define TWO_PI 6.28318530717958647692 /* the box */

/* One mode that is pushed: dW/dt at (kx, ky) gains re + i im. */
typedef struct {
  int64_t kx, ky;
  double re, im;
} fx_flow_push;

struct fx_flow {
  fx_flow_options options;
  int64_t h, w;
  const fx_arithmetic *arithmetic;
  int64_t lanes;         /* L                                       */
  int64_t modes, padded; /* kept kx, and the multiple of L above it */
  int64_t top;           /* largest kept ky                         */
  int64_t row_items;     /* ceil(h / L)                             */
  int64_t column_items;  /* padded / L                              */
  double nu, drag;
  double time, dt;
  int64_t steps;
  fx_fft *along_x, *along_y;
  fx_reals *state, *sum; /* W, and the running sum of Runge-Kutta    */
  fx_reals *mid;
  fx_reals *kx;      /* (padded) wave numbers; */
  double *ky;        /* (h) */
  fx_reals *decay_x; /* (padded) exp(-(nu kx^2 + drag) dt/2); */
  double *decay_y;   /* (h) exp(-nu ky^2 dt/2) */
  double *peak;      /* (row_items, 2): max and sum of |u|/dx + |v|/dy over the rows of an item */
  fx_reals *scratch; /* `workers` times `blocks` lane blocks of `block` elements */
  int64_t block;
  int workers;
  fx_flow_push *forces; /* (force_count), kx rising (flow_forcing.c) */
  int64_t force_count, ring_modes;
  int blocks;                    /* lane blocks of scratch each worker has */
  double penalty;                /* eta of flow_solid.c; 0 without solids */
  double penalty_step;           /* the longest step that solids and sponge allow */
  fx_reals *damping;             /* (row_items, w, L) chi / eta; NULL without solids and sponge */
  double *cylinders;             /* those of the options */
  double *sponge;                /* (w) */
  fx_reals *scalar, *scalar_sum; /* as state and sum; NULL without a scalar */
  fx_reals *fade_x;              /* as decay_x and decay_y, of the scalar   */
  double *fade_y;
  double diffusivity;
  int scalar_slot; /* of mid: the first of its two */
};

typedef enum {
  COLUMNS_START,   /* state -> velocities                                    */
  COLUMNS_STAGE_1, /* products -> right-hand side -> next stage -> velocities */
  COLUMNS_STAGE_2,
  COLUMNS_STAGE_3,
  COLUMNS_STAGE_4,    /* the same; also the new state                           */
  COLUMNS_VORTICITY,  /* state -> w in slot 0                                   */
  COLUMNS_LOAD,       /* slot 0 -> state                                        */
  COLUMNS_SCALAR,     /* scalar -> c in slot 0                                  */
  COLUMNS_LOAD_SCALAR /* slot 0 -> scalar                                      */
} fx_flow_columns;

typedef enum {
  ROWS_PRODUCTS, /* velocities -> products, peaks */
  ROWS_STORE,    /* slots -> field                */
  ROWS_LOAD      /* field -> slots                */
} fx_flow_rows;

/* One parallel loop. */
typedef struct {
  fx_flow *flow;
  fx_flow_columns columns;
  fx_flow_rows rows;
  double *field; /* (h, w, channels) in ROWS_STORE, ROWS_LOAD */
  int channels;  /* 1 or 2 */
} fx_flow_job;

/* Writes the random field of the options into state (flow_initial.c). */
void fx_flow_random(fx_flow *flow);

/* flow_forcing.c: the list of modes; their values in the step that begins, once dt is chosen; the
** longest step that the CFL rule allows where |u|/dx + |v|/dy is `peak`; rates of injection. */
fx_status fx_flow_forcing_new(fx_flow *flow);
void fx_flow_forcing_draw(fx_flow *flow);
double fx_flow_forcing_step(const fx_flow *flow, double peak);
void fx_flow_forcing_report(const fx_flow *flow, fx_flow_report *out);

/* flow_solid.c: what of the options concerns solids, checked and resolved, the arrays, the displacement of a smooth wall
** (delta, and depth = sqrt(nu eta), in one unit), and the odd part in y of the state. */
fx_status fx_flow_solid_check(const fx_flow_options *options);
void fx_flow_solid_resolve(fx_flow_options *options);
fx_status fx_flow_solid_new(fx_flow *flow);
double fx_flow_displacement(double delta, double depth);
void fx_flow_make_odd(fx_flow *flow);

/* flow_solid.c: chi / eta at point i of (h,w), where there is damping. */
double fx_flow_damping(const fx_flow *flow, int64_t i);

/* flow_solid.c: out (h,w) = component 0 or 1 of the force of solids and sponge, which there must be, on a fluid of
** velocity (h,w,2). */
void fx_flow_solid_push(const fx_flow *flow, const double *velocity, int axis, double *out);

/* flow_scalar.c: its options, arrays, and the decay of its modes in half a step. */
fx_status fx_flow_scalar_check(const fx_flow_options *options);
fx_status fx_flow_scalar_new(fx_flow *flow);
void fx_flow_scalar_decay(fx_flow *flow, double half);

/* flow_field.c: scratch for as many workers as there are threads now; the two parallel loops; a field of the flow
** (1,h,w,channels), and fields into the flow; the task for the columns says
** which. The latter checks shape and type and hands the values in f64 to `accept`. */
fx_status fx_flow_scratch(fx_flow *flow);
void fx_flow_run_columns(fx_flow *flow, fx_flow_columns what);
void fx_flow_run_rows(fx_flow *flow, fx_flow_rows what, double *field, int channels);
fx_status fx_flow_field(fx_flow *flow, fx_flow_columns what, int channels, fx_tensor **out);
fx_status fx_flow_load(fx_flow *flow, const char *name, const fx_tensor *field,
                       fx_flow_columns what,
                       fx_status (*accept)(const double *values, int64_t count));

/* flow_field.c: a new array of zeros, of the flow's precision. Errors: FX_ENOMEM. */
fx_status fx_flow_new_reals(const fx_flow *flow, int64_t count, fx_reals **out);

/* A factor of decay, exp(-exponent), as lanes/columns.c keeps it: in single precision less one. */
static inline double fx_flow_decay (const fx_flow *flow, double exponent) {
  return flow->options.precision == FX_F32 ? expm1(-exponent) : exp(-exponent);
}

static inline double fx_flow_get (const fx_flow *flow, const fx_reals *array, int64_t i) {
  return fx_reals_get(array, flow->options.precision, i);
}
static inline void fx_flow_put (const fx_flow *flow, fx_reals *array, int64_t i, double value) {
  fx_reals_put(array, flow->options.precision, i, value);
}

/* Numbers in state, and in scalar. */
static inline int64_t fx_flow_numbers (const fx_flow *flow) { return flow->h * flow->padded * 2; }

/* Mode (kx, row y) of a stored field's coefficients, which are state or scalar. */
typedef struct {
  double re, im;
} fx_flow_mode;

static inline int64_t fx_flow_place (const fx_flow *flow, int64_t kx, int64_t y) {
  return (kx / flow->lanes * flow->h + y) * 2 * flow->lanes + kx % flow->lanes;
}

static inline fx_flow_mode fx_flow_get_mode (const fx_flow *flow, const fx_reals *field, int64_t kx,
                                             int64_t y) {
  const int64_t at = fx_flow_place(flow, kx, y);
  return (fx_flow_mode){ fx_flow_get(flow, field, at), fx_flow_get(flow, field, at + flow->lanes) };
}

static inline void fx_flow_put_mode (const fx_flow *flow, fx_reals *field, int64_t kx, int64_t y,
                                     fx_flow_mode mode) {
  const int64_t at = fx_flow_place(flow, kx, y);
  fx_flow_put(flow, field, at, mode.re);
  fx_flow_put(flow, field, at + flow->lanes, mode.im);
}

#endif
