/* bf16.h - bfloat16, the upper half of an f32: to nearest, ties to even; what is no number stays none. */
#ifndef FX_BF16_H
#define FX_BF16_H

#include "base/bits.h"

static inline float fx_bf16_value (uint16_t half) { return fx_float_of_bits((uint32_t)half << 16); }

static inline uint16_t fx_bf16_of (float f) {
  const uint32_t bits = fx_bits_of_float(f);
  if (f != f)
    return (uint16_t)(bits >> 16 | 0x40); /* quiet, never rounded to infinity */
  return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

/* f with the digits of a bf16. */
static inline float fx_bf16_round (float f) { return fx_bf16_value(fx_bf16_of(f)); }

#endif
