/* scope.c - see scope.h. */
#include "nn/scope.h"

#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/interrupt.h"

void fx_scope_open (fx_scope *s) { memset(s, 0, sizeof *s); }

void fx_scope_close (fx_scope *s) {
  for (int i = s->count - 1; i >= 0; i--)
    fx_tensor_release(s->list[i]);
  fx_free(s->list);
  s->list = NULL;
  s->count = 0;
  s->room = 0;
}

fx_tensor *fx_scope_take (fx_scope *s, fx_status status, fx_tensor *t) {
  if (status == FX_OK && (status = FX_GROW(s->list, s->count, s->room)) != FX_OK)
    fx_tensor_release(t);
  if (status != FX_OK) {
    if (s->status == FX_OK)
      s->status = status;
    return NULL;
  }
  s->list[s->count++] = t;
  return t;
}

fx_tensor *fx_scope_close_with (fx_scope *inner, fx_scope *outer, fx_tensor *t) {
  const fx_status status = inner->status;
  fx_tensor_retain(t);
  fx_scope_close(inner);
  if (status == FX_OK && t)
    return fx_scope_take(outer, FX_OK, t);
  fx_tensor_release(t);
  if (outer->status == FX_OK)
    outer->status = status;
  return NULL;
}

/* A missing operand means that the step which should have made it failed. */
static bool operands_present (const fx_op *op, const void *args) {
  fx_tensor **list[FX_MAX_OPERANDS];
  const int operands = op->operands((void *)args, list);
  for (int i = 0; i < operands; i++)
    if (!*list[i] && !fx_arg_is_optional(op->args[i].kind))
      return false;
  return true;
}

fx_tensor *fx_scope_apply (fx_scope *s, const fx_op *op, const void *args) {
  fx_tensor *y = NULL;
  if (s->status != FX_OK)
    return NULL;
  if (!operands_present(op, args)) {
    s->status = fx_fail(FX_EARG, "%s: an operand is missing", op->name);
    return NULL;
  }
  if (fx_interrupted()) { /* between ops nothing is half done */
    s->status = fx_fail(FX_EINTR, "interrupted");
    return NULL;
  }
  const fx_status status = fx_apply(op, args, &y);
  return fx_scope_take(s, status, y);
}
