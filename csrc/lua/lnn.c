/*
** lnn.c - core.nn: layers as callable modules with named parameters.
**
** A module owns its list of parameters and the layer that borrows from it. Calling it runs the
** layer's forward in a C scope: one Lua call a block, not one a kernel. Dropout masks come from the
** key given to m:train; every call of the module moves on to fresh ones, until the next m:train.
*/
#include "lua/lnn.h"

#include <string.h>

#define MODULE "flexlab.Module"

typedef enum {
  MODULE_LINEAR,
  MODULE_CONV,
  MODULE_NORM,
  MODULE_RESBLOCK,
  MODULE_TRANSFORMER,
  MODULE_CONDITION,
  MODULE_TIME,
  MODULE_POSITIONS
} module_kind;

typedef struct {
  module_kind kind;
  const char *name; /* of its maker, for messages */
  fx_params params;
  fx_mode mode;
  fx_rotation rotation; /* of a transformer block; empty without */
  union {
    fx_linear_layer linear;
    fx_conv_layer conv;
    fx_norm_layer norm;
    fx_resblock resblock;
    fx_transformer_block transformer;
    fx_embedding condition;
    fx_time_embedding time;
    fx_positions positions;
  } as;
} module;

/* --- shared with the network ------------------------------------------------------------------ */

void lnn_push_parameters (lua_State *L, const fx_params *ps) {
  lua_createtable(L, ps->count, 0);
  for (int i = 0; i < ps->count; i++) {
    lua_createtable(L, 0, 3);
    lua_pushstring(L, ps->list[i].name);
    lua_setfield(L, -2, "name");
    lfx_push_tensor(L, ps->list[i].value, true);
    lua_setfield(L, -2, "tensor");
    lua_pushboolean(L, ps->list[i].trained);
    lua_setfield(L, -2, "trained");
    lua_rawseti(L, -2, i + 1);
  }
}

int lnn_init (lua_State *L, fx_params *ps) {
  const uint64_t seed = (uint64_t)lfx_to_int(L, 2, "init", "seed");
  fx_params_reset(ps, seed, luaL_optstring(L, 3, ""));
  lua_settop(L, 1);
  return 1;
}

int lnn_train (lua_State *L, fx_mode *mode) {
  const bool on = !lua_isnoneornil(L, 2);
  if (on)
    mode->key = lfx_to_key(L, 2, "train", "key", FX_STREAM_DROPOUT);
  mode->training = on;
  lua_settop(L, 1);
  return 1;
}

static module *self (lua_State *L) {
  module *m = luaL_checkudata(L, 1, MODULE);
  if (!m->params.list)
    luaL_error(L, "%s: the module has been collected", m->name);
  return m;
}

/* --- making ----------------------------------------------------------------------------------- */

static module *push_module (lua_State *L, module_kind kind, const char *name) {
  lfx_budget(L);
  module *m = lua_newuserdatauv(L, sizeof *m, 0);
  memset(m, 0, sizeof *m);
  m->kind = kind;
  m->name = name;
  fx_params_init(&m->params);
  luaL_setmetatable(L, MODULE);
  return m;
}

static int finish (lua_State *L, module *m) {
  lfx_check(L, m->params.status, m->name);
  fx_params_reset(&m->params, 0, "");
  return 1;
}

/* A positive size among the positional arguments. */
static int64_t size_argument (lua_State *L, int idx, const char *what, const char *name) {
  const int64_t n = lfx_to_int(L, idx, what, name);
  if (n < 1)
    luaL_error(L, "%s: '%s' must be at least 1, got %I", what, name, (LUAI_UACINT)n);
  return n;
}

static double dropout_option (const lfx_options *o) {
  const double p = lfx_number(o, "dropout", 0);
  if (!(p >= 0 && p < 1))
    luaL_error(o->L, "%s: 'dropout' must lie in [0,1), got %f", o->what, p);
  return p;
}

static int nn_linear (lua_State *L) {
  static const char *const known[] = { "bias", NULL };
  const int64_t in = size_argument(L, 1, "linear", "inputs");
  const int64_t out = size_argument(L, 2, "linear", "outputs");
  const lfx_options o = lfx_read_options(L, 3, "linear", known, false);
  const bool bias = lfx_flag(&o, "bias", true);
  module *m = push_module(L, MODULE_LINEAR, "linear");
  fx_linear_init(&m->as.linear, &m->params, "", in, out, bias);
  return finish(L, m);
}

static int nn_conv (lua_State *L) {
  static const char *const known[] = { "kernel", "stride", "circular", "zero", NULL };
  const int64_t in = size_argument(L, 1, "conv", "inputs");
  const int64_t out = size_argument(L, 2, "conv", "outputs");
  const lfx_options o = lfx_read_options(L, 3, "conv", known, false);
  const int64_t kernel = lfx_int(&o, "kernel", 3), stride = lfx_int(&o, "stride", 1);
  const bool circular = lfx_flag(&o, "circular", false), zero = lfx_flag(&o, "zero", false);
  if (kernel < 1 || stride < 1)
    return luaL_error(L, "conv: 'kernel' and 'stride' must be at least 1");
  module *m = push_module(L, MODULE_CONV, "conv");
  fx_conv_init(&m->as.conv, &m->params, "", in, out, kernel, stride, circular, zero);
  return finish(L, m);
}

static int nn_group_norm (lua_State *L) {
  static const char *const known[] = { "groups", NULL };
  const int64_t channels = size_argument(L, 1, "group_norm", "channels");
  const lfx_options o = lfx_read_options(L, 2, "group_norm", known, false);
  const int64_t groups = lfx_int(&o, "groups", 32);
  if (groups < 1 || channels % groups != 0)
    return luaL_error(L, "group_norm: %I channels do not divide into %I groups",
                      (LUAI_UACINT)channels, (LUAI_UACINT)groups);
  module *m = push_module(L, MODULE_NORM, "group_norm");
  fx_group_norm_init(&m->as.norm, &m->params, "", channels, groups);
  return finish(L, m);
}

static int nn_layer_norm (lua_State *L) {
  static const char *const known[] = { "eps", NULL };
  const int64_t channels = size_argument(L, 1, "layer_norm", "channels");
  const lfx_options o = lfx_read_options(L, 2, "layer_norm", known, false);
  const double eps = lfx_number(&o, "eps", 1e-6);
  module *m = push_module(L, MODULE_NORM, "layer_norm");
  fx_layer_norm_init(&m->as.norm, &m->params, "", channels, eps);
  return finish(L, m);
}

static int nn_resblock (lua_State *L) {
  static const char *const known[] = { "emb",       "resample",  "circular", "dropout",
                                       "recompute", "precision", NULL };
  const int64_t in = size_argument(L, 1, "resblock", "inputs");
  const int64_t out = size_argument(L, 2, "resblock", "outputs");
  const lfx_options o = lfx_read_options(L, 3, "resblock", known, false);
  const int64_t emb = lfx_int(&o, "emb", 0);
  const fx_resample resample =
      (fx_resample)lfx_choice(&o, "resample", FX_WORDS(resample), FX_RESAMPLE_SAME);
  const bool circular = lfx_flag(&o, "circular", false);
  const double dropout = dropout_option(&o);
  if (emb < 1)
    return luaL_error(L, "resblock: 'emb', the width of the embedding, must be given");
  if (in % 32 || out % 32)
    return luaL_error(L,
                      "resblock: channels must be multiples of 32 (GroupNorm has 32 groups), "
                      "got %I and %I",
                      (LUAI_UACINT)in, (LUAI_UACINT)out);
  module *m = push_module(L, MODULE_RESBLOCK, "resblock");
  m->mode.dropout = dropout;
  m->mode.recompute = lfx_flag(&o, "recompute", false);
  m->mode.precision =
      (fx_precision)lfx_choice(&o, "precision", FX_WORDS(precision), FX_PRECISION_F32);
  fx_resblock_init(&m->as.resblock, &m->params, "", in, out, emb, resample, circular);
  return finish(L, m);
}

static int nn_transformer_block (lua_State *L) {
  static const char *const known[] = { "heads",   "mlp",    "skip",      "dropout", "rows",
                                       "columns", "before", "recompute", NULL };
  const int64_t d = size_argument(L, 1, "transformer_block", "width");
  const lfx_options o = lfx_read_options(L, 2, "transformer_block", known, false);
  const int64_t heads = lfx_int(&o, "heads", 1);
  const int64_t mlp = lfx_int(&o, "mlp", 2), before = lfx_int(&o, "before", 0);
  const int64_t rows = lfx_int(&o, "rows", 0), columns = lfx_int(&o, "columns", rows);
  const bool skip = lfx_flag(&o, "skip", false);
  const double dropout = dropout_option(&o);
  if (heads < 1 || d % heads != 0)
    return luaL_error(L, "transformer_block: %I heads do not divide the width %I",
                      (LUAI_UACINT)heads, (LUAI_UACINT)d);
  if (mlp < 1 || before < 0 || rows < 0 || columns < 0 || (rows == 0) != (columns == 0))
    return luaL_error(
        L, "transformer_block: 'mlp' must be at least 1; 'rows' and 'columns', of tokens "
           "with rotary positions, both at least 1 or left out");
  module *m = push_module(L, MODULE_TRANSFORMER, "transformer_block");
  m->mode.dropout = dropout;
  m->mode.recompute = lfx_flag(&o, "recompute", false);
  fx_transformer_block_init(&m->as.transformer, &m->params, "", d, heads, mlp * d, skip);
  if (rows) {
    fx_status st;
    LFX_TRY(L, st, fx_rotation_init(&m->rotation, before, rows, columns, d / heads));
    lfx_check(L, st, m->name);
  }
  return finish(L, m);
}

static int nn_condition_embedding (lua_State *L) {
  const int64_t d = size_argument(L, 1, "condition_embedding", "width");
  module *m = push_module(L, MODULE_CONDITION, "condition_embedding");
  fx_condition_embedding_init(&m->as.condition, &m->params, "", d);
  return finish(L, m);
}

static int nn_time_embedding (lua_State *L) {
  const int64_t d = size_argument(L, 1, "time_embedding", "width");
  module *m = push_module(L, MODULE_TIME, "time_embedding");
  fx_time_embedding_init(&m->as.time, &m->params, "", d);
  return finish(L, m);
}

static int nn_positions (lua_State *L) {
  const int64_t tokens = size_argument(L, 1, "positions", "tokens");
  const int64_t d = size_argument(L, 2, "positions", "width");
  module *m = push_module(L, MODULE_POSITIONS, "positions");
  fx_positions_init(&m->as.positions, &m->params, "", tokens, d);
  return finish(L, m);
}

/* --- running ---------------------------------------------------------------------------------- */

static fx_tensor *forward (fx_scope *s, const module *m, fx_tensor *x, fx_tensor *second,
                           fx_mode *mode) {
  switch (m->kind) {
  case MODULE_LINEAR: return fx_linear_forward_in(s, &m->as.linear, x);
  case MODULE_CONV: return fx_conv_forward_in(s, &m->as.conv, x);
  case MODULE_NORM: return fx_norm_forward_in(s, &m->as.norm, x);
  case MODULE_RESBLOCK:
    return fx_resblock_forward(s, &m->as.resblock, &(fx_resblock_input){ .x = x }, second, mode);
  case MODULE_TRANSFORMER:
    return fx_transformer_block_forward(s, &m->as.transformer, x, second,
                                        m->rotation.cos ? &m->rotation : NULL, mode);
  case MODULE_CONDITION: return fx_condition_embedding_forward(s, &m->as.condition, x);
  case MODULE_TIME: return fx_time_embedding_forward(s, &m->as.time, x);
  case MODULE_POSITIONS: return fx_positions_forward(s, &m->as.positions, x);
  }
  return NULL;
}

fx_status lnn_result (fx_scope *s, fx_tensor *y, const fx_mode *mode, fx_mode *kept,
                      fx_tensor **out) {
  fx_tensor_retain(y);
  fx_scope_close(s);
  if (s->status != FX_OK) {
    fx_tensor_release(y);
    return s->status;
  }
  *kept = *mode;
  *out = y;
  return FX_OK;
}

static fx_status run (module *m, fx_tensor *x, fx_tensor *second, fx_tensor **out) {
  fx_scope s;
  fx_mode mode = m->mode;
  fx_scope_open(&s);
  return lnn_result(&s, forward(&s, m, x, second, &mode), &mode, &m->mode, out);
}

/* The module moves behind its arguments, so that messages count them as the user does; it must stay
** on the stack, which may be all that keeps it: linear(3, 5)(x). */
static int module_call (lua_State *L) {
  module *m = self(L);
  const bool skip = m->kind == MODULE_TRANSFORMER && m->as.transformer.has_skip;
  const int wanted = 1 + (m->kind == MODULE_RESBLOCK || skip), given = lua_gettop(L) - 1;
  const char *second_name = skip ? "skip" : "emb";
  fx_status st;
  lfx_budget(L);
  lua_rotate(L, 1, -1);
  if (given < wanted)
    return luaL_error(L, "%s: argument %d (%s) is missing; it must be a tensor", m->name, given + 1,
                      given == 0 ? "x" : second_name);
  if (given > wanted && !lua_isnil(L, wanted + 1))
    return luaL_error(L, "%s: %d arguments given, it is called with %d", m->name, given, wanted);
  fx_tensor *x = lfx_check_tensor(L, 1, m->name, "x");
  fx_tensor *second = wanted == 2 ? lfx_check_tensor(L, 2, m->name, second_name) : NULL;
  lfx_handle *h = lfx_push_handle(L);
  LFX_TRY(L, st, run(m, x, second, &h->t));
  lfx_check(L, st, m->name);
  return 1;
}

static int module_parameters (lua_State *L) {
  const module *m = self(L);
  lnn_push_parameters(L, &m->params);
  return 1;
}

static int module_init (lua_State *L) { return lnn_init(L, &self(L)->params); }

static int module_train (lua_State *L) { return lnn_train(L, &self(L)->mode); }

static int module_tostring (lua_State *L) {
  const module *m = luaL_checkudata(L, 1, MODULE);
  lua_pushfstring(L, "%s (%I parameters)", m->name, (LUAI_UACINT)fx_params_count(&m->params));
  return 1;
}

static int module_gc (lua_State *L) {
  module *m = lua_touserdata(L, 1);
  fx_params_free(&m->params);
  fx_rotation_free(&m->rotation);
  return 0;
}

void lfx_open_nn (lua_State *L) {
  static const luaL_Reg meta[] = { { "__gc", module_gc },
                                   { "__call", module_call },
                                   { "__tostring", module_tostring },
                                   { NULL, NULL } };
  static const luaL_Reg methods[] = { { "parameters", module_parameters },
                                      { "init", module_init },
                                      { "train", module_train },
                                      { NULL, NULL } };
  static const luaL_Reg functions[] = { { "linear", nn_linear },
                                        { "conv", nn_conv },
                                        { "group_norm", nn_group_norm },
                                        { "layer_norm", nn_layer_norm },
                                        { "resblock", nn_resblock },
                                        { "transformer_block", nn_transformer_block },
                                        { "condition_embedding", nn_condition_embedding },
                                        { "time_embedding", nn_time_embedding },
                                        { "positions", nn_positions },
                                        { NULL, NULL } };
  lfx_class(L, MODULE, meta, methods);
  lfx_functions(L, "nn", functions);
}
