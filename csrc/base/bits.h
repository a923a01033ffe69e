/* bits.h - an f32 as the 32 bits that it is. */
#ifndef FX_BITS_H
#define FX_BITS_H

#include <stdint.h>
#include <string.h>

static inline float fx_float_of_bits (uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static inline uint32_t fx_bits_of_float (float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

#endif
