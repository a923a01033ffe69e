/*
** spectrum.c - one real transform a sample and channel, then one pass over the half spectrum in
** which 0 < kx < w/2 counts twice, for its mirror image. The transform uses all threads; binning is
** one thread in one order, so sums have the same bits always.
*/
#include "metrics/spectrum.h"

#include <math.h>

#include "base/alloc.h"
#include "metrics/pair.h"
#include "sim/fft.h"

typedef struct {
  fx_fft2 *plan;
  int64_t h, w, c, bins;
  double *window_y, *window_x; /* (h), (w) */
  double window_power;         /* mean of the squared window */
  double *field, *spectrum;    /* (h,w) and (h, w/2+1) complex */
  double *count;               /* (bins): modes in each ring */
} work;

int64_t fx_spectrum_bins (int64_t h, int64_t w) {
  return (int64_t)(hypot((double)(h / 2), (double)(w / 2)) + 0.5) + 1;
}

static void close_work (work *k) {
  fx_fft2_free(k->plan);
  double *arrays[] = { k->window_y, k->window_x, k->field, k->spectrum, k->count };
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
    fx_free(arrays[i]);
}

static fx_status new_array (int64_t count, double **out) {
  *out = fx_calloc((size_t)count, sizeof(double));
  return *out ? FX_OK : FX_ENOMEM;
}

/* Returns the mean square. */
static double fill_window (double *window, int64_t n, int hann) {
  double sum = 0.0;
  for (int64_t i = 0; i < n; i++) {
    const double turn = 6.28318530717958647692 * (double)i / (double)n;
    window[i] = hann ? 0.5 - 0.5 * cos(turn) : 1.0;
    sum += window[i] * window[i];
  }
  return sum / (double)n;
}

static int64_t bin_of (const work *k, int64_t y, int64_t kx) {
  const double ky = (double)(2 * y <= k->h ? y : k->h - y);
  return (int64_t)(sqrt(ky * ky + (double)(kx * kx)) + 0.5);
}

static double copies (const work *k, int64_t kx) { return kx == 0 || 2 * kx == k->w ? 1.0 : 2.0; }

static void count_modes (work *k) {
  for (int64_t y = 0; y < k->h; y++) {
    for (int64_t kx = 0; kx <= k->w / 2; kx++)
      k->count[bin_of(k, y, kx)] += copies(k, kx);
  }
}

static fx_status open_work (work *k, const fx_tensor *field, int hann) {
  k->h = field->shape[1];
  k->w = field->shape[2];
  k->c = field->shape[3];
  k->bins = fx_spectrum_bins(k->h, k->w);
  FX_TRY(fx_fft2_new(k->h, k->w, &k->plan));
  FX_TRY(new_array(k->h, &k->window_y));
  FX_TRY(new_array(k->w, &k->window_x));
  FX_TRY(new_array(k->h * k->w, &k->field));
  FX_TRY(new_array(k->h * (k->w / 2 + 1) * 2, &k->spectrum));
  FX_TRY(new_array(k->bins, &k->count));
  k->window_power = fill_window(k->window_y, k->h, hann) * fill_window(k->window_x, k->w, hann);
  count_modes(k);
  return FX_OK;
}

/* Adds the power of one channel to bins. */
static fx_status add_channel (work *k, const float *in, double *bins) {
  for (int64_t y = 0; y < k->h; y++) {
    for (int64_t x = 0; x < k->w; x++) {
      const int64_t i = y * k->w + x;
      k->field[i] = (double)in[i * k->c] * k->window_y[y] * k->window_x[x];
    }
  }
  FX_TRY(fx_fft2_forward(k->plan, k->field, k->spectrum));
  const double points = (double)k->h * (double)k->w;
  const double scale = 1.0 / (points * points * k->window_power);
  const double *z = k->spectrum;
  for (int64_t y = 0; y < k->h; y++) {
    for (int64_t kx = 0; kx <= k->w / 2; kx++, z += 2)
      bins[bin_of(k, y, kx)] += copies(k, kx) * scale * (z[0] * z[0] + z[1] * z[1]);
  }
  return FX_OK;
}

static fx_status add_samples (work *k, const fx_tensor *field, fx_spectrum_kind kind,
                              fx_tensor *out) {
  for (int64_t n = 0; n < field->shape[0]; n++) {
    double *bins = fx_f64(out) + n * k->bins;
    for (int64_t c = 0; c < k->c; c++)
      FX_TRY(add_channel(k, fx_f32(field) + n * k->h * k->w * k->c + c, bins));
    for (int64_t b = 0; b < k->bins && kind == FX_SPECTRUM_MEAN; b++)
      bins[b] /= k->count[b] > 0.0 ? k->count[b] : 1.0; /* thin fields can have empty rings */
  }
  return FX_OK;
}

fx_status fx_power_spectrum (const fx_tensor *field, const fx_spectrum_options *options,
                             fx_tensor **out) {
  FX_TRY(fx_check_field("power_spectrum", "field", field));
  if (options->kind != FX_SPECTRUM_SUM && options->kind != FX_SPECTRUM_MEAN)
    return fx_fail(FX_EARG, "power_spectrum: unknown kind %d", (int)options->kind);
  if (options->hann && (field->shape[1] < 2 || field->shape[2] < 2))
    return fx_fail(FX_EARG, "power_spectrum: a Hann window needs sides of at least 2");
  fx_status st;
  fx_tensor *result = NULL;
  work k = { 0 };
  FX_GOTO(open_work(&k, field, options->hann));
  const int64_t shape[] = { field->shape[0], k.bins };
  FX_GOTO(fx_tensor_zeros(FX_F64, 2, shape, &result));
  FX_GOTO(add_samples(&k, field, options->kind, result));
  *out = result;
  result = NULL;
done:
  close_work(&k);
  fx_tensor_release(result);
  return st;
}
