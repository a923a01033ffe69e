/*
** ltensor.c - the class of tensors: properties, reading, indexing, and what works in place.
**
** Methods are the ops (lop.c) and those below. Elementwise work is pure; a name that ends in '_'
** writes in place and is refused where a gradient flows, since backward reads what forward saw:
** results of recorded ops always, parameters unless recording is off (core.no_grad).
**
**   t[2]                 entry 2 of the leading axis, without that axis (a view)
**   t[{1, {3,-1}, {}}]   per axis: a number selects, {a,b} is a range, {a} from a on, {} all
**
** t[i] beyond the end raises, so ipairs cannot be used; pairs(t) walks the leading axis.
*/
#include "lua/lfx.h"

#include <string.h>

#include "kernels/kernels.h"

/* --- indexing --------------------------------------------------------------------------------- */

/* Whether a result computed from t must be recorded. */
static bool recorded (const fx_tensor *t) { return fx_recording() && fx_requires_grad(t); }

/* Pushes t without its axes of size 1 that `dropped` marks. */
static int push_dropped (lua_State *L, fx_tensor *t, const bool dropped[FX_MAX_DIMS]) {
  fx_dims dims = { 0 };
  for (int i = 0; i < t->ndim; i++)
    if (!dropped[i])
      dims.d[dims.n++] = t->shape[i];
  LFX_OP(L, reshape, .x = t, .shape = dims);
  return 1;
}

static int select_leading (lua_State *L, fx_tensor *t, int64_t i) {
  if (t->ndim == 0)
    return luaL_error(L, "t[i]: a tensor without axes cannot be indexed; use t:item()");
  i = lfx_index(L, "t[i]", i, t->shape[0]);
  if (recorded(t)) {
    const bool dropped[FX_MAX_DIMS] = { true };
    return push_dropped(L, LFX_OP(L, narrow, .x = t, .start = i, .length = 1)->t, dropped);
  }
  const int64_t row = fx_tensor_count(t) / t->shape[0];
  lfx_handle *h = lfx_push_handle(L);
  lfx_check(L, fx_tensor_view(t, i * row, t->ndim - 1, t->shape + 1, &h->t), "t[i]");
  return 1;
}

/* One entry {a, b} of an index list (on top) as offsets first .. last. */
static void entry_range (lua_State *L, int64_t size, int64_t *first, int64_t *last) {
  const lua_Unsigned n = lua_rawlen(L, -1);
  if (n > 2)
    luaL_error(L, "t[{...}]: a range is {}, {first} or {first, last}");
  *first = 0;
  *last = size - 1;
  for (lua_Unsigned k = 1; k <= n; k++) {
    lua_rawgeti(L, -1, (lua_Integer)k);
    const int64_t end = lfx_to_int(L, -1, "t[{...}]", "range");
    *(k == 1 ? first : last) = lfx_index(L, "t[{...}]", end, size);
    lua_pop(L, 1);
  }
  if (*last < *first - 1)
    luaL_error(L, "t[{...}]: the range {%I, %I} runs backwards", (LUAI_UACINT)(*first + 1),
               (LUAI_UACINT)(*last + 1));
}

static int select_list (lua_State *L, fx_tensor *t) {
  const lua_Unsigned n = lua_rawlen(L, 2);
  bool dropped[FX_MAX_DIMS] = { false };
  luaL_checkstack(L, 2 * FX_MAX_DIMS + 8, "t[{...}]");
  if (n > (lua_Unsigned)t->ndim)
    return luaL_error(L, "t[{...}]: %d entries for a tensor of %d axes", (int)n, t->ndim);
  for (int axis = 0; axis < (int)n; axis++) {
    int64_t first, last;
    lua_rawgeti(L, 2, axis + 1);
    dropped[axis] = !lua_istable(L, -1);
    if (dropped[axis])
      first = last =
          lfx_index(L, "t[{...}]", lfx_to_int(L, -1, "t[{...}]", "index"), t->shape[axis]);
    else
      entry_range(L, t->shape[axis], &first, &last);
    lua_pop(L, 1);
    if (first != 0 || last != t->shape[axis] - 1)
      t = LFX_OP(L, narrow, .x = t, .axis = axis, .start = first, .length = last - first + 1)->t;
  }
  return push_dropped(L, t, dropped);
}

/* --- properties ------------------------------------------------------------------------------- */

static const char *const properties[] = { "shape", "ndim", "dtype", "grad", "requires_grad", NULL };

static int property (lua_State *L, fx_tensor *t, const char *key) {
  if (strcmp(key, "shape") == 0) {
    const fx_dims dims = fx_dims_of(t);
    lfx_push_dims(L, &dims);
  } else if (strcmp(key, "ndim") == 0) {
    lua_pushinteger(L, t->ndim);
  } else if (strcmp(key, "dtype") == 0) {
    lua_pushstring(L, fx_dtype_name(t->dtype));
  } else if (strcmp(key, "requires_grad") == 0) {
    lua_pushboolean(L, fx_requires_grad(t));
  } else if (strcmp(key, "grad") == 0) {
    if (fx_grad(t))
      lfx_push_tensor(L, fx_grad(t), false);
    else
      lua_pushnil(L);
  } else {
    return lfx_no_field(L, LFX_TENSOR, lua_upvalueindex(1), properties);
  }
  return 1;
}

/* upvalue 1: the methods */
static int tensor_index (lua_State *L) {
  switch (lua_type(L, 2)) {
  case LUA_TSTRING:
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
      return 1;
    return property(L, lfx_self(L)->t, lua_tostring(L, 2));
  case LUA_TTABLE: return select_list(L, lfx_self(L)->t);
  case LUA_TNUMBER: return select_leading(L, lfx_self(L)->t, lfx_to_int(L, 2, "t[i]", "i"));
  default: return lfx_no_field(L, LFX_TENSOR, lua_upvalueindex(1), properties);
  }
}

static int tensor_newindex (lua_State *L) {
  return luaL_error(L,
                    "a tensor is written with t:set(i, j, ..., v), t:fill_(v), t:copy_(u) or "
                    "t:track(true), not by assignment (to %s)",
                    lfx_describe(L, 2));
}

static int tensor_len (lua_State *L) {
  const fx_tensor *t = lfx_self(L)->t;
  if (t->ndim == 0)
    return luaL_error(L, "#t: a tensor without axes has no length");
  lua_pushinteger(L, t->shape[0]);
  return 1;
}

static int tensor_eq (lua_State *L) {
  const lfx_handle *a = luaL_testudata(L, 1, LFX_TENSOR), *b = luaL_testudata(L, 2, LFX_TENSOR);
  lua_pushboolean(L, a && b && a->t && a->t == b->t);
  return 1;
}

static int tensor_tostring (lua_State *L) {
  const lfx_handle *h = luaL_checkudata(L, 1, LFX_TENSOR);
  char text[4096];
  if (!h->t) {
    lua_pushliteral(L, "Tensor (ended)");
    return 1;
  }
  const int n = fx_tensor_print(h->t, text, sizeof text);
  lua_pushlstring(L, text, n < (int)sizeof text ? (size_t)n : sizeof text - 1);
  return 1;
}

static int next_entry (lua_State *L) {
  const fx_tensor *t = lfx_self(L)->t;
  const int64_t i = luaL_optinteger(L, 2, 0) + 1;
  if (t->ndim == 0 || i > t->shape[0])
    return 0;
  lua_pushinteger(L, i);
  lua_pushinteger(L, i);
  lua_gettable(L, 1);
  return 2;
}

static int tensor_pairs (lua_State *L) {
  lfx_self(L);
  lua_pushcfunction(L, next_entry);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int tensor_count (lua_State *L) {
  lua_pushinteger(L, fx_tensor_count(lfx_self(L)->t));
  return 1;
}

static int tensor_item (lua_State *L) {
  char shape[FX_SHAPE_TEXT];
  const fx_tensor *t = lfx_self(L)->t;
  if (fx_tensor_count(t) != 1)
    return luaL_error(L, "item: the tensor must have one element, it is %s",
                      fx_shape_text(t, shape));
  lua_pushnumber(L, fx_tensor_get(t, 0));
  return 1;
}

/* The element that arguments 2 .. ndim+1 name. */
static int64_t element (lua_State *L, const fx_tensor *t, const char *what) {
  char shape[FX_SHAPE_TEXT];
  int64_t at = 0;
  for (int axis = 0; axis < t->ndim; axis++) {
    if (lua_isnoneornil(L, axis + 2))
      luaL_error(L, "%s: %s needs %d indices", what, fx_shape_text(t, shape), t->ndim);
    at = at * t->shape[axis] +
         lfx_index(L, what, lfx_to_int(L, axis + 2, what, "index"), t->shape[axis]);
  }
  return at;
}

static int tensor_get (lua_State *L) {
  const fx_tensor *t = lfx_self(L)->t;
  const int64_t at = element(L, t, "get");
  if (lua_gettop(L) > t->ndim + 1)
    return luaL_error(L, "get: %d indices for a tensor of %d axes", lua_gettop(L) - 1, t->ndim);
  lua_pushnumber(L, fx_tensor_get(t, at));
  return 1;
}

static int tensor_totable (lua_State *L) {
  const fx_tensor *t = lfx_self(L)->t;
  const int64_t n = fx_tensor_count(t);
  lua_createtable(L, n < (1 << 26) ? (int)n : 1 << 26, 0);
  for (int64_t i = 0; i < n; i++) {
    lua_pushnumber(L, fx_tensor_get(t, i));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int tensor_summary (lua_State *L) {
  fx_summary s;
  fx_tensor_summary(lfx_self(L)->t, &s);
  lua_createtable(L, 0, 4);
  lua_pushnumber(L, s.min);
  lua_setfield(L, -2, "min");
  lua_pushnumber(L, s.max);
  lua_setfield(L, -2, "max");
  lua_pushnumber(L, s.mean);
  lua_setfield(L, -2, "mean");
  lua_pushinteger(L, s.nonfinite);
  lua_setfield(L, -2, "nonfinite");
  return 1;
}

/* --- copies and gradients --------------------------------------------------------------------- */

static int tensor_clone (lua_State *L) {
  fx_tensor *t = lfx_self(L)->t;
  fx_status st;
  lfx_budget(L);
  if (recorded(t)) {
    LFX_OP(L, affine, .x = t, .scale = 1);
    return 1;
  }
  lfx_handle *h = lfx_push_handle(L);
  LFX_TRY(L, st, fx_tensor_clone(t, &h->t));
  lfx_check(L, st, "clone");
  return 1;
}

static int tensor_to (lua_State *L) {
  fx_tensor *t = lfx_self(L)->t;
  const char *word = luaL_checkstring(L, 2);
  const fx_dtype dtype = (fx_dtype)lfx_word(L, "to", "dtype", word, "f32|f64|bf16|f16");
  fx_status st;
  if (recorded(t))
    return luaL_error(L, "to: a gradient flows through this tensor; use t:detach():to(\"%s\")",
                      word);
  lfx_budget(L);
  lfx_handle *h = lfx_push_handle(L);
  LFX_TRY(L, st, fx_tensor_cast(t, dtype, &h->t));
  lfx_check(L, st, "to");
  return 1;
}

static int tensor_detach (lua_State *L) {
  const fx_tensor *t = lfx_self(L)->t;
  lfx_handle *h = lfx_push_handle(L);
  lfx_check(L, fx_detach(t, &h->t), "detach");
  return 1;
}

static int tensor_track (lua_State *L) {
  fx_tensor *t = lfx_self(L)->t;
  if (!lua_isboolean(L, 2))
    return luaL_error(L, "track: argument 1 must be true or false, got %s", lfx_describe(L, 2));
  lfx_check(L, fx_set_requires_grad(t, lua_toboolean(L, 2)), "track");
  lua_settop(L, 1);
  return 1;
}

static int tensor_backward (lua_State *L) {
  fx_tensor *t = lfx_self(L)->t;
  lfx_budget(L);
  lfx_check(L, fx_backward(t, lfx_opt_tensor(L, 2, "backward", "seed")), NULL);
  return 0;
}

static int tensor_clear_grad (lua_State *L) {
  fx_clear_grad(lfx_self(L)->t);
  lua_settop(L, 1);
  return 1;
}

/* --- in place; all return the tensor ---------------------------------------------------------- */

static fx_tensor *writable (lua_State *L, const char *what) {
  fx_tensor *t = lfx_self(L)->t;
  if (!fx_requires_grad(t))
    return t;
  if (!fx_is_leaf(t))
    luaL_error(L,
               "%s: a gradient flows through this tensor, its values may be needed; use "
               "t:detach() or t:clone()",
               what);
  if (fx_recording())
    luaL_error(L,
               "%s: this tensor is a parameter; write to it inside core.no_grad(function() ... "
               "end)",
               what);
  return t;
}

static int tensor_set (lua_State *L) {
  fx_tensor *t = writable(L, "set");
  const int64_t at = element(L, t, "set");
  if (lua_gettop(L) != t->ndim + 2)
    return luaL_error(L, "set: %d indices and a value expected", t->ndim);
  fx_tensor_set(t, at, lfx_to_number(L, t->ndim + 2, "set", "value"));
  lua_settop(L, 1);
  return 1;
}

static int tensor_fill (lua_State *L) {
  fx_tensor *t = writable(L, "fill_");
  fx_tensor_fill(t, lfx_to_number(L, 2, "fill_", "value"));
  lua_settop(L, 1);
  return 1;
}

/* Argument 2 must look like t. */
static fx_tensor *like (lua_State *L, const fx_tensor *t, const char *what, bool dtype) {
  char a[FX_SHAPE_TEXT], b[FX_SHAPE_TEXT];
  fx_tensor *u = lfx_check_tensor(L, 2, what, "u");
  if (!fx_same_shape(t, u))
    luaL_error(L, "%s: %s cannot be written into %s", what, fx_shape_text(u, a),
               fx_shape_text(t, b));
  if (dtype && (t->dtype != u->dtype || t->dtype > FX_F64))
    luaL_error(L, "%s: both tensors must be f32 or both f64, got %s and %s", what,
               fx_dtype_name(t->dtype), fx_dtype_name(u->dtype));
  return u;
}

static int tensor_copy (lua_State *L) {
  fx_tensor *t = writable(L, "copy_");
  lfx_check(L, fx_tensor_copy(t, like(L, t, "copy_", false)), "copy_");
  lua_settop(L, 1);
  return 1;
}

static int tensor_add (lua_State *L) {
  fx_tensor *t = writable(L, "add_");
  const fx_tensor *u = like(L, t, "add_", true);
  const double scale = lua_isnoneornil(L, 3) ? 1 : lfx_to_number(L, 3, "add_", "scale");
  lfx_check(L, FX_RUN(t, add_scaled, .x = u, .scale = scale, .y = t), "add_");
  lua_settop(L, 1);
  return 1;
}

static int tensor_mul (lua_State *L) {
  fx_tensor *t = writable(L, "mul_");
  const double v = lfx_to_number(L, 2, "mul_", "factor");
  if (t->dtype > FX_F64)
    return luaL_error(L, "mul_: the tensor must be f32 or f64, it is %s", fx_dtype_name(t->dtype));
  lfx_check(L, FX_RUN(t, unary_forward, .f = FX_UNARY_AFFINE, .a = v, .x = t, .y = t), "mul_");
  lua_settop(L, 1);
  return 1;
}

/* --- opening ---------------------------------------------------------------------------------- */

static const luaL_Reg methods[] = {
  { "count", tensor_count },       { "item", tensor_item },
  { "get", tensor_get },           { "set", tensor_set },
  { "totable", tensor_totable },   { "summary", tensor_summary },
  { "clone", tensor_clone },       { "to", tensor_to },
  { "detach", tensor_detach },     { "track", tensor_track },
  { "backward", tensor_backward }, { "clear_grad", tensor_clear_grad },
  { "fill_", tensor_fill },        { "copy_", tensor_copy },
  { "add_", tensor_add },          { "mul_", tensor_mul },
  { "free", lfx_handle_free },     { NULL, NULL }
};

static const luaL_Reg meta[] = { { "__gc", lfx_handle_gc },
                                 { "__close", lfx_handle_free },
                                 { "__newindex", tensor_newindex },
                                 { "__len", tensor_len },
                                 { "__eq", tensor_eq },
                                 { "__tostring", tensor_tostring },
                                 { "__pairs", tensor_pairs },
                                 { NULL, NULL } };

void lfx_open_tensor (lua_State *L) {
  lfx_class(L, LFX_TENSOR, meta, NULL);
  luaL_getmetatable(L, LFX_TENSOR);
  luaL_setfuncs(L, lfx_operators, 0);
  lua_newtable(L);
  luaL_setfuncs(L, lfx_op_functions, 0);
  luaL_setfuncs(L, methods, 0);
  lua_pushcclosure(L, tensor_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
