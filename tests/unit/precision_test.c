/*
** precision_test.c - a flow in single precision against exact decay and against the same flow in double:
** the start, the whole field after a while, and what is read from it. (Same bits for threads, instruction sets and
** resumption are held in flow_test.c for both precisions, the transforms in fft_test.c.)
*/
#include <math.h>

#include "flow_fields.h"
#include "sim/flow_state.h"

#define ROUNDING 0x1p-24 /* of one operation, relative */

static double norm_of (const fx_tensor *t) {
  double sum = 0.0;
  for (int64_t i = 0; i < fx_tensor_count(t); i++)
    sum += fx_f64(t)[i] * fx_f64(t)[i];
  return sqrt(sum / (double)fx_tensor_count(t));
}

/* R.m.s. of a - b over that of a; releases both. */
static double apart (fx_tensor *a, fx_tensor *b) {
  const double size = norm_of(a);
  for (int64_t i = 0; i < fx_tensor_count(a); i++)
    fx_f64(b)[i] -= fx_f64(a)[i];
  const double result = norm_of(b) / size;
  fx_tensor_release(a);
  fx_tensor_release(b);
  return result;
}

/* The state is rounded a few times a step, up as often as down, which adds up as the square root of their number;
** what is rounded alike in every step (viscosity, the step) is off by its own 2^-24 over the whole decay, however
** many steps that is divided into. The fields at both ends cost a transform each. */
static void decay_does_not_drift_with_the_number_of_steps (void) {
  const int counts[] = { 50, 4000 };
  for (int i = 0; i < 2; i++) {
    fx_flow_options o = options_of(32, 32, 20.0);
    o.precision = FX_F32;
    o.dt = 1.5 / counts[i];
    fx_flow *flow = flow_from(o, taylor_green);
    CHECK_STATUS(fx_flow_advance(flow, 1.5));
    fx_tensor *now = vorticity_of(flow), *wanted = field_from(32, 32, taylor_green);
    for (int64_t j = 0; j < fx_tensor_count(wanted); j++)
      fx_f64(wanted)[j] *= exp(-2.0 / 20.0 * 1.5);
    const double off = distance(now, wanted) / 2.0;
    printf("  Taylor-Green, %d steps: %.1e\n", counts[i], off);
    CHECK(off < (8.0 + sqrt(counts[i])) * ROUNDING);
    fx_tensor_release(now);
    fx_tensor_release(wanted);
    fx_flow_free(flow);
  }
}

static void both_begin_with_the_same_field_rounded (void) {
  fx_flow_options o = options_of(36, 50, 100.0);
  fx_flow *twice = flow_of(&o);
  o.precision = FX_F32;
  fx_flow *single = flow_of(&o);
  int same = 1;
  for (int64_t kx = 0; kx < twice->modes; kx++) {
    for (int64_t y = 0; y < twice->h; y++) {
      const fx_flow_mode p = fx_flow_get_mode(twice, twice->state, kx, y);
      const fx_flow_mode q = fx_flow_get_mode(single, single->state, kx, y);
      same = same && (float)p.re == (float)q.re && (float)p.im == (float)q.im;
    }
  }
  CHECK(same && single->arithmetic->lanes == 8);
  fx_flow_free(twice);
  fx_flow_free(single);
}

/* Two flows of a chaotic kind part; over half a time unit by no more than this. Seen: 9e-7, 4e-8. */
static void turbulence_is_that_of_double (void) {
  fx_flow_options o = options_of(128, 128, 1000.0);
  o.k0 = 8.0;
  fx_flow *twice = flow_of(&o);
  o.precision = FX_F32;
  fx_flow *single = flow_of(&o);
  fx_flow_report a, b;
  CHECK_STATUS(fx_flow_advance(twice, 0.5));
  CHECK_STATUS(fx_flow_advance(single, 0.5));
  const double off = apart(vorticity_of(twice), vorticity_of(single));
  fx_flow_diagnostics(twice, &a);
  fx_flow_diagnostics(single, &b);
  printf("  turbulence, 128^2, t = 0.5: %.1e, its energy %.1e\n", off,
         fabs(b.energy / a.energy - 1.0));
  CHECK(a.steps == b.steps && off < 5e-6);
  CHECK_NEAR(b.energy / a.energy, 1.0, 5e-7);
  CHECK_NEAR(b.enstrophy / a.enstrophy, 1.0, 5e-7);
  fx_flow_free(twice);
  fx_flow_free(single);
}

/* Without viscosity nothing takes energy but the steps, in both precisions. */
static void an_ideal_flow_keeps_its_energy (void) {
  fx_flow_options o = options_of(64, 64, 1e15);
  o.cfl = 0.2;
  o.precision = FX_F32;
  fx_flow *flow = flow_of(&o);
  fx_flow_report first, last;
  fx_flow_diagnostics(flow, &first);
  CHECK_STATUS(fx_flow_advance(flow, 1.0));
  fx_flow_diagnostics(flow, &last);
  printf("  ideal flow, %d steps: energy %.1e\n", (int)last.steps,
         last.energy / first.energy - 1.0);
  CHECK(last.steps > 50);
  CHECK_NEAR(last.energy / first.energy, 1.0, 1e-6);
  fx_flow_free(flow);
}

typedef fx_status (*reader)(fx_flow *flow, fx_tensor **out);

static fx_status read_solid (fx_flow *flow, fx_tensor **out) { return fx_flow_solid(flow, out); }
static fx_status read_spectrum (fx_flow *flow, fx_tensor **out) {
  return fx_flow_energy_spectrum(flow, out);
}

static double with_mean (double x, double y) { return 1.0 + mixture(x, y); }

/* Walls, a cylinder, a sponge, a scalar, and all that a frame may show; sides that fill no vector. */
static void what_is_read_is_that_of_double (void) {
  static const reader readers[] = { fx_flow_vorticity, fx_flow_velocity, fx_flow_pressure,
                                    fx_flow_scalar,    read_solid,       read_spectrum };
  const double cylinder[3] = { 2.0, 3.0, 0.6 };
  fx_flow_options o = options_of(50, 60, 200.0);
  o.walls = FX_WALLS_CHANNEL;
  o.wall = 0.3;
  o.cylinders = cylinder;
  o.cylinder_count = 1;
  o.mean_velocity = 1.0;
  o.sponge = 1.0;
  o.scalar = 1;
  fx_flow *flows[2];
  double force[2][2];
  fx_tensor *start = field_from(50, 60, with_mean);
  for (int i = 0; i < 2; i++) {
    o.precision = i ? FX_F32 : FX_F64;
    flows[i] = flow_of(&o);
    CHECK_STATUS(fx_flow_set_scalar(flows[i], start));
    CHECK_STATUS(fx_flow_advance(flows[i], 0.5));
    CHECK_STATUS(fx_flow_force(flows[i], force[i]));
  }
  for (size_t r = 0; r < sizeof readers / sizeof *readers; r++) {
    fx_tensor *a = NULL, *b = NULL;
    CHECK_STATUS(readers[r](flows[0], &a));
    CHECK_STATUS(readers[r](flows[1], &b));
    CHECK_NEAR(apart(a, b), 0.0, 5e-6); /* seen: up to 5e-7 */
  }
  CHECK_NEAR(force[1][0] / force[0][0], 1.0, 1e-5);
  fx_tensor_release(start);
  fx_flow_free(flows[0]);
  fx_flow_free(flows[1]);
}

int main (void) {
  decay_does_not_drift_with_the_number_of_steps();
  both_begin_with_the_same_field_rounded();
  turbulence_is_that_of_double();
  an_ideal_flow_keeps_its_energy();
  what_is_read_is_that_of_double();
  return check_report("precision");
}
