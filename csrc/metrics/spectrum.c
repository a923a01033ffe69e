/*
** spectrum.c - one real transform a sample and channel, then one pass over the half spectrum that
** adds what a mode holds to its ring. What it holds is the only difference between quantities.
*/
#include "metrics/spectrum.h"

#include <math.h>

#include "base/alloc.h"
#include "metrics/pair.h"
#include "metrics/rings.h"

#define TURN 6.28318530717958647692

typedef struct {
  fx_rings rings;
  const fx_spectrum_options *options;
  int64_t channels;
  double unit_y, unit_x; /* wavenumber 1 in the units of spacing */
  double *spectrum[2];
} work;

static fx_status open_work (work *k, const fx_tensor *field) {
  const double spacing = k->options->spacing;
  const int64_t h = field->shape[1], w = field->shape[2];
  k->channels = field->shape[3];
  FX_TRY(fx_rings_open(&k->rings, "spectrum", h, w, k->options->hann));
  k->unit_x = spacing > 0.0 ? TURN / ((double)w * spacing) : 1.0;
  k->unit_y = k->unit_x * (double)w / (double)h;
  FX_TRY(fx_rings_new_array(&k->rings, &k->spectrum[0]));
  return fx_rings_new_array(&k->rings, &k->spectrum[1]);
}

static void close_work (work *k) {
  fx_rings_close(&k->rings);
  fx_free(k->spectrum[0]);
  fx_free(k->spectrum[1]);
}

static double power (const double *z) { return z[0] * z[0] + z[1] * z[1]; }

/* Energy or enstrophy of one mode, a and b the modes of the channels (b unused for vorticity). */
static double flow_mode (const work *k, int64_t y, int64_t kx, const double *a, const double *b) {
  const double qx = k->unit_x * (double)kx;
  const double qy = k->unit_y * (double)fx_ring_ky(&k->rings, y);
  const int energy = k->options->quantity == FX_SPECTRUM_ENERGY;
  if (k->channels == 1) {
    const double q2 = qx * qx + qy * qy;
    return 0.5 * (!energy ? power(a) : q2 > 0.0 ? power(a) / q2 : 0.0);
  }
  if (energy)
    return 0.5 * (power(a) + power(b));
  const double dx = 2 * kx == k->rings.w ? 0.0 : qx, dy = 2 * y == k->rings.h ? 0.0 : qy;
  const double w[] = { dx * b[0] - dy * a[0], dx * b[1] - dy * a[1] };
  return 0.5 * power(w);
}

static void add_flow (const work *k, double *bins) {
  const double *a = k->spectrum[0], *b = k->spectrum[1];
  for (int64_t y = 0; y < k->rings.h; y++) {
    for (int64_t kx = 0; kx <= k->rings.w / 2; kx++, a += 2, b += 2)
      bins[fx_ring_of(&k->rings, y, kx)] +=
          fx_ring_copies(&k->rings, kx) * k->rings.scale * flow_mode(k, y, kx, a, b);
  }
}

static void add_power (const work *k, double *bins) {
  const double *z = k->spectrum[0];
  for (int64_t y = 0; y < k->rings.h; y++) {
    for (int64_t kx = 0; kx <= k->rings.w / 2; kx++, z += 2)
      bins[fx_ring_of(&k->rings, y, kx)] +=
          fx_ring_copies(&k->rings, kx) * k->rings.scale * power(z);
  }
}

/* What a channel's mean holds: energy if it is a mean velocity; enstrophy if it is a mean vorticity. */
static double of_mean (const work *k, double mean) {
  switch (k->options->quantity) {
  case FX_SPECTRUM_POWER: return mean * mean;
  case FX_SPECTRUM_ENERGY: return k->channels == 2 ? 0.5 * mean * mean : 0.0;
  case FX_SPECTRUM_ENSTROPHY: return k->channels == 1 ? 0.5 * mean * mean : 0.0;
  }
  return 0.0;
}

static fx_status add_sample (work *k, const float *in, double *bins) {
  const int flow = k->options->quantity != FX_SPECTRUM_POWER;
  for (int64_t c = 0; c < k->channels; c++) {
    double mean;
    FX_TRY(fx_rings_transform(&k->rings, in + c, k->channels, k->spectrum[flow ? c : 0], &mean));
    bins[0] += of_mean(k, mean);
    if (!flow)
      add_power(k, bins);
  }
  if (flow)
    add_flow(k, bins);
  for (int64_t b = 0; b < k->rings.bins && k->options->kind == FX_SPECTRUM_MEAN; b++)
    bins[b] /=
        k->rings.count[b] > 0.0 ? k->rings.count[b] : 1.0; /* rings of thin fields can be empty */
  return FX_OK;
}

static fx_status check_options (const fx_spectrum_options *o, const fx_tensor *field) {
  if (o->kind != FX_SPECTRUM_SUM && o->kind != FX_SPECTRUM_MEAN)
    return fx_fail(FX_EARG, "spectrum: unknown kind %d", (int)o->kind);
  if ((int)o->quantity < 0 || o->quantity > FX_SPECTRUM_ENSTROPHY)
    return fx_fail(FX_EARG, "spectrum: unknown quantity %d", (int)o->quantity);
  if (!(o->spacing >= 0.0 && o->spacing < HUGE_VAL))
    return fx_fail(FX_EARG, "spectrum: spacing must be a length above 0, got %g", o->spacing);
  if (o->quantity != FX_SPECTRUM_POWER && field->shape[3] > 2)
    return fx_fail(FX_ESHAPE,
                   "spectrum: energy and enstrophy need 1 channel (vorticity) or 2 (velocity), got "
                   "%d",
                   (int)field->shape[3]);
  return FX_OK;
}

fx_status fx_power_spectrum (const fx_tensor *field, const fx_spectrum_options *options,
                             fx_tensor **out) {
  FX_TRY(fx_check_field("spectrum", "field", field));
  FX_TRY(check_options(options, field));
  fx_status st;
  fx_tensor *result = NULL;
  work k = { .options = options };
  FX_GOTO(open_work(&k, field));
  const int64_t shape[] = { field->shape[0], k.rings.bins };
  const int64_t values = fx_tensor_count(field) / field->shape[0];
  FX_GOTO(fx_tensor_new_zeros(FX_F64, 2, shape, &result));
  for (int64_t n = 0; n < shape[0]; n++)
    FX_GOTO(add_sample(&k, fx_f32(field) + n * values, fx_f64(result) + n * k.rings.bins));
  *out = result;
  result = NULL;
done:
  close_work(&k);
  fx_tensor_release(result);
  return st;
}
