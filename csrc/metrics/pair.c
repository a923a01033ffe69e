/*
** pair.c - the checks every metric makes and the loop over samples. A sample is the unit of
** parallel work: sums within it keep one order, so no result depends on the number of threads.
*/
#include "metrics/pair.h"

#include <math.h>

#include "base/thread.h"

fx_status fx_check_field (const char *metric, const char *role, const fx_tensor *field) {
  char text[FX_SHAPE_TEXT];
  if (field->ndim != 4 || fx_tensor_count(field) == 0)
    return fx_fail(FX_ESHAPE, "%s: %s must be (N,H,W,C) and not empty, got %s", metric, role,
                   fx_shape_text(field, text));
  if (field->dtype != FX_F32)
    return fx_fail(FX_EARG, "%s: %s must be f32, got %s", metric, role,
                   fx_dtype_name(field->dtype));
  return FX_OK;
}

fx_status fx_check_pair (const char *metric, const fx_tensor *prediction, const fx_tensor *truth) {
  char p[FX_SHAPE_TEXT], y[FX_SHAPE_TEXT];
  FX_TRY(fx_check_field(metric, "prediction", prediction));
  FX_TRY(fx_check_field(metric, "truth", truth));
  if (!fx_same_shape(prediction, truth))
    return fx_fail(FX_ESHAPE, "%s: prediction %s and truth %s must have the same shape", metric,
                   fx_shape_text(prediction, p), fx_shape_text(truth, y));
  return FX_OK;
}

fx_status fx_check_members (const char *metric, const fx_tensor *members, const fx_tensor *truth) {
  char a[FX_SHAPE_TEXT], b[FX_SHAPE_TEXT];
  FX_TRY(fx_check_field(metric, "members", members));
  FX_TRY(fx_check_field(metric, "truth", truth));
  int fits = truth->shape[0] == 1;
  for (int i = 1; i < 4; i++)
    fits = fits && truth->shape[i] == members->shape[i];
  if (!fits)
    return fx_fail(FX_ESHAPE, "%s: members %s need a truth of shape (1,H,W,C), got %s", metric,
                   fx_shape_text(members, a), fx_shape_text(truth, b));
  return FX_OK;
}

typedef struct {
  fx_sample_metric metric;
  const float *p, *y;
  int64_t count; /* values a sample */
  double *out;
} job;

static void run_sample (void *context, int64_t n, int worker) {
  const job *j = context;
  (void)worker;
  j->out[n] = j->metric(j->p + n * j->count, j->y + n * j->count, j->count);
}

fx_status fx_each_sample (const char *name, fx_sample_metric metric, const fx_tensor *prediction,
                          const fx_tensor *truth, fx_tensor **out) {
  fx_tensor *result = NULL;
  FX_TRY(fx_check_pair(name, prediction, truth));
  const int64_t samples = truth->shape[0];
  FX_TRY(fx_tensor_new(FX_F64, 1, &samples, &result));
  job j = { metric, fx_f32(prediction), fx_f32(truth), fx_tensor_count(truth) / samples,
            fx_f64(result) };
  fx_parallel(samples, run_sample, &j);
  *out = result;
  return FX_OK;
}

double fx_data_range (const float *y, int64_t count) {
  double low = y[0], high = y[0];
  for (int64_t i = 0; i < count; i++) {
    if (!isfinite(y[i]))
      return NAN;
    low = y[i] < low ? (double)y[i] : low;
    high = y[i] > high ? (double)y[i] : high;
  }
  return high - low;
}
