/*
** pointwise.c - the metrics that compare pixel with pixel: rfne, rmse, mae, psnr, pearson. Each is
** one or two passes over a sample in double. Plain summation: with at most 1e8 values its relative
** error stays below 1e-8, far under that of the f32 fields themselves.
*/
#include <math.h>

#include "metrics/metric.h"
#include "metrics/pair.h"

static double squared_error (const float *p, const float *y, int64_t count) {
  double sum = 0.0;
  for (int64_t i = 0; i < count; i++) {
    const double d = (double)p[i] - (double)y[i];
    sum += d * d;
  }
  return sum;
}

static double rfne (const float *p, const float *y, int64_t count) {
  double norm = 0.0;
  for (int64_t i = 0; i < count; i++)
    norm += (double)y[i] * (double)y[i];
  const double error = squared_error(p, y, count);
  return error == 0.0 ? 0.0 : sqrt(error / norm); /* norm 0 gives infinity */
}

static double rmse (const float *p, const float *y, int64_t count) {
  return sqrt(squared_error(p, y, count) / (double)count);
}

static double mae (const float *p, const float *y, int64_t count) {
  double sum = 0.0;
  for (int64_t i = 0; i < count; i++)
    sum += fabs((double)p[i] - (double)y[i]);
  return sum / (double)count;
}

static double psnr (const float *p, const float *y, int64_t count) {
  const double error = rmse(p, y, count);
  return error == 0.0 ? HUGE_VAL : 20.0 * log10(fx_data_range(y, count) / error);
}

static double mean (const float *x, int64_t count) {
  double sum = 0.0;
  for (int64_t i = 0; i < count; i++)
    sum += x[i];
  return sum / (double)count;
}

/* Constant to the last bit; the centred sums of such a field are rounding, not zero. */
static bool constant (const float *x, int64_t count) {
  for (int64_t i = 1; i < count; i++) {
    if (x[i] != x[0])
      return false;
  }
  return true;
}

static double pearson (const float *p, const float *y, int64_t count) {
  if (constant(p, count) || constant(y, count))
    return NAN;
  const double mp = mean(p, count), my = mean(y, count);
  double pp = 0.0, yy = 0.0, py = 0.0;
  for (int64_t i = 0; i < count; i++) {
    const double a = p[i] - mp, b = y[i] - my;
    pp += a * a;
    yy += b * b;
    py += a * b;
  }
  const double r = py / (sqrt(pp) * sqrt(yy));
  return r > 1.0 ? 1.0 : r < -1.0 ? -1.0 : r; /* rounding; a NaN passes */
}

fx_status fx_metric_rfne (const fx_tensor *prediction, const fx_tensor *truth, fx_tensor **out) {
  return fx_each_sample("rfne", rfne, prediction, truth, out);
}

fx_status fx_metric_rmse (const fx_tensor *prediction, const fx_tensor *truth, fx_tensor **out) {
  return fx_each_sample("rmse", rmse, prediction, truth, out);
}

fx_status fx_metric_mae (const fx_tensor *prediction, const fx_tensor *truth, fx_tensor **out) {
  return fx_each_sample("mae", mae, prediction, truth, out);
}

fx_status fx_metric_psnr (const fx_tensor *prediction, const fx_tensor *truth, fx_tensor **out) {
  return fx_each_sample("psnr", psnr, prediction, truth, out);
}

fx_status fx_metric_pearson (const fx_tensor *prediction, const fx_tensor *truth, fx_tensor **out) {
  return fx_each_sample("pearson", pearson, prediction, truth, out);
}
