/*
** alloc.c - the caching allocator.
**
** Each block is preceded by one 64-byte header that holds its class. Sizes are rounded up to a
** class with four steps per power of two (at most 25 % waste), freed blocks go to the free list of
** their class, and a request takes the newest block of its class or, if large, of one a little larger. Blocks above
** LARGEST_CACHED go straight back to the system: they are rare and their page faults are noise.
** The cache is bounded by CACHE_LIMIT bytes; a request the system refuses empties the cache and
** tries once more. Under AddressSanitizer nothing is cached, so that it sees every free.
**
** Linux backs a large block by pages of 2 MiB if it is asked to: a map's rows lie 32 KiB and more apart, so
** a tile of it spans as many small pages as it has rows. Only whole huge pages inside the block are asked
** for; no more memory is touched for it than the block has.
*/
#include "base/alloc.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#include "base/status.h"

#define ALIGNMENT 64
#define SMALLEST 64
#define CLASSES 160
#define LARGEST_CACHED ((size_t)1 << 32)
#define CACHE_LIMIT ((int64_t)8 << 30)
#define LARGE_CLASS 40 /* 64 KiB */
#define LARGER 4       /* classes: up to twice what is needed */
#define HUGE_PAGE ((uintptr_t)2 << 20)

#if defined(__SANITIZE_ADDRESS__)
#define CACHING 0
#else
#define CACHING 1
#endif

typedef union header {
  struct {
    union header *next; /* while in the cache */
    size_t bytes;       /* usable, a class size */
    int class;          /* -1: never cached */
    fx_memory_kind kind;
  } block;
  char pad[ALIGNMENT];
} header;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static header *cache[CLASSES];
static fx_memory_stats stats;
static int64_t fail_in;
static _Thread_local fx_memory_kind tensor_kind = FX_MEMORY_ACTIVATIONS;

const char *fx_memory_kind_name (fx_memory_kind kind) {
  /* ORDER MEMORY */
  static const char *const names[] = { "workspace", "activations", "weights", "gradients",
                                       "optimiser" };
  return names[kind];
}

fx_memory_kind fx_memory_current (void) { return tensor_kind; }

fx_memory_kind fx_memory_enter (fx_memory_kind kind) {
  const fx_memory_kind before = tensor_kind;
  tensor_kind = kind;
  return before;
}

/* The class of a size and, through *rounded, the class's own size: (4 + q) * 2^e, q = 0..3. */
static int size_class (size_t bytes, size_t *rounded) {
  if (bytes <= SMALLEST) {
    *rounded = SMALLEST;
    return 0;
  }
  int e = 0;
  size_t units = (bytes + SMALLEST / 4 - 1) / (SMALLEST / 4); /* quarter steps of the smallest */
  while (units > 7) {
    units = (units + 1) / 2;
    e++;
  }
  if (units == 8)
    units = 4, e++;
  *rounded = units * (SMALLEST / 4) << e;
  return e * 4 + (int)(units - 4);
}

static void trim_locked (void) {
  for (int c = 0; c < CLASSES; c++)
    while (cache[c]) {
      header *h = cache[c];
      cache[c] = h->block.next;
      stats.cached_bytes -= (int64_t)h->block.bytes;
      free(h);
    }
}

/* A cached block of the class, or of one of the LARGER classes above it where that is better than
** asking the system: a large block that lies idle costs more than the part of it that is not used. */
static header *take_cached (int class) {
  const int last = class < LARGE_CLASS ? class : class + LARGER;
  for (int c = class; c <= last && c < CLASSES; c++) {
    header *h = cache[c];
    if (!h)
      continue;
    cache[c] = h->block.next;
    stats.cached_bytes -= (int64_t)h->block.bytes;
    return h;
  }
  return NULL;
}

/* Advice, which a system may refuse: then pages stay small. */
static void ask_huge_pages (void *block, size_t bytes) {
#ifdef MADV_HUGEPAGE
  const uintptr_t first = ((uintptr_t)block + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  const uintptr_t end = ((uintptr_t)block + bytes) / HUGE_PAGE * HUGE_PAGE;
  if (first < end)
    madvise((void *)first, end - first, MADV_HUGEPAGE);
#else
  (void)block, (void)bytes;
#endif
}

static header *take_new (size_t bytes) {
  const size_t all = bytes + sizeof(header);
  void *p = NULL;
  if (posix_memalign(&p, ALIGNMENT, all) != 0) {
    trim_locked();
    if (posix_memalign(&p, ALIGNMENT, all) != 0)
      return NULL;
  }
  ask_huge_pages(p, all);
  return p;
}

/* Counts a block of `bytes` handed out. */
static void count_locked (int64_t bytes, fx_memory_kind kind) {
  stats.live_blocks++;
  stats.live_bytes += bytes;
  stats.live_by_kind[kind] += bytes;
  if (stats.live_bytes > stats.peak_bytes) {
    stats.peak_bytes = stats.live_bytes;
    memcpy(stats.peak_by_kind, stats.live_by_kind, sizeof stats.peak_by_kind);
  }
}

void *fx_alloc (size_t bytes) { return fx_alloc_kind(bytes, FX_MEMORY_WORKSPACE); }

void *fx_alloc_kind (size_t bytes, fx_memory_kind kind) {
  if (bytes > PTRDIFF_MAX / 2) {
    fx_fail(FX_ENOMEM, "cannot allocate %zu bytes", bytes);
    return NULL;
  }
  size_t rounded;
  const int class = size_class(bytes, &rounded);
  const int cached = CACHING && rounded <= LARGEST_CACHED && class < CLASSES;
  header *h = NULL;
  bool reused = false;
  pthread_mutex_lock(&lock);
  stats.requests++;
  const int refuse = fail_in > 0 && --fail_in == 0;
  if (!refuse) {
    h = cached ? take_cached(class) : NULL;
    reused = h != NULL;
    if (!h)
      h = take_new(CACHING ? rounded : bytes);
  }
  if (h) {
    if (!reused) {
      h->block.bytes = rounded;
      h->block.class = cached ? class : -1;
    }
    h->block.kind = kind;
    count_locked((int64_t)h->block.bytes, kind);
  }
  const int64_t live = stats.live_bytes;
  pthread_mutex_unlock(&lock);
  if (h)
    return h + 1;
  fx_fail(FX_ENOMEM, "cannot allocate %zu bytes (%lld are in use)", bytes, (long long)live);
  return NULL;
}

void *fx_calloc (size_t count, size_t size) {
  if (size && count > (size_t)PTRDIFF_MAX / size) {
    fx_fail(FX_ENOMEM, "cannot allocate %zu x %zu bytes", count, size);
    return NULL;
  }
  void *p = fx_alloc(count * size);
  if (p)
    memset(p, 0, count * size);
  return p;
}

char *fx_strdup (const char *text) {
  const size_t n = strlen(text) + 1;
  char *copy = fx_alloc(n);
  if (copy)
    memcpy(copy, text, n);
  return copy;
}

void fx_free (void *block) {
  if (!block)
    return;
  header *h = (header *)block - 1;
  pthread_mutex_lock(&lock);
  stats.live_blocks--;
  stats.live_bytes -= (int64_t)h->block.bytes;
  stats.live_by_kind[h->block.kind] -= (int64_t)h->block.bytes;
  const int keep =
      h->block.class >= 0 && stats.cached_bytes + (int64_t)h->block.bytes <= CACHE_LIMIT;
  if (keep) {
    stats.cached_bytes += (int64_t)h->block.bytes;
    h->block.next = cache[h->block.class];
    cache[h->block.class] = h;
  }
  pthread_mutex_unlock(&lock);
  if (!keep)
    free(h);
}

void fx_alloc_trim (void) {
  pthread_mutex_lock(&lock);
  trim_locked();
  pthread_mutex_unlock(&lock);
}

void fx_memory (fx_memory_stats *out) {
  pthread_mutex_lock(&lock);
  *out = stats;
  pthread_mutex_unlock(&lock);
}

void fx_memory_reset_peak (void) {
  pthread_mutex_lock(&lock);
  stats.peak_bytes = stats.live_bytes;
  memcpy(stats.peak_by_kind, stats.live_by_kind, sizeof stats.peak_by_kind);
  pthread_mutex_unlock(&lock);
}

void fx_alloc_fail_at (int64_t k) {
  pthread_mutex_lock(&lock);
  fail_in = k;
  pthread_mutex_unlock(&lock);
}
