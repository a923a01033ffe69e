/*
** arena.c - large blocks: best fit among idle extents.
**
** An extent is a run of pages that nobody has taken. The list of extents is in the order of addresses and no two
** of them touch, since neighbours are joined as a block comes back: so the gradients of a backward pass, many and of
** middle size, lie where the maps of the forward pass were, few and large. A request takes the smallest extent that
** holds it, the first of several, and leaves the lower rest of it; only if there is none the system is asked, for
** whole huge pages that adjoin the last ones from below.
**
** The list lies outside the extents, so that keeping one touches none of its pages, and a search goes through it from
** one end to the other: a training step has some hundred of them and takes some thousand blocks.
**
** Refused: free lists by size class, as small blocks have (alloc.c). A class's block serves no other class, and
** classes round up: of 1834 MiB that training of FLEX-small needed, 300 lay idle or unused for that reason.
**
** Linux backs memory by pages of 2 MiB if it is asked to: a map's rows lie 32 KiB and more apart, so a tile of it
** spans as many small pages as it has rows.
*/
#ifdef __linux__
#define _GNU_SOURCE /* madvise */
#endif
#include "base/arena.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)

typedef struct {
  char *at;
  size_t bytes;
} extent;

static extent *list;
static int64_t count, room;
static int64_t idle;
static char *lowest; /* where the last memory from the system begins */

static size_t round_up (size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

size_t fx_arena_round (size_t bytes) { return round_up(bytes, (size_t)sysconf(_SC_PAGESIZE)); }

int64_t fx_arena_idle (void) { return idle; }

/* The first extent that lies at or beyond `at`; `count` if none does. */
static int64_t place_of (const char *at) {
  int64_t first = 0, end = count;
  while (first < end) {
    const int64_t middle = (first + end) / 2;
    if (list[middle].at < at)
      first = middle + 1;
    else
      end = middle;
  }
  return first;
}

static void remove_extent (int64_t i) {
  memmove(list + i, list + i + 1, (size_t)(--count - i) * sizeof *list);
}

static bool insert_extent (int64_t i, extent e) {
  if (count == room) {
    const int64_t more = room ? 2 * room : 256;
    extent *longer = realloc(list, (size_t)more * sizeof *list);
    if (!longer)
      return false;
    list = longer;
    room = more;
  }
  memmove(list + i + 1, list + i, (size_t)(count++ - i) * sizeof *list);
  list[i] = e;
  return true;
}

/* Keeps an extent, joined with its neighbours; false if there is no memory for the list. */
static bool keep (extent e) {
  const int64_t i = place_of(e.at);
  const bool before = i > 0 && list[i - 1].at + list[i - 1].bytes == e.at;
  const bool after = i < count && e.at + e.bytes == list[i].at;
  if (before && after) {
    list[i - 1].bytes += e.bytes + list[i].bytes;
    remove_extent(i);
  } else if (before) {
    list[i - 1].bytes += e.bytes;
  } else if (after) {
    list[i].at = e.at;
    list[i].bytes += e.bytes;
  } else if (!insert_extent(i, e)) {
    return false;
  }
  idle += (int64_t)e.bytes;
  return true;
}

static int64_t best_fit (size_t bytes) {
  int64_t best = -1;
  for (int64_t i = 0; i < count; i++)
    if (list[i].bytes >= bytes && (best < 0 || list[i].bytes < list[best].bytes))
      best = i;
  return best;
}

/* Memory from the system for at least `bytes`, or, to `extend`, for what the extent at the end lacks of them: the
** last memory begins there, and the system, which fills addresses from above, can mostly give what lies before it.
** What it gives elsewhere would be too small, and is given back.
** Huge pages are advice, which it may refuse. */
static bool grow (size_t bytes, bool extend) {
  const int64_t i = place_of(lowest);
  const size_t there = extend && i < count && list[i].at == lowest ? list[i].bytes : 0;
  const size_t all = round_up(bytes - there, HUGE_PAGE);
  /* A number: so much may be wanted that no address lies so far before. */
  void *const wish = extend && lowest ? (void *)((uintptr_t)lowest - all) : NULL;
  char *at = mmap(wish, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED)
    return false;
  if (there > 0 && at + all != lowest) {
    munmap(at, all);
    return false;
  }
#ifdef MADV_HUGEPAGE
  madvise(at, all, MADV_HUGEPAGE);
#endif
  if (!keep((extent){ at, all })) {
    munmap(at, all);
    return false;
  }
  lowest = at;
  return true;
}

void *fx_arena_take (size_t bytes) {
  int64_t i = best_fit(bytes);
  if (i < 0 && grow(bytes, true))
    i = best_fit(bytes);
  if (i < 0 && grow(bytes, false))
    i = best_fit(bytes);
  if (i < 0)
    return NULL;
  idle -= (int64_t)bytes;
  list[i].bytes -= bytes;
  char *const block = list[i].at + list[i].bytes;
  if (list[i].bytes == 0)
    remove_extent(i);
  return block;
}

void fx_arena_give (void *block, size_t bytes) {
  if (!keep((extent){ block, bytes }))
    fx_arena_drop(block, bytes);
}

void fx_arena_drop (void *block, size_t bytes) { munmap(block, bytes); }

void fx_arena_trim (void) {
  int64_t kept = 0;
  for (int64_t i = 0; i < count; i++)
    if (munmap(list[i].at, list[i].bytes) == 0)
      idle -= (int64_t)list[i].bytes;
    else
      list[kept++] = list[i]; /* the system has too many pieces to tell apart */
  count = kept;
}
