/*
** broadcast.h - walking over a result and one or two inputs broadcast to it.
**
** Axes of size 1 are dropped and neighbouring axes that an input has, or lacks, in the same way are
** merged. What remains is mostly one axis (same shape, scalar) or two (a number per channel, per
** sample), and the innermost loop is a plain one in which each input moves by 1 or stands still.
*/
#ifndef FX_CPU_BROADCAST_H
#define FX_CPU_BROADCAST_H

#include "kernels/cpu/cpu.h"

#define WALK_INPUTS 2

typedef struct {
  int n; /* axes, outermost first; at least 1 */
  int64_t size[FX_MAX_DIMS];
  int64_t step[WALK_INPUTS][FX_MAX_DIMS]; /* 0 where the input is repeated */
} walk;

/* Size of t's axis when aligned at the right with `axis` of a tensor of ndim axes. */
static inline int64_t aligned_size (const fx_tensor *t, int axis, int ndim) {
  const int i = axis - (ndim - t->ndim);
  return i < 0 ? 1 : t->shape[i];
}

static inline walk walk_over (const fx_tensor *y, const fx_tensor *a, const fx_tensor *b) {
  const fx_tensor *inputs[WALK_INPUTS] = { a, b };
  walk w = { .n = 0 };
  bool has[WALK_INPUTS][FX_MAX_DIMS];
  for (int axis = 0; axis < y->ndim; axis++) {
    bool now[WALK_INPUTS], merge = w.n > 0;
    if (y->shape[axis] == 1)
      continue;
    for (int k = 0; k < WALK_INPUTS; k++) {
      now[k] = aligned_size(inputs[k], axis, y->ndim) != 1;
      merge = merge && now[k] == has[k][w.n - 1];
    }
    if (!merge)
      w.size[w.n++] = 1;
    w.size[w.n - 1] *= y->shape[axis];
    for (int k = 0; k < WALK_INPUTS; k++)
      has[k][w.n - 1] = now[k];
  }
  if (w.n == 0) {
    w.size[w.n++] = 1;
    has[0][0] = has[1][0] = true;
  }
  for (int k = 0; k < WALK_INPUTS; k++) {
    int64_t step = 1;
    for (int i = w.n - 1; i >= 0; i--) {
      w.step[k][i] = has[k][i] ? step : 0;
      step *= has[k][i] ? w.size[i] : 1;
    }
  }
  return w;
}

/* Where input k stands at element i of the result. */
static inline int64_t walk_offset (const walk *w, int k, int64_t i) {
  int64_t offset = 0;
  for (int axis = w->n - 1; axis >= 0; axis--) {
    offset += i % w->size[axis] * w->step[k][axis];
    i /= w->size[axis];
  }
  return offset;
}

#endif
