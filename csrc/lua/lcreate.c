/*
** lcreate.c - new tensors: from Lua numbers, filled, or random.
**
**   core.tensor({{1,2},{3,4}}, {dtype="f64"})   core.zeros{2,64,64,1}   core.full({3}, 0.5)
**   core.normal(shape, key)   core.uniform(shape, key, {low=-1, high=1})   core.arange(n): 0 .. n-1
*/
#include "lua/lfx.h"

static const char *const dtype_only[] = { "dtype", NULL };

/* Pushes the handle of a new tensor of undefined contents. */
static fx_tensor *push_new (lua_State *L, const char *what, fx_dtype dtype, const fx_dims *dims) {
  lfx_budget(L);
  lfx_handle *h = lfx_push_handle(L);
  fx_status st;
  LFX_TRY(L, st, fx_tensor_new(dtype, dims->n, dims->d, &h->t));
  lfx_check(L, st, what);
  return h->t;
}

static fx_tensor *push_shaped (lua_State *L, const char *what, int options) {
  const fx_dims dims = lfx_to_dims(L, 1, what, "shape", false);
  const lfx_options o = lfx_read_options(L, options, what, dtype_only, false);
  return push_new(L, what, lfx_dtype(&o, "dtype", FX_F32), &dims);
}

static int core_zeros (lua_State *L) {
  fx_tensor_fill(push_shaped(L, "zeros", 2), 0);
  return 1;
}

static int core_full (lua_State *L) {
  const double v = lfx_to_number(L, 2, "full", "value");
  fx_tensor_fill(push_shaped(L, "full", 3), v);
  return 1;
}

static int core_normal (lua_State *L) {
  const fx_rng key = lfx_to_key(L, 2, "normal", "key", FX_STREAM_USER);
  fx_tensor_normal(push_shaped(L, "normal", 3), key);
  return 1;
}

static int core_uniform (lua_State *L) {
  static const char *const known[] = { "low", "high", "dtype", NULL };
  const fx_dims dims = lfx_to_dims(L, 1, "uniform", "shape", false);
  const fx_rng key = lfx_to_key(L, 2, "uniform", "key", FX_STREAM_USER);
  const lfx_options o = lfx_read_options(L, 3, "uniform", known, false);
  const double low = lfx_number(&o, "low", 0), high = lfx_number(&o, "high", 1);
  const fx_dtype dtype = lfx_dtype(&o, "dtype", FX_F32);
  fx_tensor_uniform(push_new(L, "uniform", dtype, &dims), key, low, high);
  return 1;
}

static int core_arange (lua_State *L) {
  const fx_dims dims = { 1, { lfx_to_int(L, 1, "arange", "n") } };
  const lfx_options o = lfx_read_options(L, 2, "arange", dtype_only, false);
  fx_tensor *t = push_new(L, "arange", lfx_dtype(&o, "dtype", FX_F32), &dims);
  for (int64_t i = 0; i < dims.d[0]; i++)
    fx_tensor_set(t, i, (double)i);
  return 1;
}

/* --- from lists ------------------------------------------------------------------------------- */

/* The shape that the first entries of nested lists say. */
static fx_dims list_shape (lua_State *L, int idx) {
  fx_dims dims = { 0 };
  const int top = lua_gettop(L);
  luaL_checkstack(L, FX_MAX_DIMS + 4, "tensor");
  lua_pushvalue(L, idx);
  while (lua_istable(L, -1)) {
    if (dims.n == FX_MAX_DIMS)
      luaL_error(L, "tensor: lists are nested deeper than %d axes", FX_MAX_DIMS);
    dims.d[dims.n++] = (int64_t)lua_rawlen(L, -1);
    lua_rawgeti(L, -1, 1);
  }
  lua_settop(L, top);
  return dims;
}

/* Writes the value on top, axis `axis` of t, from element *at on. */
static void fill_from (lua_State *L, fx_tensor *t, int axis, int64_t *at) {
  if (axis == t->ndim) {
    if (lua_type(L, -1) != LUA_TNUMBER)
      luaL_error(L, "tensor: element %I must be a number, got %s", (LUAI_UACINT)(*at + 1),
                 lfx_describe(L, -1));
    fx_tensor_set(t, (*at)++, lua_tonumber(L, -1));
    return;
  }
  if (!lua_istable(L, -1) || (int64_t)lua_rawlen(L, -1) != t->shape[axis])
    luaL_error(L, "tensor: a list along axis %d must have %I entries like the first one, got %s",
               axis + 1, (LUAI_UACINT)t->shape[axis],
               lua_istable(L, -1) ? lua_pushfstring(L, "%d", (int)lua_rawlen(L, -1))
                                  : lfx_describe(L, -1));
  for (int64_t i = 1; i <= t->shape[axis]; i++) {
    lua_rawgeti(L, -1, i);
    fill_from(L, t, axis + 1, at);
    lua_pop(L, 1);
  }
}

static int core_tensor (lua_State *L) {
  const lfx_handle *given = lfx_test_handle(L, 1);
  const lfx_options o = lfx_read_options(L, 2, "tensor", dtype_only, false);
  const fx_dtype dtype = lfx_dtype(&o, "dtype", given ? given->t->dtype : FX_F32);
  if (!given && lua_type(L, 1) != LUA_TNUMBER && !lua_istable(L, 1))
    return luaL_error(L, "tensor: argument 1 must be a number or nested lists of numbers, got %s",
                      lfx_describe(L, 1));
  if (given) {
    const fx_dims dims = fx_dims_of(given->t);
    lfx_check(L, fx_tensor_copy(push_new(L, "tensor", dtype, &dims), given->t), "tensor");
    return 1;
  }
  const fx_dims dims = list_shape(L, 1);
  fx_tensor *t = push_new(L, "tensor", dtype, &dims);
  int64_t at = 0;
  luaL_checkstack(L, 2 * FX_MAX_DIMS, "tensor");
  lua_pushvalue(L, 1);
  fill_from(L, t, 0, &at);
  lua_pop(L, 1);
  return 1;
}

/* core.streams = { { name=, doc= }, ... } */
static void push_streams (lua_State *L) {
  lua_newtable(L);
  for (int i = 0; fx_streams[i].name; i++) {
    lua_createtable(L, 0, 2);
    lua_pushstring(L, fx_streams[i].name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, fx_streams[i].doc);
    lua_setfield(L, -2, "doc");
    lua_rawseti(L, -2, i + 1);
  }
}

void lfx_open_create (lua_State *L) {
  static const luaL_Reg functions[] = { { "tensor", core_tensor },
                                        { "zeros", core_zeros },
                                        { "full", core_full },
                                        { "normal", core_normal },
                                        { "uniform", core_uniform },
                                        { "arange", core_arange },
                                        { NULL, NULL } };
  lfx_functions(L, NULL, functions);
  push_streams(L);
  lua_setfield(L, -2, "streams");
}
