/*
** print.c - a tensor as text for a person: what it is in one line, then its corners.
**
**   Tensor (2,64,64,1) f32  min -3.1 mean 0.002 max 2.9
**     0.12  0.33 ...  1.2
**
** Of the last two axes longer than one, rows and columns are shown; leading axes show index 0.
*/
#include <stdarg.h>
#include <stdio.h>

#include "tensor/tensor.h"

#define EDGE 3

/* Appends like snprintf into a buffer that may already be full; counts what it would need. */
typedef struct {
  char *buffer;
  size_t size;
  int length;
} text;

static void put(text *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put (text *out, const char *format, ...) {
  const size_t used = (size_t)out->length;
  const int room = used < out->size;
  va_list args;
  va_start(args, format);
  const int n =
      vsnprintf(room ? out->buffer + used : NULL, room ? out->size - used : 0, format, args);
  va_end(args);
  out->length += n > 0 ? n : 0;
}

/* A range of `n` shown whole if it is short, else EDGE from each end; -1 stands for the gap. */
static int64_t shown_index (int64_t n, int i) {
  if (n <= 2 * EDGE)
    return i < n ? i : -2;
  if (i < EDGE)
    return i;
  if (i == EDGE)
    return -1;
  return i <= 2 * EDGE ? n - 2 * EDGE - 1 + i : -2;
}

static void put_row (text *out, const fx_tensor *t, int64_t start, int64_t columns, int64_t step) {
  put(out, "\n ");
  for (int j = 0;; j++) {
    const int64_t c = shown_index(columns, j);
    if (c == -2)
      break;
    if (c == -1)
      put(out, "     ...");
    else
      put(out, " %10.4g", fx_tensor_get(t, start + c * step));
  }
}

static void put_corners (text *out, const fx_tensor *t) {
  int64_t rows = 1, columns = 1, row_step = 0, column_step = 1, step = 1;
  int found = 0;
  for (int a = t->ndim - 1; a >= 0 && found < 2; a--) {
    if (t->shape[a] > 1) {
      if (found++ == 0)
        columns = t->shape[a], column_step = step;
      else
        rows = t->shape[a], row_step = step;
    }
    step *= t->shape[a];
  }
  for (int i = 0;; i++) {
    const int64_t r = shown_index(rows, i);
    if (r == -2)
      break;
    if (r == -1)
      put(out, "\n         ...");
    else
      put_row(out, t, r * row_step, columns, column_step);
  }
}

int fx_tensor_print (const fx_tensor *t, char *buffer, size_t size) {
  text out = { buffer, size, 0 };
  char shape[FX_SHAPE_TEXT];
  put(&out, "Tensor %s %s", fx_shape_text(t, shape), fx_dtype_name(t->dtype));
  if (!t->data || fx_tensor_count(t) == 0)
    return out.length;
  fx_summary s;
  fx_tensor_summary(t, &s);
  if (fx_tensor_count(t) > 1)
    put(&out, "  min %.4g mean %.4g max %.4g", s.min, s.mean, s.max);
  if (s.nonfinite)
    put(&out, "  (%lld not finite)", (long long)s.nonfinite);
  put_corners(&out, t);
  return out.length;
}
