/* statistics.c - statistics of fields (statistics.h): loops over samples, one a parallel item. */
#include "metrics/statistics.h"

#include <inttypes.h>
#include <math.h>

#include "base/thread.h"
#include "metrics/metric.h"
#include "metrics/pair.h"

typedef struct {
  const float *field;
  int64_t h, w, c, count; /* count: values a sample */
  double *out;
  int64_t columns; /* of out */
  double low, high;
  const double *thresholds;
  int order;
  bool periodic;
} job;

static fx_status run (const char *what, const fx_tensor *field, int64_t columns, fx_task task,
                      job *j, fx_tensor **out) {
  FX_TRY(fx_check_field(what, "field", field));
  const int64_t shape[] = { field->shape[0], columns };
  fx_tensor *result = NULL;
  FX_TRY(fx_tensor_new_zeros(FX_F64, 2, shape, &result));
  j->field = fx_f32(field);
  j->h = field->shape[1];
  j->w = field->shape[2];
  j->c = field->shape[3];
  j->count = j->h * j->w * j->c;
  j->out = fx_f64(result);
  j->columns = columns;
  fx_parallel(shape[0], task, j);
  *out = result;
  return FX_OK;
}

/* --- moments ---------------------------------------------------------------------------------- */

/* mean, sd, skewness, kurtosis */
static void moments_of (const float *x, int64_t count, double out[4]) {
  double sum = 0.0, second = 0.0, third = 0.0, fourth = 0.0;
  for (int64_t i = 0; i < count; i++)
    sum += x[i];
  const double n = (double)count, mean = sum / n;
  for (int64_t i = 0; i < count; i++) {
    const double d = x[i] - mean, square = d * d;
    second += square;
    third += square * d;
    fourth += square * square;
  }
  const double variance = second / n;
  out[0] = mean;
  out[1] = sqrt(variance);
  out[2] = third / n / (variance * out[1]);
  out[3] = fourth / n / (variance * variance);
}

static void moments_task (void *context, int64_t n, int worker) {
  const job *j = context;
  (void)worker;
  moments_of(j->field + n * j->count, j->count, j->out + n * j->columns);
}

fx_status fx_moments (const fx_tensor *field, fx_tensor **out) {
  return run("moments", field, 4, moments_task, &(job){ 0 }, out);
}

/* |kurtosis of p / kurtosis of y - 1| */
static double kurtosis_error (const float *p, const float *y, int64_t count) {
  double a[4], b[4];
  moments_of(p, count, a);
  moments_of(y, count, b);
  return fabs(a[3] / b[3] - 1.0);
}

fx_status fx_metric_kurtosis (const fx_tensor *prediction, const fx_tensor *truth,
                              fx_tensor **out) {
  return fx_each_sample("kurtosis_error", kurtosis_error, prediction, truth, out);
}

/* --- histograms and tails ---------------------------------------------------------------------- */

static void histogram_task (void *context, int64_t n, int worker) {
  const job *j = context;
  const float *x = j->field + n * j->count;
  double *counts = j->out + n * j->columns;
  const double bins = (double)(j->columns - 2);
  (void)worker;
  for (int64_t i = 0; i < j->count; i++) {
    if (!isfinite(x[i]))
      continue;
    if (x[i] < j->low)
      counts[0] += 1.0;
    else if (x[i] >= j->high)
      counts[j->columns - 1] += 1.0;
    else {
      const int64_t bin = (int64_t)((x[i] - j->low) / (j->high - j->low) * bins);
      counts[1 + (bin < j->columns - 2 ? bin : j->columns - 3)] += 1.0; /* rounding at the top */
    }
  }
}

fx_status fx_histogram (const fx_tensor *field, double low, double high, int64_t bins,
                        fx_tensor **out) {
  if (!(isfinite(low) && isfinite(high) && low < high))
    return fx_fail(FX_EARG, "histogram: low must be below high, got %g and %g", low, high);
  if (bins < 1 || bins > 1000000)
    return fx_fail(FX_EARG, "histogram: bins must be 1 .. 1000000, got %" PRId64, bins);
  return run("histogram", field, bins + 2, histogram_task, &(job){ .low = low, .high = high }, out);
}

static void exceedances_task (void *context, int64_t n, int worker) {
  const job *j = context;
  const float *x = j->field + n * j->count;
  (void)worker;
  for (int64_t t = 0; t < j->columns; t++) {
    int64_t beyond = 0;
    for (int64_t i = 0; i < j->count; i++)
      beyond += fabs((double)x[i]) > j->thresholds[t];
    j->out[n * j->columns + t] = (double)beyond / (double)j->count;
  }
}

fx_status fx_exceedances (const fx_tensor *field, const double *thresholds, int64_t count,
                          fx_tensor **out) {
  if (count < 1)
    return fx_fail(FX_EARG, "exceedances: at least one threshold is needed");
  return run("exceedances", field, count, exceedances_task, &(job){ .thresholds = thresholds },
             out);
}

/* --- structure functions ------------------------------------------------------------------------ */

static double to_power (double x, int order) {
  double product = x;
  for (int i = 1; i < order; i++)
    product *= x;
  return product;
}

/* Sum of increments^order of channel c over (dy,dx), one of them 0; adds the number of pairs. */
static double increments (const job *j, const float *f, int64_t c, int64_t dy, int64_t dx,
                          double *pairs) {
  const int64_t rows = j->periodic ? j->h : j->h - dy, columns = j->periodic ? j->w : j->w - dx;
  double sum = 0.0;
  for (int64_t y = 0; y < rows; y++) {
    const int64_t far_y = y + dy < j->h ? y + dy : y + dy - j->h;
    for (int64_t x = 0; x < columns; x++) {
      const int64_t far_x = x + dx < j->w ? x + dx : x + dx - j->w;
      const double d =
          (double)f[(far_y * j->w + far_x) * j->c + c] - (double)f[(y * j->w + x) * j->c + c];
      sum += to_power(d, j->order);
    }
  }
  *pairs += (double)rows * (double)columns;
  return sum;
}

static void structure_task (void *context, int64_t n, int worker) {
  const job *j = context;
  const float *f = j->field + n * j->count;
  (void)worker;
  for (int64_t r = 1; r <= j->columns; r++) {
    double pairs = 0.0;
    const double along_x = increments(j, f, 0, 0, r, &pairs);
    const double along_y = increments(j, f, j->c - 1, r, 0, &pairs);
    j->out[n * j->columns + r - 1] = (along_x + along_y) / pairs;
  }
}

fx_status fx_structure_function (const fx_tensor *field, int order, int64_t separations,
                                 bool periodic, fx_tensor **out) {
  FX_TRY(fx_check_field("structure_function", "field", field));
  const int64_t h = field->shape[1], w = field->shape[2], least = h < w ? h : w;
  if (field->shape[3] > 2)
    return fx_fail(FX_ESHAPE, "structure_function: 1 channel or 2 (u, v) are needed, got %" PRId64,
                   field->shape[3]);
  if (order < 1 || order > 8)
    return fx_fail(FX_EARG, "structure_function: order must be 1 .. 8, got %d", order);
  if (separations < 1 || separations >= least)
    return fx_fail(FX_EARG,
                   "structure_function: separations must be 1 .. %" PRId64
                   " (below the shorter side), got %" PRId64,
                   least - 1, separations);
  return run("structure_function", field, separations, structure_task,
             &(job){ .order = order, .periodic = periodic }, out);
}
