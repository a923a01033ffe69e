/*
** lscope.c - handles, scopes and the byte budget.
**
** Lua's collector sees a hundred bytes where megabytes hang, so memory is freed in three other
** ways: scopes end the handles made inside them; t:free() ends one; and when the core's live bytes
** pass a budget of max(256 MB, 1.5 x what was live after the last collection), the next op first
** runs a full collection. (GC steps by counted bytes were refused: a full cycle per large tensor.)
**
** A scope is a userdata with a ring of the handles made while it was the innermost. The ring is
** weak: a handle that is collected takes itself out. Scopes form a stack kept here in C; closing
** one closes those opened after it too. A scope that is collected without having been closed was
** forgotten: its handles pass to the scope around it, for ending them then would come by surprise.
**
** One registry value (lfx_state) holds the stack and the budget of a Lua state.
*/
#include "lua/lfx.h"

#include <string.h>

#include "autograd/tape.h"
#include "base/alloc.h"

#define SCOPE "flexlab.Scope"
#define NO_GRAD "flexlab.NoGrad"
#define LEAST_BUDGET (INT64_C(256) << 20)

typedef struct lfx_scope {
  lfx_node ring; /* sentinel of the handles made inside */
  struct lfx_scope *outer;
  struct lfx_state *state;
  int depth; /* outer's + 1, first 1 */
  bool open;
} lfx_scope;

typedef struct lfx_state {
  lfx_scope *innermost;
  int64_t least, budget; /* bytes */
  int64_t handles;       /* that hold a tensor or will */
} lfx_state;

static const char state_key = 0;

static lfx_state *state_of (lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
  lfx_state *state = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return state;
}

/* --- rings ------------------------------------------------------------------------------------ */

static void unlink_node (lfx_node *n) {
  n->prev->next = n->next;
  n->next->prev = n->prev;
  n->prev = n->next = n;
}

static void link_handle (lfx_scope *s, lfx_handle *h) {
  h->scope = s;
  if (!s)
    return;
  h->node.prev = s->ring.prev;
  h->node.next = &s->ring;
  s->ring.prev->next = &h->node;
  s->ring.prev = &h->node;
}

static void move_handle (lfx_handle *h, lfx_scope *to) {
  unlink_node(&h->node);
  link_handle(to, h);
}

/* --- handles ---------------------------------------------------------------------------------- */

static void note_position (lua_State *L, lfx_handle *h) {
  lua_Debug ar;
  h->line = -1;
  if (!lua_getstack(L, 1, &ar) || !lua_getinfo(L, "Sl", &ar) || ar.currentline < 0)
    return;
  h->line = ar.currentline;
  memcpy(h->source, ar.short_src, sizeof h->source);
}

lfx_handle *lfx_push_handle (lua_State *L) {
  lfx_handle *h = lua_newuserdatauv(L, sizeof *h, 0);
  h->node.prev = h->node.next = &h->node;
  h->t = NULL;
  h->scope = NULL;
  h->freed = h->persistent = false;
  note_position(L, h);
  luaL_setmetatable(L, LFX_TENSOR);
  lfx_state *state = state_of(L);
  link_handle(state->innermost, h);
  state->handles++;
  return h;
}

lfx_handle *lfx_push_tensor (lua_State *L, fx_tensor *t, bool persistent) {
  lfx_handle *h = lfx_push_handle(L);
  h->t = fx_tensor_retain(t);
  h->persistent = persistent;
  if (persistent)
    move_handle(h, NULL);
  return h;
}

static void end_handle (lfx_handle *h) {
  move_handle(h, NULL);
  fx_tensor_assign(&h->t, NULL);
}

int lfx_handle_gc (lua_State *L) {
  lfx_handle *h = lua_touserdata(L, 1);
  if (h->line != -2) /* -2: collected already */
    state_of(L)->handles--;
  h->line = -2;
  end_handle(h);
  return 0;
}

int lfx_handle_free (lua_State *L) {
  lfx_handle *h = luaL_checkudata(L, 1, LFX_TENSOR);
  h->freed = h->freed || h->t;
  end_handle(h);
  return 0;
}

static int dead (lua_State *L, const lfx_handle *h) {
  const char *why = h->freed ? "free()" : "its scope was closed";
  const char *hint =
      h->freed ? "" : "; run:keep(t), in a scope of one's own scope:keep(t), takes it out of there";
  if (h->line < 0)
    return luaL_error(L, "tensor used after %s%s", why, hint);
  return luaL_error(L, "tensor used after %s (made at %s:%d)%s", why, h->source, h->line, hint);
}

lfx_handle *lfx_test_handle (lua_State *L, int idx) {
  lfx_handle *h = luaL_testudata(L, idx, LFX_TENSOR);
  if (h && !h->t)
    dead(L, h);
  return h;
}

fx_tensor *lfx_check_tensor (lua_State *L, int idx, const char *what, const char *name) {
  const lfx_handle *h = lfx_test_handle(L, idx);
  if (h)
    return h->t;
  if (lua_isnone(L, idx))
    luaL_error(L, "%s: argument %d (%s) is missing; it must be a tensor", what, idx, name);
  luaL_error(L, "%s: argument %d (%s) must be a tensor, got %s", what, idx, name,
             lfx_describe(L, idx));
  return NULL;
}

fx_tensor *lfx_opt_tensor (lua_State *L, int idx, const char *what, const char *name) {
  return lua_isnoneornil(L, idx) ? NULL : lfx_check_tensor(L, idx, what, name);
}

lfx_handle *lfx_self (lua_State *L) {
  lfx_handle *h = lfx_test_handle(L, 1);
  if (!h)
    luaL_error(L, "a tensor was expected before ':', got %s", lfx_describe(L, 1));
  return h;
}

/* --- budget ----------------------------------------------------------------------------------- */

static void set_budget_after (lfx_state *state, int64_t live) {
  const int64_t half_more = live + live / 2;
  state->budget = half_more > state->least ? half_more : state->least;
}

static void collect (lua_State *L, lfx_state *state) {
  fx_memory_stats memory;
  lua_gc(L, LUA_GCCOLLECT, 0);
  fx_memory(&memory);
  set_budget_after(state, memory.live_bytes);
}

void lfx_collect (lua_State *L) {
  collect(L, state_of(L));
  fx_alloc_trim();
}

void lfx_budget (lua_State *L) {
  lfx_state *state = state_of(L);
  fx_memory_stats memory;
  fx_memory(&memory);
  if (memory.live_bytes > state->budget)
    collect(L, state);
}

/* { weights = bytes, ... } */
static void push_kinds (lua_State *L, const int64_t bytes[FX_MEMORY_KINDS]) {
  lua_createtable(L, 0, FX_MEMORY_KINDS);
  for (int i = 0; i < FX_MEMORY_KINDS; i++) {
    lua_pushinteger(L, bytes[i]);
    lua_setfield(L, -2, fx_memory_kind_name((fx_memory_kind)i));
  }
}

static int core_memory (lua_State *L) {
  lfx_takes_nothing(L, "memory");
  const lfx_state *state = state_of(L);
  fx_memory_stats memory;
  fx_memory(&memory);
  lua_createtable(L, 0, 9);
  const struct {
    const char *name;
    int64_t value;
  } rows[] = { { "live", memory.live_bytes },     { "peak", memory.peak_bytes },
               { "cached", memory.cached_bytes }, { "blocks", memory.live_blocks },
               { "budget", state->budget },       { "handles", state->handles },
               { "requests", memory.requests } };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    lua_pushinteger(L, rows[i].value);
    lua_setfield(L, -2, rows[i].name);
  }
  push_kinds(L, memory.live_by_kind);
  lua_setfield(L, -2, "live_by_kind");
  push_kinds(L, memory.peak_by_kind);
  lua_setfield(L, -2, "peak_by_kind");
  return 1;
}

static int core_reset_peak (lua_State *L) {
  lfx_takes_nothing(L, "reset_peak");
  fx_memory_reset_peak();
  return 0;
}

/* For tests: the k-th allocation of the core from now fails once; 0: none does. */
static int core_fail_allocation (lua_State *L) {
  fx_alloc_fail_at(lfx_to_int(L, 1, "fail_allocation", "k"));
  return 0;
}

/* core.limit_memory(bytes): no more than these may be live; 0: no limit. Returns the limit before. */
static int core_limit_memory (lua_State *L) {
  const int64_t bytes = lfx_to_int(L, 1, "limit_memory", "bytes");
  if (bytes < 0)
    return luaL_error(L, "limit_memory: argument 'bytes' must not be negative, got %I",
                      (LUAI_UACINT)bytes);
  lua_pushinteger(L, fx_alloc_limit(bytes));
  return 1;
}

static int core_set_budget (lua_State *L) {
  lfx_state *state = state_of(L);
  const int64_t bytes = lfx_to_int(L, 1, "set_budget", "bytes");
  if (bytes < 0)
    return luaL_error(L, "set_budget: argument 'bytes' must not be negative, got %I",
                      (LUAI_UACINT)bytes);
  state->least = state->budget = bytes;
  return 0;
}

/* --- scopes ----------------------------------------------------------------------------------- */

static int core_scope (lua_State *L) {
  if (!lua_isnone(L, 1))
    return luaL_error(L, "scope takes nothing, got %s; write: local s <close> = flex.scope()",
                      lfx_describe(L, 1));
  lfx_state *state = state_of(L);
  lfx_scope *s = lua_newuserdatauv(L, sizeof *s, 0);
  s->ring.prev = s->ring.next = &s->ring;
  s->state = state;
  s->open = false;
  luaL_setmetatable(L, SCOPE);
  s->outer = state->innermost;
  s->depth = s->outer ? s->outer->depth + 1 : 1;
  s->open = true;
  state->innermost = s;
  return 1;
}

/* Takes the scope off the stack, wherever in it it is. */
static void leave (lfx_scope *s) {
  lfx_scope **at = &s->state->innermost;
  while (*at && *at != s)
    at = &(*at)->outer;
  if (*at)
    *at = s->outer;
  s->open = false;
}

static void close_scope (lfx_scope *s) {
  while (s->open) {
    lfx_scope *last = s->state->innermost;
    while (last->ring.next != &last->ring)
      end_handle((lfx_handle *)last->ring.next);
    leave(last);
  }
}

static int scope_close (lua_State *L) {
  close_scope(luaL_checkudata(L, 1, SCOPE));
  return 0;
}

static int scope_gc (lua_State *L) {
  lfx_scope *s = lua_touserdata(L, 1);
  if (!s->open)
    return 0;
  while (s->ring.next != &s->ring)
    move_handle((lfx_handle *)s->ring.next, s->outer);
  leave(s);
  return 0;
}

/* Moves the tensors of the value at idx, a tensor or a table of such, out of s. */
static void keep_value (lua_State *L, lfx_scope *s, int idx, int nested) {
  lfx_handle *h = lfx_test_handle(L, idx);
  if (h) {
    if (h->scope && h->scope->depth >= s->depth)
      move_handle(h, s->outer);
  } else if (lua_istable(L, idx) && nested < 4) {
    luaL_checkstack(L, 4, "keep");
    idx = lua_absindex(L, idx);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1))
      if (lua_istable(L, -1) || lua_isuserdata(L, -1))
        keep_value(L, s, -1, nested + 1);
  } else if (!nested && !lua_isnil(L, idx)) {
    luaL_error(L, "keep: argument %d must be a tensor or a table of tensors, got %s", idx - 1,
               lfx_describe(L, idx));
  }
}

static int scope_keep (lua_State *L) {
  lfx_scope *s = luaL_checkudata(L, 1, SCOPE);
  const int top = lua_gettop(L);
  if (!s->open)
    return luaL_error(L, "keep: the scope is closed already");
  for (int i = 2; i <= top; i++)
    keep_value(L, s, i, 0);
  return top - 1;
}

/* --- no_grad ---------------------------------------------------------------------------------- */

/* Recording comes back through a to-be-closed value, so that an error keeps its traceback. */
static int no_grad_close (lua_State *L) {
  bool *before = lua_touserdata(L, 1);
  fx_set_recording(*before);
  return 0;
}

static int core_no_grad (lua_State *L) {
  if (lua_gettop(L) == 0 || !(lua_isfunction(L, 1) || luaL_getmetafield(L, 1, "__call")))
    return luaL_error(L, "no_grad: argument 1 must be a function, got %s", lfx_describe(L, 1));
  if (!lua_isfunction(L, 1))
    lua_pop(L, 1);
  bool *before = lua_newuserdatauv(L, sizeof *before, 0);
  *before = fx_recording();
  luaL_setmetatable(L, NO_GRAD);
  lua_insert(L, 1);
  lua_toclose(L, 1);
  fx_set_recording(false);
  lua_call(L, lua_gettop(L) - 2, LUA_MULTRET);
  return lua_gettop(L) - 1;
}

/* --- opening ---------------------------------------------------------------------------------- */

static const luaL_Reg functions[] = { { "scope", core_scope },
                                      { "no_grad", core_no_grad },
                                      { "memory", core_memory },
                                      { "reset_peak", core_reset_peak },
                                      { "set_budget", core_set_budget },
                                      { "limit_memory", core_limit_memory },
                                      { "fail_allocation", core_fail_allocation },
                                      { NULL, NULL } };

void lfx_open_scope (lua_State *L) {
  static const luaL_Reg scope_meta[] = { { "__gc", scope_gc },
                                         { "__close", scope_close },
                                         { NULL, NULL } };
  static const luaL_Reg scope_methods[] = { { "keep", scope_keep },
                                            { "close", scope_close },
                                            { NULL, NULL } };
  static const luaL_Reg no_grad_meta[] = { { "__close", no_grad_close }, { NULL, NULL } };
  if (!state_of(L)) { /* else opened before, under another name */
    lfx_state *state = lua_newuserdatauv(L, sizeof *state, 0);
    *state = (lfx_state){ .least = LEAST_BUDGET, .budget = LEAST_BUDGET };
    lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
  }
  lfx_class(L, SCOPE, scope_meta, scope_methods);
  lfx_class(L, NO_GRAD, no_grad_meta, NULL);
  lfx_functions(L, NULL, functions);
}
