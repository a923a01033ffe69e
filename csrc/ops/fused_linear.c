/*
** fused_linear.c - a linear layer of a transformer block with what stands around it as one op.
**
**   a = dropout(activation(layer_norm(x and x2 side by side))),   y = a w^T + b + add
**
** The activation is of what is read, not of the result, as in fused_conv: so fc1's result is kept once, as
** fc2's operand, and GELU of it is made again in backward without another product. Neither normalised rows
** nor their statistics are kept. Its meaning is fxref_fused_linear_*; that it equals the composition of
** the single ops is a test.
*/
#include <inttypes.h>

#include "ops/shapes.h"

static fx_linear_input input_of (const fx_fused_linear_args *a) {
  return (fx_linear_input){ .x = a->x,
                            .x2 = a->x2,
                            .norm_w = a->norm_w,
                            .norm_b = a->norm_b,
                            .eps = a->eps,
                            .gelu = a->activation == FX_ACTIVATION_GELU,
                            .p = a->p,
                            .key = a->key };
}

/* The shape of x but for its last axis, which is `last`. */
static fx_dims dims_with (const fx_tensor *x, int64_t last) {
  fx_dims dims = fx_dims_of(x);
  dims.d[dims.n - 1] = last;
  return dims;
}

static int64_t inputs_of (const fx_fused_linear_args *a) {
  return fx_last(a->x) + (a->x2 ? fx_last(a->x2) : 0);
}

static bool lies_beside (const fx_tensor *t, const fx_tensor *x) {
  bool fits = t->ndim == x->ndim;
  for (int i = 0; fits && i < x->ndim - 1; i++)
    fits = t->shape[i] == x->shape[i];
  return fits;
}

static fx_status check_input (const fx_fused_linear_args *a) {
  char s[FX_SHAPE_TEXT], t[FX_SHAPE_TEXT];
  FX_TRY(fx_same_dtype(a->x, a->w));
  if (a->x->ndim < 2)
    return fx_expect_ndim(a->x, 2, "x", "(N,...,I)");
  if (a->x2 && !lies_beside(a->x2, a->x))
    return fx_fail(FX_ESHAPE, "x2 %s must lie beside x %s", fx_shape_text(a->x2, s),
                   fx_shape_text(a->x, t));
  if (!(a->p >= 0 && a->p < 1))
    return fx_fail(FX_EARG, "option 'p' must lie in [0,1), got %g", a->p);
  if (!a->norm_w)
    return a->norm_b ? fx_fail(FX_EARG, "norm_b needs norm_w") : FX_OK;
  FX_TRY(fx_expect_vector(a->norm_w, inputs_of(a), "norm_w"));
  return a->norm_b ? fx_expect_vector(a->norm_b, inputs_of(a), "norm_b") : FX_OK;
}

static fx_status check (const fx_fused_linear_args *a) {
  char s[FX_SHAPE_TEXT], t[FX_SHAPE_TEXT];
  const fx_tensor *rest[] = { a->x2, a->norm_w, a->norm_b, a->b, a->add };
  FX_TRY(check_input(a));
  for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
    if (rest[i])
      FX_TRY(fx_same_dtype(a->x, rest[i]));
  FX_TRY(fx_expect_ndim(a->w, 2, "w", "(O,I)"));
  if (a->w->shape[1] != inputs_of(a))
    return fx_fail(FX_ESHAPE, "x %s%s%s must hold the %" PRId64 " inputs of w %s",
                   fx_shape_text(a->x, s), a->x2 ? " and x2 " : "",
                   a->x2 ? fx_shape_text(a->x2, t) : "", a->w->shape[1],
                   fx_shape_text(a->w, (char[FX_SHAPE_TEXT]){ 0 }));
  if (a->b)
    FX_TRY(fx_expect_vector(a->b, a->w->shape[0], "b"));
  if (a->add && (!lies_beside(a->add, a->x) || fx_last(a->add) != a->w->shape[0]))
    return fx_fail(FX_ESHAPE, "add %s must have the shape of the result", fx_shape_text(a->add, s));
  return FX_OK;
}

fx_status fx_fused_linear_forward (const fx_fused_linear_args *a, fx_kept *kept, fx_tensor **y) {
  (void)kept;
  FX_TRY(check(a));
  const fx_dims dims = dims_with(a->x, a->w->shape[0]);
  FX_TRY(fx_tensor_new_dims(a->x, &dims, y));
  return FX_RUN(a->x, fused_linear_forward, .in = input_of(a), .w = a->w, .b = a->b, .add = a->add,
                .y = *y);
}

/* --- backward --------------------------------------------------------------------------------- */

static fx_tensor *made (fx_tensor **slot) { return slot ? *slot : NULL; }

static fx_status backward_w (const fx_fused_linear_args *a, const fx_tensor *dy,
                             const fx_fused_linear_grads *d) {
  if (!d->w && !d->b)
    return FX_OK;
  FX_TRY(fx_like_wanted(a->w, d->w));
  FX_TRY(fx_like_wanted(a->b, d->b));
  return FX_RUN(dy, fused_linear_backward_w, .in = input_of(a), .dy = dy, .dw = made(d->w),
                .db = made(d->b));
}

/* From da to the gradients of what a was made of. Without x2, da becomes dx. */
static fx_status backward_input (const fx_fused_linear_args *a, const fx_fused_linear_grads *d,
                                 fx_tensor *da) {
  if (d->x && !a->x2) {
    *d->x = fx_tensor_retain(da);
    if (!a->norm_w && a->activation == FX_ACTIVATION_NONE && a->p == 0)
      return FX_OK;
  } else {
    FX_TRY(fx_like_wanted(a->x, d->x));
  }
  FX_TRY(fx_like_wanted(a->x2, d->x2));
  FX_TRY(fx_like_wanted(a->norm_w, d->norm_w));
  FX_TRY(fx_like_wanted(a->norm_b, d->norm_b));
  return FX_RUN(da, fused_linear_backward_x, .in = input_of(a), .da = da, .dx = made(d->x),
                .dx2 = made(d->x2), .dnorm_w = made(d->norm_w), .dnorm_b = made(d->norm_b));
}

fx_status fx_fused_linear_backward (const fx_fused_linear_args *a, const fx_kept *kept,
                                    const fx_tensor *dy, const fx_fused_linear_grads *d) {
  fx_tensor *da = NULL;
  (void)kept;
  FX_TRY(backward_w(a, dy, d));
  if (d->add)
    FX_TRY(fx_tensor_view(dy, 0, dy->ndim, dy->shape, d->add));
  if (!d->x && !d->x2 && !d->norm_w && !d->norm_b)
    return FX_OK;
  const fx_dims dims = dims_with(a->x, inputs_of(a));
  FX_TRY(fx_tensor_new_dims(a->x, &dims, &da));
  fx_status st = FX_RUN(dy, linear_backward_x, .dy = dy, .w = a->w, .dx = da);
  if (st == FX_OK)
    st = backward_input(a, d, da);
  fx_tensor_release(da);
  return st;
}
