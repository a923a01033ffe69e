/*
** perturb.c - random phases for the modes that a coarse observer does not resolve (perturb.h).
**
** In Fourier space coarsening is aliasing: coarse mode K is the sum of T(k) w(k) over all fine modes
** k = K modulo the coarse grid, T the transfer function of the observer (1 for subsampling). With d
** the change of the field, the sum of T d over every class must vanish; each class has exactly one
** resolved mode, and T is nowhere near 0 there, so it takes the debt of the others:
**   d(K) = -sum_{k = K, unresolved} T(k) d(k) / T(K)
** Refused: projection in physical space, which leaves the solver's modes and then loses agreement
** when the solver drops what it does not keep.
*/
#include "sim/perturb.h"

#include <complex.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "sim/fft.h"

#define TURN 6.28318530717958647692

typedef double _Complex mode;

typedef struct {
  int64_t h, w, coarse_h, coarse_w, factor;
  fx_coarse coarse;
  fx_rng key;
  fx_fft2 *plan;
  double *field; /* (h,w) */
  mode *modes;   /* (h, w/2+1) */
  mode *debt;    /* (coarse_h, coarse_w) */
} work;

static int64_t modulo (int64_t a, int64_t n) { return (a % n + n) % n; }

static bool resolved (const work *k, int64_t ky, int64_t kx) {
  return 2 * llabs(kx) < k->coarse_w && 2 * llabs(ky) < k->coarse_h;
}

/* The solver keeps it, and its class has a resolved mode that may change. */
static bool may_change (const work *k, int64_t ky, int64_t kx) {
  if (3 * llabs(kx) >= k->w || 3 * llabs(ky) >= k->h || resolved(k, ky, kx))
    return false;
  const int64_t y = modulo(ky, k->coarse_h), x = modulo(kx, k->coarse_w);
  return k->coarse == FX_COARSE_CUTOFF ||
         (2 * y != k->coarse_h && 2 * x != k->coarse_w && (y != 0 || x != 0));
}

/* One axis of the block mean: mean over j of exp(2 pi i wave j / n). */
static mode block_axis (int64_t wave, int64_t n, int64_t factor) {
  mode sum = 0.0;
  for (int64_t j = 0; j < factor; j++)
    sum += cexp(I * (TURN * (double)(wave * j) / (double)n));
  return sum / (double)factor;
}

static mode transfer (const work *k, int64_t ky, int64_t kx) {
  if (k->coarse != FX_COARSE_BLOCK_MEAN)
    return 1.0;
  return block_axis(ky, k->h, k->factor) * block_axis(kx, k->w, k->factor);
}

/* exp(i phase) - 1; of k and -k conjugates of each other. */
static mode turn_of (const work *k, int64_t ky, int64_t kx) {
  const int mirrored = kx < 0 || (kx == 0 && ky < 0);
  const int64_t y = mirrored ? -ky : ky, x = mirrored ? -kx : kx;
  const uint64_t index = (uint64_t)x << 17 | (uint64_t)(y + 65536);
  const double angle = TURN * (double)fx_rng_u32(k->key, 4 * index) * 0x1p-32;
  return cexp(I * (mirrored ? -angle : angle)) - 1.0;
}

static mode *at (const work *k, int64_t ky, int64_t kx) {
  return &k->modes[modulo(ky, k->h) * (k->w / 2 + 1) + kx];
}

/* The mode before any change; kx of either sign. */
static mode value (const work *k, int64_t ky, int64_t kx) {
  return kx >= 0 ? *at(k, ky, kx) : conj(*at(k, -ky, -kx));
}

/* What the changes to come will alias onto every coarse mode. */
static void add_debts (work *k) {
  const int64_t top_y = (k->h - 1) / 3, top_x = (k->w - 1) / 3;
  for (int64_t ky = -top_y; ky <= top_y; ky++) {
    for (int64_t kx = -top_x; kx <= top_x; kx++) {
      if (may_change(k, ky, kx))
        k->debt[modulo(ky, k->coarse_h) * k->coarse_w + modulo(kx, k->coarse_w)] +=
            transfer(k, ky, kx) * turn_of(k, ky, kx) * value(k, ky, kx);
    }
  }
}

static void change (work *k) {
  const int64_t top_y = (k->h - 1) / 3, top_x = (k->w - 1) / 3;
  if (k->coarse != FX_COARSE_CUTOFF)
    add_debts(k);
  for (int64_t ky = -top_y; ky <= top_y; ky++) {
    for (int64_t kx = 0; kx <= top_x; kx++) {
      if (may_change(k, ky, kx))
        *at(k, ky, kx) *= 1.0 + turn_of(k, ky, kx);
      else if (resolved(k, ky, kx))
        *at(k, ky, kx) -= k->debt[modulo(ky, k->coarse_h) * k->coarse_w + kx] / transfer(k, ky, kx);
    }
  }
}

static fx_status check (const fx_tensor *field, int64_t factor, fx_coarse coarse) {
  char text[FX_SHAPE_TEXT];
  if (field->ndim != 4 || field->shape[0] != 1 || field->shape[3] != 1)
    return fx_fail(FX_ESHAPE, "perturb: the field must be (1,H,W,1), got %s",
                   fx_shape_text(field, text));
  if (field->dtype != FX_F32 && field->dtype != FX_F64)
    return fx_fail(FX_EARG, "perturb: the field must be f32 or f64, got %s",
                   fx_dtype_name(field->dtype));
  if (factor < 2 || field->shape[1] % factor != 0 || field->shape[2] % factor != 0)
    return fx_fail(FX_EARG, "perturb: factor must be 2 or more and divide %s, got %" PRId64,
                   fx_shape_text(field, text), factor);
  if ((int)coarse < 0 || coarse > FX_COARSE_CUTOFF)
    return fx_fail(FX_EARG, "perturb: unknown way to coarsen, %d", (int)coarse);
  return FX_OK;
}

static fx_status open_work (work *k) {
  k->field = fx_calloc((size_t)(k->h * k->w), sizeof(double));
  k->modes = fx_calloc((size_t)(k->h * (k->w / 2 + 1)), sizeof(mode));
  k->debt = fx_calloc((size_t)(k->coarse_h * k->coarse_w), sizeof(mode));
  if (!k->field || !k->modes || !k->debt)
    return FX_ENOMEM;
  return fx_fft2_new(k->h, k->w, &k->plan);
}

static void close_work (work *k) {
  fx_fft2_free(k->plan);
  fx_free(k->field);
  fx_free(k->modes);
  fx_free(k->debt);
}

fx_status fx_perturb_unseen (const fx_tensor *field, int64_t factor, fx_coarse coarse, fx_rng key,
                             fx_tensor **out) {
  FX_TRY(check(field, factor, coarse));
  fx_tensor *result = NULL;
  fx_status st;
  work k = {
    .h = field->shape[1], .w = field->shape[2], .factor = factor, .coarse = coarse, .key = key
  };
  k.coarse_h = k.h / factor;
  k.coarse_w = k.w / factor;
  FX_GOTO(open_work(&k));
  FX_GOTO(fx_tensor_new(FX_F64, 4, field->shape, &result));
  for (int64_t i = 0; i < k.h * k.w; i++)
    k.field[i] = field->dtype == FX_F32 ? (double)fx_f32(field)[i] : fx_f64(field)[i];
  FX_GOTO(fx_fft2_forward(k.plan, k.field, (double *)k.modes));
  change(&k);
  FX_GOTO(fx_fft2_inverse(k.plan, (const double *)k.modes, fx_f64(result)));
  *out = result;
  result = NULL;
done:
  close_work(&k);
  fx_tensor_release(result);
  return st;
}
