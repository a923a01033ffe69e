/*
** pt.c - PyTorch checkpoints into an archive. See archive.h, zip.h, pickle.h.
**
** The zip holds NAME/data.pkl, the pickled object, in which each storage is a reference to the
** entry NAME/data/KEY. The object's tree is flattened into names joined by '/'; each tensor reads
** its window of its storage, gathered if its strides are not those of a contiguous tensor.
**
** A hostile file can make a small tree look enormous (shared nodes, zero strides, long keys), so
** the walk has a depth limit, and two budgets in proportion to the file: bytes of tensors and
** bytes of names and texts.
*/
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "io/archive.h"
#include "io/pickle.h"
#include "io/zip.h"

enum {
  MAX_DEPTH = 64, /* a trainer's checkpoint is 5 deep */
  MAX_NAME = 1024,
  DATA_FACTOR = 8, /* storages may be shared (tied weights), but hardly eight times */
  TEXT_FACTOR = 64 /* `optimizer/param_groups/0/params/77` comes from two bytes of pickle */
};

typedef struct {
  fx_zip *zip;
  char prefix[MAX_NAME]; /* "NAME/" */
  fx_archive *archive;
  char name[MAX_NAME]; /* of the node being visited */
  int64_t data_budget, text_budget;
} walk;

/* --- tensors --------------------------------------------------------------------------------- */

static fx_status find_storage (walk *w, const fx_pickle_node *storage, fx_zip_entry **entry) {
  char name[2 * MAX_NAME];
  snprintf(name, sizeof name, "%sdata/%.*s", w->prefix, (int)storage->as.storage.key_size,
           storage->as.storage.key);
  fx_zip_entry *e = fx_zip_find(w->zip, name);
  if (!e)
    return fx_fail(FX_EFORMAT, "tensor '%.200s' wants the entry '%.200s', which the zip lacks",
                   w->name, name);
  const int64_t size =
      storage->as.storage.untyped ? 1 : (int64_t)fx_element_size(storage->as.storage.element);
  if (storage->as.storage.count > e->size / size)
    return fx_fail(FX_EFORMAT,
                   "tensor '%.200s': its storage claims %" PRId64 " elements, but the "
                   "entry '%.200s' has %" PRId64 " bytes",
                   w->name, storage->as.storage.count, name, e->size);
  *entry = e;
  return fx_zip_check(w->zip, e);
}

/* Elements from the first to the last that the tensor touches; `room` is what the storage has from
** the tensor's offset on. Needs a tensor that is not empty. */
static fx_status extent_of (const walk *w, const fx_pickle_tensor *t, int64_t room,
                            int64_t *extent) {
  int64_t last = 0;
  for (int i = 0; i < t->ndim; i++) {
    const int64_t steps = t->shape[i] - 1;
    if (steps > 0 && t->stride[i] > (room - 1 - last) / steps)
      return fx_fail(FX_EFORMAT, "tensor '%.200s' reaches beyond the end of its storage", w->name);
    last += steps * t->stride[i];
  }
  *extent = last + 1;
  return FX_OK;
}

static bool is_contiguous (const fx_pickle_tensor *t) {
  int64_t expected = 1;
  for (int i = t->ndim - 1; i >= 0; i--) {
    if (t->shape[i] != 1 && t->stride[i] != expected)
      return false;
    expected *= t->shape[i];
  }
  return true;
}

/* Copies the strided window at `from` into row-major order. */
static void gather (const fx_pickle_tensor *t, const char *from, fx_tensor *to) {
  const int64_t size = (int64_t)fx_element_size(t->element), count = fx_tensor_count(to);
  int64_t index[FX_MAX_DIMS] = { 0 }, at = 0;
  for (int64_t i = 0; i < count; i++) {
    fx_element_store(t->element, from + at * size, 1, to, i);
    for (int axis = t->ndim - 1; axis >= 0; axis--) {
      at += t->stride[axis];
      if (++index[axis] < t->shape[axis])
        break;
      at -= index[axis] * t->stride[axis];
      index[axis] = 0;
    }
  }
}

static fx_status read_elements (walk *w, const fx_pickle_tensor *t, const fx_zip_entry *entry,
                                int64_t extent, fx_tensor *to) {
  const int64_t size = (int64_t)fx_element_size(t->element);
  const int direct = is_contiguous(t) && t->element <= FX_ELEMENT_F16;
  if (direct)
    return fx_zip_read(w->zip, entry, t->offset * size, extent * size, to->data);
  char *bytes = fx_alloc((size_t)(extent * size));
  if (!bytes)
    return FX_ENOMEM;
  const fx_status st = fx_zip_read(w->zip, entry, t->offset * size, extent * size, bytes);
  if (st == FX_OK && is_contiguous(t))
    fx_element_store(t->element, bytes, extent, to, 0);
  else if (st == FX_OK)
    gather(t, bytes, to);
  fx_free(bytes);
  return st;
}

static fx_status spend_data (walk *w, int64_t bytes) {
  if (bytes > w->data_budget)
    return fx_fail(FX_EFORMAT,
                   "tensor '%.200s' asks for more data than a file of %" PRId64 " "
                   "bytes can hold",
                   w->name, fx_zip_file_size(w->zip));
  w->data_budget -= bytes;
  return FX_OK;
}

static fx_status load_tensor (walk *w, const fx_pickle_tensor *t, fx_tensor **out) {
  const int64_t size = (int64_t)fx_element_size(t->element);
  fx_zip_entry *entry = NULL;
  char what[MAX_NAME + 16];
  int64_t count, extent = 0;
  snprintf(what, sizeof what, "tensor '%.200s'", w->name);
  if (fx_element_count(t->element, t->ndim, t->shape, w->data_budget, what, &count) != FX_OK)
    return fx_fail(FX_EFORMAT, "%s", fx_errmsg());
  FX_TRY(find_storage(w, t->storage, &entry));
  if (count > 0) {
    const int64_t unit = t->storage->as.storage.untyped ? size : 1; /* storage counts bytes */
    const int64_t stored = t->storage->as.storage.count / unit;
    if (t->offset >= stored)
      return fx_fail(FX_EFORMAT, "tensor '%.200s' begins beyond the end of its storage", w->name);
    FX_TRY(extent_of(w, t, stored - t->offset, &extent));
  }
  FX_TRY(spend_data(w, (extent > count ? extent : count) * size));
  fx_tensor *made;
  FX_TRY(fx_tensor_new(fx_element_dtype(t->element), t->ndim, t->shape, &made));
  const fx_status st = count ? read_elements(w, t, entry, extent, made) : FX_OK;
  if (st != FX_OK) {
    fx_tensor_release(made);
    return st;
  }
  *out = made;
  return FX_OK;
}

static fx_status add_tensor (walk *w, const fx_pickle_tensor *t) {
  fx_tensor *made;
  FX_TRY(load_tensor(w, t, &made));
  const fx_status st = fx_archive_add(w->archive, w->name, made);
  fx_tensor_release(made);
  return st;
}

/* --- the walk -------------------------------------------------------------------------------- */

static fx_status add_text (walk *w, const char *text) {
  if (fx_archive_text(w->archive, w->name))
    return fx_fail(FX_EFORMAT, "there are two values called '%.200s'", w->name);
  return fx_archive_set_text(w->archive, w->name, text);
}

static fx_status add_string (walk *w, const fx_pickle_node *n) {
  if (memchr(n->as.text.bytes, 0, n->as.text.size))
    return fx_fail(FX_EFORMAT, "the text '%.200s' contains a zero byte", w->name);
  char *text = fx_alloc(n->as.text.size + 1);
  if (!text)
    return FX_ENOMEM;
  memcpy(text, n->as.text.bytes, n->as.text.size);
  text[n->as.text.size] = '\0';
  const fx_status st = add_text(w, text);
  fx_free(text);
  return st;
}

static fx_status add_number (walk *w, double value) {
  if (fx_archive_text(w->archive, w->name))
    return fx_fail(FX_EFORMAT, "there are two values called '%.200s'", w->name);
  return fx_archive_set_number(w->archive, w->name, value);
}

/* Appends "/key" to the name; *length remembers what to cut off again. */
static fx_status enter (walk *w, const char *key, size_t n, size_t *length) {
  *length = strlen(w->name);
  const size_t slash = *length > 0;
  if (n == 0 || memchr(key, 0, n) || *length + slash + n >= MAX_NAME)
    return fx_fail(FX_EFORMAT, "a key below '%.100s' is empty, too long (%zu bytes) or not text",
                   w->name, n);
  if (slash)
    w->name[*length] = '/';
  memcpy(w->name + *length + slash, key, n);
  w->name[*length + slash + n] = '\0';
  return FX_OK;
}

static fx_status visit(walk *w, const fx_pickle_node *n, int depth);

static fx_status visit_child (walk *w, const char *key, size_t n, const fx_pickle_node *child,
                              int depth) {
  size_t length;
  FX_TRY(enter(w, key, n, &length));
  FX_TRY(visit(w, child, depth + 1));
  w->name[length] = '\0';
  return FX_OK;
}

static fx_status visit_list (walk *w, const fx_pickle_node *n, int depth) {
  for (int64_t i = 0; i < n->as.list.count; i++) {
    char key[24];
    const int length = snprintf(key, sizeof key, "%" PRId64, i);
    FX_TRY(visit_child(w, key, (size_t)length, n->as.list.items[i], depth));
  }
  return FX_OK;
}

static fx_status visit_dict (walk *w, const fx_pickle_node *n, int depth) {
  for (int64_t i = 0; i + 1 < n->as.list.count; i += 2) {
    const fx_pickle_node *key = n->as.list.items[i], *value = n->as.list.items[i + 1];
    char number[24];
    if (key->kind == FX_PICKLE_TEXT) {
      FX_TRY(visit_child(w, key->as.text.bytes, key->as.text.size, value, depth));
    } else if (key->kind == FX_PICKLE_INT) {
      const int length = snprintf(number, sizeof number, "%" PRId64, key->as.integer);
      FX_TRY(visit_child(w, number, (size_t)length, value, depth));
    } else
      return fx_fail(FX_EFORMAT,
                     "the dictionary '%.200s' has a key that is neither a text nor an "
                     "integer",
                     w->name);
  }
  return FX_OK;
}

static fx_status spend_text (walk *w, const fx_pickle_node *n) {
  const int64_t bytes =
      (int64_t)strlen(w->name) + 32 + (n->kind == FX_PICKLE_TEXT ? (int64_t)n->as.text.size : 0);
  if (bytes > w->text_budget)
    return fx_fail(FX_EFORMAT, "the pickle unfolds into far more values than it has bytes: "
                               "refused");
  w->text_budget -= bytes;
  return FX_OK;
}

static fx_status visit (walk *w, const fx_pickle_node *n, int depth) {
  char text[96];
  if (depth > MAX_DEPTH)
    return fx_fail(FX_EFORMAT, "the pickle nests deeper than %d containers (or contains itself)",
                   MAX_DEPTH);
  FX_TRY(spend_text(w, n));
  if (depth == 0 && n->kind != FX_PICKLE_DICT && n->kind != FX_PICKLE_LIST &&
      n->kind != FX_PICKLE_TUPLE)
    snprintf(w->name, sizeof w->name, "value"); /* torch.save(tensor, ...) */
  switch (n->kind) {
  case FX_PICKLE_NONE: return add_text(w, "none");
  case FX_PICKLE_BOOL: return add_text(w, n->as.integer ? "true" : "false");
  case FX_PICKLE_INT:
    snprintf(text, sizeof text, "%" PRId64, n->as.integer);
    return add_text(w, text);
  case FX_PICKLE_FLOAT: return add_number(w, n->as.number);
  case FX_PICKLE_TEXT: return add_string(w, n);
  case FX_PICKLE_TUPLE:
  case FX_PICKLE_LIST: return visit_list(w, n, depth);
  case FX_PICKLE_DICT: return visit_dict(w, n, depth);
  case FX_PICKLE_TENSOR: return add_tensor(w, n->as.tensor);
  case FX_PICKLE_NAME: fx_pickle_name_text(n, text, sizeof text); return add_text(w, text);
  case FX_PICKLE_STORAGE: break;
  }
  return fx_fail(FX_EFORMAT, "'%.200s' is a bare storage, not a tensor", w->name);
}

/* --- the file -------------------------------------------------------------------------------- */

/* The entry NAME/data.pkl; fills in the prefix "NAME/". */
static fx_status find_pickle (walk *w, fx_zip_entry **entry) {
  static const char wanted[] = "data.pkl";
  const size_t m = sizeof wanted - 1;
  for (int64_t i = 0; i < fx_zip_count(w->zip); i++) {
    fx_zip_entry *e = fx_zip_at(w->zip, i);
    const size_t n = strlen(e->name);
    const char *slash = strchr(e->name, '/');
    if (n < m + 2 || n - m >= MAX_NAME || !slash || strcmp(slash + 1, wanted) != 0)
      continue;
    memcpy(w->prefix, e->name, n - m);
    w->prefix[n - m] = '\0';
    *entry = e;
    return FX_OK;
  }
  return fx_fail(FX_EFORMAT, "this zip has no entry NAME/data.pkl, so it is not a checkpoint of "
                             "PyTorch");
}

static fx_status check_byte_order (walk *w) {
  char name[MAX_NAME + 16], order[8] = "";
  snprintf(name, sizeof name, "%sbyteorder", w->prefix);
  fx_zip_entry *e = fx_zip_find(w->zip, name);
  if (!e)
    return FX_OK; /* torch before 2.1 does not say; it was little-endian then */
  FX_TRY(fx_zip_check(w->zip, e));
  FX_TRY(fx_zip_read(w->zip, e, 0, e->size < 6 ? e->size : 6, order));
  return strcmp(order, "little") == 0
             ? FX_OK
             : fx_fail(FX_EFORMAT, "its byte order is \"%s\"; only \"little\" is read", order);
}

static fx_status read_pickle (walk *w) {
  fx_zip_entry *entry = NULL;
  unsigned char *bytes = NULL;
  fx_pickle *pickle = NULL;
  fx_status st;
  FX_TRY(find_pickle(w, &entry));
  FX_TRY(check_byte_order(w));
  FX_TRY(fx_zip_check(w->zip, entry));
  if (!(bytes = fx_alloc((size_t)entry->size)))
    return FX_ENOMEM;
  FX_GOTO(fx_zip_read(w->zip, entry, 0, entry->size, bytes));
  FX_GOTO(fx_pickle_read(bytes, (size_t)entry->size, &pickle));
  w->data_budget = fx_zip_file_size(w->zip) * DATA_FACTOR + (1 << 20);
  w->text_budget = entry->size * TEXT_FACTOR + (1 << 16);
  FX_GOTO(visit(w, fx_pickle_root(pickle), 0));
done:
  fx_pickle_free(pickle);
  fx_free(bytes);
  return st;
}

fx_status fx_pt_load (const char *path, fx_archive **out) {
  walk *w = fx_calloc(1, sizeof *w);
  if (!w)
    return FX_ENOMEM;
  fx_status st = fx_zip_open(path, &w->zip);
  if (st == FX_OK)
    st = fx_archive_new(&w->archive);
  if (st == FX_OK)
    st = read_pickle(w);
  fx_zip_close(w->zip);
  if (st == FX_OK) {
    *out = w->archive;
  } else {
    fx_archive_free(w->archive);
    /* a name used twice is our FX_EARG, but here it is the file's fault */
    st = st == FX_EARG ? FX_EFORMAT : st;
    if (st == FX_EFORMAT)
      fx_fail_in(st, "%s", path);
  }
  fx_free(w);
  return st;
}
