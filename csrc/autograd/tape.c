/*
** tape.c - nodes, variables, and the walk back.
**
** variable: what a tensor's link points to. Shared by the tensor and by the nodes that read it, so
** a gradient finds its place after the tensor's handle is gone. It owns the node that made it (none
** for a leaf) and the gradient gathered so far.
** node: one application of an op. Owns a copy of the arguments (operands retained or reduced to bare
** shapes), what forward kept, and references to the operands' variables. Freed through its variable.
**
** Freeing is iterative: a chain of a million nodes must not become a million stack frames, so the
** variables that a dying node lets go of are queued, not released on the spot.
**
** fx_backward collects the nodes reachable from the loss and visits them by falling stamp: an op's
** result is younger than its operands, so every gradient is complete when its node is reached.
*/
#include "autograd/tape.h"

#include <stdlib.h>
#include <string.h>

#include "autograd/profile.h"
#include "base/alloc.h"
#include "base/grow.h"
#include "base/interrupt.h"
#include "kernels/kernels.h"

typedef struct node node;

typedef struct variable {
  fx_link link; /* first: tensor.h knows this part */
  int64_t refs;
  node *maker;           /* owned; NULL for a leaf          */
  fx_tensor *grad;       /* owned                           */
  struct variable *next; /* in the queue of the dying       */
  bool leaf, wanted;
} variable;

struct node {
  const fx_op *op;
  int64_t stamp;
  void *args; /* op->size bytes; operands owned */
  fx_kept kept;
  variable *inputs[FX_MAX_OPERANDS]; /* retained; NULL where no gradient goes */
  variable *result;                  /* borrowed: it owns the node */
  bool used;                         /* backward has passed */
  bool listed;                       /* already collected by the running backward */
};

static _Thread_local bool recording = true;
static _Thread_local int64_t clock_now;

bool fx_recording (void) { return recording; }

bool fx_set_recording (bool on) {
  const bool before = recording;
  recording = on;
  return before;
}

/* --- life of variables and nodes ---------------------------------------------------------------- */

/* Lets go of everything a node retained; variables that die go to *queue. */
static void node_empty (node *n, variable **queue) {
  fx_tensor **list[FX_MAX_OPERANDS];
  const int operands = n->args ? n->op->operands(n->args, list) : 0;
  for (int i = 0; i < operands; i++)
    fx_tensor_assign(list[i], NULL);
  for (int i = 0; i < FX_MAX_KEPT; i++)
    fx_tensor_assign(&n->kept.t[i], NULL);
  for (int i = 0; i < FX_MAX_OPERANDS; i++) {
    variable *v = n->inputs[i];
    n->inputs[i] = NULL;
    if (v && --v->refs == 0) {
      v->next = *queue;
      *queue = v;
    }
  }
}

static void free_queue (variable *queue) {
  while (queue) {
    variable *v = queue;
    queue = v->next;
    fx_tensor_release(v->grad);
    if (v->maker) {
      node_empty(v->maker, &queue);
      fx_free(v->maker->args);
      fx_free(v->maker);
    }
    fx_free(v);
  }
}

static void variable_release (fx_link *link) {
  variable *v = (variable *)link;
  if (--v->refs == 0) {
    v->next = NULL;
    free_queue(v);
  }
}

static variable *variable_new (bool leaf) {
  variable *v = fx_calloc(1, sizeof *v);
  if (!v)
    return NULL;
  v->link.release = variable_release;
  v->refs = 1;
  v->leaf = leaf;
  v->wanted = true;
  return v;
}

static variable *variable_of (const fx_tensor *t) { return t ? (variable *)t->link : NULL; }

/* --- recording ---------------------------------------------------------------------------------- */

static bool any_gradient (const fx_op *op, const void *args) {
  fx_tensor **list[FX_MAX_OPERANDS];
  const int operands = op->operands((void *)args, list);
  for (int i = 0; i < operands; i++) {
    const variable *v = variable_of(*list[i]);
    if (v && v->wanted && op->args[i].kind != FX_ARG_NOGRAD)
      return true;
  }
  return false;
}

/* What the node keeps of operand i: the values, or a bare shape where backward is content with it.
** A retained tensor that is itself a result would keep its own history through its link, which the
** inputs do already; so values are held through a view without one. */
static fx_status keep_operand (fx_arg_kind kind, fx_tensor **slot) {
  fx_tensor *kept, *t = *slot;
  *slot = NULL;
  if (!t)
    return FX_OK;
  if (kind == FX_ARG_LINEAR || kind == FX_ARG_OPTIONAL)
    FX_TRY(fx_tensor_new_shape(t, &kept));
  else
    FX_TRY(fx_tensor_view(t, 0, t->ndim, t->shape, &kept));
  *slot = kept;
  return FX_OK;
}

static fx_status node_fill (node *n, const void *args) {
  fx_tensor **list[FX_MAX_OPERANDS];
  fx_status st = FX_OK;
  memcpy(n->args, args, n->op->size);
  const int operands = n->op->operands(n->args, list);
  for (int i = 0; i < operands; i++) {
    variable *v = variable_of(*list[i]);
    if (v && v->wanted && n->op->args[i].kind != FX_ARG_NOGRAD) {
      v->refs++;
      n->inputs[i] = v;
    }
  }
  for (int i = 0; i < operands; i++) {
    if (st == FX_OK)
      st = keep_operand(n->op->args[i].kind, list[i]);
    else
      *list[i] = NULL;
  }
  return st;
}

/* A kept result would own its variable, which owns the node, which owns the result: a ring that
** nothing frees. A view of it has no variable. */
static fx_status cut_ring (fx_kept *kept, const fx_tensor *out) {
  for (int i = 0; i < FX_MAX_KEPT; i++) {
    fx_tensor *view;
    if (kept->t[i] != out)
      continue;
    FX_TRY(fx_tensor_view(out, 0, out->ndim, out->shape, &view));
    fx_tensor_assign(&kept->t[i], view);
  }
  return FX_OK;
}

static fx_status record (const fx_op *op, const void *args, fx_kept *kept, fx_tensor *out) {
  variable *v = variable_new(false);
  if (!v)
    return FX_ENOMEM;
  fx_status st;
  v->maker = fx_calloc(1, sizeof *v->maker);
  if (v->maker) {
    v->maker->op = op;
    v->maker->stamp = ++clock_now;
    v->maker->result = v;
    v->maker->args = fx_calloc(1, op->size);
  }
  st = v->maker && v->maker->args ? node_fill(v->maker, args) : FX_ENOMEM;
  if (st == FX_OK)
    st = cut_ring(kept, out);
  if (st != FX_OK) {
    variable_release(&v->link);
    return st;
  }
  v->maker->kept = *kept;
  memset(kept, 0, sizeof *kept);
  out->link = &v->link;
  return FX_OK;
}

fx_status fx_apply (const fx_op *op, const void *args, fx_tensor **out) {
  fx_kept kept = { .wanted = recording && any_gradient(op, args) };
  fx_tensor *y = NULL;
  const fx_profile_frame frame = fx_profiling ? fx_profile_enter() : (fx_profile_frame){ 0 };
  fx_status st = op->forward(args, &kept, &y);
  if (fx_profiling)
    fx_profile_leave(frame, op, args, y, NULL);
  if (st == FX_OK && kept.wanted)
    st = record(op, args, &kept, y);
  for (int i = 0; i < FX_MAX_KEPT; i++)
    fx_tensor_release(kept.t[i]);
  if (st != FX_OK) {
    fx_tensor_release(y);
    return fx_fail_in(st, "%s", op->name);
  }
  *out = y;
  return FX_OK;
}

/* --- leaves ------------------------------------------------------------------------------------- */

fx_status fx_set_requires_grad (fx_tensor *t, bool wanted) {
  variable *v = variable_of(t);
  if (v && !v->leaf)
    return fx_fail(FX_EARG, "only a tensor that was not computed can be tracked: detach it first");
  if (!v && !wanted)
    return FX_OK;
  if (!v && !(v = variable_new(true)))
    return FX_ENOMEM;
  v->wanted = wanted;
  t->link = &v->link;
  return FX_OK;
}

bool fx_requires_grad (const fx_tensor *t) {
  const variable *v = variable_of(t);
  return v && v->wanted;
}

bool fx_is_leaf (const fx_tensor *t) {
  const variable *v = variable_of(t);
  return !v || v->leaf;
}

fx_tensor *fx_grad (const fx_tensor *t) {
  const variable *v = variable_of(t);
  return v ? v->grad : NULL;
}

void fx_clear_grad (fx_tensor *t) {
  variable *v = variable_of(t);
  if (v)
    fx_tensor_assign(&v->grad, NULL);
}

fx_status fx_detach (const fx_tensor *t, fx_tensor **out) {
  return fx_tensor_view(t, 0, t->ndim, t->shape, out);
}

/* --- backward ----------------------------------------------------------------------------------- */

typedef struct {
  node **list;
  int64_t count, room;
} node_list;

static fx_status push (node_list *nodes, node *n) {
  if (!n || n->listed)
    return FX_OK;
  FX_TRY(FX_GROW(nodes->list, nodes->count, nodes->room));
  n->listed = true;
  nodes->list[nodes->count++] = n;
  return FX_OK;
}

static int by_falling_stamp (const void *a, const void *b) {
  const int64_t p = (*(node *const *)a)->stamp, q = (*(node *const *)b)->stamp;
  return p < q ? 1 : p > q ? -1 : 0;
}

static fx_status collect (variable *root, node_list *nodes) {
  FX_TRY(push(nodes, root->maker));
  for (int64_t i = 0; i < nodes->count; i++) {
    node *n = nodes->list[i];
    if (n->used)
      return fx_fail(FX_EARG,
                     "backward: this graph has been through backward already "
                     "(op %s); run forward again",
                     n->op->name);
    for (int k = 0; k < FX_MAX_OPERANDS; k++)
      if (n->inputs[k])
        FX_TRY(push(nodes, n->inputs[k]->maker));
  }
  qsort(nodes->list, (size_t)nodes->count, sizeof *nodes->list, by_falling_stamp);
  return FX_OK;
}

/* v->grad += g, taking g. A gradient somebody else sees is replaced, not overwritten. */
static fx_status accumulate (variable *v, fx_tensor *g) {
  if (!v->grad) {
    v->grad = g;
    return FX_OK;
  }
  const fx_profile_frame frame = fx_profiling ? fx_profile_enter() : (fx_profile_frame){ 0 };
  fx_status st;
  fx_tensor *sum = NULL;
  if (fx_tensor_unique(v->grad)) {
    st = FX_RUN(g, add_scaled, .x = g, .scale = 1, .y = v->grad);
  } else {
    st = fx_tensor_new_like(g, &sum);
    if (st == FX_OK)
      st = FX_RUN(g, binary_forward, .f = FX_BINARY_ADD, .a = v->grad, .b = g, .y = sum);
    if (st == FX_OK)
      fx_tensor_assign(&v->grad, sum);
    else
      fx_tensor_release(sum);
  }
  if (fx_profiling)
    fx_profile_leave_work(frame, "sums of gradients", 12 * fx_tensor_count(g));
  fx_tensor_release(g);
  return st;
}

/* A leaf's gradient outlives the graph, so it must own its storage. */
static fx_status settle_leaf (variable *v) {
  fx_tensor *own;
  if (!v->leaf || !v->grad || fx_tensor_unique(v->grad))
    return FX_OK;
  FX_TRY(fx_tensor_clone(v->grad, &own));
  fx_tensor_assign(&v->grad, own);
  return FX_OK;
}

/* Sends the gradient of n's result to its operands, then empties n. */
static fx_status visit (node *n) {
  fx_tensor *grads[FX_MAX_OPERANDS] = { NULL }, **slots[FX_MAX_OPERANDS], *dy = n->result->grad;
  fx_status st = FX_OK;
  n->result->grad = NULL;
  n->used = true;
  for (int i = 0; i < FX_MAX_OPERANDS; i++)
    slots[i] = n->inputs[i] ? &grads[i] : NULL;
  const fx_profile_frame frame = fx_profiling ? fx_profile_enter() : (fx_profile_frame){ 0 };
  if (dy && (st = n->op->backward(n->args, &n->kept, dy, slots)) != FX_OK)
    fx_fail_in(st, "%s, backward", n->op->name);
  if (fx_profiling)
    fx_profile_leave(frame, n->op, n->args, dy, slots);
  fx_tensor_release(dy);
  for (int i = 0; i < FX_MAX_OPERANDS; i++) {
    if (!grads[i])
      continue;
    if (st == FX_OK)
      st = accumulate(n->inputs[i], grads[i]);
    else
      fx_tensor_release(grads[i]);
    if (st == FX_OK)
      st = settle_leaf(n->inputs[i]);
  }
  return st;
}

static fx_status seed_gradient (const fx_tensor *loss, const fx_tensor *seed, variable *v) {
  fx_tensor *g = NULL;
  if (seed) {
    FX_TRY(fx_tensor_clone(seed, &g));
  } else {
    FX_TRY(fx_tensor_new_like(loss, &g));
    fx_tensor_fill(g, 1);
  }
  return accumulate(v, g);
}

static fx_status check_root (const fx_tensor *loss, const fx_tensor *seed) {
  char s[FX_SHAPE_TEXT], t[FX_SHAPE_TEXT];
  if (!fx_requires_grad(loss))
    return fx_fail(FX_EARG, "backward: the tensor depends on nothing that is tracked");
  if (!seed && fx_tensor_count(loss) != 1)
    return fx_fail(FX_ESHAPE, "backward: %s is not a scalar; give a seed of its shape",
                   fx_shape_text(loss, s));
  if (seed && (!fx_same_shape(seed, loss) || seed->dtype != loss->dtype))
    return fx_fail(FX_ESHAPE, "backward: the seed %s must have the shape and dtype of %s",
                   fx_shape_text(seed, s), fx_shape_text(loss, t));
  return FX_OK;
}

fx_status fx_backward (fx_tensor *loss, const fx_tensor *seed) {
  FX_TRY(check_root(loss, seed));
  variable *root = variable_of(loss);
  node_list nodes = { NULL, 0, 0 };
  variable *dead = NULL;
  const bool before = fx_set_recording(false);
  const fx_memory_kind kind = fx_memory_enter(FX_MEMORY_GRADIENTS);
  root->refs++;
  fx_status st = collect(root, &nodes);
  for (int64_t i = 0; i < nodes.count; i++)
    nodes.list[i]->listed = false;
  if (st == FX_OK)
    st = seed_gradient(loss, seed, root);
  /* Emptying a node may free only variables older than it, whose nodes come later in the list; they
  ** are therefore kept in `dead` until the walk is over. */
  for (int64_t i = 0; st == FX_OK && i < nodes.count; i++) {
    st = fx_interrupted() ? fx_fail(FX_EINTR, "interrupted") : visit(nodes.list[i]);
    node_empty(nodes.list[i], &dead);
  }
  fx_free(nodes.list);
  free_queue(dead);
  variable_release(&root->link);
  fx_memory_enter(kind);
  fx_set_recording(before);
  return st;
}
