/*
** ssim.c - structural similarity.
**
** The Gaussian window is a product, so the five moments (p, y, p^2, y^2, p y) of one row of output
** are eleven rows of input weighted and added, then an eleven-tap filter along the row. A row of
** output is the unit of parallel work and needs five rows of work space; whole filtered planes,
** five a channel, were refused. Row sums are then added in order.
**
** The moments are those of p - mp and y - my, the means of the row in the middle: a variance as a
** difference of squares loses its digits where the mean is large, as that of a field in kelvin.
*/
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "metrics/metric.h"
#include "metrics/pair.h"

#define RADIUS 5 /* int(3.5 sigma + 0.5), as scikit-image truncates */
#define TAPS (2 * RADIUS + 1)
#define MOMENTS 5

typedef struct {
  const float *p, *y;
  int64_t h, w, c;
  int64_t rows; /* h - 10: rows of output a channel */
  double taps[TAPS];
  const double *range; /* (N) */
  double *work;        /* (workers, MOMENTS, w) */
  double *sums;        /* (N, c, rows) */
} job;

static void fill_taps (double taps[TAPS]) {
  double sum = 0.0;
  for (int i = 0; i < TAPS; i++) {
    const double x = (i - RADIUS) / 1.5;
    taps[i] = exp(-0.5 * x * x);
    sum += taps[i];
  }
  for (int i = 0; i < TAPS; i++)
    taps[i] /= sum;
}

/* The mean of a row of one channel. */
static double row_mean (const job *j, const float *x) {
  double sum = 0.0;
  for (int64_t i = 0; i < j->w; i++)
    sum += (double)x[i * j->c];
  return sum / (double)j->w;
}

/* Weights and adds eleven rows of one channel less its mean; p and y point at the first of them. */
static void add_rows (const job *j, const float *p, const float *y, const double mean[2],
                      double *m) {
  const int64_t w = j->w;
  memset(m, 0, (size_t)(MOMENTS * w) * sizeof *m);
  for (int t = 0; t < TAPS; t++, p += w * j->c, y += w * j->c) {
    const double g = j->taps[t];
    for (int64_t x = 0; x < w; x++) {
      const double a = (double)p[x * j->c] - mean[0], b = (double)y[x * j->c] - mean[1];
      m[x] += g * a;
      m[w + x] += g * b;
      m[2 * w + x] += g * (a * a);
      m[3 * w + x] += g * (b * b);
      m[4 * w + x] += g * (a * b);
    }
  }
}

static double ssim_at (const double m[MOMENTS], const double mean[2], double range) {
  const double c1 = 0.01 * range * 0.01 * range, c2 = 0.03 * range * 0.03 * range;
  const double vp = m[2] - m[0] * m[0], vy = m[3] - m[1] * m[1], vpy = m[4] - m[0] * m[1];
  const double mp = mean[0] + m[0], my = mean[1] + m[1];
  return (2.0 * mp * my + c1) * (2.0 * vpy + c2) / ((mp * mp + my * my + c1) * (vp + vy + c2));
}

static void run_row (void *context, int64_t item, int worker) {
  const job *j = context;
  const int64_t row = item % j->rows, channel = item / j->rows % j->c;
  const int64_t sample = item / (j->rows * j->c), w = j->w;
  const int64_t at = (sample * j->h + row) * w * j->c + channel;
  double *moments = j->work + worker * MOMENTS * w;
  const int64_t middle = at + RADIUS * w * j->c;
  const double mean[2] = { row_mean(j, j->p + middle), row_mean(j, j->y + middle) };
  add_rows(j, j->p + at, j->y + at, mean, moments);
  double sum = 0.0;
  for (int64_t x = 0; x + TAPS <= w; x++) {
    double m[MOMENTS] = { 0 };
    for (int k = 0; k < MOMENTS; k++) {
      for (int t = 0; t < TAPS; t++)
        m[k] += j->taps[t] * moments[k * w + x + t];
    }
    sum += ssim_at(m, mean, j->range[sample]);
  }
  j->sums[item] = sum;
}

/* A constant truth has no scale to compare with: equal or not. */
static double ssim_without_range (const float *p, const float *y, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    if (p[i] != y[i])
      return isnan(p[i]) ? NAN : 0.0;
  }
  return 1.0;
}

static void combine (const job *j, int64_t samples, double *out) {
  const int64_t count = j->h * j->w * j->c, items = j->rows * j->c;
  for (int64_t n = 0; n < samples; n++) {
    double sum = 0.0;
    for (int64_t i = 0; i < items; i++)
      sum += j->sums[n * items + i];
    out[n] = j->range[n] == 0.0 ? ssim_without_range(j->p + n * count, j->y + n * count, count)
                                : sum / (double)(items * (j->w - 2 * RADIUS));
  }
}

static fx_status run (job *j, int64_t samples, double *result) {
  const int64_t count = j->h * j->w * j->c, items = samples * j->c * j->rows;
  j->work = fx_calloc((size_t)(fx_threads() * MOMENTS), (size_t)j->w * sizeof(double));
  j->sums = fx_calloc((size_t)items, sizeof(double));
  double *ranges = fx_calloc((size_t)samples, sizeof(double));
  const int ready = j->work && j->sums && ranges;
  if (ready) {
    for (int64_t n = 0; n < samples; n++)
      ranges[n] = fx_data_range(j->y + n * count, count);
    j->range = ranges;
    fx_parallel(items, run_row, j);
    combine(j, samples, result);
  }
  fx_free(j->work);
  fx_free(j->sums);
  fx_free(ranges);
  return ready ? FX_OK : FX_ENOMEM;
}

fx_status fx_metric_ssim (const fx_tensor *prediction, const fx_tensor *truth, fx_tensor **out) {
  FX_TRY(fx_check_pair("ssim", prediction, truth));
  const int64_t samples = truth->shape[0], h = truth->shape[1], w = truth->shape[2];
  if (h < TAPS || w < TAPS)
    return fx_fail(FX_ESHAPE, "ssim: fields must be at least 11 x 11, got %" PRId64 " x %" PRId64,
                   h, w);
  job j = { .p = fx_f32(prediction),
            .y = fx_f32(truth),
            .h = h,
            .w = w,
            .c = truth->shape[3],
            .rows = h - 2 * RADIUS };
  fill_taps(j.taps);
  fx_tensor *result = NULL;
  FX_TRY(fx_tensor_new(FX_F64, 1, &samples, &result));
  const fx_status st = run(&j, samples, fx_f64(result));
  if (st != FX_OK) {
    fx_tensor_release(result);
    return st;
  }
  *out = result;
  return FX_OK;
}
