/*
** blocks.c - the ResBlock and the transformer block. Each runs in a scope of its own, so that without
** recording nothing but its result outlives it. With mode->recompute each is a segment
** (autograd/segment.h): a block and what it reads are one struct, whose tensors, parameters too, are the
** segment's operands.
*/
#include <stdio.h>

#include "autograd/segment.h"
#include "nn/layers.h"

/* "prefix.name" in the buffer; "name" where there is no prefix. */
static const char *path (char buffer[256], const char *prefix, const char *name) {
  snprintf(buffer, 256, "%s%s%s", prefix, *prefix ? "." : "", name);
  return buffer;
}

/* How many numbers of mode->key a block with `count` dropouts uses up. */
static uint32_t draws (const fx_mode *mode, uint32_t count) {
  return mode->training && mode->dropout > 0 ? count : 0;
}

/* The block's dropout `i` of x, where it has any. */
static fx_tensor *dropped (fx_scope *s, fx_tensor *x, const fx_mode *mode, uint32_t i) {
  fx_rng key = mode->key;
  key.member += i;
  return FX_DO(s, dropout, .x = x, .p = mode->dropout, .key = key);
}

/* Ends a segment's run: its result leaves the scope. */
static fx_status hand_over (fx_scope *s, fx_tensor *y, fx_tensor **out) {
  const fx_status st = s->status;
  if (st == FX_OK)
    *out = fx_tensor_retain(y);
  fx_scope_close(s);
  return st;
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

typedef struct {
  fx_resblock b;
  fx_resblock_input in;
  fx_tensor *emb;
  fx_mode mode;
} resblock_pass;

static fx_tensor *second_half (fx_scope *s, const resblock_pass *p, fx_tensor *h, fx_tensor *emb,
                               fx_tensor *skip) {
  const fx_norm_layer *n = &p->b.norm2;
  const fx_conv_layer *c = &p->b.conv2;
  return FX_DO(s, fused_conv, .x = h, .norm_w = n->w, .norm_b = n->b, .emb = emb, .w = c->w,
               .b = c->b, .add = skip, .add2 = p->in.add, .groups = n->groups, .eps = n->eps,
               .padding = c->padding,
               .add_resample = p->b.has_skip ? FX_RESAMPLE_SAME : p->b.resample,
               .precision = p->mode.precision, .p = draws(&p->mode, 1) ? p->mode.dropout : 0,
               .key = p->mode.key);
}

static fx_tensor *resblock_body (fx_scope *s, const resblock_pass *p) {
  const fx_resblock *b = &p->b;
  const fx_resblock_input *in = &p->in;
  fx_tensor *e = FX_DO(s, silu, .x = p->emb);
  e = fx_linear_forward_in(s, &b->emb, e);
  fx_tensor *h = FX_DO(s, fused_conv, .x = in->x, .x2 = in->x2, .x2_add = in->x2_add,
                       .norm_w = b->norm1.w, .norm_b = b->norm1.b, .w = b->conv1.w, .b = b->conv1.b,
                       .groups = b->norm1.groups, .eps = b->norm1.eps, .resample = b->resample,
                       .padding = b->conv1.padding, .precision = p->mode.precision);
  fx_tensor *skip = in->x;
  if (b->has_skip)
    skip = FX_DO(s, fused_conv, .x = in->x, .x2 = in->x2, .x2_add = in->x2_add, .w = b->skip.w,
                 .b = b->skip.b, .groups = 1, .resample = b->resample, .padding = b->skip.padding,
                 .precision = p->mode.precision);
  return second_half(s, p, h, e, skip);
}

static fx_status resblock_run (const void *context, fx_tensor **out) {
  fx_scope s;
  fx_scope_open(&s);
  return hand_over(&s, resblock_body(&s, context), out);
}

static fx_segment_args resblock_segment (const resblock_pass *p) {
  const fx_resblock *b = &p->b;
  fx_tensor *const *const all[] = { &p->in.x,    &p->in.x2,   &p->in.x2_add, &p->in.add,
                                    &p->emb,     &b->norm1.w, &b->norm1.b,   &b->conv1.w,
                                    &b->conv1.b, &b->emb.w,   &b->emb.b,     &b->norm2.w,
                                    &b->norm2.b, &b->conv2.w, &b->conv2.b,   &b->skip.w,
                                    &b->skip.b };
  _Static_assert(sizeof all / sizeof *all <= FX_MAX_OPERANDS, "a ResBlock fits a segment");
  return fx_segment(resblock_run, p, sizeof *p, all, (int)(sizeof all / sizeof *all));
}

fx_tensor *fx_resblock_forward (fx_scope *outer, const fx_resblock *b, const fx_resblock_input *in,
                                fx_tensor *emb, fx_mode *mode) {
  resblock_pass p = { *b, *in, emb, *mode };
  fx_tensor *y;
  fx_scope s;
  fx_scope_open(&s);
  if (mode->recompute && in->x && emb) {
    const fx_segment_args args = resblock_segment(&p);
    y = fx_scope_apply(&s, &fx_segment_op, &args);
  } else {
    y = resblock_body(&s, &p);
  }
  mode->key.member += draws(mode, 1);
  return fx_scope_close_with(&s, outer, y);
}

/* --- transformer block -------------------------------------------------------------------------- */

void fx_transformer_block_init (fx_transformer_block *b, fx_params *ps, const char *prefix,
                                int64_t d, int64_t heads, int64_t hidden, bool has_skip) {
  char p[256];
  b->heads = heads;
  b->has_skip = has_skip;
  fx_layer_norm_init(&b->norm1, ps, path(p, prefix, "norm1"), d, 1e-6);
  fx_linear_init(&b->qkv, ps, path(p, prefix, "attn.qkv"), d, 3 * d, false);
  fx_linear_init(&b->proj, ps, path(p, prefix, "attn.proj"), d, d, true);
  fx_layer_norm_init(&b->norm2, ps, path(p, prefix, "norm2"), d, 1e-6);
  fx_linear_init(&b->fc1, ps, path(p, prefix, "mlp.fc1"), d, hidden, true);
  fx_linear_init(&b->fc2, ps, path(p, prefix, "mlp.fc2"), hidden, d, true);
  if (has_skip)
    fx_linear_init(&b->skip_linear, ps, path(p, prefix, "skip_linear"), 2 * d, d, true);
}

typedef struct {
  fx_transformer_block b;
  fx_tensor *x, *skip;
  fx_rotation rotation; /* empty without */
  fx_mode mode;
} transformer_pass;

/* l(LN x) + add as one op; norm and add may be NULL. */
static fx_tensor *fused (fx_scope *s, const fx_linear_layer *l, const fx_norm_layer *norm,
                         fx_tensor *x, fx_tensor *add) {
  return FX_DO(s, fused_linear, .x = x, .norm_w = norm ? norm->w : NULL,
               .norm_b = norm ? norm->b : NULL, .w = l->w, .b = l->b, .add = add,
               .eps = norm ? norm->eps : 0);
}

/* x + self attention of LN x. qkv along the channels is (3, heads, head_dim): three ranges of D channels,
** whose heads are already where the attention op wants them. */
static fx_tensor *self_attention (fx_scope *s, const fx_transformer_block *b, fx_tensor *x,
                                  const fx_rotation *rotation) {
  fx_tensor *part[3] = { NULL, NULL, NULL };
  fx_tensor *h = fused(s, &b->qkv, &b->norm1, x, NULL);
  const int64_t d = x ? fx_dim(x, -1) : 0;
  for (int i = 0; i < 3; i++)
    part[i] = FX_DO(s, narrow, .x = h, .axis = -1, .start = i * d, .length = d);
  for (int i = 0; rotation->cos && i < 2; i++)
    part[i] = fx_rotate(s, rotation, part[i], b->heads);
  h = FX_DO(s, attention, .q = part[0], .k = part[1], .v = part[2], .heads = b->heads);
  return fused(s, &b->proj, NULL, h, x);
}

/* x + the MLP of LN x; its first dropout is made with GELU while fc2 reads, its second stands between fc2
** and the sum. */
static fx_tensor *mlp (fx_scope *s, const fx_transformer_block *b, fx_tensor *x,
                       const fx_mode *mode) {
  const bool drops = draws(mode, 1) > 0;
  fx_tensor *h = fused(s, &b->fc1, &b->norm2, x, NULL);
  h = FX_DO(s, fused_linear, .x = h, .w = b->fc2.w, .b = b->fc2.b, .add = drops ? NULL : x,
            .activation = FX_ACTIVATION_GELU, .p = drops ? mode->dropout : 0, .key = mode->key);
  return drops ? FX_DO(s, add, .a = x, .b = dropped(s, h, mode, 1)) : h;
}

static fx_tensor *transformer_body (fx_scope *s, const transformer_pass *p) {
  const fx_transformer_block *b = &p->b;
  const fx_linear_layer *l = &b->skip_linear;
  fx_tensor *x = p->x;
  if (b->has_skip)
    x = FX_DO(s, fused_linear, .x = x, .x2 = p->skip, .w = l->w, .b = l->b);
  x = self_attention(s, b, x, &p->rotation);
  return mlp(s, b, x, &p->mode);
}

static fx_status transformer_run (const void *context, fx_tensor **out) {
  fx_scope s;
  fx_scope_open(&s);
  return hand_over(&s, transformer_body(&s, context), out);
}

static fx_segment_args transformer_segment (const transformer_pass *p) {
  const fx_transformer_block *b = &p->b;
  fx_tensor *const *const all[] = {
    &p->x,      &p->skip,   &b->norm1.w,       &b->norm1.b,       &b->qkv.w,        &b->qkv.b,
    &b->proj.w, &b->proj.b, &b->norm2.w,       &b->norm2.b,       &b->fc1.w,        &b->fc1.b,
    &b->fc2.w,  &b->fc2.b,  &b->skip_linear.w, &b->skip_linear.b, &p->rotation.cos, &p->rotation.sin
  };
  _Static_assert(sizeof all / sizeof *all <= FX_MAX_OPERANDS, "a transformer block fits a segment");
  return fx_segment(transformer_run, p, sizeof *p, all, (int)(sizeof all / sizeof *all));
}

fx_tensor *fx_transformer_block_forward (fx_scope *outer, const fx_transformer_block *b,
                                         fx_tensor *x, fx_tensor *skip, const fx_rotation *rotation,
                                         fx_mode *mode) {
  transformer_pass p = { *b, x, b->has_skip ? skip : NULL, { NULL, NULL }, *mode };
  fx_tensor *y;
  fx_scope s;
  if (rotation)
    p.rotation = *rotation;
  fx_scope_open(&s);
  if (mode->recompute && x) {
    const fx_segment_args args = transformer_segment(&p);
    y = fx_scope_apply(&s, &fx_segment_op, &args);
  } else {
    y = transformer_body(&s, &p);
  }
  mode->key.member += draws(mode, 2);
  return fx_scope_close_with(&s, outer, y);
}
