/*
** flex.c - building the network: configuration, presets, parameters. The passes are in pass.c.
**
** The lists of blocks are flat, in the order in which the authors number them (input_blocks.i,
** output_blocks.i), because that order is also the order of the skips.
*/
#include "model/flex.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "model/network.h"

/* --- configuration ------------------------------------------------------------------------------ */

const fx_option fx_flex_fields[] = {
#define FIELD(...) FX_OPTION_ROW(fx_flex_config, __VA_ARGS__),
#include "model/flex_fields.def"
  { 0 }
};

int fx_flex_version (void) {
  int version = 1;
  for (const fx_option *row = fx_flex_fields; row->name; row++)
    version = row->since > version ? row->since : version;
  return version;
}

static const struct {
  int levels;
  int64_t channels[4], res_blocks[4], depth, heads;
} presets[] = {
  { 3, { 32, 64, 64 }, { 1, 1, 1 }, 3, 2 }, /* nano, ours: for laptops and tests; 2.1 M */
  { 4,
    { 64, 128, 128, 256 },
    { 2, 3, 3, 3 },
    13,
    4 }, /* small: the authors'                      */
  { 4,
    { 64, 128, 256, 512 },
    { 2, 3, 3, 4 },
    13,
    8 }, /* medium                                   */
  { 4,
    { 128, 256, 512, 1152 },
    { 2, 3, 3, 3 },
    21,
    16 }, /* big                                      */
};
const char *const fx_flex_sizes[] = { "nano", "small", "medium", "big", NULL }; /* ORDER presets */

fx_status fx_flex_preset (const char *size, fx_flex_config *out) {
  for (int i = 0; fx_flex_sizes[i]; i++) {
    if (strcmp(fx_flex_sizes[i], size) != 0)
      continue;
    *out = (fx_flex_config){ .levels = presets[i].levels };
    fx_options_default(fx_flex_fields, out);
    out->depth = presets[i].depth;
    out->heads = presets[i].heads;
    memcpy(out->channels, presets[i].channels, sizeof presets[i].channels);
    memcpy(out->res_blocks, presets[i].res_blocks, sizeof presets[i].res_blocks);
    return FX_OK;
  }
  char known[128] = "";
  for (int i = 0; fx_flex_sizes[i]; i++)
    snprintf(known + strlen(known), sizeof known - strlen(known), " %s", fx_flex_sizes[i]);
  return fx_fail(FX_EARG, "no model size '%s' (there is:%s)", size, known);
}

/* Entry `level` of the lists. Without residual blocks a level has but the one that halves the map, and that one keeps
** the channels. */
static fx_status check_level (const fx_flex_config *c, int level) {
  const int64_t channels = c->channels[level], before = c->channels[level ? level - 1 : 0];
  if (channels < 32 || channels % 32 != 0)
    return fx_fail(FX_EARG,
                   "channels of level %d must be a multiple of 32 (GroupNorm has 32 "
                   "groups), not %" PRId64,
                   level + 1, channels);
  if (c->res_blocks[level] == 0 && channels != before)
    return fx_fail(FX_EARG,
                   "res_blocks of level %d may be 0 only where the level before has its %" PRId64
                   " channels, not %" PRId64,
                   level + 1, channels, before);
  return FX_OK;
}

/* That the entries of the lists are in their ranges. */
static fx_status check_lists (const fx_flex_config *c) {
  if (c->levels < 1 || c->levels > FX_MAX_LEVELS)
    return fx_fail(FX_EARG, "a FLEX network has 1 to %d levels, not %d", FX_MAX_LEVELS, c->levels);
  for (const fx_option *row = fx_flex_fields; row->name; row++)
    for (int i = 0; row->kind == FX_OPTION_SIZES && i < c->levels; i++)
      FX_TRY(fx_option_check_value(row, (double)((const int64_t *)fx_option_at(row, c))[i]));
  return FX_OK;
}

static fx_status check_levels (const fx_flex_config *c) {
  int64_t skips = 1 + c->depth / 2;
  for (int i = 0; i < c->levels; i++) {
    FX_TRY(check_level(c, i));
    skips += c->res_blocks[i] + 1;
  }
  if (skips > FX_MAX_SKIPS)
    return fx_fail(FX_EARG,
                   "res_blocks and depth make %" PRId64
                   " skip connections, more than the %d this build allows",
                   skips, FX_MAX_SKIPS);
  const int64_t shrink = (int64_t)1 << c->levels;
  if (c->height < shrink || c->width < shrink || c->height % shrink || c->width % shrink)
    return fx_fail(FX_ESHAPE,
                   "height and width must be multiples of %" PRId64 " (2^levels), not "
                   "%" PRId64 " x %" PRId64,
                   shrink, c->height, c->width);
  return FX_OK;
}

static fx_status check_config (const fx_flex_config *c) {
  FX_TRY(fx_options_check(fx_flex_fields, c));
  FX_TRY(check_lists(c));
  FX_TRY(check_levels(c));
  const int64_t d = c->channels[c->levels - 1];
  if (d % c->heads != 0)
    return fx_fail(FX_EARG, "%" PRId64 " heads do not divide the last channel count %" PRId64,
                   c->heads, d);
  return FX_OK;
}

/* --- parameters --------------------------------------------------------------------------------- */

static const char *numbered (char buffer[256], const char *prefix, const char *list, int i,
                             int part) {
  if (part < 0)
    snprintf(buffer, 256, "%s.%s.%d", prefix, list, i);
  else
    snprintf(buffer, 256, "%s.%s.%d.%d", prefix, list, i, part);
  return buffer;
}

/* Width of the inner layer of transformer blocks, as the authors round it. */
static int64_t hidden_of (const fx_flex_config *c) {
  return (int64_t)((double)c->channels[c->levels - 1] * c->mlp_ratio);
}

static void tokens_init (flex_encoder *e, fx_params *ps, const fx_flex_config *c,
                         const char *prefix) {
  const int64_t d = c->channels[c->levels - 1];
  const int64_t tokens = 1 + (c->height >> c->levels) * (c->width >> c->levels);
  char p[256];
  fx_positions_init(&e->positions, ps, prefix, tokens, d);
  e->block_count = (int)(c->depth / 2);
  for (int i = 0; i < e->block_count; i++)
    fx_transformer_block_init(&e->blocks[i], ps, numbered(p, prefix, "tr_blocks", i, -1), d,
                              c->heads, hidden_of(c), false);
  snprintf(p, sizeof p, "%s.mid_block", prefix);
  fx_transformer_block_init(&e->middle, ps, p, d, c->heads, hidden_of(c), false);
}

static void encoder_init (flex_encoder *e, fx_params *ps, const fx_flex_config *c,
                          const char *prefix, int64_t in, bool use_time, bool use_transf) {
  const int64_t d = c->channels[c->levels - 1];
  char p[256];
  int n = 0;
  e->use_time = use_time;
  e->use_transf = use_transf;
  if (use_time)
    fx_time_embedding_init(&e->time, ps, prefix, d);
  fx_condition_embedding_init(&e->cond, ps, prefix, d);
  fx_conv_init(&e->first, ps, numbered(p, prefix, "input_blocks", 0, 0), in, c->channels[0], 3, 1,
               c->circular, false);
  int64_t width = c->channels[0];
  for (int level = 0; level < c->levels; level++) {
    for (int64_t k = 0; k <= c->res_blocks[level]; k++) {
      const bool down = k == c->res_blocks[level];
      fx_resblock_init(&e->res[n], ps, numbered(p, prefix, "input_blocks", n + 1, 0), width,
                       c->channels[level], d, down ? FX_RESAMPLE_DOWN : FX_RESAMPLE_SAME,
                       c->circular);
      width = c->channels[level];
      n++;
    }
  }
  e->res_count = n;
  if (use_transf)
    tokens_init(e, ps, c, prefix);
}

/* Channels of the skips of the convolutional part, in the order in which they are pushed. */
static int skip_channels (const fx_flex_config *c, int64_t out[FX_MAX_SKIPS]) {
  int n = 0;
  out[n++] = c->channels[0];
  for (int level = 0; level < c->levels; level++)
    for (int64_t k = 0; k <= c->res_blocks[level]; k++)
      out[n++] = c->channels[level];
  return n;
}

static void decoder_init (flex_decoder *dec, fx_params *ps, const fx_flex_config *c) {
  const int64_t d = c->channels[c->levels - 1];
  int64_t skips[FX_MAX_SKIPS], width = d;
  int left = skip_channels(c, skips), n = 0;
  char p[256];
  fx_time_embedding_init(&dec->time, ps, "decoder", d);
  fx_condition_embedding_init(&dec->cond, ps, "decoder", d);
  dec->block_count = (int)(c->depth / 2);
  for (int i = 0; i < dec->block_count; i++)
    fx_transformer_block_init(&dec->blocks[i], ps, numbered(p, "decoder", "tr_blocks", i, -1), d,
                              c->heads, hidden_of(c), c->skip);
  fx_layer_norm_init(&dec->norm, ps, "decoder.norm", d, 1e-5);
  fx_resblock_init(&dec->out[n].res, ps, numbered(p, "decoder", "output_blocks", n, 0),
                   width + skips[--left], d, d, FX_RESAMPLE_UP, c->circular);
  n++;
  for (int level = c->levels - 1; level >= 0; level--) {
    for (int64_t k = 0; k <= c->res_blocks[level]; k++) {
      flex_output *o = &dec->out[n];
      fx_resblock_init(&o->res, ps, numbered(p, "decoder", "output_blocks", n, 0),
                       width + skips[--left], c->channels[level], d, FX_RESAMPLE_SAME, c->circular);
      width = c->channels[level];
      o->has_up = level > 0 && k == c->res_blocks[level];
      if (o->has_up)
        fx_resblock_init(&o->up, ps, numbered(p, "decoder", "output_blocks", n, 1), width, width, d,
                         FX_RESAMPLE_UP, c->circular);
      n++;
    }
  }
  dec->out_count = n;
  fx_group_norm_init(&dec->final_norm, ps, "decoder.final_layer.0", width, 32);
  fx_conv_init(&dec->final_conv, ps, "decoder.final_layer.2", width, c->in_channels, 3, 1,
               c->circular, true);
}

fx_status fx_flex_new (const fx_flex_config *config, uint64_t seed, fx_flex **out) {
  FX_TRY(check_config(config));
  fx_flex *m = fx_calloc(1, sizeof *m);
  if (!m)
    return FX_ENOMEM;
  m->config = *config;
  fx_params_init(&m->params);
  encoder_init(&m->encoder, &m->params, config, "encoder", config->in_channels, true, true);
  decoder_init(&m->decoder, &m->params, config);
  if (config->condition_encoder)
    encoder_init(&m->condition, &m->params, config, "superres_encoder", config->cond_channels,
                 false, config->use_transf);
  fx_status st = m->params.status;
  if (st == FX_OK && config->rotary)
    st = fx_rotation_init(&m->rotation, 1, config->height >> config->levels,
                          config->width >> config->levels,
                          config->channels[config->levels - 1] / config->heads);
  if (st != FX_OK) {
    fx_flex_free(m);
    return st;
  }
  fx_params_reset(&m->params, seed, "");
  *out = m;
  return FX_OK;
}

void fx_flex_free (fx_flex *m) {
  if (!m)
    return;
  fx_params_free(&m->params);
  fx_rotation_free(&m->rotation);
  fx_free(m);
}

const fx_flex_config *fx_flex_config_of (const fx_flex *m) { return &m->config; }

fx_mode fx_flex_mode (const fx_flex *m) {
  return (fx_mode){ .dropout = m->config.dropout,
                    .recompute = m->config.recompute,
                    .precision = m->config.precision };
}

fx_params *fx_flex_params (fx_flex *m) { return &m->params; }

int fx_flex_skip_count (const fx_flex *m, bool transformer) {
  int64_t skips[FX_MAX_SKIPS];
  return skip_channels(&m->config, skips) + (transformer ? (int)(m->config.depth / 2) : 0);
}

void fx_flex_skip_shape (const fx_flex *m, int i, int64_t n, fx_dims *out) {
  const fx_flex_config *c = &m->config;
  int64_t skips[FX_MAX_SKIPS];
  const int maps = skip_channels(c, skips);
  if (i >= maps) {
    const int64_t tokens = 1 + (c->height >> c->levels) * (c->width >> c->levels);
    *out = (fx_dims){ 3, { n, tokens, c->channels[c->levels - 1] } };
    return;
  }
  int shrink = 0, last = 0;
  for (int level = 0; level < c->levels; level++) {
    last += (int)c->res_blocks[level] + 1; /* index of this level's down block */
    shrink += i >= last;
  }
  *out = (fx_dims){ 4, { n, c->height >> shrink, c->width >> shrink, skips[i] } };
}
