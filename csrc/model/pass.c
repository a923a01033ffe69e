/*
** pass.c - running the network: condition encoder, base encoder, decoder.
**
** Every encoder's pass is the same function; what differs is which features it is given. The four
** conditioning paths are four `if`s in this file: weak_skips in encode_maps, strong_skips in
** next_skip, strong_bottleneck in decode_tokens, embed_condition in embedding.
*/
#include <inttypes.h>
#include <string.h>

#include "model/network.h"

/* --- embeddings --------------------------------------------------------------------------------- */

/* cond(re) + time(t), whichever exist; zeros (n,D) if neither does. */
static fx_tensor *embedding (fx_scope *s, const fx_flex *m, const fx_embedding *cond,
                             const fx_time_embedding *time, fx_tensor *re, fx_tensor *t,
                             int64_t n) {
  fx_tensor *emb = NULL, *zero = NULL;
  if (m->config.embed_condition) {
    if (!re && s->status == FX_OK)
      s->status = fx_fail(FX_EARG, "this network embeds a condition: give re (N,1), Re/40000");
    emb = fx_condition_embedding_forward(s, cond, re);
  }
  if (time) {
    fx_tensor *token = fx_time_embedding_forward(s, time, t);
    emb = emb ? FX_DO(s, add, .a = token, .b = emb) : token;
  }
  if (emb || s->status != FX_OK)
    return emb;
  const int64_t d = m->config.channels[m->config.levels - 1];
  const fx_status st = fx_tensor_new_zeros(FX_F32, 2, (int64_t[]){ n, d }, &zero);
  return fx_scope_take(s, st, zero);
}

static fx_status check_field (const fx_flex *m, const fx_tensor *x, int64_t channels,
                              const char *what) {
  const fx_flex_config *c = &m->config;
  char text[FX_SHAPE_TEXT];
  if (!x || x->ndim != 4 || x->shape[1] != c->height || x->shape[2] != c->width ||
      x->shape[3] != channels)
    return fx_fail(FX_ESHAPE, "%s must be (N,%" PRId64 ",%" PRId64 ",%" PRId64 "), not %s", what,
                   c->height, c->width, channels, x ? fx_shape_text(x, text) : "absent");
  return FX_OK;
}

/* --- encoder ------------------------------------------------------------------------------------ */

static bool keep_skip (fx_features *f, fx_tensor *x) {
  f->skips[f->count++] = x;
  return x != NULL;
}

static fx_tensor *first_map (fx_scope *s, const fx_conv_layer *conv, const fx_resblock_input *in) {
  return FX_DO(s, fused_conv, .x = in->x, .w = conv->w, .b = conv->b, .add2 = in->add, .groups = 1,
               .padding = conv->padding);
}

/* The convolutional part. After every block, the first convolution too, the condition's skip joins. */
static fx_tensor *encode_maps (fx_scope *s, const fx_flex *m, const flex_encoder *e, fx_tensor *x,
                               fx_tensor *emb, const fx_features *cond, fx_mode *mode,
                               fx_features *out) {
  const bool weak = cond && m->config.weak_skips;
  for (int i = 0; i <= e->res_count; i++) {
    const fx_resblock_input in = { .x = x, .add = weak ? cond->skips[i] : NULL };
    x = i == 0 ? first_map(s, &e->first, &in)
               : fx_resblock_forward(s, &e->res[i - 1], &in, emb, mode);
    if (!keep_skip(out, x))
      return NULL;
  }
  return x;
}

/* Map -> tokens with the embedding in front, positions added. */
static fx_tensor *to_tokens (fx_scope *s, const flex_encoder *e, fx_tensor *x, fx_tensor *emb) {
  if (!x)
    return NULL;
  const int64_t n = x->shape[0], d = x->shape[3];
  x = FX_DO(s, reshape, .x = x, .shape = FX_DIMS(n, -1, d));
  emb = FX_DO(s, reshape, .x = emb, .shape = FX_DIMS(n, 1, d));
  x = FX_DO(s, concat, .a = emb, .b = x, .axis = 1);
  return fx_positions_forward(s, &e->positions, x);
}

static const fx_rotation *rotation (const fx_flex *m) {
  return m->config.rotary ? &m->rotation : NULL;
}

static fx_tensor *encode_tokens (fx_scope *s, const fx_flex *m, const flex_encoder *e, fx_tensor *x,
                                 fx_tensor *emb, fx_mode *mode, fx_features *out) {
  x = to_tokens(s, e, x, emb);
  for (int i = 0; i < e->block_count && x; i++) {
    x = fx_transformer_block_forward(s, &e->blocks[i], x, NULL, rotation(m), mode);
    if (!keep_skip(out, x))
      return NULL;
  }
  return fx_transformer_block_forward(s, &e->middle, x, NULL, rotation(m), mode);
}

static fx_status encode (fx_scope *s, const fx_flex *m, const flex_encoder *e, fx_tensor *x,
                         fx_tensor *t, fx_tensor *re, const fx_features *cond, fx_mode *mode,
                         fx_features *out) {
  memset(out, 0, sizeof *out);
  out->tokens = e->use_transf;
  fx_tensor *emb = embedding(s, m, &e->cond, e->use_time ? &e->time : NULL, re, t, x->shape[0]);
  x = encode_maps(s, m, e, x, emb, cond, mode, out);
  out->head = e->use_transf && x ? encode_tokens(s, m, e, x, emb, mode, out) : x;
  return s->status;
}

fx_status fx_flex_condition (fx_scope *s, const fx_flex *m, fx_tensor *lowres, fx_tensor *re,
                             fx_mode *mode, fx_features *out) {
  if (s->status == FX_OK && !m->config.condition_encoder)
    s->status = fx_fail(FX_EARG, "this network was built without a condition encoder");
  if (s->status == FX_OK)
    s->status = check_field(m, lowres, m->config.cond_channels, "the condition");
  if (s->status != FX_OK)
    return s->status;
  return encode(s, m, &m->condition, lowres, NULL, re, NULL, mode, out);
}

fx_status fx_flex_encode (fx_scope *s, const fx_flex *m, fx_tensor *x, fx_tensor *t, fx_tensor *re,
                          const fx_features *cond, fx_mode *mode, fx_features *out) {
  if (s->status == FX_OK)
    s->status = check_field(m, x, m->config.in_channels, "x");
  if (s->status == FX_OK && cond && cond->count < m->encoder.res_count + 1)
    s->status = fx_fail(FX_ESHAPE, "the condition has %d skips, %d are needed", cond->count,
                        m->encoder.res_count + 1);
  if (s->status != FX_OK)
    return s->status;
  return encode(s, m, &m->encoder, x, t, re, cond, mode, out);
}

/* --- decoder ------------------------------------------------------------------------------------ */

/* What the decoder reads beside its map: the last skip not yet used, and the condition's. */
typedef struct {
  const fx_features *encoded, *cond; /* cond may be NULL */
  int left, cond_left;               /* not yet used     */
} skip_stack;

typedef struct {
  fx_tensor *own, *cond; /* cond: NULL unless that path is open */
} skip_pair;

static skip_pair next_skip (fx_scope *s, const fx_flex *m, skip_stack *stack, bool with_cond) {
  skip_pair pair = { NULL, NULL };
  const bool used = with_cond && stack->cond;
  if (stack->left <= 0 || (used && stack->cond_left <= 0)) {
    if (s->status == FX_OK)
      s->status = fx_fail(FX_ESHAPE, "the %s handed over too few skips",
                          stack->left <= 0 ? "encoder" : "condition");
    return pair;
  }
  pair.own = stack->encoded->skips[--stack->left];
  if (used) {
    stack->cond_left--;
    if (m->config.strong_skips)
      pair.cond = stack->cond->skips[stack->cond_left];
  }
  return pair;
}

/* Token 0 += emb, without touching the others. */
static fx_tensor *add_to_first_token (fx_scope *s, fx_tensor *x, fx_tensor *emb) {
  if (!x || !emb)
    return NULL;
  const int64_t n = x->shape[0], t = x->shape[1], d = x->shape[2];
  emb = FX_DO(s, reshape, .x = emb, .shape = FX_DIMS(n, 1, d));
  fx_tensor *first = FX_DO(s, narrow, .x = x, .axis = 1, .start = 0, .length = 1);
  fx_tensor *rest = FX_DO(s, narrow, .x = x, .axis = 1, .start = 1, .length = t - 1);
  first = FX_DO(s, add, .a = first, .b = emb);
  return FX_DO(s, concat, .a = first, .b = rest, .axis = 1);
}

/* Tokens -> map: the transformer blocks, the norm, the strong bottleneck. */
static fx_tensor *decode_tokens (fx_scope *s, const fx_flex *m, skip_stack *stack, fx_tensor *emb,
                                 fx_mode *mode) {
  const fx_features *encoded = stack->encoded, *cond = stack->cond;
  const flex_decoder *d = &m->decoder;
  const fx_flex_config *c = &m->config;
  const bool bottleneck = cond && c->strong_bottleneck, cond_tokens = cond && cond->tokens;
  fx_tensor *x = add_to_first_token(s, encoded->head, emb);
  if (bottleneck && cond_tokens)
    x = FX_DO(s, add, .a = x, .b = cond->head);
  for (int i = 0; i < d->block_count; i++) {
    const skip_pair pair = next_skip(s, m, stack, cond_tokens);
    fx_tensor *skip = pair.cond ? FX_DO(s, add, .a = pair.own, .b = pair.cond) : pair.own;
    x = fx_transformer_block_forward(s, &d->blocks[i], x, skip, rotation(m), mode);
  }
  x = fx_norm_forward_in(s, &d->norm, x);
  if (!x)
    return NULL;
  const int64_t n = x->shape[0], tokens = x->shape[1], width = x->shape[2];
  x = FX_DO(s, narrow, .x = x, .axis = 1, .start = 1, .length = tokens - 1);
  x = FX_DO(s, reshape, .x = x,
            .shape = FX_DIMS(n, c->height >> c->levels, c->width >> c->levels, width));
  if (bottleneck && !cond_tokens)
    x = FX_DO(s, add, .a = x, .b = cond->head);
  return x;
}

static fx_tensor *output_block (fx_scope *outer, const flex_output *o, fx_tensor *x, skip_pair skip,
                                fx_tensor *emb, fx_mode *mode) {
  const fx_resblock_input joined = { .x = x, .x2 = skip.own, .x2_add = skip.cond };
  fx_scope s;
  fx_scope_open(&s);
  x = fx_resblock_forward(&s, &o->res, &joined, emb, mode);
  if (o->has_up)
    x = fx_resblock_forward(&s, &o->up, &(fx_resblock_input){ .x = x }, emb, mode);
  return fx_scope_close_with(&s, outer, x);
}

fx_tensor *fx_flex_decode (fx_scope *s, const fx_flex *m, const fx_features *encoded, fx_tensor *t,
                           fx_tensor *re, const fx_features *cond, fx_mode *mode) {
  const flex_decoder *d = &m->decoder;
  const fx_norm_layer *norm = &d->final_norm;
  const fx_conv_layer *conv = &d->final_conv;
  skip_stack stack = { encoded, cond, encoded->count, cond ? cond->count : 0 };
  if (s->status != FX_OK || !encoded->head)
    return NULL;
  fx_tensor *emb = embedding(s, m, &d->cond, &d->time, re, t, encoded->head->shape[0]);
  fx_tensor *x = decode_tokens(s, m, &stack, emb, mode);
  for (int i = 0; i < d->out_count && x && s->status == FX_OK; i++)
    x = output_block(s, &d->out[i], x, next_skip(s, m, &stack, true), emb, mode);
  return FX_DO(s, fused_conv, .x = x, .norm_w = norm->w, .norm_b = norm->b, .w = conv->w,
               .b = conv->b, .groups = norm->groups, .eps = norm->eps, .padding = conv->padding);
}

fx_tensor *fx_flex_predict (fx_scope *outer, const fx_flex *m, fx_tensor *x, fx_tensor *t,
                            fx_tensor *re, const fx_features *cond, fx_mode *mode) {
  fx_scope s;
  fx_features encoded;
  fx_tensor *y = NULL;
  fx_scope_open(&s);
  if (fx_flex_encode(&s, m, x, t, re, cond, mode, &encoded) == FX_OK)
    y = fx_flex_decode(&s, m, &encoded, t, re, cond, mode);
  return fx_scope_close_with(&s, outer, y);
}
