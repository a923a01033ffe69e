/*
** lanes.h - four transforms side by side. Private to sim/ and metrics/spectrum.
**
** A "lane block" of length n is double[n][2][4]: element i holds the real parts of four
** independent sequences, then their imaginary parts. Every arithmetic step of a transform is then
** the same instruction on four numbers, whatever the radix, and no step shuffles inside a vector.
** Only moving between rows and columns does: fx_lanes_turn transposes 4x4 tiles.
**
** fx_vec is a GCC/clang vector as wide as the registers of the instruction set being compiled for:
** four doubles with AVX, two without (gcc takes wider ones apart into scalars). Loops over the four
** lanes therefore step by FX_VEC.
*/
#ifndef FX_LANES_H
#define FX_LANES_H

#include <stdint.h>

#define FX_LANES 4
#define FX_LANE_BLOCK 8 /* doubles an element: 4 real parts, 4 imaginary parts */

#ifdef __AVX__
#define FX_VEC 4
#else
#define FX_VEC 2
#endif

typedef double fx_vec __attribute__((vector_size(8 * FX_VEC)));
typedef double fx_v2 __attribute__((vector_size(16)));

/* to[j][i] = from[i][j] for a 4x4 tile whose rows lie `from_step` and `to_step` doubles apart.
** Rows are 32-byte aligned; the tiles may not overlap. */
static inline void fx_lanes_turn (const double *from, int64_t from_step, double *to,
                                  int64_t to_step) {
  for (int i = 0; i < 4; i += 2) {
    for (int j = 0; j < 4; j += 2) {
      const fx_v2 a = *(const fx_v2 *)(from + i * from_step + j);
      const fx_v2 b = *(const fx_v2 *)(from + (i + 1) * from_step + j);
      *(fx_v2 *)(to + j * to_step + i) = (fx_v2){ a[0], b[0] };
      *(fx_v2 *)(to + (j + 1) * to_step + i) = (fx_v2){ a[1], b[1] };
    }
  }
}

#endif
