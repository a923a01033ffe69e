/*
** table.c - the descriptors of ops.def. Each pass over the file gives the entries another meaning:
** the list of arguments, the operands of a struct, and the two functions behind untyped pointers.
*/
#include "ops/op.h"

/* Pass 1: what an op's arguments are called. */
#define TENSOR(name, shape) { #name, FX_ARG_TENSOR, shape, 0 },
#define LINEAR(name, shape) { #name, FX_ARG_LINEAR, shape, 0 },
#define OPTTENSOR(name, shape) { #name, FX_ARG_OPTIONAL, shape, 0 },
#define OPTVALUES(name, shape) { #name, FX_ARG_OPTIONAL_VALUES, shape, 0 },
#define NOGRAD(name, shape) { #name, FX_ARG_NOGRAD, shape, 0 },
#define INT(name, value) { #name, FX_ARG_INT, NULL, value },
#define NUMBER(name, value) { #name, FX_ARG_NUMBER, NULL, value },
#define FLAG(name, value) { #name, FX_ARG_FLAG, NULL, value },
#define CHOICE(name, words, value) { #name, FX_ARG_CHOICE, words, value },
#define DIMS(name) { #name, FX_ARG_DIMS, NULL, 0 },
#define KEY(name) { #name, FX_ARG_KEY, NULL, 0 },
#define RESULT(shape)
#define OP(name, doc, ...) static const fx_arg name##_args[] = { __VA_ARGS__ };
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

/* Pass 2: where the operands are. */
#define TENSOR(name, shape) list[n++] = &a->name;
#define LINEAR(name, shape) list[n++] = &a->name;
#define OPTTENSOR(name, shape) list[n++] = &a->name;
#define OPTVALUES(name, shape) list[n++] = &a->name;
#define NOGRAD(name, shape) list[n++] = &a->name;
#define INT(name, value)
#define NUMBER(name, value)
#define FLAG(name, value)
#define CHOICE(name, words, value)
#define DIMS(name)
#define KEY(name)
#define RESULT(shape)
#define OP(name, doc, ...) \
  static int name##_operands(void *args, fx_tensor **list[FX_MAX_OPERANDS]) { \
    fx_##name##_args *a = args; \
    int n = 0; \
    __VA_ARGS__ \
    return n; \
  }
#include "ops.def"
#undef OP
#undef TENSOR
#undef LINEAR
#undef OPTTENSOR
#undef OPTVALUES
#undef NOGRAD

/* Pass 3: the typed functions behind untyped ones. */
#define TENSOR(name, shape) d.name = slots[n++];
#define LINEAR(name, shape) d.name = slots[n++];
#define OPTTENSOR(name, shape) d.name = slots[n++];
#define OPTVALUES(name, shape) d.name = slots[n++];
#define NOGRAD(name, shape) d.name = slots[n++];
#define OP(name, doc, ...) \
  static fx_status name##_forward(const void *args, fx_kept *kept, fx_tensor **y) { \
    return fx_##name##_forward(args, kept, y); \
  } \
  static fx_status name##_backward(const void *args, const fx_kept *kept, const fx_tensor *dy, \
                                   fx_tensor **slots[FX_MAX_OPERANDS]) { \
    fx_##name##_grads d; \
    int n = 0; \
    __VA_ARGS__ \
    return fx_##name##_backward(args, kept, dy, &d); \
  }
#include "ops.def"
#undef OP

#undef TENSOR
#undef LINEAR
#undef OPTTENSOR
#undef OPTVALUES
#undef NOGRAD
#undef RESULT

/* Pass 4: the shape of the result, the only text among arguments that say nothing. */
#define TENSOR(name, shape)
#define LINEAR(name, shape)
#define OPTTENSOR(name, shape)
#define OPTVALUES(name, shape)
#define NOGRAD(name, shape)
#define RESULT(shape) shape
#define OP(name, doc, ...) static const char name##_result[] = "" __VA_ARGS__;
#include "ops.def"
#undef OP

#define OP(name, doc, ...) \
  { #name, \
    doc, \
    name##_result, \
    name##_args, \
    sizeof name##_args / sizeof *name##_args, \
    sizeof(fx_##name##_args), \
    name##_operands, \
    name##_forward, \
    name##_backward },
const fx_op fx_ops[FX_OP_COUNT] = {
#include "ops.def"
};
