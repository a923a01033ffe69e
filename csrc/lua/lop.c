/*
** lop.c - the Lua function of every op, made from ops.def.
**
**   core.conv2d(x, w, b, { stride = 2 })       x:conv2d(w, b, { stride = 2 })
**   x:reshape{2, -1}                           the only option is a list: it may stand alone
**   core.maximum(x, 0)                         a number beside a tensor, in the ops of two operands
**
** One pass over ops.def makes, for each op, a C function that fills the op's own argument struct
** field by field (no table of offsets), refuses what the op does not know, and runs it
** through the tape. Operands come first and in order; optional ones may be nil or left out; the
** options are a last table. Axes and `start` count from 1 here and from 0 in C.
*/
#include "lua/lfx.h"

#include <math.h>
#include <string.h>

#include "autograd/tape.h"
#include "base/interrupt.h"

/* A call of an op being read. */
typedef struct {
  lua_State *L;
  const fx_op *op;
  lfx_options o;
  int given; /* positional arguments before the options          */
  int taken; /* of them, read so far                              */
  bool list; /* the options are the op's list itself              */
} call;

/* Whether the op has one option and that is a list. */
static bool only_a_list (const fx_op *op) {
  const fx_arg_kind last = op->args[op->arg_count - 1].kind; /* options come last */
  return op->options[0] && !op->options[1] && (last == FX_ARG_AXES || last == FX_ARG_DIMS);
}

static bool is_list (lua_State *L, int idx) {
  if (lua_rawlen(L, idx) > 0)
    return true;
  lua_pushnil(L);
  if (!lua_next(L, idx))
    return true;
  lua_pop(L, 2);
  return false;
}

static call begin (lua_State *L, const fx_op *op) {
  call c = { .L = L, .op = op, .o = { L, op->name, 0 }, .given = lua_gettop(L) };
  lfx_budget(L);
  luaL_checkstack(L, 12, op->name);
  if (c.given > 0 && lua_istable(L, c.given)) {
    c.o.index = c.given--;
    c.list = only_a_list(op) && is_list(L, c.o.index);
    lfx_check_keys(L, c.o.index, op->name, c.list ? op->options + 1 : op->options, c.list);
  }
  while (c.given > 0 && lua_isnil(L, c.given))
    c.given--;
  return c;
}

/* --- operands --------------------------------------------------------------------------------- */

static int not_a_tensor (const call *c, int idx, const char *name, const char *shape) {
  if (idx > c->given)
    return luaL_error(c->L, "%s: argument %d (%s %s) is missing; it must be a tensor", c->op->name,
                      idx, name, shape);
  return luaL_error(c->L, "%s: argument %d (%s %s) must be a tensor, got %s", c->op->name, idx,
                    name, shape, lfx_describe(c->L, idx));
}

/* The number at idx as a tensor of the other operand's dtype; its handle is left on the stack. */
static fx_tensor *number_operand (call *c, int idx) {
  const lfx_handle *other = lfx_test_handle(c->L, idx == 1 ? 2 : 1);
  const double value = lua_tonumber(c->L, idx);
  if (!other)
    return NULL;
  lfx_handle *h = lfx_push_handle(c->L);
  fx_status st;
  LFX_TRY(c->L, st, fx_tensor_new(other->t->dtype, 0, NULL, &h->t));
  lfx_check(c->L, st, c->op->name);
  fx_tensor_fill(h->t, value);
  return h->t;
}

static fx_tensor *operand (call *c, const char *name, const char *shape, bool optional) {
  const int idx = ++c->taken;
  if (optional && (idx > c->given || lua_isnil(c->L, idx)))
    return NULL;
  const lfx_handle *h = idx <= c->given ? lfx_test_handle(c->L, idx) : NULL;
  fx_tensor *t = h ? h->t : NULL;
  if (!t && idx <= c->given && c->op->or_number && lua_type(c->L, idx) == LUA_TNUMBER)
    t = number_operand(c, idx);
  if (!t)
    not_a_tensor(c, idx, name, shape);
  return t;
}

/* --- options ---------------------------------------------------------------------------------- */

/* The axis the option says, from 0; absent it is `value`. */
static int64_t axis_option (const call *c, const char *name, int64_t value) {
  if (!lfx_option(&c->o, name))
    return value;
  const int64_t axis = lfx_to_int(c->L, -1, c->op->name, name);
  lua_pop(c->L, 1);
  return lfx_axis(c->L, c->op->name, name, axis);
}

/* The entry of x along an axis that the option says, from 0; absent it is `value`. */
static int64_t start_option (const call *c, const char *name, const fx_tensor *x, int64_t axis,
                             int64_t value) {
  if (!lfx_option(&c->o, name))
    return value;
  const int64_t start = lfx_to_int(c->L, -1, c->op->name, name);
  lua_pop(c->L, 1);
  if (start == 0)
    luaL_error(c->L, "%s: '%s' counts from 1, or from -1 at the end, got 0", c->op->name, name);
  return start > 0 ? start - 1 : start + fx_dim(x, (int)axis);
}

static fx_dims list_option (const call *c, const char *name, bool axes) {
  if (c->list)
    return lfx_to_dims(c->L, c->o.index, c->op->name, name, axes);
  if (!lfx_option(&c->o, name))
    return (fx_dims){ 0 };
  const fx_dims dims = lfx_to_dims(c->L, -1, c->op->name, name, axes);
  lua_pop(c->L, 1);
  return dims;
}

static bool given (const call *c, const char *name) {
  const bool there = lfx_option(&c->o, name);
  lua_pop(c->L, there ? 1 : 0);
  return there;
}

/* Nothing is drawn where the probability, option `chance`, is 0 and was not given. */
static fx_rng key_option (const call *c, const char *name, const char *chance, double p) {
  if (!lfx_option(&c->o, name)) {
    if (p == 0 && !given(c, chance))
      return (fx_rng){ 0 };
    luaL_error(c->L, "%s: '%s' is missing: {seed=, sample=, member=, step=}", c->op->name, name);
  }
  const fx_rng key = lfx_to_key(c->L, -1, c->op->name, name, FX_STREAM_DROPOUT);
  lua_pop(c->L, 1);
  return key;
}

/* --- running ---------------------------------------------------------------------------------- */

lfx_handle *lfx_apply (lua_State *L, const fx_op *op, const void *args) {
  lfx_handle *y = lfx_push_handle(L);
  fx_status st = FX_OK;
  if (fx_interrupted())
    lfx_check(L, FX_EINTR, NULL);
  LFX_TRY(L, st, fx_apply(op, args, &y->t));
  lfx_check(L, st, NULL); /* the tape has put the op's name first */
  return y;
}

static int finish (call *c, const void *args) {
  lua_State *L = c->L;
  if (c->given > c->taken)
    return luaL_error(L, "%s: %d arguments given; it takes %d tensor%s and a table of options",
                      c->op->name, c->given, c->taken, c->taken == 1 ? "" : "s");
  lfx_apply(L, c->op, args);
  return 1;
}

#define OPERAND(name, shape) a.name = operand(&c, #name, shape, false);
#define OPTTENSOR(name, shape) a.name = operand(&c, #name, shape, true);
#define OPTVALUES(name, shape) a.name = operand(&c, #name, shape, true);
#define INT(name, value) a.name = lfx_int(&c.o, #name, value);
#define NUMBER(name, value) a.name = lfx_number(&c.o, #name, value);
#define FLAG(name, value) a.name = lfx_flag(&c.o, #name, value);
#define CHOICE(name, family, value) \
  a.name = (fx_##family)lfx_choice(&c.o, #name, FX_WORDS(family), value);
#define AXIS(name, value) a.name = axis_option(&c, #name, value);
#define START(name, x, axis, value) \
  _Static_assert(offsetof(__typeof__(a), axis) < offsetof(__typeof__(a), name), \
                 #name " is read with " #axis ", which comes before it in ops.def"); \
  a.name = start_option(&c, #name, a.x, a.axis, value);
#define AXES(name) a.name = list_option(&c, #name, true);
#define DIMS(name) a.name = list_option(&c, #name, false);
#define KEY(name, p) \
  _Static_assert(offsetof(__typeof__(a), p) < offsetof(__typeof__(a), name), \
                 #name " is read with " #p ", which comes before it in ops.def"); \
  a.name = key_option(&c, #name, #p, a.p);
#define OP(name, doc, ...) \
  static int op_##name(lua_State *L) { \
    call c = begin(L, &fx_ops[FX_OP_##name]); \
    fx_##name##_args a = fx_##name##_defaults; \
    __VA_ARGS__ \
    return finish(&c, &a); \
  }
#include "ops.def"

#define OP(name, doc, ...) { #name, op_##name },
const luaL_Reg lfx_op_functions[] = {
#include "ops.def"
  { NULL, NULL }
};

/* --- operators -------------------------------------------------------------------------------- */

static int affine (lua_State *L, fx_tensor *t, double scale, double shift) {
  LFX_OP(L, affine, .x = t, .scale = scale, .shift = shift);
  return 1;
}

/* The tensor of an operation with one number; *value and *right say which and where. NULL: two
** tensors. Anything else raises. */
static fx_tensor *beside_number (lua_State *L, const char *sign, double *value, bool *right) {
  for (int i = 1; i <= 2; i++)
    if (lua_type(L, i) != LUA_TNUMBER && !lfx_test_handle(L, i))
      luaL_error(L, "a %s b: both must be tensors or numbers, %s is %s", sign, i == 1 ? "a" : "b",
                 lfx_describe(L, i));
  *right = lua_type(L, 2) == LUA_TNUMBER;
  if (!*right && lua_type(L, 1) != LUA_TNUMBER)
    return NULL;
  *value = lua_tonumber(L, *right ? 2 : 1);
  const lfx_handle *h = lfx_test_handle(L, *right ? 1 : 2);
  lfx_budget(L);
  return h ? h->t : NULL;
}

static int plus (lua_State *L) {
  double v;
  bool right;
  fx_tensor *t = beside_number(L, "+", &v, &right);
  return t ? affine(L, t, 1, v) : op_add(L);
}

static int minus (lua_State *L) {
  double v;
  bool right;
  fx_tensor *t = beside_number(L, "-", &v, &right);
  return t ? affine(L, t, right ? 1 : -1, right ? -v : v) : op_sub(L);
}

static int times (lua_State *L) {
  double v;
  bool right;
  fx_tensor *t = beside_number(L, "*", &v, &right);
  return t ? affine(L, t, v, 0) : op_mul(L);
}

/* A quotient by a number stays a division: multiplying by the reciprocal would round twice. */
static int over (lua_State *L) {
  double v;
  bool right;
  beside_number(L, "/", &v, &right);
  return op_div(L);
}

static int negative (lua_State *L) {
  lfx_budget(L);
  return affine(L, lfx_self(L)->t, -1, 0);
}

static int power (lua_State *L) {
  double v;
  bool right;
  fx_tensor *t = beside_number(L, "^", &v, &right);
  if (!t)
    return luaL_error(L, "a ^ b: a power needs a number on one side");
  if (!right && !(v > 0))
    return luaL_error(L, "a ^ b: the number before '^' must be positive, got %f", v);
  if (right)
    LFX_OP(L, pow, .x = t, .exponent = v);
  else
    LFX_OP(L, exp, .x = LFX_OP(L, affine, .x = t, .scale = log(v))->t);
  return 1;
}

const luaL_Reg lfx_operators[] = { { "__add", plus }, { "__sub", minus }, { "__mul", times },
                                   { "__div", over }, { "__pow", power }, { "__unm", negative },
                                   { NULL, NULL } };

/* --- core.ops --------------------------------------------------------------------------------- */

/* ORDER fx_arg_kind. Whether an op is linear in a tensor is the tape's affair, not the user's. */
static const char *const kind_names[] = { "tensor",
                                          "tensor",
                                          "optional tensor",
                                          "optional tensor",
                                          "tensor without gradient",
                                          "int",
                                          "number",
                                          "flag",
                                          "choice",
                                          "axis",
                                          "start",
                                          "axes",
                                          "dims",
                                          "key" };

/* The default as Lua sees it: axes and starts count from 1. */
static void push_default (lua_State *L, const fx_arg *a) {
  switch (a->kind) {
  case FX_ARG_INT: lua_pushinteger(L, (lua_Integer)a->value); break;
  case FX_ARG_AXIS:
  case FX_ARG_START: lua_pushinteger(L, (lua_Integer)a->value + (a->value >= 0)); break;
  case FX_ARG_NUMBER: lua_pushnumber(L, a->value); break;
  case FX_ARG_FLAG: lua_pushboolean(L, a->value != 0); break;
  case FX_ARG_CHOICE: {
    const char *p = a->text;
    for (int i = 0; i < (int)a->value; i++)
      p += strcspn(p, "|") + 1;
    lua_pushlstring(L, p, strcspn(p, "|"));
    break;
  }
  default: lua_pushnil(L);
  }
}

static void push_args (lua_State *L, const fx_op *op) {
  lua_createtable(L, op->arg_count, 0);
  for (int i = 0; i < op->arg_count; i++) {
    const fx_arg *a = &op->args[i];
    lua_createtable(L, 0, 4);
    lua_pushstring(L, a->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, kind_names[a->kind]);
    lua_setfield(L, -2, "kind");
    lua_pushstring(L, a->text);
    lua_setfield(L, -2, "text");
    push_default(L, a);
    lua_setfield(L, -2, "default");
    lua_rawseti(L, -2, i + 1);
  }
}

void lfx_open_op (lua_State *L) {
  lfx_functions(L, NULL, lfx_op_functions);
  lua_createtable(L, FX_OP_COUNT, 0);
  for (int i = 0; i < FX_OP_COUNT; i++) {
    lua_createtable(L, 0, 4);
    lua_pushstring(L, fx_ops[i].name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, fx_ops[i].doc);
    lua_setfield(L, -2, "doc");
    lua_pushstring(L, fx_ops[i].result);
    lua_setfield(L, -2, "result");
    push_args(L, &fx_ops[i]);
    lua_setfield(L, -2, "args");
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "ops");
}
