/*
** scope.h - intermediate results of C code that composes ops.
**
** A scope owns the tensors it is given and remembers the first failure. Functions of nn/ and model/
** take a scope, return a tensor *borrowed* from it, and return NULL once the scope has failed; they
** accept NULL operands and pass the failure on. So a network reads like its formula, and one test of
** scope.status at the end is enough.
**
** Without recording, a scope would keep every intermediate alive; blocks therefore open an inner
** scope and hand out only their result (fx_scope_close_with).
*/
#ifndef FX_SCOPE_H
#define FX_SCOPE_H

#include "autograd/tape.h"

typedef struct fx_scope {
  fx_status status;
  fx_tensor **list;
  int count;
  int64_t room;
} fx_scope;

void fx_scope_open(fx_scope *s);

/* Releases everything; the status stays readable. */
void fx_scope_close(fx_scope *s);

/* Gives the new tensor `t` to the scope and returns it, or notes the failure and returns NULL. */
fx_tensor *fx_scope_take(fx_scope *s, fx_status status, fx_tensor *t);

/* Closes `inner`, whose result `t` moves to `outer`; a failure of inner becomes outer's. */
fx_tensor *fx_scope_close_with(fx_scope *inner, fx_scope *outer, fx_tensor *t);

/* Runs an op inside scope s:  y = FX_DO(s, linear, .x = x, .w = l->w, .b = l->b), with the op's defaults
** where nothing is said (FX_ARGS). After the second Ctrl-C every op is refused with FX_EINTR, so that a
** large network stops within one of them. */
#define FX_DO(s, op, ...) fx_scope_apply((s), &fx_ops[FX_OP_##op], FX_ARGS(op, __VA_ARGS__))
fx_tensor *fx_scope_apply(fx_scope *s, const fx_op *op, const void *args);

#endif
