/*
** attributes.c - see attributes.h.
*/
#include "io/attributes.h"

#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"

const fx_attribute *fx_attributes_find (const fx_attributes *a, const char *key) {
  for (int64_t i = 0; i < a->count; i++)
    if (strcmp(a->items[i].key, key) == 0 && a->items[i].n > 0)
      return &a->items[i];
  return NULL;
}

fx_attribute *fx_attributes_add (fx_attributes *a, const char *key) {
  if (FX_GROW(a->items, a->count, a->room) != FX_OK)
    return NULL;
  char *copy = fx_strdup(key);
  if (!copy)
    return NULL;
  a->items[a->count] = (fx_attribute){ .key = copy };
  return &a->items[a->count++];
}

void fx_attributes_clear (fx_attributes *a) {
  for (int64_t i = 0; i < a->count; i++) {
    fx_free(a->items[i].key);
    fx_free(a->items[i].numbers);
    fx_free(a->items[i].text);
  }
  fx_free(a->items);
  *a = (fx_attributes){ 0 };
}

void fx_attributes_free (fx_attributes *a) {
  if (!a)
    return;
  fx_attributes_clear(a);
  fx_free(a);
}
