/*
** flow_field.c - the arrays of a flow, the two loops over them, and fields in and out. Below all that a flow is made
** of (solids, scalar, forcing, time), which use these and which the time loop uses in turn.
*/
#include <inttypes.h>
#include <math.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "sim/flow_state.h"

/* --- arrays ---------------------------------------------------------------------------------- */

fx_status fx_flow_scratch (fx_flow *flow) {
  const int workers = fx_threads();
  if (flow->scratch && flow->workers >= workers)
    return FX_OK;
  fx_reals *scratch = NULL;
  FX_TRY(fx_flow_new_reals(flow, workers * flow->blocks * flow->block * 2 * flow->lanes, &scratch));
  fx_free(flow->scratch);
  flow->scratch = scratch;
  flow->workers = workers;
  return FX_OK;
}

fx_status fx_flow_new_reals (const fx_flow *flow, int64_t count, fx_reals **out) {
  *out = fx_calloc((size_t)count, fx_dtype_size(flow->options.precision));
  return *out ? FX_OK : FX_ENOMEM;
}

/* --- the two loops --------------------------------------------------------------------------- */

void fx_flow_run_columns (fx_flow *flow, fx_flow_columns what) {
  fx_flow_job job = { .flow = flow, .columns = what };
  fx_parallel(flow->column_items, flow->arithmetic->columns, &job);
}

void fx_flow_run_rows (fx_flow *flow, fx_flow_rows what, double *field, int channels) {
  fx_flow_job job = { .flow = flow, .rows = what, .field = field, .channels = channels };
  fx_parallel(flow->row_items, flow->arithmetic->rows, &job);
}

/* --- fields ---------------------------------------------------------------------------------- */

fx_status fx_flow_field (fx_flow *flow, fx_flow_columns what, int channels, fx_tensor **out) {
  const int64_t shape[] = { 1, flow->h, flow->w, channels };
  fx_tensor *field = NULL;
  FX_TRY(fx_flow_scratch(flow));
  FX_TRY(fx_tensor_new(FX_F64, 4, shape, &field));
  fx_flow_run_columns(flow, what);
  fx_flow_run_rows(flow, ROWS_STORE, fx_f64(field), channels);
  *out = field;
  return FX_OK;
}

fx_status fx_flow_vorticity (fx_flow *flow, fx_tensor **out) {
  return fx_flow_field(flow, COLUMNS_VORTICITY, 1, out);
}

fx_status fx_flow_velocity (fx_flow *flow, fx_tensor **out) {
  return fx_flow_field(flow, COLUMNS_START, 2, out);
}

/* That a field named `name` is one of this grid. */
static fx_status check_field (const fx_flow *flow, const char *name, const fx_tensor *t) {
  char text[FX_SHAPE_TEXT];
  if (t->ndim != 4 || t->shape[0] != 1 || t->shape[1] != flow->h || t->shape[2] != flow->w ||
      t->shape[3] != 1)
    return fx_fail(FX_ESHAPE, "navier_stokes: %s must be (1,%" PRId64 ",%" PRId64 ",1), got %s",
                   name, flow->h, flow->w, fx_shape_text(t, text));
  if (t->dtype != FX_F32 && t->dtype != FX_F64)
    return fx_fail(FX_EARG, "navier_stokes: %s must be f32 or f64, got %s", name,
                   fx_dtype_name(t->dtype));
  return FX_OK;
}

fx_status fx_flow_load (fx_flow *flow, const char *name, const fx_tensor *field,
                        fx_flow_columns what, fx_status (*accept)(const double *, int64_t)) {
  fx_status st;
  fx_tensor *values = NULL;
  FX_TRY(check_field(flow, name, field));
  FX_TRY(fx_flow_scratch(flow));
  FX_TRY(fx_tensor_cast(field, FX_F64, &values));
  FX_GOTO(accept(fx_f64(values), fx_tensor_count(values)));
  fx_flow_run_rows(flow, ROWS_LOAD, fx_f64(values), 1);
  fx_flow_run_columns(flow, what);
done:
  fx_tensor_release(values);
  return st;
}

/* Values must be finite and their mean small against their r.m.s. */
static fx_status accept_vorticity (const double *w, int64_t count) {
  double sum = 0.0, squares = 0.0;
  for (int64_t i = 0; i < count; i++) {
    sum += w[i];
    squares += w[i] * w[i];
  }
  const double mean = sum / (double)count, rms = sqrt(squares / (double)count);
  if (!isfinite(rms))
    return fx_fail(FX_EARG, "navier_stokes: vorticity has values that are not finite");
  if (fabs(mean) > 1e-3 * rms)
    return fx_fail(FX_EARG,
                   "navier_stokes: the mean vorticity of a periodic flow is zero, got %g with an "
                   "r.m.s. of %g",
                   mean, rms);
  return FX_OK;
}

fx_status fx_flow_set_vorticity (fx_flow *flow, const fx_tensor *vorticity, double time) {
  if (!isfinite(time))
    return fx_fail(FX_EARG, "navier_stokes: time must be finite, got %g", time);
  FX_TRY(fx_flow_load(flow, "vorticity", vorticity, COLUMNS_LOAD, accept_vorticity));
  fx_flow_put_mode(flow, flow->state, 0, 0, (fx_flow_mode){ 0 });
  flow->time = time;
  flow->steps = 0;
  flow->dt = 0.0;
  return FX_OK;
}
