/*
** solver_test.c - the numbers of the Navier-Stokes solver against exact solutions, an independent
** solver (numpy, other form of the nonlinear term), conservation laws, its own order, and the
** formula of its initial field. flow_test.c tests the life of a flow.
*/
#include <math.h>

#include "flow_fields.h"
#include "sim/fft.h"
#include "sim/flow_state.h"

/* --- exact solutions ------------------------------------------------------------------------- */

static double taylor_green_4 (double x, double y) { return 8.0 * cos(4 * x) * cos(4 * y); }
static double taylor_green_ss (double x, double y) { return 2.0 * sin(x) * sin(y); }
static double oblique_wave (double x, double y) { return sin(3 * x + 2 * y); }

/* Eigenfunctions of the Laplacian are steady in shape: w(t) = w(0) exp(-k^2 nu t). */
static void check_decay (field_formula formula, double k_squared, int64_t h, int64_t w) {
  const fx_flow_options o = options_of(h, w, 20.0);
  fx_flow *flow = flow_from(o, formula);
  CHECK_STATUS(fx_flow_advance(flow, 1.5));
  fx_tensor *now = vorticity_of(flow), *start = field_from(h, w, formula);
  const double factor = exp(-k_squared / 20.0 * 1.5);
  double worst = 0.0, largest = 0.0;
  for (int64_t i = 0; i < h * w; i++) {
    worst = fmax(worst, fabs(fx_f64(now)[i] - factor * fx_f64(start)[i]));
    largest = fmax(largest, fabs(factor * fx_f64(start)[i]));
  }
  CHECK_NEAR(worst / largest, 0.0, 1e-12);
  fx_tensor_release(now);
  fx_tensor_release(start);
  fx_flow_free(flow);
}

static void eigenfunctions_decay_exactly (void) {
  check_decay(taylor_green, 2.0, 32, 32);
  check_decay(taylor_green_4, 32.0, 64, 64);
  check_decay(taylor_green_4, 32.0, 30, 54);
  check_decay(oblique_wave, 13.0, 32, 48);
}

static double shear (double x, double y) {
  (void)x;
  return -cos(2 * y) / 3.0;
}

/* f = sin(2 y): the laminar flow u = sin(2 y) / (4 nu + drag) is steady; w = -2 cos(2 y) / (..). */
static void laminar_kolmogorov_flow_is_steady (void) {
  fx_flow_options o = options_of(32, 32, 0.7);
  o.forcing = FX_FORCING_KOLMOGOROV;
  o.forcing_wavenumber = 2;
  o.drag = 6.0 - 4.0 / 0.7; /* 4 nu + drag = 6: w = -cos(2 y) / 3 */
  o.dt = 0.01;
  fx_flow *flow = flow_from(o, shear);
  CHECK_STATUS(fx_flow_advance(flow, 1.0));
  fx_tensor *now = vorticity_of(flow), *start = field_from(32, 32, shear);
  /* With an integrating factor a balance of forcing and friction is off by (lambda dt)^4 / 2880. */
  CHECK_NEAR(distance(now, start), 0.0, 1e-8);
  fx_flow_report r;
  fx_flow_diagnostics(flow, &r);
  CHECK_NEAR(r.injection, 1.0 / 12.0, 1e-8); /* <sin^2> / 6 */
  CHECK_NEAR(r.injection, r.dissipation, 1e-8);
  CHECK_NEAR(r.enstrophy_injection, r.enstrophy_dissipation, 1e-7);
  fx_tensor_release(now);
  fx_tensor_release(start);
  fx_flow_free(flow);
}

/* The ring's phases are random and its work is not: from rest one step of dt gives rate dt of energy,
** less what viscosity takes (here nothing) and what the flow does in so short a time. */
static void a_ring_gives_its_rate_of_energy (void) {
  fx_flow_options o = options_of(48, 64, 1e12);
  o.initial = FX_INITIAL_REST;
  o.forcing = FX_FORCING_RING;
  o.forcing_wavenumber = 6;
  o.forcing_rate = 0.2;
  o.drag = 0.0;
  o.dt = 1e-5;
  fx_flow *flow = flow_of(&o);
  fx_flow_report r;
  CHECK_STATUS(fx_flow_advance(flow, 1e-5));
  fx_flow_diagnostics(flow, &r);
  CHECK_NEAR(r.energy, 0.2 * 1e-5, 1e-12);
  CHECK_NEAR(r.injection, 0.2, 1e-14);
  CHECK_NEAR(r.enstrophy / r.energy, r.enstrophy_injection / r.injection, 1e-4);
  fx_tensor *e = NULL;
  CHECK_STATUS(fx_flow_energy_spectrum(flow, &e));
  for (int64_t k = 0; k < fx_tensor_count(e); k++)
    CHECK(k >= 5 && k <= 7 ? fx_f64(e)[k] > 1e-7 : fx_f64(e)[k] < 1e-12);
  fx_tensor_release(e);
  fx_flow_free(flow);
}

/* White noise: after n steps the energy is n times that of one, up to the random products between
** steps, whose mean is 0. Drag then balances the ring at rate / (2 drag). */
static void a_ring_and_drag_balance (void) {
  fx_flow_options o = options_of(48, 48, 1e3);
  o.initial = FX_INITIAL_REST;
  o.forcing = FX_FORCING_RING;
  o.forcing_wavenumber = 8;
  o.forcing_rate = 1e-6; /* so weak that modes do not meet */
  o.drag = 1.0;
  o.dt = 0.02;
  fx_flow *flow = flow_of(&o);
  fx_flow_report r;
  double energy = 0.0, loss = 0.0;
  CHECK_STATUS(fx_flow_advance(flow, 4.0));
  for (int n = 1; n <= 400; n++) {
    CHECK_STATUS(fx_flow_advance(flow, 4.0 + 0.1 * n));
    fx_flow_diagnostics(flow, &r);
    energy += r.energy / 400.0;
    loss += r.dissipation / 400.0;
  }
  CHECK_NEAR(loss / 1e-6, 1.0, 0.05);
  CHECK_NEAR(energy / (1e-6 / (2.0 + 2.0 * 64.0 / 1e3)), 1.0, 0.06);
  fx_flow_free(flow);
}

/* u = sin(x) cos(y), v = -cos(x) sin(y): p = (cos(2 x) + cos(2 y)) / 4. */
static void pressure_of_taylor_green (void) {
  fx_flow *flow = flow_from(options_of(32, 48, 100.0), taylor_green_ss);
  fx_tensor *p = NULL;
  CHECK_STATUS(fx_flow_pressure(flow, &p));
  double worst = 0.0;
  for (int64_t i = 0; i < 32 * 48; i++) {
    const double x = TWO_PI * (double)(i % 48) / 48.0, y = TWO_PI * (double)(i / 48) / 32.0;
    worst = fmax(worst, fabs(fx_f64(p)[i] - 0.25 * (cos(2 * x) + cos(2 * y))));
  }
  CHECK_NEAR(worst, 0.0, 1e-14);
  fx_tensor_release(p);
  fx_flow_free(flow);
}

/* --- walls and obstacles --------------------------------------------------------------------- */

/* delta / sqrt(nu eta) = 2.6482 is where a smooth wall stands where it is drawn; a harder one stands
** further out, a softer one further in. */
static void the_displacement_of_a_smooth_wall (void) {
  CHECK_NEAR(fx_flow_displacement(1.0, 1.0 / 2.6482267), 0.0, 1e-6);
  CHECK_NEAR(fx_flow_displacement(2.0, 2.0 / 2.6482267), 0.0, 2e-6);
  CHECK(fx_flow_displacement(1.0, 0.1) > 0.1);
  /* A sharp wall lets the fluid in by sqrt(nu eta). */
  CHECK_NEAR(fx_flow_displacement(0.01, 1.0), -1.0, 1e-3);
}

/* The drag of a square array of cylinders in Stokes flow [Sangani & Acrivos 1982, table 1]: F / (mu U) is
** 51.53 where they take a fifth of the area. The error falls with the square of the grid spacing. */
static double drag_of_array (int64_t n) {
  const double re = 0.05;
  const double cylinder[3] = { 0.5 * TWO_PI, 0.5 * TWO_PI, TWO_PI * sqrt(0.2 / (0.5 * TWO_PI)) };
  fx_flow_options o = options_of(n, n, re);
  o.initial = FX_INITIAL_REST;
  o.cylinders = cylinder;
  o.cylinder_count = 1;
  o.mean_velocity = 1.0;
  fx_flow *flow = flow_of(&o);
  double force[2];
  CHECK_STATUS(fx_flow_advance(flow, 3.0 * re));
  CHECK_STATUS(fx_flow_force(flow, force));
  CHECK_NEAR(force[1], 0.0, 1e-9);
  fx_flow_free(flow);
  return force[0] * re;
}

static void drag_of_a_cylinder_array_is_that_of_the_literature (void) {
  const double coarse = drag_of_array(32) / 51.53 - 1.0, fine = drag_of_array(64) / 51.53 - 1.0;
  printf("  drag of a cylinder array: %.1f %% and %.1f %% off\n", 100.0 * coarse, 100.0 * fine);
  CHECK(fabs(fine) < 0.05);
  CHECK(fabs(coarse / fine) > 3.0);
}

/* Between walls at distance 2 h the flow of mean velocity 1 in the whole box is a parabola. */
static void flow_in_a_channel_is_a_parabola (void) {
  enum { N = 48 };
  fx_flow_options o = options_of(N, N, 1.0);
  o.initial = FX_INITIAL_REST;
  o.walls = FX_WALLS_CHANNEL;
  o.wall = 0.6;
  o.mean_velocity = 1.0;
  fx_flow *flow = flow_of(&o);
  fx_tensor *u = NULL;
  double force[2];
  CHECK_STATUS(fx_flow_advance(flow, 6.0));
  CHECK_STATUS(fx_flow_velocity(flow, &u));
  CHECK_STATUS(fx_flow_force(flow, force));
  const double half = 0.5 * TWO_PI - 0.6, top = 1.5 * 0.5 * TWO_PI / half;
  double worst = 0.0;
  for (int64_t y = 0; y < N; y++) {
    const double from = (TWO_PI * (double)y / N - 0.5 * TWO_PI) / half;
    const double exact = fabs(from) < 1.0 ? top * (1.0 - from * from) : 0.0;
    worst = fmax(worst, fabs(fx_f64(u)[y * N * 2] - exact) / top);
  }
  CHECK_NEAR(worst, 0.0, 0.04); /* at the wall, where a parabola has its corner */
  /* The walls hold what the pressure gradient 2 nu top / half^2 pushes in the whole box. */
  CHECK_NEAR(force[0] / (TWO_PI * TWO_PI * 2.0 * top / (half * half)), 1.0, 0.015);
  fx_tensor_release(u);
  fx_flow_free(flow);
}

/* Solids are part of every stage, so that the order stays four; and what a steady flow is does not
** depend on the step. */
static fx_tensor *beside_a_cylinder (double dt) {
  const double cylinder[3] = { 3.0, 3.2, 0.8 };
  fx_flow_options o = options_of(32, 32, 30.0);
  o.cylinders = cylinder;
  o.cylinder_count = 1;
  o.mean_velocity = 0.5;
  o.sponge = 1.0;
  o.dt = dt;
  fx_flow *flow = flow_of(&o);
  CHECK_STATUS(fx_flow_advance(flow, 0.8));
  fx_tensor *t = vorticity_of(flow);
  fx_flow_free(flow);
  return t;
}

static void order_in_time_beside_a_solid (void) {
  fx_tensor *a = beside_a_cylinder(0.8 / 16), *b = beside_a_cylinder(0.8 / 32),
            *c = beside_a_cylinder(0.8 / 64);
  const double order = log2(distance(a, b) / distance(b, c));
  printf("  order in time beside a solid: %.3f\n", order);
  CHECK(order > 3.6 && order < 4.4);
  fx_tensor_release(a);
  fx_tensor_release(b);
  fx_tensor_release(c);
}

static void a_box_keeps_the_flow_in (void) {
  fx_flow_options o = options_of(64, 64, 200.0);
  o.walls = FX_WALLS_BOX;
  o.wall = 0.4;
  fx_flow *flow = flow_of(&o);
  fx_tensor *u = NULL, *solid = NULL;
  CHECK_STATUS(fx_flow_advance(flow, 0.8));
  CHECK_STATUS(fx_flow_velocity(flow, &u));
  CHECK_STATUS(fx_flow_solid(flow, &solid));
  double inside = 0.0, outside = 0.0;
  for (int64_t i = 0; i < 64 * 64; i++) {
    const double speed = hypot(fx_f64(u)[2 * i], fx_f64(u)[2 * i + 1]);
    if (fx_f64(solid)[i] > 0.99)
      inside = fmax(inside, speed);
    if (fx_f64(solid)[i] < 0.01)
      outside = fmax(outside, speed);
  }
  CHECK(outside > 1.0 && inside < 0.1 * outside);
  CHECK(fx_f64(solid)[0] > 0.99 && fx_f64(solid)[32 * 64 + 32] < 1e-6);
  fx_tensor_release(u);
  fx_tensor_release(solid);
  fx_flow_free(flow);
}

/* Free slip: v = 0 and w = 0 at y = 0 and pi, the initial energy that of any other flow, and no stress at the
** walls: energy is lost by viscosity alone. */
static void slip_walls_are_a_symmetry (void) {
  fx_flow_options o = options_of(48, 48, 1e3);
  o.walls = FX_WALLS_SLIP;
  fx_flow *flow = flow_of(&o);
  fx_flow_report r;
  fx_flow_diagnostics(flow, &r);
  CHECK_NEAR(r.energy, 0.5, 1e-9);
  fx_tensor *u = NULL, *w = NULL;
  for (int i = 1; i <= 10; i++)
    CHECK_STATUS(fx_flow_advance(flow, 0.1 * i));
  CHECK_STATUS(fx_flow_velocity(flow, &u));
  w = vorticity_of(flow);
  double across = 0.0, along = 0.0, odd = 0.0;
  for (int64_t x = 0; x < 48; x++) {
    for (int64_t y = 0; y < 48; y += 24) {
      across = fmax(across, fabs(fx_f64(u)[2 * (y * 48 + x) + 1]));
      along = fmax(along, fabs(fx_f64(u)[2 * (y * 48 + x)]));
    }
    for (int64_t y = 1; y < 24; y++)
      odd = fmax(odd, fabs(fx_f64(w)[y * 48 + x] + fx_f64(w)[(48 - y) * 48 + x]));
  }
  CHECK_NEAR(across, 0.0, 1e-12);
  CHECK_NEAR(odd, 0.0, 1e-10);
  CHECK(along > 0.1);
  fx_tensor_release(u);
  fx_tensor_release(w);
  fx_flow_free(flow);
}

/* Every kept mode of  du/dt + d_j (u u_j) - nu lap u + chi/eta u + grad p  is zero: the pressure is the one that the
** vorticity equation has done without. du/dt is a difference over 2 dt, so it is off by O(dt^2). */
enum { P_N = 32, P_ROW = P_N / 2 + 1, P_MODES = P_N * P_ROW * 2 };

static void transform_of (fx_fft2 *plan, const fx_tensor *t, int channels, int channel,
                          const double *factor, double *modes) {
  double field[P_N * P_N];
  for (int i = 0; i < P_N * P_N; i++)
    field[i] = fx_f64(t)[i * channels + channel] * (factor ? factor[i] : 1.0);
  CHECK_STATUS(fx_fft2_forward(plan, field, modes));
}

static void pressure_beside_a_solid_balances_the_momentum (void) {
  static double before[P_MODES], after[P_MODES], u_modes[P_MODES], uu[P_MODES], uv[P_MODES],
      push[P_MODES], p_modes[P_MODES];
  double factor[P_N * P_N];
  const double cylinder[3] = { 3.0, 3.2, 0.8 }, dt = 1e-3, nu = 1.0 / 30.0;
  fx_flow_options o = options_of(P_N, P_N, 30.0);
  o.cylinders = cylinder;
  o.cylinder_count = 1;
  o.mean_velocity = 0.5;
  o.dt = dt;
  fx_flow *flow = flow_of(&o);
  fx_fft2 *plan = NULL;
  fx_tensor *velocity = NULL, *pressure = NULL;
  CHECK_STATUS(fx_fft2_new(P_N, P_N, &plan));
  CHECK_STATUS(fx_flow_advance(flow, 0.3));
  CHECK_STATUS(fx_flow_velocity(flow, &velocity));
  transform_of(plan, velocity, 2, 0, NULL, before);
  fx_tensor_release(velocity);
  CHECK_STATUS(fx_flow_advance(flow, 0.3 + dt));
  CHECK_STATUS(fx_flow_velocity(flow, &velocity));
  CHECK_STATUS(fx_flow_pressure(flow, &pressure));
  transform_of(plan, velocity, 2, 0, NULL, u_modes);
  transform_of(plan, pressure, 1, 0, NULL, p_modes);
  for (int i = 0; i < P_N * P_N; i++)
    factor[i] = fx_flow_damping(flow, i);
  transform_of(plan, velocity, 2, 0, factor, push);
  for (int i = 0; i < P_N * P_N; i++)
    factor[i] = fx_f64(velocity)[2 * i];
  transform_of(plan, velocity, 2, 0, factor, uu);
  transform_of(plan, velocity, 2, 1, factor, uv);
  CHECK_STATUS(fx_flow_advance(flow, 0.3 + 2.0 * dt));
  fx_tensor_release(velocity);
  CHECK_STATUS(fx_flow_velocity(flow, &velocity));
  transform_of(plan, velocity, 2, 0, NULL, after);
  double worst = 0.0, largest = 0.0;
  for (int64_t y = 0; y < P_N; y++) {
    for (int64_t kx = 0; kx <= flow->top; kx++) {
      const double ky = flow->ky[y];
      if (fabs(ky) > (double)flow->top || (kx == 0 && y == 0))
        continue;
      for (int64_t i = 2 * (y * P_ROW + kx); i < 2 * (y * P_ROW + kx) + 2; i++) {
        const double sign = i % 2 ? 1.0 : -1.0; /* of i times the other part */
        const double k = (double)kx, rest = (after[i] - before[i]) / (2.0 * dt) +
                                            sign * (k * uu[i ^ 1] + ky * uv[i ^ 1]) +
                                            nu * (k * k + ky * ky) * u_modes[i] + push[i] +
                                            sign * k * p_modes[i ^ 1];
        worst = fmax(worst, fabs(rest));
        largest = fmax(largest, fabs(k * p_modes[i ^ 1]));
      }
    }
  }
  printf("  momentum beside a solid: off by %.1e of the pressure's gradient\n", worst / largest);
  CHECK(worst < 1e-4 * largest);
  fx_tensor_release(velocity);
  fx_tensor_release(pressure);
  fx_fft2_free(plan);
  fx_flow_free(flow);
}

/* --- the scalar ------------------------------------------------------------------------------ */

static double wave_at;
static double riding_wave (double x, double y) {
  return 0.3 + exp(-13.0 / 50.0 * wave_at) * sin(3 * (x - 0.7 * wave_at) + 2 * y);
}

/* In a uniform stream a sine is carried along and decays as exp(-kappa k^2 t); the mean stays to the bit. */
static void a_sine_rides_on_a_uniform_stream (void) {
  fx_flow_options o = options_of(48, 64, 100.0);
  o.initial = FX_INITIAL_REST;
  o.mean_velocity = 0.7;
  o.scalar = 1;
  o.schmidt = 0.5;
  o.dt = 0.005;
  fx_flow *flow = flow_of(&o);
  fx_tensor *c = NULL;
  fx_flow_report first, last;
  wave_at = 0.0;
  fx_tensor *start = field_from(48, 64, riding_wave);
  CHECK_STATUS(fx_flow_set_scalar(flow, start));
  fx_flow_diagnostics(flow, &first);
  CHECK_STATUS(fx_flow_advance(flow, 1.5));
  fx_flow_diagnostics(flow, &last);
  CHECK_STATUS(fx_flow_scalar(flow, &c));
  wave_at = 1.5;
  fx_tensor *exact = field_from(48, 64, riding_wave);
  CHECK_NEAR(distance(c, exact), 0.0, 1e-9);
  CHECK(first.scalar_mean == last.scalar_mean);
  CHECK_NEAR(first.scalar_mean, 0.3, 1e-15);
  CHECK_NEAR(first.scalar_variance, 0.5, 1e-14);
  CHECK_NEAR(first.scalar_dissipation, 2.0 * 13.0 / 50.0 * 0.5, 1e-13);
  fx_tensor_release(c);
  fx_tensor_release(start);
  fx_tensor_release(exact);
  fx_flow_free(flow);
}

/* d var / dt = -scalar_dissipation in a turbulent flow, by Simpson's rule; and turbulence mixes faster than diffusion. */
static void the_budget_of_the_scalar_closes (void) {
  enum { STEPS = 100 };
  fx_flow_options o = options_of(48, 48, 200.0);
  o.scalar = 1;
  o.dt = 0.01;
  fx_flow *flow = flow_of(&o);
  fx_tensor *start = field_from(48, 48, mixture);
  fx_flow_report first, r;
  double loss = 0.0;
  CHECK_STATUS(fx_flow_set_scalar(flow, start));
  fx_flow_diagnostics(flow, &first);
  for (int n = 0; n <= STEPS; n++) {
    CHECK_STATUS(fx_flow_advance(flow, n * o.dt));
    fx_flow_diagnostics(flow, &r);
    loss += (n == 0 || n == STEPS ? 1.0 : n % 2 ? 4.0 : 2.0) * o.dt / 3.0 * r.scalar_dissipation;
  }
  CHECK_NEAR((r.scalar_variance - first.scalar_variance + loss) / first.scalar_variance, 0.0, 1e-6);
  CHECK(r.scalar_dissipation > 2.0 * first.scalar_dissipation);
  CHECK_NEAR(r.scalar_mean, first.scalar_mean, 0.0);
  fx_tensor_release(start);
  fx_flow_free(flow);
}

/* --- Lamb-Oseen ------------------------------------------------------------------------------ */

/* A vortex of circulation G: w = G / (4 pi nu t) exp(-r^2 / (4 nu t)). In the periodic box it stands among its
** images and on a background -G / (2 pi)^2; both leave its core alone while it is small against the
** box, up to the strain of the images, which four-fold symmetry cancels at the centre. */
static double lamb_oseen_at;
static double lamb_oseen (double x, double y) {
  const double dx = x - 0.5 * TWO_PI, dy = y - 0.5 * TWO_PI, spread = 4.0 / 500.0 * lamb_oseen_at;
  return exp(-(dx * dx + dy * dy) / spread) / (0.5 * TWO_PI * spread) - 1.0 / (TWO_PI * TWO_PI);
}

static void a_lamb_oseen_vortex_spreads (void) {
  fx_flow_options o = options_of(96, 96, 500.0);
  lamb_oseen_at = 8.0;
  fx_flow *flow = flow_from(o, lamb_oseen);
  CHECK_STATUS(fx_flow_advance(flow, 8.0)); /* age 8 to 16: the core grows by sqrt(2) */
  lamb_oseen_at = 16.0;
  fx_tensor *w = vorticity_of(flow), *exact = field_from(96, 96, lamb_oseen);
  CHECK_NEAR(distance(w, exact) / fx_f64(exact)[48 * 96 + 48], 0.0, 2e-3);
  fx_tensor_release(w);
  fx_tensor_release(exact);
  fx_flow_free(flow);
}

/* --- an independent solver ------------------------------------------------------------------- */

/* Recorded from 40 lines of numpy: u w_x + v w_y, plain RK4 without integrating factor, dt 5e-4,
** 32 x 48, nu = 1/50, f = sin(2 y), drag 0.1, time 1. */
static void forced_flow_equals_numpy (void) {
  fx_flow_options o = options_of(32, 48, 50.0);
  o.forcing = FX_FORCING_KOLMOGOROV;
  o.forcing_wavenumber = 2;
  o.dt = 0.0025;
  fx_flow *flow = flow_from(o, mixture);
  CHECK_STATUS(fx_flow_advance(flow, 1.0));
  fx_tensor *w = vorticity_of(flow);
  const struct {
    int i, j;
    double w;
  } recorded[] = { { 0, 0, -1.346038877781 },
                   { 5, 7, 0.037797552596 },
                   { 31, 47, -1.607563001365 },
                   { 20, 3, -0.621558262755 } };
  for (size_t n = 0; n < sizeof recorded / sizeof *recorded; n++)
    CHECK_NEAR(fx_f64(w)[recorded[n].i * 48 + recorded[n].j], recorded[n].w, 1e-9);
  fx_flow_report r;
  fx_flow_diagnostics(flow, &r);
  CHECK_NEAR(r.energy, 0.235578490511, 1e-9);
  CHECK_NEAR(r.enstrophy, 1.032072164166, 1e-9);
  CHECK_NEAR(r.injection, 0.457378922770, 1e-9);
  fx_tensor_release(w);
  fx_flow_free(flow);
}

static void velocity_is_free_of_divergence_and_curls_to_vorticity (void) {
  fx_flow *flow = flow_from(options_of(32, 32, 50.0), mixture);
  fx_tensor *v = NULL;
  CHECK_STATUS(fx_flow_velocity(flow, &v));
  /* sin x cos 2y / 5: psi of the first term; u = dpsi/dy, v = -dpsi/dx, and so on. */
  double worst = 0.0;
  for (int64_t i = 0; i < 32 * 32; i++) {
    const double x = TWO_PI * (double)(i % 32) / 32.0, y = TWO_PI * (double)(i / 32) / 32.0;
    const double a = 3 * x - y, b = 2 * x + 3 * y;
    const double ux = -2.0 / 5.0 * sin(x) * sin(2 * y) + 0.05 * sin(a) + 2.4 / 13.0 * cos(b);
    const double uy = -0.2 * cos(x) * cos(2 * y) + 0.15 * sin(a) - 1.6 / 13.0 * cos(b);
    worst = fmax(worst, fmax(fabs(fx_f64(v)[2 * i] - ux), fabs(fx_f64(v)[2 * i + 1] - uy)));
  }
  CHECK_NEAR(worst, 0.0, 1e-14);
  fx_tensor_release(v);
  fx_flow_free(flow);
}

/* --- budgets and order ----------------------------------------------------------------------- */

/* Integrates gain - loss of energy and enstrophy by Simpson's rule over whole steps and compares
** with the change of E and Z. Both errors are fourth order in dt. */
static void check_budget (fx_flow_options o, double tolerance) {
  enum { STEPS = 200 };
  fx_flow *flow = flow_of(&o);
  fx_flow_report first, r;
  fx_flow_diagnostics(flow, &first);
  double energy = 0.0, enstrophy = 0.0;
  for (int n = 0; n <= STEPS; n++) {
    const double weight = (n == 0 || n == STEPS ? 1.0 : n % 2 ? 4.0 : 2.0) * o.dt / 3.0;
    CHECK_STATUS(fx_flow_advance(flow, n * o.dt));
    fx_flow_diagnostics(flow, &r);
    energy += weight * (r.injection - r.dissipation);
    enstrophy += weight * (r.enstrophy_injection - r.enstrophy_dissipation);
  }
  CHECK(r.steps == STEPS);
  CHECK_NEAR((r.energy - first.energy - energy) / first.energy, 0.0, tolerance);
  CHECK_NEAR((r.enstrophy - first.enstrophy - enstrophy) / first.enstrophy, 0.0, tolerance);
  printf("  budget errors: energy %.1e, enstrophy %.1e\n",
         fabs(r.energy - first.energy - energy) / first.energy,
         fabs(r.enstrophy - first.enstrophy - enstrophy) / first.enstrophy);
  fx_flow_free(flow);
}

static void budgets_of_energy_and_enstrophy_close (void) {
  fx_flow_options o = options_of(48, 48, 200.0);
  o.dt = 0.01;
  check_budget(o, 1e-6);
  o.forcing = FX_FORCING_KOLMOGOROV;
  check_budget(o, 1e-6);
  /* Without viscosity the truncated equations conserve both; RK4 loses O(dt^5) a step. */
  fx_flow_options ideal = options_of(48, 48, 1e15);
  ideal.dt = 0.01;
  check_budget(ideal, 1e-6);
}

static fx_tensor *state_after (double dt) {
  fx_flow_options o = options_of(32, 32, 100.0);
  o.dt = dt;
  o.forcing = FX_FORCING_KOLMOGOROV;
  fx_flow *flow = flow_from(o, mixture);
  CHECK_STATUS(fx_flow_advance(flow, 1.0));
  fx_tensor *t = vorticity_of(flow);
  fx_flow_free(flow);
  return t;
}

static void halving_the_step_divides_the_error_by_sixteen (void) {
  fx_tensor *a = state_after(1.0 / 20), *b = state_after(1.0 / 40), *c = state_after(1.0 / 80);
  const double order = log2(distance(a, b) / distance(b, c));
  printf("  order in time: %.3f\n", order);
  CHECK(order > 3.7 && order < 4.3);
  fx_tensor_release(a);
  fx_tensor_release(b);
  fx_tensor_release(c);
}

/* --- the initial field ----------------------------------------------------------------------- */

static double spectrum_formula (double k, double k0) {
  return pow(k, 4.0) * exp(-2.0 * (k / k0) * (k / k0));
}

/* Shell sums of c E(k)/k over the integer lattice, c from <u^2+v^2> = 1. */
static void expected_shells (double k0, int bins, double *out) {
  double total = 0.0;
  for (int b = 0; b < bins; b++)
    out[b] = 0.0;
  for (int kx = -60; kx <= 60; kx++) {
    for (int ky = -60; ky <= 60; ky++) {
      const double k = hypot(kx, ky);
      const double e = k > 0 ? spectrum_formula(k, k0) / k : 0.0;
      total += e;
      if ((int)(k + 0.5) < bins)
        out[(int)(k + 0.5)] += e;
    }
  }
  for (int b = 0; b < bins; b++)
    out[b] *= 0.5 / total;
}

static void initial_spectrum_follows_the_formula (void) {
  enum { BINS = 15 };
  double expected[BINS];
  fx_flow_options o = options_of(64, 64, 100.0);
  o.k0 = 5.0;
  fx_flow *flow = flow_of(&o);
  fx_tensor *e = NULL;
  CHECK_STATUS(fx_flow_energy_spectrum(flow, &e));
  expected_shells(5.0, BINS, expected);
  double sum = 0.0;
  for (int b = 0; b < BINS; b++)
    CHECK_NEAR(fx_f64(e)[b], expected[b], 1e-12);
  for (int64_t b = 0; b < fx_tensor_count(e); b++)
    sum += fx_f64(e)[b];
  fx_flow_report r;
  fx_flow_diagnostics(flow, &r);
  CHECK_NEAR(sum, r.energy, 1e-14);
  CHECK_NEAR(r.energy, 0.5, 1e-10); /* unit r.m.s. velocity; 64^2 keeps k <= 21 */
  fx_tensor_release(e);
  fx_flow_free(flow);
}

static void initial_field_does_not_depend_on_resolution (void) {
  fx_flow_options small = options_of(32, 48, 100.0), large = options_of(96, 64, 100.0);
  small.seed = large.seed = 77;
  fx_flow *a = flow_of(&small), *b = flow_of(&large);
  int same = 1;
  for (int64_t kx = 0; kx < a->modes; kx++) {
    for (int64_t ky = -a->top; ky <= a->top; ky++) {
      const fx_flow_mode p = fx_flow_get_mode(a, a->state, kx, ky < 0 ? ky + a->h : ky);
      const fx_flow_mode q = fx_flow_get_mode(b, b->state, kx, ky < 0 ? ky + b->h : ky);
      same = same && p.re == q.re && p.im == q.im;
    }
  }
  CHECK(same);
  small.seed = 78;
  fx_flow *c = flow_of(&small);
  CHECK(fx_flow_get_mode(a, a->state, 3, 2).re != fx_flow_get_mode(c, c->state, 3, 2).re);
  fx_flow_free(a);
  fx_flow_free(b);
  fx_flow_free(c);
}

int main (void) {
  eigenfunctions_decay_exactly();
  laminar_kolmogorov_flow_is_steady();
  a_ring_gives_its_rate_of_energy();
  a_ring_and_drag_balance();
  pressure_of_taylor_green();
  the_displacement_of_a_smooth_wall();
  drag_of_a_cylinder_array_is_that_of_the_literature();
  flow_in_a_channel_is_a_parabola();
  order_in_time_beside_a_solid();
  a_box_keeps_the_flow_in();
  slip_walls_are_a_symmetry();
  pressure_beside_a_solid_balances_the_momentum();
  a_sine_rides_on_a_uniform_stream();
  the_budget_of_the_scalar_closes();
  a_lamb_oseen_vortex_spreads();
  forced_flow_equals_numpy();
  velocity_is_free_of_divergence_and_curls_to_vorticity();
  budgets_of_energy_and_enstrophy_close();
  halving_the_step_divides_the_error_by_sixteen();
  initial_spectrum_follows_the_formula();
  initial_field_does_not_depend_on_resolution();
  return check_report("solver");
}
