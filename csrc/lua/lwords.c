/*
** lwords.c - the one sentence about a word that nobody knows, for C and for Lua:
**
**   no option 'strid'; the nearest is 'stride' (known: stride, pad, padding and precision)
**
** The list is left out where it would be longer than anybody reads.
*/
#include "lua/lfx.h"

#include "base/nearest.h"

/* "a, b and c" */
static void add_list (luaL_Buffer *b, const char *const *words) {
  for (int i = 0; words[i]; i++) {
    if (i)
      luaL_addstring(b, words[i + 1] ? ", " : " and ");
    luaL_addstring(b, words[i]);
  }
}

/* Pushes it; `noun` may be NULL. */
static const char *push_unknown (lua_State *L, const char *noun, const char *word,
                                 const char *const *known) {
  enum { SHOWN = 60 };
  const char *near = fx_nearest(word, known);
  int count = 0;
  luaL_Buffer b;
  while (known[count])
    count++;
  luaL_buffinit(L, &b);
  luaL_addstring(&b, "no ");
  luaL_addstring(&b, noun ? noun : "");
  luaL_addstring(&b, noun ? " '" : "'");
  luaL_addstring(&b, word);
  luaL_addstring(&b, count ? "'" : "'; there is none at all");
  if (near) {
    luaL_addstring(&b, "; the nearest is '");
    luaL_addstring(&b, near);
    luaL_addchar(&b, '\'');
  }
  if (count && count <= SHOWN) {
    luaL_addstring(&b, " (known: ");
    add_list(&b, known);
    luaL_addchar(&b, ')');
  }
  luaL_pushresult(&b);
  return lua_tostring(L, -1);
}

int lfx_unknown (lua_State *L, const char *what, const char *noun, const char *word,
                 const char *const *known) {
  return luaL_error(L, "%s: %s", what, push_unknown(L, noun, word, known));
}

/* Pushes a buffer of the words of the list at idx, with NULL behind them. */
static const char **push_words (lua_State *L, int idx, const char *what) {
  luaL_checktype(L, idx, LUA_TTABLE);
  const lua_Unsigned n = lua_rawlen(L, idx);
  const char **words = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *words, 0);
  for (lua_Unsigned i = 0; i < n; i++) {
    if (lua_rawgeti(L, idx, (lua_Integer)i + 1) != LUA_TSTRING)
      luaL_error(L, "%s: entry %I of the known words must be a string, got a %s", what,
                 (LUAI_UACINT)(i + 1), luaL_typename(L, -1));
    words[i] = lua_tostring(L, -1);
    lua_pop(L, 1); /* the list keeps it alive */
  }
  words[n] = NULL;
  return words;
}

/* nearest(word, {words}) -> word or nil */
static int core_nearest (lua_State *L) {
  lua_pushstring(L,
                 fx_nearest(luaL_checkstring(L, 1), push_words(L, 2, "nearest"))); /* NULL is nil */
  return 1;
}

/* unknown(word, {words}, [noun]) -> sentence */
static int core_unknown (lua_State *L) {
  const char *word = luaL_checkstring(L, 1), *noun = luaL_optstring(L, 3, NULL);
  push_unknown(L, noun, word, push_words(L, 2, "unknown"));
  return 1;
}

void lfx_open_words (lua_State *L) {
  static const luaL_Reg functions[] = { { "nearest", core_nearest },
                                        { "unknown", core_unknown },
                                        { NULL, NULL } };
  luaL_setfuncs(L, functions, 0); /* not by lclass.c, which asks this file about unknown methods */
}
