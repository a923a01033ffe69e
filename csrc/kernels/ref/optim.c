/* optim.c - one step of each optimiser on one parameter; formulas in kernels.h. */
#include <math.h>

#include "kernels/ref/ref.h"

static void follow (fx_tensor *average, int64_t i, double decay, double p) {
  if (average)
    store(average, i, load(average, i) - (1 - decay) * (load(average, i) - p));
}

fx_status fxref_adam (const fx_kernel_adam *k) {
  const double correct1 = 1 - pow(k->beta1, (double)k->step);
  const double correct2 = sqrt(1 - pow(k->beta2, (double)k->step));
  for (int64_t i = 0; i < fx_tensor_count(k->p); i++) {
    double p = load(k->p, i), g = load(k->g, i) * k->grad_scale;
    if (k->decoupled)
      p *= 1 - k->lr * k->decay;
    else
      g += k->decay * p;
    const double m = k->beta1 * load(k->m, i) + (1 - k->beta1) * g;
    const double v = k->beta2 * load(k->v, i) + (1 - k->beta2) * g * g;
    p -= k->lr / correct1 * m / (sqrt(v) / correct2 + k->eps);
    store(k->m, i, m);
    store(k->v, i, v);
    store(k->p, i, p);
    follow(k->average, i, k->ema_decay, load(k->p, i));
  }
  return FX_OK;
}

fx_status fxref_lion (const fx_kernel_lion *k) {
  for (int64_t i = 0; i < fx_tensor_count(k->p); i++) {
    const double g = load(k->g, i) * k->grad_scale, m = load(k->m, i);
    const double direction = k->beta1 * m + (1 - k->beta1) * g;
    const double sign = direction > 0 ? 1 : direction < 0 ? -1 : direction;
    store(k->p, i, load(k->p, i) * (1 - k->lr * k->decay) - k->lr * sign);
    store(k->m, i, k->beta2 * m + (1 - k->beta2) * g);
    follow(k->average, i, k->ema_decay, load(k->p, i));
  }
  return FX_OK;
}

fx_status fxref_ema (const fx_kernel_ema *k) {
  for (int64_t i = 0; i < fx_tensor_count(k->p); i++)
    follow(k->average, i, k->ema_decay, load(k->p, i));
  return FX_OK;
}
