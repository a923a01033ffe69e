/*
** elementwise.c - functions of one number and of two, element by element. Two operands broadcast: a
** coordinate along an axis of size 1 counts as 0. NaN passes through everything, relu, clamp, maximum
** and minimum too, as IEEE 754-2019 and PyTorch have it: a loss must not hide where training broke.
*/
#include <math.h>

#include "kernels/ref/activations.h"
#include "kernels/ref/ref.h"

static double value (fx_unary f, double a, double b, double x) {
  switch (f) {
  case FX_UNARY_AFFINE: return a * x + b;
  case FX_UNARY_EXP: return exp(x);
  case FX_UNARY_LOG: return log(x);
  case FX_UNARY_SQRT: return sqrt(x);
  case FX_UNARY_SQUARE: return x * x;
  case FX_UNARY_ABS: return fabs(x);
  case FX_UNARY_SIN: return sin(x);
  case FX_UNARY_COS: return cos(x);
  case FX_UNARY_TANH: return tanh(x);
  case FX_UNARY_SIGMOID: return sigmoid(x);
  case FX_UNARY_SILU: return x * sigmoid(x);
  case FX_UNARY_GELU: return gelu(x);
  case FX_UNARY_RELU: return x <= 0 ? 0 : x;
  case FX_UNARY_POW: return pow(x, a);
  case FX_UNARY_CLAMP: return x < a ? a : x > b ? b : x;
  }
  return NAN;
}

static double slope (fx_unary f, double a, double b, double x) {
  const double s = sigmoid(x), t = tanh(x);
  switch (f) {
  case FX_UNARY_AFFINE: return a;
  case FX_UNARY_EXP: return exp(x);
  case FX_UNARY_LOG: return 1 / x;
  case FX_UNARY_SQRT: return 0.5 / sqrt(x);
  case FX_UNARY_SQUARE: return 2 * x;
  case FX_UNARY_ABS: return x > 0 ? 1 : x < 0 ? -1 : 0;
  case FX_UNARY_SIN: return cos(x);
  case FX_UNARY_COS: return -sin(x);
  case FX_UNARY_TANH: return 1 - t * t;
  case FX_UNARY_SIGMOID: return s * (1 - s);
  case FX_UNARY_SILU: return s * (1 + x * (1 - s));
  case FX_UNARY_GELU: return gelu_slope(x);
  case FX_UNARY_RELU: return !(x <= 0);
  case FX_UNARY_POW: return a * pow(x, a - 1);
  case FX_UNARY_CLAMP: return x >= a && x <= b;
  }
  return NAN;
}

fx_status fxref_unary_forward (const fx_kernel_unary_forward *k) {
  const int64_t n = fx_tensor_count(k->x);
  for (int64_t i = 0; i < n; i++)
    store(k->y, i, value(k->f, k->a, k->b, load(k->x, i)));
  return FX_OK;
}

fx_status fxref_unary_backward (const fx_kernel_unary_backward *k) {
  const int64_t n = fx_tensor_count(k->dy);
  for (int64_t i = 0; i < n; i++) {
    const double x =
        k->f == FX_UNARY_AFFINE ? 0 : load(k->x, i); /* affine needs no x and gets none */
    store(k->dx, i, load(k->dy, i) * slope(k->f, k->a, k->b, x));
  }
  return FX_OK;
}

/* A number that is not one wins from either side, so the first is taken if it is none. */
static bool takes_first (double a, bool wins) { return wins || isnan(a); }

static double combine (fx_binary f, double a, double b) {
  switch (f) {
  case FX_BINARY_ADD: return a + b;
  case FX_BINARY_SUB: return a - b;
  case FX_BINARY_MUL: return a * b;
  case FX_BINARY_DIV: return a / b;
  case FX_BINARY_MAXIMUM: return takes_first(a, a >= b) ? a : b;
  case FX_BINARY_MINIMUM: return takes_first(a, a <= b) ? a : b;
  case FX_BINARY_MASK_GE: return takes_first(a, a >= b);
  case FX_BINARY_MASK_LE: return takes_first(a, a <= b);
  }
  return NAN;
}

/* Where element i of the result lies in an operand of `count` elements. Most operands are as large as
** the result or one number, and need no coordinates. */
static int64_t place (const fx_tensor *result, int64_t n, int64_t i, const fx_tensor *t,
                      int64_t count) {
  return count == n ? i : count == 1 ? 0 : broadcast_index(result, i, t);
}

fx_status fxref_binary_forward (const fx_kernel_binary_forward *k) {
  const int64_t n = fx_tensor_count(k->y);
  const int64_t of_a = fx_tensor_count(k->a), of_b = fx_tensor_count(k->b);
  for (int64_t i = 0; i < n; i++) {
    const double a = load(k->a, place(k->y, n, i, k->a, of_a));
    const double b = load(k->b, place(k->y, n, i, k->b, of_b));
    store(k->y, i, combine(k->f, a, b));
  }
  return FX_OK;
}

fx_status fxref_add_scaled (const fx_kernel_add_scaled *k) {
  const int64_t n = fx_tensor_count(k->y);
  for (int64_t i = 0; i < n; i++)
    store(k->y, i, load(k->y, i) + k->scale * load(k->x, i));
  return FX_OK;
}
