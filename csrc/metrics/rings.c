/* rings.c - transforms and rings (rings.h). The transform uses all threads, the rest is one thread
** in one order, so sums have the same bits always. */
#include "metrics/rings.h"

#include <math.h>

#include "base/alloc.h"
#include "metrics/spectrum.h"

/* Periods over the shorter side of the wave with k over a side of n: exactly k in a square field. */
static double periods (int64_t k, int64_t n, int64_t h, int64_t w) {
  return (double)k * ((double)(h < w ? h : w) / (double)n);
}

/* A wave that is exactly between two rings, as only a field that is not square has, is of the upper one, whatever
** rounding made of it. */
static int64_t ring (double ky, double kx) {
  const int64_t b = (int64_t)(sqrt(ky * ky + kx * kx) + (0.5 + 1e-9));
  return b > 0 || (ky == 0.0 && kx == 0.0) ? b : 1;
}

/* 1 + round(hypot(h/2, w/2)), h/2 and w/2 rounded down. */
static int64_t bins_of (int64_t h, int64_t w) {
  return ring(periods(h / 2, h, h, w), periods(w / 2, w, h, w)) + 1;
}

int64_t fx_ring_ky (const fx_rings *r, int64_t y) { return 2 * y <= r->h ? y : y - r->h; }

int64_t fx_ring_of (const fx_rings *r, int64_t y, int64_t kx) {
  return ring(periods(fx_ring_ky(r, y), r->h, r->h, r->w), periods(kx, r->w, r->h, r->w));
}

double fx_ring_copies (const fx_rings *r, int64_t kx) {
  return kx == 0 || 2 * kx == r->w ? 1.0 : 2.0;
}

void fx_rings_close (fx_rings *r) {
  fx_fft2_free(r->plan);
  double *arrays[] = { r->window_y, r->window_x, r->field, r->count };
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
    fx_free(arrays[i]);
}

static fx_status new_array (int64_t count, double **out) {
  *out = fx_calloc((size_t)count, sizeof(double));
  return *out ? FX_OK : FX_ENOMEM;
}

/* Returns the mean square. */
static double fill_window (double *window, int64_t n, bool hann) {
  double sum = 0.0;
  for (int64_t i = 0; i < n; i++) {
    const double turn = 6.28318530717958647692 * (double)i / (double)n;
    window[i] = hann ? 0.5 - 0.5 * cos(turn) : 1.0;
    sum += window[i] * window[i];
  }
  return sum / (double)n;
}

fx_status fx_rings_open (fx_rings *r, const char *what, int64_t h, int64_t w, bool hann) {
  if (hann && (h < 2 || w < 2))
    return fx_fail(FX_EARG, "%s: a Hann window needs sides of at least 2", what);
  r->h = h;
  r->w = w;
  r->bins = bins_of(h, w);
  FX_TRY(fx_fft2_new(h, w, &r->plan));
  FX_TRY(new_array(h, &r->window_y));
  FX_TRY(new_array(w, &r->window_x));
  FX_TRY(new_array(h * w, &r->field));
  FX_TRY(new_array(r->bins, &r->count));
  const double points = (double)h * (double)w;
  const double power = fill_window(r->window_y, h, hann) * fill_window(r->window_x, w, hann);
  r->scale = 1.0 / (points * points * power);
  for (int64_t y = 0; y < h; y++) {
    for (int64_t kx = 0; kx <= w / 2; kx++)
      r->count[fx_ring_of(r, y, kx)] += fx_ring_copies(r, kx);
  }
  return FX_OK;
}

fx_status fx_rings_new_array (const fx_rings *r, double **out) {
  return new_array(r->h * (r->w / 2 + 1) * 2, out);
}

fx_status fx_rings_transform (fx_rings *r, const float *in, int64_t stride, double *spectrum,
                              double *mean) {
  double sum = 0.0;
  for (int64_t i = 0; i < r->h * r->w; i++)
    sum += (double)in[i * stride];
  *mean = sum / ((double)r->h * (double)r->w);
  for (int64_t y = 0; y < r->h; y++) {
    for (int64_t x = 0; x < r->w; x++) {
      const int64_t i = y * r->w + x;
      r->field[i] = ((double)in[i * stride] - *mean) * r->window_y[y] * r->window_x[x];
    }
  }
  return fx_fft2_forward(r->plan, r->field, spectrum);
}
