/*
** base_test.c - allocator, random numbers, pool, messages, tensors: known answers and properties.
*/
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "base/rng.h"
#include "base/thread.h"
#include "check.h"
#include "tensor/tensor.h"

/* The three known answers that Salmon et al. publish with Philox4x32-10. */
static void philox_gives_the_known_answers (void) {
  static const struct {
    uint32_t counter[4], key[2], want[4];
  } known[] = {
    { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
    { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
      { 0xffffffff, 0xffffffff },
      { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
    { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
      { 0xa4093822, 0x299f31d0 },
      { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
  };
  for (int i = 0; i < 3; i++) {
    uint32_t out[4];
    fx_philox(known[i].counter, known[i].key, out);
    CHECK(memcmp(out, known[i].want, sizeof out) == 0);
  }
}

/* Moments of n normals: their standard errors are 1/sqrt n, sqrt(2/n), sqrt(96/n); 4 of each. */
static void normals_have_normal_moments (void) {
  enum { N = 200000 };
  static double z[N];
  double mean = 0, square = 0, fourth = 0;
  fx_rng_normal_f64((fx_rng){ .seed = 3, .stream = FX_STREAM_NOISE }, 0, N, z);
  for (int i = 0; i < N; i++) {
    mean += z[i] / N;
    square += z[i] * z[i] / N;
    fourth += pow(z[i], 4) / N;
  }
  CHECK_NEAR(mean, 0, 4 / sqrt(N));
  CHECK_NEAR(square, 1, 4 * sqrt(2.0 / N));
  CHECK_NEAR(fourth, 3, 4 * sqrt(96.0 / N));
}

/* The logarithm and the sine behind Box-Muller, judged by libm through their result. */
static void normals_are_box_muller (void) {
  for (uint32_t i = 0; i < 400; i++) {
    const fx_rng key = { .seed = 17, .stream = FX_STREAM_USER, .sample = i };
    double z[4];
    fx_rng_normal_f64(key, 0, 4, z);
    const double u = (fx_rng_u32(key, 0) + 0.5) * 0x1p-32, v = (fx_rng_u32(key, 1) + 0.5) * 0x1p-32;
    CHECK_NEAR(z[0], sqrt(-2 * log(u)) * cos(2 * M_PI * v), 4e-15);
    CHECK_NEAR(z[1], sqrt(-2 * log(u)) * sin(2 * M_PI * v), 4e-15);
  }
}

static void draws_depend_on_their_address_only (void) {
  float whole[64], part[64];
  const fx_rng key = { .seed = 5, .stream = FX_STREAM_TIME, .sample = 2, .member = 3, .step = 4 };
  fx_rng_uniform(key, 0, 64, whole);
  for (int first = 0; first < 64; first += 7) {
    const int n = 64 - first < 7 ? 64 - first : 7;
    fx_rng_uniform(key, (uint64_t)first, n, part);
    CHECK(memcmp(part, whole + first, (size_t)n * sizeof *part) == 0);
  }
  fx_rng other = key;
  other.step++;
  CHECK(fx_rng_u32(other, 0) != fx_rng_u32(key, 0));
  other = key;
  other.member++;
  CHECK(fx_rng_u32(other, 0) != fx_rng_u32(key, 0));
}

static void allocator_aligns_counts_and_fails_on_demand (void) {
  fx_memory_stats before, after;
  fx_memory(&before);
  void *blocks[200];
  for (int i = 0; i < 200; i++) {
    blocks[i] = fx_alloc((size_t)(i * i * 7));
    CHECK(blocks[i] && (uintptr_t)blocks[i] % 64 == 0);
    if (blocks[i])
      memset(blocks[i], i, (size_t)(i * i * 7));
  }
  for (int i = 0; i < 200; i++)
    fx_free(blocks[i]);
  fx_memory(&after);
  CHECK(after.live_bytes == before.live_bytes && after.live_blocks == before.live_blocks);
  fx_alloc_fail_at(2);
  void *first = fx_alloc(8), *second = fx_alloc(8);
  CHECK(first && !second && strstr(fx_errmsg(), "cannot allocate 8 bytes"));
  fx_free(first);
  CHECK(fx_alloc(SIZE_MAX - 100) == NULL);
  CHECK(fx_calloc(SIZE_MAX / 2, 4) == NULL);
  fx_alloc_trim();
  fx_memory(&after);
  CHECK(after.cached_bytes == 0);
}

static void arrays_grow_and_survive_a_lack_of_memory (void) {
  int64_t *list = NULL, count = 0, room = 0;
  for (int64_t i = 0; i < 1000; i++) {
    CHECK_STATUS(FX_GROW(list, count, room));
    list[count++] = i * i;
  }
  CHECK(count == 1000 && room >= 1000 && list[0] == 0 && list[999] == 999 * 999);
  CHECK_STATUS(FX_GROW_BY(list, count, room, 5000)); /* more than double */
  CHECK(room == 6000 && list[999] == 999 * 999 && list[5999] == 0);
  fx_alloc_fail_at(1);
  CHECK(FX_GROW_BY(list, count, room, 5001) == FX_ENOMEM);
  fx_alloc_fail_at(0);
  CHECK(count == 1000 && room == 6000 && list[999] == 999 * 999);
  CHECK(FX_GROW_BY(list, count, room, INT64_MAX / 2) == FX_ENOMEM); /* its bytes overflow */
  fx_free(list);
}

static void square_item (void *context, int64_t i, int worker) {
  (void)worker;
  ((int64_t *)context)[i] += i * i;
}

static void nested (void *context, int64_t i, int worker) {
  (void)worker;
  fx_parallel(4, square_item, (int64_t *)context + 4 * i);
}

static void pool_runs_every_item_once (void) {
  for (int threads = 1; threads <= 5; threads++) {
    static int64_t out[1000];
    fx_set_threads(threads);
    CHECK(fx_threads() == threads);
    for (int round = 0; round < 50; round++) {
      memset(out, 0, sizeof out);
      fx_parallel(1000, square_item, out);
      int wrong = 0;
      for (int64_t i = 0; i < 1000; i++)
        wrong += out[i] != i * i;
      CHECK(wrong == 0);
    }
    memset(out, 0, sizeof out);
    fx_parallel(10, nested, out);
    CHECK(out[4 * 7 + 3] == 9);
  }
}

static void messages_quote_and_chain (void) {
  fx_fail(FX_EARG, "inner %d", 7);
  CHECK(fx_fail_in(FX_EIO, "outer") == FX_EIO);
  CHECK(strcmp(fx_errmsg(), "outer: inner 7") == 0);
  fx_fail(FX_EARG, "(%s)", fx_errmsg());
  CHECK(strcmp(fx_errmsg(), "(outer: inner 7)") == 0);
  CHECK(fx_hash(FX_HASH_START, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c)); /* FNV-1a of "a" */
}

static void interrupts_count_and_clear (void) {
  fx_interrupt_clear();
  CHECK(!fx_interrupted());
  fx_interrupt_raise();
  CHECK(fx_interrupt_count() == 1 && !fx_interrupted());
  fx_interrupt_raise();
  CHECK(fx_interrupted());
  fx_interrupt_clear();
  CHECK(fx_interrupt_count() == 0);
}

static void tensors_share_and_convert (void) {
  fx_tensor *t = NULL, *view = NULL, *half = NULL, *back = NULL, *bad = NULL;
  CHECK_STATUS(fx_tensor_new(FX_F32, 2, (int64_t[]){ 3, 4 }, &t));
  for (int64_t i = 0; i < 12; i++)
    fx_tensor_set(t, i, (double)i / 8);
  CHECK_STATUS(fx_tensor_view(t, 4, 1, (int64_t[]){ 4 }, &view));
  fx_tensor_set(view, 0, -1);
  CHECK(fx_tensor_get(t, 4) == -1 && !fx_tensor_unique(t));
  CHECK(fx_tensor_view(t, 9, 1, (int64_t[]){ 4 }, &bad) == FX_ESHAPE);
  CHECK(fx_tensor_new(FX_F32, 2, (int64_t[]){ INT64_MAX, INT64_MAX }, &bad) == FX_ENOMEM);
  CHECK(fx_tensor_new(FX_F32, 1, (int64_t[]){ -1 }, &bad) == FX_ESHAPE);
  for (int d = FX_BF16; d <= FX_F16; d++) { /* eighths below 2 are exact in both */
    CHECK_STATUS(fx_tensor_cast(t, (fx_dtype)d, &half));
    CHECK_STATUS(fx_tensor_cast(half, FX_F32, &back));
    CHECK(memcmp(back->data, t->data, 48) == 0);
    fx_tensor_release(half);
    fx_tensor_release(back);
  }
  char text[512];
  CHECK(fx_tensor_print(t, text, sizeof text) == (int)strlen(text));
  CHECK(strncmp(text, "Tensor (3,4) f32", 16) == 0);
  fx_tensor_release(t);
  CHECK(fx_tensor_get(view, 0) == -1); /* the storage lives on */
  fx_tensor_release(view);
}

int main (void) {
  philox_gives_the_known_answers();
  normals_have_normal_moments();
  normals_are_box_muller();
  draws_depend_on_their_address_only();
  allocator_aligns_counts_and_fails_on_demand();
  arrays_grow_and_survive_a_lack_of_memory();
  pool_runs_every_item_once();
  messages_quote_and_chain();
  interrupts_count_and_clear();
  tensors_share_and_convert();
  return check_report("base");
}
