/*
** alloc.c - the caching allocator.
**
** Each block is preceded by one 64-byte header. Small blocks are rounded up to a class with four steps per power of
** two; freed, they go to the free list of their class, and a request takes the newest of its class. Large ones are cut
** from an arena (arena.c), whose pieces join again: they are most of the memory, and few. Blocks above LARGEST_KEPT, and
** what would be kept beyond KEPT_LIMIT bytes, go back to the system. A request that the system refuses empties both and
** tries once more. Under AddressSanitizer nothing is kept, so that it sees every free.
*/
#include "base/alloc.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/status.h"

#define ALIGNMENT 64
#define SMALLEST 64
#define CLASSES 41
#define LARGE ((size_t)64 << 10)       /* bytes, of which and above a block is large */
#define LARGEST_KEPT ((size_t)4 << 30) /* larger ones are rare and their page faults are noise */
#define KEPT_LIMIT ((int64_t)8 << 30)

#if defined(__SANITIZE_ADDRESS__)
#define CACHING 0
#else
#define CACHING 1
#endif

typedef union header {
  struct {
    union header *next; /* while in the cache                          */
    size_t bytes;       /* usable                                      */
    int class;          /* of a small block, else where it comes from  */
    fx_memory_kind kind;
  } block;
  char pad[ALIGNMENT];
} header;

/* What is no class. */
enum { FROM_ARENA = -1, FROM_SYSTEM = -2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* A child process that goes on in C (io/h5_door.c) must not find the lock held by a thread that it has not. */
static void take_lock (void) { pthread_mutex_lock(&lock); }
static void drop_lock (void) { pthread_mutex_unlock(&lock); }
__attribute__((constructor)) static void prepare_forks (void) {
  pthread_atfork(take_lock, drop_lock, drop_lock);
}
static header *cache[CLASSES];
static int64_t cached; /* bytes in it */
static fx_memory_stats stats;
static int64_t fail_in, limit;
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

/* The class of a size below LARGE and, through *rounded, the class's own size: (4 + q) * 2^e, q = 0..3. */
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
      free(h);
    }
  cached = 0;
  fx_arena_trim();
}

static header *take_system (size_t bytes) {
  void *p = NULL;
  return posix_memalign(&p, ALIGNMENT, bytes + sizeof(header)) == 0 ? p : NULL;
}

static header *take_small (int class) {
  header *h = cache[class];
  if (!h)
    return NULL;
  cache[class] = h->block.next;
  cached -= (int64_t)h->block.bytes;
  return h;
}

/* A block of at least `bytes` with all of its header but the kind; NULL if there is no memory. */
static header *take (size_t bytes) {
  size_t usable = bytes;
  int class = FROM_SYSTEM;
  header *h = NULL;
  if (CACHING && bytes >= LARGE) {
    const size_t all = fx_arena_round(bytes + sizeof(header));
    usable = all - sizeof(header);
    class = FROM_ARENA;
    h = fx_arena_take(all);
  } else if (CACHING) {
    class = size_class(bytes, &usable);
    h = take_small(class);
  }
  if (!h && class != FROM_ARENA)
    h = take_system(usable);
  if (h) {
    h->block.bytes = usable;
    h->block.class = class;
  }
  return h;
}

static int64_t kept_bytes (void) { return cached + fx_arena_idle(); }

/* Keeps a freed block or returns it to the system. */
static void give (header *h) {
  const size_t bytes = h->block.bytes;
  const bool keep = bytes <= LARGEST_KEPT && kept_bytes() + (int64_t)bytes <= KEPT_LIMIT;
  if (h->block.class == FROM_ARENA && keep) {
    fx_arena_give(h, bytes + sizeof *h);
  } else if (h->block.class == FROM_ARENA) {
    fx_arena_drop(h, bytes + sizeof *h);
  } else if (h->block.class == FROM_SYSTEM || !keep) {
    free(h);
  } else {
    cached += (int64_t)bytes;
    h->block.next = cache[h->block.class];
    cache[h->block.class] = h;
  }
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
  header *h = NULL;
  pthread_mutex_lock(&lock);
  stats.requests++;
  const bool beyond = limit > 0 && (int64_t)bytes > limit - stats.live_bytes;
  const bool refuse = (fail_in > 0 && --fail_in == 0) || beyond;
  if (!refuse && !(h = take(bytes))) {
    trim_locked();
    h = take(bytes);
  }
  if (h) {
    h->block.kind = kind;
    count_locked((int64_t)h->block.bytes, kind);
  }
  const int64_t live = stats.live_bytes;
  pthread_mutex_unlock(&lock);
  if (h)
    return h + 1;
  fx_fail(FX_ENOMEM, "cannot allocate %zu bytes (%lld are in use%s)", bytes, (long long)live,
          beyond ? ", which is limited here" : "");
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
  give(h);
  pthread_mutex_unlock(&lock);
}

void fx_alloc_trim (void) {
  pthread_mutex_lock(&lock);
  trim_locked();
  pthread_mutex_unlock(&lock);
}

void fx_memory (fx_memory_stats *out) {
  pthread_mutex_lock(&lock);
  *out = stats;
  out->cached_bytes = kept_bytes();
  pthread_mutex_unlock(&lock);
}

void fx_memory_reset_peak (void) {
  pthread_mutex_lock(&lock);
  stats.peak_bytes = stats.live_bytes;
  memcpy(stats.peak_by_kind, stats.live_by_kind, sizeof stats.peak_by_kind);
  pthread_mutex_unlock(&lock);
}

int64_t fx_alloc_limit (int64_t most) {
  pthread_mutex_lock(&lock);
  const int64_t before = limit;
  limit = most;
  pthread_mutex_unlock(&lock);
  return before;
}

void fx_alloc_fail_at (int64_t k) {
  pthread_mutex_lock(&lock);
  fail_in = k;
  pthread_mutex_unlock(&lock);
}
