/* shape.c - the same numbers elsewhere. */
#include "kernels/ref/ref.h"

fx_status fxref_permute (const fx_kernel_permute *k) {
  int64_t stride[FX_MAX_DIMS], step = 1;
  for (int a = k->x->ndim - 1; a >= 0; a--) {
    stride[a] = step;
    step *= k->x->shape[a];
  }
  for (int64_t i = 0; i < fx_tensor_count(k->y); i++) {
    int64_t rest = i, from = 0;
    for (int a = k->y->ndim - 1; a >= 0; a--) {
      from += rest % k->y->shape[a] * stride[k->axes.d[a]];
      rest /= k->y->shape[a];
    }
    store(k->y, i, load(k->x, from));
  }
  return FX_OK;
}

/* Calls are made on (whole, part): part is the range [start, start + its size) of whole's axis. */
static int64_t whole_index (const fx_tensor *whole, const fx_tensor *part, int axis, int64_t start,
                            int64_t i) {
  const int64_t inner = extent(whole, axis + 1, whole->ndim), length = part->shape[axis];
  const int64_t outer = i / (length * inner), at = i / inner % length;
  return (outer * whole->shape[axis] + start + at) * inner + i % inner;
}

fx_status fxref_narrow (const fx_kernel_narrow *k) {
  for (int64_t i = 0; i < fx_tensor_count(k->y); i++)
    store(k->y, i, load(k->x, whole_index(k->x, k->y, (int)k->axis, k->start, i)));
  return FX_OK;
}

fx_status fxref_place (const fx_kernel_place *k) {
  if (k->clear)
    fx_tensor_fill(k->y, 0);
  for (int64_t i = 0; i < fx_tensor_count(k->x); i++)
    store(k->y, whole_index(k->y, k->x, (int)k->axis, k->start, i), load(k->x, i));
  return FX_OK;
}

fx_status fxref_flip (const fx_kernel_flip *k) {
  const int64_t inner = extent(k->x, (int)k->axis + 1, k->x->ndim), n = k->x->shape[k->axis];
  for (int64_t i = 0; i < fx_tensor_count(k->y); i++) {
    const int64_t at = i / inner % n;
    store(k->y, i, load(k->x, i + (n - 1 - 2 * at) * inner));
  }
  return FX_OK;
}
