/*
** profile.h - what a program spends its time on, op by op and shape by shape.
**
** Off at first, and then an op costs one branch more. While it is on, every application of an op adds
** its seconds and bytes to a *call*: the op with the shapes of its operands and of its result. A call
** keeps a copy of the arguments without the operands, so it can be run again by itself: that is how
** `flexlab bench kernels` knows every shape of a network without a list that could go stale.
**
** Time is a call's own: what an op applied inside another (recomputation) takes is not the outer
** one's. Bytes are those of the operands that are there and of the results, each once: the least an
** implementation moves. One thread profiles, the one that called fx_profile_start.
*/
#ifndef FX_PROFILE_H
#define FX_PROFILE_H

#include "ops/op.h"

typedef struct {
  int64_t count;
  double seconds;
  int64_t bytes;
} fx_profile_cell;

typedef struct {
  const char *name;                  /* of the op, or of other work ("optimiser") */
  const fx_op *op;                   /* NULL: other work, without shapes          */
  int operand_count;                 /* of them, those that are absent included   */
  fx_dims operands[FX_MAX_OPERANDS]; /* n = -1: absent                            */
  fx_dims result;
  fx_dtype dtype;
  int64_t products;         /* multiply-adds of one forward pass; 0: none        */
  double backward_products; /* of one backward pass, to all operands             */
  void *args;               /* op->size bytes, operands NULL; owned      */
  fx_profile_cell forward, backward;
} fx_call;

/* A work in progress; see fx_profile_enter. */
typedef struct {
  double began, inner;
} fx_profile_frame;

extern bool fx_profiling;

/* Forgets what there was and starts. */
void fx_profile_start(void);

/* Stops; FX_ENOMEM if a call could not be kept. The calls stay until the next start. */
fx_status fx_profile_stop(void);

/* The calls in the order in which they first happened; borrowed. */
int fx_profile_count(void);
const fx_call *fx_profile_call(int i);

/* Around the work, only while fx_profiling. leave: args and result (backward: the result's gradient)
** may be NULL after a failure; slots NULL means forward. leave_work: work that is no op; `name` must
** live for ever. */
fx_profile_frame fx_profile_enter(void);
void fx_profile_leave(fx_profile_frame frame, const fx_op *op, const void *args,
                      const fx_tensor *result, fx_tensor **const *slots);
void fx_profile_leave_work(fx_profile_frame frame, const char *name, int64_t bytes);

/* Which part of a call fx_call_time runs. */
typedef enum {
  FX_CALL_FORWARD,
  FX_CALL_BACKWARD,       /* gradients of all operands                        */
  FX_CALL_BACKWARD_FIRST, /* of the first alone: a convolution's backward-data */
  FX_CALL_BACKWARD_REST   /* of the others: backward-weights                   */
} fx_call_part;

/* Runs a call again on operands of its shapes holding numbers from [-1,1): once, uncounted, then
** `repeats` times, whose seconds go to `seconds`. FX_EARG for other work, for an op without such
** operands; Ctrl-C is FX_EINTR. */
fx_status fx_call_time(const fx_call *call, fx_call_part part, int repeats, double *seconds);

#endif
