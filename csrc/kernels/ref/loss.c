/* loss.c - mean losses and their slopes with respect to a. */
#include <math.h>

#include "kernels/ref/ref.h"

static double penalty (fx_loss_kind kind, double delta, double r) {
  const double size = fabs(r);
  switch (kind) {
  case FX_LOSS_L1: return size;
  case FX_LOSS_MSE: return r * r;
  case FX_LOSS_HUBER: return size <= delta ? 0.5 * r * r : delta * (size - 0.5 * delta);
  }
  return NAN;
}

static double slope (fx_loss_kind kind, double delta, double r) {
  const double sign = r > 0 ? 1 : r < 0 ? -1 : r; /* 0 at 0, NaN at NaN */
  switch (kind) {
  case FX_LOSS_L1: return sign;
  case FX_LOSS_MSE: return 2 * r;
  case FX_LOSS_HUBER: return fabs(r) <= delta ? r : delta * sign;
  }
  return NAN;
}

fx_status fxref_loss_forward (const fx_kernel_loss_forward *k) {
  const int64_t n = fx_tensor_count(k->a);
  double sum = 0;
  for (int64_t i = 0; i < n; i++)
    sum += penalty(k->kind, k->delta, load(k->a, i) - load(k->b, i));
  store(k->y, 0, sum / (double)n);
  return FX_OK;
}

fx_status fxref_loss_backward (const fx_kernel_loss_backward *k) {
  const int64_t n = fx_tensor_count(k->a);
  for (int64_t i = 0; i < n; i++) {
    const double r = load(k->a, i) - load(k->b, i);
    store(k->dx, i, load(k->dy, 0) / (double)n * slope(k->kind, k->delta, r));
  }
  return FX_OK;
}
