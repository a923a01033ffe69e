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

#include "base/alloc.h"
#include "base/grow.h"
#include "base/hash.h"

typedef struct {
  char *name;
  fx_tensor *tensor; /* in the list of tensors */
  char *text;        /* in the list of texts */
} item;

typedef struct {
  item *items;
  int64_t count, room;
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

/* A table of twice the size, with all items in it. */
static fx_status index_again (list *l) {
  const int64_t size = l->slot_count ? 2 * l->slot_count : 32;
  int64_t *slots = fx_calloc((size_t)size, sizeof *slots);
  if (!slots)
    return FX_ENOMEM;
  fx_free(l->slots);
  l->slots = slots;
  l->slot_count = size;
  for (int64_t s = 0; s < size; s++)
    slots[s] = -1;
  for (int64_t i = 0; i < l->count; i++)
    slots[slot_of(l, l->items[i].name)] = i;
  return FX_OK;
}

/* Appends an item with a copy of `name`, which must not be there yet. */
static fx_status list_add (list *l, const char *name, item **out) {
  FX_TRY(FX_GROW(l->items, l->count, l->room));
  if (2 * (l->count + 1) > l->slot_count)
    FX_TRY(index_again(l));
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

int64_t fx_archive_text_count (const fx_archive *a) { return a->texts.count; }
const char *fx_archive_text_key (const fx_archive *a, int64_t i) { return a->texts.items[i].name; }
const char *fx_archive_text_value (const fx_archive *a, int64_t i) {
  return a->texts.items[i].text;
}
