/*
** lmeasure.c - core.measure: where time goes, and what the machine could do.
**
**   core.measure.start()             forgets the last profile and begins one
**   core.measure.stop() -> calls     a list of { name=, op=true|false, operands={shape or false, ...},
**                                    result=shape, products=, backward_products= (multiply-adds of one
**                                    pass, 0 of what is no product; ops.def),
**                                    forward={count=, seconds=, bytes=}, backward={...} }
**   core.measure.time(i, {part="forward|backward|backward_first|backward_rest", repeats=5}) -> list of
**                                    seconds: call i of the last profile, run again by itself
**   core.measure.fma(iterations) -> multiply-adds of the instruction set in use, counted as two, of one
**                                    task for each thread
*/
#include "lua/lfx.h"

#include "autograd/profile.h"
#include "base/alloc.h"
#include "base/thread.h"
#include "kernels/kernels.h"

#define MOST_REPEATS 1000000

static int measure_start (lua_State *L) {
  lfx_takes_nothing(L, "start");
  fx_profile_start();
  return 0;
}

static void push_cell (lua_State *L, const fx_profile_cell *cell, const char *field) {
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, cell->count);
  lua_setfield(L, -2, "count");
  lua_pushnumber(L, cell->seconds);
  lua_setfield(L, -2, "seconds");
  lua_pushinteger(L, cell->bytes);
  lua_setfield(L, -2, "bytes");
  lua_setfield(L, -2, field);
}

static void push_call (lua_State *L, const fx_call *c) {
  lua_createtable(L, 0, 8);
  lua_pushstring(L, c->name);
  lua_setfield(L, -2, "name");
  lua_pushboolean(L, c->op != NULL);
  lua_setfield(L, -2, "op");
  lua_createtable(L, c->operand_count, 0);
  for (int i = 0; i < c->operand_count; i++) {
    if (c->operands[i].n < 0)
      lua_pushboolean(L, 0);
    else
      lfx_push_dims(L, &c->operands[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "operands");
  lfx_push_dims(L, &c->result);
  lua_setfield(L, -2, "result");
  lua_pushinteger(L, c->products);
  lua_setfield(L, -2, "products");
  lua_pushnumber(L, c->backward_products);
  lua_setfield(L, -2, "backward_products");
  push_cell(L, &c->forward, "forward");
  push_cell(L, &c->backward, "backward");
}

static int measure_stop (lua_State *L) {
  lfx_takes_nothing(L, "stop");
  lfx_check(L, fx_profile_stop(), "measure.stop");
  lua_createtable(L, fx_profile_count(), 0);
  for (int i = 0; i < fx_profile_count(); i++) {
    push_call(L, fx_profile_call(i));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int measure_time (lua_State *L) {
  static const char *const known[] = { "part", "repeats", NULL };
  const int64_t index = lfx_to_int(L, 1, "measure.time", "call");
  const lfx_options o = lfx_read_options(L, 2, "measure.time", known, false);
  const fx_call_part part =
      (fx_call_part)lfx_choice(&o, "part", "forward|backward|backward_first|backward_rest", 0);
  const int64_t repeats = lfx_int(&o, "repeats", 5);
  const fx_call *call = fx_profile_call(index < 1 || index > INT32_MAX ? -1 : (int)index - 1);
  if (!call)
    return luaL_error(L, "measure.time: there is no call %I; the last profile has %d",
                      (LUAI_UACINT)index, fx_profile_count());
  if (repeats < 1 || repeats > MOST_REPEATS)
    return luaL_error(L, "measure.time: 'repeats' must lie in 1..%d, got %I", MOST_REPEATS,
                      (LUAI_UACINT)repeats);
  double *seconds = lua_newuserdatauv(L, (size_t)repeats * sizeof *seconds, 0);
  fx_status st;
  LFX_TRY(L, st, fx_call_time(call, part, (int)repeats, seconds));
  lfx_check(L, st, "measure.time");
  lua_createtable(L, (int)repeats, 0);
  for (int i = 0; i < (int)repeats; i++) {
    lua_pushnumber(L, seconds[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int measure_fma (lua_State *L) {
  const int64_t iterations = lfx_to_int(L, 1, "measure.fma", "iterations");
  double flop = 0;
  if (iterations < 1)
    return luaL_error(L, "measure.fma: 'iterations' must be at least 1, got %I",
                      (LUAI_UACINT)iterations);
  const fx_kernel_fma_loop args = { .items = fx_threads(),
                                    .iterations = iterations,
                                    .flop = &flop };
  lfx_check(L, fx_backend_current()->fma_loop(&args), "measure.fma");
  lua_pushnumber(L, flop);
  return 1;
}

void lfx_open_measure (lua_State *L) {
  static const luaL_Reg functions[] = { { "start", measure_start },
                                        { "stop", measure_stop },
                                        { "time", measure_time },
                                        { "fma", measure_fma },
                                        { NULL, NULL } };
  lfx_functions(L, "measure", functions);
}
