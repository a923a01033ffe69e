/*
** op.h - what ops.def becomes: argument structs, gradients' slots, prototypes, descriptors.
**
** An op is a pair of pure functions. forward checks shapes, makes the result and may keep tensors
** for backward; backward writes a new tensor (or a view of dy) through each slot that is not NULL.
** *y and the slots hold NULL at first; on failure the caller releases what they hold. Neither knows
** of the tape (autograd/tape.h), which calls them: fx_conv2d(&args, &y) is declared there.
*/
#ifndef FX_OP_H
#define FX_OP_H

#include "tensor/tensor.h"

/* What forward keeps for backward beside its arguments: its output, or statistics. Owned. */
#define FX_MAX_KEPT 3
typedef struct {
  fx_tensor *t[FX_MAX_KEPT];
  bool wanted; /* false: no backward will follow, keep nothing */
} fx_kept;

/* --- typed arguments: fx_conv2d_args { fx_tensor *x, *w, *b; int64_t stride, pad; int padding; } -- */
#define TENSOR(name, shape) fx_tensor *name;
#define LINEAR(name, shape) fx_tensor *name;
#define OPTTENSOR(name, shape) fx_tensor *name;
#define OPTVALUES(name, shape) fx_tensor *name;
#define NOGRAD(name, shape) fx_tensor *name;
#define INT(name, value) int64_t name;
#define NUMBER(name, value) double name;
#define FLAG(name, value) bool name;
#define CHOICE(name, words, value) int name;
#define DIMS(name) fx_dims name;
#define KEY(name) fx_rng name;
#define RESULT(shape)
#define OP(name, doc, ...) \
  typedef struct { \
    __VA_ARGS__ \
  } fx_##name##_args;
#include "ops.def"
#undef OP
#undef TENSOR
#undef LINEAR
#undef OPTTENSOR
#undef OPTVALUES
#undef NOGRAD
#undef INT
#undef NUMBER
#undef FLAG
#undef CHOICE
#undef DIMS
#undef KEY
#undef RESULT

/* --- where gradients go: fx_conv2d_grads { fx_tensor **x, **w, **b; }, NULL where none is wanted -- */
#define TENSOR(name, shape) fx_tensor **name;
#define LINEAR(name, shape) fx_tensor **name;
#define OPTTENSOR(name, shape) fx_tensor **name;
#define OPTVALUES(name, shape) fx_tensor **name;
#define NOGRAD(name, shape) fx_tensor **name;
#define INT(name, value)
#define NUMBER(name, value)
#define FLAG(name, value)
#define CHOICE(name, words, value)
#define DIMS(name)
#define KEY(name)
#define RESULT(shape)
#define OP(name, doc, ...) \
  typedef struct { \
    __VA_ARGS__ \
  } fx_##name##_grads; \
  fx_status fx_##name##_forward(const fx_##name##_args *a, fx_kept *kept, fx_tensor **y); \
  fx_status fx_##name##_backward(const fx_##name##_args *a, const fx_kept *kept, \
                                 const fx_tensor *dy, const fx_##name##_grads *d);
#include "ops.def"
#undef OP
#undef TENSOR
#undef LINEAR
#undef OPTTENSOR
#undef OPTVALUES
#undef NOGRAD
#undef INT
#undef NUMBER
#undef FLAG
#undef CHOICE
#undef DIMS
#undef KEY
#undef RESULT

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
  FX_ARG_DIMS,
  FX_ARG_KEY
} fx_arg_kind;

static inline bool fx_arg_is_optional (fx_arg_kind kind) {
  return kind == FX_ARG_OPTIONAL || kind == FX_ARG_OPTIONAL_VALUES;
}

typedef struct {
  const char *name;
  fx_arg_kind kind;
  const char *text; /* shape of an operand; words of a choice */
  double value;     /* default of an option                   */
} fx_arg;

typedef struct fx_op {
  const char *name, *doc;
  const char *result; /* shape of what it gives */
  const fx_arg *args;
  int arg_count;
  size_t size; /* of the argument struct */
  /* Addresses of the operands inside an argument struct, in order; returns their number. */
  int (*operands)(void *args, fx_tensor **list[FX_MAX_OPERANDS]);
  fx_status (*forward)(const void *args, fx_kept *kept, fx_tensor **y);
  fx_status (*backward)(const void *args, const fx_kept *kept, const fx_tensor *dy,
                        fx_tensor **slots[FX_MAX_OPERANDS]);
} fx_op;

#define OP(name, doc, ...) FX_OP_##name,
typedef enum {
#include "ops.def"
  FX_OP_COUNT
} fx_op_index;
#undef OP

extern const fx_op fx_ops[FX_OP_COUNT];

#endif
