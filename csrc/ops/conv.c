/*
** conv.c - two-dimensional convolution, channels last.
**
** pad < 0 stands for (kH-1)/2, which keeps the size at stride 1; kernels are square in FLEX but need
** not be: pad is the same on both axes. Circular padding wraps and therefore needs pad <= H and W.
*/
#include <inttypes.h>

#include "ops/shapes.h"

static int64_t resolved_pad (const fx_conv2d_args *a) {
  return a->pad < 0 ? (a->w->shape[1] - 1) / 2 : a->pad;
}

static fx_status check (const fx_conv2d_args *a) {
  char s[FX_SHAPE_TEXT], t[FX_SHAPE_TEXT];
  FX_TRY(fx_same_dtype(a->x, a->w));
  FX_TRY(fx_expect_ndim(a->x, 4, "x", "(N,H,W,I)"));
  FX_TRY(fx_expect_ndim(a->w, 4, "w", "(O,kH,kW,I)"));
  if (a->x->shape[3] != a->w->shape[3])
    return fx_fail(FX_ESHAPE, "x %s has %" PRId64 " channels, w %s takes %" PRId64,
                   fx_shape_text(a->x, s), a->x->shape[3], fx_shape_text(a->w, t), a->w->shape[3]);
  if (a->b)
    FX_TRY(fx_expect_vector(a->b, a->w->shape[0], "b"));
  if (a->stride < 1)
    return fx_fail(FX_EARG, "option 'stride' must be at least 1, got %" PRId64, a->stride);
  const int64_t pad = resolved_pad(a);
  const int64_t h = a->x->shape[1], w = a->x->shape[2];
  if (h + 2 * pad < a->w->shape[1] || w + 2 * pad < a->w->shape[2])
    return fx_fail(FX_ESHAPE, "x %s is smaller than the kernel of w %s", fx_shape_text(a->x, s),
                   fx_shape_text(a->w, t));
  if (a->padding == FX_PADDING_CIRCULAR && (pad > h || pad > w))
    return fx_fail(FX_ESHAPE,
                   "circular padding by %" PRId64 " needs fields at least that large, x is %s", pad,
                   fx_shape_text(a->x, s));
  return FX_OK;
}

fx_status fx_conv2d_forward (const fx_conv2d_args *a, fx_kept *kept, fx_tensor **y) {
  (void)kept;
  FX_TRY(check(a));
  const int64_t pad = resolved_pad(a), *x = a->x->shape, *w = a->w->shape;
  const fx_dims dims = { 4,
                         { x[0], (x[1] + 2 * pad - w[1]) / a->stride + 1,
                           (x[2] + 2 * pad - w[2]) / a->stride + 1, w[0] } };
  FX_TRY(fx_tensor_new_dims(a->x, &dims, y));
  return FX_RUN(a->x, conv2d_forward, .x = a->x, .w = a->w, .b = a->b, .stride = a->stride,
                .pad = pad, .circular = a->padding == FX_PADDING_CIRCULAR,
                .bf16 = a->precision == FX_PRECISION_BF16, .y = *y);
}

fx_status fx_conv2d_backward (const fx_conv2d_args *a, const fx_kept *kept, const fx_tensor *dy,
                              const fx_conv2d_grads *d) {
  const int64_t pad = resolved_pad(a);
  const bool circular = a->padding == FX_PADDING_CIRCULAR;
  (void)kept;
  if (d->x) {
    FX_TRY(fx_tensor_new_like(a->x, d->x));
    FX_TRY(FX_RUN(dy, conv2d_backward_x, .dy = dy, .w = a->w, .stride = a->stride, .pad = pad,
                  .circular = circular, .bf16 = a->precision == FX_PRECISION_BF16, .dx = *d->x));
  }
  if (d->w)
    FX_TRY(fx_tensor_new_like(a->w, d->w));
  if (d->b)
    FX_TRY(fx_tensor_new_like(a->b, d->b));
  if (!d->w && !d->b)
    return FX_OK;
  return FX_RUN(dy, conv2d_backward_w, .x = a->x, .dy = dy, .stride = a->stride, .pad = pad,
                .circular = circular, .dw = d->w ? *d->w : NULL, .db = d->b ? *d->b : NULL);
}
