/*
** layers.h - the building blocks of FLEX: borrowed parameters and a forward each.
**
** Building: fx_<layer>_init registers parameters under a prefix; failures collect in ps->status.
** Running: forward functions live in a scope (scope.h). Tensors are (N,H,W,C); tokens are (N,T,D).
** `fx_mode` says how the pass is run.
*/
#ifndef FX_LAYERS_H
#define FX_LAYERS_H

#include "kernels/kernels.h"
#include "nn/param.h"
#include "nn/scope.h"

/* How a pass is run. dropout 0 or training false: no dropout. Each dropout draws key.member++.
** recompute: what blocks make inside is not kept but made again in backward (autograd/segment.h). */
typedef struct {
  bool training, recompute;
  double dropout;
  fx_rng key;
} fx_mode;

typedef struct {
  fx_tensor *w, *b;
} fx_linear_layer; /* w (O,I)        */
typedef struct {
  fx_tensor *w, *b;
  int64_t stride;
  bool circular;
} fx_conv_layer; /* w (O,k,k,I) */
typedef struct {
  fx_tensor *w, *b;
  int64_t groups;
  double eps;
} fx_norm_layer; /* groups 0: layer norm */

void fx_linear_init(fx_linear_layer *l, fx_params *ps, const char *prefix, int64_t in, int64_t out,
                    bool bias);
void fx_conv_init(fx_conv_layer *l, fx_params *ps, const char *prefix, int64_t in, int64_t out,
                  int64_t kernel, int64_t stride, bool circular, bool zero);
void fx_group_norm_init(fx_norm_layer *l, fx_params *ps, const char *prefix, int64_t channels,
                        int64_t groups);
void fx_layer_norm_init(fx_norm_layer *l, fx_params *ps, const char *prefix, int64_t channels,
                        double eps);

fx_tensor *fx_linear_forward_in(fx_scope *s, const fx_linear_layer *l, fx_tensor *x);
fx_tensor *fx_conv_forward_in(fx_scope *s, const fx_conv_layer *l, fx_tensor *x);
fx_tensor *fx_norm_forward_in(fx_scope *s, const fx_norm_layer *l, fx_tensor *x);

/* ResBlock [flex-method 2; after Dhariwal & Nichol 2021]: h = conv(SiLU(GN x)), resampled before the
** convolution if asked; h = GN(h) (1 + scale) + shift from Linear(SiLU(emb)); h = conv(dropout(SiLU h));
** out = skip(x) + h. x (N,H,W,c), emb (N,D) -> (N,H',W',o). */
typedef struct {
  fx_norm_layer norm1, norm2;
  fx_conv_layer conv1, conv2, skip;
  fx_linear_layer emb;
  bool has_skip;
  fx_resample resample;
} fx_resblock;
void fx_resblock_init(fx_resblock *b, fx_params *ps, const char *prefix, int64_t in, int64_t out,
                      int64_t emb, fx_resample resample, bool circular);

/* What a ResBlock reads: x, or x and x2 + x2_add side by side; `add` joins the result. Only x must be
** there. The sums are made while they are read: neither they nor the joined map exist in memory. */
typedef struct {
  fx_tensor *x, *x2, *x2_add, *add;
} fx_resblock_input;
fx_tensor *fx_resblock_forward(fx_scope *s, const fx_resblock *b, const fx_resblock_input *in,
                               fx_tensor *emb, fx_mode *mode);

/* Transformer block: x += proj(attention(LN x)); x += fc2(GELU(fc1(LN x))); with has_skip first
** x = skip_linear(concat(x, skip)). x, skip (N,T,D). */
typedef struct {
  fx_norm_layer norm1, norm2;
  fx_linear_layer qkv, proj, fc1, fc2, skip_linear;
  bool has_skip;
  int64_t heads;
} fx_transformer_block;
void fx_transformer_block_init(fx_transformer_block *b, fx_params *ps, const char *prefix,
                               int64_t d, int64_t heads, bool has_skip);
fx_tensor *fx_transformer_block_forward(fx_scope *s, const fx_transformer_block *b, fx_tensor *x,
                                        fx_tensor *skip, fx_mode *mode);

/* Linear(1 -> 2D), SiLU, Linear(2D -> D) of a scalar condition re (N,1) -> (N,D). */
typedef struct {
  fx_linear_layer first, second;
} fx_embedding;
void fx_condition_embedding_init(fx_embedding *e, fx_params *ps, const char *prefix, int64_t d);
fx_tensor *fx_condition_embedding_forward(fx_scope *s, const fx_embedding *e, fx_tensor *re);

/* sqrt2 cos(t freqs + phases), then Linear(D -> 2D), SiLU, Linear(2D -> D): t (N) -> (N,D). The
** buffers are prefix.MPFourier.{freqs,phases}, the layers prefix.time_embed.{0,2}. */
typedef struct {
  fx_tensor *freqs, *phases;
  fx_embedding embed;
} fx_time_embedding;
void fx_time_embedding_init(fx_time_embedding *e, fx_params *ps, const char *prefix, int64_t d);
fx_tensor *fx_time_embedding_forward(fx_scope *s, const fx_time_embedding *e, fx_tensor *t);

#endif
