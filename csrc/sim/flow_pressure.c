/*
** flow_pressure.c - the pressure of a flow, from its velocities at one moment.
**
** The divergence of  du/dt + u . grad u = -grad p + f  with div u = 0 and a force without divergence is
**   laplace p = -d_i d_j (u_i u_j),    p_k = -(kx^2 (u u)_k + 2 kx ky (u v)_k + ky^2 (v v)_k) / k^2
** (density 1, mean 0). Products are formed on the grid of the solver and cut to its modes, as in the time
** step. Made a few times a run, so it plans its transforms anew and keeps nothing.
*/
#include "base/alloc.h"
#include "sim/fft.h"
#include "sim/flow_state.h"

enum { UU, UV, VV, PRODUCTS };

typedef struct {
  fx_fft2 *plan;
  double *field;           /* (h,w) */
  double *modes[PRODUCTS]; /* (h, w/2+1) complex */
} work;

static fx_status transform_products (const fx_flow *flow, const fx_tensor *velocity, work *k) {
  const double *u = fx_f64(velocity);
  for (int p = 0; p < PRODUCTS; p++) {
    const int a = p == VV, b = p != UU;
    for (int64_t i = 0; i < flow->h * flow->w; i++)
      k->field[i] = u[2 * i + a] * u[2 * i + b];
    FX_TRY(fx_fft2_forward(k->plan, k->field, k->modes[p]));
  }
  return FX_OK;
}

/* Writes p_k over the coefficients of u u. */
static void solve (const fx_flow *flow, work *k) {
  const int64_t row = flow->w / 2 + 1;
  for (int64_t y = 0; y < flow->h; y++) {
    const double ky = flow->ky[y];
    const int kept_row = y <= flow->top || y >= flow->h - flow->top;
    for (int64_t x = 0; x < row; x++) {
      const double kx = (double)x, k_squared = kx * kx + ky * ky;
      const int kept = kept_row && x < flow->modes && k_squared > 0.0;
      for (int64_t i = 2 * (y * row + x); i < 2 * (y * row + x) + 2; i++)
        k->modes[UU][i] = kept ? -(kx * kx * k->modes[UU][i] + 2.0 * kx * ky * k->modes[UV][i] +
                                   ky * ky * k->modes[VV][i]) /
                                     k_squared
                               : 0.0;
    }
  }
}

static fx_status open_work (const fx_flow *flow, work *k) {
  const size_t modes = (size_t)(flow->h * (flow->w / 2 + 1) * 2);
  k->field = fx_calloc((size_t)(flow->h * flow->w), sizeof(double));
  if (!k->field)
    return FX_ENOMEM;
  for (int p = 0; p < PRODUCTS; p++)
    if (!(k->modes[p] = fx_calloc(modes, sizeof(double))))
      return FX_ENOMEM;
  return fx_fft2_new(flow->h, flow->w, &k->plan);
}

fx_status fx_flow_pressure (fx_flow *flow, fx_tensor **out) {
  const int64_t shape[] = { 1, flow->h, flow->w, 1 };
  fx_tensor *velocity = NULL, *pressure = NULL;
  fx_status st;
  work k = { 0 };
  if (flow->damping)
    return fx_fail(FX_EUNSUPPORTED, "navier_stokes: the pressure beside solids or a sponge is not "
                                    "known here: their force has a divergence");
  FX_GOTO(open_work(flow, &k));
  FX_GOTO(fx_flow_velocity(flow, &velocity));
  FX_GOTO(fx_tensor_new(FX_F64, 4, shape, &pressure));
  FX_GOTO(transform_products(flow, velocity, &k));
  solve(flow, &k);
  FX_GOTO(fx_fft2_inverse(k.plan, k.modes[UU], fx_f64(pressure)));
  *out = pressure;
  pressure = NULL;
done:
  fx_fft2_free(k.plan);
  fx_free(k.field);
  for (int p = 0; p < PRODUCTS; p++)
    fx_free(k.modes[p]);
  fx_tensor_release(velocity);
  fx_tensor_release(pressure);
  return st;
}
