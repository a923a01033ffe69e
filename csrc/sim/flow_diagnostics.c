/*
** flow_diagnostics.c - budgets and spectra from the Fourier coefficients. Sums run in one fixed
** order in one thread: they are made a few times a run. kx > 0 stands for its mirror image too and
** counts twice.
*/
#include <math.h>

#include "sim/flow_state.h"

typedef void (*mode_visitor)(void *context, double k_squared, double squared);

/* Calls visit for every kept mode but the mean of a stored field (state or scalar), with its square times the
** modes it stands for. */
static void visit_modes (const fx_flow *flow, const fx_reals *field, mode_visitor visit,
                         void *context) {
  for (int64_t kx = 0; kx < flow->modes; kx++) {
    for (int64_t ky = -flow->top; ky <= flow->top; ky++) {
      if (kx == 0 && ky == 0)
        continue;
      const fx_flow_mode mode = fx_flow_get_mode(flow, field, kx, ky < 0 ? ky + flow->h : ky);
      const double size = mode.re * mode.re + mode.im * mode.im;
      visit(context, (double)(kx * kx + ky * ky), kx ? 2.0 * size : size);
    }
  }
}

static void add_quadratic (void *context, double k_squared, double w_squared) {
  fx_flow_report *r = context;
  r->energy += 0.5 * w_squared / k_squared;
  r->enstrophy += 0.5 * w_squared;
  r->palinstrophy += 0.5 * w_squared * k_squared;
}

typedef struct {
  double diffusivity;
  fx_flow_report *report;
} scalar_budget;

static void add_scalar (void *context, double k_squared, double c_squared) {
  const scalar_budget *b = context;
  b->report->scalar_variance += c_squared;
  b->report->scalar_dissipation += 2.0 * b->diffusivity * k_squared * c_squared;
}

static void report_scalar (const fx_flow *flow, fx_flow_report *out) {
  scalar_budget budget = { flow->diffusivity, out };
  out->scalar_mean = fx_flow_get(flow, flow->scalar, 0);
  visit_modes(flow, flow->scalar, add_scalar, &budget);
}

void fx_flow_diagnostics (const fx_flow *flow, fx_flow_report *out) {
  *out = (fx_flow_report){ .time = flow->time, .steps = flow->steps, .dt = flow->dt };
  visit_modes(flow, flow->state, add_quadratic, out);
  const double nu = flow->nu, drag = flow->drag;
  out->dissipation = 2.0 * nu * out->enstrophy + 2.0 * drag * out->energy;
  out->enstrophy_dissipation = 2.0 * nu * out->palinstrophy + 2.0 * drag * out->enstrophy;
  fx_flow_forcing_report(flow, out);
  if (flow->scalar)
    report_scalar(flow, out);
  const double kmax = (double)(flow->top < flow->modes - 1 ? flow->top : flow->modes - 1);
  out->kmax_eta = kmax * pow(nu * nu / (2.0 * out->palinstrophy), 1.0 / 6.0);
}

static void add_to_shell (void *context, double k_squared, double w_squared) {
  fx_f64(context)[(int64_t)(sqrt(k_squared) + 0.5)] += 0.5 * w_squared / k_squared;
}

fx_status fx_flow_energy_spectrum (const fx_flow *flow, fx_tensor **out) {
  const double corner = hypot((double)flow->top, (double)(flow->modes - 1));
  const int64_t bins = (int64_t)(corner + 0.5) + 1;
  FX_TRY(fx_tensor_new_zeros(FX_F64, 1, &bins, out));
  visit_modes(flow, flow->state, add_to_shell, *out);
  return FX_OK;
}
