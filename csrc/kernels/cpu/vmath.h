/*
** vmath.h - exp and its relatives as straight lines of arithmetic, so that loops over them
** vectorise: no branches but selections, no calls, no tables.
**
** Largest errors against double: exp 1.1 ulp, tanh 1.3, sigmoid 2.4, silu 2.6; gelu more where it
** is below 1e-3 of x, since its exponent is rounded first.
** Infinities, NaN, overflow and gradual underflow come out as in libm.
*/
#ifndef FX_CPU_VMATH_H
#define FX_CPU_VMATH_H

#include <math.h>

#include "base/bits.h"

/*
** e^x = 2^n e^r, n = round(x / log 2), |r| <= log(2)/2; Taylor's series of e^r to r^7 is below half
** an ulp there. Adding 1.5 2^23 rounds and leaves n in the low bits, without a conversion that NaN
** would make undefined. 2^n is two factors: n reaches 128 and, for subnormal results, -150.
*/
static inline float v_exp (float x) {
  const float magic = 12582912.0f;
  float v = x > 89.0f ? 89.0f : x; /* written so that NaN stays */
  v = v < -104.0f ? -104.0f : v;
  const float shifted = v * 1.44269504f + magic, n = shifted - magic;
  const float r = (v - n * 0.693359375f) + n * 2.12194440e-4f; /* log 2 in two parts [Cephes] */
  float p = 1.0f / 5040.0f;
  p = p * r + 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r * r + r;
  p = p + 1.0f;
  const int32_t power = (int32_t)(fx_bits_of_float(shifted) - 0x4B400000u), half = power >> 1;
  const float first = fx_float_of_bits((uint32_t)(half + 127) << 23);
  const float second = fx_float_of_bits((uint32_t)(power - half + 127) << 23);
  return p * first * second;
}

/*
** 1 / (1 + e^-x) is made of less than v_exp has, since it is what SiLU waits for. x is cut to -104
** (below, the result is 0) and 65 (above, 1) as an integer: the bits of floats of one sign are in order,
** and those of the negative ones, unsigned, above all others. Everything is scaled by 2^-32, so that 2^n
** is one factor. e^r is a minimax polynomial of degree 6 (least squares reweighted until the errors are
** level): 4e-9 at most.
*/
static inline float v_sigmoid (float x) {
  const float magic = 12582912.0f, tiny = 0x1p-32f;
  const int32_t top = (int32_t)fx_bits_of_float(x), most = 0x42820000;          /* 65 */
  const uint32_t cut = (uint32_t)(top < most ? top : most), least = 0xC2D00000; /* -104 */
  const float v = fx_float_of_bits(cut < least ? cut : least);
  const float shifted = v * -1.44269504f + magic, n = shifted - magic;
  const float r = -(n * 0.693359375f + v) + n * 2.12194440e-4f;
  float p = 1.38145406e-3f;
  p = p * r + 8.36874545e-3f;
  p = p * r + 4.16683890e-2f;
  p = p * r + 1.66665211e-1f;
  p = p * r + 0.49999994f;
  p = p * (r * r) + r;
  const float scale = fx_float_of_bits((fx_bits_of_float(shifted) - 0x4B400000u + 127 - 32) << 23);
  const float s = tiny / (tiny + (scale + scale * p));
  return x != x ? x : s;
}

/* Small arguments by an odd polynomial [Cephes tanhf], where 1 - 2/(e^2x + 1) would cancel. */
static inline float v_tanh (float x) {
  const float a = fabsf(x), z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const float near = p * z * x + x, far = 1.0f - 2.0f / (v_exp(2.0f * a) + 1.0f);
  const float signed_far = x < 0.0f ? -far : far;
  return a < 0.625f ? near : signed_far;
}

/* GELU is x (1 + tanh u)/2 = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3): without the
** cancellation of 1 + tanh. */
#define GELU_SCALE 1.5957691216f /* 2 sqrt(2/pi) */
#define GELU_CUBE 0.044715f
static inline float v_gelu (float x) {
  return x * v_sigmoid(GELU_SCALE * (x + GELU_CUBE * x * x * x));
}
static inline float v_gelu_slope (float x) {
  const float s = v_sigmoid(GELU_SCALE * (x + GELU_CUBE * x * x * x)), bend = s * (1.0f - s);
  const float more = x * bend * (GELU_SCALE * (1.0f + 3.0f * GELU_CUBE * x * x));
  return s + (bend == 0.0f ? 0.0f : more); /* where s is 0 or 1, x^2 may have overflowed */
}

static inline float v_silu_slope (float x) {
  const float s = v_sigmoid(x);
  return s * (1.0f + x * (1.0f - s));
}

#endif
