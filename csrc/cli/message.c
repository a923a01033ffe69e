/* message.c - errors as texts, for the program and for its prompt. See cli.h. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

int cli_message (lua_State *L) {
  const char *wanted = getenv("FLEXLAB_TRACEBACK");
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "flexlab.blame") == LUA_TTABLE &&
      lua_getfield(L, -1, "report") == LUA_TFUNCTION) {
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    return 1;
  }
  const char *message = luaL_tolstring(L, 1, NULL);
  if (wanted && strcmp(wanted, "1") == 0)
    luaL_traceback(L, L, message, 1);
  return 1;
}
