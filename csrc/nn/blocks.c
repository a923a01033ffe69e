/*
** blocks.c - the ResBlock and the transformer block. Each runs in a scope of its own, so that without
** recording nothing but its result outlives it.
*/
#include <stdio.h>

#include "nn/layers.h"

/* "prefix.name" in one of a few rotating buffers: used within one call of a layer's init. */
static const char *path (char buffer[256], const char *prefix, const char *name) {
  snprintf(buffer, 256, "%s%s%s", prefix, *prefix ? "." : "", name);
  return buffer;
}

static fx_tensor *dropped (fx_scope *s, fx_tensor *x, fx_mode *mode) {
  if (!mode->training || mode->dropout == 0)
    return x;
  const fx_rng key = mode->key;
  mode->key.member++;
  return FX_DO(s, dropout, .x = x, .p = mode->dropout, .key = key);
}

/* --- ResBlock ----------------------------------------------------------------------------------- */

void fx_resblock_init (fx_resblock *b, fx_params *ps, const char *prefix, int64_t in, int64_t out,
                       int64_t emb, fx_resample resample, bool circular) {
  char p[256];
  b->resample = resample;
  b->has_skip = in != out;
  fx_group_norm_init(&b->norm1, ps, path(p, prefix, "in_layers.0"), in, 32);
  fx_conv_init(&b->conv1, ps, path(p, prefix, "in_layers.2"), in, out, 3, 1, circular, false);
  fx_linear_init(&b->emb, ps, path(p, prefix, "emb_layers.1"), emb, 2 * out, true);
  fx_group_norm_init(&b->norm2, ps, path(p, prefix, "out_layers.0"), out, 32);
  fx_conv_init(&b->conv2, ps, path(p, prefix, "out_layers.3"), out, out, 3, 1, circular, true);
  if (b->has_skip)
    fx_conv_init(&b->skip, ps, path(p, prefix, "skip_connection"), in, out, 3, 1, circular, false);
}

static fx_tensor *second_half (fx_scope *s, const fx_resblock *b, fx_tensor *h, fx_tensor *emb,
                               fx_tensor *skip, fx_tensor *add, fx_mode *mode) {
  const fx_norm_layer *n = &b->norm2;
  const fx_conv_layer *c = &b->conv2;
  const bool drops = mode->training && mode->dropout > 0;
  const fx_rng key = mode->key;
  if (drops)
    mode->key.member++;
  return FX_DO(s, fused_conv, .x = h, .norm_w = n->w, .norm_b = n->b, .emb = emb, .w = c->w,
               .b = c->b, .add = skip, .add2 = add, .groups = n->groups, .eps = n->eps,
               .padding = c->circular, .add_resample = b->has_skip ? FX_SAME : b->resample,
               .p = drops ? mode->dropout : 0, .key = key);
}

fx_tensor *fx_resblock_forward (fx_scope *outer, const fx_resblock *b, const fx_resblock_input *in,
                                fx_tensor *emb, fx_mode *mode) {
  fx_scope s;
  fx_scope_open(&s);
  fx_tensor *e = FX_DO(&s, silu, .x = emb);
  e = fx_linear_forward_in(&s, &b->emb, e);
  fx_tensor *h =
      FX_DO(&s, fused_conv, .x = in->x, .x2 = in->x2, .x2_add = in->x2_add, .norm_w = b->norm1.w,
            .norm_b = b->norm1.b, .w = b->conv1.w, .b = b->conv1.b, .groups = b->norm1.groups,
            .eps = b->norm1.eps, .resample = b->resample, .padding = b->conv1.circular);
  fx_tensor *skip = in->x;
  if (b->has_skip)
    skip = FX_DO(&s, fused_conv, .x = in->x, .x2 = in->x2, .x2_add = in->x2_add, .w = b->skip.w,
                 .b = b->skip.b, .groups = 1, .resample = b->resample, .padding = b->skip.circular);
  h = second_half(&s, b, h, e, skip, in->add, mode);
  return fx_scope_close_with(&s, outer, h);
}

/* --- transformer block -------------------------------------------------------------------------- */

void fx_transformer_block_init (fx_transformer_block *b, fx_params *ps, const char *prefix,
                                int64_t d, int64_t heads, bool has_skip) {
  char p[256];
  b->heads = heads;
  b->has_skip = has_skip;
  fx_layer_norm_init(&b->norm1, ps, path(p, prefix, "norm1"), d, 1e-6);
  fx_linear_init(&b->qkv, ps, path(p, prefix, "attn.qkv"), d, 3 * d, false);
  fx_linear_init(&b->proj, ps, path(p, prefix, "attn.proj"), d, d, true);
  fx_layer_norm_init(&b->norm2, ps, path(p, prefix, "norm2"), d, 1e-6);
  fx_linear_init(&b->fc1, ps, path(p, prefix, "mlp.fc1"), d, 2 * d, true);
  fx_linear_init(&b->fc2, ps, path(p, prefix, "mlp.fc2"), 2 * d, d, true);
  if (has_skip)
    fx_linear_init(&b->skip_linear, ps, path(p, prefix, "skip_linear"), 2 * d, d, true);
}

/* qkv along the channels is (3, heads, head_dim): three ranges of D channels, whose heads are already
** where the attention op wants them. */
static fx_tensor *self_attention (fx_scope *s, const fx_transformer_block *b, fx_tensor *x) {
  fx_tensor *part[3] = { NULL, NULL, NULL };
  fx_tensor *h = fx_norm_forward_in(s, &b->norm1, x);
  h = fx_linear_forward_in(s, &b->qkv, h);
  const int64_t d = x ? fx_dim(x, -1) : 0;
  for (int i = 0; i < 3; i++)
    part[i] = FX_DO(s, narrow, .x = h, .axis = -1, .start = i * d, .length = d);
  h = FX_DO(s, attention, .q = part[0], .k = part[1], .v = part[2], .heads = b->heads);
  return fx_linear_forward_in(s, &b->proj, h);
}

static fx_tensor *mlp (fx_scope *s, const fx_transformer_block *b, fx_tensor *x, fx_mode *mode) {
  fx_tensor *h = fx_norm_forward_in(s, &b->norm2, x);
  h = fx_linear_forward_in(s, &b->fc1, h);
  h = FX_DO(s, gelu, .x = h);
  h = dropped(s, h, mode);
  h = fx_linear_forward_in(s, &b->fc2, h);
  return dropped(s, h, mode);
}

fx_tensor *fx_transformer_block_forward (fx_scope *outer, const fx_transformer_block *b,
                                         fx_tensor *x, fx_tensor *skip, fx_mode *mode) {
  fx_scope s;
  fx_scope_open(&s);
  if (b->has_skip) {
    x = FX_DO(&s, concat, .a = x, .b = skip, .axis = -1);
    x = fx_linear_forward_in(&s, &b->skip_linear, x);
  }
  fx_tensor *h = self_attention(&s, b, x);
  x = FX_DO(&s, add, .a = x, .b = h);
  h = mlp(&s, b, x, mode);
  x = FX_DO(&s, add, .a = x, .b = h);
  return fx_scope_close_with(&s, outer, x);
}
