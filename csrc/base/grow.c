/* grow.c - see grow.h. */
#include "base/grow.h"

#include <string.h>

#include "base/alloc.h"

enum { FIRST = 16 };

fx_status fx_grow (void *array, int64_t count, int64_t more, int64_t *room, size_t size) {
  int64_t larger = *room ? 2 * *room : FIRST;
  void *old;
  if (larger < count + more)
    larger = count + more;
  memcpy(&old, array, sizeof old); /* the pointer is of any type */
  void *new = fx_calloc((size_t)larger, size);
  if (!new)
    return FX_ENOMEM;
  if (count)
    memcpy(new, old, (size_t)count * size);
  fx_free(old);
  memcpy(array, &new, sizeof new);
  *room = larger;
  return FX_OK;
}
