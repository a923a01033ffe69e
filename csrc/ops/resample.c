/*
** resample.c - changes of resolution. All are linear, so backward is the adjoint: blocks that were
** repeated are summed, blocks that were averaged are repeated.
*/
#include <inttypes.h>

#include "ops/shapes.h"

static fx_status check_factor (const fx_tensor *x, int64_t factor) {
  FX_TRY(fx_same_dtype(x, x));
  FX_TRY(fx_expect_ndim(x, 4, "x", "(N,H,W,C)"));
  if (factor < 1)
    return fx_fail(FX_EARG, "option 'factor' must be at least 1, got %" PRId64, factor);
  return FX_OK;
}

fx_status fx_upsample_forward (const fx_upsample_args *a, fx_kept *kept, fx_tensor **y) {
  (void)kept;
  FX_TRY(check_factor(a->x, a->factor));
  fx_dims dims = fx_dims_of(a->x);
  dims.d[1] *= a->factor;
  dims.d[2] *= a->factor;
  FX_TRY(fx_tensor_new_dims(a->x, &dims, y));
  return FX_RUN(a->x, repeat_blocks, .x = a->x, .factor = a->factor, .scale = 1, .y = *y);
}

fx_status fx_upsample_backward (const fx_upsample_args *a, const fx_kept *kept, const fx_tensor *dy,
                                const fx_upsample_grads *d) {
  (void)kept;
  if (!d->x)
    return FX_OK;
  FX_TRY(fx_tensor_new_like(a->x, d->x));
  return FX_RUN(dy, sum_blocks, .x = dy, .factor = a->factor, .scale = 1, .y = *d->x);
}

fx_status fx_mean_pool_forward (const fx_mean_pool_args *a, fx_kept *kept, fx_tensor **y) {
  char s[FX_SHAPE_TEXT];
  (void)kept;
  FX_TRY(check_factor(a->x, a->factor));
  fx_dims dims = fx_dims_of(a->x);
  if (dims.d[1] % a->factor || dims.d[2] % a->factor)
    return fx_fail(FX_ESHAPE, "x %s does not divide into blocks of %" PRId64,
                   fx_shape_text(a->x, s), a->factor);
  dims.d[1] /= a->factor;
  dims.d[2] /= a->factor;
  FX_TRY(fx_tensor_new_dims(a->x, &dims, y));
  return FX_RUN(a->x, sum_blocks, .x = a->x, .factor = a->factor,
                .scale = 1.0 / (double)(a->factor * a->factor), .y = *y);
}

fx_status fx_mean_pool_backward (const fx_mean_pool_args *a, const fx_kept *kept,
                                 const fx_tensor *dy, const fx_mean_pool_grads *d) {
  (void)kept;
  if (!d->x)
    return FX_OK;
  FX_TRY(fx_tensor_new_like(a->x, d->x));
  return FX_RUN(dy, repeat_blocks, .x = dy, .factor = a->factor,
                .scale = 1.0 / (double)(a->factor * a->factor), .y = *d->x);
}

fx_status fx_resize_forward (const fx_resize_args *a, fx_kept *kept, fx_tensor **y) {
  (void)kept;
  FX_TRY(fx_same_dtype(a->x, a->x));
  FX_TRY(fx_expect_ndim(a->x, 4, "x", "(N,H,W,C)"));
  if (a->size.n != 2 || a->size.d[0] < 1 || a->size.d[1] < 1)
    return fx_fail(FX_EARG, "option 'size' must be two positive numbers, {height, width}");
  if (a->x->shape[1] < 1 || a->x->shape[2] < 1)
    return fx_fail(FX_ESHAPE, "x is an empty field");
  fx_dims dims = fx_dims_of(a->x);
  dims.d[1] = a->size.d[0];
  dims.d[2] = a->size.d[1];
  FX_TRY(fx_tensor_new_dims(a->x, &dims, y));
  return FX_RUN(a->x, resize_forward, .x = a->x, .method = a->method, .registered = a->registered,
                .circular = a->circular, .y = *y);
}

fx_status fx_resize_backward (const fx_resize_args *a, const fx_kept *kept, const fx_tensor *dy,
                              const fx_resize_grads *d) {
  (void)kept;
  if (!d->x)
    return FX_OK;
  FX_TRY(fx_tensor_new_like(a->x, d->x));
  return FX_RUN(dy, resize_backward, .dy = dy, .method = a->method, .registered = a->registered,
                .circular = a->circular, .dx = *d->x);
}
