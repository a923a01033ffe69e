/*
** lfx.h - what the files of the Lua binding share.
**
** The binding is the only part of FlexLab that knows Lua, and the only one that may raise. Three
** rules keep longjmp harmless:
**
**   1. A function raises only while it owns nothing. What a C function is about to own gets a
**      userdata first (a handle or a guard, holding NULL), so that the collector frees it if a
**      later Lua call raises.
**   2. The core is called between two Lua calls, never across one; it never calls back into Lua.
**   3. __gc and __close allocate nothing in Lua, never raise, and may be called twice.
**
** Errors are programmer's mistakes and blame the caller's line; what the world does (files) is
** returned as nil and a message. Indices and axes count from 1 in Lua; one place each converts
** them.
*/
#ifndef LFX_H
#define LFX_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

#include "autograd/tape.h"

#define LFX_TENSOR "flexlab.Tensor"

/* --- handles (lscope.c) ----------------------------------------------------------------------- */

/* A node of a scope's ring of handles; the ring does not own them. */
typedef struct lfx_node {
  struct lfx_node *prev, *next;
} lfx_node;

struct lfx_scope;

/* A tensor's userdata. t == NULL: ended, by its scope or by free(). */
typedef struct lfx_handle {
  lfx_node node;           /* first: a node is its handle; alone when in no scope    */
  fx_tensor *t;            /* owned                                                  */
  struct lfx_scope *scope; /* whose ring it is in, or NULL                           */
  int line;                /* where it was made: source:line; -1 unknown             */
  bool freed;              /* ended by t:free(), not by a scope                      */
  bool persistent;         /* a parameter or optimiser state: scopes leave it alone  */
  char source[LUA_IDSIZE];
} lfx_handle;

/* Pushes a new handle that holds nothing yet, made by the calling Lua line, in the open scope. */
lfx_handle *lfx_push_handle(lua_State *L);

/* Pushes a handle that retains t; a persistent one belongs to no scope. */
lfx_handle *lfx_push_tensor(lua_State *L, fx_tensor *t, bool persistent);

/* The live handle at idx, else NULL (not a tensor); a dead one raises. */
lfx_handle *lfx_test_handle(lua_State *L, int idx);

/* The tensor at idx; raises "what: argument 2 (name) must be a tensor, got ...". Borrowed: it lives
** as long as the value stays on the stack and nobody frees it. */
fx_tensor *lfx_check_tensor(lua_State *L, int idx, const char *what, const char *name);

/* The same, but nil or nothing gives NULL. */
fx_tensor *lfx_opt_tensor(lua_State *L, int idx, const char *what, const char *name);

/* self of a method. */
lfx_handle *lfx_self(lua_State *L);

/* Metamethods __gc and __close (also t:free()) of the class, which ltensor.c makes. */
int lfx_handle_gc(lua_State *L);
int lfx_handle_free(lua_State *L);

/* --- failures (lfail.c) ----------------------------------------------------------------------- */

/* Raises the core's message unless st is FX_OK: "what: message", or the message if what is NULL. */
void lfx_check(lua_State *L, fx_status st, const char *what);

/* For the world: pushes nil and the core's message, returns 2. FX_EINTR and FX_ENOMEM raise. */
int lfx_refused(lua_State *L, fx_status st);

/* true, or nil and the message. */
int lfx_done(lua_State *L, fx_status st);

/* --- memory (lscope.c) ------------------------------------------------------------------------ */

/* st = call; if memory is short: collects garbage, gives back cached blocks, and tries once more.
** The call must leave its results untouched when it fails. */
#define LFX_TRY(L, st, call) \
  do { \
    (st) = (call); \
    if ((st) == FX_ENOMEM) { \
      lfx_collect(L); \
      (st) = (call); \
    } \
  } while (0)

/* Collects if the live bytes exceed the budget. Called before an op takes its arguments. */
void lfx_budget(lua_State *L);
void lfx_collect(lua_State *L);

/* --- guards (lguard.c) ------------------------------------------------------------------------ */

/* Ends what must end when a C block is left by an error: a zeroed userdata of `size` bytes whose
** `end` runs once, at lfx_guard_end or when collected. */
void *lfx_push_guard(lua_State *L, size_t size, void (*end)(void *payload));
void lfx_guard_end(void *payload);

/* --- words (lwords.c) ------------------------------------------------------------------------- */

/* Raises "what: no <noun> 'word'; the nearest is 'known' (known: a, b and c)". */
int lfx_unknown(lua_State *L, const char *what, const char *noun, const char *word,
                const char *const *known);

/* --- values and options (loptions.c) ---------------------------------------------------------- */

/* Pushes a short text of the value at idx for messages: 1.5, "abc", a table, a tensor. */
const char *lfx_describe(lua_State *L, int idx);

/* Raises where a function that takes nothing was given an argument: it would be ignored. */
void lfx_takes_nothing(lua_State *L, const char *what);

/* A place to read options from; index 0: no table was given. */
typedef struct {
  lua_State *L;
  const char *what; /* the function's name, for messages */
  int index;        /* of the table, absolute            */
} lfx_options;

/* The options at idx: a table, or nil or nothing. Keys that are not in `known` (NULL ends it) raise
** and name the nearest. A list part is refused unless list is true. */
lfx_options lfx_read_options(lua_State *L, int idx, const char *what, const char *const *known,
                             bool list);

/* Raises for keys of table `index` that `known` lacks (see above). */
void lfx_check_keys(lua_State *L, int index, const char *what, const char *const *known, bool list);

/* Pushes the option and returns true, or pushes nothing. */
bool lfx_option(const lfx_options *o, const char *name);

int64_t lfx_int(const lfx_options *o, const char *name, int64_t value);
double lfx_number(const lfx_options *o, const char *name, double value);
bool lfx_flag(const lfx_options *o, const char *name, bool value);
int lfx_choice(const lfx_options *o, const char *name, const char *words, int value);
fx_dtype lfx_dtype(const lfx_options *o, const char *name, fx_dtype value);
const char *lfx_string(const lfx_options *o, const char *name, const char *value);

/* The index of `word` in "a|b|c"; unknown words raise. */
int lfx_word(lua_State *L, const char *what, const char *name, const char *word, const char *words);

/* The value at idx as an integer (floats with an integral value too); name is for messages. */
int64_t lfx_to_int(lua_State *L, int idx, const char *what, const char *name);
double lfx_to_number(lua_State *L, int idx, const char *what, const char *name);

/* The list at idx: sizes as they are, or axes from 1 or -1 turned into axes from 0 or -1. */
fx_dims lfx_to_dims(lua_State *L, int idx, const char *what, const char *name, bool axes);
int64_t lfx_axis(lua_State *L, const char *what, const char *name, int64_t axis);

/* The key {seed=, stream=, sample=, member=, step=} at idx; an absent stream is `stream`. */
fx_rng lfx_to_key(lua_State *L, int idx, const char *what, const char *name, uint32_t stream);

/* Index i (from 1, or -1 from the end) into `size` entries, as an offset from 0; raises. */
int64_t lfx_index(lua_State *L, const char *what, int64_t i, int64_t size);

/* The string keys of the table at idx in byte order: pushes a buffer that holds *count pointers,
** which live as long as the buffer and the table do. Other kinds of keys raise. */
const char **lfx_push_sorted_keys(lua_State *L, int idx, const char *what, int *count);

/* The list of numbers at idx: pushes a buffer that holds them. */
double *lfx_push_numbers(lua_State *L, int idx, const char *what, const char *name, int64_t *count);

/* Pushes {2,64,64,1}. */
void lfx_push_dims(lua_State *L, const fx_dims *dims);

/* --- classes (lclass.c) ----------------------------------------------------------------------- */

/* Makes the metatable `class` with `meta`, methods under __index, and leaves nothing on the stack.
** An unknown method or property raises and names the nearest. */
void lfx_class(lua_State *L, const char *class, const luaL_Reg *meta, const luaL_Reg *methods);

/* core.<field> = a table of functions, or (field NULL) functions into core itself; core on top. */
void lfx_functions(lua_State *L, const char *field, const luaL_Reg *functions);

/* Raises "<class>: no method or property 'key'" for the key at 2; known are the keys of the table
** at `methods` and the words of `more` (NULL, or ended by NULL). */
int lfx_no_field(lua_State *L, const char *class, int methods, const char *const *more);

/* --- the parts: each adds itself to the module table on top of the stack ---------------------- */

void lfx_open_guard(lua_State *L);  /* no function: the class of guards              */
void lfx_open_words(lua_State *L);  /* nearest unknown                               */
void lfx_open_scope(lua_State *L);  /* scope no_grad memory reset_peak set_budget   */
void lfx_open_create(lua_State *L); /* tensor zeros full normal uniform arange      */
void lfx_open_op(lua_State *L);     /* every op; core.ops                           */
void lfx_open_tensor(lua_State *L); /* the class; after lfx_open_op                 */
void lfx_open_nn(lua_State *L);
void lfx_open_flex(lua_State *L);
void lfx_open_optim(lua_State *L);
void lfx_open_io(lua_State *L);
void lfx_open_field_writer(lua_State *L);
void lfx_open_container(lua_State *L);
void lfx_open_sys(lua_State *L);
void lfx_open_process(lua_State *L); /* adds to core.sys: after lfx_open_sys       */
void lfx_open_json(lua_State *L);
void lfx_open_flow(lua_State *L);
void lfx_open_metrics(lua_State *L);
void lfx_open_measure(lua_State *L);

/* Runs an op and pushes its result:  y = LFX_OP(L, silu, .x = x)->t */
#define LFX_OP(L, op, ...) lfx_apply((L), &fx_ops[FX_OP_##op], FX_ARGS(op, __VA_ARGS__))
lfx_handle *lfx_apply(lua_State *L, const fx_op *op, const void *args);

/* The ops as functions (ends with NULL), which are also the tensors' methods. */
extern const luaL_Reg lfx_op_functions[];

/* Metamethods of operators; they live with the ops. */
extern const luaL_Reg lfx_operators[];

int luaopen_flexlab_core(lua_State *L);

#endif
