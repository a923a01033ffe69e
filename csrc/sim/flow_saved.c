/*
** flow_saved.c - all that a flow remembers, as a tensor: its coefficients as they lie in memory, in its own
** precision, so that what goes on from them has the bits of what never stopped.
*/
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "sim/flow_state.h"

static void state_shape (const fx_flow *flow, int64_t shape[3]) {
  shape[0] = flow->column_items * (flow->scalar ? 2 : 1);
  shape[1] = flow->h;
  shape[2] = 2 * flow->lanes;
}

/* Of state, and of scalar. */
static size_t bytes_of (const fx_flow *flow) {
  return (size_t)fx_flow_numbers(flow) * fx_dtype_size(flow->options.precision);
}

fx_status fx_flow_state (const fx_flow *flow, fx_tensor **out) {
  int64_t shape[3];
  state_shape(flow, shape);
  FX_TRY(fx_tensor_new(flow->options.precision, 3, shape, out));
  const size_t bytes = bytes_of(flow);
  memcpy((*out)->data, flow->state, bytes);
  if (flow->scalar)
    memcpy((char *)(*out)->data + bytes, flow->scalar, bytes);
  return FX_OK;
}

fx_status fx_flow_restore (fx_flow *flow, const fx_tensor *state, double time, int64_t steps) {
  char text[FX_SHAPE_TEXT];
  int64_t shape[3];
  state_shape(flow, shape);
  if (state->dtype != flow->options.precision)
    return fx_fail(
        FX_ESHAPE,
        "navier_stokes: the state of this flow is in %s, got one in %s; a flow goes on in the "
        "precision that it began with",
        fx_dtype_name(flow->options.precision), fx_dtype_name(state->dtype));
  if (state->ndim != 3 || memcmp(state->shape, shape, sizeof shape) != 0)
    return fx_fail(FX_ESHAPE,
                   "navier_stokes: the state of this flow is (%" PRId64 ",%" PRId64 ",%" PRId64
                   "), got %s; it was saved from another grid",
                   shape[0], shape[1], shape[2], fx_shape_text(state, text));
  if (!isfinite(time) || steps < 0)
    return fx_fail(FX_EARG,
                   "navier_stokes: a state has a finite time and 0 or more steps, got %g "
                   "and %" PRId64,
                   time, steps);
  for (int64_t i = 0; i < fx_tensor_count(state); i++)
    if (!isfinite(fx_tensor_get(state, i)))
      return fx_fail(FX_EARG, "navier_stokes: the state has values that are not finite");
  const size_t bytes = bytes_of(flow);
  memcpy(flow->state, state->data, bytes);
  if (flow->scalar)
    memcpy(flow->scalar, (const char *)state->data + bytes, bytes);
  flow->time = time;
  flow->steps = steps;
  flow->dt = 0.0;
  return FX_OK;
}
