/*
** table.c - the descriptors of ops.def. Each pass over the file gives the entries another meaning:
** words, defaults, the lists of arguments and options, the operands of a struct, the two functions
** behind untyped pointers.
*/
#include "ops/op.h"

/* Words: each with a bar before it, which FX_WORDS passes over. */
#define WORD(constant, word) "|" word
#define WORDS(family, ...) const char fx_##family##_words[] = __VA_ARGS__;
#include "ops.def"

/* Defaults. */
#define OPERAND(name, shape) .name = NULL,
#define INT(name, value) .name = value,
#define NUMBER(name, value) .name = value,
#define FLAG(name, value) .name = value,
#define CHOICE(name, family, value) .name = value,
#define AXIS(name, value) .name = value,
#define START(name, x, axis, value) .name = value,
#define OP(name, doc, ...) const fx_##name##_args fx_##name##_defaults = { __VA_ARGS__ };
#include "ops.def"

/* What an op's arguments are called. */
#define TENSOR(name, shape) { #name, FX_ARG_TENSOR, shape, 0 },
#define LINEAR(name, shape) { #name, FX_ARG_LINEAR, shape, 0 },
#define OPTTENSOR(name, shape) { #name, FX_ARG_OPTIONAL, shape, 0 },
#define OPTVALUES(name, shape) { #name, FX_ARG_OPTIONAL_VALUES, shape, 0 },
#define NOGRAD(name, shape) { #name, FX_ARG_NOGRAD, shape, 0 },
#define INT(name, value) { #name, FX_ARG_INT, NULL, value },
#define NUMBER(name, value) { #name, FX_ARG_NUMBER, NULL, value },
#define FLAG(name, value) { #name, FX_ARG_FLAG, NULL, value },
#define CHOICE(name, family, value) { #name, FX_ARG_CHOICE, FX_WORDS(family), value },
#define AXIS(name, value) { #name, FX_ARG_AXIS, NULL, value },
#define START(name, x, axis, value) { #name, FX_ARG_START, NULL, value },
#define AXES(name) { #name, FX_ARG_AXES, NULL, 0 },
#define DIMS(name) { #name, FX_ARG_DIMS, NULL, 0 },
#define KEY(name, p) { #name, FX_ARG_KEY, NULL, 0 },
#define OP(name, doc, ...) static const fx_arg name##_args[] = { __VA_ARGS__ };
#include "ops.def"

#define OPTION(name) #name,
#define OP(name, doc, ...) static const char *const name##_options[] = { __VA_ARGS__ NULL };
#include "ops.def"

/* Where the operands are. */
#define OPERAND(name, shape) +1
#define OP(name, doc, ...) \
  enum { name##_count = 0 __VA_ARGS__ }; \
  _Static_assert(name##_count <= FX_MAX_OPERANDS, "FX_MAX_OPERANDS is less than " #name " has");
#include "ops.def"

#define OPERAND(name, shape) list[n++] = &a->name;
#define OP(name, doc, ...) \
  static int name##_operands(void *args, fx_tensor **list[FX_MAX_OPERANDS]) { \
    fx_##name##_args *a = args; \
    int n = 0; \
    __VA_ARGS__ \
    return n; \
  }
#include "ops.def"

/* The typed functions behind untyped ones. */
#define OPERAND(name, shape) d.name = slots[n++];
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

#define PRODUCTS(count, backward) products = count;
#define OP(name, doc, ...) \
  static int64_t name##_products(const void *args) { \
    const fx_##name##_args *a = args; \
    int64_t products = 0; \
    __VA_ARGS__(void) a; \
    return products; \
  }
#include "ops.def"

/* What stands among an op's arguments once, or not at all. */
#define RESULT(shape) shape
#define OP(name, doc, ...) \
  static const char name##_result[] = "" __VA_ARGS__; \
  _Static_assert(sizeof name##_result > 1, #name " has no RESULT");
#include "ops.def"

#define OR_NUMBER +1
#define OP(name, doc, ...) \
  enum { name##_or_number = 0 __VA_ARGS__ }; \
  _Static_assert(!name##_or_number || name##_count == 2, "OR_NUMBER: " #name " has two operands");
#include "ops.def"

#define PRODUCTS(count, times) +times
#define OP(op, text, ...) \
  { .name = #op, \
    .doc = text, \
    .result = op##_result, \
    .args = op##_args, \
    .arg_count = sizeof op##_args / sizeof *op##_args, \
    .options = op##_options, \
    .or_number = op##_or_number, \
    .backward_products = 0 __VA_ARGS__, \
    .size = sizeof(fx_##op##_args), \
    .defaults = &fx_##op##_defaults, \
    .operands = op##_operands, \
    .products = op##_products, \
    .forward = op##_forward, \
    .backward = op##_backward },
const fx_op fx_ops[FX_OP_COUNT] = {
#include "ops.def"
};
