/* element.c - see element.h. Little-endian hosts only, as every processor we build for is. */
#include "io/element.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/product.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are read by memcpy");

static const struct {
  const char *name;
  size_t size;
} elements[FX_ELEMENT_COUNT] = {
  [FX_ELEMENT_F32] = { "F32", 4 },   [FX_ELEMENT_F64] = { "F64", 8 },
  [FX_ELEMENT_BF16] = { "BF16", 2 }, [FX_ELEMENT_F16] = { "F16", 2 },
  [FX_ELEMENT_I64] = { "I64", 8 },   [FX_ELEMENT_I32] = { "I32", 4 },
  [FX_ELEMENT_I16] = { "I16", 2 },   [FX_ELEMENT_I8] = { "I8", 1 },
  [FX_ELEMENT_U64] = { "U64", 8 },   [FX_ELEMENT_U32] = { "U32", 4 },
  [FX_ELEMENT_U16] = { "U16", 2 },   [FX_ELEMENT_U8] = { "U8", 1 },
  [FX_ELEMENT_BOOL] = { "BOOL", 1 },
};

size_t fx_element_size (fx_element element) { return elements[element].size; }
const char *fx_element_name (fx_element element) { return elements[element].name; }

fx_dtype fx_element_dtype (fx_element element) {
  switch (element) {
  case FX_ELEMENT_F32: return FX_F32;
  case FX_ELEMENT_BF16: return FX_BF16;
  case FX_ELEMENT_F16: return FX_F16;
  default: return FX_F64;
  }
}

void fx_element_spelling (fx_element element, bool big, char text[16]) {
  static const char letter[FX_ELEMENT_COUNT] = { 'f', 'f', 'V', 'f', 'i', 'i', 'i',
                                                 'i', 'u', 'u', 'u', 'u', 'b' };
  const size_t size = fx_element_size(element);
  snprintf(text, 16, "%c%c%zu", size == 1 ? '|' : big ? '>' : '<', letter[element], size);
}

fx_status fx_element_count (fx_element element, int64_t ndim, const int64_t *shape,
                            int64_t max_bytes, const char *what, int64_t *count) {
  if (ndim < 0 || ndim > FX_MAX_DIMS)
    return fx_fail(FX_ESHAPE, "%s has %" PRId64 " axes; tensors here have at most %d", what, ndim,
                   FX_MAX_DIMS);
  for (int64_t i = 0; i < ndim; i++)
    if (shape[i] < 0)
      return fx_fail(FX_ESHAPE, "%s has an axis of size %" PRId64, what, shape[i]);
  const int64_t size = (int64_t)fx_element_size(element);
  const int64_t bytes = fx_product(size, ndim, shape, max_bytes);
  if (bytes < 0)
    return fx_fail(FX_ESHAPE, "%s claims more elements than %" PRId64 " bytes can hold", what,
                   max_bytes);
  *count = bytes / size;
  return FX_OK;
}

/* One case of the switch below: memcpy because sources in files are not aligned. */
#define WIDEN(type) \
  for (int64_t i = 0; i < n; i++) { \
    type v; \
    memcpy(&v, bytes + i * (int64_t)sizeof v, sizeof v); \
    out[i] = (double)v; \
  } \
  break

void fx_element_store (fx_element element, const void *from, int64_t n, fx_tensor *to,
                       int64_t first) {
  const char *bytes = from;
  const size_t size = fx_dtype_size(to->dtype);
  if (n == 0)
    return;
  if (element <= FX_ELEMENT_F16) {
    memcpy((char *)to->data + (size_t)first * size, from, (size_t)n * size);
    return;
  }
  double *out = fx_f64(to) + first;
  switch (element) {
  case FX_ELEMENT_I64: WIDEN(int64_t);
  case FX_ELEMENT_I32: WIDEN(int32_t);
  case FX_ELEMENT_I16: WIDEN(int16_t);
  case FX_ELEMENT_I8: WIDEN(int8_t);
  case FX_ELEMENT_U64: WIDEN(uint64_t);
  case FX_ELEMENT_U32: WIDEN(uint32_t);
  case FX_ELEMENT_U16: WIDEN(uint16_t);
  case FX_ELEMENT_U8: WIDEN(uint8_t);
  default:
    for (int64_t i = 0; i < n; i++)
      out[i] = bytes[i] != 0;
  }
}
