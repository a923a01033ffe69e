/*
** lfail.c - what becomes of a status in Lua: an error at the caller's line, or nil and a sentence; and
** of arguments that nobody reads.
*/
#include "lua/lfx.h"

#include "base/interrupt.h"

void lfx_check (lua_State *L, fx_status st, const char *what) {
  if (st == FX_OK)
    return;
  if (st == FX_EINTR) {
    fx_interrupt_clear();
    luaL_error(L, "interrupted!");
  }
  if (what)
    luaL_error(L, "%s: %s", what, fx_errmsg());
  luaL_error(L, "%s", fx_errmsg());
}

void lfx_takes_nothing (lua_State *L, const char *what) {
  if (!lua_isnone(L, 1))
    luaL_error(L, "%s takes nothing, got %s", what, lfx_describe(L, 1));
}

int lfx_refused (lua_State *L, fx_status st) {
  if (st == FX_EINTR || st == FX_ENOMEM)
    lfx_check(L, st, NULL);
  luaL_pushfail(L);
  lua_pushstring(L, fx_errmsg());
  return 2;
}

int lfx_done (lua_State *L, fx_status st) {
  if (st != FX_OK)
    return lfx_refused(L, st);
  lua_pushboolean(L, 1);
  return 1;
}
