/*
** contents.c - reading, writing, converting and summarising what a tensor holds.
**
** fx_tensor_get and fx_tensor_set see every dtype as double; the typed fast paths below exist only
** where whole tensors move.
*/
#include <math.h>
#include <string.h>

#include "base/bf16.h"
#include "tensor/tensor.h"

static double half_to_double (uint16_t h) {
  const int e = h >> 10 & 31, m = h & 1023;
  const double sign = h & 0x8000 ? -1.0 : 1.0;
  if (e == 31)
    return m ? NAN : sign * INFINITY;
  return sign * (e ? ldexp(1024 + m, e - 25) : ldexp(m, -24));
}

static uint16_t to_half (double v) {
  const uint16_t sign = signbit(v) ? 0x8000 : 0;
  v = fabs(v);
  if (v != v)
    return sign | 0x7E00;
  if (v >= 65520.0) /* half way past the largest finite */
    return sign | 0x7C00;
  if (v == 0)
    return sign;
  int e;
  frexp(v, &e);
  if (e < -13)
    e = -13;                                        /* subnormals share the smallest exponent */
  const double units = nearbyint(ldexp(v, 11 - e)); /* 1024..2048 when normal */
  if (units >= 2048.0)
    return (uint16_t)(sign | ((e + 15) << 10));
  return (uint16_t)(sign | (((e + 14) << 10) + (int)units - 1024));
}

double fx_tensor_get (const fx_tensor *t, int64_t i) {
  switch (t->dtype) {
  case FX_F32: return ((const float *)t->data)[i];
  case FX_F64: return ((const double *)t->data)[i];
  case FX_BF16: return fx_bf16_value(((const uint16_t *)t->data)[i]);
  case FX_F16: return half_to_double(((const uint16_t *)t->data)[i]);
  }
  return NAN;
}

void fx_tensor_set (fx_tensor *t, int64_t i, double value) {
  switch (t->dtype) {
  case FX_F32: ((float *)t->data)[i] = (float)value; break;
  case FX_F64: ((double *)t->data)[i] = value; break;
  case FX_BF16: ((uint16_t *)t->data)[i] = fx_bf16_of((float)value); break;
  case FX_F16: ((uint16_t *)t->data)[i] = to_half(value); break;
  }
}

void fx_tensor_fill (fx_tensor *t, double value) {
  const int64_t n = fx_tensor_count(t);
  if (value == 0.0 && !signbit(value))
    memset(t->data, 0, (size_t)n * fx_dtype_size(t->dtype));
  else
    for (int64_t i = 0; i < n; i++)
      fx_tensor_set(t, i, value);
}

fx_status fx_tensor_copy (fx_tensor *to, const fx_tensor *from) {
  const int64_t n = fx_tensor_count(to);
  if (fx_tensor_count(from) != n) {
    char a[FX_SHAPE_TEXT], b[FX_SHAPE_TEXT];
    return fx_fail(FX_ESHAPE, "copy: %s does not hold as many elements as %s",
                   fx_shape_text(from, a), fx_shape_text(to, b));
  }
  if (to->dtype == from->dtype)
    memmove(to->data, from->data, (size_t)n * fx_dtype_size(to->dtype));
  else
    for (int64_t i = 0; i < n; i++)
      fx_tensor_set(to, i, fx_tensor_get(from, i));
  return FX_OK;
}

fx_status fx_tensor_cast (const fx_tensor *t, fx_dtype dtype, fx_tensor **out) {
  FX_TRY(fx_tensor_new(dtype, t->ndim, t->shape, out));
  return fx_tensor_copy(*out, t);
}

fx_status fx_tensor_clone (const fx_tensor *t, fx_tensor **out) {
  return fx_tensor_cast(t, t->dtype, out);
}

void fx_tensor_normal (fx_tensor *t, fx_rng key) {
  enum { CHUNK = 256 };
  const int64_t n = fx_tensor_count(t);
  if (t->dtype == FX_F32) {
    fx_rng_normal(key, 0, n, t->data);
    return;
  }
  double values[CHUNK];
  for (int64_t i = 0; i < n; i += CHUNK) {
    const int64_t m = n - i < CHUNK ? n - i : CHUNK;
    fx_rng_normal_f64(key, (uint64_t)i, m, values);
    for (int64_t j = 0; j < m; j++)
      fx_tensor_set(t, i + j, values[j]);
  }
}

void fx_tensor_uniform (fx_tensor *t, fx_rng key, double low, double high) {
  enum { CHUNK = 256 };
  const int64_t n = fx_tensor_count(t);
  float values[CHUNK];
  for (int64_t i = 0; i < n; i += CHUNK) {
    const int64_t m = n - i < CHUNK ? n - i : CHUNK;
    fx_rng_uniform(key, (uint64_t)i, m, values);
    for (int64_t j = 0; j < m; j++)
      fx_tensor_set(t, i + j, low + (high - low) * (double)values[j]);
  }
}

void fx_tensor_summary (const fx_tensor *t, fx_summary *out) {
  const int64_t n = fx_tensor_count(t);
  double sum = 0.0;
  int64_t finite = 0;
  *out = (fx_summary){ .min = INFINITY, .max = -INFINITY };
  for (int64_t i = 0; i < n; i++) {
    const double v = fx_tensor_get(t, i);
    if (!isfinite(v))
      continue;
    finite++;
    sum += v;
    out->min = v < out->min ? v : out->min;
    out->max = v > out->max ? v : out->max;
  }
  out->nonfinite = n - finite;
  out->mean = finite ? sum / (double)finite : NAN;
  if (!finite)
    out->min = out->max = NAN;
}
