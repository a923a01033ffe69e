/*
** ljson.c - core.json: tables to JSON text and back, through cJSON.
**
** Keys are written in byte order, so equal tables give equal bytes (a run's folder is named by the
** hash of such text). A table whose length #t is not 0 is a list and must hold nothing else; an
** empty table is {}, or [] if its metatable has a field __list. Integers beyond 2^53 would change and are refused; NaN and infinity, for which
** JSON has no word, become null. The cJSON tree lives in a guard while Lua calls may raise.
*/
#include "lua/lfx.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT (INT64_C(1) << 53)
#define MOST_NESTED 100

typedef struct {
  cJSON *root;
  char *text;
} tree;

static void end_tree (void *payload) {
  tree *t = payload;
  cJSON_Delete(t->root);
  cJSON_free(t->text);
}

/* --- encode ----------------------------------------------------------------------------------- */

static void no_memory (lua_State *L) { luaL_error(L, "json: not enough memory"); }

/* Hands `item` to its parent at once, so that the tree owns it: the root, a list or an object. */
static cJSON *attach (lua_State *L, tree *t, cJSON *parent, const char *key, cJSON *item) {
  cJSON_bool ok = item != NULL;
  if (ok && !parent)
    t->root = item;
  else if (ok)
    ok = key ? cJSON_AddItemToObject(parent, key, item) : cJSON_AddItemToArray(parent, item);
  if (!ok) {
    cJSON_Delete(item);
    no_memory(L);
  }
  return item;
}

/* The number on top, in the fewest digits that read back to it: cJSON's own printing is content
** with a neighbour. */
static cJSON *number (lua_State *L) {
  if (lua_isinteger(L, -1)) {
    const lua_Integer v = lua_tointeger(L, -1);
    if (v > EXACT || v < -EXACT)
      luaL_error(L, "json: the integer %I is beyond 2^53 and would change; write it as a string",
                 (LUAI_UACINT)v);
  }
  const double v = lua_tonumber(L, -1);
  char text[32];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, v);
    if (strtod(text, NULL) == v)
      break;
  }
  return isfinite(v) ? cJSON_CreateRaw(text) : cJSON_CreateNull();
}

static const char *plain_text (lua_State *L, int idx) {
  size_t n;
  const char *s = lua_tolstring(L, idx, &n);
  if (strlen(s) != n)
    luaL_error(L, "json: a string holds the byte 0");
  return s;
}

static void encode(lua_State *L, tree *t, cJSON *parent, const char *key, int nested);

static void encode_list (lua_State *L, tree *t, cJSON *list, lua_Unsigned n, int nested) {
  const int table = lua_gettop(L);
  lua_Unsigned entries = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
    entries++;
  if (entries != n)
    luaL_error(L,
               "json: a table is either a list or has names, this one has %d entries, %d of "
               "them in the list",
               (int)entries, (int)n);
  for (lua_Unsigned i = 1; i <= n; i++) {
    lua_rawgeti(L, table, (lua_Integer)i);
    encode(L, t, list, NULL, nested + 1);
    lua_pop(L, 1);
  }
}

static void encode_object (lua_State *L, tree *t, cJSON *object, int nested) {
  const int table = lua_gettop(L);
  int count;
  const char **keys = lfx_push_sorted_keys(L, table, "json", &count);
  for (int i = 0; i < count; i++) {
    lua_getfield(L, table, keys[i]);
    encode(L, t, object, keys[i], nested + 1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* Adds the value on top. */
static void encode (lua_State *L, tree *t, cJSON *parent, const char *key, int nested) {
  luaL_checkstack(L, 10, "json");
  if (nested > MOST_NESTED)
    luaL_error(L, "json: tables are nested deeper than %d (a cycle?)", MOST_NESTED);
  switch (lua_type(L, -1)) {
  case LUA_TNIL: attach(L, t, parent, key, cJSON_CreateNull()); break;
  case LUA_TBOOLEAN: attach(L, t, parent, key, cJSON_CreateBool(lua_toboolean(L, -1))); break;
  case LUA_TNUMBER: attach(L, t, parent, key, number(L)); break;
  case LUA_TSTRING: attach(L, t, parent, key, cJSON_CreateString(plain_text(L, -1))); break;
  case LUA_TTABLE: {
    const lua_Unsigned n = lua_rawlen(L, -1);
    if (n > 0)
      encode_list(L, t, attach(L, t, parent, key, cJSON_CreateArray()), n, nested);
    else if (luaL_getmetafield(L, -1, "__list") != LUA_TNIL) {
      lua_pop(L, 1);
      encode_list(L, t, attach(L, t, parent, key, cJSON_CreateArray()), 0, nested);
    } else
      encode_object(L, t, attach(L, t, parent, key, cJSON_CreateObject()), nested);
    break;
  }
  default: luaL_error(L, "json: %s cannot be written", lfx_describe(L, -1));
  }
}

static int json_encode (lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  tree *t = lfx_push_guard(L, sizeof *t, end_tree);
  lua_insert(L, 1);
  encode(L, t, NULL, NULL, 0);
  t->text = cJSON_PrintUnformatted(t->root);
  if (!t->text)
    no_memory(L);
  lua_pushstring(L, t->text);
  lfx_guard_end(t);
  return 1;
}

/* --- decode ----------------------------------------------------------------------------------- */

static void push_item (lua_State *L, const cJSON *item) {
  luaL_checkstack(L, 6, "json");
  if (cJSON_IsArray(item)) {
    lua_Integer i = 0;
    lua_newtable(L);
    for (const cJSON *child = item->child; child; child = child->next) {
      push_item(L, child);
      lua_rawseti(L, -2, ++i);
    }
  } else if (cJSON_IsObject(item)) {
    lua_newtable(L);
    for (const cJSON *child = item->child; child; child = child->next) {
      push_item(L, child);
      lua_setfield(L, -2, child->string);
    }
  } else if (cJSON_IsNumber(item)) {
    const double v = item->valuedouble;
    if (v == floor(v) && fabs(v) <= (double)EXACT)
      lua_pushinteger(L, (lua_Integer)v);
    else
      lua_pushnumber(L, v);
  } else if (cJSON_IsString(item)) {
    lua_pushstring(L, item->valuestring);
  } else if (cJSON_IsBool(item)) {
    lua_pushboolean(L, cJSON_IsTrue(item));
  } else {
    lua_pushnil(L);
  }
}

static int json_decode (lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n), *end = text;
  tree *t = lfx_push_guard(L, sizeof *t, end_tree);
  t->root = cJSON_ParseWithLengthOpts(text, n + 1, &end, 1); /* n + 1: the final 0 must follow */
  if (!t->root) {
    luaL_pushfail(L);
    lua_pushfstring(L, "not JSON at byte %d", (int)(end - text) + 1);
    return 2;
  }
  push_item(L, t->root);
  lfx_guard_end(t);
  return 1;
}

void lfx_open_json (lua_State *L) {
  static const luaL_Reg functions[] = { { "encode", json_encode },
                                        { "decode", json_decode },
                                        { NULL, NULL } };
  lfx_functions(L, "json", functions);
}
