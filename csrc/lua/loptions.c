/*
** loptions.c - values and options: how a Lua value becomes a C argument, and what is said when it
** does not.
**
** A message names the function, the argument or option, what is wanted and what came:
**
**   conv2d: no option 'strid'; the nearest is 'stride' (known: stride, pad, padding and precision)
**   conv2d: 'stride' must be an integer, got 1.5
**   resize: 'method' must be one of bilinear bicubic nearest keys, got "cubic"
*/
#include "lua/lfx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/option.h"

/* --- messages --------------------------------------------------------------------------------- */

const char *lfx_describe (lua_State *L, int idx) {
  switch (lua_type(L, idx)) {
  case LUA_TNONE: return lua_pushliteral(L, "nothing");
  case LUA_TNIL: return lua_pushliteral(L, "nil");
  case LUA_TNUMBER:
  case LUA_TBOOLEAN: return luaL_tolstring(L, idx, NULL);
  case LUA_TSTRING: {
    size_t n;
    const char *s = lua_tolstring(L, idx, &n);
    return n > 40 ? lua_pushfstring(L, "a string of %d bytes", (int)n)
                  : lua_pushfstring(L, "\"%s\"", s);
  }
  case LUA_TUSERDATA:
    if (luaL_testudata(L, idx, LFX_TENSOR))
      return lua_pushliteral(L, "a tensor");
    if (luaL_getmetafield(L, idx, "__name") == LUA_TSTRING)
      return lua_pushfstring(L, "a %s", lua_tostring(L, -1));
    return lua_pushliteral(L, "a userdata");
  default: return lua_pushfstring(L, "a %s", luaL_typename(L, idx));
  }
}

/* --- tables of options ------------------------------------------------------------------------ */

static bool is_known (const char *word, const char *const *known) {
  for (; *known; known++)
    if (strcmp(*known, word) == 0)
      return true;
  return false;
}

void lfx_check_keys (lua_State *L, int index, const char *what, const char *const *known,
                     bool list) {
  luaL_checkstack(L, 6, what);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) == LUA_TSTRING) {
      const char *word = lua_tostring(L, -2);
      if (!is_known(word, known))
        lfx_unknown(L, what, "option", word, known);
    } else if (!(list && lua_isinteger(L, -2))) {
      luaL_error(L, "%s: options are given by name, such as { %s = ... }; got the key %s", what,
                 known[0] ? known[0] : "name", lfx_describe(L, -2));
    }
  }
}

lfx_options lfx_read_options (lua_State *L, int idx, const char *what, const char *const *known,
                              bool list) {
  const lfx_options o = { L, what, lua_isnoneornil(L, idx) ? 0 : lua_absindex(L, idx) };
  if (!o.index)
    return o;
  if (!lua_istable(L, idx))
    luaL_error(L, "%s: argument %d must be a table of options, got %s", what, o.index,
               lfx_describe(L, idx));
  lfx_check_keys(L, o.index, what, known, list);
  return o;
}

bool lfx_option (const lfx_options *o, const char *name) {
  if (!o->index)
    return false;
  if (lua_getfield(o->L, o->index, name) != LUA_TNIL)
    return true;
  lua_pop(o->L, 1);
  return false;
}

/* The value at idx is not what `wanted` says. */
static int wrong (lua_State *L, int idx, const char *what, const char *name, const char *wanted) {
  return luaL_error(L, "%s: '%s' must be %s, got %s", what, name, wanted, lfx_describe(L, idx));
}

/* --- numbers and words ------------------------------------------------------------------------ */

int64_t lfx_to_int (lua_State *L, int idx, const char *what, const char *name) {
  int ok = 0;
  const lua_Integer v = lua_type(L, idx) == LUA_TNUMBER ? lua_tointegerx(L, idx, &ok) : 0;
  if (!ok)
    wrong(L, idx, what, name, "an integer");
  return v;
}

double lfx_to_number (lua_State *L, int idx, const char *what, const char *name) {
  if (lua_type(L, idx) != LUA_TNUMBER)
    wrong(L, idx, what, name, "a number");
  return lua_tonumber(L, idx);
}

int64_t lfx_int (const lfx_options *o, const char *name, int64_t value) {
  if (!lfx_option(o, name))
    return value;
  value = lfx_to_int(o->L, -1, o->what, name);
  lua_pop(o->L, 1);
  return value;
}

double lfx_number (const lfx_options *o, const char *name, double value) {
  if (!lfx_option(o, name))
    return value;
  value = lfx_to_number(o->L, -1, o->what, name);
  lua_pop(o->L, 1);
  return value;
}

bool lfx_flag (const lfx_options *o, const char *name, bool value) {
  if (!lfx_option(o, name))
    return value;
  if (!lua_isboolean(o->L, -1))
    wrong(o->L, -1, o->what, name, "true or false");
  value = lua_toboolean(o->L, -1);
  lua_pop(o->L, 1);
  return value;
}

const char *lfx_string (const lfx_options *o, const char *name, const char *value) {
  if (!lfx_option(o, name))
    return value;
  if (lua_type(o->L, -1) != LUA_TSTRING)
    wrong(o->L, -1, o->what, name, "a string");
  value = lua_tostring(o->L, -1);
  lua_pop(o->L, 1); /* the table keeps it alive */
  return value;
}

/* The word of "a|b|c" that was meant, or NULL; pushes what it lies in. */
static const char *nearest_of (lua_State *L, const char *word, const char *words) {
  int n = 1;
  for (const char *p = words; *p; p++)
    n += *p == '|';
  const char **known = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *known, 0);
  char *copy = lua_newuserdatauv(L, strlen(words) + 1, 0);
  strcpy(copy, words);
  for (int i = 0; i < n; i++) {
    known[i] = copy;
    copy += strcspn(copy, "|");
    *copy++ = '\0';
  }
  known[n] = NULL;
  return fx_nearest(word, known);
}

int lfx_word (lua_State *L, const char *what, const char *name, const char *word,
              const char *words) {
  const int place = fx_option_place(words, word);
  if (place >= 0)
    return place;
  const char *list = luaL_gsub(L, words, "|", " "), *near = nearest_of(L, word, words);
  if (!near)
    return luaL_error(L, "%s: '%s' must be one of %s, got \"%s\"", what, name, list, word);
  return luaL_error(L, "%s: '%s' must be one of %s, got \"%s\"; the nearest is '%s'", what, name,
                    list, word, near);
}

int lfx_choice (const lfx_options *o, const char *name, const char *words, int value) {
  if (!lfx_option(o, name))
    return value;
  if (lua_type(o->L, -1) != LUA_TSTRING) {
    const int given = lua_gettop(o->L);
    const char *list = luaL_gsub(o->L, words, "|", " ");
    wrong(o->L, given, o->what, name, lua_pushfstring(o->L, "one of %s", list));
  }
  value = lfx_word(o->L, o->what, name, lua_tostring(o->L, -1), words);
  lua_pop(o->L, 1);
  return value;
}

fx_dtype lfx_dtype (const lfx_options *o, const char *name, fx_dtype value) {
  return (fx_dtype)lfx_choice(o, name, "f32|f64|bf16|f16", (int)value); /* ORDER fx_dtype */
}

/* --- lists, axes, indices --------------------------------------------------------------------- */

int64_t lfx_axis (lua_State *L, const char *what, const char *name, int64_t axis) {
  if (axis == 0)
    luaL_error(L, "%s: '%s': axes count from 1, or from -1 at the end, got 0", what, name);
  return axis > 0 ? axis - 1 : axis;
}

fx_dims lfx_to_dims (lua_State *L, int idx, const char *what, const char *name, bool axes) {
  fx_dims dims = { 0 };
  const char *example =
      axes ? "a list of axes such as {2,3}" : "a list of sizes such as {2,64,64,1}";
  idx = lua_absindex(L, idx);
  if (!lua_istable(L, idx))
    wrong(L, idx, what, name, example);
  const lua_Unsigned n = lua_rawlen(L, idx);
  if (n > FX_MAX_DIMS)
    luaL_error(L, "%s: '%s' has %d entries, a tensor has at most %d axes", what, name, (int)n,
               FX_MAX_DIMS);
  luaL_checkstack(L, 6, what);
  for (dims.n = 0; dims.n < (int)n; dims.n++) {
    int ok = 0;
    lua_rawgeti(L, idx, dims.n + 1);
    dims.d[dims.n] = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &ok) : 0;
    if (!ok)
      luaL_error(L, "%s: entry %d of '%s' must be an integer, got %s", what, dims.n + 1, name,
                 lfx_describe(L, -1));
    lua_pop(L, 1);
    if (axes)
      dims.d[dims.n] = lfx_axis(L, what, name, dims.d[dims.n]);
  }
  return dims;
}

int64_t lfx_index (lua_State *L, const char *what, int64_t i, int64_t size) {
  if (i == 0 || i > size || i < -size)
    luaL_error(L, "%s: index %I is out of range 1..%I", what, (LUAI_UACINT)i, (LUAI_UACINT)size);
  return i > 0 ? i - 1 : i + size;
}

void lfx_push_dims (lua_State *L, const fx_dims *dims) {
  lua_createtable(L, dims->n, 0);
  for (int i = 0; i < dims->n; i++) {
    lua_pushinteger(L, dims->d[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

/* --- whole tables ----------------------------------------------------------------------------- */

static int by_bytes (const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **lfx_push_sorted_keys (lua_State *L, int idx, const char *what, int *count) {
  int n = 0;
  idx = lua_absindex(L, idx);
  luaL_checkstack(L, 6, what);
  for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1), n++)
    if (lua_type(L, -2) != LUA_TSTRING)
      luaL_error(L, "%s: keys must be strings, got %s", what, lfx_describe(L, -2));
  const char **keys = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *keys, 0);
  *count = 0;
  for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1))
    keys[(*count)++] = lua_tostring(L, -2);
  qsort(keys, (size_t)n, sizeof *keys, by_bytes);
  return keys;
}

double *lfx_push_numbers (lua_State *L, int idx, const char *what, const char *name,
                          int64_t *count) {
  idx = lua_absindex(L, idx);
  if (!lua_istable(L, idx))
    wrong(L, idx, what, name, "a list of numbers");
  const lua_Unsigned n = lua_rawlen(L, idx);
  double *list = lua_newuserdatauv(L, (size_t)n * sizeof *list + 1, 0);
  for (lua_Unsigned i = 0; i < n; i++) {
    lua_rawgeti(L, idx, (lua_Integer)i + 1);
    list[i] = lfx_to_number(L, -1, what, name);
    lua_pop(L, 1);
  }
  *count = (int64_t)n;
  return list;
}

/* --- keys ------------------------------------------------------------------------------------- */

/* One field of a key; `limit` is the first number that is too large. */
static uint32_t key_field (const lfx_options *o, const char *name, int64_t limit) {
  const int64_t v = lfx_int(o, name, 0);
  if (v < 0 || v >= limit)
    luaL_error(o->L, "%s: the key's '%s' must lie in 0..%I, got %I", o->what, name,
               (LUAI_UACINT)(limit - 1), (LUAI_UACINT)v);
  return (uint32_t)v;
}

/* The names of fx_streams as lfx_choice wants them: "init|order|...". */
static void stream_words (char words[128]) {
  size_t n = 0;
  for (const fx_stream_row *row = fx_streams; row->name && n < 128; row++)
    n += (size_t)snprintf(words + n, 128 - n, "%s%s", n ? "|" : "", row->name);
}

fx_rng lfx_to_key (lua_State *L, int idx, const char *what, const char *name, uint32_t stream) {
  static const char *const fields[] = { "seed", "stream", "sample", "member", "step", NULL };
  char streams[128];
  stream_words(streams);
  if (!lua_istable(L, idx))
    wrong(L, idx, what, name, "a key such as {seed=1, stream=\"noise\", sample=0, step=0}");
  const lfx_options o = { L, what, lua_absindex(L, idx) };
  lfx_check_keys(L, o.index, what, fields, false);
  const int word = lfx_choice(&o, "stream", streams, (int)stream - FX_STREAM_INIT);
  return (fx_rng){ .seed = (uint64_t)lfx_int(&o, "seed", 0),
                   .stream = (uint32_t)(word + FX_STREAM_INIT),
                   .sample = key_field(&o, "sample", INT64_C(1) << 32),
                   .member = key_field(&o, "member", INT64_C(1) << 24),
                   .step = key_field(&o, "step", INT64_C(1) << 32) };
}
