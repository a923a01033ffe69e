/*
** reduce.c - sum, mean, max over axes that stay with size 1, so that results broadcast back.
*/
#include "ops/shapes.h"

/* Shape of x with the listed axes (all, if none are) set to 1; *over gets the number summed. */
static fx_status reduced_shape (const fx_tensor *x, const fx_dims *axes, fx_dims *out,
                                int64_t *over) {
  *out = fx_dims_of(x);
  *over = 1;
  for (int i = 0; i < (axes->n ? axes->n : x->ndim); i++) {
    int axis = i;
    if (axes->n)
      FX_TRY(fx_axis(x, axes->d[i], &axis));
    *over *= out->d[axis];
    out->d[axis] = 1;
  }
  return FX_OK;
}

static fx_status sum_scaled (const fx_tensor *x, const fx_dims *axes, bool mean, fx_tensor **y) {
  fx_dims dims;
  int64_t over;
  FX_TRY(fx_same_dtype(x, x));
  FX_TRY(reduced_shape(x, axes, &dims, &over));
  FX_TRY(fx_tensor_new_dims(x, &dims, y));
  return FX_RUN(x, sum_to, .x = x, .scale = mean ? 1.0 / (double)over : 1.0, .y = *y);
}

static fx_status expanded (const fx_tensor *x, const fx_tensor *dy, bool mean, fx_tensor **dx) {
  const double over = (double)fx_tensor_count(x) / (double)fx_tensor_count(dy);
  if (!dx)
    return FX_OK;
  FX_TRY(fx_tensor_new_like(x, dx));
  return FX_RUN(dy, expand, .x = dy, .scale = mean ? 1.0 / over : 1.0, .y = *dx);
}

fx_status fx_sum_forward (const fx_sum_args *a, fx_kept *kept, fx_tensor **y) {
  (void)kept;
  return sum_scaled(a->x, &a->axes, false, y);
}

fx_status fx_sum_backward (const fx_sum_args *a, const fx_kept *kept, const fx_tensor *dy,
                           const fx_sum_grads *d) {
  (void)kept;
  return expanded(a->x, dy, false, d->x);
}

fx_status fx_mean_forward (const fx_mean_args *a, fx_kept *kept, fx_tensor **y) {
  (void)kept;
  return sum_scaled(a->x, &a->axes, true, y);
}

fx_status fx_mean_backward (const fx_mean_args *a, const fx_kept *kept, const fx_tensor *dy,
                            const fx_mean_grads *d) {
  (void)kept;
  return expanded(a->x, dy, true, d->x);
}

fx_status fx_max_forward (const fx_max_args *a, fx_kept *kept, fx_tensor **y) {
  fx_dims dims;
  int64_t over;
  FX_TRY(fx_same_dtype(a->x, a->x));
  FX_TRY(reduced_shape(a->x, &a->axes, &dims, &over));
  if (over == 0)
    return fx_fail(FX_ESHAPE, "the largest of no elements is not defined");
  FX_TRY(fx_tensor_new_dims(a->x, &dims, y));
  kept->t[0] = fx_tensor_retain(*y);
  return FX_RUN(a->x, max_forward, .x = a->x, .y = *y);
}

fx_status fx_max_backward (const fx_max_args *a, const fx_kept *kept, const fx_tensor *dy,
                           const fx_max_grads *d) {
  if (!d->x)
    return FX_OK;
  FX_TRY(fx_tensor_new_like(a->x, d->x));
  return FX_RUN(dy, max_backward, .x = a->x, .y = kept->t[0], .dy = dy, .dx = *d->x);
}
