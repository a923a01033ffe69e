/*
** main.c - the program `flexlab`: a Lua state with the core inside, and the way to its Lua files.
**
** Everything that has a name on the command line is Lua: require("flexlab.commands").main(arg)
** returns the exit code. Here are only the search for the Lua folder, and the last line of defence
** against errors: one sentence for people, the traceback with FLEXLAB_TRACEBACK=1.
**
**   0  done     1  something failed at work     2  wrong use
**
** The folder is FLEXLAB_LUA; else ../../lua from a build tree (build/<preset>/flexlab); else
** ../share/lua/5.4 where installed, which is also where stock lua5.4 looks. The program leaves through lua_close, so that files which
** are open for writing are closed by their finalizers.
*/
#define _GNU_SOURCE
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

int luaopen_flexlab_core(lua_State *L);

#define FAILED 1

/* Writes the folder of this executable; false if the system does not tell. */
static bool own_folder (char *path, size_t size) {
  const ssize_t n = readlink("/proc/self/exe", path, size - 1);
  if (n <= 0)
    return false;
  path[n] = '\0';
  char *slash = strrchr(path, '/');
  if (slash)
    *slash = '\0';
  return slash != NULL;
}

/* Pushes the folder that holds flexlab/init.lua, or nil. */
static void push_lua_folder (lua_State *L) {
  static const char *const places[] = { "/../../lua", "/../share/lua/5.4" };
  const char *given = getenv("FLEXLAB_LUA");
  char folder[4096];
  if (given && *given) {
    lua_pushfstring(L, "%s/flexlab/init.lua", given);
    if (access(lua_tostring(L, -1), R_OK) == 0)
      lua_pushstring(L, given);
    else
      lua_pushnil(L);
    lua_remove(L, -2);
    return;
  }
  for (size_t i = 0; own_folder(folder, sizeof folder) && i < 2; i++) {
    lua_pushfstring(L, "%s%s/flexlab/init.lua", folder, places[i]);
    if (access(lua_tostring(L, -1), R_OK) == 0) {
      lua_pop(L, 1);
      lua_pushfstring(L, "%s%s", folder, places[i]);
      return;
    }
    lua_pop(L, 1);
  }
  lua_pushnil(L);
}

/* Our own folder first; without it nothing is loaded, least of all ./flexlab of the current folder. */
static void set_path (lua_State *L) {
  lua_getglobal(L, "package");
  push_lua_folder(L);
  const char *folder = lua_tostring(L, -1);
  if (!folder) {
    lua_pushliteral(
        L,
        "the Lua files of FlexLab are not found, neither in FLEXLAB_LUA, where that is set, nor in "
        "../../lua or ../share/lua/5.4 beside the program");
    lua_error(L);
  }
  lua_getfield(L, -2, "path");
  lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;./?.lua;%s", folder, folder, lua_tostring(L, -1));
  lua_setfield(L, -4, "path");
  lua_pop(L, 3);
}

static void preload (lua_State *L, const char *name, lua_CFunction open) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

static void set_arg (lua_State *L, int argc, char **argv) {
  lua_createtable(L, argc, 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i);
  }
  lua_pushvalue(L, -1);
  lua_setglobal(L, "arg");
}

/* Arguments: argc and argv. Returns the exit code. */
static int protected_main (lua_State *L) {
  const int argc = (int)lua_tointeger(L, 1);
  char **argv = lua_touserdata(L, 2);
  luaL_checkversion(L);
  luaL_openlibs(L);
  preload(L, "flexlab.core", luaopen_flexlab_core);
  preload(L, "flexlab.repl_core", luaopen_flexlab_repl_core);
  set_path(L);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "flexlab.commands");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "main");
  set_arg(L, argc, argv);
  lua_call(L, 1, 1);
  lua_pushinteger(L, luaL_optinteger(L, -1, 0));
  return 1;
}

/* One sentence: what Lua adds on further lines (searched files, tracebacks) is for developers. */
static void report (const char *message) {
  const char *wanted = getenv("FLEXLAB_TRACEBACK");
  const char *end = strstr(message, "\n\t"), *trace = strstr(message, "\nstack traceback:");
  if (trace && (!end || trace < end))
    end = trace;
  const int all = !end || (wanted && strcmp(wanted, "1") == 0);
  fflush(stdout);
  fputs("flexlab: ", stderr);
  cli_write_printable(stderr, message, all ? strlen(message) : (size_t)(end - message));
  fputc('\n', stderr);
}

int main (int argc, char **argv) {
  cli_loaded();
  signal(SIGXFSZ, SIG_IGN); /* a write beyond the allowed file size fails, as on a full disk */
  lua_State *L = luaL_newstate();
  int code = FAILED;
  if (!L) {
    fprintf(stderr, "flexlab: not enough memory to start\n");
    return FAILED;
  }
  lua_pushcfunction(L, cli_message);
  lua_pushcfunction(L, protected_main);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  if (lua_pcall(L, 2, 1, 1) == LUA_OK)
    code = (int)lua_tointeger(L, -1);
  else
    report(lua_tostring(L, -1) ? lua_tostring(L, -1) : "an error without a message");
  lua_close(L);
  if ((fflush(stdout) != 0 || ferror(stdout)) && code == 0) { /* print does not look */
    fprintf(stderr, "flexlab: standard output could not be written\n");
    code = FAILED;
  }
  return code;
}
