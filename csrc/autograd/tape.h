/*
** tape.h - reverse-mode differentiation over ops.
**
** fx_apply runs an op; if recording is on and an operand carries a gradient, it also makes a node:
** a copy of the op's arguments whose operands are retained (those in which the op is linear as bare
** shapes), what forward kept, and references to the operands' variables. The result's variable owns
** the node. A node is stamped with the time of its making, so that fx_backward visits nodes in
** exactly the reverse order of the program and needs no recursion; every node lets go of what it
** retained as soon as it has been visited, so activations are freed while backward passes.
**
** A graph nobody holds a result of is freed by reference counts: a forward pass without backward
** leaks nothing. Kernels write, the tape adds: gradients that meet at a variable are summed here.
*/
#ifndef FX_TAPE_H
#define FX_TAPE_H

#include "ops/op.h"

/* Runs an op; *out is new. Errors carry the op's name. */
fx_status fx_apply(const fx_op *op, const void *args, fx_tensor **out);

/* One typed function per op: fx_conv2d(FX_ARGS(conv2d, .x = x, .w = w, ...), &y). */
#define OP(name, doc, ...) \
  static inline fx_status fx_##name(const fx_##name##_args *args, fx_tensor **out) { \
    return fx_apply(&fx_ops[FX_OP_##name], args, out); \
  }
#include "ops.def"

/* Marks a tensor as a leaf whose gradient is wanted (a parameter), or no longer. A tensor that is a
** result of the tape cannot be marked: FX_EARG. */
fx_status fx_set_requires_grad(fx_tensor *t, bool wanted);
bool fx_requires_grad(const fx_tensor *t); /* leaf or result: a gradient flows through it */
bool fx_is_leaf(const fx_tensor *t);

/* d(loss)/d(leaf) is added to every leaf's gradient. loss: one element, or any shape with
** `seed` (same shape) as the vector of the vector-Jacobian product; seed NULL means 1. The graph is
** consumed: a second backward through it fails. Non-finite gradients are not checked here. */
fx_status fx_backward(fx_tensor *loss, const fx_tensor *seed);

/* The gradient of a leaf: borrowed, NULL if none has arrived. */
fx_tensor *fx_grad(const fx_tensor *t);
void fx_clear_grad(fx_tensor *t);

/* New handle on the same storage without a variable. */
fx_status fx_detach(const fx_tensor *t, fx_tensor **out);

/* Recording is on at first, per thread; returns the previous state. */
bool fx_set_recording(bool on);
bool fx_recording(void);

#endif
