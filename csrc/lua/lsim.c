/*
** lsim.c - core.flow{...}: the Navier-Stokes solver (sim/navier_stokes.h) as an object; core.perturb:
** fields that a coarse observer cannot tell apart (sim/perturb.h).
*/
#include "lua/lrows.h"

#include "sim/navier_stokes.h"
#include "sim/perturb.h"

#define FLOW "flexlab.Flow"

typedef struct {
  fx_flow *flow;
} holder;

static fx_flow *self (lua_State *L) {
  const holder *h = luaL_checkudata(L, 1, FLOW);
  if (!h->flow)
    luaL_error(L, "flow: it is closed already");
  return h->flow;
}

static const char *const option_names[] = {
#define FIELD(kind, type, name, ...) #name,
#include "sim/flow_options.def"
  NULL
};

/* The options at 1. The numbers of `cylinders` stay on the stack until the flow has read them. */
static void read_options (lua_State *L, fx_flow_options *c) {
  const lfx_options o = lfx_read_options(L, 1, "flow", option_names, false);
  fx_flow_defaults(c);
  lfx_read_rows(&o, fx_flow_option_list, c);
  if (!lfx_option(&o, "cylinders"))
    return;
  c->cylinders = lfx_push_numbers(L, -1, "flow", "cylinders", &c->cylinder_count);
  if (c->cylinder_count % 3 != 0)
    luaL_error(L, "flow: 'cylinders' are x, y, radius of each, got %I numbers",
               (LUAI_UACINT)c->cylinder_count);
  c->cylinder_count /= 3;
}

static int core_flow (lua_State *L) {
  fx_flow_options c;
  fx_status st;
  read_options(L, &c);
  lfx_budget(L);
  holder *h = lua_newuserdatauv(L, sizeof *h, 0);
  h->flow = NULL;
  luaL_setmetatable(L, FLOW);
  LFX_TRY(L, st, fx_flow_new(&c, &h->flow));
  lfx_check(L, st, "flow");
  return 1;
}

/* Pushes every option that is no list. */
static void push_options (lua_State *L, const fx_flow_options *c) {
  lua_newtable(L);
  lfx_set_rows(L, fx_flow_option_list, c);
}

/* What core.flow would make of these options, without making it. */
static int core_flow_settings (lua_State *L) {
  fx_flow_options c;
  read_options(L, &c);
  lfx_check(L, fx_flow_resolve(&c), "flow");
  push_options(L, &c);
  return 1;
}

static int flow_close (lua_State *L) {
  holder *h = luaL_checkudata(L, 1, FLOW);
  fx_flow_free(h->flow);
  h->flow = NULL;
  return 0;
}

static int flow_advance (lua_State *L) {
  fx_flow *flow = self(L);
  lfx_check(L, fx_flow_advance(flow, lfx_to_number(L, 2, "advance", "time")), NULL);
  lua_settop(L, 1);
  return 1;
}

static int flow_time (lua_State *L) {
  lua_pushnumber(L, fx_flow_time(self(L)));
  return 1;
}

/* Pushes the tensor that `make` gives. */
static int push_made (lua_State *L, fx_status (*make)(fx_flow *, fx_tensor **)) {
  fx_flow *flow = self(L);
  fx_status st;
  lfx_budget(L);
  lfx_handle *h = lfx_push_handle(L);
  LFX_TRY(L, st, make(flow, &h->t));
  lfx_check(L, st, NULL);
  return 1;
}

static int flow_vorticity (lua_State *L) { return push_made(L, fx_flow_vorticity); }
static int flow_velocity (lua_State *L) { return push_made(L, fx_flow_velocity); }
static int flow_pressure (lua_State *L) { return push_made(L, fx_flow_pressure); }
static int flow_scalar (lua_State *L) { return push_made(L, fx_flow_scalar); }

static fx_status spectrum (fx_flow *flow, fx_tensor **out) {
  return fx_flow_energy_spectrum(flow, out);
}
static int flow_spectrum (lua_State *L) { return push_made(L, spectrum); }

static int flow_set_vorticity (lua_State *L) {
  fx_flow *flow = self(L);
  const fx_tensor *t = lfx_check_tensor(L, 2, "set_vorticity", "vorticity");
  const double time = lua_isnoneornil(L, 3) ? 0 : lfx_to_number(L, 3, "set_vorticity", "time");
  lfx_check(L, fx_flow_set_vorticity(flow, t, time), NULL);
  lua_settop(L, 1);
  return 1;
}

static int flow_set_scalar (lua_State *L) {
  fx_flow *flow = self(L);
  lfx_check(L, fx_flow_set_scalar(flow, lfx_check_tensor(L, 2, "set_scalar", "scalar")), NULL);
  lua_settop(L, 1);
  return 1;
}

static int flow_settings (lua_State *L) {
  push_options(L, fx_flow_settings(self(L)));
  return 1;
}

static fx_status state (fx_flow *flow, fx_tensor **out) { return fx_flow_state(flow, out); }
static int flow_state (lua_State *L) { return push_made(L, state); }

static fx_status solid (fx_flow *flow, fx_tensor **out) { return fx_flow_solid(flow, out); }
static int flow_solid (lua_State *L) { return push_made(L, solid); }

static int flow_force (lua_State *L) {
  double force[2];
  fx_status st;
  fx_flow *flow = self(L);
  LFX_TRY(L, st, fx_flow_force(flow, force));
  lfx_check(L, st, NULL);
  lua_pushnumber(L, force[0]);
  lua_pushnumber(L, force[1]);
  return 2;
}

static int flow_restore (lua_State *L) {
  fx_flow *flow = self(L);
  const fx_tensor *t = lfx_check_tensor(L, 2, "restore", "state");
  const double time = lfx_to_number(L, 3, "restore", "time");
  lfx_check(L, fx_flow_restore(flow, t, time, lfx_to_int(L, 4, "restore", "steps")), NULL);
  lua_settop(L, 1);
  return 1;
}

static int flow_diagnostics (lua_State *L) {
  fx_flow_report r;
  fx_flow_diagnostics(self(L), &r);
  const struct {
    const char *name;
    double value;
  } rows[] = { { "time", r.time },
               { "dt", r.dt },
               { "energy", r.energy },
               { "enstrophy", r.enstrophy },
               { "palinstrophy", r.palinstrophy },
               { "dissipation", r.dissipation },
               { "injection", r.injection },
               { "enstrophy_dissipation", r.enstrophy_dissipation },
               { "enstrophy_injection", r.enstrophy_injection },
               { "kmax_eta", r.kmax_eta },
               { "scalar_mean", r.scalar_mean },
               { "scalar_variance", r.scalar_variance },
               { "scalar_dissipation", r.scalar_dissipation } };
  lua_createtable(L, 0, 14);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    lua_pushnumber(L, rows[i].value);
    lua_setfield(L, -2, rows[i].name);
  }
  lua_pushinteger(L, r.steps);
  lua_setfield(L, -2, "steps");
  return 1;
}

static int core_perturb (lua_State *L) {
  static const char *const known[] = { "factor", "coarse", "key", NULL };
  const fx_tensor *field = lfx_check_tensor(L, 1, "perturb", "field");
  const lfx_options o = lfx_read_options(L, 2, "perturb", known, false);
  const int64_t factor = lfx_int(&o, "factor", 4);
  const fx_coarse coarse =
      (fx_coarse)lfx_choice(&o, "coarse", "subsample|block_mean|cutoff", FX_COARSE_SUBSAMPLE);
  fx_rng key = { .stream = FX_STREAM_DATA };
  fx_status st;
  if (lfx_option(&o, "key"))
    key = lfx_to_key(L, -1, "perturb", "key", FX_STREAM_DATA);
  lfx_budget(L);
  lfx_handle *h = lfx_push_handle(L);
  LFX_TRY(L, st, fx_perturb_unseen(field, factor, coarse, key, &h->t));
  lfx_check(L, st, NULL);
  return 1;
}

void lfx_open_flow (lua_State *L) {
  static const luaL_Reg meta[] = { { "__gc", flow_close },
                                   { "__close", flow_close },
                                   { NULL, NULL } };
  static const luaL_Reg methods[] = { { "advance", flow_advance },
                                      { "time", flow_time },
                                      { "vorticity", flow_vorticity },
                                      { "velocity", flow_velocity },
                                      { "pressure", flow_pressure },
                                      { "set_vorticity", flow_set_vorticity },
                                      { "spectrum", flow_spectrum },
                                      { "state", flow_state },
                                      { "solid", flow_solid },
                                      { "force", flow_force },
                                      { "restore", flow_restore },
                                      { "diagnostics", flow_diagnostics },
                                      { "scalar", flow_scalar },
                                      { "set_scalar", flow_set_scalar },
                                      { "settings", flow_settings },
                                      { "close", flow_close },
                                      { NULL, NULL } };
  static const luaL_Reg functions[] = { { "flow", core_flow },
                                        { "flow_settings", core_flow_settings },
                                        { "perturb", core_perturb },
                                        { NULL, NULL } };
  lfx_class(L, FLOW, meta, methods);
  lfx_functions(L, NULL, functions);
  lfx_push_rows(L, fx_flow_option_list);
  lua_setfield(L, -2, "flow_options");
}
