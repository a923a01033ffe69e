/*
** lmetrics.c - core.metrics: each row of fx_metrics is a function of (prediction, truth).
**
**   core.metrics.rfne(p, y) -> (N) f64
**   core.metrics.ensemble(members, truth) -> { mean=, spread=, crps= }
**   core.metrics.spectrum(t, { window = true }) -> (N,bins) f64
**   core.metrics.list -> { { name=, unit=, better=, doc= }, ... }
*/
#include "lua/lfx.h"

#include "metrics/ensemble.h"
#include "metrics/metric.h"
#include "metrics/spectrum.h"

/* upvalue 1: the row of fx_metrics */
static int metric (lua_State *L) {
  const fx_metric *m = lua_touserdata(L, lua_upvalueindex(1));
  const fx_tensor *p = lfx_check_tensor(L, 1, m->name, "prediction");
  const fx_tensor *y = lfx_check_tensor(L, 2, m->name, "truth");
  fx_status st;
  lfx_handle *h = lfx_push_handle(L);
  LFX_TRY(L, st, m->function(p, y, &h->t));
  lfx_check(L, st, NULL);
  return 1;
}

static int ensemble (lua_State *L) {
  const fx_tensor *members = lfx_check_tensor(L, 1, "ensemble", "members");
  const fx_tensor *truth = lfx_opt_tensor(L, 2, "ensemble", "truth");
  fx_status st;
  lua_createtable(L, 0, 3);
  lfx_handle *h = lfx_push_handle(L);
  LFX_TRY(L, st, fx_ensemble_mean(members, &h->t));
  lfx_check(L, st, NULL);
  lua_setfield(L, -2, "mean");
  if (members->shape[0] > 1) {
    h = lfx_push_handle(L);
    LFX_TRY(L, st, fx_ensemble_spread(members, &h->t));
    lfx_check(L, st, NULL);
    lua_setfield(L, -2, "spread");
  }
  if (truth) {
    h = lfx_push_handle(L);
    LFX_TRY(L, st, fx_ensemble_crps(members, truth, &h->t));
    lfx_check(L, st, NULL);
    lua_setfield(L, -2, "crps");
  }
  return 1;
}

static int spectrum (lua_State *L) {
  static const char *const known[] = { "window", "kind", NULL };
  const fx_tensor *t = lfx_check_tensor(L, 1, "spectrum", "field");
  const lfx_options o = lfx_read_options(L, 2, "spectrum", known, false);
  const fx_spectrum_options options = { .kind = (fx_spectrum_kind)lfx_choice(&o, "kind", "sum|mean",
                                                                             FX_SPECTRUM_SUM),
                                        .hann = lfx_flag(&o, "window", false) };
  fx_status st;
  lfx_handle *h = lfx_push_handle(L);
  LFX_TRY(L, st, fx_power_spectrum(t, &options, &h->t));
  lfx_check(L, st, NULL);
  return 1;
}

static void push_list (lua_State *L) {
  lua_newtable(L);
  for (int i = 0; fx_metrics[i].name; i++) {
    lua_createtable(L, 0, 4);
    lua_pushstring(L, fx_metrics[i].name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, fx_metrics[i].unit);
    lua_setfield(L, -2, "unit");
    lua_pushstring(L, fx_metrics[i].direction == FX_LOWER_IS_BETTER ? "lower" : "higher");
    lua_setfield(L, -2, "better");
    lua_pushstring(L, fx_metrics[i].doc);
    lua_setfield(L, -2, "doc");
    lua_rawseti(L, -2, i + 1);
  }
}

void lfx_open_metrics (lua_State *L) {
  static const luaL_Reg functions[] = { { "ensemble", ensemble },
                                        { "spectrum", spectrum },
                                        { NULL, NULL } };
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  for (int i = 0; fx_metrics[i].name; i++) {
    lua_pushlightuserdata(L, (void *)&fx_metrics[i]);
    lua_pushcclosure(L, metric, 1);
    lua_setfield(L, -2, fx_metrics[i].name);
  }
  push_list(L);
  lua_setfield(L, -2, "list");
  lua_setfield(L, -2, "metrics");
}
