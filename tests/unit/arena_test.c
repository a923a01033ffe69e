/* arena_test.c - large blocks: pieces of one another, joined again, the smallest that fits taken. */
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/rng.h"
#include "check.h"

#define WHOLE ((size_t)16 << 20)
#define MOST 256

typedef struct {
  unsigned char *at;
  size_t bytes;
} piece;

/* A block that no other memory adjoins, given back: the arena is that and nothing else. */
static unsigned char *begin (void) {
  fx_arena_trim();
  CHECK(fx_arena_idle() == 0);
  unsigned char *whole = fx_arena_take(WHOLE);
  CHECK(whole && fx_arena_idle() == 0);
  fx_arena_give(whole, WHOLE);
  CHECK(fx_arena_idle() == (int64_t)WHOLE);
  return whole;
}

/* Takes pieces of 1 to 64 pages until the whole is taken, marking each. */
static int cut (piece *pieces) {
  const size_t page = fx_arena_round(1);
  const fx_rng key = { .seed = 3, .stream = FX_STREAM_TIME };
  int n = 0;
  while (fx_arena_idle() > 0 && n < MOST) {
    const size_t bytes = page * (1 + fx_rng_u32(key, (uint64_t)n) % 64);
    pieces[n].bytes =
        (int64_t)bytes < fx_arena_idle() && n < MOST - 1 ? bytes : (size_t)fx_arena_idle();
    pieces[n].at = fx_arena_take(pieces[n].bytes);
    CHECK(pieces[n].at != NULL);
    memset(pieces[n].at, n % 251, pieces[n].bytes);
    n++;
  }
  return n;
}

static int64_t changed (const piece *p, int mark) {
  int64_t n = 0;
  for (size_t i = 0; i < p->bytes; i++)
    n += p->at[i] != mark;
  return n;
}

static void pieces_lie_apart_and_join_in_any_order (void) {
  unsigned char *const whole = begin();
  piece pieces[MOST];
  const int n = cut(pieces);
  CHECK(n > 10 && fx_arena_idle() == 0);
  for (int i = 0; i < n; i++) {
    CHECK(pieces[i].at >= whole && pieces[i].at + pieces[i].bytes <= whole + WHOLE);
    CHECK(changed(&pieces[i], i % 251) == 0);
  }
  for (int step = 0; step < 7; step++)
    for (int i = step; i < n; i += 7)
      fx_arena_give(pieces[i].at, pieces[i].bytes);
  CHECK(fx_arena_idle() == (int64_t)WHOLE);
  CHECK(fx_arena_take(WHOLE) == whole);
  fx_arena_give(whole, WHOLE);
  fx_arena_trim();
}

static void the_smallest_that_holds_it_is_taken (void) {
  begin();
  const size_t page = fx_arena_round(1),
               sizes[] = { 8 * page, page, 3 * page, page, 5 * page, page };
  piece p[6];
  for (int i = 0; i < 6; i++)
    p[i] = (piece){ fx_arena_take(sizes[i]), sizes[i] };
  for (int i = 0; i < 6; i += 2) /* those between keep them apart */
    fx_arena_give(p[i].at, p[i].bytes);
  unsigned char *four = fx_arena_take(4 * page), *three = fx_arena_take(3 * page);
  CHECK(four == p[4].at + page && three == p[2].at);
  fx_arena_give(four, 4 * page);
  fx_arena_give(three, 3 * page);
  for (int i = 1; i < 6; i += 2)
    fx_arena_give(p[i].at, p[i].bytes);
  CHECK(fx_arena_idle() == (int64_t)WHOLE);
  fx_arena_trim();
}

static void what_the_system_refuses_is_null (void) {
  const int64_t before = fx_arena_idle();
  CHECK(fx_arena_take(fx_arena_round(SIZE_MAX / 4)) == NULL);
  CHECK(fx_arena_idle() == before);
}

/* Around the size at which the allocator turns to the arena, and above what is kept. */
static void the_allocator_serves_every_size (void) {
  fx_memory_stats before, after;
  fx_memory(&before);
  static const size_t sizes[] = {
    57344, 57345, 60000, 65472, 65535, 65536, 65537, (size_t)5 << 30
  };
  for (int round = 0; round < 2; round++)
    for (int i = 0; i < 8; i++) {
      unsigned char *block = fx_alloc(sizes[i]);
      CHECK(block && (uintptr_t)block % 64 == 0);
      if (!block)
        continue;
      block[0] = block[sizes[i] - 1] = 1;
      fx_free(block);
    }
  fx_memory(&after);
  CHECK(after.live_bytes == before.live_bytes && after.live_blocks == before.live_blocks);
  CHECK(after.cached_bytes < (int64_t)4 << 30);
}

int main (void) {
  pieces_lie_apart_and_join_in_any_order();
  the_smallest_that_holds_it_is_taken();
  what_the_system_refuses_is_null();
  the_allocator_serves_every_size();
  return check_report("arena");
}
