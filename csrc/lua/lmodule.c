/*
** lmodule.c - luaopen_flexlab_core: puts the parts together; what the build can do.
*/
#define _GNU_SOURCE /* sched_getaffinity */
#include "lua/lfx.h"

#include <hdf5.h>
#include <sched.h>
#include <stdio.h>

#include "base/log.h"
#include "base/thread.h"
#include "io/h5.h"
#include "kernels/kernels.h"

#ifndef FLEXLAB_VERSION
#error "FLEXLAB_VERSION is set by CMakeLists.txt, which has the version"
#endif
#ifdef FX_SOURCES /* made by tools/sources_hash.cmake */
#include "sources_hash.h"
#else
#define FX_SOURCES_HASH "unknown"
#endif

/* --- what computes ---------------------------------------------------------------------------- */

static int core_threads (lua_State *L) {
  if (!lua_isnoneornil(L, 1)) {
    const int64_t n = lfx_to_int(L, 1, "threads", "n");
    if (n < 1 || n > FX_MAX_THREADS)
      return luaL_error(L, "threads: n must lie in 1..%d, got %I", FX_MAX_THREADS, (LUAI_UACINT)n);
    fx_set_threads((int)n);
  }
  lua_pushinteger(L, fx_threads());
  return 1;
}

static int core_backend (lua_State *L) {
  if (!lua_isnoneornil(L, 1))
    lfx_check(L, fx_backend_use(luaL_checkstring(L, 1)), "backend");
  lua_pushstring(L, fx_backend_current()->name);
  return 1;
}

static int core_isa (lua_State *L) {
  if (!lua_isnoneornil(L, 1))
    lfx_check(L, fx_isa_use(luaL_checkstring(L, 1)), "isa");
  lua_pushstring(L, fx_backend_current()->isa);
  return 1;
}

static void push_isas (lua_State *L) {
  const char *const *names = fx_isas();
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (int i = 0; names[i]; i++) {
    if (i)
      luaL_addchar(&b, ' ');
    luaL_addstring(&b, names[i]);
  }
  luaL_pushresult(&b);
}

static int usable_cores (void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

/* Apart, because a turn at HDF5 may not be held across a call of Lua, which may raise. */
static void hdf5_version (unsigned *major, unsigned *minor, unsigned *release) {
  FX_H5_TURN;
  H5get_libversion(major, minor, release);
}

static int core_info (lua_State *L) {
  lfx_takes_nothing(L, "info");
  unsigned major = 0, minor = 0, release = 0;
  hdf5_version(&major, &minor, &release);
  lua_createtable(L, 0, 10);
  lua_pushliteral(L, FLEXLAB_VERSION);
  lua_setfield(L, -2, "version");
  lua_pushliteral(L, FX_SOURCES_HASH);
  lua_setfield(L, -2, "sources");
  lua_pushstring(L, fx_backend_current()->isa);
  lua_setfield(L, -2, "isa");
  push_isas(L);
  lua_setfield(L, -2, "isas");
  lua_pushstring(L, fx_blas_text());
  lua_setfield(L, -2, "blas");
  lua_pushinteger(L, fx_threads());
  lua_setfield(L, -2, "threads");
  lua_pushinteger(L, usable_cores());
  lua_setfield(L, -2, "cores");
  lua_pushfstring(L, "%d.%d.%d", (int)major, (int)minor, (int)release);
  lua_setfield(L, -2, "hdf5");
  lua_pushliteral(L, "gcc " __VERSION__);
  lua_setfield(L, -2, "compiler");
  return 1;
}

static void push_kernels (lua_State *L) {
  lua_createtable(L, fx_kernel_row_count, 0);
  for (int i = 0; i < fx_kernel_row_count; i++) {
    const fx_kernel_row *row = &fx_kernel_rows[i];
    lua_createtable(L, 0, 3);
    lua_pushstring(L, row->name);
    lua_setfield(L, -2, "name");
    lua_pushboolean(L, row->cpu);
    lua_setfield(L, -2, "cpu");
    lua_pushboolean(L, row->cuda);
    lua_setfield(L, -2, "cuda");
    lua_rawseti(L, -2, i + 1);
  }
}

/* --- opening ---------------------------------------------------------------------------------- */

static int core_is_tensor (lua_State *L) {
  lua_pushboolean(L, luaL_testudata(L, 1, LFX_TENSOR) != NULL);
  return 1;
}

static void print_warning (void *context, const char *text) {
  (void)context;
  fprintf(stderr, "flexlab: warning: %s\n", text);
}

static const luaL_Reg functions[] = {
  { "threads", core_threads }, { "backend", core_backend },     { "isa", core_isa },
  { "info", core_info },       { "is_tensor", core_is_tensor }, { NULL, NULL }
};

__attribute__((visibility("default"))) int luaopen_flexlab_core (lua_State *L) {
  static void (*const parts[])(lua_State *) = {
    lfx_open_guard,        lfx_open_words,     lfx_open_scope,  lfx_open_create,  lfx_open_op,
    lfx_open_tensor,       lfx_open_nn,        lfx_open_flex,   lfx_open_optim,   lfx_open_io,
    lfx_open_field_writer, lfx_open_container, lfx_open_sys,    lfx_open_process, lfx_open_json,
    lfx_open_flow,         lfx_open_metrics,   lfx_open_measure
  };
  luaL_checkversion(L);
  fx_log_set_sink(print_warning, NULL);
  if (fx_isa_start() != FX_OK)
    return luaL_error(L, "%s", fx_errmsg());
  lua_newtable(L);
  lfx_functions(L, NULL, functions);
  push_kernels(L);
  lua_setfield(L, -2, "kernels");
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    parts[i](L);
  lua_pushinteger(L, FX_MAX_THREADS);
  lua_setfield(L, -2, "most_threads");
  lua_pushliteral(L, FLEXLAB_VERSION);
  lua_setfield(L, -2, "_VERSION");
  return 1;
}
