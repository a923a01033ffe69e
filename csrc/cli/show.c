/*
** show.c - values as the REPL prints them.
**
**   { bias = true, kernel = 3, sizes = {...}, 1, 2 }      plain tables: one level, names sorted
**
** Anything with __tostring (tensors, modules) shows itself.
*/
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define MOST_SHOWN 24
#define MOST_BYTES 60

static int by_bytes (const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Replaces the value on top by a text of one line. */
static void shorten (lua_State *L) {
  const char *text;
  switch (lua_type(L, -1)) {
  case LUA_TSTRING: text = lua_pushfstring(L, "\"%s\"", lua_tostring(L, -1)); break;
  case LUA_TTABLE: text = lua_pushliteral(L, "{...}"); break;
  case LUA_TFUNCTION: text = lua_pushliteral(L, "function"); break;
  default: text = luaL_tolstring(L, -1, NULL);
  }
  const size_t line = strcspn(text, "\n");
  if (text[line] || line > MOST_BYTES) {
    lua_pushlstring(L, text, line < MOST_BYTES ? line : MOST_BYTES);
    lua_pushfstring(L, "%s...", lua_tostring(L, -1));
    lua_replace(L, -3);
    lua_pop(L, 1);
  }
  lua_replace(L, -2);
}

/* Pushes a buffer with the string keys of the table, sorted. */
static const char **push_names (lua_State *L, int table, int *count) {
  int n = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
    n += lua_type(L, -2) == LUA_TSTRING;
  const char **names = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *names, 0);
  *count = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING)
      names[(*count)++] = lua_tostring(L, -2);
  qsort(names, (size_t)n, sizeof *names, by_bytes);
  return names;
}

static void show_table (lua_State *L, int table) {
  int count, shown = 0;
  luaL_Buffer b;
  luaL_checkstack(L, 12, NULL);
  const char **names = push_names(L, table, &count);
  const lua_Integer n = (lua_Integer)lua_rawlen(L, table);
  luaL_buffinit(L, &b);
  luaL_addchar(&b, '{');
  for (int i = 0; i < count && shown < MOST_SHOWN; i++, shown++) {
    lua_pushfstring(L, "%s%s = ", shown ? ", " : " ", names[i]);
    luaL_addvalue(&b);
    lua_pushstring(L, names[i]);
    lua_rawget(L, table);
    shorten(L);
    luaL_addvalue(&b);
  }
  for (lua_Integer i = 1; i <= n && shown < MOST_SHOWN; i++, shown++) {
    luaL_addstring(&b, shown ? ", " : " ");
    lua_rawgeti(L, table, i);
    shorten(L);
    luaL_addvalue(&b);
  }
  if (shown < count + n) {
    lua_pushfstring(L, ", ... (%d more)", (int)(count + n - shown));
    luaL_addvalue(&b);
  }
  luaL_addstring(&b, shown ? " }" : "}");
  luaL_pushresult(&b);
  lua_remove(L, -2); /* the names */
}

void cli_show (lua_State *L, int idx) {
  idx = lua_absindex(L, idx);
  const int plain = lua_istable(L, idx) && luaL_getmetafield(L, idx, "__tostring") == LUA_TNIL;
  if (plain)
    show_table(L, idx);
  else
    luaL_tolstring(L, idx, NULL);
}
