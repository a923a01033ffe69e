/*
** coherence.c - two fields compared scale by scale: coherence by ring, and the relative error of
** the power in three bands. Both need the same three sums a ring: |P|^2, |Y|^2 and Re(P Y*).
**
** The bands are those of super-resolution: with K = min(H,W)/2, `low` is what a field four times
** coarser holds (1 .. K/4, and all longer waves), `middle` what one twice coarser adds (to K/2), `high` the rest (to K).
*/
#include <math.h>

#include "base/alloc.h"
#include "metrics/metric.h"
#include "metrics/pair.h"
#include "metrics/rings.h"
#include "metrics/spectrum.h"

typedef struct {
  fx_rings rings;
  double *p, *y;                                      /* spectra of one channel */
  double *prediction_power, *truth_power, *agreement; /* (bins) */
} work;

static fx_status open_work (work *k, const char *what, const fx_tensor *field, bool hann) {
  FX_TRY(fx_rings_open(&k->rings, what, field->shape[1], field->shape[2], hann));
  FX_TRY(fx_rings_new_array(&k->rings, &k->p));
  FX_TRY(fx_rings_new_array(&k->rings, &k->y));
  double **sums[] = { &k->prediction_power, &k->truth_power, &k->agreement };
  for (int i = 0; i < 3; i++) {
    *sums[i] = fx_calloc((size_t)k->rings.bins, sizeof(double));
    if (!*sums[i])
      return FX_ENOMEM;
  }
  return FX_OK;
}

static void close_work (work *k) {
  fx_rings_close(&k->rings);
  double *arrays[] = { k->p, k->y, k->prediction_power, k->truth_power, k->agreement };
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
    fx_free(arrays[i]);
}

/* The means are all of ring 0 but for what a window carries there of the fluctuations. */
static void add_channel (work *k, double mean_p, double mean_y) {
  const double *p = k->p, *y = k->y;
  k->prediction_power[0] += mean_p * mean_p;
  k->truth_power[0] += mean_y * mean_y;
  k->agreement[0] += mean_p * mean_y;
  for (int64_t row = 0; row < k->rings.h; row++) {
    for (int64_t kx = 0; kx <= k->rings.w / 2; kx++, p += 2, y += 2) {
      const int64_t b = fx_ring_of(&k->rings, row, kx);
      const double copies = fx_ring_copies(&k->rings, kx) * k->rings.scale;
      k->prediction_power[b] += copies * (p[0] * p[0] + p[1] * p[1]);
      k->truth_power[b] += copies * (y[0] * y[0] + y[1] * y[1]);
      k->agreement[b] += copies * (p[0] * y[0] + p[1] * y[1]);
    }
  }
}

/* The sums of sample n. */
static fx_status add_sample (work *k, const fx_tensor *prediction, const fx_tensor *truth,
                             int64_t n) {
  const int64_t channels = truth->shape[3], values = k->rings.h * k->rings.w * channels;
  for (int64_t b = 0; b < k->rings.bins; b++)
    k->prediction_power[b] = k->truth_power[b] = k->agreement[b] = 0.0;
  double p, y;
  for (int64_t c = 0; c < channels; c++) {
    FX_TRY(fx_rings_transform(&k->rings, fx_f32(prediction) + n * values + c, channels, k->p, &p));
    FX_TRY(fx_rings_transform(&k->rings, fx_f32(truth) + n * values + c, channels, k->y, &y));
    add_channel(k, p, y);
  }
  return FX_OK;
}

fx_status fx_spectral_coherence (const fx_tensor *prediction, const fx_tensor *truth, bool hann,
                                 fx_tensor **out) {
  FX_TRY(fx_check_pair("coherence", prediction, truth));
  fx_status st;
  fx_tensor *result = NULL;
  work k = { 0 };
  FX_GOTO(open_work(&k, "coherence", truth, hann));
  const int64_t shape[] = { truth->shape[0], k.rings.bins };
  FX_GOTO(fx_tensor_new_zeros(FX_F64, 2, shape, &result));
  for (int64_t n = 0; n < shape[0]; n++) {
    FX_GOTO(add_sample(&k, prediction, truth, n));
    for (int64_t b = 0; b < k.rings.bins; b++)
      fx_f64(result)[n * k.rings.bins + b] =
          k.agreement[b] / (sqrt(k.prediction_power[b]) * sqrt(k.truth_power[b]));
  }
  *out = result;
  result = NULL;
done:
  close_work(&k);
  fx_tensor_release(result);
  return st;
}

/* |power of p / power of y - 1| in the rings of the band; equal powers are no error, also if 0. */
static double band_error (const work *k, int band) {
  const int64_t top = (k->rings.h < k->rings.w ? k->rings.h : k->rings.w) / 2;
  const int64_t edges[] = { 1, top / 4 + 1, top / 2 + 1, top + 1 };
  double p = 0.0, y = 0.0;
  for (int64_t b = edges[band]; b < edges[band + 1]; b++) {
    p += k->prediction_power[b];
    y += k->truth_power[b];
  }
  return p == y ? 0.0 : fabs(p / y - 1.0);
}

static fx_status band_metric (const char *name, int band, const fx_tensor *prediction,
                              const fx_tensor *truth, fx_tensor **out) {
  FX_TRY(fx_check_pair(name, prediction, truth));
  if (truth->shape[1] < 8 || truth->shape[2] < 8)
    return fx_fail(FX_ESHAPE, "%s: fields must be at least 8 x 8", name);
  fx_status st;
  fx_tensor *result = NULL;
  work k = { 0 };
  const int64_t samples = truth->shape[0];
  FX_GOTO(open_work(&k, name, truth, 1));
  FX_GOTO(fx_tensor_new(FX_F64, 1, &samples, &result));
  for (int64_t n = 0; n < samples; n++) {
    FX_GOTO(add_sample(&k, prediction, truth, n));
    fx_f64(result)[n] = band_error(&k, band);
  }
  *out = result;
  result = NULL;
done:
  close_work(&k);
  fx_tensor_release(result);
  return st;
}

fx_status fx_metric_spectral_low (const fx_tensor *prediction, const fx_tensor *truth,
                                  fx_tensor **out) {
  return band_metric("spectral_low", 0, prediction, truth, out);
}

fx_status fx_metric_spectral_middle (const fx_tensor *prediction, const fx_tensor *truth,
                                     fx_tensor **out) {
  return band_metric("spectral_middle", 1, prediction, truth, out);
}

fx_status fx_metric_spectral_high (const fx_tensor *prediction, const fx_tensor *truth,
                                   fx_tensor **out) {
  return band_metric("spectral_high", 2, prediction, truth, out);
}
