/*
** attributes.h - what a file says about itself or about one of its variables: a list of keys with numbers or texts.
*/
#ifndef FX_ATTRIBUTES_H
#define FX_ATTRIBUTES_H

#include <stdint.h>

typedef struct {
  char *key;
  int64_t n;       /* how many numbers, or texts */
  double *numbers; /* NULL for texts */
  char *text;      /* n texts, each with its final 0 */
} fx_attribute;

typedef struct fx_attributes {
  int64_t count, room;
  fx_attribute *items;
} fx_attributes;

/* The attribute `key`, borrowed; NULL if there is none, or it holds nothing. */
const fx_attribute *fx_attributes_find(const fx_attributes *a, const char *key);

/* One more attribute in the list; NULL without memory. The key is copied. */
fx_attribute *fx_attributes_add(fx_attributes *a, const char *key);

/* Frees what the list holds, not the list itself. */
void fx_attributes_clear(fx_attributes *a);

void fx_attributes_free(fx_attributes *a); /* NULL is ignored */

#endif
