/*
** shapes.h - checks and small makers that the families of ops share.
*/
#ifndef FX_SHAPES_H
#define FX_SHAPES_H

#include "kernels/kernels.h"
#include "ops/op.h"

/* Both operands have one dtype, f32 or f64; else one sentence. */
fx_status fx_same_dtype(const fx_tensor *a, const fx_tensor *b);

/* FX_ESHAPE unless t has `ndim` axes; `what` and `shape` are for the message: "x", "(N,H,W,C)". */
fx_status fx_expect_ndim(const fx_tensor *t, int ndim, const char *what, const char *shape);

/* FX_ESHAPE unless t is (size). */
fx_status fx_expect_vector(const fx_tensor *t, int64_t size, const char *what);

/* NumPy's rule: aligned at the right, sizes are equal or one of them is 1. */
fx_status fx_broadcast_shape(const fx_tensor *a, const fx_tensor *b, fx_dims *out);

/* New tensor of a's dtype and the given dims. */
fx_status fx_tensor_new_dims(const fx_tensor *a, const fx_dims *dims, fx_tensor **out);

/* *slot = new tensor with dtype and shape of `like`, where a gradient is wanted: slot may be NULL. */
static inline fx_status fx_like_wanted (const fx_tensor *like, fx_tensor **slot) {
  return slot ? fx_tensor_new_like(like, slot) : FX_OK;
}

/* axis counted from the end if negative; FX_ESHAPE if it is not one of t's. */
fx_status fx_axis(const fx_tensor *t, int64_t axis, int *out);

/* Rows of a tensor seen as (rows, last axis). */
static inline int64_t fx_last (const fx_tensor *t) { return fx_dim(t, -1); }
static inline int64_t fx_rows (const fx_tensor *t) {
  const int64_t last = fx_last(t);
  return last ? fx_tensor_count(t) / last : 0;
}

#endif
