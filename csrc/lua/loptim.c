/*
** loptim.c - core.optimizer: one step over all parameters, and its state for checkpoints.
**
** A gradient that is not finite is an event of training, not a mistake: step changes nothing then
** and returns nil, a message and the index of the first parameter at fault.
*/
#include "lua/lfx.h"

#include <string.h>

#include "optim/optimizer.h"

#define OPTIMIZER "flexlab.Optimizer"

typedef struct {
  fx_optimizer *o;
} optimizer;

static fx_optimizer *self (lua_State *L) {
  const optimizer *holder = luaL_checkudata(L, 1, OPTIMIZER);
  if (!holder->o)
    luaL_error(L, "optimizer: it has been collected");
  return holder->o;
}

/* The list of parameters on top, as borrowed tensors in a buffer pushed onto the stack. */
static fx_tensor **read_parameters (lua_State *L, int *count) {
  const lua_Unsigned n = lua_rawlen(L, -1);
  fx_tensor **list = lua_newuserdatauv(L, (size_t)n * sizeof *list + 1, 0);
  for (lua_Unsigned i = 0; i < n; i++) {
    lua_rawgeti(L, -2, (lua_Integer)i + 1);
    const lfx_handle *h = lfx_test_handle(L, -1);
    if (!h)
      luaL_error(L, "optimizer: entry %d of 'parameters' must be a tensor, got %s", (int)i + 1,
                 lfx_describe(L, -1));
    list[i] = h->t;
    lua_pop(L, 1);
  }
  *count = (int)n;
  return list;
}

static int core_optimizer (lua_State *L) {
  static const char *const known[] = { "kind", "parameters",   "beta1", "beta2",
                                       "eps",  "weight_decay", "ema",   NULL };
  int count;
  fx_status st;
  luaL_checktype(L, 1, LUA_TTABLE);
  const lfx_options o = lfx_read_options(L, 1, "optimizer", known, false);
  const int kind =
      lfx_choice(&o, "kind", "adam|adamw|lion", FX_OPTIMIZER_ADAM); /* ORDER FX_OPTIMIZER_ADAM */
  fx_optimizer_config c = fx_optimizer_defaults((fx_optimizer_kind)kind);
  c.beta1 = lfx_number(&o, "beta1", c.beta1);
  c.beta2 = lfx_number(&o, "beta2", c.beta2);
  c.eps = lfx_number(&o, "eps", c.eps);
  c.weight_decay = lfx_number(&o, "weight_decay", c.weight_decay);
  c.ema = lfx_number(&o, "ema", c.ema);
  if (!lfx_option(&o, "parameters") || !lua_istable(L, -1))
    return luaL_error(L, "optimizer: 'parameters' must be a list of tensors");
  lfx_budget(L);
  fx_tensor **list = read_parameters(L, &count);
  optimizer *holder = lua_newuserdatauv(L, sizeof *holder, 0);
  holder->o = NULL;
  luaL_setmetatable(L, OPTIMIZER);
  LFX_TRY(L, st, fx_optimizer_new(&c, list, count, &holder->o));
  lfx_check(L, st, "optimizer");
  return 1;
}

static int optimizer_step (lua_State *L) {
  static const char *const known[] = { "lr", "clip", NULL };
  fx_optimizer *o = self(L);
  const lfx_options options = lfx_read_options(L, 2, "step", known, false);
  const double lr = lfx_number(&options, "lr", -1), clip = lfx_number(&options, "clip", 0);
  double norm = 0;
  int bad = -1;
  if (!(lr >= 0))
    return luaL_error(L, "step: 'lr' must be given and not negative");
  const fx_status st = fx_optimizer_step(o, lr, clip, &norm, &bad);
  if (st == FX_EARG && bad >= 0) {
    luaL_pushfail(L);
    lua_pushstring(L, fx_errmsg());
    lua_pushinteger(L, bad + 1);
    return 3;
  }
  lfx_check(L, st, "step");
  lua_pushnumber(L, norm);
  return 1;
}

static int optimizer_clear_grads (lua_State *L) {
  fx_optimizer_clear_grads(self(L));
  return 0;
}

static int optimizer_swap (lua_State *L) {
  lfx_check(L, fx_optimizer_swap(self(L)), "swap");
  return 0;
}

/* t.<name> = the tensors of the list; empty where there are none. */
static void set_tensors (lua_State *L, const char *name, fx_tensor **list, int count) {
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    if (!list[i])
      continue;
    lfx_push_tensor(L, list[i], true);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, name);
}

static int optimizer_state (lua_State *L) {
  const fx_optimizer *o = self(L);
  lua_createtable(L, 0, 4);
  lua_pushinteger(L, o->steps);
  lua_setfield(L, -2, "steps");
  set_tensors(L, "first", o->first, o->count);
  set_tensors(L, "second", o->second, o->count);
  set_tensors(L, "average", o->average, o->count);
  return 1;
}

/* upvalue 1: the methods */
static int optimizer_index (lua_State *L) {
  static const char *const properties[] = { "steps", NULL };
  fx_optimizer *o = self(L);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
    return 1;
  if (lua_type(L, 2) != LUA_TSTRING || strcmp(lua_tostring(L, 2), "steps") != 0)
    return lfx_no_field(L, OPTIMIZER, lua_upvalueindex(1), properties);
  lua_pushinteger(L, o->steps);
  return 1;
}

static int optimizer_newindex (lua_State *L) {
  fx_optimizer *o = self(L);
  if (lua_type(L, 2) != LUA_TSTRING || strcmp(lua_tostring(L, 2), "steps") != 0)
    return luaL_error(L, "optimizer: only 'steps' may be assigned, not %s", lfx_describe(L, 2));
  const int64_t steps = lfx_to_int(L, 3, "optimizer", "steps");
  if (steps < 0)
    return luaL_error(L, "optimizer: 'steps' must not be negative, got %I", (LUAI_UACINT)steps);
  o->steps = steps;
  return 0;
}

static int optimizer_gc (lua_State *L) {
  optimizer *holder = lua_touserdata(L, 1);
  fx_optimizer_free(holder->o);
  holder->o = NULL;
  return 0;
}

void lfx_open_optim (lua_State *L) {
  static const luaL_Reg meta[] = { { "__gc", optimizer_gc },
                                   { "__newindex", optimizer_newindex },
                                   { NULL, NULL } };
  static const luaL_Reg methods[] = { { "step", optimizer_step },
                                      { "clear_grads", optimizer_clear_grads },
                                      { "swap", optimizer_swap },
                                      { "state", optimizer_state },
                                      { NULL, NULL } };
  static const luaL_Reg functions[] = { { "optimizer", core_optimizer }, { NULL, NULL } };
  lfx_class(L, OPTIMIZER, meta, NULL);
  luaL_getmetatable(L, OPTIMIZER);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_pushcclosure(L, optimizer_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lfx_functions(L, NULL, functions);
}
