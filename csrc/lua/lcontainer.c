/*
** lcontainer.c - core.io.container: files of arrays (io/container.h).
**
** Indices count from 1 here and from 0 in C. What the file does wrong is nil and a message; a box outside
** a variable is a mistake and raises.
*/
#include "lua/lfx.h"

#include <string.h>

#include "io/reading.h"

#define CONTAINER "flexlab.Container"

typedef struct {
  fx_container *file;
} holder;

static fx_container *self (lua_State *L) {
  const holder *h = luaL_checkudata(L, 1, CONTAINER);
  if (!h->file)
    luaL_error(L, "container: the file is closed already");
  return h->file;
}

static int io_container (lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  holder *h = lua_newuserdatauv(L, sizeof *h, 0);
  h->file = NULL;
  luaL_setmetatable(L, CONTAINER);
  const fx_status st = fx_container_open(path, &h->file);
  return st == FX_OK ? 1 : lfx_refused(L, st);
}

static int container_close (lua_State *L) {
  holder *h = luaL_checkudata(L, 1, CONTAINER);
  if (h->file)
    fx_reading_forget(h->file);
  fx_container_close(h->file);
  h->file = NULL;
  return 0;
}

static void push_sizes (lua_State *L, int n, const int64_t *sizes) {
  lua_createtable(L, n, 0);
  for (int a = 0; a < n; a++) {
    lua_pushinteger(L, sizes[a]);
    lua_rawseti(L, -2, a + 1);
  }
}

/* "time lat lon" -> { "time", "lat", "lon" } */
static void push_words (lua_State *L, const char *text) {
  lua_newtable(L);
  for (int i = 1; *text; i++) {
    const size_t n = strcspn(text, " ");
    lua_pushlstring(L, text, n);
    lua_rawseti(L, -2, i);
    text += n + (text[n] == ' ');
  }
}

/* packed, missing = { numbers }, valid = { least, most }, unused = "names"; absent where there is nothing to say. */
static void push_packing (lua_State *L, const fx_packing *p) {
  lua_pushboolean(L, p->scaled || p->wrap > 0.0);
  lua_setfield(L, -2, "packed");
  lua_createtable(L, (int)p->n, 0);
  for (int64_t i = 0; i < p->n; i++) {
    lua_pushnumber(L, p->missing[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "missing");
  if (p->bounded) {
    lua_createtable(L, 2, 0);
    lua_pushnumber(L, p->least);
    lua_rawseti(L, -2, 1);
    lua_pushnumber(L, p->most);
    lua_rawseti(L, -2, 2);
    lua_setfield(L, -2, "valid");
  }
  if (p->unused[0]) {
    lua_pushstring(L, p->unused);
    lua_setfield(L, -2, "unused");
  }
}

static void push_variable (lua_State *L, const fx_variable *v) {
  lua_createtable(L, 0, 8);
  lua_pushstring(L, v->path);
  lua_setfield(L, -2, "path");
  lua_pushstring(L, v->dtype);
  lua_setfield(L, -2, "dtype");
  lua_pushboolean(L, v->number);
  lua_setfield(L, -2, "number");
  push_sizes(L, v->rank, v->shape);
  lua_setfield(L, -2, "shape");
  if (v->chunk[0]) {
    push_sizes(L, v->rank, v->chunk);
    lua_setfield(L, -2, "chunk");
  }
  push_words(L, v->axes ? v->axes : "");
  lua_setfield(L, -2, "axes");
  lua_pushstring(L, v->filters);
  lua_setfield(L, -2, "filters");
  push_packing(L, &v->packing);
  if (v->target) {
    lua_pushstring(L, v->target);
    lua_setfield(L, -2, "target");
  }
}

static int container_variables (lua_State *L) {
  const fx_container *c = self(L);
  const int64_t n = fx_container_count(c);
  lua_createtable(L, (int)n, 0);
  for (int64_t i = 0; i < n; i++) {
    push_variable(L, fx_container_at(c, i));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int push_texts (lua_State *L, const fx_container *c, int64_t n,
                       const char *(*text)(const fx_container *c, int64_t i)) {
  lua_newtable(L);
  for (int64_t i = 0; i < n; i++) {
    lua_pushstring(L, text(c, i));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int container_groups (lua_State *L) {
  const fx_container *c = self(L);
  return push_texts(L, c, fx_container_groups(c), fx_container_group);
}

static int container_notes (lua_State *L) {
  const fx_container *c = self(L);
  return push_texts(L, c, fx_container_notes(c), fx_container_note);
}

static void end_attributes (void *payload) { fx_attributes_free(*(fx_attributes **)payload); }

/* A single number or text is itself, several are a list. */
static void push_attribute (lua_State *L, const fx_attribute *a) {
  const char *text = a->text;
  if (a->n != 1)
    lua_createtable(L, (int)a->n, 0);
  for (int64_t i = 0; i < a->n; i++) {
    if (a->numbers)
      lua_pushnumber(L, a->numbers[i]);
    else
      lua_pushstring(L, text);
    if (text)
      text += strlen(text) + 1;
    if (a->n != 1)
      lua_rawseti(L, -2, i + 1);
  }
}

static int container_attributes (lua_State *L) {
  fx_container *c = self(L);
  const char *path = luaL_optstring(L, 2, "");
  fx_attributes **list = lfx_push_guard(L, sizeof *list, end_attributes);
  const fx_status st = fx_container_attributes(c, path, list);
  if (st != FX_OK)
    return lfx_refused(L, st);
  lua_newtable(L);
  for (int64_t i = 0; i < (*list)->count; i++) {
    const fx_attribute *a = &(*list)->items[i];
    if (a->n == 0)
      continue;
    push_attribute(L, a);
    lua_setfield(L, -2, a->key);
  }
  lfx_guard_end(list);
  return 1;
}

static int64_t variable_at (lua_State *L, const fx_container *c, int idx) {
  const char *path = luaL_checkstring(L, idx);
  const int64_t i = fx_container_find(c, path);
  if (i < 0)
    luaL_error(L, "container: '%s' has no variable '%s'", fx_container_path(c), path);
  return i;
}

/* The list `name` of whole numbers in the options, one an axis; absent: `value` stays. */
static void sizes_of (const lfx_options *o, const char *name, int rank, int64_t less,
                      int64_t *value) {
  lua_State *L = o->L;
  if (!lfx_option(o, name))
    return;
  luaL_checktype(L, -1, LUA_TTABLE);
  if ((int)lua_rawlen(L, -1) != rank)
    luaL_error(L, "read: '%s' must have %d entries, one an axis", name, rank);
  for (int a = 0; a < rank; a++) {
    lua_rawgeti(L, -1, a + 1);
    value[a] = lfx_to_int(L, -1, "read", name) - less;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

typedef struct {
  int64_t variable, start[FX_CONTAINER_AXES], count[FX_CONTAINER_AXES];
  fx_dtype dtype;
} box;

/* The box of read(path, options) and ask(path, options). */
static box to_box (lua_State *L, const fx_container *c, const char *what) {
  static const char *const known[] = { "start", "count", "dtype", NULL };
  box b = { .variable = variable_at(L, c, 2) };
  const fx_variable *v = fx_container_at(c, b.variable);
  const lfx_options o = lfx_read_options(L, 3, what, known, false);
  memcpy(b.count, v->shape, sizeof b.count);
  sizes_of(&o, "start", v->rank, 1, b.start);
  sizes_of(&o, "count", v->rank, 0, b.count);
  b.dtype = lfx_dtype(&o, "dtype", FX_F32);
  if (b.dtype != FX_F32 && b.dtype != FX_F64)
    luaL_error(L, "%s: 'dtype' is f32 or f64", what);
  return b;
}

static int container_read (lua_State *L) {
  fx_container *c = self(L);
  const box b = to_box(L, c, "read");
  fx_status st;
  lfx_budget(L);
  lfx_handle *t = lfx_push_handle(L);
  LFX_TRY(L, st, fx_reading_take(c, b.variable, b.start, b.count, b.dtype, &t->t));
  if (st == FX_EARG)
    lfx_check(L, st, NULL);
  return st == FX_OK ? 1 : lfx_refused(L, st);
}

static int container_ask (lua_State *L) {
  fx_container *c = self(L);
  const box b = to_box(L, c, "ask");
  fx_reading_ask(c, b.variable, b.start, b.count, b.dtype);
  return 0;
}

static int container_forget (lua_State *L) {
  fx_reading_forget(self(L));
  return 0;
}

/* expect(path, { count, ... }): returns the bytes of decoded chunks that are kept, and the places. */
static int container_expect (lua_State *L) {
  fx_container *c = self(L);
  const int64_t i = variable_at(L, c, 2);
  const fx_variable *v = fx_container_at(c, i);
  int64_t count[FX_CONTAINER_AXES], slots;
  luaL_checktype(L, 3, LUA_TTABLE);
  if ((int)lua_rawlen(L, 3) != v->rank)
    return luaL_error(L, "expect: argument 2 must have %d entries, one an axis", v->rank);
  for (int a = 0; a < v->rank; a++) {
    lua_rawgeti(L, 3, a + 1);
    count[a] = lfx_to_int(L, -1, "expect", "count");
    lua_pop(L, 1);
  }
  lfx_check(L, fx_container_expect(c, i, count), "expect");
  lua_pushinteger(L, fx_container_cache(v, &slots));
  lua_pushinteger(L, slots);
  return 2;
}

/* core.io.reading(): how many boxes wait to be read, and how many are read and wait to be taken. */
static int io_reading (lua_State *L) {
  lfx_takes_nothing(L, "reading");
  int64_t waiting, ready;
  fx_reading_count(&waiting, &ready);
  lua_pushinteger(L, waiting);
  lua_pushinteger(L, ready);
  return 2;
}

/* Whether a variable can be read at all: true, or nil and why not. */
static int container_check (lua_State *L) {
  fx_container *c = self(L);
  const int64_t i = variable_at(L, c, 2);
  return lfx_done(L, fx_container_check(c, i));
}

static int container_statistics (lua_State *L) {
  fx_container *c = self(L);
  const int64_t i = variable_at(L, c, 2);
  fx_statistics s;
  fx_status st;
  LFX_TRY(L, st, fx_container_statistics(c, i, &s));
  if (st != FX_OK)
    return lfx_refused(L, st);
  const struct {
    const char *name;
    double value;
  } numbers[] = { { "mean", s.mean }, { "std", s.std }, { "min", s.min }, { "max", s.max } };
  const struct {
    const char *name;
    int64_t value;
  } counts[] = { { "count", s.count }, { "nan", s.nan }, { "infinite", s.infinite } };
  lua_createtable(L, 0, 7);
  for (int k = 0; k < 4; k++) {
    lua_pushnumber(L, numbers[k].value);
    lua_setfield(L, -2, numbers[k].name);
  }
  for (int k = 0; k < 3; k++) {
    lua_pushinteger(L, counts[k].value);
    lua_setfield(L, -2, counts[k].name);
  }
  return 1;
}

/* upvalue 1: the methods */
static int container_index (lua_State *L) {
  static const char *const properties[] = { "kind", "path", NULL };
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
    return 1;
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(key, "kind") == 0)
    lua_pushstring(L, fx_container_kind(self(L)));
  else if (strcmp(key, "path") == 0)
    lua_pushstring(L, fx_container_path(self(L)));
  else
    return lfx_no_field(L, CONTAINER, lua_upvalueindex(1), properties);
  return 1;
}

void lfx_open_container (lua_State *L) {
  static const luaL_Reg meta[] = { { "__gc", container_close },
                                   { "__close", container_close },
                                   { NULL, NULL } };
  static const luaL_Reg methods[] = {
    { "variables", container_variables }, { "groups", container_groups },
    { "notes", container_notes },         { "attributes", container_attributes },
    { "read", container_read },           { "ask", container_ask },
    { "forget", container_forget },       { "expect", container_expect },
    { "check", container_check },         { "statistics", container_statistics },
    { "close", container_close },         { NULL, NULL }
  };
  lfx_class(L, CONTAINER, meta, NULL);
  luaL_getmetatable(L, CONTAINER);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_pushcclosure(L, container_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_getfield(L, -1, "io");
  lua_pushcfunction(L, io_container);
  lua_setfield(L, -2, "container");
  lua_pushcfunction(L, io_reading);
  lua_setfield(L, -2, "reading");
  lua_pop(L, 1);
}
