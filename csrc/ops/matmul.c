/*
** matmul.c - matrix products: batched, and the linear layer.
**
** linear is an op of its own because its weight is stored (O,I), rows of outputs, as PyTorch has it,
** and because its leading axes are one long matrix whatever they are.
*/
#include <inttypes.h>

#include "ops/shapes.h"

fx_status fx_matmul_forward (const fx_matmul_args *args, fx_kept *kept, fx_tensor **y) {
  const fx_tensor *a = args->a, *b = args->b;
  char s[FX_SHAPE_TEXT], t[FX_SHAPE_TEXT];
  (void)kept;
  FX_TRY(fx_same_dtype(a, b));
  bool fits =
      a->ndim >= 2 && (b->ndim == 2 || b->ndim == a->ndim) && fx_dim(a, -1) == fx_dim(b, -2);
  for (int i = 0; fits && b->ndim > 2 && i < a->ndim - 2; i++)
    fits = a->shape[i] == b->shape[i];
  if (!fits)
    return fx_fail(FX_ESHAPE, "cannot multiply %s by %s: wanted (...,M,K) by (...,K,N) or (K,N)",
                   fx_shape_text(a, s), fx_shape_text(b, t));
  fx_dims dims = fx_dims_of(a);
  dims.d[dims.n - 1] = fx_dim(b, -1);
  FX_TRY(fx_tensor_new_dims(a, &dims, y));
  return FX_RUN(a, matmul, .a = a, .b = b, .y = *y);
}

/* da = dy b^T. db = a^T dy; when b is shared by a batch, the batch is one tall matrix. */
fx_status fx_matmul_backward (const fx_matmul_args *args, const fx_kept *kept, const fx_tensor *dy,
                              const fx_matmul_grads *d) {
  const fx_tensor *a = args->a, *b = args->b;
  fx_tensor *flat_a = NULL, *flat_dy = NULL;
  fx_status st = FX_OK;
  (void)kept;
  if (d->a) {
    FX_GOTO(fx_tensor_new_like(a, d->a));
    FX_GOTO(FX_RUN(dy, matmul, .a = dy, .b = b, .transpose_b = true, .y = *d->a));
  }
  if (d->b) {
    FX_GOTO(fx_tensor_new_like(b, d->b));
    if (b->ndim == a->ndim)
      FX_GOTO(FX_RUN(dy, matmul, .a = a, .b = dy, .transpose_a = true, .y = *d->b));
    else {
      const int64_t rows = fx_rows(a);
      FX_GOTO(fx_tensor_view(a, 0, 2, (int64_t[]){ rows, fx_last(a) }, &flat_a));
      FX_GOTO(fx_tensor_view(dy, 0, 2, (int64_t[]){ rows, fx_last(dy) }, &flat_dy));
      FX_GOTO(FX_RUN(dy, matmul, .a = flat_a, .b = flat_dy, .transpose_a = true, .y = *d->b));
    }
  }
done:
  fx_tensor_release(flat_a);
  fx_tensor_release(flat_dy);
  return st;
}

fx_status fx_linear_forward (const fx_linear_args *a, fx_kept *kept, fx_tensor **y) {
  char s[FX_SHAPE_TEXT], t[FX_SHAPE_TEXT];
  (void)kept;
  FX_TRY(fx_same_dtype(a->x, a->w));
  FX_TRY(fx_expect_ndim(a->w, 2, "w", "(O,I)"));
  if (a->x->ndim < 1 || fx_last(a->x) != a->w->shape[1])
    return fx_fail(FX_ESHAPE, "x %s does not end in the %" PRId64 " inputs of w %s",
                   fx_shape_text(a->x, s), a->w->shape[1], fx_shape_text(a->w, t));
  if (a->b)
    FX_TRY(fx_expect_vector(a->b, a->w->shape[0], "b"));
  fx_dims dims = fx_dims_of(a->x);
  dims.d[dims.n - 1] = a->w->shape[0];
  FX_TRY(fx_tensor_new_dims(a->x, &dims, y));
  return FX_RUN(a->x, linear_forward, .x = a->x, .w = a->w, .b = a->b, .y = *y);
}

fx_status fx_linear_backward (const fx_linear_args *a, const fx_kept *kept, const fx_tensor *dy,
                              const fx_linear_grads *d) {
  (void)kept;
  if (d->x) {
    FX_TRY(fx_tensor_new_like(a->x, d->x));
    FX_TRY(FX_RUN(dy, linear_backward_x, .dy = dy, .w = a->w, .dx = *d->x));
  }
  if (d->w)
    FX_TRY(fx_tensor_new_like(a->w, d->w));
  if (d->b)
    FX_TRY(fx_tensor_new_like(a->b, d->b));
  if (!d->w && !d->b)
    return FX_OK;
  return FX_RUN(dy, linear_backward_w, .x = a->x, .dy = dy, .dw = d->w ? *d->w : NULL,
                .db = d->b ? *d->b : NULL);
}
