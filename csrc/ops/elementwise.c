/*
** elementwise.c - functions of one number, and of two with broadcasting.
**
** A binary op's gradient is computed in the shape of the result and then summed over the axes along
** which the operand was repeated (sum_to). Unary ops differ only in their fx_unary and constants,
** so that each is two lines made by UNARY.
*/
#include "ops/shapes.h"

/* --- one operand ------------------------------------------------------------------------------- */

static fx_status unary_forward (fx_unary f, double a, double b, const fx_tensor *x, fx_tensor **y) {
  FX_TRY(fx_same_dtype(x, x));
  FX_TRY(fx_tensor_new_like(x, y));
  return FX_RUN(x, unary_forward, .f = f, .a = a, .b = b, .x = x, .y = *y);
}

static fx_status unary_backward (fx_unary f, double a, double b, const fx_tensor *x,
                                 const fx_tensor *dy, fx_tensor **dx) {
  if (!dx)
    return FX_OK;
  FX_TRY(fx_tensor_new_like(dy, dx));
  return FX_RUN(dy, unary_backward, .f = f, .a = a, .b = b, .x = x, .dy = dy, .dx = *dx);
}

/* p and q are the function's constants, written in terms of the arguments `a`. */
#define UNARY(op, f, p, q) \
  fx_status fx_##op##_forward(const fx_##op##_args *a, fx_kept *kept, fx_tensor **y) { \
    (void)kept; \
    return unary_forward(f, p, q, a->x, y); \
  } \
  fx_status fx_##op##_backward(const fx_##op##_args *a, const fx_kept *kept, const fx_tensor *dy, \
                               const fx_##op##_grads *d) { \
    (void)kept; \
    return unary_backward(f, p, q, a->x, dy, d->x); \
  }

UNARY(affine, FX_UNARY_AFFINE, a->scale, a->shift)
UNARY(exp, FX_UNARY_EXP, 0, 0)
UNARY(log, FX_UNARY_LOG, 0, 0)
UNARY(sqrt, FX_UNARY_SQRT, 0, 0)
UNARY(square, FX_UNARY_SQUARE, 0, 0)
UNARY(abs, FX_UNARY_ABS, 0, 0)
UNARY(sin, FX_UNARY_SIN, 0, 0)
UNARY(cos, FX_UNARY_COS, 0, 0)
UNARY(tanh, FX_UNARY_TANH, 0, 0)
UNARY(sigmoid, FX_UNARY_SIGMOID, 0, 0)
UNARY(silu, FX_UNARY_SILU, 0, 0)
UNARY(gelu, FX_UNARY_GELU, 0, 0)
UNARY(relu, FX_UNARY_RELU, 0, 0)
UNARY(pow, FX_UNARY_POW, a->exponent, 0)
UNARY(clamp, FX_UNARY_CLAMP, a->low, a->high)

/* --- two operands ------------------------------------------------------------------------------ */

static fx_status binary_forward (fx_binary f, const fx_tensor *a, const fx_tensor *b,
                                 fx_tensor **y) {
  fx_dims dims;
  FX_TRY(fx_same_dtype(a, b));
  FX_TRY(fx_broadcast_shape(a, b, &dims));
  FX_TRY(fx_tensor_new_dims(a, &dims, y));
  return FX_RUN(a, binary_forward, .f = f, .a = a, .b = b, .y = *y);
}

/* *out = scale * t summed to the shape of `like`; t itself, as a view, where that is all. */
static fx_status reduced (const fx_tensor *t, double scale, const fx_tensor *like,
                          fx_tensor **out) {
  if (fx_same_shape(t, like) && scale == 1)
    return fx_tensor_view(t, 0, t->ndim, t->shape, out);
  FX_TRY(fx_tensor_new_like(like, out));
  if (fx_same_shape(t, like))
    return FX_RUN(t, unary_forward, .f = FX_UNARY_AFFINE, .a = scale, .x = t, .y = *out);
  return FX_RUN(t, sum_to, .x = t, .scale = scale, .y = *out);
}

/* *out = scale * f(p, q) summed to the shape of `like`. */
static fx_status reduced_binary (fx_binary f, const fx_tensor *p, const fx_tensor *q, double scale,
                                 const fx_tensor *like, fx_tensor **out) {
  fx_tensor *full = NULL;
  fx_status st;
  FX_GOTO(binary_forward(f, p, q, &full));
  FX_GOTO(reduced(full, scale, like, out));
done:
  fx_tensor_release(full);
  return st;
}

#define BINARY_FORWARD(op, f) \
  fx_status fx_##op##_forward(const fx_##op##_args *a, fx_kept *kept, fx_tensor **y) { \
    (void)kept; \
    return binary_forward(f, a->a, a->b, y); \
  }
#define BINARY_BACKWARD(op) \
  fx_status fx_##op##_backward(const fx_##op##_args *a, const fx_kept *kept, const fx_tensor *dy, \
                               const fx_##op##_grads *d)

BINARY_FORWARD(add, FX_BINARY_ADD)
BINARY_FORWARD(sub, FX_BINARY_SUB)
BINARY_FORWARD(mul, FX_BINARY_MUL)
BINARY_FORWARD(div, FX_BINARY_DIV)
BINARY_FORWARD(maximum, FX_BINARY_MAXIMUM)
BINARY_FORWARD(minimum, FX_BINARY_MINIMUM)

BINARY_BACKWARD(add) {
  (void)kept;
  if (d->a)
    FX_TRY(reduced(dy, 1, a->a, d->a));
  return d->b ? reduced(dy, 1, a->b, d->b) : FX_OK;
}

BINARY_BACKWARD(sub) {
  (void)kept;
  if (d->a)
    FX_TRY(reduced(dy, 1, a->a, d->a));
  return d->b ? reduced(dy, -1, a->b, d->b) : FX_OK;
}

BINARY_BACKWARD(mul) {
  (void)kept;
  if (d->a)
    FX_TRY(reduced_binary(FX_BINARY_MUL, dy, a->b, 1, a->a, d->a));
  return d->b ? reduced_binary(FX_BINARY_MUL, dy, a->a, 1, a->b, d->b) : FX_OK;
}

/* d(a/b)/da = 1/b, d(a/b)/db = -(a/b)/b */
BINARY_BACKWARD(div) {
  (void)kept;
  fx_tensor *over_b = NULL, *product = NULL;
  fx_status st = FX_OK;
  if (d->a)
    FX_GOTO(reduced_binary(FX_BINARY_DIV, dy, a->b, 1, a->a, d->a));
  if (d->b) {
    FX_GOTO(binary_forward(FX_BINARY_DIV, dy, a->b, &over_b));
    FX_GOTO(binary_forward(FX_BINARY_DIV, a->a, a->b, &product));
    FX_GOTO(reduced_binary(FX_BINARY_MUL, over_b, product, -1, a->b, d->b));
  }
done:
  fx_tensor_release(over_b);
  fx_tensor_release(product);
  return st;
}

/* The mask 1[a >= b] or 1[a <= b] sends dy to a, what is left to b. */
static fx_status chosen_backward (fx_binary mask_kind, const fx_tensor *a, const fx_tensor *b,
                                  const fx_tensor *dy, fx_tensor **da, fx_tensor **db) {
  fx_tensor *mask = NULL, *rest = NULL;
  fx_status st;
  FX_GOTO(binary_forward(mask_kind, a, b, &mask));
  if (da)
    FX_GOTO(reduced_binary(FX_BINARY_MUL, dy, mask, 1, a, da));
  if (db) {
    FX_GOTO(unary_forward(FX_UNARY_AFFINE, -1, 1, mask, &rest));
    FX_GOTO(reduced_binary(FX_BINARY_MUL, dy, rest, 1, b, db));
  }
done:
  fx_tensor_release(mask);
  fx_tensor_release(rest);
  return st;
}

BINARY_BACKWARD(maximum) {
  (void)kept;
  return chosen_backward(FX_BINARY_MASK_GE, a->a, a->b, dy, d->a, d->b);
}

BINARY_BACKWARD(minimum) {
  (void)kept;
  return chosen_backward(FX_BINARY_MASK_LE, a->a, a->b, dy, d->a, d->b);
}
