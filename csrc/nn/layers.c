/*
** layers.c - linear, convolution, normalisation and the two embeddings; blocks are in blocks.c.
*/
#include "nn/layers.h"

#include <stdio.h>

/* --- linear, convolution, normalisation --------------------------------------------------------- */

void fx_linear_init (fx_linear_layer *l, fx_params *ps, const char *prefix, int64_t in, int64_t out,
                     bool bias) {
  l->w =
      fx_params_add(ps, prefix, "weight", FX_INIT_XAVIER, in, out, true, 2, (int64_t[]){ out, in });
  l->b = bias ? fx_params_add(ps, prefix, "bias", FX_INIT_ZERO, in, out, true, 1, &out) : NULL;
}

void fx_conv_init (fx_conv_layer *l, fx_params *ps, const char *prefix, int64_t in, int64_t out,
                   int64_t kernel, int64_t stride, bool circular, bool zero) {
  const fx_init init = zero ? FX_INIT_ZERO : FX_INIT_KAIMING;
  const int64_t fan_in = in * kernel * kernel, fan_out = out * kernel * kernel;
  l->stride = stride;
  l->padding = circular ? FX_PADDING_CIRCULAR : FX_PADDING_ZEROS;
  l->w = fx_params_add(ps, prefix, "weight", init, fan_in, fan_out, true, 4,
                       (int64_t[]){ out, kernel, kernel, in });
  l->b = fx_params_add(ps, prefix, "bias", init, fan_in, fan_out, true, 1, &out);
}

static void norm_init (fx_norm_layer *l, fx_params *ps, const char *prefix, int64_t channels) {
  l->w = fx_params_add(ps, prefix, "weight", FX_INIT_ONE, channels, channels, true, 1, &channels);
  l->b = fx_params_add(ps, prefix, "bias", FX_INIT_ZERO, channels, channels, true, 1, &channels);
}

void fx_group_norm_init (fx_norm_layer *l, fx_params *ps, const char *prefix, int64_t channels,
                         int64_t groups) {
  l->groups = groups;
  l->eps = 1e-5;
  norm_init(l, ps, prefix, channels);
}

void fx_layer_norm_init (fx_norm_layer *l, fx_params *ps, const char *prefix, int64_t channels,
                         double eps) {
  l->groups = 0;
  l->eps = eps;
  norm_init(l, ps, prefix, channels);
}

fx_tensor *fx_linear_forward_in (fx_scope *s, const fx_linear_layer *l, fx_tensor *x) {
  return FX_DO(s, linear, .x = x, .w = l->w, .b = l->b);
}

fx_tensor *fx_conv_forward_in (fx_scope *s, const fx_conv_layer *l, fx_tensor *x) {
  return FX_DO(s, conv2d, .x = x, .w = l->w, .b = l->b, .stride = l->stride, .padding = l->padding);
}

fx_tensor *fx_norm_forward_in (fx_scope *s, const fx_norm_layer *l, fx_tensor *x) {
  if (l->groups)
    return FX_DO(s, group_norm, .x = x, .w = l->w, .b = l->b, .groups = l->groups, .eps = l->eps);
  return FX_DO(s, layer_norm, .x = x, .w = l->w, .b = l->b, .eps = l->eps);
}

/* --- embeddings --------------------------------------------------------------------------------- */

static void embedding_init (fx_embedding *e, fx_params *ps, const char *prefix, const char *name,
                            int64_t in, int64_t d) {
  char path[256];
  snprintf(path, sizeof path, "%s%s%s.0", prefix, *prefix ? "." : "", name);
  fx_linear_init(&e->first, ps, path, in, 2 * d, true);
  snprintf(path, sizeof path, "%s%s%s.2", prefix, *prefix ? "." : "", name);
  fx_linear_init(&e->second, ps, path, 2 * d, d, true);
}

static fx_tensor *embedding_forward (fx_scope *s, const fx_embedding *e, fx_tensor *x) {
  fx_tensor *h = fx_linear_forward_in(s, &e->first, x);
  h = FX_DO(s, silu, .x = h);
  return fx_linear_forward_in(s, &e->second, h);
}

void fx_condition_embedding_init (fx_embedding *e, fx_params *ps, const char *prefix, int64_t d) {
  embedding_init(e, ps, prefix, "cond_embed", 1, d);
}

fx_tensor *fx_condition_embedding_forward (fx_scope *s, const fx_embedding *e, fx_tensor *re) {
  return embedding_forward(s, e, re);
}

void fx_time_embedding_init (fx_time_embedding *e, fx_params *ps, const char *prefix, int64_t d) {
  e->freqs = fx_params_add(ps, prefix, "MPFourier.freqs", FX_INIT_FREQUENCY, d, d, false, 1, &d);
  e->phases = fx_params_add(ps, prefix, "MPFourier.phases", FX_INIT_PHASE, d, d, false, 1, &d);
  embedding_init(&e->embed, ps, prefix, "time_embed", d, d);
}

fx_tensor *fx_time_embedding_forward (fx_scope *s, const fx_time_embedding *e, fx_tensor *t) {
  fx_tensor *h = FX_DO(s, fourier, .t = t, .freqs = e->freqs, .phases = e->phases);
  return embedding_forward(s, &e->embed, h);
}
