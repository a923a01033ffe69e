/*
** lclass.c - classes of userdata, and tables of functions.
**
** Every class is a metatable whose __index raises for names it does not know: a misspelt method is
** an error at its line, not a nil that fails elsewhere.
*/
#include "lua/lfx.h"

#include <stdlib.h>
#include <string.h>

static int by_name (const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int lfx_no_field (lua_State *L, const char *class, int methods, const char *const *more) {
  enum { MOST = 160 };
  const char *known[MOST + 1];
  int n = 0;
  if (lua_type(L, 2) != LUA_TSTRING)
    return luaL_error(L, "%s: a method or property has a name, got %s", class, lfx_describe(L, 2));
  for (; more && *more && n < MOST; more++)
    known[n++] = *more;
  for (lua_pushnil(L); lua_next(L, methods) && n < MOST; lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING)
      known[n++] = lua_tostring(L, -2);
  qsort(known, (size_t)n, sizeof *known, by_name);
  known[n] = NULL;
  return lfx_unknown(L, class, "method or property", lua_tostring(L, 2), known);
}

/* upvalues: methods, class */
static int class_index (lua_State *L) {
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
    return 1;
  return lfx_no_field(L, lua_tostring(L, lua_upvalueindex(2)), lua_upvalueindex(1), NULL);
}

void lfx_class (lua_State *L, const char *class, const luaL_Reg *meta, const luaL_Reg *methods) {
  luaL_newmetatable(L, class);
  luaL_setfuncs(L, meta, 0);
  if (methods) {
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_pushstring(L, class);
    lua_pushcclosure(L, class_index, 2);
    lua_setfield(L, -2, "__index");
  }
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable"); /* getmetatable gives false: the class stays whole */
  lua_pop(L, 1);
}

void lfx_functions (lua_State *L, const char *field, const luaL_Reg *functions) {
  if (!field) {
    luaL_setfuncs(L, functions, 0);
    return;
  }
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  lua_setfield(L, -2, field);
}
