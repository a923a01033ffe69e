/*
** flex.h - the FLEX network [arXiv 2505.17351; layout as the authors' public code].
**
** Three parts: a condition encoder (what is known: the upsampled field, or past frames), a base
** encoder (the noisy residual x_t and the time t) and a decoder. Encoders are U-Net encoders of
** ResBlocks with, in the base encoder, a transformer on the 1x1 patches of the last map; the decoder
** mirrors them. The condition enters by four paths, each of which can be closed by itself:
**
**   weak_skips          condition skips added after every input block of the *base encoder*
**   strong_skips        condition skips added to the skips that the *decoder* reads
**   strong_bottleneck   condition head added to the decoder's input (tokens) or to its map
**   embed_condition     Linear-SiLU-Linear of the scalar condition (Re/40000) in every ResBlock
**
** Parameter names are the authors' (encoder., superres_encoder., decoder.); layouts are ours.
** Usable without Lua; see docs/design.md for a C program that samples.
*/
#ifndef FX_FLEX_H
#define FX_FLEX_H

#include "base/option.h"
#include "nn/layers.h"

#define FX_MAX_LEVELS 8
#define FX_MAX_SKIPS 96

typedef int64_t fx_levels[FX_MAX_LEVELS]; /* one entry a level */

/* What flex_fields.def lists; it says what each member means, its default and its range. */
typedef struct {
  int levels; /* 1 .. FX_MAX_LEVELS: entries of channels and of res_blocks */
#define FIELD(kind, type, name, value, least, most, words, since, setting, doc) type name;
#include "model/flex_fields.def"
} fx_flex_config;

/* The list as rows, ended by one without a name; and the version of checkpoints that have all of them. */
extern const fx_option fx_flex_fields[];
int fx_flex_version(void);

/* The sizes that have names, ended by NULL: "nano", "small", "medium", "big". */
extern const char *const fx_flex_sizes[];

/* Every default, and the channels, blocks, depth and heads of a size. Unknown names list the known. */
fx_status fx_flex_preset(const char *size, fx_flex_config *out);

typedef struct fx_flex fx_flex;

/* New network, weights from the seed. The configuration is checked: one sentence says what is off. */
fx_status fx_flex_new(const fx_flex_config *config, uint64_t seed, fx_flex **out);
void fx_flex_free(fx_flex *m);

const fx_flex_config *fx_flex_config_of(const fx_flex *m);

/* How a pass of this network is run, by its configuration: dropout (off until `training`), recompute, precision. */
fx_mode fx_flex_mode(const fx_flex *m);

fx_params *fx_flex_params(fx_flex *m);

/* Number of skips an encoder hands over: 1 + sum(res_blocks) + levels, + depth // 2 with a transformer.
** shape (N,H,W,C) or (N,T,D) of skip i for a batch of n. */
int fx_flex_skip_count(const fx_flex *m, bool transformer);
void fx_flex_skip_shape(const fx_flex *m, int i, int64_t n, fx_dims *out);

/* Tensors an encoder hands over; borrowed from the scope. */
typedef struct {
  fx_tensor *head;
  fx_tensor *skips[FX_MAX_SKIPS];
  int count;
  bool tokens; /* head is (N,1+T,D) tokens, not a map */
} fx_features;

/* What is known -> features. lowres (N,H,W,cond_channels), re (N,1) or NULL (required with
** embed_condition). Does not depend on t: once per sample, not once per step. */
fx_status fx_flex_condition(fx_scope *s, const fx_flex *m, fx_tensor *lowres, fx_tensor *re,
                            fx_mode *mode, fx_features *out);

/* x_t (N,H,W,in_channels), t (N) -> features of the base encoder; cond NULL: unconditioned. */
fx_status fx_flex_encode(fx_scope *s, const fx_flex *m, fx_tensor *x, fx_tensor *t, fx_tensor *re,
                         const fx_features *cond, fx_mode *mode, fx_features *out);

/* -> the network's prediction (N,H,W,in_channels), borrowed from the scope; NULL on failure. */
fx_tensor *fx_flex_decode(fx_scope *s, const fx_flex *m, const fx_features *encoded, fx_tensor *t,
                          fx_tensor *re, const fx_features *cond, fx_mode *mode);

/* encode + decode. */
fx_tensor *fx_flex_predict(fx_scope *s, const fx_flex *m, fx_tensor *x, fx_tensor *t, fx_tensor *re,
                           const fx_features *cond, fx_mode *mode);

#endif
