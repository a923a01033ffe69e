/* loss.c - means over all elements; the gradient for b is minus that for a. */
#include "ops/shapes.h"

static fx_status loss_forward (fx_loss_kind kind, double delta, const fx_tensor *a,
                               const fx_tensor *b, fx_tensor **y) {
  char s[FX_SHAPE_TEXT], t[FX_SHAPE_TEXT];
  FX_TRY(fx_same_dtype(a, b));
  if (!fx_same_shape(a, b))
    return fx_fail(FX_ESHAPE, "a %s and b %s must have one shape", fx_shape_text(a, s),
                   fx_shape_text(b, t));
  FX_TRY(fx_tensor_new(a->dtype, 0, NULL, y));
  return FX_RUN(a, loss_forward, .kind = kind, .delta = delta, .a = a, .b = b, .y = *y);
}

static fx_status loss_backward (fx_loss_kind kind, double delta, const fx_tensor *a,
                                const fx_tensor *b, const fx_tensor *dy, fx_tensor **da,
                                fx_tensor **db) {
  fx_tensor *g = NULL;
  fx_status st;
  FX_GOTO(fx_tensor_new_like(a, &g));
  FX_GOTO(
      FX_RUN(dy, loss_backward, .kind = kind, .delta = delta, .a = a, .b = b, .dy = dy, .dx = g));
  if (db) {
    FX_GOTO(fx_tensor_new_like(b, db));
    FX_GOTO(FX_RUN(g, unary_forward, .f = FX_UNARY_AFFINE, .a = -1, .x = g, .y = *db));
  }
  if (da)
    *da = fx_tensor_retain(g);
done:
  fx_tensor_release(g);
  return st;
}

#define LOSS(op, kind, delta) \
  fx_status fx_##op##_forward(const fx_##op##_args *a, fx_kept *kept, fx_tensor **y) { \
    (void)kept; \
    return loss_forward(kind, delta, a->a, a->b, y); \
  } \
  fx_status fx_##op##_backward(const fx_##op##_args *a, const fx_kept *kept, const fx_tensor *dy, \
                               const fx_##op##_grads *d) { \
    (void)kept; \
    return loss_backward(kind, delta, a->a, a->b, dy, d->a, d->b); \
  }

LOSS(l1_loss, FX_LOSS_L1, 0)
LOSS(mse_loss, FX_LOSS_MSE, 0)
LOSS(huber_loss, FX_LOSS_HUBER, a->delta)
