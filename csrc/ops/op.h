/*
** op.h - what ops.def becomes: argument structs, gradients' slots, prototypes, descriptors.
**
** An op is a pair of pure functions. forward checks shapes, makes the result and may keep tensors
** for backward; backward writes a new tensor (or a view of dy) through each slot that is not NULL.
** *y and the slots hold NULL at first; on failure the caller releases what they hold. Neither knows
** of the tape (autograd/tape.h), which calls them: fx_conv2d(FX_ARGS(conv2d, ...), &y) is declared there.
**
** Defaults. A struct of arguments that C fills by itself has zeros where nothing is said, and a zero is
** seldom the default (a scale of 0, a padding of 0). So each op has its defaults as a constant, and
** FX_ARGS begins with them. Refused: a literal that says them and then what differs, { .pad = -1,
** .pad = 0 }, since compilers rightly warn of what is said twice.
*/
#ifndef FX_OP_H
#define FX_OP_H

#include "base/each.h"
#include "kernels/kernels.h"
#include "tensor/tensor.h"

/* What forward keeps for backward beside its arguments: its output, or statistics. Owned. */
#define FX_MAX_KEPT 3
typedef struct {
  fx_tensor *t[FX_MAX_KEPT];
  bool wanted; /* false: no backward will follow, keep nothing */
} fx_kept;

/* --- typed arguments: fx_conv2d_args { fx_tensor *x, *w, *b; int64_t stride; ... fx_padding padding; } --- */
#define OPERAND(name, shape) fx_tensor *name;
#define INT(name, value) int64_t name;
#define NUMBER(name, value) double name;
#define FLAG(name, value) bool name;
#define CHOICE(name, family, value) fx_##family name;
#define AXIS(name, value) int64_t name;
#define START(name, x, axis, value) int64_t name;
#define AXES(name) fx_dims name;
#define DIMS(name) fx_dims name;
#define KEY(name, p) fx_rng name;
#define OP(name, doc, ...) \
  typedef struct { \
    __VA_ARGS__ \
  } fx_##name##_args; \
  extern const fx_##name##_args fx_##name##_defaults; /* operands NULL */
#include "ops.def"

/* --- where gradients go: fx_conv2d_grads { fx_tensor **x, **w, **b; }, NULL where none is wanted -- */
#define OPERAND(name, shape) fx_tensor **name;
#define OP(name, doc, ...) \
  typedef struct { \
    __VA_ARGS__ \
  } fx_##name##_grads; \
  fx_status fx_##name##_forward(const fx_##name##_args *a, fx_kept *kept, fx_tensor **y); \
  fx_status fx_##name##_backward(const fx_##name##_args *a, const fx_kept *kept, \
                                 const fx_tensor *dy, const fx_##name##_grads *d);
#include "ops.def"

/* A pointer to an op's arguments, which live as long as the block around: what is not said has its
** default of ops.def.   FX_ARGS(conv2d, .x = x, .w = w, .padding = FX_PADDING_CIRCULAR)
** Lists are values: .shape = FX_DIMS(n, -1, d). */
#define FX_ARGS(op, ...) FX_ARGS_IN(FX_JOIN(fx_args_, __COUNTER__), op, __VA_ARGS__)
#define FX_ARGS_IN(a, op, ...) \
  (fx_##op##_args[1]) { \
    __extension__({ \
      fx_##op##_args a = fx_##op##_defaults; \
      FX_EACH(FX_ARGS_SET, a, __VA_ARGS__) \
      a; \
    }) \
  }
#define FX_ARGS_SET(a, said) (void)(a said);

/* --- descriptors ------------------------------------------------------------------------------- */

#define FX_MAX_OPERANDS 20 /* of a transformer block as a segment: 18 */

typedef enum {
  FX_ARG_TENSOR,
  FX_ARG_LINEAR,
  FX_ARG_OPTIONAL,
  FX_ARG_OPTIONAL_VALUES,
  FX_ARG_NOGRAD, /* operands, in this order first */
  FX_ARG_INT,
  FX_ARG_NUMBER,
  FX_ARG_FLAG,
  FX_ARG_CHOICE,
  FX_ARG_AXIS,
  FX_ARG_START,
  FX_ARG_AXES,
  FX_ARG_DIMS,
  FX_ARG_KEY
} fx_arg_kind;

static inline bool fx_arg_is_optional (fx_arg_kind kind) {
  return kind == FX_ARG_OPTIONAL || kind == FX_ARG_OPTIONAL_VALUES;
}

typedef struct {
  const char *name;
  fx_arg_kind kind;
  const char *text; /* shape of an operand; words of a choice, "a|b|c" */
  double value;     /* default of an option                            */
} fx_arg;

typedef struct fx_op {
  const char *name, *doc;
  const char *result; /* shape of what it gives */
  const fx_arg *args;
  int arg_count;
  const char *const *options; /* their names; NULL ends them                                 */
  bool or_number;             /* in Lua a number may stand for one of the two operands       */
  double backward_products;   /* multiply-adds of backward over those of forward; 0: none    */
  size_t size;                /* of the argument struct                                      */
  const void *defaults;       /* an argument struct                                          */
  /* Addresses of the operands inside an argument struct, in order; returns their number. */
  int (*operands)(void *args, fx_tensor **list[FX_MAX_OPERANDS]);
  /* Multiply-adds for each element of the result. */
  int64_t (*products)(const void *args);
  fx_status (*forward)(const void *args, fx_kept *kept, fx_tensor **y);
  fx_status (*backward)(const void *args, const fx_kept *kept, const fx_tensor *dy,
                        fx_tensor **slots[FX_MAX_OPERANDS]);
} fx_op;

#define OP(name, doc, ...) FX_OP_##name,
typedef enum {
#include "ops.def"
  FX_OP_COUNT
} fx_op_index;

extern const fx_op fx_ops[FX_OP_COUNT];

/* The words of a family, "zeros|circular" in the order of its enum:  FX_WORDS(padding) */
#define FX_WORDS(family) (&fx_##family##_words[1])
#define WORDS(family, ...) extern const char fx_##family##_words[];
#include "ops.def"

#endif
