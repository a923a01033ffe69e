/*
** lguard.c - what ends a block of C that an error may leave: a userdata that the collector finds.
*/
#include "lua/lfx.h"

#include <string.h>

#define GUARD "flexlab.Guard"

typedef struct {
  void (*end)(void *payload);
  void *unused; /* keeps the payload aligned to 16 bytes */
} guard;

void *lfx_push_guard (lua_State *L, size_t size, void (*end)(void *payload)) {
  guard *g = lua_newuserdatauv(L, sizeof *g + size, 0);
  memset(g, 0, sizeof *g + size);
  g->end = end;
  luaL_setmetatable(L, GUARD);
  return g + 1;
}

void lfx_guard_end (void *payload) {
  guard *g = (guard *)payload - 1;
  void (*end)(void *) = g->end;
  g->end = NULL;
  if (end)
    end(payload);
}

static int guard_gc (lua_State *L) {
  lfx_guard_end((guard *)lua_touserdata(L, 1) + 1);
  return 0;
}

void lfx_open_guard (lua_State *L) {
  static const luaL_Reg meta[] = { { "__gc", guard_gc }, { NULL, NULL } };
  lfx_class(L, GUARD, meta, NULL);
}
