/*
** navier_stokes.c - a flow's life: options, construction and the time loop. The layout is
** explained in flow_state.h, the arithmetic in lanes/; fields in and out: flow_field.c.
**
** Why this scheme: the integrating factor makes viscosity exact, so the step is bound by advection
** alone; the factor is a product of a function of kx and one of ky, so changing dt every step costs
** H + W exponentials. Explicit low-storage schemes were refused because a stage already lives in
** cache; a spectral filter instead of the 2/3 rule, because budgets would no longer close.
**
** RK4 is stable for |k . u| dt < 2.83; the largest kept |k| dx is 2 pi / 3, so cfl < 1.35.
*/
#include "sim/navier_stokes.h"

#include <inttypes.h>
#include <math.h>

#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/thread.h"
#include "sim/flow_state.h"

const fx_option fx_flow_option_list[] = {
#define FIELD(...) FX_OPTION_ROW(fx_flow_options, __VA_ARGS__),
#include "sim/flow_options.def"
  { 0 }
};

void fx_flow_defaults (fx_flow_options *out) {
  *out = (fx_flow_options){ 0 };
  fx_options_default(fx_flow_option_list, out);
}

/* --- options --------------------------------------------------------------------------------- */

/* Largest k with 3 k < n. */
static int64_t largest_kept (int64_t n) { return (n - 1) / 3; }

/* The smallest even side >= n without a prime factor above 5. */
static int64_t next_side (int64_t n) {
  int64_t side = fx_fft_good_length(n);
  while (side % 2 != 0)
    side = fx_fft_good_length(side + 1);
  return side;
}

static fx_status check_grid (const fx_flow_options *o) {
  if (o->height < 4 || o->width < 4 || o->height % 2 != 0 || o->width % 2 != 0)
    return fx_fail(FX_EARG,
                   "navier_stokes: height and width must be even and at least 4, got %" PRId64
                   " and %" PRId64,
                   o->height, o->width);
  const int64_t sides[] = { o->height, o->width };
  for (int i = 0; i < 2; i++) {
    if (sides[i] > FX_FFT_MAX_LENGTH)
      return fx_fail(FX_EARG, "navier_stokes: a side must be at most %d, got %" PRId64,
                     FX_FFT_MAX_LENGTH, sides[i]);
    if (fx_fft_good_length(sides[i]) != sides[i])
      return fx_fail(FX_EARG,
                     "navier_stokes: side %" PRId64
                     " has a prime factor other than 2, 3 and 5 (the "
                     "next side that works is %" PRId64 ")",
                     sides[i], next_side(sides[i]));
  }
  return FX_OK;
}

static fx_status check_initial (const fx_flow_options *o) {
  const int64_t ky = largest_kept(o->height), kx = largest_kept(o->width);
  const double kmax = (double)(kx < ky ? kx : ky);
  if (o->initial == FX_INITIAL_REST)
    return FX_OK;
  if (o->initial != FX_INITIAL_RANDOM)
    return fx_fail(FX_EARG, "navier_stokes: unknown initial condition %d", (int)o->initial);
  if (!(o->k0 >= 0.5 && o->k0 <= kmax))
    return fx_fail(FX_EARG,
                   "navier_stokes: k0 must be in 0.5..%g, the largest wave number this grid keeps, "
                   "got %g",
                   kmax, o->k0);
  if (!(o->rms_velocity > 0.0 && o->rms_velocity < HUGE_VAL))
    return fx_fail(FX_EARG, "navier_stokes: rms_velocity must be positive, got %g",
                   o->rms_velocity);
  return FX_OK;
}

static fx_status check_ring (const fx_flow_options *o) {
  const int64_t ky = largest_kept(o->height), kx = largest_kept(o->width), kmax = kx < ky ? kx : ky;
  if (!(o->forcing_width >= 0.5 && o->forcing_width < HUGE_VAL))
    return fx_fail(FX_EARG, "navier_stokes: forcing_width must be at least 0.5, got %g",
                   o->forcing_width);
  if (o->forcing_wavenumber < 1 || (double)o->forcing_wavenumber + o->forcing_width > (double)kmax)
    return fx_fail(FX_EARG,
                   "navier_stokes: a ring of wavenumber %" PRId64
                   " and width %g does not lie in 1..%" PRId64 ", what this grid keeps",
                   o->forcing_wavenumber, o->forcing_width, kmax);
  if (!(o->forcing_rate > 0.0 && o->forcing_rate < HUGE_VAL))
    return fx_fail(FX_EARG, "navier_stokes: forcing_rate must be positive, got %g",
                   o->forcing_rate);
  return FX_OK;
}

static fx_status check_forcing (const fx_flow_options *o) {
  if (o->forcing == FX_FORCING_NONE)
    return FX_OK;
  if (o->forcing == FX_FORCING_RING)
    return check_ring(o);
  if (o->forcing != FX_FORCING_KOLMOGOROV)
    return fx_fail(FX_EARG, "navier_stokes: unknown forcing %d", (int)o->forcing);
  if (o->forcing_wavenumber < 1 || o->forcing_wavenumber > largest_kept(o->height))
    return fx_fail(FX_EARG,
                   "navier_stokes: forcing_wavenumber must be in 1..%" PRId64
                   ", the largest this grid keeps, got %" PRId64,
                   largest_kept(o->height), o->forcing_wavenumber);
  if (!isfinite(o->forcing_amplitude))
    return fx_fail(FX_EARG, "navier_stokes: forcing_amplitude must be finite, got %g",
                   o->forcing_amplitude);
  return FX_OK;
}

static fx_status check_options (const fx_flow_options *o) {
  FX_TRY(check_grid(o));
  if (o->precision != FX_F64 && o->precision != FX_F32)
    return fx_fail(FX_EARG, "navier_stokes: precision must be f64 or f32, got %s",
                   fx_dtype_name(o->precision));
  FX_TRY(check_initial(o));
  FX_TRY(check_forcing(o));
  FX_TRY(fx_flow_solid_check(o));
  FX_TRY(fx_flow_scalar_check(o));
  if (!(o->re > 0.0 && o->re < HUGE_VAL))
    return fx_fail(FX_EARG, "navier_stokes: re must be positive and finite, got %g", o->re);
  if (!isfinite(o->drag))
    return fx_fail(FX_EARG, "navier_stokes: drag must be finite, got %g", o->drag);
  if (!(o->dt >= 0.0 && o->dt < HUGE_VAL))
    return fx_fail(FX_EARG, "navier_stokes: dt must be positive, or 0 for the CFL rule, got %g",
                   o->dt);
  if (o->dt == 0.0 && !(o->cfl > 0.0 && o->cfl <= 1.3))
    return fx_fail(FX_EARG, "navier_stokes: cfl must be above 0 and at most 1.3, got %g", o->cfl);
  return FX_OK;
}

fx_status fx_flow_resolve (fx_flow_options *options) {
  FX_TRY(check_options(options));
  if (options->drag < 0.0)
    options->drag = options->forcing == FX_FORCING_NONE ? 0.0 : 0.1;
  fx_flow_solid_resolve(options);
  return FX_OK;
}

/* --- life ------------------------------------------------------------------------------------ */

static fx_status new_array (int64_t count, double **out) {
  *out = fx_calloc((size_t)count, sizeof(double));
  return *out ? FX_OK : FX_ENOMEM;
}

static fx_status allocate (fx_flow *flow) {
  FX_TRY(fx_fft_new(flow->w, flow->options.precision, &flow->along_x));
  FX_TRY(fx_fft_new(flow->h, flow->options.precision, &flow->along_y));
  FX_TRY(fx_flow_new_reals(flow, fx_flow_numbers(flow), &flow->state));
  FX_TRY(fx_flow_new_reals(flow, fx_flow_numbers(flow), &flow->sum));
  FX_TRY(fx_flow_solid_new(flow));
  flow->scalar_slot = flow->damping ? 4 : 2;
  const int64_t slots = flow->scalar_slot + (flow->options.scalar ? 2 : 0);
  flow->blocks = flow->damping ? 5 : 3;
  const int64_t slot = flow->row_items * flow->padded * 2 * flow->lanes;
  FX_TRY(fx_flow_new_reals(flow, slots * slot, &flow->mid));
  FX_TRY(fx_flow_new_reals(flow, flow->padded, &flow->kx));
  FX_TRY(new_array(flow->h, &flow->ky));
  FX_TRY(fx_flow_new_reals(flow, flow->padded, &flow->decay_x));
  FX_TRY(new_array(flow->h, &flow->decay_y));
  FX_TRY(new_array(flow->row_items * 2, &flow->peak));
  FX_TRY(fx_flow_scalar_new(flow));
  FX_TRY(fx_flow_forcing_new(flow));
  return fx_flow_scratch(flow);
}

static void set_sizes (fx_flow *flow, const fx_flow_options *options) {
  flow->options = *options;
  flow->h = options->height;
  flow->w = options->width;
  flow->modes = largest_kept(flow->w) + 1;
  flow->arithmetic = fx_arithmetics(options->precision)[0];
  const int64_t lanes = flow->lanes = flow->arithmetic->lanes;
  flow->padded = (flow->modes + lanes - 1) / lanes * lanes;
  flow->top = largest_kept(flow->h);
  flow->row_items = (flow->h + lanes - 1) / lanes;
  flow->column_items = flow->padded / lanes;
  flow->block = (flow->h > flow->w ? flow->h : flow->w) + lanes;
  flow->nu = 1.0 / options->re;
  flow->drag = flow->options.drag;
}

static void fill_wave_numbers (fx_flow *flow) {
  for (int64_t k = 0; k < flow->padded; k++)
    fx_flow_put(flow, flow->kx, k, (double)k);
  for (int64_t y = 0; y < flow->h; y++)
    flow->ky[y] = (double)(y <= flow->h / 2 ? y : y - flow->h);
}

/* Of slip walls the odd part in y, with the energy of the whole. */
static void random_start (fx_flow *flow) {
  fx_flow_report whole, odd;
  fx_flow_random(flow);
  if (flow->options.walls != FX_WALLS_SLIP)
    return;
  fx_flow_diagnostics(flow, &whole);
  fx_flow_make_odd(flow);
  fx_flow_diagnostics(flow, &odd);
  const double scale = sqrt(whole.energy / odd.energy);
  for (int64_t i = 0; i < fx_flow_numbers(flow); i++)
    fx_flow_put(flow, flow->state, i, fx_flow_get(flow, flow->state, i) * scale);
}

fx_status fx_flow_new (const fx_flow_options *options, fx_flow **out) {
  fx_flow_options resolved = *options;
  FX_TRY(fx_flow_resolve(&resolved));
  fx_flow *flow = fx_calloc(1, sizeof *flow);
  if (!flow)
    return FX_ENOMEM;
  set_sizes(flow, &resolved);
  const fx_status st = allocate(flow);
  if (st != FX_OK) {
    fx_flow_free(flow);
    return st;
  }
  fill_wave_numbers(flow);
  if (options->initial == FX_INITIAL_RANDOM)
    random_start(flow);
  *out = flow;
  return FX_OK;
}

void fx_flow_free (fx_flow *flow) {
  if (!flow)
    return;
  fx_fft_free(flow->along_x);
  fx_fft_free(flow->along_y);
  void *arrays[] = { flow->state,      flow->sum,       flow->mid,     flow->kx,
                     flow->ky,         flow->decay_x,   flow->decay_y, flow->peak,
                     flow->scratch,    flow->damping,   flow->sponge,  flow->scalar,
                     flow->scalar_sum, flow->cylinders, flow->fade_x,  flow->fade_y };
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
    fx_free(arrays[i]);
  fx_free(flow->forces);
  fx_free(flow);
}

double fx_flow_time (const fx_flow *flow) { return flow->time; }
const fx_flow_options *fx_flow_settings (const fx_flow *flow) { return &flow->options; }

/* --- time ------------------------------------------------------------------------------------ */

static fx_status blown_up (const fx_flow *flow) {
  return fx_fail(FX_EARG,
                 "navier_stokes: the solution is no longer finite at time %g (step %" PRId64
                 "); choose a smaller dt or cfl",
                 flow->time, flow->steps);
}

/* The longest step the options allow now, from the CFL rule or as given. */
static fx_status longest_step (const fx_flow *flow, double *dt) {
  double peak = 0.0, total = 0.0;
  for (int64_t i = 0; i < flow->row_items; i++) {
    peak = fmax(peak, flow->peak[2 * i]);
    total += flow->peak[2 * i + 1];
  }
  if (!isfinite(total))
    return blown_up(flow);
  *dt = flow->options.dt > 0.0 ? flow->options.dt
                               : fmin(fx_flow_forcing_step(flow, peak), flow->penalty_step);
  return FX_OK;
}

#define MOST_STEPS 1e9 /* months of work: a slip of the pen, or a velocity that has blown up */

/* Divides the rest of the way into equal steps; *last is set when one is left. */
static fx_status choose_step (fx_flow *flow, double until, bool *last) {
  double dt = 0.0;
  FX_TRY(longest_step(flow, &dt));
  const double left = until - flow->time;
  const double steps = fmax(1.0, ceil(left / dt - 1e-9)); /* dt may be infinite: then 1 */
  if (isnan(steps))
    return blown_up(flow);
  if (steps > MOST_STEPS)
    return fx_fail(
        FX_EARG,
        "navier_stokes: from time %g to %g it would take %.1e steps of %.1e; ask for less "
        "than %.0e, or choose a smaller grid or velocity",
        flow->time, until, steps, dt, MOST_STEPS);
  *last = steps <= 1.0;
  flow->dt = left / steps;
  return FX_OK;
}

static void fill_decay (fx_flow *flow) {
  const double half = 0.5 * flow->dt;
  for (int64_t k = 0; k < flow->padded; k++)
    fx_flow_put(flow, flow->decay_x, k,
                fx_flow_decay(flow, (flow->nu * (double)k * (double)k + flow->drag) * half));
  for (int64_t y = 0; y < flow->h; y++)
    flow->decay_y[y] = fx_flow_decay(flow, flow->nu * flow->ky[y] * flow->ky[y] * half);
  if (flow->scalar)
    fx_flow_scalar_decay(flow, half);
}

/* One step; velocities of the present state are in mid before, those of the new one after. */
static fx_status step (fx_flow *flow, double until) {
  bool last = false;
  fx_flow_run_rows(flow, ROWS_PRODUCTS, NULL, 0);
  FX_TRY(choose_step(flow, until, &last));
  fill_decay(flow);
  fx_flow_forcing_draw(flow);
  fx_flow_run_columns(flow, COLUMNS_STAGE_1);
  fx_flow_run_rows(flow, ROWS_PRODUCTS, NULL, 0);
  fx_flow_run_columns(flow, COLUMNS_STAGE_2);
  fx_flow_run_rows(flow, ROWS_PRODUCTS, NULL, 0);
  fx_flow_run_columns(flow, COLUMNS_STAGE_3);
  fx_flow_run_rows(flow, ROWS_PRODUCTS, NULL, 0);
  fx_flow_run_columns(flow, COLUMNS_STAGE_4);
  flow->time = last ? until : flow->time + flow->dt;
  flow->steps++;
  return FX_OK;
}

/* The last state of a run has no next step to notice that it is not finite. */
static fx_status check_state (const fx_flow *flow) {
  double sum = 0.0;
  for (int64_t i = 0; i < fx_flow_numbers(flow); i++)
    sum += fabs(fx_flow_get(flow, flow->state, i)) +
           (flow->scalar ? fabs(fx_flow_get(flow, flow->scalar, i)) : 0.0);
  return isfinite(sum) ? FX_OK : blown_up(flow);
}

fx_status fx_flow_advance (fx_flow *flow, double until) {
  if (!isfinite(until) || until < flow->time)
    return fx_fail(FX_EARG, "navier_stokes: cannot advance from time %g to %g", flow->time, until);
  FX_TRY(fx_flow_scratch(flow));
  if (flow->options.walls == FX_WALLS_SLIP)
    fx_flow_make_odd(flow);
  if (flow->time < until)
    fx_flow_run_columns(flow, COLUMNS_START);
  while (flow->time < until) {
    if (fx_interrupted())
      return fx_fail(FX_EINTR, "navier_stokes: interrupted at time %g", flow->time);
    FX_TRY(step(flow, until));
  }
  return check_state(flow);
}
