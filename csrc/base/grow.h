/*
** grow.h - arrays that grow: a pointer that is NULL at first, how many elements are used, how many there is room for.
**
**   FX_TRY(FX_GROW(l->items, l->count, l->room));
**   l->items[l->count++] = item;
**
** Room doubles, from 16. An array moves when it grows, so pointers into it do not outlive the next FX_GROW. Free it
** with fx_free. Two lists grow by themselves: that of the allocator, which cannot call itself (arena.c), and those of
** a pickle, whose memory ends with the tree (pickle_tree.c).
*/
#ifndef FX_GROW_H
#define FX_GROW_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Room for one more element. FX_ENOMEM leaves all three as they were. `room` is an int64_t. */
#define FX_GROW(array, count, room) FX_GROW_BY(array, count, room, 1)

/* Room for `more` elements. */
#define FX_GROW_BY(array, count, room, more) \
  ((int64_t)(count) + (int64_t)(more) <= (room) \
       ? FX_OK \
       : fx_grow(&(array), (int64_t)(count), (int64_t)(more), &(room), sizeof *(array)))

/* What the macros do where room is short: `array` is the address of the pointer, `size` that of an element. What is
** behind the used elements is zero. */
fx_status fx_grow(void *array, int64_t count, int64_t more, int64_t *room, size_t size);

#endif
