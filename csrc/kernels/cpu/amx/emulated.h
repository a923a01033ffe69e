/*
** emulated.h - the instructions that this folder uses, in C and under their own names: those of the AMX unit, and the
** few of AVX-512 that fill its tiles. With FLEXLAB_EMULATE_AMX the table `amx_emulated` is made of this folder's code
** and runs on any processor, at a hundredth of the unit's speed or less: it is there to be tested, and never chosen
** unless it is named.
**
** Registers are always whole, 16 rows of 64 bytes. Sums are added up in the order of Intel's manual (TDPBF16PS): those
** of the first halves of the pairs and those of the second apart, and both to the register at the end. The product of
** two numbers of bf16 is exact in f32, so it does not matter whether it is rounded before it is added. Numbers below
** 2^-126 become zero where f32 is made bf16; sums that fall below are kept, which the unit does not do.
*/
#ifndef FX_CPU_AMX_EMULATED_H
#define FX_CPU_AMX_EMULATED_H

#include <string.h>

#include "base/bf16.h"

/* --- AVX-512 ---------------------------------------------------------------------------------- */

typedef float __m512 __attribute__((vector_size(64)));
typedef int64_t __m512i __attribute__((vector_size(64)));
typedef int64_t __m256i __attribute__((vector_size(32)));
typedef uint32_t emulated_words __attribute__((vector_size(64)));
typedef uint16_t emulated_halves __attribute__((vector_size(64)));
typedef uint16_t emulated_lower __attribute__((vector_size(32)));

static inline __m512 _mm512_loadu_ps (const float *x) {
  __m512 v;
  memcpy(&v, x, sizeof v);
  return v;
}
static inline void _mm512_storeu_si512 (void *to, __m512i v) { memcpy(to, &v, sizeof v); }
static inline __m512i _mm512_setzero_si512 (void) { return (__m512i){ 0 }; }

static inline __m256i emulated_half (__m512i v, int which) {
  __m256i half;
  memcpy(&half, (const char *)&v + 32 * which, sizeof half);
  return half;
}
#define _mm512_castsi512_si256(v) emulated_half(v, 0)
#define _mm512_extracti64x4_epi64(v, which) emulated_half(v, which)

static inline __m512i _mm512_cvtepu16_epi32 (__m256i v) {
  return (__m512i) __builtin_convertvector((emulated_lower)v, emulated_words);
}
static inline __m512i _mm512_slli_epi32 (__m512i v, unsigned count) {
  return (__m512i)((emulated_words)v << count);
}

static inline uint16_t emulated_round (float x) {
  const uint32_t bits = fx_bits_of_float(x);
  return (bits & 0x7F800000u) == 0 ? (uint16_t)(bits >> 16 & 0x8000u) : fx_bf16_of(x);
}

/* low in the lower half of the result. */
static inline __m512i _mm512_cvtne2ps_pbh (__m512 high, __m512 low) {
  uint16_t halves[32];
  __m512i v;
  for (int i = 0; i < 16; i++) {
    halves[i] = emulated_round(low[i]);
    halves[16 + i] = emulated_round(high[i]);
  }
  memcpy(&v, halves, sizeof v);
  return v;
}

/* From the last element to the first, as Intel has it. */
#define _mm512_set_epi16(h31, h30, h29, h28, h27, h26, h25, h24, h23, h22, h21, h20, h19, h18, \
                         h17, h16, h15, h14, h13, h12, h11, h10, h9, h8, h7, h6, h5, h4, h3, h2, \
                         h1, h0) \
  ((__m512i)(emulated_halves){ h0,  h1,  h2,  h3,  h4,  h5,  h6,  h7,  h8,  h9,  h10, \
                               h11, h12, h13, h14, h15, h16, h17, h18, h19, h20, h21, \
                               h22, h23, h24, h25, h26, h27, h28, h29, h30, h31 })

static inline __m512i _mm512_permutexvar_epi16 (__m512i places, __m512i v) {
  const emulated_halves from = (emulated_halves)v, at = (emulated_halves)places;
  emulated_halves to;
  for (int i = 0; i < 32; i++)
    to[i] = from[at[i] % 32];
  return (__m512i)to;
}

/* --- AMX -------------------------------------------------------------------------------------- */

typedef union {
  float sums[16][16];
  uint16_t halves[16][32];
} emulated_tile;

static _Thread_local emulated_tile emulated[8];

static inline void _tile_loadd (int t, const void *from, int64_t row) {
  for (int i = 0; i < 16; i++)
    memcpy(emulated[t].halves[i], (const char *)from + i * row, 64);
}

static inline void _tile_stored (int t, void *to, int64_t row) {
  for (int i = 0; i < 16; i++)
    memcpy((char *)to + i * row, emulated[t].sums[i], 64);
}

static inline void _tile_zero (int t) { memset(&emulated[t], 0, sizeof emulated[t]); }

/* sums[i][j] += a[i][2k] b[k][2j] over all k, + a[i][2k+1] b[k][2j+1] over all k */
static inline void _tile_dpbf16ps (int sums, int a, int b) {
  float right[2][16][16];
  for (int k = 0; k < 16; k++)
    for (int j = 0; j < 16; j++)
      for (int odd = 0; odd < 2; odd++)
        right[odd][k][j] = fx_bf16_value(emulated[b].halves[k][2 * j + odd]);
  for (int i = 0; i < 16; i++) {
    float total[2][16] = { { 0 } };
    for (int k = 0; k < 16; k++)
      for (int odd = 0; odd < 2; odd++) {
        const float left = fx_bf16_value(emulated[a].halves[i][2 * k + odd]);
        for (int j = 0; j < 16; j++)
          total[odd][j] += left * right[odd][k][j];
      }
    for (int j = 0; j < 16; j++)
      emulated[sums].sums[i][j] += total[0][j] + total[1][j];
  }
}

static inline void _tile_loadconfig (const void *registers) { (void)registers; }
static inline void _tile_release (void) {}

#endif
