/*
** flow_solid.c - walls and obstacles in a periodic box, by volume penalisation.
**
** Inside a solid the fluid is slowed down: du/dt gains  -chi (u - u_s) / eta,  u_s = 0, where chi goes from 1
** in the solid to 0 in the fluid [Angot, Bruneau & Fabrie 1999]. The term is one more part of the
** right-hand side of every Runge-Kutta stage (lanes/columns.c): the order in time stays four, and a steady
** flow does not depend on dt. Refused: splitting it off the step, which is cheaper by a sixth but
** leaves a slip of the order of dt at the wall.
**
** A sharp chi on a grid puts the wall anywhere within a cell, and fluid enters a solid by sqrt(nu eta).
** Both are first-order errors of the wall's place, and both go when chi is smooth and shifted [Hester,
** Vasil & Burns 2021, J. Comput. Phys. 430]: with s the distance from the wall (positive in the fluid)
**   chi = (1 - tanh(2 (s + l) / delta)) / 2,       delta = SMOOTH grid spacings,
** where l is the displacement of the profile: the fluid beside a flat wall, nu u'' = chi u / eta, runs into
** u ~ s - l far from an unshifted one. For eta = (delta / 2.6482)^2 / nu it is zero; it is integrated
** here for any eta, because in turbulence that eta is too slow against the flow: a fluid that comes at U enters
** by U eta, which should be no more than a cell. So eta = min of the two.
**
** The mean velocity (u, v averaged over the square) is kept at (mean_velocity, 0), which no vorticity
** determines: the pressure gradient that drives the flow through the solids is whatever that needs.
**
** A sponge, a strip at the end of x, brings the flow back to (mean_velocity, 0), so that a wake does not
** meet its own obstacle again [the fringe of Nordstrom, Nordin & Henningson 1999].
**
** Free-slip walls need none of this: vorticity that is odd in y stays odd, and then y = 0 and y = pi are
** such walls. What rounding adds to the even part is removed whenever an advance begins.
*/
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "sim/flow_state.h"

#define SMOOTH \
  2.0 /* delta in grid spacings: the error grows with its square, below 2 the grid shows */
#define NEUTRAL 2.6482   /* delta / sqrt(nu eta) without displacement (computed; tested) */
#define SPONGE_FOLDS 8.0 /* a wave that passes the sponge is weaker by exp(-8) */

/* --- options --------------------------------------------------------------------------------- */

static double spacing_of (const fx_flow_options *o) {
  return TWO_PI / (double)(o->width < o->height ? o->width : o->height);
}

static double penalty_of (const fx_flow_options *o) {
  const double dx = spacing_of(o), depth = SMOOTH * dx / NEUTRAL;
  const double speed = fmax(fabs(o->mean_velocity), o->rms_velocity);
  return o->penalty > 0.0 ? o->penalty : fmin(depth * depth * o->re, dx / speed);
}

static bool has_solid (const fx_flow_options *o) {
  return o->walls == FX_WALLS_CHANNEL || o->walls == FX_WALLS_BOX || o->cylinder_count > 0;
}

void fx_flow_solid_resolve (fx_flow_options *options) {
  if (has_solid(options))
    options->penalty = penalty_of(options);
}

static fx_status check_cylinders (const fx_flow_options *o) {
  for (int64_t i = 0; i < o->cylinder_count; i++) {
    const double *c = o->cylinders + 3 * i;
    if (!isfinite(c[0]) || !isfinite(c[1]) || !(c[2] >= 2.0 * spacing_of(o) && c[2] < TWO_PI / 2.0))
      return fx_fail(FX_EARG,
                     "navier_stokes: cylinder %" PRId64
                     " is at (%g, %g) with radius %g; the radius "
                     "must be between two grid spacings, %g, and half the box",
                     i + 1, c[0], c[1], c[2], 2.0 * spacing_of(o));
  }
  return FX_OK;
}

static fx_status check_walls (const fx_flow_options *o) {
  if ((int)o->walls < 0 || o->walls > FX_WALLS_SLIP)
    return fx_fail(FX_EARG, "navier_stokes: unknown walls %d", (int)o->walls);
  if (o->walls == FX_WALLS_SLIP &&
      (o->forcing != FX_FORCING_NONE || o->cylinder_count > 0 || o->mean_velocity != 0.0))
    return fx_fail(FX_EARG,
                   "navier_stokes: slip walls are a symmetry of the flow, which a forcing, "
                   "cylinders or a mean velocity would break");
  const int solid = o->walls == FX_WALLS_CHANNEL || o->walls == FX_WALLS_BOX;
  if (solid && !(o->wall >= 2.0 * spacing_of(o) && o->wall < TWO_PI / 4.0))
    return fx_fail(
        FX_EARG,
        "navier_stokes: wall, half its thickness, must be between two grid spacings, %g, "
        "and a quarter of the box, got %g",
        2.0 * spacing_of(o), o->wall);
  if (o->walls == FX_WALLS_BOX && o->mean_velocity != 0.0)
    return fx_fail(FX_EARG, "navier_stokes: a closed box has no mean velocity, got %g",
                   o->mean_velocity);
  return FX_OK;
}

fx_status fx_flow_solid_check (const fx_flow_options *o) {
  if (!isfinite(o->mean_velocity))
    return fx_fail(FX_EARG, "navier_stokes: mean_velocity must be finite, got %g",
                   o->mean_velocity);
  FX_TRY(check_walls(o));
  FX_TRY(check_cylinders(o));
  if (!(o->penalty >= 0.0 && o->penalty < HUGE_VAL))
    return fx_fail(FX_EARG, "navier_stokes: penalty must be a time, or 0 to choose it, got %g",
                   o->penalty);
  if (!(o->sponge >= 0.0 && o->sponge < TWO_PI / 2.0) || (o->sponge > 0.0 && !o->mean_velocity))
    return fx_fail(FX_EARG,
                   "navier_stokes: sponge, a width, must be below half the box, and needs a mean "
                   "velocity to bring back; got %g",
                   o->sponge);
  if (has_solid(o) && o->dt > 2.0 * penalty_of(o))
    return fx_fail(FX_EARG,
                   "navier_stokes: dt must be at most twice the penalty time, %g, beside a solid; "
                   "got %g",
                   penalty_of(o), o->dt);
  return FX_OK;
}

/* --- the mask -------------------------------------------------------------------------------- */

/* Displacement of the profile: with r = u'/u, r' = chi / (nu eta) - r^2 from 1/sqrt(nu eta) deep in the
** solid to 1 / (s - l) far out; classical Runge-Kutta over 5 delta on either side. `depth` is
** sqrt(nu eta). */
static double slope_of (double s, double r, double delta, double depth) {
  return 0.5 * (1.0 - tanh(2.0 * s / delta)) / (depth * depth) - r * r;
}

double fx_flow_displacement (double delta, double depth) {
  const int64_t steps = 512 * (8 + (int64_t)(delta / depth));
  const double h = 10.0 * delta / (double)steps;
  double s = -5.0 * delta, r = 1.0 / depth;
  for (int64_t i = 0; i < steps; i++, s += h) {
    const double a = slope_of(s, r, delta, depth);
    const double b = slope_of(s + h / 2.0, r + h / 2.0 * a, delta, depth);
    const double c = slope_of(s + h / 2.0, r + h / 2.0 * b, delta, depth);
    const double d = slope_of(s + h, r + h * c, delta, depth);
    r += h / 6.0 * (a + 2.0 * b + 2.0 * c + d);
  }
  return s - 1.0 / r;
}

/* Shortest way from a to 0 on the circle. */
static double wrapped (double a) { return fabs(a - TWO_PI * nearbyint(a / TWO_PI)); }

/* Distance of a point from the nearest solid, negative inside. */
static double distance_of (const fx_flow_options *o, double x, double y) {
  double nearest = HUGE_VAL;
  if (o->walls == FX_WALLS_CHANNEL || o->walls == FX_WALLS_BOX)
    nearest = wrapped(y) - o->wall;
  if (o->walls == FX_WALLS_BOX)
    nearest = fmin(nearest, wrapped(x) - o->wall);
  for (int64_t i = 0; i < o->cylinder_count; i++) {
    const double *c = o->cylinders + 3 * i;
    nearest = fmin(nearest, hypot(wrapped(x - c[0]), wrapped(y - c[1])) - c[2]);
  }
  return nearest;
}

/* chi at point (x, y) of the grid, of a wall that is moved into the solid by `shift`. */
static double profile (const fx_flow *flow, int64_t x, int64_t y, double shift) {
  const fx_flow_options *o = &flow->options;
  const double s =
      distance_of(o, TWO_PI * (double)x / (double)flow->w, TWO_PI * (double)y / (double)flow->h);
  return 0.5 * (1.0 - tanh(2.0 * (s + shift) / (SMOOTH * spacing_of(o))));
}

/* Where damping has point (x, y): damping[y / L][x][y % L]. */
static int64_t damping_place (const fx_flow *flow, int64_t x, int64_t y) {
  return (y / flow->lanes * flow->w + x) * flow->lanes + y % flow->lanes;
}

/* damping = chi / eta; rows that are no rows keep 0. */
static void fill_damping (fx_flow *flow) {
  const double delta = SMOOTH * spacing_of(&flow->options);
  const double shift = fx_flow_displacement(delta, sqrt(flow->nu * flow->penalty));
  for (int64_t y = 0; y < flow->h; y++)
    for (int64_t x = 0; x < flow->w; x++)
      fx_flow_put(flow, flow->damping, damping_place(flow, x, y),
                  profile(flow, x, y, shift) / flow->penalty);
}

/* sponge[x]: a bump of sin^2 whose integral over the passage is SPONGE_FOLDS. */
static void fill_sponge (fx_flow *flow) {
  const double width = flow->options.sponge;
  const double top = 2.0 * SPONGE_FOLDS * fabs(flow->options.mean_velocity) / width;
  for (int64_t x = 0; x < flow->w; x++) {
    const double from = TWO_PI * (double)x / (double)flow->w - (TWO_PI - width);
    const double bump = from > 0.0 ? sin(TWO_PI / 2.0 * from / width) : 0.0;
    flow->sponge[x] = top * bump * bump;
  }
  flow->penalty_step = fmin(flow->penalty_step, 1.0 / top);
}

/* The options hold a copy of the caller's numbers. */
static fx_status own_cylinders (fx_flow *flow) {
  const size_t bytes = (size_t)flow->options.cylinder_count * 3 * sizeof(double);
  flow->cylinders = bytes ? fx_calloc(1, bytes) : NULL;
  if (bytes && !flow->cylinders)
    return FX_ENOMEM;
  if (bytes)
    memcpy(flow->cylinders, flow->options.cylinders, bytes);
  flow->options.cylinders = flow->cylinders;
  return FX_OK;
}

fx_status fx_flow_solid_new (fx_flow *flow) {
  const fx_flow_options *o = &flow->options;
  flow->penalty_step = HUGE_VAL;
  if (!has_solid(o) && o->sponge == 0.0)
    return FX_OK;
  FX_TRY(own_cylinders(flow));
  FX_TRY(fx_flow_new_reals(flow, flow->row_items * flow->w * flow->lanes, &flow->damping));
  flow->sponge = fx_calloc((size_t)flow->w, sizeof(double));
  if (!flow->sponge)
    return FX_ENOMEM;
  if (has_solid(o)) {
    flow->penalty = flow->penalty_step = o->penalty;
    fill_damping(flow);
  }
  if (o->sponge > 0.0)
    fill_sponge(flow);
  return FX_OK;
}

/* --- what it says ---------------------------------------------------------------------------- */

double fx_flow_damping (const fx_flow *flow, int64_t i) {
  return fx_flow_get(flow, flow->damping, damping_place(flow, i % flow->w, i / flow->w));
}

fx_status fx_flow_solid (const fx_flow *flow, fx_tensor **out) {
  const int64_t shape[] = { 1, flow->h, flow->w, 1 };
  FX_TRY(fx_tensor_new_zeros(FX_F64, 4, shape, out));
  for (int64_t i = 0; flow->penalty > 0.0 && i < flow->h * flow->w; i++)
    fx_f64(*out)[i] = profile(flow, i % flow->w, i / flow->w, 0.0);
  return FX_OK;
}

void fx_flow_solid_push (const fx_flow *flow, const double *velocity, int axis, double *out) {
  for (int64_t i = 0; i < flow->h * flow->w; i++) {
    const double sponge = flow->sponge[i % flow->w];
    const double target = axis == 0 ? sponge * flow->options.mean_velocity : 0.0;
    out[i] = target - (fx_flow_damping(flow, i) + sponge) * velocity[2 * i + axis];
  }
}

fx_status fx_flow_force (fx_flow *flow, double force[2]) {
  fx_tensor *velocity = NULL;
  force[0] = force[1] = 0.0;
  if (flow->penalty == 0.0)
    return FX_OK;
  FX_TRY(fx_flow_velocity(flow, &velocity));
  const double area = TWO_PI * TWO_PI / ((double)flow->h * (double)flow->w);
  for (int64_t i = 0; i < flow->h * flow->w; i++) {
    const double rate = fx_flow_damping(flow, i) * area;
    force[0] += rate * fx_f64(velocity)[2 * i];
    force[1] += rate * fx_f64(velocity)[2 * i + 1];
  }
  fx_tensor_release(velocity);
  return FX_OK;
}

/* --- free-slip walls ------------------------------------------------------------------------- */

void fx_flow_make_odd (fx_flow *flow) {
  for (int64_t kx = 0; kx < flow->modes; kx++) {
    for (int64_t y = 0; y <= flow->top; y++) {
      const int64_t mirror = y ? flow->h - y : 0;
      const fx_flow_mode plus = fx_flow_get_mode(flow, flow->state, kx, y);
      const fx_flow_mode minus = fx_flow_get_mode(flow, flow->state, kx, mirror);
      const fx_flow_mode odd = { 0.5 * (plus.re - minus.re), 0.5 * (plus.im - minus.im) };
      fx_flow_put_mode(flow, flow->state, kx, y, odd);
      fx_flow_put_mode(flow, flow->state, kx, mirror, (fx_flow_mode){ -odd.re, -odd.im });
    }
  }
}
