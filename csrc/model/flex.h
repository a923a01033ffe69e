/*
** flex.h - the FLEX network [arXiv 2505.17351; layout as the authors' public code].
**
** Three parts: a condition encoder (what is known: the upsampled field, or past frames), a base
** encoder (the noisy residual x_t and the time t) and a decoder. Encoders are U-Net encoders of
** ResBlocks with, in the base encoder, a transformer on the 1x1 patches of the last map; the decoder
** mirrors them. The condition enters by four roads, each of which can be closed by itself:
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

#include "nn/layers.h"

#define FX_MAX_LEVELS 8
#define FX_MAX_SKIPS 96

typedef struct {
  int levels;                        /* 1 .. FX_MAX_LEVELS                             */
  int64_t channels[FX_MAX_LEVELS];   /* per level, divisible by 32; the last is D      */
  int64_t res_blocks[FX_MAX_LEVELS]; /* ResBlocks per level                            */
  int64_t depth;                     /* transformer blocks: depth/2 + 1 + depth/2, odd */
  int64_t heads;                     /* divides D                                      */
  int64_t height, width;             /* of the field: fixes the learned positions      */
  int64_t in_channels;               /* of the field                                   */
  int64_t cond_channels;             /* of the condition                               */
  bool use_transf;                   /* a transformer in the condition encoder too     */
  bool skip;                         /* skip connections among transformer blocks      */
  bool circular;                     /* padding of convolutions                        */
  bool rotary;                       /* queries and keys turn by row and column        */
  bool weak_skips, strong_skips, strong_bottleneck, embed_condition;
  bool condition_encoder; /* false: head and skips come from elsewhere      */
  double dropout;
} fx_flex_config;

/* "nano", "small", "medium", "big": channels, blocks, depth, heads; the rest as of a one-channel
** 64x64 super-resolution model with all roads open. Unknown names list the known. */
fx_status fx_flex_preset(const char *size, fx_flex_config *out);

typedef struct fx_flex fx_flex;

/* New network, weights from the seed. The configuration is checked: one sentence says what is off. */
fx_status fx_flex_new(const fx_flex_config *config, uint64_t seed, fx_flex **out);
void fx_flex_free(fx_flex *m);

const fx_flex_config *fx_flex_config_of(const fx_flex *m);
fx_params *fx_flex_params(fx_flex *m);

/* Number of skips an encoder hands over: 1 + sum(res_blocks) + levels, + depth/2 with a transformer.
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
