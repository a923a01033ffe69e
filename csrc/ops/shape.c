/*
** shape.c - the same numbers in another arrangement. reshape is a view and costs nothing; so is
** narrow along the leading axis. The others copy, since tensors are contiguous.
*/
#include <inttypes.h>

#include "ops/shapes.h"

fx_status fx_reshape_forward (const fx_reshape_args *a, fx_kept *kept, fx_tensor **y) {
  char s[FX_SHAPE_TEXT];
  fx_dims dims = a->shape;
  int64_t known = 1;
  int free_axis = -1;
  (void)kept;
  for (int i = 0; i < dims.n; i++) {
    if (dims.d[i] == -1 && free_axis < 0)
      free_axis = i;
    else if (dims.d[i] < 0)
      return fx_fail(FX_ESHAPE, "a shape has sizes >= 0 and at most one -1");
    else
      known *= dims.d[i];
  }
  const int64_t count = fx_tensor_count(a->x);
  if (free_axis >= 0)
    dims.d[free_axis] = known ? count / known : 0;
  if ((free_axis >= 0 ? known * dims.d[free_axis] : known) != count)
    return fx_fail(FX_ESHAPE, "the %" PRId64 " elements of %s do not fill the shape asked for",
                   count, fx_shape_text(a->x, s));
  return fx_tensor_view(a->x, 0, dims.n, dims.d, y);
}

fx_status fx_reshape_backward (const fx_reshape_args *a, const fx_kept *kept, const fx_tensor *dy,
                               const fx_reshape_grads *d) {
  (void)kept;
  return d->x ? fx_tensor_view(dy, 0, a->x->ndim, a->x->shape, d->x) : FX_OK;
}

/* Axes as given, each once, counted from the end if negative. */
static fx_status resolve_axes (const fx_tensor *x, const fx_dims *axes, fx_dims *out) {
  char s[FX_SHAPE_TEXT];
  bool seen[FX_MAX_DIMS] = { false };
  out->n = axes->n;
  for (int i = 0; i < axes->n && axes->n == x->ndim; i++) {
    int axis;
    FX_TRY(fx_axis(x, axes->d[i], &axis));
    if (seen[axis])
      return fx_fail(FX_EARG, "option 'axes' names axis %d twice", axis + 1);
    seen[axis] = true;
    out->d[i] = axis;
  }
  if (axes->n != x->ndim)
    return fx_fail(FX_EARG, "option 'axes' must name each of the %d axes of %s once", x->ndim,
                   fx_shape_text(x, s));
  return FX_OK;
}

fx_status fx_permute_forward (const fx_permute_args *a, fx_kept *kept, fx_tensor **y) {
  fx_dims axes, dims = { .n = a->x->ndim };
  (void)kept;
  FX_TRY(fx_same_dtype(a->x, a->x));
  FX_TRY(resolve_axes(a->x, &a->axes, &axes));
  for (int i = 0; i < axes.n; i++)
    dims.d[i] = a->x->shape[axes.d[i]];
  FX_TRY(fx_tensor_new_dims(a->x, &dims, y));
  return FX_RUN(a->x, permute, .x = a->x, .axes = axes, .y = *y);
}

fx_status fx_permute_backward (const fx_permute_args *a, const fx_kept *kept, const fx_tensor *dy,
                               const fx_permute_grads *d) {
  fx_dims axes, inverse = { .n = a->x->ndim };
  (void)kept;
  if (!d->x)
    return FX_OK;
  FX_TRY(resolve_axes(a->x, &a->axes, &axes));
  for (int i = 0; i < axes.n; i++)
    inverse.d[axes.d[i]] = i;
  FX_TRY(fx_tensor_new_like(a->x, d->x));
  return FX_RUN(dy, permute, .x = dy, .axes = inverse, .y = *d->x);
}

fx_status fx_concat_forward (const fx_concat_args *args, fx_kept *kept, fx_tensor **y) {
  const fx_tensor *a = args->a, *b = args->b;
  char s[FX_SHAPE_TEXT], t[FX_SHAPE_TEXT];
  int axis;
  (void)kept;
  FX_TRY(fx_same_dtype(a, b));
  FX_TRY(fx_axis(a, args->axis, &axis));
  bool fits = a->ndim == b->ndim;
  for (int i = 0; fits && i < a->ndim; i++)
    fits = i == axis || a->shape[i] == b->shape[i];
  if (!fits)
    return fx_fail(FX_ESHAPE, "%s and %s differ in more than axis %d", fx_shape_text(a, s),
                   fx_shape_text(b, t), axis + 1);
  fx_dims dims = fx_dims_of(a);
  dims.d[axis] += b->shape[axis];
  FX_TRY(fx_tensor_new_dims(a, &dims, y));
  FX_TRY(FX_RUN(a, place, .x = a, .axis = axis, .start = 0, .y = *y));
  return FX_RUN(a, place, .x = b, .axis = axis, .start = a->shape[axis], .y = *y);
}

fx_status fx_concat_backward (const fx_concat_args *args, const fx_kept *kept, const fx_tensor *dy,
                              const fx_concat_grads *d) {
  int axis;
  (void)kept;
  FX_TRY(fx_axis(args->a, args->axis, &axis));
  if (d->a) {
    FX_TRY(fx_tensor_new_like(args->a, d->a));
    FX_TRY(FX_RUN(dy, narrow, .x = dy, .axis = axis, .start = 0, .y = *d->a));
  }
  if (!d->b)
    return FX_OK;
  FX_TRY(fx_tensor_new_like(args->b, d->b));
  return FX_RUN(dy, narrow, .x = dy, .axis = axis, .start = args->a->shape[axis], .y = *d->b);
}

static fx_status check_range (const fx_narrow_args *a, int axis) {
  char s[FX_SHAPE_TEXT];
  if (a->start < 0 || a->length < 0 || a->start > a->x->shape[axis] ||
      a->length > a->x->shape[axis] - a->start)
    return fx_fail(FX_ESHAPE, "entries %" PRId64 " to %" PRId64 " do not lie on axis %d of %s",
                   a->start + 1, a->start + a->length, axis + 1, fx_shape_text(a->x, s));
  return FX_OK;
}

fx_status fx_narrow_forward (const fx_narrow_args *a, fx_kept *kept, fx_tensor **y) {
  int axis;
  (void)kept;
  FX_TRY(fx_same_dtype(a->x, a->x));
  FX_TRY(fx_axis(a->x, a->axis, &axis));
  FX_TRY(check_range(a, axis));
  fx_dims dims = fx_dims_of(a->x);
  dims.d[axis] = a->length;
  if (axis == 0) {
    const int64_t row = a->x->shape[0] ? fx_tensor_count(a->x) / a->x->shape[0] : 0;
    return fx_tensor_view(a->x, a->start * row, dims.n, dims.d, y);
  }
  FX_TRY(fx_tensor_new_dims(a->x, &dims, y));
  return FX_RUN(a->x, narrow, .x = a->x, .axis = axis, .start = a->start, .y = *y);
}

fx_status fx_narrow_backward (const fx_narrow_args *a, const fx_kept *kept, const fx_tensor *dy,
                              const fx_narrow_grads *d) {
  int axis;
  (void)kept;
  if (!d->x)
    return FX_OK;
  FX_TRY(fx_axis(a->x, a->axis, &axis));
  FX_TRY(fx_tensor_new_like(a->x, d->x));
  return FX_RUN(dy, place, .x = dy, .axis = axis, .start = a->start, .clear = true, .y = *d->x);
}

static fx_status flipped (const fx_tensor *x, int64_t which, fx_tensor **y) {
  int axis;
  FX_TRY(fx_axis(x, which, &axis));
  FX_TRY(fx_tensor_new_like(x, y));
  return FX_RUN(x, flip, .x = x, .axis = axis, .y = *y);
}

fx_status fx_flip_forward (const fx_flip_args *a, fx_kept *kept, fx_tensor **y) {
  (void)kept;
  FX_TRY(fx_same_dtype(a->x, a->x));
  return flipped(a->x, a->axis, y);
}

fx_status fx_flip_backward (const fx_flip_args *a, const fx_kept *kept, const fx_tensor *dy,
                            const fx_flip_grads *d) {
  (void)kept;
  return d->x ? flipped(dy, a->axis, d->x) : FX_OK;
}
