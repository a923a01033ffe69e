/* transpose.h - small squares of numbers turned over in registers of 16 bytes (GCC vector extension):
** y = transpose of x, whose rows are `to` and `from` numbers apart. They need no alignment and may not
** overlap. */
#ifndef FX_TRANSPOSE_H
#define FX_TRANSPOSE_H

#include <stdint.h>

/* Of 4 x 4 floats. */
static inline void fx_transpose_4x4 (const float *x, int64_t from, float *y, int64_t to) {
  typedef float quad __attribute__((vector_size(16)));
  typedef float quad_at __attribute__((vector_size(16), aligned(4), may_alias));
  const quad a = *(const quad_at *)x, b = *(const quad_at *)(x + from);
  const quad c = *(const quad_at *)(x + 2 * from), d = *(const quad_at *)(x + 3 * from);
  const quad ac0 = __builtin_shufflevector(a, c, 0, 4, 1, 5);
  const quad ac1 = __builtin_shufflevector(a, c, 2, 6, 3, 7);
  const quad bd0 = __builtin_shufflevector(b, d, 0, 4, 1, 5);
  const quad bd1 = __builtin_shufflevector(b, d, 2, 6, 3, 7);
  *(quad_at *)y = __builtin_shufflevector(ac0, bd0, 0, 4, 1, 5);
  *(quad_at *)(y + to) = __builtin_shufflevector(ac0, bd0, 2, 6, 3, 7);
  *(quad_at *)(y + 2 * to) = __builtin_shufflevector(ac1, bd1, 0, 4, 1, 5);
  *(quad_at *)(y + 3 * to) = __builtin_shufflevector(ac1, bd1, 2, 6, 3, 7);
}

/* Of 2 x 2 doubles. */
static inline void fx_transpose_2x2 (const double *x, int64_t from, double *y, int64_t to) {
  typedef double pair __attribute__((vector_size(16)));
  typedef double pair_at __attribute__((vector_size(16), aligned(8), may_alias));
  const pair a = *(const pair_at *)x, b = *(const pair_at *)(x + from);
  *(pair_at *)y = (pair){ a[0], b[0] };
  *(pair_at *)(y + to) = (pair){ a[1], b[1] };
}

#endif
