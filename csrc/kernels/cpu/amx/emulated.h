/*
** emulated.h - the instructions of the AMX unit that this folder uses, in C: so that its code can be tested on
** processors that have AVX512-BF16 but no such unit, at a hundredth of its speed (-DFLEXLAB_EMULATE_AMX=1).
** Registers are always whole, 16 rows of 64 bytes; pairs are added up one number after the other, while the unit
** adds the two products of a pair first.
*/
#ifndef FX_CPU_AMX_EMULATED_H
#define FX_CPU_AMX_EMULATED_H

#include <string.h>

#include "base/bf16.h"

typedef union {
  float sums[16][16];
  uint16_t halves[16][32];
} emulated_tile;

static _Thread_local emulated_tile emulated[8];

static inline void emulated_load (int t, const void *from, int64_t row) {
  for (int i = 0; i < 16; i++)
    memcpy(emulated[t].halves[i], (const char *)from + i * row, 64);
}

static inline void emulated_store (int t, void *to, int64_t row) {
  for (int i = 0; i < 16; i++)
    memcpy((char *)to + i * row, emulated[t].sums[i], 64);
}

static inline void emulated_zero (int t) { memset(&emulated[t], 0, sizeof emulated[t]); }

/* sums[i][j] += a[i][2k] b[k][2j] + a[i][2k+1] b[k][2j+1] */
static inline void emulated_products (int sums, int a, int b) {
  for (int i = 0; i < 16; i++)
    for (int p = 0; p < 32; p++)
      for (int j = 0; j < 16; j++)
        emulated[sums].sums[i][j] += fx_bf16_value(emulated[a].halves[i][p]) *
                                     fx_bf16_value(emulated[b].halves[p / 2][2 * j + p % 2]);
}

#undef _tile_loadd
#undef _tile_stored
#undef _tile_zero
#undef _tile_dpbf16ps
#undef _tile_release
#undef _tile_loadconfig
#define _tile_loadd(t, from, row) emulated_load(t, from, row)
#define _tile_stored(t, to, row) emulated_store(t, to, row)
#define _tile_zero(t) emulated_zero(t)
#define _tile_dpbf16ps(sums, a, b) emulated_products(sums, a, b)
#define _tile_release() ((void)0)
#define _tile_loadconfig(registers) ((void)(registers))

#endif
