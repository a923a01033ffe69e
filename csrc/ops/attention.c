/* attention.c - softmax and scaled dot-product attention; probabilities are recomputed in backward. */
#include <inttypes.h>

#include "ops/shapes.h"

fx_status fx_softmax_forward (const fx_softmax_args *a, fx_kept *kept, fx_tensor **y) {
  FX_TRY(fx_same_dtype(a->x, a->x));
  if (a->x->ndim < 1)
    return fx_expect_ndim(a->x, 1, "x", "(...,C)");
  FX_TRY(fx_tensor_new_like(a->x, y));
  kept->t[0] = fx_tensor_retain(*y);
  return FX_RUN(a->x, softmax_forward, .x = a->x, .y = *y);
}

fx_status fx_softmax_backward (const fx_softmax_args *a, const fx_kept *kept, const fx_tensor *dy,
                               const fx_softmax_grads *d) {
  if (!d->x)
    return FX_OK;
  FX_TRY(fx_tensor_new_like(a->x, d->x));
  return FX_RUN(dy, softmax_backward, .y = kept->t[0], .dy = dy, .dx = *d->x);
}

static fx_status check (const fx_attention_args *a) {
  char s[FX_SHAPE_TEXT], t[FX_SHAPE_TEXT], u[FX_SHAPE_TEXT];
  FX_TRY(fx_same_dtype(a->q, a->k));
  FX_TRY(fx_same_dtype(a->q, a->v));
  if (a->q->ndim != 3 || !fx_same_shape(a->k, a->v) || a->k->ndim != 3 ||
      a->k->shape[0] != a->q->shape[0] || a->k->shape[2] != a->q->shape[2])
    return fx_fail(FX_ESHAPE, "q %s, k %s, v %s must be (N,T,D), (N,S,D), (N,S,D)",
                   fx_shape_text(a->q, s), fx_shape_text(a->k, t), fx_shape_text(a->v, u));
  if (a->heads < 1 || a->q->shape[2] % a->heads != 0)
    return fx_fail(FX_ESHAPE, "%" PRId64 " channels do not divide into %" PRId64 " heads",
                   a->q->shape[2], a->heads);
  return FX_OK;
}

fx_status fx_attention_forward (const fx_attention_args *a, fx_kept *kept, fx_tensor **y) {
  (void)kept;
  FX_TRY(check(a));
  FX_TRY(fx_tensor_new_like(a->q, y));
  return FX_RUN(a->q, attention_forward, .q = a->q, .k = a->k, .v = a->v, .heads = a->heads,
                .y = *y);
}

/* The kernel always writes three gradients; those nobody wants go to scratch. */
fx_status fx_attention_backward (const fx_attention_args *a, const fx_kept *kept,
                                 const fx_tensor *dy, const fx_attention_grads *d) {
  const fx_tensor *like[3] = { a->q, a->k, a->v };
  fx_tensor **slots[3] = { d->q, d->k, d->v }, *g[3] = { NULL, NULL, NULL };
  fx_status st = FX_OK;
  (void)kept;
  for (int i = 0; i < 3; i++)
    FX_GOTO(fx_tensor_new_like(like[i], &g[i]));
  FX_GOTO(FX_RUN(dy, attention_backward, .q = a->q, .k = a->k, .v = a->v, .dy = dy,
                 .heads = a->heads, .dq = g[0], .dk = g[1], .dv = g[2]));
  for (int i = 0; i < 3; i++)
    if (slots[i])
      *slots[i] = fx_tensor_retain(g[i]);
done:
  for (int i = 0; i < 3; i++)
    fx_tensor_release(g[i]);
  return st;
}
