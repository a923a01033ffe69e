/* flow_fields.h - flows and fields for the tests of the solver. */
#ifndef FX_FLOW_FIELDS_H
#define FX_FLOW_FIELDS_H

#include <math.h>

#include "check.h"
#include "sim/navier_stokes.h"

#define TWO_PI 6.28318530717958647692

typedef double (*field_formula)(double x, double y);

/* Vorticity that decays as exp(-2 nu t) and keeps its shape [Taylor & Green 1937]. */
static inline double taylor_green (double x, double y) { return 2.0 * cos(x) * cos(y); }

static inline fx_tensor *field_from (int64_t h, int64_t w, field_formula formula) {
  const int64_t shape[] = { 1, h, w, 1 };
  fx_tensor *t = NULL;
  CHECK_STATUS(fx_tensor_new(FX_F64, 4, shape, &t));
  for (int64_t i = 0; i < h * w; i++)
    fx_f64(t)[i] =
        formula(TWO_PI * (double)(i % w) / (double)w, TWO_PI * (double)(i / w) / (double)h);
  return t;
}

static inline fx_flow_options options_of (int64_t h, int64_t w, double re) {
  fx_flow_options o;
  fx_flow_defaults(&o);
  o.height = h;
  o.width = w;
  o.re = re;
  o.k0 = 3.0;
  return o;
}

static inline fx_flow *flow_of (const fx_flow_options *options) {
  fx_flow *flow = NULL;
  CHECK_STATUS(fx_flow_new(options, &flow));
  return flow;
}

/* A flow at rest whose vorticity is then set by formula. */
static inline fx_flow *flow_from (fx_flow_options options, field_formula formula) {
  options.initial = FX_INITIAL_REST;
  fx_flow *flow = flow_of(&options);
  fx_tensor *w = field_from(options.height, options.width, formula);
  CHECK_STATUS(fx_flow_set_vorticity(flow, w, 0.0));
  fx_tensor_release(w);
  return flow;
}

static inline fx_tensor *vorticity_of (fx_flow *flow) {
  fx_tensor *t = NULL;
  CHECK_STATUS(fx_flow_vorticity(flow, &t));
  return t;
}

/* Largest |a - b| of two f64 tensors of one shape. */
static inline double distance (const fx_tensor *a, const fx_tensor *b) {
  double worst = 0.0;
  for (int64_t i = 0; i < fx_tensor_count(a); i++)
    worst = fmax(worst, fabs(fx_f64(a)[i] - fx_f64(b)[i]));
  return worst;
}

static inline double mixture (double x, double y) {
  return sin(x) * cos(2 * y) + 0.5 * cos(3 * x - y) + 0.8 * sin(2 * x + 3 * y);
}

#endif
