/*
** flow_pressure.c - the pressure of a flow, from its velocities at one moment.
**
** The divergence of  du/dt + u . grad u = -grad p + f  with div u = 0 and a force without divergence is
**   laplace p = -d_i d_j (u_i u_j),    p_k = -(kx^2 (u u)_k + 2 kx ky (u v)_k + ky^2 (v v)_k) / k^2
** (density 1, mean 0). Solids and sponge push with a force F that has a divergence: lap p gains div F, and p_k
** gains -i (kx F_x + ky F_y)_k / k^2. The mean pressure gradient that keeps the mean velocity is no part of it.
** Products are formed on the grid of the solver and cut to its modes, as in the time step. Made a few times a run, so
** it plans its transforms anew and keeps nothing.
*/
#include "base/alloc.h"
#include "sim/fft.h"
#include "sim/flow_state.h"

enum { UU, UV, VV, PRODUCTS, FORCE_X = PRODUCTS, FORCE_Y, FIELDS };

typedef struct {
  fx_fft2 *plan;
  double *field;         /* (h,w) */
  double *modes[FIELDS]; /* (h, w/2+1) complex; the forces' are NULL without solids and sponge */
} work;

static fx_status transform_products (const fx_flow *flow, const fx_tensor *velocity, work *k) {
  const double *u = fx_f64(velocity);
  for (int p = 0; p < PRODUCTS; p++) {
    const int a = p == VV, b = p != UU;
    for (int64_t i = 0; i < flow->h * flow->w; i++)
      k->field[i] = u[2 * i + a] * u[2 * i + b];
    FX_TRY(fx_fft2_forward(k->plan, k->field, k->modes[p]));
  }
  for (int p = FORCE_X; flow->damping && p < FIELDS; p++) {
    fx_flow_solid_push(flow, u, p - FORCE_X, k->field);
    FX_TRY(fx_fft2_forward(k->plan, k->field, k->modes[p]));
  }
  return FX_OK;
}

/* Coefficient i (real and imaginary parts alternate) of i (kx F_x + ky F_y). */
static double divergence (const work *k, double kx, double ky, int64_t i) {
  const int64_t other = i ^ 1;
  const double sign = i % 2 ? 1.0 : -1.0;
  return sign * (kx * k->modes[FORCE_X][other] + ky * k->modes[FORCE_Y][other]);
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
      for (int64_t i = 2 * (y * row + x); i < 2 * (y * row + x) + 2; i++) {
        double source =
            kx * kx * k->modes[UU][i] + 2.0 * kx * ky * k->modes[UV][i] + ky * ky * k->modes[VV][i];
        if (flow->damping)
          source += divergence(k, kx, ky, i);
        k->modes[UU][i] = kept ? -source / k_squared : 0.0;
      }
    }
  }
}

static fx_status open_work (const fx_flow *flow, work *k) {
  const size_t modes = (size_t)(flow->h * (flow->w / 2 + 1) * 2);
  k->field = fx_calloc((size_t)(flow->h * flow->w), sizeof(double));
  if (!k->field)
    return FX_ENOMEM;
  for (int p = 0; p < (flow->damping ? FIELDS : PRODUCTS); p++)
    if (!(k->modes[p] = fx_calloc(modes, sizeof(double))))
      return FX_ENOMEM;
  return fx_fft2_new(flow->h, flow->w, &k->plan);
}

fx_status fx_flow_pressure (fx_flow *flow, fx_tensor **out) {
  const int64_t shape[] = { 1, flow->h, flow->w, 1 };
  fx_tensor *velocity = NULL, *pressure = NULL;
  fx_status st;
  work k = { 0 };
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
  for (int p = 0; p < FIELDS; p++)
    fx_free(k.modes[p]);
  fx_tensor_release(velocity);
  fx_tensor_release(pressure);
  return st;
}
