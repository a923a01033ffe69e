/*
** optimizer.c - see optimizer.h. The arithmetic is one kernel per parameter; here are the state, the
** clipping and the average's schedule.
*/
#include "optim/optimizer.h"

#include <math.h>
#include <string.h>

#include "autograd/profile.h"
#include "base/alloc.h"
#include "kernels/kernels.h"

fx_optimizer_config fx_optimizer_defaults (fx_optimizer_kind kind) {
  fx_optimizer_config c = { .kind = kind, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8 };
  if (kind == FX_OPTIMIZER_LION)
    c.beta2 = 0.98;
  if (kind == FX_OPTIMIZER_ADAMW)
    c.weight_decay = 0.01;
  return c;
}

static fx_status check (const fx_optimizer_config *c, fx_tensor *const *params, int count) {
  if (!(c->beta1 >= 0 && c->beta1 < 1) || !(c->beta2 >= 0 && c->beta2 < 1))
    return fx_fail(FX_EARG, "beta1 and beta2 must lie in [0,1), not %g and %g", c->beta1, c->beta2);
  if (!(c->eps > 0) || !(c->weight_decay >= 0))
    return fx_fail(FX_EARG, "eps must be > 0 and weight_decay >= 0, not %g and %g", c->eps,
                   c->weight_decay);
  if (!(c->ema >= 0 && c->ema < 1))
    return fx_fail(FX_EARG, "ema must lie in [0,1), not %g", c->ema);
  for (int i = 0; i < count; i++)
    if (!fx_requires_grad(params[i]))
      return fx_fail(FX_EARG, "parameter %d is not tracked, so it has no gradient", i + 1);
  return FX_OK;
}

static fx_status make_state (fx_optimizer *o, fx_tensor *const *params) {
  for (int i = 0; i < o->count; i++) {
    o->params[i] = fx_tensor_retain(params[i]);
    FX_TRY(fx_tensor_new_zeros_like(params[i], &o->first[i]));
    if (o->config.kind != FX_OPTIMIZER_LION)
      FX_TRY(fx_tensor_new_zeros_like(params[i], &o->second[i]));
    if (o->config.ema > 0)
      FX_TRY(fx_tensor_clone(params[i], &o->average[i]));
  }
  return FX_OK;
}

fx_status fx_optimizer_new (const fx_optimizer_config *config, fx_tensor *const *params, int count,
                            fx_optimizer **out) {
  FX_TRY(check(config, params, count));
  fx_optimizer *o = fx_calloc(1, sizeof *o);
  if (!o)
    return FX_ENOMEM;
  o->config = *config;
  o->count = count;
  o->params = fx_calloc((size_t)count + 1, 4 * sizeof *o->params);
  fx_status st = o->params ? FX_OK : FX_ENOMEM;
  if (st == FX_OK) {
    o->first = o->params + count;
    o->second = o->first + count;
    o->average = o->second + count;
    const fx_memory_kind kind = fx_memory_enter(FX_MEMORY_OPTIMISER);
    st = make_state(o, params);
    fx_memory_enter(kind);
  }
  if (st != FX_OK) {
    fx_optimizer_free(o);
    return st;
  }
  *out = o;
  return FX_OK;
}

void fx_optimizer_free (fx_optimizer *o) {
  if (!o)
    return;
  for (int i = 0; o->params && i < 4 * o->count; i++)
    fx_tensor_release(o->params[i]);
  fx_free(o->params);
  fx_free(o);
}

/* The norm over all gradients, each summed in double in a fixed order. */
static fx_status gradient_norm (const fx_optimizer *o, double *norm, int *bad) {
  double total = 0;
  *bad = -1;
  for (int i = 0; i < o->count; i++) {
    const fx_tensor *g = fx_grad(o->params[i]);
    double sum = 0;
    if (g)
      FX_TRY(FX_RUN(g, sum_squares, .x = g, .sum = &sum));
    if (!isfinite(sum) && *bad < 0)
      *bad = i;
    total += sum;
  }
  *norm = sqrt(total);
  return FX_OK;
}

static fx_status update (const fx_optimizer *o, int i, double lr, double scale, double ema) {
  const fx_optimizer_config *c = &o->config;
  fx_tensor *p = o->params[i];
  const fx_tensor *g = fx_grad(p);
  if (!g) {
    if (!o->average[i])
      return FX_OK;
    return FX_RUN(p, ema, .p = p, .ema_decay = ema, .average = o->average[i]);
  }
  if (c->kind == FX_OPTIMIZER_LION)
    return FX_RUN(p, lion, .p = p, .m = o->first[i], .average = o->average[i], .g = g, .lr = lr,
                  .beta1 = c->beta1, .beta2 = c->beta2, .decay = c->weight_decay, .ema_decay = ema,
                  .grad_scale = scale);
  return FX_RUN(p, adam, .p = p, .m = o->first[i], .v = o->second[i], .average = o->average[i],
                .g = g, .lr = lr, .beta1 = c->beta1, .beta2 = c->beta2, .eps = c->eps,
                .decay = c->weight_decay, .ema_decay = ema, .grad_scale = scale, .step = o->steps,
                .decoupled = c->kind == FX_OPTIMIZER_ADAMW);
}

static fx_status step (fx_optimizer *o, double lr, double clip, double *norm, int *bad) {
  FX_TRY(gradient_norm(o, norm, bad));
  if (*bad >= 0)
    return fx_fail(FX_EARG, "the gradient of parameter %d is not finite", *bad + 1);
  double scale = 1;
  if (clip > 0 && *norm + 1e-6 > clip)
    scale = clip / (*norm + 1e-6);
  o->steps++;
  const double warm = (1.0 + (double)o->steps) / (10.0 + (double)o->steps);
  const double ema = o->config.ema < warm ? o->config.ema : warm;
  for (int i = 0; i < o->count; i++)
    FX_TRY(update(o, i, lr, scale, ema));
  return FX_OK;
}

/* What a step reads and writes: parameter, gradient and state, each once. */
static int64_t step_bytes (const fx_optimizer *o) {
  int64_t bytes = 0;
  for (int i = 0; i < 4 * o->count; i++)
    bytes += o->params[i] ? 4 * fx_tensor_count(o->params[i]) : 0;
  for (int i = 0; i < o->count; i++)
    bytes += fx_grad(o->params[i]) ? 4 * fx_tensor_count(o->params[i]) : 0;
  return bytes;
}

fx_status fx_optimizer_step (fx_optimizer *o, double lr, double clip, double *norm, int *bad) {
  if (!fx_profiling)
    return step(o, lr, clip, norm, bad);
  const fx_profile_frame frame = fx_profile_enter();
  const fx_status st = step(o, lr, clip, norm, bad);
  fx_profile_leave_work(frame, "optimiser", step_bytes(o));
  return st;
}

void fx_optimizer_clear_grads (fx_optimizer *o) {
  for (int i = 0; i < o->count; i++)
    fx_clear_grad(o->params[i]);
}

static void swap_bytes (unsigned char *a, unsigned char *b, size_t n) {
  unsigned char block[4096];
  for (size_t i = 0; i < n; i += sizeof block) {
    const size_t m = n - i < sizeof block ? n - i : sizeof block;
    memcpy(block, a + i, m);
    memcpy(a + i, b + i, m);
    memcpy(b + i, block, m);
  }
}

fx_status fx_optimizer_swap (fx_optimizer *o) {
  if (o->config.ema == 0)
    return fx_fail(FX_EARG, "this optimiser keeps no averages: give it ema > 0");
  for (int i = 0; i < o->count; i++)
    swap_bytes(o->params[i]->data, o->average[i]->data,
               (size_t)fx_tensor_count(o->params[i]) * fx_dtype_size(o->params[i]->dtype));
  return FX_OK;
}
