/*
** bf16_test.c - convolutions whose factors are rounded to bf16: every instruction set, whatever engine it has, means
** what ref does.
*/
#include <math.h>
#include <string.h>

#include "autograd/tape.h"
#include "base/bf16.h"
#include "base/thread.h"
#include "check.h"
#include "kernels/kernels.h"
#include "largest.h"

typedef struct {
  int64_t n, h, w, c, outs, k, stride, pad;
  fx_padding padding;
} shape;

/* Whole and broken tiles of every engine, one tap and more, few channels, other strides; the last two have more
** weights, and more rows, than one piece of work takes. */
static const shape shapes[] = {
  { 2, 9, 7, 32, 16, 3, 1, -1, FX_PADDING_ZEROS },
  { 1, 16, 16, 64, 48, 3, 1, -1, FX_PADDING_CIRCULAR },
  { 1, 5, 33, 17, 19, 3, 1, -1, FX_PADDING_ZEROS },
  { 2, 8, 8, 40, 16, 1, 1, -1, FX_PADDING_ZEROS },
  { 1, 7, 6, 16, 16, 5, 1, -1, FX_PADDING_CIRCULAR },
  { 2, 6, 5, 3, 4, 3, 1, -1, FX_PADDING_ZEROS },
  { 1, 8, 8, 16, 16, 3, 2, 1, FX_PADDING_ZEROS },
  { 1, 6, 8, 5, 1, 3, 2, 1, FX_PADDING_CIRCULAR },
  { 1, 4, 4, 320, 288, 3, 1, -1, FX_PADDING_ZEROS },
  { 1, 40, 32, 64, 16, 3, 1, -1, FX_PADDING_ZEROS },
};
#define SHAPES ((int)(sizeof shapes / sizeof *shapes))

/* y, and x and w with their gradients of a weighted sum of y. */
typedef struct {
  fx_tensor *x, *w, *y;
} outcome;

static void release (outcome *o) {
  fx_tensor_assign(&o->x, NULL);
  fx_tensor_assign(&o->w, NULL);
  fx_tensor_assign(&o->y, NULL);
}

static fx_tensor *operand (int ndim, const int64_t *dims, uint32_t which) {
  fx_tensor *t = NULL;
  CHECK_STATUS(fx_tensor_new(FX_F32, ndim, dims, &t));
  fx_tensor_normal(t, (fx_rng){ .seed = 4, .stream = FX_STREAM_USER, .sample = which });
  CHECK_STATUS(fx_set_requires_grad(t, true));
  return t;
}

static outcome convolve (const shape *s, fx_precision precision) {
  outcome o = { operand(4, (int64_t[]){ s->n, s->h, s->w, s->c }, 0),
                operand(4, (int64_t[]){ s->outs, s->k, s->k, s->c }, 1), NULL };
  CHECK_STATUS(fx_conv2d(FX_ARGS(conv2d, .x = o.x, .w = o.w, .stride = s->stride, .pad = s->pad,
                                 .padding = s->padding, .precision = precision),
                         &o.y));
  fx_tensor *seed = operand(4, o.y->shape, 2);
  CHECK_STATUS(fx_backward(o.y, seed));
  fx_tensor_release(seed);
  return o;
}

/* The largest difference over the largest number of b. */
static double distance (const fx_tensor *a, const fx_tensor *b) {
  double most = 0;
  for (int64_t i = 0; i < fx_tensor_count(b); i++) {
    const double d = fabs(fx_tensor_get(a, i) - fx_tensor_get(b, i));
    most = isnan(most) || d <= most ? most : d; /* NaN comes and stays */
  }
  return most / largest(b);
}

static bool same_bits (const fx_tensor *a, const fx_tensor *b) {
  return memcmp(a->data, b->data, (size_t)fx_tensor_count(a) * sizeof(float)) == 0;
}

/* Factors are the same to the bit, so that what is left is what f32 has (docs/measurements.md). */
static void equals_ref (const shape *s) {
  CHECK_STATUS(fx_backend_use("ref"));
  outcome want = convolve(s, FX_PRECISION_BF16);
  CHECK_STATUS(fx_backend_use("cpu"));
  for (const char *const *isa = fx_isas(); *isa; isa++) {
    CHECK_STATUS(fx_isa_use(*isa));
    outcome got = convolve(s, FX_PRECISION_BF16);
    CHECK(distance(got.y, want.y) < 2e-5);
    CHECK(distance(fx_grad(got.x), fx_grad(want.x)) < 2e-5);
    if (check_failures() != 0)
      fprintf(stderr, "  shape %d, %s\n", (int)(s - shapes), *isa);
    release(&got);
  }
  CHECK_STATUS(fx_isa_use(fx_isas()[0]));
  release(&want);
}

/* Rounded in y and in the gradient of x by what bf16's eight digits lose; not in the gradient of w. */
static void rounds_what_it_says (const shape *s) {
  outcome rounded = convolve(s, FX_PRECISION_BF16), plain = convolve(s, FX_PRECISION_F32);
  const double y = distance(rounded.y, plain.y), x = distance(fx_grad(rounded.x), fx_grad(plain.x));
  CHECK(y > 2e-4 && y < 1e-2 && x > 2e-4 && x < 1e-2);
  CHECK(same_bits(fx_grad(rounded.w), fx_grad(plain.w)));
  release(&rounded);
  release(&plain);
}

static void threads_change_nothing (const shape *s) {
  fx_set_threads(1);
  outcome one = convolve(s, FX_PRECISION_BF16);
  fx_set_threads(3);
  outcome three = convolve(s, FX_PRECISION_BF16);
  CHECK(same_bits(one.y, three.y) && same_bits(fx_grad(one.x), fx_grad(three.x)));
  release(&one);
  release(&three);
}

/* A fused convolution rounds what it makes, not what it reads. What it makes has f32's rounding and so, seldom, falls
** to the other side of half a step of bf16. */
static void fused_rounds_what_it_makes (void) {
  const int64_t c = 32, outs = 16;
  fx_tensor *x = operand(4, (int64_t[]){ 2, 6, 10, c }, 0), *y[3] = { NULL, NULL, NULL };
  fx_tensor *w = operand(4, (int64_t[]){ outs, 3, 3, c }, 1), *norm = operand(1, &c, 2);
  fx_fused_conv_args *a = FX_ARGS(fused_conv, .x = x, .w = w, .norm_w = norm, .groups = 4);
  CHECK_STATUS(fx_backend_use("ref"));
  CHECK_STATUS(fx_fused_conv(a, &y[1]));
  a->precision = FX_PRECISION_BF16;
  CHECK_STATUS(fx_fused_conv(a, &y[0]));
  CHECK_STATUS(fx_backend_use("cpu"));
  for (const char *const *isa = fx_isas(); *isa; isa++) {
    CHECK_STATUS(fx_isa_use(*isa));
    CHECK_STATUS(fx_fused_conv(a, &y[2]));
    const double off = distance(y[2], y[0]);
    CHECK(off < 2e-4 && off < 0.2 * distance(y[1], y[0]));
    fx_tensor_assign(&y[2], NULL);
  }
  CHECK_STATUS(fx_isa_use(fx_isas()[0]));
  for (int i = 0; i < 2; i++)
    fx_tensor_release(y[i]);
  fx_tensor_release(x);
  fx_tensor_release(w);
  fx_tensor_release(norm);
}

static void numbers_round_to_nearest_even (void) {
  static const float known[][2] = { { 1.0f, 1.0f },
                                    { 1.00390625f, 1.0f }, /* half a step: to the even one */
                                    { 1.01171875f, 1.015625f },
                                    { 1.0039064f, 1.0078125f },
                                    { -3.14159274f, -3.140625f },
                                    { 3.4e38f, INFINITY },
                                    { INFINITY, INFINITY } };
  for (int i = 0; i < 7; i++)
    CHECK(fx_bf16_round(known[i][0]) == known[i][1]);
  CHECK(isnan(fx_bf16_round(NAN)));
}

int main (void) {
  numbers_round_to_nearest_even();
  for (int i = 0; i < SHAPES; i++) {
    equals_ref(&shapes[i]);
    threads_change_nothing(&shapes[i]);
    if (shapes[i].c >= 16)
      rounds_what_it_says(&shapes[i]);
  }
  fused_rounds_what_it_makes();
  return check_report("bf16");
}
