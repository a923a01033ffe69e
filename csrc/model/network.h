/* network.h - the network's parts as flex.c builds them and pass.c runs them; private to model/. */
#ifndef FX_NETWORK_H
#define FX_NETWORK_H

#include "model/flex.h"

typedef struct {
  bool use_time, use_transf;
  fx_time_embedding time;
  fx_embedding cond;
  fx_conv_layer first;
  fx_resblock res[FX_MAX_SKIPS]; /* input_blocks.1 .. */
  int res_count;
  fx_positions positions; /* (1,1+T,D) */
  fx_transformer_block blocks[FX_MAX_SKIPS], middle;
  int block_count;
} flex_encoder;

typedef struct {
  fx_resblock res, up;
  bool has_up;
} flex_output;

typedef struct {
  fx_time_embedding time;
  fx_embedding cond;
  fx_transformer_block blocks[FX_MAX_SKIPS];
  int block_count;
  fx_norm_layer norm, final_norm;
  flex_output out[FX_MAX_SKIPS];
  int out_count;
  fx_conv_layer final_conv;
} flex_decoder;

struct fx_flex {
  fx_flex_config config;
  fx_params params;
  flex_encoder encoder, condition;
  flex_decoder decoder;
  fx_rotation rotation; /* of all transformer blocks; empty unless config.rotary */
};

#endif
