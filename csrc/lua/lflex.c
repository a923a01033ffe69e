/*
** lflex.c - core.flex(config): the FLEX network as one object.
**
** Features, what an encoder hands over, are a plain table { head=, skips={...}, tokens= } so that a
** recipe can look at them, change them, or make its own. A pass that returns features runs in a
** scope kept in a guard: pushing its tensors may raise, and the guard then frees the rest.
*/
#include "lua/lnn.h"

#include <string.h>

#include "model/flex.h"

#define FLEX "flexlab.Flex"

typedef struct {
  fx_flex *net; /* owned */
  fx_mode mode;
  int64_t seed;
} flex;

static flex *self (lua_State *L) {
  flex *m = luaL_checkudata(L, 1, FLEX);
  if (!m->net)
    luaL_error(L, "flex: the network has been collected");
  return m;
}

/* --- configuration ---------------------------------------------------------------------------- */

static const char *const known[] = { "size",
                                     "channels",
                                     "res_blocks",
                                     "depth",
                                     "heads",
                                     "height",
                                     "width",
                                     "in_channels",
                                     "cond_channels",
                                     "use_transf",
                                     "skip",
                                     "circular",
                                     "rotary",
                                     "weak_skips",
                                     "strong_skips",
                                     "strong_bottleneck",
                                     "embed_condition",
                                     "condition_encoder",
                                     "dropout",
                                     "recompute",
                                     "precision",
                                     "seed",
                                     NULL };

/* A list of one integer per level; returns its length, 0 if the option is absent. */
static int levels_option (const lfx_options *o, const char *name, int64_t out[FX_MAX_LEVELS]) {
  lua_State *L = o->L;
  if (!lfx_option(o, name))
    return 0;
  const int n = lua_istable(L, -1) ? (int)lua_rawlen(L, -1) : 0;
  if (n < 1 || n > FX_MAX_LEVELS)
    luaL_error(L, "flex: '%s' must be a list of 1 to %d integers, one a level", name,
               FX_MAX_LEVELS);
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, -1, i + 1);
    out[i] = lfx_to_int(L, -1, "flex", name);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return n;
}

static void read_levels (const lfx_options *o, fx_flex_config *c) {
  const char *size = lfx_string(o, "size", NULL);
  lfx_check(o->L, fx_flex_preset(size ? size : "small", c), "flex");
  const int channels = levels_option(o, "channels", c->channels);
  const int blocks = levels_option(o, "res_blocks", c->res_blocks);
  if (!size && !(channels && blocks))
    luaL_error(o->L, "flex: give either 'size' or both 'channels' and 'res_blocks'");
  if ((channels ? channels : c->levels) != (blocks ? blocks : c->levels))
    luaL_error(o->L, "flex: 'channels' and 'res_blocks' must have one entry a level each");
  if (channels)
    c->levels = channels;
}

static void read_config (const lfx_options *o, fx_flex_config *c) {
  read_levels(o, c);
  c->depth = lfx_int(o, "depth", c->depth);
  c->heads = lfx_int(o, "heads", c->heads);
  c->height = lfx_int(o, "height", c->height);
  c->width = lfx_int(o, "width", c->width);
  c->in_channels = lfx_int(o, "in_channels", c->in_channels);
  c->cond_channels = lfx_int(o, "cond_channels", c->cond_channels);
  c->use_transf = lfx_flag(o, "use_transf", c->use_transf);
  c->skip = lfx_flag(o, "skip", c->skip);
  c->circular = lfx_flag(o, "circular", c->circular);
  c->rotary = lfx_flag(o, "rotary", c->rotary);
  c->weak_skips = lfx_flag(o, "weak_skips", c->weak_skips);
  c->strong_skips = lfx_flag(o, "strong_skips", c->strong_skips);
  c->strong_bottleneck = lfx_flag(o, "strong_bottleneck", c->strong_bottleneck);
  c->embed_condition = lfx_flag(o, "embed_condition", c->embed_condition);
  c->condition_encoder = lfx_flag(o, "condition_encoder", c->condition_encoder);
  c->dropout = lfx_number(o, "dropout", c->dropout);
}

static int core_flex (lua_State *L) {
  fx_flex_config config;
  fx_status st;
  luaL_checktype(L, 1, LUA_TTABLE);
  const lfx_options o = lfx_read_options(L, 1, "flex", known, false);
  read_config(&o, &config);
  const int64_t seed = lfx_int(&o, "seed", 0);
  lfx_budget(L);
  flex *m = lua_newuserdatauv(L, sizeof *m, 0);
  *m = (flex){ .seed = seed, .mode.dropout = config.dropout };
  m->mode.recompute = lfx_flag(&o, "recompute", false);
  m->mode.bf16 = lfx_choice(&o, "precision", "f32|bf16", 0) == 1;
  luaL_setmetatable(L, FLEX);
  LFX_TRY(L, st, fx_flex_new(&config, (uint64_t)seed, &m->net));
  lfx_check(L, st, "flex");
  return 1;
}

static void set_list (lua_State *L, const char *name, const int64_t *list, int n) {
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_pushinteger(L, list[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, name);
}

static void set_int (lua_State *L, const char *name, int64_t v) {
  lua_pushinteger(L, v);
  lua_setfield(L, -2, name);
}

static void set_flag (lua_State *L, const char *name, bool v) {
  lua_pushboolean(L, v);
  lua_setfield(L, -2, name);
}

static void push_sizes (lua_State *L, const fx_flex_config *c) {
  lua_createtable(L, 0, 21);
  set_list(L, "channels", c->channels, c->levels);
  set_list(L, "res_blocks", c->res_blocks, c->levels);
  set_int(L, "depth", c->depth);
  set_int(L, "heads", c->heads);
}

static int flex_config (lua_State *L) {
  const flex *m = self(L);
  const fx_flex_config *c = fx_flex_config_of(m->net);
  push_sizes(L, c);
  set_int(L, "height", c->height);
  set_int(L, "width", c->width);
  set_int(L, "in_channels", c->in_channels);
  set_int(L, "cond_channels", c->cond_channels);
  set_flag(L, "use_transf", c->use_transf);
  set_flag(L, "skip", c->skip);
  set_flag(L, "circular", c->circular);
  set_flag(L, "rotary", c->rotary);
  set_flag(L, "weak_skips", c->weak_skips);
  set_flag(L, "strong_skips", c->strong_skips);
  set_flag(L, "strong_bottleneck", c->strong_bottleneck);
  set_flag(L, "embed_condition", c->embed_condition);
  set_flag(L, "condition_encoder", c->condition_encoder);
  lua_pushnumber(L, c->dropout);
  lua_setfield(L, -2, "dropout");
  set_flag(L, "recompute", m->mode.recompute);
  lua_pushstring(L, m->mode.bf16 ? "bf16" : "f32");
  lua_setfield(L, -2, "precision");
  set_int(L, "seed", m->seed);
  return 1;
}

static int core_flex_preset (lua_State *L) {
  fx_flex_config c;
  lfx_check(L, fx_flex_preset(luaL_checkstring(L, 1), &c), "flex_preset");
  push_sizes(L, &c);
  return 1;
}

/* --- features --------------------------------------------------------------------------------- */

static void push_features (lua_State *L, const fx_features *f) {
  lua_createtable(L, 0, 3);
  lfx_push_tensor(L, f->head, false);
  lua_setfield(L, -2, "head");
  lua_createtable(L, f->count, 0);
  for (int i = 0; i < f->count; i++) {
    lfx_push_tensor(L, f->skips[i], false);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "skips");
  set_flag(L, "tokens", f->tokens);
}

static fx_tensor *feature (lua_State *L, const char *what, const char *name) {
  const lfx_handle *h = lfx_test_handle(L, -1);
  if (!h)
    luaL_error(L, "%s: '%s' of the features must be a tensor, got %s", what, name,
               lfx_describe(L, -1));
  lua_pop(L, 1); /* the table keeps it */
  return h->t;
}

/* The features at idx; NULL if nil. Its tensors are borrowed from the table. */
static fx_features *to_features (lua_State *L, int idx, const char *what, fx_features *f) {
  static const char *const fields[] = { "head", "skips", "tokens", NULL };
  if (lua_isnoneornil(L, idx))
    return NULL;
  if (!lua_istable(L, idx))
    luaL_error(L, "%s: features are a table {head=, skips={...}, tokens=}, got %s", what,
               lfx_describe(L, idx));
  memset(f, 0, sizeof *f);
  const lfx_options o = lfx_read_options(L, idx, what, fields, false);
  lua_getfield(L, idx, "head");
  f->head = feature(L, what, "head");
  f->tokens = lfx_flag(&o, "tokens", f->head->ndim == 3);
  if (lua_getfield(L, idx, "skips") != LUA_TTABLE)
    luaL_error(L, "%s: 'skips' of the features must be a list of tensors", what);
  const lua_Unsigned n = lua_rawlen(L, -1);
  if (n > FX_MAX_SKIPS)
    luaL_error(L, "%s: %d skips, at most %d are allowed", what, (int)n, FX_MAX_SKIPS);
  for (f->count = 0; f->count < (int)n; f->count++) {
    lua_rawgeti(L, -1, f->count + 1);
    f->skips[f->count] = feature(L, what, "skips");
  }
  lua_pop(L, 1);
  return f;
}

/* --- passes that return features -------------------------------------------------------------- */

typedef struct {
  fx_scope scope;
  fx_features features;
} pass;

static void end_pass (void *payload) { fx_scope_close(&((pass *)payload)->scope); }

static fx_status run_condition (flex *m, pass *p, fx_tensor *lowres, fx_tensor *re) {
  fx_mode mode = m->mode;
  fx_scope_open(&p->scope);
  const fx_status st = fx_flex_condition(&p->scope, m->net, lowres, re, &mode, &p->features);
  if (st == FX_OK)
    m->mode = mode;
  else
    fx_scope_close(&p->scope);
  return st;
}

static fx_status run_encode (flex *m, pass *p, fx_tensor *x, fx_tensor *t, fx_tensor *re,
                             const fx_features *cond) {
  fx_mode mode = m->mode;
  fx_scope_open(&p->scope);
  const fx_status st = fx_flex_encode(&p->scope, m->net, x, t, re, cond, &mode, &p->features);
  if (st == FX_OK)
    m->mode = mode;
  else
    fx_scope_close(&p->scope);
  return st;
}

static int flex_condition (lua_State *L) {
  flex *m = self(L);
  fx_status st;
  lfx_budget(L);
  fx_tensor *lowres = lfx_check_tensor(L, 2, "condition", "lowres");
  fx_tensor *re = lfx_opt_tensor(L, 3, "condition", "re");
  pass *p = lfx_push_guard(L, sizeof *p, end_pass);
  LFX_TRY(L, st, run_condition(m, p, lowres, re));
  lfx_check(L, st, "condition");
  push_features(L, &p->features);
  lfx_guard_end(p);
  return 1;
}

static int flex_encode (lua_State *L) {
  flex *m = self(L);
  fx_features given;
  fx_status st;
  lfx_budget(L);
  fx_tensor *x = lfx_check_tensor(L, 2, "encode", "x");
  fx_tensor *t = lfx_check_tensor(L, 3, "encode", "t");
  fx_tensor *re = lfx_opt_tensor(L, 4, "encode", "re");
  const fx_features *cond = to_features(L, 5, "encode", &given);
  pass *p = lfx_push_guard(L, sizeof *p, end_pass);
  LFX_TRY(L, st, run_encode(m, p, x, t, re, cond));
  lfx_check(L, st, "encode");
  push_features(L, &p->features);
  lfx_guard_end(p);
  return 1;
}

/* --- passes that return the prediction -------------------------------------------------------- */

/* encoded NULL: from x. */
static fx_status run_predict (flex *m, const fx_features *encoded, fx_tensor *x, fx_tensor *t,
                              fx_tensor *re, const fx_features *cond, fx_tensor **out) {
  fx_scope s;
  fx_mode mode = m->mode;
  fx_scope_open(&s);
  fx_tensor *y = encoded ? fx_flex_decode(&s, m->net, encoded, t, re, cond, &mode)
                         : fx_flex_predict(&s, m->net, x, t, re, cond, &mode);
  return lnn_result(&s, y, &mode, &m->mode, out);
}

static int flex_decode (lua_State *L) {
  flex *m = self(L);
  fx_features first, second;
  fx_status st;
  lfx_budget(L);
  const fx_features *encoded = to_features(L, 2, "decode", &first);
  if (!encoded)
    return luaL_error(L, "decode: argument 1 (features) is missing");
  fx_tensor *t = lfx_check_tensor(L, 3, "decode", "t");
  fx_tensor *re = lfx_opt_tensor(L, 4, "decode", "re");
  const fx_features *cond = to_features(L, 5, "decode", &second);
  lfx_handle *h = lfx_push_handle(L);
  LFX_TRY(L, st, run_predict(m, encoded, NULL, t, re, cond, &h->t));
  lfx_check(L, st, "decode");
  return 1;
}

static int flex_predict (lua_State *L) {
  flex *m = self(L);
  fx_features given;
  fx_status st;
  lfx_budget(L);
  fx_tensor *x = lfx_check_tensor(L, 2, "predict", "x");
  fx_tensor *t = lfx_check_tensor(L, 3, "predict", "t");
  fx_tensor *re = lfx_opt_tensor(L, 4, "predict", "re");
  const fx_features *cond = to_features(L, 5, "predict", &given);
  lfx_handle *h = lfx_push_handle(L);
  LFX_TRY(L, st, run_predict(m, NULL, x, t, re, cond, &h->t));
  lfx_check(L, st, "predict");
  return 1;
}

/* --- the object ------------------------------------------------------------------------------- */

static int flex_parameters (lua_State *L) {
  lnn_push_parameters(L, fx_flex_params(self(L)->net));
  return 1;
}

static int flex_init (lua_State *L) {
  flex *m = self(L);
  m->seed = lfx_to_int(L, 2, "init", "seed");
  return lnn_init(L, fx_flex_params(m->net));
}

static int flex_train (lua_State *L) { return lnn_train(L, &self(L)->mode); }

static int flex_skip_shapes (lua_State *L) {
  const flex *m = self(L);
  const int64_t n = lua_isnoneornil(L, 2) ? 1 : lfx_to_int(L, 2, "skip_shapes", "n");
  const int count = fx_flex_skip_count(m->net, fx_flex_config_of(m->net)->use_transf);
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    fx_dims dims;
    fx_flex_skip_shape(m->net, i, n, &dims);
    lfx_push_dims(L, &dims);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int flex_tostring (lua_State *L) {
  const flex *m = self(L);
  const fx_flex_config *c = fx_flex_config_of(m->net);
  lua_pushfstring(L, "flex %dx%d (%I parameters)", (int)c->height, (int)c->width,
                  (LUAI_UACINT)fx_params_count(fx_flex_params(m->net)));
  return 1;
}

static int flex_gc (lua_State *L) {
  flex *m = lua_touserdata(L, 1);
  fx_flex_free(m->net);
  m->net = NULL;
  return 0;
}

void lfx_open_flex (lua_State *L) {
  static const luaL_Reg meta[] = { { "__gc", flex_gc },
                                   { "__tostring", flex_tostring },
                                   { NULL, NULL } };
  static const luaL_Reg methods[] = { { "config", flex_config },
                                      { "parameters", flex_parameters },
                                      { "init", flex_init },
                                      { "train", flex_train },
                                      { "condition", flex_condition },
                                      { "encode", flex_encode },
                                      { "decode", flex_decode },
                                      { "predict", flex_predict },
                                      { "skip_shapes", flex_skip_shapes },
                                      { NULL, NULL } };
  static const luaL_Reg functions[] = { { "flex", core_flex },
                                        { "flex_preset", core_flex_preset },
                                        { NULL, NULL } };
  lfx_class(L, FLEX, meta, methods);
  lfx_functions(L, NULL, functions);
}
