/*
** lflex.c - core.flex(config): the FLEX network as one object.
**
** Features, what an encoder hands over, are a plain table { head=, skips={...}, tokens= } so that a
** recipe can look at them, change them, or make its own. A pass that returns features runs in a
** scope kept in a guard: pushing its tensors may raise, and the guard then frees the rest.
*/
#include "lua/lnn.h"
#include "lua/lrows.h"

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

static const char *const known[] = { "size", "seed",
#define FIELD(kind, type, name, ...) #name,
#include "model/flex_fields.def"
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

/* The size, and the lists over it: all of one length, and all given where there is no size. */
static void read_levels (const lfx_options *o, fx_flex_config *c) {
  const char *size = lfx_string(o, "size", NULL);
  int levels = 0;
  lfx_check(o->L, fx_flex_preset(size ? size : "small", c), "flex");
  for (const fx_option *row = fx_flex_fields; row->name; row++) {
    if (row->kind != FX_OPTION_SIZES)
      continue;
    const int given = levels_option(o, row->name, fx_option_at(row, c));
    const int length = given ? given : c->levels;
    if (!size && !given)
      luaL_error(o->L, "flex: give either 'size' or both 'channels' and 'res_blocks'");
    if (levels && length != levels)
      luaL_error(o->L, "flex: 'channels' and 'res_blocks' must have one entry a level each");
    levels = length;
  }
  c->levels = levels;
}

static int core_flex (lua_State *L) {
  fx_flex_config config;
  fx_status st;
  luaL_checktype(L, 1, LUA_TTABLE);
  const lfx_options o = lfx_read_options(L, 1, "flex", known, false);
  read_levels(&o, &config);
  lfx_read_rows(&o, fx_flex_fields, &config);
  const int64_t seed = lfx_int(&o, "seed", 0);
  lfx_budget(L);
  flex *m = lua_newuserdatauv(L, sizeof *m, 0);
  *m = (flex){ .seed = seed };
  luaL_setmetatable(L, FLEX);
  LFX_TRY(L, st, fx_flex_new(&config, (uint64_t)seed, &m->net));
  lfx_check(L, st, "flex");
  m->mode = fx_flex_mode(m->net);
  return 1;
}

static void set_flag (lua_State *L, const char *name, bool v) {
  lua_pushboolean(L, v);
  lua_setfield(L, -2, name);
}

/* Sets the lists in the table on top. */
static void set_levels (lua_State *L, const fx_flex_config *c) {
  for (const fx_option *row = fx_flex_fields; row->name; row++) {
    if (row->kind != FX_OPTION_SIZES)
      continue;
    lua_createtable(L, c->levels, 0);
    for (int i = 0; i < c->levels; i++) {
      lua_pushinteger(L, ((const int64_t *)fx_option_at(row, c))[i]);
      lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, row->name);
  }
}

static int flex_config (lua_State *L) {
  const flex *m = self(L);
  const fx_flex_config *c = fx_flex_config_of(m->net);
  lua_createtable(L, 0, (int)(sizeof known / sizeof *known));
  set_levels(L, c);
  lfx_set_rows(L, fx_flex_fields, c);
  lua_pushinteger(L, m->seed);
  lua_setfield(L, -2, "seed");
  return 1;
}

/* What a size says: the lists, depth and heads. */
static int core_flex_preset (lua_State *L) {
  fx_flex_config c;
  lfx_check(L, fx_flex_preset(luaL_checkstring(L, 1), &c), "flex_preset");
  lua_createtable(L, 0, 4);
  set_levels(L, &c);
  lua_pushinteger(L, c.depth);
  lua_setfield(L, -2, "depth");
  lua_pushinteger(L, c.heads);
  lua_setfield(L, -2, "heads");
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
  lfx_push_rows(L, fx_flex_fields);
  lua_setfield(L, -2, "flex_fields");
  lua_pushinteger(L, fx_flex_version());
  lua_setfield(L, -2, "flex_version");
  lua_newtable(L);
  for (int i = 0; fx_flex_sizes[i]; i++) {
    lua_pushstring(L, fx_flex_sizes[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "flex_sizes");
}
