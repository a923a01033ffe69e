/*
** param.h - named parameters.
**
** A parameter list is the whole persistent state of a network: names as the authors' state_dict has
** them, tensors in our layout, how each is initialised, and whether it is trained. Layers (layers.h)
** register what they need under a prefix and keep borrowed pointers.
**
** Initial weights are a function of (seed, name): two networks that share a name and a shape share
** that weight, whatever else they contain. That is what makes the arms of an ablation comparable.
*/
#ifndef FX_PARAM_H
#define FX_PARAM_H

#include "tensor/tensor.h"

typedef enum {
  FX_INIT_ZERO,
  FX_INIT_ONE,
  FX_INIT_XAVIER,    /* U(+-sqrt(6/(fan_in+fan_out)))  [Glorot & Bengio 2010]  */
  FX_INIT_KAIMING,   /* U(+-1/sqrt(fan_in)): PyTorch's default for convolutions (a = sqrt 5) */
  FX_INIT_TRUNCATED, /* N(0, 0.02^2) cut at +-2 (absolute), as timm's trunc_normal_(std=.02) */
  FX_INIT_FREQUENCY, /* 2 pi N(0,1): MPFourier.freqs   */
  FX_INIT_PHASE      /* 2 pi U(0,1): MPFourier.phases  */
} fx_init;

typedef struct {
  char *name;
  fx_tensor *value;
  fx_init init;
  int64_t fan_in, fan_out;
  bool trained; /* false: a buffer, saved but not trained */
} fx_param;

typedef struct fx_params {
  fx_param *list;
  int count;
  int64_t room;
  fx_status status; /* first failure while building */
} fx_params;

void fx_params_init(fx_params *ps);
void fx_params_free(fx_params *ps);

/* Adds "prefix.name" (or name, if prefix is empty) and returns the tensor, borrowed; NULL after a
** failure, which ps->status keeps. A name that exists already is FX_EARG. */
fx_tensor *fx_params_add(fx_params *ps, const char *prefix, const char *name, fx_init init,
                         int64_t fan_in, int64_t fan_out, bool trained, int ndim,
                         const int64_t *shape);

const fx_param *fx_params_find(const fx_params *ps, const char *name);

/* (Re)initialises every parameter from the seed; `prefix` goes before names when hashing, so that a
** module keeps its weights wherever its names agree. */
void fx_params_reset(fx_params *ps, uint64_t seed, const char *prefix);

/* Number of trained numbers. */
int64_t fx_params_count(const fx_params *ps);

#endif
