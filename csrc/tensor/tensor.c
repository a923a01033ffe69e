/*
** tensor.c - life and shape of tensors; contents are in contents.c.
**
** A storage is one allocation with a count of the tensors that look into it. A tensor knows its
** first element directly, so kernels never follow the storage.
*/
#include "tensor/tensor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

struct fx_storage {
  int64_t refs;
  void *block;
};

size_t fx_dtype_size (fx_dtype dtype) {
  switch (dtype) {
  case FX_F32: return 4;
  case FX_F64: return 8;
  case FX_BF16:
  case FX_F16: return 2;
  }
  return 0;
}

const char *fx_dtype_name (fx_dtype dtype) {
  switch (dtype) {
  case FX_F32: return "f32";
  case FX_F64: return "f64";
  case FX_BF16: return "bf16";
  case FX_F16: return "f16";
  }
  return "?";
}

/* Bytes of a shape, or a failure if a size is negative or the product does not fit. */
static fx_status shape_bytes (fx_dtype dtype, int ndim, const int64_t *shape, size_t *bytes) {
  if (ndim < 0 || ndim > FX_MAX_DIMS)
    return fx_fail(FX_ESHAPE, "a tensor has 0 to %d axes, not %d", FX_MAX_DIMS, ndim);
  size_t n = fx_dtype_size(dtype);
  for (int i = 0; i < ndim; i++) {
    if (shape[i] < 0)
      return fx_fail(FX_ESHAPE, "axis %d of a tensor cannot have size %" PRId64, i + 1, shape[i]);
    if (shape[i] != 0 && n > (size_t)(PTRDIFF_MAX / 2) / (size_t)shape[i])
      return fx_fail(FX_ENOMEM,
                     "a tensor of that shape does not fit in memory (axis %d is %" PRId64 ")",
                     i + 1, shape[i]);
    n *= (size_t)shape[i];
  }
  *bytes = n;
  return FX_OK;
}

static void storage_release (fx_storage *s) {
  if (s && --s->refs == 0) {
    fx_free(s->block);
    fx_free(s);
  }
}

static fx_tensor *handle_new (fx_dtype dtype, int ndim, const int64_t *shape) {
  fx_tensor *t = fx_calloc(1, sizeof *t);
  if (!t)
    return NULL;
  t->refs = 1;
  t->dtype = dtype;
  t->ndim = ndim;
  if (ndim > 0)
    memcpy(t->shape, shape, (size_t)ndim * sizeof *shape);
  return t;
}

fx_status fx_tensor_new (fx_dtype dtype, int ndim, const int64_t *shape, fx_tensor **out) {
  size_t bytes;
  FX_TRY(shape_bytes(dtype, ndim, shape, &bytes));
  fx_tensor *t = handle_new(dtype, ndim, shape);
  fx_storage *s = t ? fx_calloc(1, sizeof *s) : NULL;
  if (s)
    s->block = fx_alloc_kind(bytes, fx_memory_current());
  if (!s || !s->block) {
    fx_free(s);
    fx_free(t);
    return FX_ENOMEM;
  }
  s->refs = 1;
  t->storage = s;
  t->data = s->block;
  *out = t;
  return FX_OK;
}

fx_status fx_tensor_new_zeros (fx_dtype dtype, int ndim, const int64_t *shape, fx_tensor **out) {
  FX_TRY(fx_tensor_new(dtype, ndim, shape, out));
  memset((*out)->data, 0, (size_t)fx_tensor_count(*out) * fx_dtype_size(dtype));
  return FX_OK;
}

fx_status fx_tensor_new_like (const fx_tensor *like, fx_tensor **out) {
  return fx_tensor_new(like->dtype, like->ndim, like->shape, out);
}

fx_status fx_tensor_new_zeros_like (const fx_tensor *like, fx_tensor **out) {
  return fx_tensor_new_zeros(like->dtype, like->ndim, like->shape, out);
}

fx_status fx_tensor_new_shape (const fx_tensor *like, fx_tensor **out) {
  fx_tensor *t = handle_new(like->dtype, like->ndim, like->shape);
  if (!t)
    return FX_ENOMEM;
  *out = t;
  return FX_OK;
}

fx_status fx_tensor_view (const fx_tensor *base, int64_t offset, int ndim, const int64_t *shape,
                          fx_tensor **out) {
  size_t bytes;
  FX_TRY(shape_bytes(base->dtype, ndim, shape, &bytes));
  const size_t size = fx_dtype_size(base->dtype);
  const int64_t count = (int64_t)(bytes / size);
  if (offset < 0 || offset > fx_tensor_count(base) || count > fx_tensor_count(base) - offset)
    return fx_fail(FX_ESHAPE,
                   "a view of %" PRId64 " elements from element %" PRId64
                   " does not lie in a tensor of %" PRId64,
                   count, offset, fx_tensor_count(base));
  fx_tensor *t = handle_new(base->dtype, ndim, shape);
  if (!t)
    return FX_ENOMEM;
  t->storage = base->storage;
  if (t->storage)
    t->storage->refs++;
  t->data = base->data ? (char *)base->data + (size_t)offset * size : NULL;
  *out = t;
  return FX_OK;
}

fx_tensor *fx_tensor_retain (fx_tensor *t) {
  if (t)
    t->refs++;
  return t;
}

void fx_tensor_release (fx_tensor *t) {
  if (!t || --t->refs > 0)
    return;
  if (t->link)
    t->link->release(t->link);
  storage_release(t->storage);
  fx_free(t);
}

bool fx_tensor_unique (const fx_tensor *t) {
  return t->refs == 1 && t->storage && t->storage->refs == 1;
}

void fx_tensor_assign (fx_tensor **slot, fx_tensor *t) {
  fx_tensor *old = *slot;
  *slot = t;
  fx_tensor_release(old);
}

int64_t fx_tensor_count (const fx_tensor *t) {
  int64_t n = 1;
  for (int i = 0; i < t->ndim; i++)
    n *= t->shape[i];
  return n;
}

bool fx_same_shape (const fx_tensor *a, const fx_tensor *b) {
  return a->ndim == b->ndim && memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape) == 0;
}

int64_t fx_dim (const fx_tensor *t, int axis) {
  if (axis < 0)
    axis += t->ndim;
  return axis >= 0 && axis < t->ndim ? t->shape[axis] : 1;
}

fx_dims fx_dims_of (const fx_tensor *t) {
  fx_dims dims = { .n = t->ndim };
  memcpy(dims.d, t->shape, sizeof dims.d);
  return dims;
}

const char *fx_shape_text (const fx_tensor *t, char buffer[FX_SHAPE_TEXT]) {
  int used = snprintf(buffer, FX_SHAPE_TEXT, "(");
  for (int i = 0; i < t->ndim && used < FX_SHAPE_TEXT; i++)
    used += snprintf(buffer + used, (size_t)(FX_SHAPE_TEXT - used), "%s%" PRId64, i ? "," : "",
                     t->shape[i]);
  if (used < FX_SHAPE_TEXT)
    snprintf(buffer + used, (size_t)(FX_SHAPE_TEXT - used), ")");
  return buffer;
}
