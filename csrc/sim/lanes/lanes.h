/*
** lanes.h - numbers side by side, of the precision that a file is compiled for: FXSIM_REAL, which is
** double or float.
**
** A "lane block" of length n is fx_real[n][2][FX_LANES]: element i holds the real parts of as many
** independent sequences, then their imaginary parts, and fills a line of the caches: four doubles or
** eight floats a part. Every arithmetic step of a transform is then the same instruction on all lanes,
** whatever the radix, and no step shuffles inside a vector. Only moving between rows and columns does:
** fx_lanes_turn transposes square tiles.
**
** fx_vec is a GCC/clang vector as wide as the registers of the instruction set being compiled for: 32
** bytes with AVX, 16 without (gcc takes wider ones apart into scalars). Loops over the lanes therefore
** step by FX_VEC.
*/
#ifndef FX_LANES_H
#define FX_LANES_H

#include <stdint.h>

#include "base/transpose.h"

#ifdef __AVX__
#define FX_VECTOR 32 /* bytes */
#else
#define FX_VECTOR 16
#endif

typedef FXSIM_REAL fx_real;
typedef fx_real fx_vec __attribute__((vector_size(FX_VECTOR)));

enum {
  FX_LANES = 32 / sizeof(fx_real),
  FX_LANE_BLOCK = 2 * FX_LANES, /* numbers an element: real parts, imaginary parts */
  FX_VEC = FX_VECTOR / sizeof(fx_real)
};

/* to[j][i] = from[i][j] for a tile of FX_LANES a side, whose rows lie `from_step` and `to_step` numbers
** apart. Rows are 32-byte aligned; the tiles may not overlap. */
static inline void fx_lanes_turn (const fx_real *from, int64_t from_step, fx_real *to,
                                  int64_t to_step) {
  const int small = 16 / sizeof(fx_real);
  for (int i = 0; i < FX_LANES; i += small)
    for (int j = 0; j < FX_LANES; j += small)
      _Generic(*to, double
               : fx_transpose_2x2, float
               : fx_transpose_4x4)(from + i * from_step + j, from_step, to + j * to_step + i,
                                   to_step);
}

#endif
