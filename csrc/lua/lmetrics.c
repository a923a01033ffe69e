/*
** lmetrics.c - core.metrics: each row of fx_metrics is a function of (prediction, truth), each row of
** fx_ensemble_metrics one of (members, truth); statistics of fields, and sums over ensembles.
**
**   core.metrics.rfne(p, y) -> (N) f64              core.metrics.spread_skill(members, truth) -> (1)
**   core.metrics.ensemble(members, truth) -> { mean=, spread=, crps= }
**   core.metrics.spectrum(t, { quantity = "energy" }) -> (N,bins) f64
**   core.metrics.calibration(8) -> object with add, scores, ranks, pulls
**   core.metrics.list -> { { name=, unit=, better=, takes = "pair|ensemble", doc= }, ... }
*/
#include "lua/lfx.h"

#include "metrics/calibration.h"
#include "metrics/ensemble.h"
#include "metrics/metric.h"
#include "metrics/spectrum.h"
#include "metrics/statistics.h"

/* Pushes the tensor that a call makes into a new handle `h`. */
#define PUSH_MADE(L, call) \
  do { \
    fx_status st; \
    lfx_handle *h = lfx_push_handle(L); \
    LFX_TRY(L, st, call); \
    lfx_check(L, st, NULL); \
  } while (0)

/* upvalue 1: the row of fx_metrics */
static int metric (lua_State *L) {
  const fx_metric *m = lua_touserdata(L, lua_upvalueindex(1));
  const fx_tensor *p = lfx_check_tensor(L, 1, m->name, "prediction");
  const fx_tensor *y = lfx_check_tensor(L, 2, m->name, "truth");
  PUSH_MADE(L, m->function(p, y, &h->t));
  return 1;
}

static int ensemble (lua_State *L) {
  const fx_tensor *members = lfx_check_tensor(L, 1, "ensemble", "members");
  const fx_tensor *truth = lfx_opt_tensor(L, 2, "ensemble", "truth");
  lua_createtable(L, 0, 3);
  PUSH_MADE(L, fx_ensemble_mean(members, &h->t));
  lua_setfield(L, -2, "mean");
  if (members->shape[0] > 1) {
    PUSH_MADE(L, fx_ensemble_spread(members, &h->t));
    lua_setfield(L, -2, "spread");
  }
  if (truth) {
    PUSH_MADE(L, fx_ensemble_crps(members, truth, &h->t));
    lua_setfield(L, -2, "crps");
  }
  return 1;
}

/* --- statistics of fields -------------------------------------------------------------------------- */

static int spectrum (lua_State *L) {
  static const char *const known[] = { "window", "kind", "quantity", "spacing", NULL };
  const fx_tensor *t = lfx_check_tensor(L, 1, "spectrum", "field");
  const lfx_options o = lfx_read_options(L, 2, "spectrum", known, false);
  const fx_spectrum_options options = {
    .kind = (fx_spectrum_kind)lfx_choice(&o, "kind", "sum|mean", FX_SPECTRUM_SUM),
    .hann = lfx_flag(&o, "window", false),
    .quantity = (fx_spectrum_quantity)lfx_choice(&o, "quantity", "power|energy|enstrophy",
                                                 FX_SPECTRUM_POWER),
    .spacing = lfx_number(&o, "spacing", 0.0),
  };
  PUSH_MADE(L, fx_power_spectrum(t, &options, &h->t));
  return 1;
}

static int coherence (lua_State *L) {
  static const char *const known[] = { "window", NULL };
  const fx_tensor *p = lfx_check_tensor(L, 1, "coherence", "prediction");
  const fx_tensor *y = lfx_check_tensor(L, 2, "coherence", "truth");
  const lfx_options o = lfx_read_options(L, 3, "coherence", known, false);
  const bool window = lfx_flag(&o, "window", false);
  PUSH_MADE(L, fx_spectral_coherence(p, y, window, &h->t));
  return 1;
}

static int divergence (lua_State *L) {
  static const char *const known[] = { "periodic", NULL };
  const fx_tensor *t = lfx_check_tensor(L, 1, "divergence", "velocity");
  const lfx_options o = lfx_read_options(L, 2, "divergence", known, false);
  const bool periodic = lfx_flag(&o, "periodic", true);
  PUSH_MADE(L, fx_divergence(t, periodic, &h->t));
  return 1;
}

static int moments (lua_State *L) {
  const fx_tensor *t = lfx_check_tensor(L, 1, "moments", "field");
  PUSH_MADE(L, fx_moments(t, &h->t));
  return 1;
}

static int histogram (lua_State *L) {
  static const char *const known[] = { "low", "high", "bins", NULL };
  const fx_tensor *t = lfx_check_tensor(L, 1, "histogram", "field");
  const lfx_options o = lfx_read_options(L, 2, "histogram", known, false);
  const double low = lfx_number(&o, "low", -1.0), high = lfx_number(&o, "high", 1.0);
  const int64_t bins = lfx_int(&o, "bins", 64);
  PUSH_MADE(L, fx_histogram(t, low, high, bins, &h->t));
  return 1;
}

static int exceedances (lua_State *L) {
  int64_t count = 0;
  const fx_tensor *t = lfx_check_tensor(L, 1, "exceedances", "field");
  const double *thresholds = lfx_push_numbers(L, 2, "exceedances", "thresholds", &count);
  PUSH_MADE(L, fx_exceedances(t, thresholds, count, &h->t));
  return 1;
}

static int structure_function (lua_State *L) {
  static const char *const known[] = { "order", "separations", "periodic", NULL };
  const fx_tensor *t = lfx_check_tensor(L, 1, "structure_function", "field");
  const lfx_options o = lfx_read_options(L, 2, "structure_function", known, false);
  const int64_t half =
      t->ndim == 4 ? (t->shape[1] < t->shape[2] ? t->shape[1] : t->shape[2]) / 2 : 1;
  const int64_t order = lfx_int(&o, "order", 2), separations = lfx_int(&o, "separations", half);
  const bool periodic = lfx_flag(&o, "periodic", true);
  PUSH_MADE(L, fx_structure_function(t, order < 0 || order > 99 ? 0 : (int)order, separations,
                                     periodic, &h->t));
  return 1;
}

/* --- sums over ensembles ------------------------------------------------------------------------------ */

#define CALIBRATION "flexlab.Calibration"

typedef struct {
  fx_calibration *sums;
} holder;

static fx_calibration *self (lua_State *L) {
  const holder *h = luaL_checkudata(L, 1, CALIBRATION);
  if (!h->sums)
    luaL_error(L, "calibration: it is closed already");
  return h->sums;
}

/* Pushes a new object. */
static fx_calibration *push_calibration (lua_State *L, int64_t members) {
  fx_status st;
  holder *h = lua_newuserdatauv(L, sizeof *h, 0);
  h->sums = NULL;
  luaL_setmetatable(L, CALIBRATION);
  LFX_TRY(L, st, fx_calibration_new(members, &h->sums));
  lfx_check(L, st, NULL);
  return h->sums;
}

static int calibration (lua_State *L) {
  push_calibration(L, lfx_to_int(L, 1, "calibration", "members"));
  return 1;
}

static int calibration_close (lua_State *L) {
  holder *h = luaL_checkudata(L, 1, CALIBRATION);
  fx_calibration_free(h->sums);
  h->sums = NULL;
  return 0;
}

/* The arguments members, truth, key from `first` on. */
static void add_from (lua_State *L, fx_calibration *c, int first, const char *what) {
  fx_status st;
  const fx_tensor *members = lfx_check_tensor(L, first, what, "members");
  const fx_tensor *truth = lfx_check_tensor(L, first + 1, what, "truth");
  const fx_rng none = { .stream = FX_STREAM_USER };
  const fx_rng key =
      lua_isnoneornil(L, first + 2) ? none : lfx_to_key(L, first + 2, what, "key", FX_STREAM_USER);
  LFX_TRY(L, st, fx_calibration_add(c, members, truth, key));
  lfx_check(L, st, NULL);
}

static int calibration_add (lua_State *L) {
  add_from(L, self(L), 2, "calibration");
  lua_settop(L, 1);
  return 1;
}

static int calibration_ranks (lua_State *L) {
  const fx_calibration *c = self(L);
  PUSH_MADE(L, fx_calibration_ranks(c, &h->t));
  return 1;
}

static int calibration_pulls (lua_State *L) {
  const fx_calibration *c = self(L);
  PUSH_MADE(L, fx_calibration_pulls(c, &h->t));
  return 1;
}

static int calibration_scores (lua_State *L) {
  const fx_calibration *c = self(L);
  lua_newtable(L);
  for (const fx_ensemble_metric *m = fx_ensemble_metrics; m->name; m++) {
    lua_pushnumber(L, m->value(c));
    lua_setfield(L, -2, m->name);
  }
  lua_pushinteger(L, fx_calibration_members(c));
  lua_setfield(L, -2, "members");
  lua_pushinteger(L, fx_calibration_samples(c));
  lua_setfield(L, -2, "samples");
  lua_pushnumber(L, fx_ideal_pull_sd(fx_calibration_members(c)));
  lua_setfield(L, -2, "ideal_pull_sd");
  return 1;
}

/* upvalue 1: the row of fx_ensemble_metrics */
static int ensemble_metric (lua_State *L) {
  const fx_ensemble_metric *m = lua_touserdata(L, lua_upvalueindex(1));
  const fx_tensor *members = lfx_check_tensor(L, 1, m->name, "members");
  const int64_t one = 1;
  lua_settop(L, 3);
  fx_calibration *c = push_calibration(L, members->ndim > 0 ? members->shape[0] : 0);
  add_from(L, c, 1, m->name);
  PUSH_MADE(L, fx_tensor_new(FX_F64, 1, &one, &h->t));
  fx_f64(((lfx_handle *)lua_touserdata(L, -1))->t)[0] = m->value(c);
  return 1;
}

/* --- the table ------------------------------------------------------------------------------------------ */

static void push_row (lua_State *L, const char *name, const char *unit, fx_metric_direction better,
                      const char *takes, const char *doc) {
  const char *const fields[][2] = { { "name", name },
                                    { "unit", unit },
                                    { "better", fx_direction_name(better) },
                                    { "takes", takes },
                                    { "doc", doc } };
  lua_createtable(L, 0, 5);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    lua_pushstring(L, fields[i][1]);
    lua_setfield(L, -2, fields[i][0]);
  }
  lua_rawseti(L, -2, luaL_len(L, -2) + 1);
}

static void push_list (lua_State *L) {
  lua_newtable(L);
  for (const fx_metric *m = fx_metrics; m->name; m++)
    push_row(L, m->name, m->unit, m->direction, "pair", m->doc);
  for (const fx_ensemble_metric *m = fx_ensemble_metrics; m->name; m++)
    push_row(L, m->name, m->unit, m->direction, "ensemble", m->doc);
}

void lfx_open_metrics (lua_State *L) {
  static const luaL_Reg functions[] = {
    { "ensemble", ensemble },       { "spectrum", spectrum },
    { "coherence", coherence },     { "divergence", divergence },
    { "moments", moments },         { "histogram", histogram },
    { "exceedances", exceedances }, { "structure_function", structure_function },
    { "calibration", calibration }, { NULL, NULL }
  };
  static const luaL_Reg meta[] = { { "__gc", calibration_close },
                                   { "__close", calibration_close },
                                   { NULL, NULL } };
  static const luaL_Reg methods[] = {
    { "add", calibration_add },     { "scores", calibration_scores },
    { "ranks", calibration_ranks }, { "pulls", calibration_pulls },
    { "close", calibration_close }, { NULL, NULL }
  };
  lfx_class(L, CALIBRATION, meta, methods);
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  for (const fx_metric *m = fx_metrics; m->name; m++) {
    lua_pushlightuserdata(L, (void *)m);
    lua_pushcclosure(L, metric, 1);
    lua_setfield(L, -2, m->name);
  }
  for (const fx_ensemble_metric *m = fx_ensemble_metrics; m->name; m++) {
    lua_pushlightuserdata(L, (void *)m);
    lua_pushcclosure(L, ensemble_metric, 1);
    lua_setfield(L, -2, m->name);
  }
  push_list(L);
  lua_setfield(L, -2, "list");
  lua_setfield(L, -2, "metrics");
}
