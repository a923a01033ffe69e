/* pickle_tree.c - the nodes of a pickle and their memory. See pickle_tree.h. */
#include "io/pickle_tree.h"

#include <string.h>

#include "base/alloc.h"

enum { BLOCK = 1 << 16 };

struct fx_pickle_block {
  struct fx_pickle_block *next;
  size_t used, size; /* of the bytes that follow */
};

void *fx_pickle_memory (fx_pickle *p, size_t bytes) {
  enum { HEAD = (sizeof(struct fx_pickle_block) + 15) / 16 * 16 };
  bytes = (bytes + 15) / 16 * 16;
  if (!p->blocks || bytes > p->blocks->size - p->blocks->used) {
    const size_t size = bytes > BLOCK ? bytes : BLOCK;
    struct fx_pickle_block *b = fx_alloc(HEAD + size);
    if (!b)
      return NULL;
    *b = (struct fx_pickle_block){ .next = p->blocks, .size = size };
    p->blocks = b;
  }
  char *memory = (char *)p->blocks + HEAD + p->blocks->used;
  p->blocks->used += bytes;
  return memory;
}

fx_pickle_node *fx_pickle_new (fx_pickle *p, fx_pickle_kind kind) {
  fx_pickle_node *n = fx_pickle_memory(p, sizeof *n);
  if (n) {
    memset(n, 0, sizeof *n);
    n->kind = kind;
  }
  return n;
}

fx_status fx_pickle_append (fx_pickle *p, fx_pickle_node *list, fx_pickle_node *item) {
  if (list->as.list.count == list->as.list.capacity) {
    const int64_t capacity = list->as.list.capacity ? 2 * list->as.list.capacity : 4;
    fx_pickle_node **items = fx_pickle_memory(p, (size_t)capacity * sizeof *items);
    if (!items)
      return FX_ENOMEM;
    if (list->as.list.count)
      memcpy(items, list->as.list.items, (size_t)list->as.list.count * sizeof *items);
    list->as.list.items = items;
    list->as.list.capacity = capacity;
  }
  list->as.list.items[list->as.list.count++] = item;
  return FX_OK;
}

void fx_pickle_free (fx_pickle *p) {
  if (!p)
    return;
  while (p->blocks) {
    struct fx_pickle_block *b = p->blocks;
    p->blocks = b->next;
    fx_free(b);
  }
  fx_free(p);
}

const fx_pickle_node *fx_pickle_root (const fx_pickle *p) { return p->root; }
