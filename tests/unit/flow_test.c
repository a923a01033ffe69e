/*
** flow_test.c - the life of a flow: same bits for threads and instruction sets, save and restore,
** where a run lands, what is refused, interruption, and failing allocations.
*/
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/thread.h"
#include "flow_fields.h"
#include "sim/flow_state.h"

/* --- same bits, save and restore, landing ---------------------------------------------------- */

static void set_scalar (fx_flow *flow, field_formula formula) {
  fx_tensor *c = field_from(flow->h, flow->w, formula);
  CHECK_STATUS(fx_flow_set_scalar(flow, c));
  fx_tensor_release(c);
}

static fx_tensor *run_once (int threads, int set, int solid, fx_dtype precision) {
  const double cylinders[6] = { 1.0, 2.0, 0.5, 4.0, 5.0, 0.7 };
  fx_flow_options o = options_of(60, 64, 500.0);
  o.forcing = FX_FORCING_KOLMOGOROV;
  o.precision = precision;
  if (solid) {
    o.walls = FX_WALLS_CHANNEL;
    o.wall = 0.3;
    o.cylinders = cylinders;
    o.cylinder_count = 2;
    o.mean_velocity = 1.0;
    o.sponge = 1.0;
    o.scalar = 1;
  }
  fx_set_threads(threads);
  fx_flow *flow = flow_of(&o);
  if (solid)
    set_scalar(flow, mixture);
  flow->arithmetic = fx_arithmetics(precision)[set];
  CHECK_STATUS(fx_flow_advance(flow, 0.5));
  fx_tensor *t = NULL;
  if (solid)
    CHECK_STATUS(fx_flow_state(flow, &t));
  else
    t = vorticity_of(flow);
  fx_flow_free(flow);
  return t;
}

static void same_bits_for_threads_and_instruction_sets (int solid, fx_dtype precision) {
  fx_tensor *one = run_once(1, 0, solid, precision);
  for (int set = 0; fx_arithmetics(precision)[set]; set++) {
    for (int threads = 1; threads <= 2; threads++) {
      fx_tensor *other = run_once(threads, set, solid, precision);
      CHECK(memcmp(one->data, other->data,
                   (size_t)fx_tensor_count(one) * fx_dtype_size(one->dtype)) == 0);
      fx_tensor_release(other);
    }
  }
  fx_tensor_release(one);
}

static void more_threads_than_at_creation_are_served (void) {
  fx_flow_options o = options_of(32, 32, 100.0);
  fx_set_threads(1);
  fx_flow *flow = flow_of(&o);
  fx_set_threads(3);
  CHECK_STATUS(fx_flow_advance(flow, 0.1));
  fx_flow_free(flow);
  fx_set_threads(2);
}

static void restored_state_continues (void) {
  fx_flow_options o = options_of(32, 32, 300.0);
  fx_flow *a = flow_of(&o);
  o.seed = 5;
  fx_flow *b = flow_of(&o);
  CHECK_STATUS(fx_flow_advance(a, 0.4));
  fx_tensor *w = vorticity_of(a);
  CHECK_STATUS(fx_flow_set_vorticity(b, w, fx_flow_time(a)));
  CHECK_STATUS(fx_flow_advance(a, 0.8));
  CHECK_STATUS(fx_flow_advance(b, 0.8));
  fx_tensor *wa = vorticity_of(a), *wb = vorticity_of(b), *single = NULL;
  CHECK_NEAR(distance(wa, wb), 0.0, 1e-12);
  CHECK_STATUS(fx_tensor_cast(wa, FX_F32, &single));
  CHECK_STATUS(fx_flow_set_vorticity(b, single, 0.0));
  fx_tensor_release(wb);
  wb = vorticity_of(b);
  CHECK_NEAR(distance(wa, wb), 0.0, 1e-5);
  fx_tensor_release(w);
  fx_tensor_release(wa);
  fx_tensor_release(wb);
  fx_tensor_release(single);
  fx_flow_free(a);
  fx_flow_free(b);
}

/* Also of the forcing, which is keyed by the step. */
static void a_saved_state_continues_with_the_same_bits (fx_dtype precision) {
  fx_flow_options o = options_of(32, 36, 300.0);
  o.precision = precision;
  o.forcing = FX_FORCING_RING;
  o.scalar = 1;
  fx_flow *a = flow_of(&o), *b = NULL;
  fx_tensor *state = NULL, *ca = NULL, *cb = NULL;
  set_scalar(a, mixture);
  fx_flow_report r;
  CHECK_STATUS(fx_flow_advance(a, 0.4));
  fx_flow_diagnostics(a, &r);
  CHECK(r.steps > 1);
  CHECK_STATUS(fx_flow_state(a, &state));
  CHECK_STATUS(fx_flow_advance(a, 0.8));
  b = flow_of(&o);
  CHECK_STATUS(fx_flow_restore(b, state, 0.4, r.steps));
  CHECK_STATUS(fx_flow_advance(b, 0.8));
  fx_tensor *wa = vorticity_of(a), *wb = vorticity_of(b);
  CHECK(memcmp(wa->data, wb->data, (size_t)fx_tensor_count(wa) * sizeof(double)) == 0);
  CHECK_STATUS(fx_flow_scalar(a, &ca));
  CHECK_STATUS(fx_flow_scalar(b, &cb));
  CHECK(memcmp(ca->data, cb->data, (size_t)fx_tensor_count(ca) * sizeof(double)) == 0);
  fx_tensor_release(ca);
  fx_tensor_release(cb);
  CHECK_STATUS(fx_flow_restore(b, state, 0.4, r.steps + 1)); /* other steps, other phases */
  CHECK_STATUS(fx_flow_advance(b, 0.8));
  fx_tensor_release(wb);
  wb = vorticity_of(b);
  CHECK(distance(wa, wb) > 1e-6);
  CHECK(fx_flow_restore(b, wa, 0.4, 0) == FX_ESHAPE);
  CHECK(fx_flow_restore(b, state, NAN, 0) == FX_EARG);
  CHECK(fx_flow_restore(b, state, 0.0, -1) == FX_EARG);
  fx_tensor_set(state, 5, NAN);
  CHECK(fx_flow_restore(b, state, 0.4, 0) == FX_EARG);
  fx_tensor_release(wa);
  fx_tensor_release(wb);
  fx_tensor_release(state);
  fx_flow_free(a);
  fx_flow_free(b);
}

static void advance_lands_exactly_with_even_steps (void) {
  fx_flow_options o = options_of(32, 32, 100.0);
  o.dt = 0.03;
  fx_flow *flow = flow_of(&o);
  fx_flow_report r;
  CHECK_STATUS(fx_flow_advance(flow, 0.1));
  fx_flow_diagnostics(flow, &r);
  CHECK(r.time == 0.1 && r.steps == 4);
  CHECK_NEAR(r.dt, 0.025, 1e-15);
  CHECK_STATUS(fx_flow_advance(flow, 0.1));
  CHECK(fx_flow_advance(flow, 0.05) == FX_EARG);
  CHECK(fx_flow_advance(flow, NAN) == FX_EARG);
  fx_flow_diagnostics(flow, &r);
  CHECK(r.steps == 4);
  fx_flow_free(flow);
}

static void forcing_from_rest_takes_sensible_steps (void) {
  fx_flow_options o = options_of(32, 32, 100.0);
  o.initial = FX_INITIAL_REST;
  fx_flow *flow = flow_of(&o);
  fx_flow_report r;
  CHECK_STATUS(fx_flow_advance(flow, 10.0));
  fx_flow_diagnostics(flow, &r);
  CHECK(r.steps == 1 && r.energy == 0.0 && isinf(r.kmax_eta));
  fx_flow_free(flow);
  o.forcing = FX_FORCING_KOLMOGOROV;
  flow = flow_of(&o);
  CHECK(fx_flow_settings(flow)->drag == 0.1);
  CHECK_STATUS(fx_flow_advance(flow, 1.0));
  fx_flow_diagnostics(flow, &r);
  CHECK(r.steps >= 3 && r.energy > 0.01);
  fx_flow_free(flow);
}

/* Grids whose sides are no multiple of the lanes, down to the smallest. */
static void small_grids_work (fx_dtype precision, double tolerance) {
  const int64_t sizes[][2] = { { 4, 4 }, { 4, 30 }, { 6, 10 }, { 10, 6 }, { 18, 4 } };
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    fx_flow_options o = options_of(sizes[i][0], sizes[i][1], 10.0);
    o.k0 = 1.0;
    o.precision = precision;
    o.forcing = FX_FORCING_KOLMOGOROV;
    o.forcing_wavenumber = 1;
    fx_flow *flow = flow_of(&o);
    fx_flow_report r;
    CHECK_STATUS(fx_flow_advance(flow, 0.5));
    fx_tensor *w = vorticity_of(flow), *again = NULL;
    CHECK_STATUS(fx_flow_set_vorticity(flow, w, 0.5));
    again = vorticity_of(flow);
    CHECK_NEAR(distance(w, again), 0.0, tolerance);
    fx_flow_diagnostics(flow, &r);
    CHECK(r.energy > 0.0 && isfinite(r.energy));
    fx_tensor_release(w);
    fx_tensor_release(again);
    fx_flow_free(flow);
  }
}

/* --- errors ---------------------------------------------------------------------------------- */

static void check_refused (const fx_flow_options *o, const char *word) {
  fx_flow *flow = NULL;
  CHECK(fx_flow_new(o, &flow) == FX_EARG && flow == NULL);
  CHECK(strstr(fx_errmsg(), word) != NULL);
}

static void wrong_options_are_refused (void) {
  const fx_flow_options good = options_of(32, 32, 100.0);
#define REFUSED(assignment, word) \
  do { \
    fx_flow_options o = good; \
    assignment; \
    check_refused(&o, word); \
  } while (0)
  REFUSED(o.height = 31, "even");
  REFUSED(o.width = 2, "at least 4");
  REFUSED(o.width = 44, "prime factor");
  REFUSED(o.precision = FX_F16, "precision must be f64 or f32, got f16");
  REFUSED(o.re = 0.0, "re must");
  REFUSED(o.re = NAN, "re must");
  REFUSED(o.k0 = 11.0, "k0");
  REFUSED(o.k0 = 0.1, "k0");
  REFUSED(o.rms_velocity = -1.0, "rms_velocity");
  REFUSED(o.cfl = 1.5, "cfl");
  REFUSED(o.cfl = 0.0, "cfl");
  REFUSED(o.dt = -0.1, "dt");
  REFUSED(o.drag = NAN, "drag");
  REFUSED(o.forcing = (fx_flow_forcing)7, "forcing");
  REFUSED(o.initial = (fx_flow_initial)7, "initial");
  REFUSED(o.walls = (fx_flow_walls)7, "walls");
  REFUSED((o.walls = FX_WALLS_CHANNEL, o.wall = 0.1), "half its thickness");
  REFUSED((o.walls = FX_WALLS_BOX, o.wall = 0.5, o.mean_velocity = 1.0), "closed box");
  REFUSED((o.walls = FX_WALLS_SLIP, o.forcing = FX_FORCING_RING), "symmetry");
  REFUSED(o.sponge = 1.0, "sponge");
  REFUSED(o.mean_velocity = NAN, "mean_velocity");
  REFUSED(o.penalty = -1.0, "penalty");
  REFUSED((o.scalar = 1, o.schmidt = 0.0), "schmidt");
  REFUSED((o.cylinders = (double[]){ 1.0, 1.0, 0.1 }, o.cylinder_count = 1), "cylinder 1");
  REFUSED((o.cylinders = (double[]){ 1.0, 1.0, 1.0 }, o.cylinder_count = 1, o.dt = 1.0), "dt must");
  REFUSED((o.forcing = FX_FORCING_RING, o.forcing_width = 0.1), "forcing_width");
  REFUSED((o.forcing = FX_FORCING_RING, o.forcing_wavenumber = 10), "does not lie");
  REFUSED((o.forcing = FX_FORCING_RING, o.forcing_rate = 0.0), "forcing_rate");
#undef REFUSED
  fx_flow_options o = good;
  o.forcing = FX_FORCING_KOLMOGOROV;
  o.forcing_wavenumber = 11;
  check_refused(&o, "forcing_wavenumber");
}

static double with_mean (double x, double y) { return cos(x) + 0.1 + 0.0 * y; }
static double with_nan (double x, double y) { return x > 3.0 ? NAN : y; }

static void wrong_vorticity_is_refused_and_changes_nothing (void) {
  fx_flow_options o = options_of(32, 32, 100.0);
  fx_flow *flow = flow_of(&o);
  fx_tensor *before = vorticity_of(flow), *bad = field_from(16, 32, mixture);
  CHECK(fx_flow_set_vorticity(flow, bad, 0.0) == FX_ESHAPE);
  CHECK(strcmp(fx_errmsg(), "navier_stokes: vorticity must be (1,32,32,1), got (1,16,32,1)") == 0);
  fx_tensor_assign(&bad, field_from(32, 32, with_mean));
  CHECK(fx_flow_set_vorticity(flow, bad, 0.0) == FX_EARG);
  fx_tensor_assign(&bad, field_from(32, 32, with_nan));
  CHECK(fx_flow_set_vorticity(flow, bad, 0.0) == FX_EARG);
  CHECK(fx_flow_set_vorticity(flow, before, INFINITY) == FX_EARG);
  fx_tensor *after = vorticity_of(flow);
  CHECK(distance(before, after) == 0.0);
  fx_tensor_release(before);
  fx_tensor_release(after);
  fx_tensor_release(bad);
  fx_flow_free(flow);
}

static void wrong_scalars_are_refused (void) {
  fx_flow_options o = options_of(32, 32, 100.0);
  fx_flow *without = flow_of(&o), *flow = NULL;
  fx_tensor *c = field_from(32, 32, with_mean), *bad = field_from(32, 16, mixture), *out = NULL;
  CHECK(fx_flow_set_scalar(without, c) == FX_EARG && strstr(fx_errmsg(), "scalar = true"));
  CHECK(fx_flow_scalar(without, &out) == FX_EARG && out == NULL);
  o.scalar = 1;
  flow = flow_of(&o);
  CHECK_STATUS(fx_flow_set_scalar(flow, c)); /* a scalar may have a mean */
  CHECK(fx_flow_set_scalar(flow, bad) == FX_ESHAPE &&
        strstr(fx_errmsg(), "scalar must be (1,32,32,1)"));
  fx_tensor_assign(&bad, field_from(32, 32, with_nan));
  CHECK(fx_flow_set_scalar(flow, bad) == FX_EARG && strstr(fx_errmsg(), "not finite"));
  CHECK_STATUS(fx_flow_scalar(flow, &out));
  CHECK_NEAR(distance(out, c), 0.0, 1e-14);
  fx_tensor_release(c);
  fx_tensor_release(bad);
  fx_tensor_release(out);
  fx_flow_free(flow);
  fx_flow_free(without);
}

static void too_long_a_step_is_reported (void) {
  fx_flow_options o = options_of(32, 32, 1e6);
  o.dt = 5.0;
  fx_flow *flow = flow_of(&o);
  CHECK(fx_flow_advance(flow, 5000.0) == FX_EARG);
  CHECK(strstr(fx_errmsg(), "no longer finite") != NULL);
  fx_flow_free(flow);
}

static void interrupt_stops_between_steps (void) {
  fx_flow_options o = options_of(32, 32, 100.0);
  fx_flow *flow = flow_of(&o);
  fx_interrupt_raise();
  fx_interrupt_raise();
  CHECK(fx_flow_advance(flow, 1.0) == FX_EINTR);
  fx_interrupt_clear();
  CHECK_STATUS(fx_flow_advance(flow, 1.0));
  fx_flow_free(flow);
}

static void a_state_of_the_other_precision_is_refused (void) {
  fx_flow_options o = options_of(32, 32, 100.0);
  fx_flow *twice = flow_of(&o);
  o.precision = FX_F32;
  fx_flow *single = flow_of(&o);
  fx_tensor *state = NULL;
  CHECK_STATUS(fx_flow_state(twice, &state));
  CHECK(fx_flow_restore(single, state, 0.0, 0) == FX_ESHAPE);
  CHECK(strcmp(fx_errmsg(),
               "navier_stokes: the state of this flow is in f32, got one in f64; a flow goes "
               "on in the precision that it began with") == 0);
  fx_tensor_release(state);
  fx_flow_free(twice);
  fx_flow_free(single);
}

static fx_status make_and_use (void) {
  fx_status st;
  fx_flow_options o = options_of(16, 24, 100.0);
  fx_flow *flow = NULL;
  fx_tensor *w = NULL, *v = NULL, *e = NULL, *p = NULL, *s = NULL, *c = NULL, *q = NULL;
  double force[2];
  o.forcing = FX_FORCING_RING;
  o.forcing_wavenumber = 3;
  o.walls = FX_WALLS_CHANNEL;
  o.wall = 0.9;
  o.mean_velocity = 0.5;
  o.sponge = 1.0;
  o.scalar = 1;
  o.precision = FX_F32;
  FX_TRY(fx_flow_new(&o, &flow));
  FX_GOTO(fx_flow_advance(flow, 0.1));
  FX_GOTO(fx_flow_vorticity(flow, &w));
  FX_GOTO(fx_flow_velocity(flow, &v));
  FX_GOTO(fx_flow_energy_spectrum(flow, &e));
  FX_GOTO(fx_flow_pressure(flow, &p));
  FX_GOTO(fx_flow_state(flow, &s));
  FX_GOTO(fx_flow_solid(flow, &c));
  FX_GOTO(fx_flow_force(flow, force));
  FX_GOTO(fx_flow_set_vorticity(flow, w, 0.0));
  FX_GOTO(fx_flow_set_scalar(flow, w));
  FX_GOTO(fx_flow_scalar(flow, &q));
done:
  fx_tensor_release(q);
  fx_tensor_release(p);
  fx_tensor_release(c);
  fx_tensor_release(s);
  fx_tensor_release(w);
  fx_tensor_release(v);
  fx_tensor_release(e);
  fx_flow_free(flow);
  return st;
}

static fx_status pressure_alone (void) {
  const fx_flow_options o = options_of(16, 24, 100.0);
  fx_flow *flow = NULL;
  fx_tensor *p = NULL;
  FX_TRY(fx_flow_new(&o, &flow));
  const fx_status st = fx_flow_pressure(flow, &p);
  fx_tensor_release(p);
  fx_flow_free(flow);
  return st;
}

static void failing_allocations_leave_nothing_behind (fx_status (*work)(void)) {
  fx_memory_stats before, after;
  fx_memory(&before);
  fx_status st = FX_ENOMEM;
  int k = 1;
  for (; st != FX_OK && k < 100; k++) {
    fx_alloc_fail_at(k);
    st = work();
    fx_alloc_fail_at(0);
    CHECK(st == FX_OK || st == FX_ENOMEM);
  }
  CHECK(k > 15 && k < 100);
  fx_memory(&after);
  CHECK(after.live_blocks == before.live_blocks);
}

static void the_time_loop_allocates_nothing (void) {
  fx_flow_options o = options_of(32, 32, 100.0);
  fx_flow *flow = flow_of(&o);
  fx_memory_stats before, after;
  fx_memory(&before);
  CHECK_STATUS(fx_flow_advance(flow, 1.0));
  fx_memory(&after);
  CHECK(after.requests == before.requests);
  fx_flow_free(flow);
}

int main (void) {
  for (int solid = 0; solid <= 1; solid++) {
    same_bits_for_threads_and_instruction_sets(solid, FX_F64);
    same_bits_for_threads_and_instruction_sets(solid, FX_F32);
  }
  more_threads_than_at_creation_are_served();
  restored_state_continues();
  a_saved_state_continues_with_the_same_bits(FX_F64);
  a_saved_state_continues_with_the_same_bits(FX_F32);
  advance_lands_exactly_with_even_steps();
  forcing_from_rest_takes_sensible_steps();
  small_grids_work(FX_F64, 1e-13);
  small_grids_work(FX_F32, 1e-6);
  wrong_options_are_refused();
  wrong_vorticity_is_refused_and_changes_nothing();
  wrong_scalars_are_refused();
  too_long_a_step_is_reported();
  interrupt_stops_between_steps();
  a_state_of_the_other_precision_is_refused();
  failing_allocations_leave_nothing_behind(make_and_use);
  failing_allocations_leave_nothing_behind(pressure_alone);
  the_time_loop_allocates_nothing();
  return check_report("flow");
}
