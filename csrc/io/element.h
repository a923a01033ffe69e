/*
** element.h - the number formats that checkpoint files of other programs hold, and what becomes of
** them here: f32, f64, f16 and bf16 keep their bits; integers and booleans become f64 (exact up to
** 2^53 in absolute value, rounded to nearest beyond).
*/
#ifndef FX_ELEMENT_H
#define FX_ELEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "tensor/tensor.h"

typedef enum {
  FX_ELEMENT_F32 = 0,
  FX_ELEMENT_F64,
  FX_ELEMENT_BF16,
  FX_ELEMENT_F16, /* as fx_dtype */
  FX_ELEMENT_I64,
  FX_ELEMENT_I32,
  FX_ELEMENT_I16,
  FX_ELEMENT_I8,
  FX_ELEMENT_U64,
  FX_ELEMENT_U32,
  FX_ELEMENT_U16,
  FX_ELEMENT_U8,
  FX_ELEMENT_BOOL,
  FX_ELEMENT_COUNT
} fx_element;

/* Bytes of one element; its name in safetensors ("F32"); the dtype of the tensor it becomes. */
size_t fx_element_size(fx_element element);
const char *fx_element_name(fx_element element);
fx_dtype fx_element_dtype(fx_element element);

/* Its name as numpy writes it, with the order of its bytes: "<f4", ">i2", "|u1". */
void fx_element_spelling(fx_element element, bool big, char text[16]);

/* Product of `ndim` sizes, or FX_ESHAPE if one is negative, there are more than FX_MAX_DIMS, or
** the elements would take more than `max_bytes`. `what` begins the message. */
fx_status fx_element_count(fx_element element, int64_t ndim, const int64_t *shape,
                           int64_t max_bytes, const char *what, int64_t *count);

/* Elements first .. first+n-1 of `to` from n little-endian elements at `from` (any alignment).
** `to` must have the dtype fx_element_dtype says. */
void fx_element_store(fx_element element, const void *from, int64_t n, fx_tensor *to,
                      int64_t first);

#endif
