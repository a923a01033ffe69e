/* shapes.c - see shapes.h. */
#include "ops/shapes.h"

#include <inttypes.h>

fx_status fx_same_dtype (const fx_tensor *a, const fx_tensor *b) {
  const bool computes = a->dtype == FX_F32 || a->dtype == FX_F64;
  if (!computes || a->dtype != b->dtype)
    return fx_fail(FX_EARG, "operands must share a dtype, f32 or f64; they are %s and %s",
                   fx_dtype_name(a->dtype), fx_dtype_name(b->dtype));
  return FX_OK;
}

fx_status fx_expect_ndim (const fx_tensor *t, int ndim, const char *what, const char *shape) {
  char text[FX_SHAPE_TEXT];
  if (t->ndim != ndim)
    return fx_fail(FX_ESHAPE, "%s must be %s, not %s", what, shape, fx_shape_text(t, text));
  return FX_OK;
}

fx_status fx_expect_vector (const fx_tensor *t, int64_t size, const char *what) {
  char text[FX_SHAPE_TEXT];
  if (t->ndim != 1 || t->shape[0] != size)
    return fx_fail(FX_ESHAPE, "%s must be (%" PRId64 "), not %s", what, size,
                   fx_shape_text(t, text));
  return FX_OK;
}

fx_status fx_broadcast_shape (const fx_tensor *a, const fx_tensor *b, fx_dims *out) {
  out->n = a->ndim > b->ndim ? a->ndim : b->ndim;
  for (int i = 1; i <= out->n; i++) {
    const int64_t p = fx_dim(a, -i), q = fx_dim(b, -i);
    if (p != q && p != 1 && q != 1) {
      char s[FX_SHAPE_TEXT], t[FX_SHAPE_TEXT];
      return fx_fail(FX_ESHAPE, "%s and %s do not broadcast: axis -%d has %" PRId64 " and %" PRId64,
                     fx_shape_text(a, s), fx_shape_text(b, t), i, p, q);
    }
    out->d[out->n - i] = p == 1 ? q : p;
  }
  return FX_OK;
}

fx_status fx_tensor_new_dims (const fx_tensor *a, const fx_dims *dims, fx_tensor **out) {
  return fx_tensor_new(a->dtype, dims->n, dims->d, out);
}

fx_status fx_axis (const fx_tensor *t, int64_t axis, int *out) {
  const int64_t resolved = axis < 0 ? axis + t->ndim : axis;
  if (resolved < 0 || resolved >= t->ndim) {
    char text[FX_SHAPE_TEXT];
    return fx_fail(FX_ESHAPE, "%s has no axis %" PRId64, fx_shape_text(t, text),
                   axis < 0 ? axis : axis + 1);
  }
  *out = (int)resolved;
  return FX_OK;
}
