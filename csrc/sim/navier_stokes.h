/*
** navier_stokes.h - two-dimensional incompressible flow on the doubly periodic square [0, 2 pi]^2,
** the source of the turbulence data.
**
**   dw/dt + u . grad w = nu lap w - drag w + curl f,   w = dv/dx - du/dy,   div u = 0
**   dc/dt + u . grad c = nu / schmidt lap c                                  (a passive scalar, if asked for)
**
** Lengths are in units of (box length / 2 pi), velocities in units of the initial r.m.s. velocity
** unless `rms_velocity` says otherwise, times in the ratio of the two; Re is dimensionless and
** nu = 1 / Re. Fields are tensors (1,H,W,C): row i is y = 2 pi i / H, column j is x = 2 pi j / W.
**
** A pseudo-spectral solver: quadratic terms are exact (2/3 rule), time is fourth-order Runge-Kutta
** with an exact integrating factor for viscosity and drag [Canuto, Hussaini, Quarteroni & Zang
** 1988]. The nonlinear term is Basdevant's [1983, J. Comput. Phys. 50], four transforms instead of
** five:   -u . grad w = -d2(v^2 - u^2)/dxdy - (d2/dx2 - d2/dy2)(u v).
**
** Steps are computed in double or in single precision; time, random numbers, walls, sums over the field and what
** goes in and out are double in both (arithmetic.h). Both begin with the same field, rounded.
**
** Results have the same bits for every number of threads. A flow belongs to one caller at a time.
*/
#ifndef FX_NAVIER_STOKES_H
#define FX_NAVIER_STOKES_H

#include <stdint.h>

#include "base/option.h"
#include "base/status.h"
#include "tensor/tensor.h"

typedef enum {
  FX_INITIAL_RANDOM = 0, /* random phases, prescribed energy spectrum */
  FX_INITIAL_REST        /* u = 0; also the start for fx_flow_set_vorticity */
} fx_flow_initial;

typedef enum {
  FX_FORCING_NONE = 0,
  FX_FORCING_KOLMOGOROV, /* f = amplitude sin(n y) in x: curl f = -n amplitude cos(n y) */
  FX_FORCING_RING        /* modes with | |k| - n | <= width, new random phases every step, keyed by
                         ** (seed, step); on average they give `rate` of energy per time */
} fx_flow_forcing;

typedef enum {
  FX_WALLS_NONE = 0,
  FX_WALLS_CHANNEL, /* no-slip at y = wall and 2 pi - wall; solid beyond, across the box's edge */
  FX_WALLS_BOX,     /* the same in x too: a closed box                                   */
  FX_WALLS_SLIP /* free-slip at y = 0 and pi: vorticity is odd in y, the rest its mirror image */
} fx_flow_walls;

typedef const double *fx_numbers;

/* What flow_options.def lists. */
typedef struct {
#define FIELD(kind, type, name, value, least, most, words, since, setting, doc) type name;
#include "sim/flow_options.def"
  int64_t cylinder_count; /* triples in cylinders, which fx_flow_new reads */
} fx_flow_options;

/* The list as rows, ended by one without a name. */
extern const fx_option fx_flow_option_list[];

void fx_flow_defaults(fx_flow_options *out);

/* Puts what a flow would take in the place of what the options leave to it: drag, and beside solids penalty. Errors:
** FX_EARG for an option out of range. */
fx_status fx_flow_resolve(fx_flow_options *options);

typedef struct fx_flow fx_flow;

/*
** New flow at time 0; options are copied. The caller owns it and frees it with fx_flow_free.
**
** The random field: mode k has |u_k|^2 = c E(k) / k, c such that <u^2 + v^2> = rms_velocity^2 in
** the limit of fine grids, and a phase from Philox keyed by (seed, FX_STREAM_DATA) whose index is
** the wave vector. Grids of any size therefore share the Fourier coefficients of the modes they
** have in common; a grid too coarse for the spectrum loses the energy of the modes it lacks.
**
** Kept modes: 3 |kx| < width and 3 |ky| < height.
** Errors: FX_EARG for an option out of range; FX_ENOMEM.
*/
fx_status fx_flow_new(const fx_flow_options *options, fx_flow **out);
void fx_flow_free(fx_flow *flow); /* NULL is ignored */

/* Replaces the state: vorticity (1,H,W,1) f32 or f64 at `time`; the step count starts again. Modes
** beyond the 2/3 rule are dropped. The mean, which a periodic flow cannot have, is removed if it
** is below 1e-3 of the r.m.s. (rounding) and refused otherwise.
** With fx_flow_vorticity and fx_flow_time this saves and restores a run up to the rounding of one
** transform (about 1e-15 relative, 1e-7 in single precision); fx_flow_state and fx_flow_restore do it bit for bit.
** Errors, after which the flow is as it was: FX_ESHAPE; FX_EARG for a mean, a dtype, or numbers
** that are not finite; FX_ENOMEM. */
fx_status fx_flow_set_vorticity(fx_flow *flow, const fx_tensor *vorticity, double time);

/* Replaces the scalar: (1,H,W,1) f32 or f64, any mean, which is kept. Modes beyond the 2/3 rule are
** dropped. Time and vorticity stay. Errors, after which the flow is as it was: FX_EARG without a scalar, for
** a dtype, or numbers that are not finite; FX_ESHAPE; FX_ENOMEM. */
fx_status fx_flow_set_scalar(fx_flow *flow, const fx_tensor *scalar);

/* New tensor of the flow's precision that with the time and the number of steps is all that a flow remembers: its Fourier
** coefficients in the order of flow_state.h, those of the scalar behind those of the vorticity. The caller
** owns it. Errors: FX_ENOMEM. */
fx_status fx_flow_state(const fx_flow *flow, fx_tensor **out);

/* Continues from what fx_flow_state gave of a flow with the same options: what follows has the same
** bits. Errors, after which the flow is as it was: FX_ESHAPE for a state of another grid or precision; FX_EARG for
** numbers that are not finite. */
fx_status fx_flow_restore(fx_flow *flow, const fx_tensor *state, double time, int64_t steps);

/* New tensor (1,H,W,1) f64: how solid a point is, 1 inside to 0 outside, 1/2 where the wall was drawn, smooth
** over two grid spacings. (What slows the fluid is the same profile, moved so that the fluid stops where the wall was
** drawn: flow_solid.c.) The caller owns it. Errors: FX_ENOMEM. */
fx_status fx_flow_solid(const fx_flow *flow, fx_tensor **out);

/* The force of the fluid on all solids (not the sponge) over the density and per unit length of the third
** dimension, velocity squared times length: (drag, lift). It includes what the mean pressure gradient does
** to them. Errors: FX_ENOMEM. */
fx_status fx_flow_force(fx_flow *flow, double force[2]);

/*
** Advances to `until`, landing on it exactly: before every step the rest of the way is divided
** into equal steps no longer than the CFL rule (or options.dt) allows, so there is no tiny last
** one. until == time does nothing. Allocates nothing unless the number of threads has grown.
** Errors: FX_EARG if until lies in the past or the solution stops being finite (the flow is then
** lost); FX_EINTR when fx_interrupted() (the flow is at the end of a whole step and may go on).
*/
fx_status fx_flow_advance(fx_flow *flow, double until);

double fx_flow_time(const fx_flow *flow);
const fx_flow_options *fx_flow_settings(const fx_flow *flow); /* resolved */

/* New tensors, f64: w (1,H,W,1); (u, v) (1,H,W,2). The caller owns them. Errors: FX_ENOMEM. */
fx_status fx_flow_vorticity(fx_flow *flow, fx_tensor **out);
fx_status fx_flow_velocity(fx_flow *flow, fx_tensor **out);

/* New tensor (1,H,W,1) f64: the scalar. The caller owns it. Errors: FX_EARG without one; FX_ENOMEM. */
fx_status fx_flow_scalar(fx_flow *flow, fx_tensor **out);

/* New tensor (1,H,W,1) f64: the pressure over the density, velocity squared, of mean 0; without the mean
** gradient that keeps the mean velocity. The caller owns it. Errors: FX_ENOMEM. */
fx_status fx_flow_pressure(fx_flow *flow, fx_tensor **out);

/* Means over the square, without the mean velocity; from the Fourier coefficients, so exact for the
** discrete field. Budgets do not count what solids and sponge take. */
typedef struct {
  double time;
  int64_t steps;                /* since the start or fx_flow_set_vorticity              */
  double dt;                    /* the last one taken; 0 before the first                */
  double energy;                /* E = <u^2 + v^2> / 2                                   */
  double enstrophy;             /* Z = <w^2> / 2                                         */
  double palinstrophy;          /* P = <|grad w|^2> / 2                                  */
  double dissipation;           /* 2 nu Z + 2 drag E, rate of loss of E                  */
  double injection;             /* <f . u>, rate of gain of E: dE/dt = injection - dissipation;
                                ** of the ring forcing its expectation, as below            */
  double enstrophy_dissipation; /* 2 nu P + 2 drag Z                                 */
  double enstrophy_injection;   /* <w curl f>                                        */
  double kmax_eta;              /* kmax eta, eta = (nu^3 / (2 nu P))^(1/6) [Boffetta & Ecke 2012]:
                              ** resolved when above about 1; infinity at rest           */
  double scalar_mean;           /* <c>; these three are 0 without a scalar                 */
  double scalar_variance;       /* <c^2> - <c>^2                                           */
  double scalar_dissipation;    /* 2 nu / schmidt <|grad c|^2>, rate of loss of variance   */
} fx_flow_report;
void fx_flow_diagnostics(const fx_flow *flow, fx_flow_report *out);

/* New tensor (bins) f64: energy in the shells k - 1/2 <= |k| < k + 1/2, k = 0, 1, ..; its sum is
** the energy. The last bin holds the corner of the kept rectangle. The caller owns it. */
fx_status fx_flow_energy_spectrum(const fx_flow *flow, fx_tensor **out);

#endif
