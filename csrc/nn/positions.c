/*
** positions.c - where tokens stand: rotations of queries and keys, and learned positions.
**
** The pairs of a rotation are (i, i + head_dim/2): swapping the halves of a head, which is two ranges and
** a concatenation, brings every channel beside its partner, so that x cos + swap(x) sin needs no op of its
** own. The paper pairs neighbours; queries and keys are learned, so the order of channels means nothing.
*/
#include <inttypes.h>
#include <math.h>

#include "nn/layers.h"

/* Token t turns by row (the first quarter of the head's channels) and column (the second). */
static void fill_token (const fx_rotation *r, int64_t t, double row, double column,
                        int64_t head_dim) {
  const int64_t quarter = head_dim / 4, half = head_dim / 2;
  for (int64_t i = 0; i < half; i++) {
    const double at = i < quarter ? row : column;
    const double angle = at * pow(10000.0, -(double)(i % quarter) / (double)quarter);
    fx_tensor_set(r->cos, t * head_dim + i, cos(angle));
    fx_tensor_set(r->cos, t * head_dim + half + i, cos(angle));
    fx_tensor_set(r->sin, t * head_dim + i, -sin(angle));
    fx_tensor_set(r->sin, t * head_dim + half + i, sin(angle));
  }
}

fx_status fx_rotation_init (fx_rotation *out, int64_t before, int64_t rows, int64_t columns,
                            int64_t head_dim) {
  const int64_t shape[3] = { before + rows * columns, 1, head_dim };
  fx_rotation r = { NULL, NULL };
  if (head_dim < 4 || head_dim % 4 != 0)
    return fx_fail(
        FX_EARG,
        "rotary positions turn pairs of channels by row and by column: the channels of a "
        "head must be divisible by 4, not %" PRId64,
        head_dim);
  FX_TRY(fx_tensor_new(FX_F32, 3, shape, &r.cos));
  const fx_status st = fx_tensor_new(FX_F32, 3, shape, &r.sin);
  if (st != FX_OK) {
    fx_rotation_free(&r);
    return st;
  }
  for (int64_t t = 0; t < before; t++)
    fill_token(&r, t, 0, 0, head_dim);
  for (int64_t t = 0; t < rows * columns; t++)
    fill_token(&r, before + t, (double)(t / columns), (double)(t % columns), head_dim);
  *out = r;
  return FX_OK;
}

void fx_rotation_free (fx_rotation *r) {
  fx_tensor_release(r->cos);
  fx_tensor_release(r->sin);
  *r = (fx_rotation){ NULL, NULL };
}

fx_tensor *fx_rotate (fx_scope *s, const fx_rotation *r, fx_tensor *x, int64_t heads) {
  if (!x)
    return NULL;
  const int64_t n = x->shape[0], t = x->shape[1], d = x->shape[2], half = d / heads / 2;
  x = FX_DO(s, reshape, .x = x, .shape = FX_DIMS(n, t, heads, 2 * half));
  fx_tensor *first = FX_DO(s, narrow, .x = x, .axis = 3, .start = 0, .length = half);
  fx_tensor *second = FX_DO(s, narrow, .x = x, .axis = 3, .start = half, .length = half);
  fx_tensor *swapped = FX_DO(s, concat, .a = second, .b = first, .axis = 3);
  x = FX_DO(s, mul, .a = x, .b = r->cos);
  swapped = FX_DO(s, mul, .a = swapped, .b = r->sin);
  x = FX_DO(s, add, .a = x, .b = swapped);
  return FX_DO(s, reshape, .x = x, .shape = FX_DIMS(n, t, d));
}

void fx_positions_init (fx_positions *p, fx_params *ps, const char *prefix, int64_t tokens,
                        int64_t d) {
  p->pos_embed = fx_params_add(ps, prefix, "pos_embed", FX_INIT_TRUNCATED, d, d, true, 3,
                               (int64_t[]){ 1, tokens, d });
}

fx_tensor *fx_positions_forward (fx_scope *s, const fx_positions *p, fx_tensor *x) {
  return FX_DO(s, add, .a = x, .b = p->pos_embed);
}
