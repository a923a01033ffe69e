/*
** flow_forcing.c - what drives a flow: a list of Fourier modes and the rate at which each is pushed.
**
** Both forcings are such a list, so the time loop knows no kinds. Kolmogorov's is two modes that never
** change. The stochastic ring gives every mode near |k| = k_f a new random phase in each step, keyed by
** (seed, step): nothing is remembered between steps, so a run that was killed and restored is pushed as
** one that was not. With a rate constant over the step, f = F exp(i phi), a mode gains on average
** |F|^2 dt / (2 k^2) of energy per time from its own push (the product with what was there before has
** mean zero, because the phase is new). All modes are to give the same share of `forcing_rate`:
**   |F|^2 = 2 k^2 rate / (modes dt)         [white noise in the limit dt -> 0; Alvelius 1999]
** so the rate of injection does not depend on the grid, on dt, or on the flow. Amplitudes are fixed and
** phases random, as in the initial field. A forcing with a memory (an Ornstein-Uhlenbeck process) was
** refused: its state would have to be saved, and its correlation time is one more choice.
*/
#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "sim/flow_state.h"

/* The ring's modes of the half plane kx >= 0; of kx = 0 both halves, which mirror each other. */
static bool in_ring (const fx_flow_options *o, int64_t kx, int64_t ky) {
  const double k = hypot((double)kx, (double)ky);
  return k > 0.0 && fabs(k - (double)o->forcing_wavenumber) <= o->forcing_width;
}

/* Counts the modes of the ring, and lists them where there is a list. *full is their number in the whole
** plane. */
static int64_t list_ring (const fx_flow *flow, fx_flow_push *list, int64_t *full) {
  int64_t count = 0;
  *full = 0;
  for (int64_t kx = 0; kx < flow->modes; kx++) {
    for (int64_t ky = -flow->top; ky <= flow->top; ky++) {
      if (!in_ring(&flow->options, kx, ky))
        continue;
      if (list)
        list[count] = (fx_flow_push){ .kx = kx, .ky = ky };
      count++;
      *full += kx ? 2 : 1;
    }
  }
  return count;
}

/* f = A sin(n y): curl f = -n A cos(n y), so -n A / 2 at (0, n) and (0, -n). */
static void list_kolmogorov (fx_flow *flow) {
  const int64_t n = flow->options.forcing_wavenumber;
  const double rate = -0.5 * (double)n * flow->options.forcing_amplitude;
  flow->forces[0] = (fx_flow_push){ .ky = n, .re = rate };
  flow->forces[1] = (fx_flow_push){ .ky = -n, .re = rate };
}

fx_status fx_flow_forcing_new (fx_flow *flow) {
  const fx_flow_forcing kind = flow->options.forcing;
  if (kind == FX_FORCING_NONE)
    return FX_OK;
  flow->force_count =
      kind == FX_FORCING_RING ? list_ring(flow, NULL, &flow->ring_modes) : (int64_t)2;
  flow->forces = fx_calloc((size_t)flow->force_count, sizeof *flow->forces);
  if (!flow->forces)
    return FX_ENOMEM;
  if (kind == FX_FORCING_RING)
    list_ring(flow, flow->forces, &flow->ring_modes);
  else
    list_kolmogorov(flow);
  return FX_OK;
}

/* Phase in turns, [0,1). Step 0 is the initial field's (flow_initial.c), the first step is 1. */
static double phase_of (const fx_flow *flow, int64_t kx, int64_t ky) {
  const fx_rng key = { .seed = flow->options.seed,
                       .stream = FX_STREAM_DATA,
                       .step = (uint32_t)(flow->steps + 1) };
  const uint64_t index = (uint64_t)kx << 16 | (uint64_t)(ky + 32768);
  return (double)fx_rng_u32(key, 4 * index) * 0x1p-32;
}

void fx_flow_forcing_draw (fx_flow *flow) {
  if (flow->options.forcing != FX_FORCING_RING)
    return;
  const double share = 2.0 * flow->options.forcing_rate / ((double)flow->ring_modes * flow->dt);
  for (int64_t i = 0; i < flow->force_count; i++) {
    fx_flow_push *f = &flow->forces[i];
    const int mirrored = f->kx == 0 && f->ky < 0; /* the conjugate of the mode (0, -ky) */
    const double angle = TWO_PI * phase_of(flow, f->kx, mirrored ? -f->ky : f->ky);
    const double size = sqrt(share * (double)(f->kx * f->kx + f->ky * f->ky));
    f->re = size * cos(angle);
    f->im = size * (mirrored ? -sin(angle) : sin(angle));
  }
}

/* From rest the ring gives sqrt(2 rate dt) of velocity in a step, and Kolmogorov's force A dt; a step
** may not carry that further than the CFL rule allows. */
double fx_flow_forcing_step (const fx_flow *flow, double peak) {
  const fx_flow_options *o = &flow->options;
  const double per_length = (double)flow->w / TWO_PI;
  const double ring = o->forcing == FX_FORCING_RING ? o->forcing_rate : 0.0;
  const double force = o->forcing == FX_FORCING_KOLMOGOROV ? fabs(o->forcing_amplitude) : 0.0;
  const double gain = force * per_length;
  const double dt = 2.0 * o->cfl / (peak + sqrt(peak * peak + 4.0 * gain * o->cfl));
  return ring > 0.0 ? fmin(dt, cbrt(o->cfl * o->cfl / (per_length * per_length * 2.0 * ring))) : dt;
}

void fx_flow_forcing_report (const fx_flow *flow, fx_flow_report *out) {
  for (int64_t i = 0; i < flow->force_count; i++) {
    const fx_flow_push *f = &flow->forces[i];
    const double k_squared = (double)(f->kx * f->kx + f->ky * f->ky), twice = f->kx ? 2.0 : 1.0;
    double gain; /* of enstrophy */
    if (flow->options.forcing == FX_FORCING_RING) {
      gain = twice * k_squared * flow->options.forcing_rate / (double)flow->ring_modes;
    } else {
      const fx_flow_mode w =
          fx_flow_get_mode(flow, flow->state, f->kx, f->ky < 0 ? f->ky + flow->h : f->ky);
      gain = twice * (f->re * w.re + f->im * w.im);
    }
    out->injection += gain / k_squared;
    out->enstrophy_injection += gain;
  }
}
