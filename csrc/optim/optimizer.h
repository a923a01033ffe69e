/*
** optimizer.h - Adam, AdamW and Lion with clipping and an exponential moving average (EMA), in one
** pass over memory per parameter. Formulas: kernels/kernels.h.
**
** The optimiser owns its moments and averages and retains the parameters. Everything that a resumed
** run needs is in `first`, `second`, `average` and `steps`.
*/
#ifndef FX_OPTIMIZER_H
#define FX_OPTIMIZER_H

#include "autograd/tape.h"

typedef enum { FX_OPTIMIZER_ADAM, FX_OPTIMIZER_ADAMW, FX_OPTIMIZER_LION } fx_optimizer_kind;

typedef struct {
  fx_optimizer_kind kind;
  double beta1, beta2, eps, weight_decay;
  double ema; /* final decay; 0 = no average. Used decay: min(ema, (1+n)/(10+n)) at update n */
} fx_optimizer_config;

/* Usual values: Adam and AdamW .9 .999 1e-8, Lion .9 .98. */
fx_optimizer_config fx_optimizer_defaults(fx_optimizer_kind kind);

typedef struct {
  fx_optimizer_config config;
  int count;
  fx_tensor **params;  /* retained */
  fx_tensor **first;   /* m        */
  fx_tensor **second;  /* v, NULL entries for Lion */
  fx_tensor **average; /* EMA, NULL entries without it; starts as a copy of the weights */
  int64_t steps;       /* updates done */
} fx_optimizer;

fx_status fx_optimizer_new(const fx_optimizer_config *config, fx_tensor *const *params, int count,
                           fx_optimizer **out);
void fx_optimizer_free(fx_optimizer *o);

/* One update from the parameters' gradients (a parameter without one counts as zero gradient and is
** left alone, its average is not). clip > 0: gradients are scaled by min(1, clip/(norm + 1e-6)), the
** norm over all parameters. *norm gets the norm before clipping. A norm that is not finite changes
** nothing and fails with FX_EARG, naming the first parameter at fault by index in *bad (else -1). */
fx_status fx_optimizer_step(fx_optimizer *o, double lr, double clip, double *norm, int *bad);
void fx_optimizer_clear_grads(fx_optimizer *o);

/* Exchanges the weights with their averages; call twice to come back. FX_EARG without averages. */
fx_status fx_optimizer_swap(fx_optimizer *o);

#endif
