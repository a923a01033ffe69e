/*
** archive.c - see archive.h.
**
** Both lists are arrays in order of insertion, each with an open-addressing table of positions
** keyed by the hash of the name: a file may hold 10^5 names, and comparing each with all others
** would let a small hostile file keep us busy for hours.
*/
#include "io/archive.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "io/file.h"

typedef struct {
  char *name;
  fx_tensor *tensor; /* in the list of tensors */
  char *text;        /* in the list of texts */
} item;

typedef struct {
  item *items;
  int64_t count, capacity;
  int64_t *slots; /* position in items, or -1; a power of two of them, at least half free */
  int64_t slot_count;
} list;

struct fx_archive {
  list tensors, texts;
};

/* --- the list -------------------------------------------------------------------------------- */

/* The slot that holds `name`, or the free one where it would go. */
static int64_t slot_of (const list *l, const char *name) {
  const int64_t mask = l->slot_count - 1;
  int64_t s = (int64_t)fx_hash(FX_HASH_START, name, strlen(name)) & mask;
  while (l->slots[s] >= 0 && strcmp(l->items[l->slots[s]].name, name) != 0)
    s = (s + 1) & mask;
  return s;
}

static item *list_find (const list *l, const char *name) {
  if (l->count == 0)
    return NULL;
  const int64_t at = l->slots[slot_of(l, name)];
  return at < 0 ? NULL : &l->items[at];
}

static fx_status list_grow (list *l) {
  const int64_t capacity = l->capacity ? 2 * l->capacity : 16;
  item *items = fx_calloc((size_t)capacity, sizeof *items);
  int64_t *slots = fx_calloc((size_t)(2 * capacity), sizeof *slots);
  if (!items || !slots) {
    fx_free(items);
    fx_free(slots);
    return FX_ENOMEM;
  }
  if (l->count)
    memcpy(items, l->items, (size_t)l->count * sizeof *items);
  fx_free(l->items);
  fx_free(l->slots);
  l->items = items;
  l->slots = slots;
  l->capacity = capacity;
  l->slot_count = 2 * capacity;
  for (int64_t s = 0; s < l->slot_count; s++)
    slots[s] = -1;
  for (int64_t i = 0; i < l->count; i++)
    slots[slot_of(l, items[i].name)] = i;
  return FX_OK;
}

/* Appends an item with a copy of `name`, which must not be there yet. */
static fx_status list_add (list *l, const char *name, item **out) {
  if (l->count == l->capacity)
    FX_TRY(list_grow(l));
  char *copy = fx_strdup(name);
  if (!copy)
    return FX_ENOMEM;
  l->slots[slot_of(l, name)] = l->count;
  l->items[l->count] = (item){ .name = copy };
  *out = &l->items[l->count++];
  return FX_OK;
}

static void list_clear (list *l) {
  for (int64_t i = 0; i < l->count; i++) {
    fx_free(l->items[i].name);
    fx_free(l->items[i].text);
    fx_tensor_release(l->items[i].tensor);
  }
  fx_free(l->items);
  fx_free(l->slots);
}

/* --- the archive ----------------------------------------------------------------------------- */

fx_status fx_archive_new (fx_archive **out) {
  fx_archive *a = fx_calloc(1, sizeof *a);
  if (!a)
    return FX_ENOMEM;
  *out = a;
  return FX_OK;
}

void fx_archive_free (fx_archive *a) {
  if (!a)
    return;
  list_clear(&a->tensors);
  list_clear(&a->texts);
  fx_free(a);
}

fx_status fx_archive_add (fx_archive *a, const char *name, fx_tensor *t) {
  if (!*name)
    return fx_fail(FX_EARG, "a tensor in an archive needs a name");
  if (!t->data)
    return fx_fail(FX_EARG, "the tensor '%s' is only a shape: it cannot be stored", name);
  if (list_find(&a->tensors, name))
    return fx_fail(FX_EARG, "there are two tensors called '%s'", name);
  item *added;
  FX_TRY(list_add(&a->tensors, name, &added));
  added->tensor = fx_tensor_retain(t);
  return FX_OK;
}

fx_tensor *fx_archive_find (const fx_archive *a, const char *name) {
  const item *found = list_find(&a->tensors, name);
  return found ? found->tensor : NULL;
}

fx_status fx_archive_get (const fx_archive *a, const char *name, fx_tensor **borrowed) {
  fx_tensor *t = fx_archive_find(a, name);
  if (!t)
    return fx_fail(FX_EARG, "there is no tensor '%s' among the %" PRId64 " here%s%s", name,
                   a->tensors.count, a->tensors.count ? "; the first is " : "",
                   a->tensors.count ? a->tensors.items[0].name : "");
  *borrowed = t;
  return FX_OK;
}

int64_t fx_archive_count (const fx_archive *a) { return a->tensors.count; }
const char *fx_archive_name (const fx_archive *a, int64_t i) { return a->tensors.items[i].name; }
fx_tensor *fx_archive_tensor (const fx_archive *a, int64_t i) { return a->tensors.items[i].tensor; }

fx_status fx_archive_set_text (fx_archive *a, const char *key, const char *value) {
  if (!*key)
    return fx_fail(FX_EARG, "a text in an archive needs a name");
  char *copy = fx_strdup(value);
  if (!copy)
    return FX_ENOMEM;
  item *at = list_find(&a->texts, key);
  if (!at) {
    const fx_status st = list_add(&a->texts, key, &at);
    if (st != FX_OK) {
      fx_free(copy);
      return st;
    }
  }
  fx_free(at->text);
  at->text = copy;
  return FX_OK;
}

fx_status fx_archive_set_number (fx_archive *a, const char *key, double value) {
  char text[32];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, value);
    if (strtod(text, NULL) == value)
      break;
  }
  return fx_archive_set_text(a, key, isnan(value) ? "nan" : text);
}

const char *fx_archive_text (const fx_archive *a, const char *key) {
  const item *found = list_find(&a->texts, key);
  return found ? found->text : NULL;
}

fx_status fx_archive_number (const fx_archive *a, const char *key, double *value) {
  const char *text = fx_archive_text(a, key);
  if (!text)
    return fx_fail(FX_EARG, "there is no text '%s' here", key);
  char *end;
  const double v = strtod(text, &end);
  if (end == text || *end)
    return fx_fail(FX_EARG, "the text '%s' is \"%.60s\", not a number", key, text);
  *value = v;
  return FX_OK;
}

int64_t fx_archive_text_count (const fx_archive *a) { return a->texts.count; }
const char *fx_archive_text_key (const fx_archive *a, int64_t i) { return a->texts.items[i].name; }
const char *fx_archive_text_value (const fx_archive *a, int64_t i) {
  return a->texts.items[i].text;
}

/* --- files ----------------------------------------------------------------------------------- */

/* HDF5 allows a user block: its signature sits at 0, 512, 1024, 2048, ... */
static fx_status is_hdf5 (int fd, const char *path, int64_t size, bool *yes) {
  static const unsigned char signature[8] = { 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n' };
  unsigned char head[8];
  *yes = false;
  for (int64_t at = 0; at <= size - 8 && !*yes; at = at ? 2 * at : 512) {
    FX_TRY(fx_file_read_at(fd, path, at, 8, head));
    *yes = memcmp(head, signature, 8) == 0;
  }
  return FX_OK;
}

typedef fx_status (*loader)(const char *path, fx_archive **out);

/* What the first bytes say; NULL if they are no format of ours. */
static loader loader_of (const unsigned char *head, size_t n) {
  if (n >= 4 && memcmp(head, "PK\3\4", 4) == 0)
    return fx_pt_load;
  if (n >= 9 && head[8] == '{')
    return fx_safetensors_load;
  return NULL;
}

static fx_status refuse_format (const char *path, const unsigned char *head, size_t n) {
  /* torch < 1.6: a pickled long of 10 bytes, the magic number of torch/serialization.py. */
  static const unsigned char legacy[] = { 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9 };
  if (n == 0)
    return fx_fail(FX_EFORMAT, "%s is empty: a checkpoint was expected", path);
  if (n >= 9 && head[0] == 0x80 && memcmp(head + 2, legacy, sizeof legacy) == 0)
    return fx_fail(FX_EFORMAT,
                   "%s was written by torch before 1.6 (or without zip): load it in "
                   "PyTorch and torch.save it again",
                   path);
  if (n >= 2 && head[0] == 0x80)
    return fx_fail(FX_EFORMAT,
                   "%s is a bare Python pickle, which is never read here: save its "
                   "tensors with torch.save or safetensors",
                   path);
  return fx_fail(FX_EFORMAT,
                 "%s is neither HDF5 nor safetensors nor a .pt file of PyTorch (it "
                 "begins with byte 0x%02x)",
                 path, head[0]);
}

fx_status fx_archive_load (const char *path, fx_archive **out) {
  int fd;
  int64_t size;
  unsigned char head[16] = { 0 };
  FX_TRY(fx_file_open(path, &fd, &size));
  const size_t n = size < 16 ? (size_t)size : 16;
  bool hdf5 = false;
  fx_status st = fx_file_read_at(fd, path, 0, n, head);
  if (st == FX_OK)
    st = is_hdf5(fd, path, size, &hdf5);
  close(fd);
  if (st != FX_OK)
    return st;
  const loader load = loader_of(head, n);
  /* A zip or safetensors file may hold HDF5's signature as data; only offset 0 outranks them. */
  if (hdf5 && (head[0] == 0x89 || !load))
    return fx_h5_archive_load(path, out);
  return load ? load(path, out) : refuse_format(path, head, n);
}

static bool ends_with (const char *path, const char *ending) {
  const size_t n = strlen(path), m = strlen(ending);
  return n > m && strcasecmp(path + n - m, ending) == 0;
}

fx_status fx_archive_save (const char *path, const fx_archive *a) {
  if (ends_with(path, ".h5") || ends_with(path, ".hdf5"))
    return fx_h5_archive_save(path, a);
  if (ends_with(path, ".safetensors"))
    return fx_safetensors_save(path, a);
  return fx_fail(FX_EARG,
                 "%s: a checkpoint is written as .h5 or .safetensors; give the name one "
                 "of these endings",
                 path);
}
