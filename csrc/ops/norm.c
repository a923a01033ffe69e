/*
** norm.c - group and layer normalisation, and the scale and shift that follow them (modulate).
** Mean and reciprocal standard deviation are kept for backward; normalised values are recomputed.
*/
#include <inttypes.h>

#include "ops/shapes.h"

static fx_status check_affine (const fx_tensor *x, const fx_tensor *w, const fx_tensor *b) {
  FX_TRY(fx_same_dtype(x, w));
  FX_TRY(fx_expect_vector(w, fx_last(x), "w"));
  return b ? fx_expect_vector(b, fx_last(x), "b") : FX_OK;
}

/* New y like x, and kept[0], kept[1] of the given dims for mean and rstd. */
static fx_status make_outputs (const fx_tensor *x, const fx_dims *statistics, fx_kept *kept,
                               fx_tensor **y) {
  FX_TRY(fx_tensor_new_dims(x, statistics, &kept->t[0]));
  FX_TRY(fx_tensor_new_dims(x, statistics, &kept->t[1]));
  return fx_tensor_new_like(x, y);
}

/* The slots that are wanted, as tensors: out[i] is new or NULL. */
static fx_status make_grads (const fx_tensor *x, const fx_tensor *w, fx_tensor **const slots[3],
                             fx_tensor *out[3]) {
  for (int i = 0; i < 3; i++) {
    if (slots[i])
      FX_TRY(fx_tensor_new_like(i == 0 ? x : w, slots[i]));
    out[i] = slots[i] ? *slots[i] : NULL;
  }
  return FX_OK;
}

fx_status fx_group_norm_forward (const fx_group_norm_args *a, fx_kept *kept, fx_tensor **y) {
  if (a->x->ndim < 2)
    return fx_expect_ndim(a->x, 4, "x", "(N,...,C)");
  FX_TRY(check_affine(a->x, a->w, a->b));
  const int64_t channels = fx_last(a->x);
  if (a->groups < 1 || channels % a->groups != 0)
    return fx_fail(FX_ESHAPE, "%" PRId64 " channels do not divide into %" PRId64 " groups",
                   channels, a->groups);
  const fx_dims statistics = { 2, { a->x->shape[0], a->groups } };
  FX_TRY(make_outputs(a->x, &statistics, kept, y));
  return FX_RUN(a->x, group_norm_forward, .x = a->x, .w = a->w, .b = a->b, .groups = a->groups,
                .eps = a->eps, .y = *y, .mean = kept->t[0], .rstd = kept->t[1]);
}

fx_status fx_group_norm_backward (const fx_group_norm_args *a, const fx_kept *kept,
                                  const fx_tensor *dy, const fx_group_norm_grads *d) {
  fx_tensor *g[3];
  FX_TRY(make_grads(a->x, a->w, (fx_tensor * *[]){ d->x, d->w, d->b }, g));
  return FX_RUN(dy, group_norm_backward, .x = a->x, .w = a->w, .mean = kept->t[0],
                .rstd = kept->t[1], .dy = dy, .groups = a->groups, .dx = g[0], .dw = g[1],
                .db = g[2]);
}

fx_status fx_layer_norm_forward (const fx_layer_norm_args *a, fx_kept *kept, fx_tensor **y) {
  if (a->x->ndim < 1)
    return fx_expect_ndim(a->x, 2, "x", "(...,C)");
  FX_TRY(check_affine(a->x, a->w, a->b));
  const fx_dims statistics = { 1, { fx_rows(a->x) } };
  FX_TRY(make_outputs(a->x, &statistics, kept, y));
  return FX_RUN(a->x, layer_norm_forward, .x = a->x, .w = a->w, .b = a->b, .eps = a->eps, .y = *y,
                .mean = kept->t[0], .rstd = kept->t[1]);
}

fx_status fx_layer_norm_backward (const fx_layer_norm_args *a, const fx_kept *kept,
                                  const fx_tensor *dy, const fx_layer_norm_grads *d) {
  fx_tensor *g[3];
  FX_TRY(make_grads(a->x, a->w, (fx_tensor * *[]){ d->x, d->w, d->b }, g));
  return FX_RUN(dy, layer_norm_backward, .x = a->x, .w = a->w, .mean = kept->t[0],
                .rstd = kept->t[1], .dy = dy, .dx = g[0], .dw = g[1], .db = g[2]);
}

fx_status fx_modulate_forward (const fx_modulate_args *a, fx_kept *kept, fx_tensor **y) {
  char s[FX_SHAPE_TEXT], t[FX_SHAPE_TEXT];
  (void)kept;
  FX_TRY(fx_same_dtype(a->x, a->emb));
  if (a->x->ndim < 2 || a->emb->ndim != 2 || a->emb->shape[0] != a->x->shape[0] ||
      a->emb->shape[1] != 2 * fx_last(a->x))
    return fx_fail(FX_ESHAPE, "emb %s must be (N,2C) for x %s", fx_shape_text(a->emb, s),
                   fx_shape_text(a->x, t));
  FX_TRY(fx_tensor_new_like(a->x, y));
  return FX_RUN(a->x, modulate_forward, .x = a->x, .emb = a->emb, .y = *y);
}

fx_status fx_modulate_backward (const fx_modulate_args *a, const fx_kept *kept, const fx_tensor *dy,
                                const fx_modulate_grads *d) {
  (void)kept;
  if (d->x)
    FX_TRY(fx_tensor_new_like(a->x, d->x));
  if (d->emb)
    FX_TRY(fx_tensor_new_like(a->emb, d->emb));
  return FX_RUN(dy, modulate_backward, .x = a->x, .emb = a->emb, .dy = dy,
                .dx = d->x ? *d->x : NULL, .demb = d->emb ? *d->emb : NULL);
}
