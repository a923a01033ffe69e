/*
** flow_initial.c - the random initial field.
**
** |u_k|^2 = c e(|k|), e(k) = E(k) / k, E(k) = k^4 exp(-2 (k/k0)^2): a ring of radius k has about
** 2 pi k modes, so its energy follows E. c is fixed by summing e over the whole integer lattice (to
** radius 4 k0 + 8, where e has fallen below 1e-12 of its peak), not over the modes of this grid:
** the coefficients then do not depend on the resolution. Amplitudes are deterministic and only
** phases are random, so that every seed starts with the same spectrum and the same energy.
*/
#include <math.h>

#include "base/rng.h"
#include "sim/flow_state.h"

static double mode_energy (double k_squared, double k0) {
  return k_squared * sqrt(k_squared) * exp(-2.0 * k_squared / (k0 * k0));
}

/* Sum of e over the lattice without the origin: twice the half plane. */
static double lattice_sum (double k0) {
  const int64_t radius = (int64_t)(4.0 * k0) + 8;
  double sum = 0.0;
  for (int64_t kx = 0; kx <= radius; kx++) {
    for (int64_t ky = kx ? -radius : 1; ky <= radius; ky++) {
      const int64_t k_squared = kx * kx + ky * ky;
      if (k_squared <= radius * radius)
        sum += 2.0 * mode_energy((double)k_squared, k0);
    }
  }
  return sum;
}

/* Phase of the mode in turns, [0,1). The index packs the wave vector: FX_FFT_MAX_LENGTH / 3 is less
** than 2^15, so kx takes 15 bits and ky + 2^15 takes 16. */
static double phase_of (uint64_t seed, int64_t kx, int64_t ky) {
  const fx_rng key = { .seed = seed, .stream = FX_STREAM_DATA };
  const uint64_t index = (uint64_t)kx << 16 | (uint64_t)(ky + 32768);
  return (double)fx_rng_u32(key, 4 * index) * 0x1p-32;
}

void fx_flow_random (fx_flow *flow) {
  const fx_flow_options *o = &flow->options;
  const double c = o->rms_velocity * o->rms_velocity / lattice_sum(o->k0);
  for (int64_t kx = 0; kx < flow->modes; kx++) {
    for (int64_t ky = kx ? -flow->top : 1; ky <= flow->top; ky++) {
      const double k_squared = (double)(kx * kx + ky * ky);
      const double size = sqrt(k_squared * c * mode_energy(k_squared, o->k0));
      const double angle = TWO_PI * phase_of(o->seed, kx, ky);
      const fx_flow_mode mode = { size * cos(angle), size * sin(angle) };
      fx_flow_put_mode(flow, flow->state, kx, ky < 0 ? ky + flow->h : ky, mode);
      if (kx == 0) /* a real field: W(0,-ky) is the conjugate of W(0,ky) */
        fx_flow_put_mode(flow, flow->state, 0, flow->h - ky, (fx_flow_mode){ mode.re, -mode.im });
    }
  }
}
