/*
** param.c - see param.h. The address of a parameter's random numbers is the hash of its name, so the
** order in which layers register plays no part.
*/
#include "nn/param.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "autograd/tape.h"
#include "base/alloc.h"
#include "base/grow.h"
#include "base/hash.h"

#define TWO_PI 6.28318530717958647692

void fx_params_init (fx_params *ps) { memset(ps, 0, sizeof *ps); }

void fx_params_free (fx_params *ps) {
  for (int i = 0; i < ps->count; i++) {
    fx_free(ps->list[i].name);
    fx_tensor_release(ps->list[i].value);
  }
  fx_free(ps->list);
  fx_params_init(ps);
}

const fx_param *fx_params_find (const fx_params *ps, const char *name) {
  for (int i = 0; i < ps->count; i++)
    if (strcmp(ps->list[i].name, name) == 0)
      return &ps->list[i];
  return NULL;
}

static fx_status add (fx_params *ps, const char *name, fx_param p, int ndim, const int64_t *shape) {
  if (fx_params_find(ps, name))
    return fx_fail(FX_EARG, "two parameters are called '%s'", name);
  FX_TRY(FX_GROW(ps->list, ps->count, ps->room));
  const fx_memory_kind kind = fx_memory_enter(FX_MEMORY_WEIGHTS);
  const fx_status st = fx_tensor_new_zeros(FX_F32, ndim, shape, &p.value);
  fx_memory_enter(kind);
  FX_TRY(st);
  p.name = fx_strdup(name);
  if (!p.name || (p.trained && fx_set_requires_grad(p.value, true) != FX_OK)) {
    fx_free(p.name);
    fx_tensor_release(p.value);
    return FX_ENOMEM;
  }
  ps->list[ps->count++] = p;
  return FX_OK;
}

fx_tensor *fx_params_add (fx_params *ps, const char *prefix, const char *name, fx_init init,
                          int64_t fan_in, int64_t fan_out, bool trained, int ndim,
                          const int64_t *shape) {
  char full[256];
  if (ps->status != FX_OK)
    return NULL;
  if (snprintf(full, sizeof full, "%s%s%s", prefix, *prefix ? "." : "", name) >= (int)sizeof full) {
    ps->status = fx_fail(FX_EARG, "the parameter name '%s.%s' is too long", prefix, name);
    return NULL;
  }
  const fx_param p = { .init = init, .fan_in = fan_in, .fan_out = fan_out, .trained = trained };
  ps->status = add(ps, full, p, ndim, shape);
  return ps->status == FX_OK ? ps->list[ps->count - 1].value : NULL;
}

/* Normal numbers cut at |z| <= 2 / 0.02 standard deviations hardly ever need a second draw; the
** draw's `step` counts attempts, so that the result stays a function of the address. */
static void fill_truncated (fx_tensor *t, fx_rng key, double sd, double cut) {
  const int64_t n = fx_tensor_count(t);
  for (int64_t i = 0; i < n; i++) {
    double z;
    key.step = 0;
    do {
      fx_rng_normal_f64(key, (uint64_t)i, 1, &z);
      key.step++;
    } while (fabs(z * sd) > cut);
    fx_tensor_set(t, i, z * sd);
  }
}

static void fill (const fx_param *p, fx_rng key) {
  const double in = (double)p->fan_in, out = (double)p->fan_out;
  double bound;
  switch (p->init) {
  case FX_INIT_ZERO: fx_tensor_fill(p->value, 0); break;
  case FX_INIT_ONE: fx_tensor_fill(p->value, 1); break;
  case FX_INIT_XAVIER:
    bound = sqrt(6.0 / (in + out));
    fx_tensor_uniform(p->value, key, -bound, bound);
    break;
  case FX_INIT_KAIMING:
    bound = 1.0 / sqrt(in);
    fx_tensor_uniform(p->value, key, -bound, bound);
    break;
  case FX_INIT_TRUNCATED: fill_truncated(p->value, key, 0.02, 2.0); break;
  case FX_INIT_FREQUENCY:
    fx_tensor_normal(p->value, key);
    for (int64_t i = 0; i < fx_tensor_count(p->value); i++)
      fx_tensor_set(p->value, i, TWO_PI * fx_tensor_get(p->value, i));
    break;
  case FX_INIT_PHASE: fx_tensor_uniform(p->value, key, 0, TWO_PI); break;
  }
}

void fx_params_reset (fx_params *ps, uint64_t seed, const char *prefix) {
  for (int i = 0; i < ps->count; i++) {
    const fx_param *p = &ps->list[i];
    uint64_t hash = fx_hash(FX_HASH_START, prefix, strlen(prefix));
    hash = fx_hash(hash, p->name, strlen(p->name));
    const fx_rng key = { .seed = seed,
                         .stream = FX_STREAM_INIT,
                         .sample = (uint32_t)hash,
                         .member = (uint32_t)(hash >> 32) & 0xFFFFFF };
    fill(p, key);
  }
}

int64_t fx_params_count (const fx_params *ps) {
  int64_t n = 0;
  for (int i = 0; i < ps->count; i++)
    n += ps->list[i].trained ? fx_tensor_count(ps->list[i].value) : 0;
  return n;
}
