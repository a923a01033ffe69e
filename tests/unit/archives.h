/*
** archives.h - what the tests of archive formats share: tensors to put in, and whether two are equal.
*/
#ifndef FX_ARCHIVES_H
#define FX_ARCHIVES_H

#include <string.h>

#include "check.h"
#include "io/archive.h"

/* New: -1, -0.75, -0.5, ... in row-major order. */
static inline fx_tensor *ramp (fx_dtype dtype, int ndim, const int64_t *shape) {
  fx_tensor *t = NULL;
  CHECK_STATUS(fx_tensor_new(dtype, ndim, shape, &t));
  for (int64_t i = 0; i < fx_tensor_count(t); i++)
    fx_tensor_set(t, i, (double)i * 0.25 - 1.0);
  return t;
}

/* Takes t. */
static inline void add (fx_archive *a, const char *name, fx_tensor *t) {
  CHECK_STATUS(fx_archive_add(a, name, t));
  fx_tensor_release(t);
}

/* Same names in the same order, same bits, same texts. */
static inline int same_archive (const fx_archive *a, const fx_archive *b) {
  int same = fx_archive_count(a) == fx_archive_count(b) &&
             fx_archive_text_count(a) == fx_archive_text_count(b);
  for (int64_t i = 0; same && i < fx_archive_count(a); i++) {
    const fx_tensor *x = fx_archive_tensor(a, i), *y = fx_archive_tensor(b, i);
    same = strcmp(fx_archive_name(a, i), fx_archive_name(b, i)) == 0 && x->dtype == y->dtype &&
           fx_same_shape(x, y) &&
           memcmp(x->data, y->data, (size_t)fx_tensor_count(x) * fx_dtype_size(x->dtype)) == 0;
  }
  for (int64_t i = 0; same && i < fx_archive_text_count(a); i++)
    same = strcmp(fx_archive_text_key(a, i), fx_archive_text_key(b, i)) == 0 &&
           strcmp(fx_archive_text_value(a, i), fx_archive_text_value(b, i)) == 0;
  return same;
}

#endif
