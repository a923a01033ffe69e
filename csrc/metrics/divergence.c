/* divergence.c - how far a velocity field is from divergence-free (spectrum.h). */
#include <math.h>

#include "base/alloc.h"
#include "metrics/pair.h"
#include "metrics/rings.h"
#include "metrics/spectrum.h"

/* Sums over modes or points: of the squared divergence, and of all four squared derivatives. */
typedef struct {
  double divergence, gradients;
} sums;

static double ratio (sums s) { return sqrt(s.divergence / s.gradients); }

static sums of_spectra (const fx_rings *r, const double *u, const double *v) {
  sums s = { 0.0, 0.0 };
  for (int64_t y = 0; y < r->h; y++) {
    for (int64_t kx = 0; kx <= r->w / 2; kx++, u += 2, v += 2) {
      const double qx = 2 * kx == r->w ? 0.0 : (double)kx / (double)r->w;
      const double qy = 2 * y == r->h ? 0.0 : (double)fx_ring_ky(r, y) / (double)r->h;
      const double re = qx * u[0] + qy * v[0], im = qx * u[1] + qy * v[1];
      const double power = u[0] * u[0] + u[1] * u[1] + v[0] * v[0] + v[1] * v[1];
      s.divergence += fx_ring_copies(r, kx) * (re * re + im * im);
      s.gradients += fx_ring_copies(r, kx) * (qx * qx + qy * qy) * power;
    }
  }
  return s;
}

static fx_status periodic_samples (const fx_tensor *velocity, double *out) {
  fx_rings rings = { 0 };
  double *u = NULL, *v = NULL, mean; /* which has no derivative */
  fx_status st;
  const int64_t values = velocity->shape[1] * velocity->shape[2] * 2;
  FX_GOTO(fx_rings_open(&rings, "divergence", velocity->shape[1], velocity->shape[2], 0));
  FX_GOTO(fx_rings_new_array(&rings, &u));
  FX_GOTO(fx_rings_new_array(&rings, &v));
  for (int64_t n = 0; n < velocity->shape[0]; n++) {
    FX_GOTO(fx_rings_transform(&rings, fx_f32(velocity) + n * values, 2, u, &mean));
    FX_GOTO(fx_rings_transform(&rings, fx_f32(velocity) + n * values + 1, 2, v, &mean));
    out[n] = ratio(of_spectra(&rings, u, v));
  }
done:
  fx_rings_close(&rings);
  fx_free(u);
  fx_free(v);
  return st;
}

/* Central differences; the spacing cancels. */
static sums of_points (const float *f, int64_t h, int64_t w) {
  sums s = { 0.0, 0.0 };
  for (int64_t y = 1; y + 1 < h; y++) {
    for (int64_t x = 1; x + 1 < w; x++) {
      const float *at = f + (y * w + x) * 2;
      const double ux = (double)at[2] - at[-2], vx = (double)at[3] - at[-1];
      const double uy = (double)at[2 * w] - at[-2 * w];
      const double vy = (double)at[2 * w + 1] - at[1 - 2 * w];
      s.divergence += (ux + vy) * (ux + vy);
      s.gradients += ux * ux + uy * uy + vx * vx + vy * vy;
    }
  }
  return s;
}

fx_status fx_divergence (const fx_tensor *velocity, bool periodic, fx_tensor **out) {
  FX_TRY(fx_check_field("divergence", "velocity", velocity));
  const int64_t samples = velocity->shape[0], h = velocity->shape[1], w = velocity->shape[2];
  if (velocity->shape[3] != 2)
    return fx_fail(FX_ESHAPE, "divergence: velocity needs 2 channels (u, v), got %d",
                   (int)velocity->shape[3]);
  if (!periodic && (h < 3 || w < 3))
    return fx_fail(FX_ESHAPE, "divergence: fields that are not periodic must be at least 3 x 3");
  fx_tensor *result = NULL;
  fx_status st;
  FX_TRY(fx_tensor_new(FX_F64, 1, &samples, &result));
  if (periodic)
    FX_GOTO(periodic_samples(velocity, fx_f64(result)));
  for (int64_t n = 0; n < samples && !periodic; n++)
    fx_f64(result)[n] = ratio(of_points(fx_f32(velocity) + n * h * w * 2, h, w));
  *out = result;
  return FX_OK;
done:
  fx_tensor_release(result);
  return st;
}
