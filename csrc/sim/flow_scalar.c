/*
** flow_scalar.c - a passive scalar: what of the options concerns it, its arrays, fields in and out.
**
** dc/dt + div(u c) = kappa lap c, kappa = nu / schmidt, in every stage of the step beside the vorticity
** (lanes/columns.c): one transform back and two forth, which two real fields share, so a flow with a
** scalar costs about twice as much. Diffusion is exact, as viscosity is; the mean has no term at all and is
** kept to the bit.
**
** Solids stop the fluid, not the scalar: it diffuses through them as through the fluid, and a sponge does
** not take it away. Between slip walls a scalar that is odd in y, as the vorticity is, stays so, and is 0 at
** the walls; one that is even stays even, and nothing passes them.
*/
#include <math.h>

#include "base/alloc.h"
#include "sim/flow_state.h"

fx_status fx_flow_scalar_check (const fx_flow_options *o) {
  if (o->scalar && !(o->schmidt > 0.0 && o->schmidt < HUGE_VAL))
    return fx_fail(FX_EARG, "navier_stokes: schmidt must be positive and finite, got %g",
                   o->schmidt);
  return FX_OK;
}

fx_status fx_flow_scalar_new (fx_flow *flow) {
  if (!flow->options.scalar)
    return FX_OK;
  flow->diffusivity = flow->nu / flow->options.schmidt;
  FX_TRY(fx_flow_new_reals(flow, fx_flow_numbers(flow), &flow->scalar));
  FX_TRY(fx_flow_new_reals(flow, fx_flow_numbers(flow), &flow->scalar_sum));
  FX_TRY(fx_flow_new_reals(flow, flow->padded, &flow->fade_x));
  flow->fade_y = fx_calloc((size_t)flow->h, sizeof(double));
  return flow->fade_y ? FX_OK : FX_ENOMEM;
}

void fx_flow_scalar_decay (fx_flow *flow, double half) {
  for (int64_t k = 0; k < flow->padded; k++)
    fx_flow_put(flow, flow->fade_x, k,
                fx_flow_decay(flow, flow->diffusivity * (double)k * (double)k * half));
  for (int64_t y = 0; y < flow->h; y++)
    flow->fade_y[y] = fx_flow_decay(flow, flow->diffusivity * flow->ky[y] * flow->ky[y] * half);
}

static fx_status without (void) {
  return fx_fail(FX_EARG,
                 "navier_stokes: this flow carries no scalar; ask for it with scalar = true");
}

static fx_status accept_scalar (const double *c, int64_t count) {
  double sum = 0.0;
  for (int64_t i = 0; i < count; i++)
    sum += fabs(c[i]);
  return isfinite(sum) ? FX_OK
                       : fx_fail(FX_EARG, "navier_stokes: scalar has values that are not finite");
}

fx_status fx_flow_set_scalar (fx_flow *flow, const fx_tensor *scalar) {
  return flow->scalar ? fx_flow_load(flow, "scalar", scalar, COLUMNS_LOAD_SCALAR, accept_scalar)
                      : without();
}

fx_status fx_flow_scalar (fx_flow *flow, fx_tensor **out) {
  return flow->scalar ? fx_flow_field(flow, COLUMNS_SCALAR, 1, out) : without();
}
