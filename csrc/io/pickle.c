/*
** pickle.c - the stack machine of pickle protocol 2, restricted. See pickle.h.
**
** A pickle is a program for a machine with a stack, a stack of marks and a memo. Python's machine
** may call anything it can import; this one cannot: GLOBAL looks its name up in a fixed table
** (pickle_call.c) and REDUCE only knows the entries of that table. What torch itself admits under
** weights_only is what is admitted here; protocol 4's STACK_GLOBAL, the INST/OBJ/EXT families and
** the text opcodes are not written by torch.save and are refused.
**
** Memory: every opcode makes at most one node of fixed size, containers grow by doubling, texts
** point into the input. So the tree is bounded by a constant times the input, which is bounded
** itself. The machine does not recurse; whoever walks the tree must cap depth and count, because
** the memo can make cycles and share nodes exponentially often.
*/
#include "io/pickle.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "io/pickle_tree.h"

enum { MAX_BYTES = 64 << 20 }; /* FLEX's trainer writes 0.1 MB; 10^6 tensors would be 100 MB */

typedef struct {
  uint32_t key;
  fx_pickle_node *node; /* NULL: free */
} memo_slot;

typedef struct {
  fx_pickle *tree; /* what is made */
  const unsigned char *bytes;
  size_t size, at;
  fx_pickle_node **stack;
  int64_t depth, stack_room;
  int64_t *marks; /* stack depths */
  int64_t mark_count, mark_room;
  memo_slot *memo; /* open addressing, a power of two */
  int64_t memo_count, memo_size;
} machine;

/* --- stack and memo -------------------------------------------------------------------------- */

static fx_status push (machine *p, fx_pickle_node *n) {
  if (!n)
    return FX_ENOMEM;
  FX_TRY(FX_GROW(p->stack, p->depth, p->stack_room));
  p->stack[p->depth++] = n;
  return FX_OK;
}

static fx_status damaged (const machine *p, const char *what) {
  return fx_fail(FX_EFORMAT, "the pickle is damaged at byte %zu: %s", p->at, what);
}

/* Items above the last mark may be popped, what lies below may not. */
static fx_status pop (machine *p, fx_pickle_node **n) {
  const int64_t floor = p->mark_count ? p->marks[p->mark_count - 1] : 0;
  if (p->depth <= floor)
    return damaged(p, "its stack is empty");
  *n = p->stack[--p->depth];
  return FX_OK;
}

static fx_status top (machine *p, fx_pickle_kind kind, const char *what, fx_pickle_node **n) {
  if (p->depth == 0 || p->stack[p->depth - 1]->kind != kind)
    return damaged(p, what);
  *n = p->stack[p->depth - 1];
  return FX_OK;
}

static fx_status push_mark (machine *p) {
  FX_TRY(FX_GROW(p->marks, p->mark_count, p->mark_room));
  p->marks[p->mark_count++] = p->depth;
  return FX_OK;
}

static fx_status pop_mark (machine *p, int64_t *from) {
  if (p->mark_count == 0)
    return damaged(p, "a mark is missing");
  *from = p->marks[--p->mark_count];
  return FX_OK;
}

static memo_slot *memo_slot_of (memo_slot *memo, int64_t size, uint32_t key) {
  int64_t s = (int64_t)(key * UINT32_C(2654435769)) & (size - 1); /* 2^32 / golden ratio */
  while (memo[s].node && memo[s].key != key)
    s = (s + 1) & (size - 1);
  return &memo[s];
}

static fx_status memo_put (machine *p, uint32_t key) {
  if (p->depth == 0)
    return damaged(p, "there is nothing to remember");
  if (2 * p->memo_count >= p->memo_size) {
    const int64_t size = p->memo_size ? 2 * p->memo_size : 1024;
    memo_slot *memo = fx_calloc((size_t)size, sizeof *memo);
    if (!memo)
      return FX_ENOMEM;
    for (int64_t i = 0; i < p->memo_size; i++)
      if (p->memo[i].node)
        *memo_slot_of(memo, size, p->memo[i].key) = p->memo[i];
    fx_free(p->memo);
    p->memo = memo;
    p->memo_size = size;
  }
  memo_slot *slot = memo_slot_of(p->memo, p->memo_size, key);
  p->memo_count += !slot->node;
  *slot = (memo_slot){ key, p->stack[p->depth - 1] };
  return FX_OK;
}

static fx_status memo_get (machine *p, uint32_t key) {
  const memo_slot *slot = p->memo_size ? memo_slot_of(p->memo, p->memo_size, key) : NULL;
  return slot && slot->node ? push(p, slot->node) : damaged(p, "it recalls what it never stored");
}

/* --- operands -------------------------------------------------------------------------------- */

static fx_status take (machine *p, size_t n, const unsigned char **bytes) {
  if (n > p->size - p->at)
    return damaged(p, "it ends in the middle of an operand");
  *bytes = p->bytes + p->at;
  p->at += n;
  return FX_OK;
}

/* Little-endian unsigned operand of 1 to 8 bytes. */
static fx_status take_uint (machine *p, size_t n, uint64_t *value) {
  const unsigned char *b = NULL;
  FX_TRY(take(p, n, &b));
  *value = 0;
  for (size_t i = 0; i < n; i++)
    *value |= (uint64_t)b[i] << (8 * i);
  return FX_OK;
}

static fx_status take_line (machine *p, const char **line, size_t *n) {
  const unsigned char *start = p->bytes + p->at, *end = memchr(start, '\n', p->size - p->at);
  if (!end)
    return damaged(p, "it ends in the middle of a name");
  *line = (const char *)start;
  *n = (size_t)(end - start);
  p->at += *n + 1;
  return FX_OK;
}

/* --- opcodes --------------------------------------------------------------------------------- */

static fx_status push_int (machine *p, fx_pickle_kind kind, int64_t value) {
  fx_pickle_node *n = fx_pickle_new(p->tree, kind);
  if (n)
    n->as.integer = value;
  return push(p, n);
}

static fx_status push_uint (machine *p, size_t bytes) {
  uint64_t v;
  FX_TRY(take_uint(p, bytes, &v));
  return push_int(p, FX_PICKLE_INT, bytes == 4 ? (int32_t)(uint32_t)v : (int64_t)v);
}

static fx_status push_long (machine *p) {
  uint64_t n, v;
  FX_TRY(take_uint(p, 1, &n));
  if (n > 8)
    return fx_fail(FX_EFORMAT,
                   "the pickle holds an integer of %" PRIu64 " bytes; at most 8 are "
                   "read",
                   n);
  FX_TRY(take_uint(p, (size_t)n, &v));
  if (n > 0 && n < 8 && v >> (8 * n - 1) & 1)
    v |= ~UINT64_C(0) << (8 * n); /* two's complement, sign in the last byte */
  return push_int(p, FX_PICKLE_INT, (int64_t)v);
}

static fx_status push_float (machine *p) {
  const unsigned char *b = NULL;
  FX_TRY(take(p, 8, &b));
  uint64_t bits = 0;
  for (int i = 0; i < 8; i++)
    bits = bits << 8 | b[i]; /* the one big-endian operand */
  fx_pickle_node *n = fx_pickle_new(p->tree, FX_PICKLE_FLOAT);
  if (n)
    memcpy(&n->as.number, &bits, sizeof bits);
  return push(p, n);
}

static fx_status push_text (machine *p, size_t length_bytes) {
  uint64_t size;
  const unsigned char *b = NULL;
  FX_TRY(take_uint(p, length_bytes, &size));
  FX_TRY(take(p, (size_t)size, &b));
  fx_pickle_node *n = fx_pickle_new(p->tree, FX_PICKLE_TEXT);
  if (n) {
    n->as.text.bytes = (const char *)b;
    n->as.text.size = (size_t)size;
  }
  return push(p, n);
}

/* A tuple of the items from stack position `from` up. */
static fx_status push_tuple (machine *p, int64_t from) {
  fx_pickle_node *n = fx_pickle_new(p->tree, FX_PICKLE_TUPLE);
  if (!n)
    return FX_ENOMEM;
  for (int64_t i = from; i < p->depth; i++)
    FX_TRY(fx_pickle_append(p->tree, n, p->stack[i]));
  p->depth = from;
  return push(p, n);
}

static fx_status push_tuple_marked (machine *p) {
  int64_t from = 0;
  FX_TRY(pop_mark(p, &from));
  return push_tuple(p, from);
}

static fx_status push_tuple_of (machine *p, int64_t n) {
  const int64_t floor = p->mark_count ? p->marks[p->mark_count - 1] : 0;
  return p->depth - floor < n ? damaged(p, "its stack is empty") : push_tuple(p, p->depth - n);
}

/* Appends the items above `from` to the container below them. */
static fx_status extend (machine *p, int64_t from, fx_pickle_kind kind) {
  const int64_t depth = p->depth;
  fx_pickle_node *container = NULL;
  p->depth = from;
  FX_TRY(top(p, kind, kind == FX_PICKLE_DICT ? "a dictionary was expected" : "a list was expected",
             &container));
  if (kind == FX_PICKLE_DICT && (depth - from) % 2)
    return damaged(p, "a key has no value");
  for (int64_t i = from; i < depth; i++)
    FX_TRY(fx_pickle_append(p->tree, container, p->stack[i]));
  return FX_OK;
}

static fx_status extend_marked (machine *p, fx_pickle_kind kind) {
  int64_t from = 0;
  FX_TRY(pop_mark(p, &from));
  return extend(p, from, kind);
}

static fx_status extend_by (machine *p, int64_t n, fx_pickle_kind kind) {
  const int64_t floor = p->mark_count ? p->marks[p->mark_count - 1] : 0;
  return p->depth - floor < n + 1 ? damaged(p, "its stack is empty")
                                  : extend(p, p->depth - n, kind);
}

/* Copies a name of the file for a message: bounded, and without control characters. */
static const char *printable (const char *from, size_t n, char buffer[64]) {
  n = n < 63 ? n : 63;
  for (size_t i = 0; i < n; i++)
    buffer[i] = from[i] >= 32 && from[i] < 127 ? from[i] : '?';
  buffer[n] = '\0';
  return buffer;
}

static fx_status push_global (machine *p) {
  const char *module = NULL, *name = NULL;
  size_t module_size = 0, name_size = 0;
  char a[64], b[64];
  FX_TRY(take_line(p, &module, &module_size));
  FX_TRY(take_line(p, &name, &name_size));
  const struct fx_pickle_name *entry = fx_pickle_lookup(module, module_size, name, name_size);
  if (!entry)
    return fx_fail(FX_EFORMAT,
                   "the pickle asks for '%s %s', which is not a tensor or a plain "
                   "container: refused",
                   printable(module, module_size, a), printable(name, name_size, b));
  fx_pickle_node *n = fx_pickle_new(p->tree, FX_PICKLE_NAME);
  if (n)
    n->as.name.entry = entry;
  return push(p, n);
}

/* REDUCE and NEWOBJ: class and arguments are on the stack. */
static fx_status reduce (machine *p) {
  fx_pickle_node *args = NULL, *function = NULL, *made = NULL;
  FX_TRY(pop(p, &args));
  FX_TRY(pop(p, &function));
  if (function->kind != FX_PICKLE_NAME || args->kind != FX_PICKLE_TUPLE)
    return damaged(p, "it calls something that is not a function");
  FX_TRY(fx_pickle_call(p->tree, function, args, &made));
  return push(p, made);
}

/* BUILD sets attributes (a state_dict's _metadata, a dtype's byte order): dropped. */
static fx_status build (machine *p) {
  fx_pickle_node *state;
  FX_TRY(pop(p, &state));
  return p->depth ? FX_OK : damaged(p, "it builds nothing");
}

static fx_status persistent (machine *p) {
  fx_pickle_node *id = NULL, *storage = NULL;
  FX_TRY(pop(p, &id));
  FX_TRY(fx_pickle_storage(p->tree, id, &storage));
  return push(p, storage);
}

static fx_status memo_op (machine *p, size_t bytes, fx_status (*act)(machine *, uint32_t)) {
  uint64_t key;
  FX_TRY(take_uint(p, bytes, &key));
  return act(p, (uint32_t)key);
}

static fx_status protocol (machine *p) {
  uint64_t version;
  FX_TRY(take_uint(p, 1, &version));
  return version == 2 ? FX_OK
                      : fx_fail(FX_EFORMAT,
                                "the pickle has protocol %" PRIu64 "; torch.save "
                                "writes 2 unless told otherwise: save it again without "
                                "pickle_protocol",
                                version);
}

static fx_status refuse_opcode (const machine *p, unsigned op) {
  static const struct {
    unsigned char op;
    const char *name;
  } known[] = {
    { 'S', "STRING" },        { 'i', "INST" },     { 'o', "OBJ" },    { 'P', "PERSID" },
    { 'I', "INT" },           { 'L', "LONG" },     { 'F', "FLOAT" },  { 'V', "UNICODE" },
    { 'B', "BINBYTES" },      { '0', "POP" },      { '2', "DUP" },    { 0x82, "EXT1" },
    { 0x83, "EXT2" },         { 0x84, "EXT4" },    { 0x8b, "LONG4" }, { 0x92, "NEWOBJ_EX" },
    { 0x93, "STACK_GLOBAL" }, { 0x94, "MEMOIZE" }, { 0x95, "FRAME" },
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].op == op)
      return fx_fail(FX_EFORMAT,
                     "the pickle uses the opcode %s at byte %zu, which torch.save "
                     "never writes: refused",
                     known[i].name, p->at - 1);
  return fx_fail(FX_EFORMAT,
                 "the pickle has 0x%02x at byte %zu, which is no opcode of torch.save: "
                 "refused",
                 op, p->at - 1);
}

static fx_status step (machine *p, unsigned op) {
  switch (op) {
  case 0x80: return protocol(p);
  case '(': return push_mark(p);
  case 'N': return push(p, fx_pickle_new(p->tree, FX_PICKLE_NONE));
  case 0x88: return push_int(p, FX_PICKLE_BOOL, 1);
  case 0x89: return push_int(p, FX_PICKLE_BOOL, 0);
  case 'K': return push_uint(p, 1);     /* BININT1 */
  case 'M': return push_uint(p, 2);     /* BININT2 */
  case 'J': return push_uint(p, 4);     /* BININT  */
  case 0x8a: return push_long(p);       /* LONG1   */
  case 'G': return push_float(p);       /* BINFLOAT */
  case 'U': return push_text(p, 1);     /* SHORT_BINSTRING */
  case 'X': return push_text(p, 4);     /* BINUNICODE */
  case ')': return push_tuple_of(p, 0); /* EMPTY_TUPLE */
  case 0x85: return push_tuple_of(p, 1);
  case 0x86: return push_tuple_of(p, 2);
  case 0x87: return push_tuple_of(p, 3);
  case 't': return push_tuple_marked(p); /* TUPLE */
  case ']':                              /* EMPTY_LIST, EMPTY_SET */
  case 0x8f: return push(p, fx_pickle_new(p->tree, FX_PICKLE_LIST));
  case '}': return push(p, fx_pickle_new(p->tree, FX_PICKLE_DICT));
  case 'a': return extend_by(p, 1, FX_PICKLE_LIST); /* APPEND */
  case 'e':                                         /* APPENDS, ADDITEMS */
  case 0x90: return extend_marked(p, FX_PICKLE_LIST);
  case 's': return extend_by(p, 2, FX_PICKLE_DICT);  /* SETITEM */
  case 'u': return extend_marked(p, FX_PICKLE_DICT); /* SETITEMS */
  case 'q': return memo_op(p, 1, memo_put);
  case 'r': return memo_op(p, 4, memo_put);
  case 'h': return memo_op(p, 1, memo_get);
  case 'j': return memo_op(p, 4, memo_get);
  case 'c': return push_global(p);
  case 'R': /* REDUCE, NEWOBJ */
  case 0x81: return reduce(p);
  case 'b': return build(p);
  case 'Q': return persistent(p); /* BINPERSID */
  default: return refuse_opcode(p, op);
  }
}

static fx_status run (machine *p) {
  while (p->at < p->size) {
    const unsigned op = p->bytes[p->at++];
    if (op != '.')
      FX_TRY(step(p, op));
    else if (p->mark_count || p->depth != 1)
      return damaged(p, "it stops with an untidy stack");
    else
      return pop(p, &p->tree->root);
  }
  return damaged(p, "it has no end");
}

/* --- interface ------------------------------------------------------------------------------- */

fx_status fx_pickle_read (const unsigned char *bytes, size_t n, fx_pickle **out) {
  if (n > MAX_BYTES)
    return fx_fail(FX_EFORMAT, "the pickle has %zu bytes; at most %d are read", n, MAX_BYTES);
  machine m = { .tree = fx_calloc(1, sizeof *m.tree), .bytes = bytes, .size = n };
  const fx_status st = m.tree ? run(&m) : FX_ENOMEM;
  fx_free(m.stack);
  fx_free(m.marks);
  fx_free(m.memo);
  if (st == FX_OK)
    *out = m.tree;
  else
    fx_pickle_free(m.tree);
  return st;
}
