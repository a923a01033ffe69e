/* segment.c - see segment.h. */
#include "autograd/segment.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"

fx_segment_args fx_segment (fx_segment_run run, const void *context, size_t size,
                            fx_tensor *const *const *fields, int count) {
  fx_segment_args args = { .count = count, .run = run };
  assert(size <= sizeof args.context && count <= FX_MAX_OPERANDS);
  memcpy(args.context, context, size);
  for (int i = 0; i < count; i++) {
    args.in[i] = *fields[i];
    args.offset[i] = (size_t)((const char *)fields[i] - (const char *)context);
  }
  return args;
}

/* Runs the function on these operands. */
static fx_status run_on (const fx_segment_args *a, fx_tensor *const *in, fx_tensor **y) {
  _Alignas(16) char context[FX_SEGMENT_CONTEXT];
  memcpy(context, a->context, sizeof context);
  for (int i = 0; i < a->count; i++)
    memcpy(context + a->offset[i], &in[i], sizeof in[i]);
  return a->run(context, y);
}

static int operands (void *args, fx_tensor **list[FX_MAX_OPERANDS]) {
  fx_segment_args *a = args;
  for (int i = 0; i < a->count; i++)
    list[i] = &a->in[i];
  return a->count;
}

static fx_status forward (const void *args, fx_kept *kept, fx_tensor **y) {
  const fx_segment_args *a = args;
  (void)kept;
  const bool before = fx_set_recording(false);
  const fx_status st = run_on(a, a->in, y);
  fx_set_recording(before);
  return st;
}

/* A tensor on the same memory that backward stops at, tracked if wanted. */
static fx_status leaf_of (const fx_tensor *t, bool wanted, fx_tensor **out) {
  FX_TRY(fx_detach(t, out));
  return fx_set_requires_grad(*out, wanted);
}

/* Runs the segment on the leaves, recording. What it makes is an activation, though backward is on. */
static fx_status run_again (const fx_segment_args *a, fx_tensor *const *leaves, fx_tensor **y) {
  const fx_memory_kind kind = fx_memory_enter(FX_MEMORY_ACTIVATIONS);
  const bool before = fx_set_recording(true);
  const fx_status st = run_on(a, leaves, y);
  fx_set_recording(before);
  fx_memory_enter(kind);
  return st;
}

static fx_status backward (const void *args, const fx_kept *kept, const fx_tensor *dy,
                           fx_tensor **slots[FX_MAX_OPERANDS]) {
  const fx_segment_args *a = args;
  fx_tensor *leaves[FX_MAX_OPERANDS] = { NULL }, *y = NULL;
  fx_status st = FX_OK;
  (void)kept;
  for (int i = 0; i < a->count && st == FX_OK; i++)
    if (a->in[i])
      st = leaf_of(a->in[i], slots[i] != NULL, &leaves[i]);
  if (st == FX_OK)
    st = run_again(a, leaves, &y);
  if (st == FX_OK && fx_requires_grad(y))
    st = fx_backward(y, dy);
  for (int i = 0; i < a->count; i++) {
    if (st == FX_OK && slots[i])
      *slots[i] = fx_tensor_retain(fx_grad(leaves[i]));
    fx_tensor_release(leaves[i]);
  }
  fx_tensor_release(y);
  return st;
}

#define IN \
  { "in", FX_ARG_OPTIONAL_VALUES, "(...)", 0 }
#define FIVE IN, IN, IN, IN, IN
static const fx_arg arguments[FX_MAX_OPERANDS] = { FIVE, FIVE, FIVE, FIVE };

const fx_op fx_segment_op = { .name = "segment",
                              .doc = "A piece of a program that backward runs again.",
                              .result = "(...)",
                              .args = arguments,
                              .arg_count = FX_MAX_OPERANDS,
                              .size = sizeof(fx_segment_args),
                              .operands = operands,
                              .forward = forward,
                              .backward = backward };
