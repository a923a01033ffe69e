/*
** split.h - numbers of f32 as one or two of bf16, and the product of tiles that the AMX unit makes of them.
**
** The unit multiplies 16x32 and 32x16 tiles of bf16 and adds up in f32, sixteen times as fast as
** vectors multiply f32. Where bf16 is wanted a number becomes the nearest one, and that is all: one plane. To give
** f32's accuracy it is split [Henry, Tang & Heinecke 2019,
** arXiv 1904.06376, section 3]:
**
**     x = hi + lo + rest     hi = bf16(x), lo = bf16(x - hi), |rest| <= 2^-16 |x|
**     x w ~ lo wh + hi wl + hi wh
**
** Three products instead of one leave an error of at most 3 2^-16 |x w|, of changing sign; in a sum of
** many, 4e-6 of the largest result, less than Winograd's transforms lose (docs/measurements.md). So a
** convolution is computed as it is defined, without transforms, at five times the speed of vectors.
** Refused: three pieces and six products (f32's last bit, at half the speed), Winograd on top of two
** pieces (its transforms would multiply the error by ten), and one product under the name of f32.
**
** What is infinite, or rounds to infinity in bf16 (beyond 3.39e38), has lo = NaN, and so has the result.
** Numbers below 2^-126 count as zero: the unit knows no others.
**
** Tiles. Eight registers of 16 rows of 64 bytes. 0..3 hold a block of sums, four tiles of A's rows by 16
** columns; 4, 5 and 7 hold A, 6 holds B. Four by one reads less than two by two: B, which comes from L2, is
** read once for 64 rows, and A from L1 (measured: 1150 GFLOP/s of 1227 against 920, one thread).
** A row of A is 32 numbers; a row of B two numbers for each of 16 columns, pairs of B's rows interleaved.
** Packed B is a sequence of steps of 32 numbers, each a tile, or split [lo][hi] in the order of use. A's two
** planes lie `low` bytes apart.
*/
#ifndef FX_CPU_AMX_SPLIT_H
#define FX_CPU_AMX_SPLIT_H

#include "kernels/cpu/cpu.h"
#ifdef FXCPU_AMX_EMULATED
#include "kernels/cpu/amx/emulated.h"
#else
#include <immintrin.h>
#endif

typedef uint16_t half; /* the upper half of an f32 */

#define SIDE 16               /* rows of a tile                        */
#define DEPTH 32              /* numbers that a step adds up           */
#define TILES 4               /* of rows in a block of sums            */
#define TILE_HALVES (16 * 32) /* of a register                         */
#define SUMS_FLOATS (TILES * SIDE * SIDE)

static inline half *new_halves (int64_t count) { return fx_alloc((size_t)count * sizeof(half)); }

/* --- splitting -------------------------------------------------------------------------------- */

typedef struct {
  __m512i hi, lo; /* 32 numbers each */
} split_pair;

/* The f32 that the lower and the upper 16 of 32 bf16 stand for. */
static inline __m512 lower_f32 (__m512i h) {
  return (__m512)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(h)), 16);
}
static inline __m512 upper_f32 (__m512i h) {
  return (__m512)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(h, 1)), 16);
}

/* a in the lower half, b in the upper one. */
static inline split_pair split_32 (__m512 a, __m512 b) {
  split_pair s;
  s.hi = (__m512i)_mm512_cvtne2ps_pbh(b, a);
  s.lo = (__m512i)_mm512_cvtne2ps_pbh(b - upper_f32(s.hi), a - lower_f32(s.hi));
  return s;
}

/* a and b in turn: a0 b0 a1 b1 ... */
static inline split_pair split_turns (__m512 a, __m512 b) {
  const __m512i turns = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const split_pair s = split_32(a, b);
  return (split_pair){ _mm512_permutexvar_epi16(turns, s.hi),
                       _mm512_permutexvar_epi16(turns, s.lo) };
}

static inline void store_32 (half *to, __m512i v) { _mm512_storeu_si512(to, v); }

/* --- tiles ------------------------------------------------------------------------------------ */

/* Every task that uses tiles begins and ends with these: the registers belong to its thread. */
void fxcpu_tiles_begin(void) FXCPU_SYMBOL(tiles_begin);
static inline void tiles_end (void) { _tile_release(); }

/* The rows of four tiles of A: each the first of 16, `row` bytes apart. */
typedef struct {
  const char *tile[TILES];
  int64_t row, low;
} tile_rows;

/* sums += A B for one step of one plane, A's tiles `ahead` bytes further. */
static inline __attribute__((always_inline)) void multiply_one (const tile_rows *a, int64_t ahead,
                                                                const half *b) {
  _tile_loadd(6, b, 64);
  _tile_loadd(4, a->tile[0] + ahead, a->row);
  _tile_dpbf16ps(0, 4, 6);
  _tile_loadd(5, a->tile[1] + ahead, a->row);
  _tile_dpbf16ps(1, 5, 6);
  _tile_loadd(7, a->tile[2] + ahead, a->row);
  _tile_dpbf16ps(2, 7, 6);
  _tile_loadd(4, a->tile[3] + ahead, a->row);
  _tile_dpbf16ps(3, 4, 6);
}

/* The same of split numbers. */
static inline __attribute__((always_inline)) void multiply_split (const tile_rows *a, int64_t ahead,
                                                                  const half *b) {
  const char *a0 = a->tile[0] + ahead, *a1 = a->tile[1] + ahead;
  const char *a2 = a->tile[2] + ahead, *a3 = a->tile[3] + ahead;
  const int64_t row = a->row, low = a->low;
  _tile_loadd(6, b, 64);
  _tile_loadd(4, a0, row);
  _tile_dpbf16ps(0, 4, 6);
  _tile_loadd(5, a1, row);
  _tile_dpbf16ps(1, 5, 6);
  _tile_loadd(7, a2, row);
  _tile_dpbf16ps(2, 7, 6);
  _tile_loadd(4, a3, row);
  _tile_dpbf16ps(3, 4, 6);
  _tile_loadd(6, b + TILE_HALVES, 64);
  _tile_dpbf16ps(2, 7, 6);
  _tile_dpbf16ps(3, 4, 6);
  _tile_dpbf16ps(1, 5, 6);
  _tile_loadd(5, a0, row);
  _tile_dpbf16ps(0, 5, 6);
  _tile_loadd(4, a0 + low, row);
  _tile_dpbf16ps(0, 4, 6);
  _tile_loadd(5, a1 + low, row);
  _tile_dpbf16ps(1, 5, 6);
  _tile_loadd(7, a2 + low, row);
  _tile_dpbf16ps(2, 7, 6);
  _tile_loadd(4, a3 + low, row);
  _tile_dpbf16ps(3, 4, 6);
}

/* The block of sums: m[TILES][SIDE][SIDE]. */
static inline void sums_zero (void) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}
static inline void sums_load (const float *m) {
  _tile_loadd(0, m, 64);
  _tile_loadd(1, m + SIDE * SIDE, 64);
  _tile_loadd(2, m + 2 * SIDE * SIDE, 64);
  _tile_loadd(3, m + 3 * SIDE * SIDE, 64);
}
static inline void sums_store (float *m) {
  _tile_stored(0, m, 64);
  _tile_stored(1, m + SIDE * SIDE, 64);
  _tile_stored(2, m + 2 * SIDE * SIDE, 64);
  _tile_stored(3, m + 3 * SIDE * SIDE, 64);
}

#endif
