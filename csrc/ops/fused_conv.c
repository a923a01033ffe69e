/*
** fused_conv.c - half a ResBlock as one op: what a convolution reads is made while it is read.
**
**   a = resample(dropout(silu(modulate(group_norm(concat(x, x2)))))),   y = conv2d(a, w, b) + add_resample(add)
**
** Nothing of a is kept: backward has x, x2 and the statistics and makes it again, so that a ResBlock
** keeps two maps where its formula has eleven. Its meaning is fxref_fused_conv_*; that it equals the
** composition of the single ops is a test.
*/
#include <inttypes.h>

#include "ops/shapes.h"

static fx_conv_input input_of (const fx_fused_conv_args *a, const fx_kept *kept) {
  return (fx_conv_input){ .x = a->x,
                          .x2 = a->x2,
                          .x2_add = a->x2_add,
                          .mean = a->norm_w ? kept->t[0] : NULL,
                          .rstd = a->norm_w ? kept->t[1] : NULL,
                          .norm_w = a->norm_w,
                          .norm_b = a->norm_w ? a->norm_b : NULL,
                          .emb = a->norm_w ? a->emb : NULL,
                          .groups = a->groups,
                          .resample = a->resample,
                          .circular = a->padding == FX_PADDING_CIRCULAR,
                          .p = a->norm_w ? a->p : 0,
                          .key = a->key };
}

static int64_t channels_of (const fx_fused_conv_args *a) {
  return fx_last(a->x) + (a->x2 ? fx_last(a->x2) : 0);
}

/* The shape of a, the convolution's input. */
static fx_dims input_dims (const fx_fused_conv_args *a) {
  const int64_t *x = a->x->shape;
  const int64_t up = a->resample == FX_RESAMPLE_UP ? 2 : 1,
                down = a->resample == FX_RESAMPLE_DOWN ? 2 : 1;
  return (fx_dims){ 4, { x[0], x[1] * up / down, x[2] * up / down, channels_of(a) } };
}

static fx_status check_input (const fx_fused_conv_args *a) {
  char s[FX_SHAPE_TEXT], t[FX_SHAPE_TEXT];
  FX_TRY(fx_same_dtype(a->x, a->w));
  FX_TRY(fx_expect_ndim(a->x, 4, "x", "(N,H,W,C)"));
  if (a->x2) {
    FX_TRY(fx_same_dtype(a->x, a->x2));
    FX_TRY(fx_expect_ndim(a->x2, 4, "x2", "(N,H,W,C)"));
    for (int i = 0; i < 3; i++)
      if (a->x2->shape[i] != a->x->shape[i])
        return fx_fail(FX_ESHAPE, "x2 %s must lie beside x %s", fx_shape_text(a->x2, s),
                       fx_shape_text(a->x, t));
  }
  if (a->x2_add && (!a->x2 || !fx_same_shape(a->x2_add, a->x2)))
    return fx_fail(FX_ESHAPE, "x2_add %s must have the shape of x2", fx_shape_text(a->x2_add, s));
  if (a->resample == FX_RESAMPLE_DOWN && (a->x->shape[1] % 2 || a->x->shape[2] % 2))
    return fx_fail(FX_ESHAPE, "x %s cannot be halved: its height and width must be even",
                   fx_shape_text(a->x, s));
  return FX_OK;
}

static fx_status check_norm (const fx_fused_conv_args *a) {
  char s[FX_SHAPE_TEXT], t[FX_SHAPE_TEXT];
  const int64_t c = channels_of(a);
  if (!a->norm_w)
    return a->norm_b || a->emb || a->p != 0
               ? fx_fail(FX_EARG, "norm_b, emb and dropout need norm_w")
               : FX_OK;
  if (!(a->p >= 0 && a->p < 1))
    return fx_fail(FX_EARG, "option 'p' must lie in [0,1), got %g", a->p);
  FX_TRY(fx_expect_vector(a->norm_w, c, "norm_w"));
  if (a->norm_b)
    FX_TRY(fx_expect_vector(a->norm_b, c, "norm_b"));
  if (a->groups < 1 || c % a->groups != 0)
    return fx_fail(FX_ESHAPE, "%" PRId64 " channels do not divide into %" PRId64 " groups", c,
                   a->groups);
  if (a->emb &&
      (a->emb->ndim != 2 || a->emb->shape[0] != a->x->shape[0] || a->emb->shape[1] != 2 * c))
    return fx_fail(FX_ESHAPE, "emb %s must be (N,2C) for x %s", fx_shape_text(a->emb, s),
                   fx_shape_text(a->x, t));
  return FX_OK;
}

/* The shape that add must have: the result's before add_resample. */
static fx_dims add_dims (const fx_fused_conv_args *a, const fx_dims *y) {
  fx_dims d = *y;
  for (int i = 1; i <= 2; i++)
    d.d[i] = a->add_resample == FX_RESAMPLE_UP     ? d.d[i] / 2
             : a->add_resample == FX_RESAMPLE_DOWN ? 2 * d.d[i]
                                                   : d.d[i];
  return d;
}

static fx_status check (const fx_fused_conv_args *a, fx_dims *y) {
  char s[FX_SHAPE_TEXT];
  FX_TRY(check_input(a));
  FX_TRY(check_norm(a));
  FX_TRY(fx_expect_ndim(a->w, 4, "w", "(O,k,k,C)"));
  const int64_t *w = a->w->shape;
  *y = input_dims(a);
  if (w[3] != y->d[3] || w[1] != w[2] || w[1] % 2 == 0)
    return fx_fail(FX_ESHAPE, "w %s must be (O,k,k,%" PRId64 ") with odd k", fx_shape_text(a->w, s),
                   y->d[3]);
  if (a->padding == FX_PADDING_CIRCULAR && (w[1] / 2 > y->d[1] || w[1] / 2 > y->d[2]))
    return fx_fail(FX_ESHAPE, "circular padding by %" PRId64 " needs fields at least that large",
                   w[1] / 2);
  y->d[3] = w[0];
  if (a->b)
    FX_TRY(fx_expect_vector(a->b, w[0], "b"));
  if (a->add_resample == FX_RESAMPLE_UP && (y->d[1] % 2 || y->d[2] % 2))
    return fx_fail(FX_ESHAPE, "add cannot be upsampled to an odd height or width");
  const fx_dims add = add_dims(a, y);
  for (int i = 0; a->add && i < 4; i++)
    if (a->add->ndim != 4 || a->add->shape[i] != add.d[i])
      return fx_fail(FX_ESHAPE, "add %s must be (%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ")",
                     fx_shape_text(a->add, s), add.d[0], add.d[1], add.d[2], add.d[3]);
  for (int i = 0; a->add2 && i < 4; i++)
    if (a->add2->ndim != 4 || a->add2->shape[i] != y->d[i])
      return fx_fail(FX_ESHAPE, "add2 %s must have the shape of the result",
                     fx_shape_text(a->add2, s));
  return FX_OK;
}

fx_status fx_fused_conv_forward (const fx_fused_conv_args *a, fx_kept *kept, fx_tensor **y) {
  fx_dims dims;
  FX_TRY(check(a, &dims));
  if (a->norm_w) {
    const fx_dims statistics = { 2, { a->x->shape[0], a->groups } };
    FX_TRY(fx_tensor_new_dims(a->x, &statistics, &kept->t[0]));
    FX_TRY(fx_tensor_new_dims(a->x, &statistics, &kept->t[1]));
    FX_TRY(FX_RUN(a->x, group_moments, .x = a->x, .x2 = a->x2, .x2_add = a->x2_add,
                  .groups = a->groups, .eps = a->eps, .mean = kept->t[0], .rstd = kept->t[1]));
  }
  FX_TRY(fx_tensor_new_dims(a->x, &dims, y));
  return FX_RUN(a->x, fused_conv_forward, .in = input_of(a, kept), .w = a->w, .b = a->b,
                .add = a->add, .add2 = a->add2, .add_resample = a->add_resample,
                .bf16 = a->precision == FX_PRECISION_BF16, .y = *y);
}

/* --- backward --------------------------------------------------------------------------------- */

static fx_status backward_w (const fx_fused_conv_args *a, const fx_kept *kept, const fx_tensor *dy,
                             const fx_fused_conv_grads *d) {
  if (d->w)
    FX_TRY(fx_tensor_new_like(a->w, d->w));
  if (d->b)
    FX_TRY(fx_tensor_new_like(a->b, d->b));
  if (!d->w && !d->b)
    return FX_OK;
  return FX_RUN(dy, fused_conv_backward_w, .in = input_of(a, kept), .dy = dy,
                .dw = d->w ? *d->w : NULL, .db = d->b ? *d->b : NULL);
}

static fx_status backward_add (const fx_fused_conv_args *a, const fx_tensor *dy, fx_tensor **slot) {
  if (!slot)
    return FX_OK;
  if (a->add_resample == FX_RESAMPLE_SAME)
    return fx_tensor_view(dy, 0, dy->ndim, dy->shape, slot);
  FX_TRY(fx_tensor_new_like(a->add, slot));
  if (a->add_resample == FX_RESAMPLE_UP)
    return FX_RUN(dy, sum_blocks, .x = dy, .factor = 2, .scale = 1, .y = *slot);
  return FX_RUN(dy, repeat_blocks, .x = dy, .factor = 2, .scale = 0.25, .y = *slot);
}

/* From da to the gradients of what a was made of. *da is taken over where it can become dx. */
static fx_status backward_input (const fx_fused_conv_args *a, const fx_kept *kept,
                                 const fx_fused_conv_grads *d, fx_tensor **da) {
  const bool same = a->resample == FX_RESAMPLE_SAME && !a->x2;
  if (d->x && same) {
    *d->x = fx_tensor_retain(*da);
    if (!a->norm_w)
      return FX_OK;
  } else {
    FX_TRY(fx_like_wanted(a->x, d->x));
  }
  fx_tensor **x2 = d->x2 ? d->x2 : d->x2_add;
  FX_TRY(fx_like_wanted(a->x2, x2));
  FX_TRY(fx_like_wanted(a->norm_w, d->norm_w));
  FX_TRY(fx_like_wanted(a->norm_b, d->norm_b));
  FX_TRY(fx_like_wanted(a->emb, d->emb));
  FX_TRY(FX_RUN(*da, fused_conv_backward_x, .in = input_of(a, kept), .da = *da,
                .dx = d->x ? *d->x : NULL, .dx2 = x2 ? *x2 : NULL,
                .dnorm_w = d->norm_w ? *d->norm_w : NULL, .dnorm_b = d->norm_b ? *d->norm_b : NULL,
                .demb = d->emb ? *d->emb : NULL));
  return d->x2 && d->x2_add ? fx_tensor_view(*d->x2, 0, 4, a->x2->shape, d->x2_add) : FX_OK;
}

fx_status fx_fused_conv_backward (const fx_fused_conv_args *a, const fx_kept *kept,
                                  const fx_tensor *dy, const fx_fused_conv_grads *d) {
  fx_tensor *da = NULL;
  FX_TRY(backward_w(a, kept, dy, d));
  FX_TRY(backward_add(a, dy, d->add));
  if (d->add2)
    FX_TRY(fx_tensor_view(dy, 0, dy->ndim, dy->shape, d->add2));
  if (!d->x && !d->x2 && !d->x2_add && !d->norm_w && !d->norm_b && !d->emb)
    return FX_OK;
  const fx_dims dims = input_dims(a);
  FX_TRY(fx_tensor_new_dims(a->x, &dims, &da));
  fx_status st = FX_RUN(dy, conv2d_backward_x, .dy = dy, .w = a->w, .stride = 1,
                        .pad = a->w->shape[1] / 2, .circular = a->padding == FX_PADDING_CIRCULAR,
                        .bf16 = a->precision == FX_PRECISION_BF16, .dx = da);
  if (st == FX_OK)
    st = backward_input(a, kept, d, &da);
  fx_tensor_release(da);
  return st;
}
