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
** recompute: what blocks make inside is not kept but made again in backward (autograd/segment.h).
** precision: what the factors of the ResBlocks' convolutions are rounded to (op conv2d). */
typedef struct {
  bool training, recompute;
  fx_precision precision;
  double dropout;
  fx_rng key;
} fx_mode;

typedef struct {
  fx_tensor *w, *b;
} fx_linear_layer; /* w (O,I)        */
typedef struct {
  fx_tensor *w, *b;
  int64_t stride;
  fx_padding padding;
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

/* ResBlock [arXiv 2505.17351, after Dhariwal & Nichol 2021]: h = conv(SiLU(GN x)), resampled before the
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

/* Rotary positions of tokens [Su et al. 2021, arXiv 2104.09864], axial in two dimensions: half of the
** pairs of a head's channels turn by the row, half by the column, at 10000^(-i/(head_dim/4)) radians a
** token. So q k^T sees where tokens stand relative to one another, and any size of map will do. */
typedef struct {
  fx_tensor *cos, *sin; /* (T,1,head_dim), owned */
} fx_rotation;

/* `before` tokens without a position (they are not turned), then a map of rows x columns, row by row.
** Errors: FX_EARG unless 4 divides head_dim; FX_ENOMEM. */
fx_status fx_rotation_init(fx_rotation *out, int64_t before, int64_t rows, int64_t columns,
                           int64_t head_dim);
void fx_rotation_free(fx_rotation *r);

/* x (N,T,D) with the channels of each of `heads` heads turned; channel i < head_dim/2 and channel
** i + head_dim/2 are a pair. */
fx_tensor *fx_rotate(fx_scope *s, const fx_rotation *r, fx_tensor *x, int64_t heads);

/* Positions that are learned: x (N,T,D) + pos_embed (1,T,D), which starts as N(0, 0.02^2). */
typedef struct {
  fx_tensor *pos_embed;
} fx_positions;
void fx_positions_init(fx_positions *p, fx_params *ps, const char *prefix, int64_t tokens,
                       int64_t d);
fx_tensor *fx_positions_forward(fx_scope *s, const fx_positions *p, fx_tensor *x);

/* Transformer block: x += proj(attention(LN x)); x += fc2(GELU(fc1(LN x))); with has_skip first
** x = skip_linear(concat(x, skip)). x, skip (N,T,D); fc1 widens to `hidden` channels. rotation may be
** NULL; it is borrowed. */
typedef struct {
  fx_norm_layer norm1, norm2;
  fx_linear_layer qkv, proj, fc1, fc2, skip_linear;
  bool has_skip;
  int64_t heads;
} fx_transformer_block;
void fx_transformer_block_init(fx_transformer_block *b, fx_params *ps, const char *prefix,
                               int64_t d, int64_t heads, int64_t hidden, bool has_skip);
fx_tensor *fx_transformer_block_forward(fx_scope *s, const fx_transformer_block *b, fx_tensor *x,
                                        fx_tensor *skip, const fx_rotation *rotation,
                                        fx_mode *mode);

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
