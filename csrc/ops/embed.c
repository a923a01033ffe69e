/* embed.c - Fourier features of time, and dropout, whose mask is drawn again in backward. */
#include "ops/shapes.h"

fx_status fx_fourier_forward (const fx_fourier_args *a, fx_kept *kept, fx_tensor **y) {
  (void)kept;
  FX_TRY(fx_same_dtype(a->t, a->freqs));
  FX_TRY(fx_same_dtype(a->t, a->phases));
  FX_TRY(fx_expect_ndim(a->t, 1, "t", "(N)"));
  FX_TRY(fx_expect_ndim(a->freqs, 1, "freqs", "(D)"));
  FX_TRY(fx_expect_vector(a->phases, a->freqs->shape[0], "phases"));
  const fx_dims dims = { 2, { a->t->shape[0], a->freqs->shape[0] } };
  FX_TRY(fx_tensor_new_dims(a->t, &dims, y));
  return FX_RUN(a->t, fourier, .t = a->t, .freqs = a->freqs, .phases = a->phases, .y = *y);
}

fx_status fx_fourier_backward (const fx_fourier_args *a, const fx_kept *kept, const fx_tensor *dy,
                               const fx_fourier_grads *d) {
  (void)a, (void)kept, (void)dy, (void)d; /* no operand takes a gradient */
  return FX_OK;
}

fx_status fx_dropout_forward (const fx_dropout_args *a, fx_kept *kept, fx_tensor **y) {
  (void)kept;
  FX_TRY(fx_same_dtype(a->x, a->x));
  if (!(a->p >= 0 && a->p < 1))
    return fx_fail(FX_EARG, "option 'p' must lie in [0,1), got %g", a->p);
  if (a->x->ndim < 1)
    return fx_expect_ndim(a->x, 2, "x", "(N,...)");
  FX_TRY(fx_tensor_new_like(a->x, y));
  return FX_RUN(a->x, dropout, .x = a->x, .p = a->p, .key = a->key, .y = *y);
}

fx_status fx_dropout_backward (const fx_dropout_args *a, const fx_kept *kept, const fx_tensor *dy,
                               const fx_dropout_grads *d) {
  (void)kept;
  if (!d->x)
    return FX_OK;
  FX_TRY(fx_tensor_new_like(dy, d->x));
  return FX_RUN(dy, dropout, .x = dy, .p = a->p, .key = a->key, .y = *d->x);
}
