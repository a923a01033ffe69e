/*
** profile.c - see profile.h. A list searched from its front: a network has some two hundred calls and
** an op takes microseconds at the least, so no table is worth having.
*/
#include "autograd/profile.h"

#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/interrupt.h"

bool fx_profiling = false;

static struct {
  fx_call *list;
  int count;
  int64_t room;
  bool short_of_memory;
  double inner; /* seconds of the works inside the running one that are done */
} profile;

static double now (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void fx_profile_start (void) {
  for (int i = 0; i < profile.count; i++)
    fx_free(profile.list[i].args);
  fx_free(profile.list);
  memset(&profile, 0, sizeof profile);
  fx_profiling = true;
}

fx_status fx_profile_stop (void) {
  fx_profiling = false;
  return profile.short_of_memory ? fx_fail(FX_ENOMEM, "no memory was left for the profile") : FX_OK;
}

int fx_profile_count (void) { return profile.count; }

const fx_call *fx_profile_call (int i) {
  return i >= 0 && i < profile.count ? &profile.list[i] : NULL;
}

fx_profile_frame fx_profile_enter (void) {
  const fx_profile_frame frame = { .began = now(), .inner = profile.inner };
  profile.inner = 0;
  return frame;
}

/* The work's own seconds. */
static double leave (fx_profile_frame frame) {
  const double whole = now() - frame.began, own = whole - profile.inner;
  profile.inner = frame.inner + whole;
  return own;
}

/* --- finding a call ----------------------------------------------------------------------------- */

static bool same_dims (const fx_dims *dims, const fx_tensor *t) {
  if (!t)
    return dims->n < 0;
  return dims->n == t->ndim && memcmp(dims->d, t->shape, (size_t)t->ndim * sizeof *t->shape) == 0;
}

static bool is_call (const fx_call *c, const fx_op *op, int n, fx_tensor **const *operands,
                     const fx_tensor *result) {
  if (c->op != op || !same_dims(&c->result, result) || c->dtype != result->dtype)
    return false;
  for (int i = 0; i < n; i++)
    if (!same_dims(&c->operands[i], *operands[i]))
      return false;
  return true;
}

/* A new call at the end of the list, or NULL. */
static fx_call *append (const char *name) {
  if (FX_GROW(profile.list, profile.count, profile.room) != FX_OK) {
    profile.short_of_memory = true;
    return NULL;
  }
  fx_call *c = &profile.list[profile.count];
  memset(c, 0, sizeof *c);
  c->name = name;
  return c;
}

/* A copy of the arguments whose operands are NULL. */
static void *bare_args (const fx_op *op, const void *args) {
  fx_tensor **list[FX_MAX_OPERANDS];
  void *copy = fx_alloc(op->size);
  if (!copy)
    return NULL;
  memcpy(copy, args, op->size);
  const int n = op->operands(copy, list);
  for (int i = 0; i < n; i++)
    *list[i] = NULL;
  return copy;
}

static fx_call *find_call (const fx_op *op, const void *args, const fx_tensor *result) {
  fx_tensor **operands[FX_MAX_OPERANDS];
  const int n = op->operands((void *)args, operands);
  for (int i = 0; i < profile.count; i++)
    if (is_call(&profile.list[i], op, n, operands, result))
      return &profile.list[i];
  fx_call *c = append(op->name);
  if (!c)
    return NULL;
  c->args = bare_args(op, args);
  if (!c->args) {
    profile.short_of_memory = true;
    return NULL;
  }
  c->op = op;
  c->operand_count = n;
  for (int i = 0; i < n; i++)
    c->operands[i] = *operands[i] ? fx_dims_of(*operands[i]) : (fx_dims){ .n = -1 };
  c->result = fx_dims_of(result);
  c->dtype = result->dtype;
  c->products = op->products ? op->products(args) * fx_tensor_count(result) : 0;
  c->backward_products = (double)c->products * op->backward_products;
  profile.count++;
  return c;
}

/* --- adding ------------------------------------------------------------------------------------- */

static int64_t bytes_of (const fx_tensor *t) {
  return t && t->data ? fx_tensor_count(t) * (int64_t)fx_dtype_size(t->dtype) : 0;
}

static int64_t moved (const fx_op *op, const void *args, const fx_tensor *result,
                      fx_tensor **const *slots) {
  fx_tensor **operands[FX_MAX_OPERANDS];
  const int n = op->operands((void *)args, operands);
  int64_t bytes = bytes_of(result), written = 0;
  for (int i = 0; i < n; i++) {
    const fx_tensor *g = slots && slots[i] ? *slots[i] : NULL;
    written += g && g->storage != result->storage ? bytes_of(g) : 0;
    bytes += bytes_of(*operands[i]);
  }
  return slots && written == 0 ? 0 : bytes + written; /* views of dy alone: nothing moves */
}

static void add (fx_profile_cell *cell, double seconds, int64_t bytes) {
  cell->count++;
  cell->seconds += seconds;
  cell->bytes += bytes;
}

void fx_profile_leave (fx_profile_frame frame, const fx_op *op, const void *args,
                       const fx_tensor *result, fx_tensor **const *slots) {
  const double seconds = leave(frame);
  fx_call *c = result ? find_call(op, args, result) : NULL;
  if (c)
    add(slots ? &c->backward : &c->forward, seconds, moved(op, args, result, slots));
}

void fx_profile_leave_work (fx_profile_frame frame, const char *name, int64_t bytes) {
  const double seconds = leave(frame);
  fx_call *c = NULL;
  for (int i = 0; i < profile.count && !c; i++)
    if (!profile.list[i].op && strcmp(profile.list[i].name, name) == 0)
      c = &profile.list[i];
  if (!c && (c = append(name)))
    profile.count++;
  if (c)
    add(&c->forward, seconds, bytes);
}

/* --- running a call again ------------------------------------------------------------------------- */

typedef struct {
  const fx_call *call;
  void *args; /* operands owned */
  fx_tensor **operands[FX_MAX_OPERANDS];
  fx_kept kept;
  fx_tensor *result, *dy;
} trial;

static void end_result (trial *t) {
  for (int i = 0; i < FX_MAX_KEPT; i++)
    fx_tensor_assign(&t->kept.t[i], NULL);
  fx_tensor_assign(&t->result, NULL);
}

static void trial_end (trial *t) {
  end_result(t);
  fx_tensor_assign(&t->dy, NULL);
  for (int i = 0; t->args && i < t->call->operand_count; i++)
    fx_tensor_assign(t->operands[i], NULL);
  fx_free(t->args);
}

static fx_status numbers (fx_dtype dtype, const fx_dims *dims, uint32_t member, fx_tensor **out) {
  FX_TRY(fx_tensor_new(dtype, dims->n, dims->d, out));
  fx_tensor_uniform(*out, (fx_rng){ .seed = 1, .member = member }, -1, 1);
  return FX_OK;
}

static fx_status trial_begin (trial *t) {
  const fx_call *c = t->call;
  t->args = fx_alloc(c->op->size);
  if (!t->args)
    return FX_ENOMEM;
  memcpy(t->args, c->args, c->op->size);
  c->op->operands(t->args, t->operands);
  for (int i = 0; i < c->operand_count; i++)
    if (c->operands[i].n >= 0)
      FX_TRY(numbers(c->dtype, &c->operands[i], (uint32_t)i, t->operands[i]));
  return numbers(c->dtype, &c->result, FX_MAX_OPERANDS, &t->dy);
}

static bool wanted (const fx_call *c, fx_call_part part, int operand) {
  if (c->operands[operand].n < 0 || c->op->args[operand].kind == FX_ARG_NOGRAD)
    return false;
  return part == FX_CALL_BACKWARD || (part == FX_CALL_BACKWARD_FIRST) == (operand == 0);
}

static fx_status forward (trial *t, double *seconds) {
  end_result(t);
  const double began = now();
  const fx_status st = t->call->op->forward(t->args, &t->kept, &t->result);
  *seconds = now() - began;
  return st;
}

static fx_status backward (trial *t, fx_call_part part, double *seconds) {
  fx_tensor *grads[FX_MAX_OPERANDS] = { NULL }, **slots[FX_MAX_OPERANDS];
  bool any = false;
  for (int i = 0; i < FX_MAX_OPERANDS; i++) {
    slots[i] = i < t->call->operand_count && wanted(t->call, part, i) ? &grads[i] : NULL;
    any = any || slots[i];
  }
  if (!any)
    return fx_fail(FX_EARG, "%s has no such gradient", t->call->name);
  const double began = now();
  const fx_status st = t->call->op->backward(t->args, &t->kept, t->dy, slots);
  *seconds = now() - began;
  for (int i = 0; i < FX_MAX_OPERANDS; i++)
    fx_tensor_release(grads[i]);
  return st;
}

fx_status fx_call_time (const fx_call *call, fx_call_part part, int repeats, double *seconds) {
  if (!call->op)
    return fx_fail(FX_EARG, "%s is no op: it cannot be run by itself", call->name);
  trial t = { .call = call, .kept.wanted = part != FX_CALL_FORWARD };
  double once;
  fx_status st;
  FX_GOTO(trial_begin(&t));
  FX_GOTO(forward(&t, &once));
  for (int i = -1; i < repeats; i++) {
    if (fx_interrupted())
      FX_GOTO(fx_fail(FX_EINTR, "interrupted"));
    if (part == FX_CALL_FORWARD)
      FX_GOTO(forward(&t, &once));
    else
      FX_GOTO(backward(&t, part, &once));
    if (i >= 0)
      seconds[i] = once;
  }
done:
  trial_end(&t);
  return st;
}
