/*
** reading_test.c - boxes read ahead have the bits of boxes read now, whatever the other threads do in HDF5
** meanwhile; failures arrive with their sentence; nothing is left when files are closed in the middle. And a
** chunk is decoded once a visit: counted by a filter of our own.
*/
#include <hdf5.h>

#include "base/alloc.h"
#include "check.h"
#include "io/archive.h"
#include "io/h5_field_writer.h"
#include "io/reading.h"
#include "scratch.h"

const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions (void) { return "leak:libhdf5"; }

enum { FRAMES = 24, HEIGHT = 40, WIDTH = 36, BOX = 16, COUNTER = 300 };

static double value (int64_t t, int64_t y, int64_t x) { return (double)((t * 100 + y) * 100 + x); }

static void write_flow (const char *path) {
  const fx_field_layout layout = {
    .frames = FRAMES, .channels = 1, .height = HEIGHT, .width = WIDTH, .deflate = 4
  };
  fx_field_writer *w = NULL;
  CHECK_STATUS(fx_field_writer_create(path, &layout, &w));
  for (int64_t t = 0; t < FRAMES; t++) {
    fx_tensor *f = NULL;
    CHECK_STATUS(fx_tensor_new(FX_F32, 2, (int64_t[]){ HEIGHT, WIDTH }, &f));
    for (int64_t i = 0; i < HEIGHT * WIDTH; i++)
      fx_f32(f)[i] = (float)value(t, i / WIDTH, i % WIDTH);
    CHECK_STATUS(fx_field_writer_append(w, f));
    fx_tensor_release(f);
  }
  CHECK_STATUS(fx_field_writer_finish(w));
}

static fx_container *open_flow (const char *path) {
  fx_container *c = NULL;
  CHECK_STATUS(fx_container_open(path, &c));
  return c;
}

/* The k-th box of a fixed sequence. */
static void box_of (int64_t k, int64_t *start) {
  start[0] = k * 7 % FRAMES;
  start[1] = k * 5 % (HEIGHT - BOX + 1);
  start[2] = k * 11 % (WIDTH - BOX + 1);
}

static const int64_t patch[3] = { 0, BOX, BOX };

static void ask (fx_container *c, int64_t from, int64_t n) {
  int64_t start[3];
  for (int64_t k = from; k < from + n; k++) {
    box_of(k, start);
    fx_reading_ask(c, 0, start, patch, FX_F32);
  }
}

static void take (fx_container *c, int64_t k) {
  int64_t start[3], wrong = 0;
  fx_tensor *t = NULL;
  box_of(k, start);
  CHECK_STATUS(fx_reading_take(c, 0, start, patch, FX_F32, &t));
  for (int64_t i = 0; t && i < BOX * BOX; i++)
    wrong += fx_f32(t)[i] != (float)value(start[0], start[1] + i / BOX, start[2] + i % BOX);
  CHECK(wrong == 0);
  fx_tensor_release(t);
}

static void check_left (int64_t waiting_and_ready) {
  int64_t waiting, ready;
  fx_reading_count(&waiting, &ready);
  CHECK(waiting + ready == waiting_and_ready);
}

/* In the order they were asked, backwards, and some that nobody asked. */
static void test_asked_boxes_are_those_of_the_file (void) {
  fx_container *c = open_flow(scratch("flow.h5"));
  ask(c, 0, 100);
  for (int64_t k = 0; k < 50; k++)
    take(c, k);
  for (int64_t k = 99; k >= 50; k--)
    take(c, k);
  check_left(0);
  take(c, 1000);
  ask(c, 5, 1);
  ask(c, 5, 1); /* two equal ones are two */
  take(c, 5);
  check_left(1);
  take(c, 5);
  check_left(0);
  fx_reading_forget(c);
  fx_container_close(c);
}

static void save_and_load (int64_t k) {
  fx_archive *a = NULL, *b = NULL;
  fx_tensor *t = NULL;
  CHECK_STATUS(fx_archive_new(&a));
  CHECK_STATUS(fx_tensor_new_zeros(FX_F32, 1, (int64_t[]){ 1000 + k }, &t));
  CHECK_STATUS(fx_archive_add(a, "group/weights", t));
  CHECK_STATUS(fx_h5_archive_save(scratch("checkpoint.h5"), a));
  CHECK_STATUS(fx_h5_archive_load(scratch("checkpoint.h5"), &b));
  fx_tensor_release(t);
  fx_archive_free(a);
  fx_archive_free(b);
}

/* What a run does: it reads, opens, describes and saves while the next batch is read. */
static void test_hdf5_is_used_by_one_thread_at_a_time (void) {
  fx_container *c = open_flow(scratch("flow.h5"));
  ask(c, 0, 8);
  for (int64_t step = 0; step < 12; step++) {
    fx_attributes *about = NULL;
    fx_statistics s;
    ask(c, 8 * (step + 1), 8);
    save_and_load(step);
    fx_container *other = open_flow(scratch("flow.h5")); /* forks a child (h5_door.c) */
    CHECK_STATUS(fx_container_statistics(other, 0, &s));
    CHECK_STATUS(fx_container_attributes(c, "", &about));
    CHECK_STATUS(fx_container_expect(c, 0, (int64_t[]){ 1 + step % 3, BOX, BOX }));
    fx_attributes_free(about);
    fx_reading_forget(other);
    fx_container_close(other);
    for (int64_t k = 8 * step; k < 8 * (step + 1); k++)
      take(c, k);
  }
  fx_reading_forget(c);
  fx_container_close(c);
}

static void test_closing_in_the_middle_leaves_nothing (void) {
  for (int64_t round = 0; round < 20; round++) {
    fx_container *a = open_flow(scratch("flow.h5")), *b = open_flow(scratch("flow.h5"));
    ask(a, 0, 64);
    ask(b, 0, 4);
    if (round % 2)
      take(a, round % 5);
    fx_reading_forget(a);
    fx_container_close(a);
    take(b, 3);
    check_left(3);
    fx_reading_forget(b);
    fx_container_close(b);
    check_left(0);
  }
}

static void test_failures_arrive_with_their_sentence (void) {
  fx_container *c = open_flow(scratch("flow.h5"));
  fx_tensor *t = NULL;
  const int64_t outside[3] = { 3, HEIGHT - 1, 0 };
  fx_reading_ask(c, 0, outside, patch, FX_F32);
  ask(c, 3, 1);
  CHECK(fx_reading_take(c, 0, outside, patch, FX_F32, &t) == FX_EARG);
  CHECK(strstr(fx_errmsg(), "axis 2 of 'w' has 40 entries"));
  CHECK(t == NULL);
  take(c, 3);
  for (int64_t k = 0; k < 5000; k++) /* more than are kept */
    ask(c, k, 1);
  take(c, 4999);
  fx_reading_forget(c);
  fx_container_close(c);
}

/* --- chunks ----------------------------------------------------------------------------------- */

static int decoded;

static size_t count_decoding (unsigned flags, size_t n, const unsigned *values, size_t bytes,
                              size_t *size, void **buffer) {
  (void)n, (void)values, (void)size, (void)buffer;
  decoded += (flags & H5Z_FLAG_REVERSE) != 0;
  return bytes;
}

/* (24,40,36) in chunks of (4,10,9), through a filter that counts. */
static void write_counted (const char *path) {
  static const H5Z_class2_t filter = { H5Z_CLASS_T_VERS, COUNTER, 1,    1,
                                       "counter",        NULL,    NULL, count_decoding };
  static float all[FRAMES * HEIGHT * WIDTH];
  const hsize_t shape[3] = { FRAMES, HEIGHT, WIDTH }, chunk[3] = { 4, 10, 9 };
  for (int64_t i = 0; i < FRAMES * HEIGHT * WIDTH; i++)
    all[i] = (float)value(i / (HEIGHT * WIDTH), i / WIDTH % HEIGHT, i % WIDTH);
  CHECK(H5Zregister(&filter) >= 0);
  const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t space = H5Screate_simple(3, shape, NULL), plist = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(plist, 3, chunk);
  H5Pset_filter(plist, COUNTER, H5Z_FLAG_MANDATORY, 0, NULL);
  const hid_t data = H5Dcreate2(file, "w", H5T_IEEE_F32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
  CHECK(H5Dwrite(data, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, all) >= 0);
  H5Dclose(data);
  H5Pclose(plist);
  H5Sclose(space);
  H5Fclose(file);
}

/* A patch of 16x16 at (5, 10) touches 3 x 2 chunks; three frames of it lie in one chunk of time. */
static void test_a_chunk_is_decoded_once_a_visit (void) {
  const int64_t size[3] = { 3, BOX, BOX };
  fx_container *c = open_flow(scratch("counted.h5"));
  CHECK_STATUS(fx_container_expect(c, 0, size));
  for (int visit = 0; visit < 6; visit++) {
    decoded = 0;
    for (int64_t t = 0; t < 3; t++)
      fx_reading_ask(c, 0, (int64_t[]){ 4 * visit + t, 5, 10 }, patch, FX_F32);
    for (int64_t t = 0; t < 3; t++) {
      fx_tensor *got = NULL;
      CHECK_STATUS(fx_reading_take(c, 0, (int64_t[]){ 4 * visit + t, 5, 10 }, patch, FX_F32, &got));
      CHECK(got && fx_f32(got)[BOX + 1] == (float)value(4 * visit + t, 6, 11));
      fx_tensor_release(got);
    }
    CHECK(decoded == 3 * 2);
  }
  fx_reading_forget(c);
  fx_container_close(c);
}

/* Sizes by hand: of a chunk 4 * 16 * 64 * 64 bytes, of a patch of 100 up to 3 x 3 of them, in 2 frames up to 2. */
static void test_the_cache_is_as_large_as_a_visit (void) {
  fx_variable v = { .dtype = "<f4",
                    .number = true,
                    .rank = 3,
                    .shape = { 320, 1024, 1024 },
                    .chunk = { 16, 64, 64 },
                    .visit = { 2, 100, 100 } };
  int64_t slots;
  CHECK(fx_container_cache(&v, &slots) == 262144 * 2 * 3 * 3);
  CHECK(slots == 2003);
  v.visit[0] = 1;
  CHECK(fx_container_cache(&v, &slots) == 262144 * 3 * 3);
  v.visit[1] = v.visit[2] = 1024;
  CHECK(fx_container_cache(&v, &slots) == 262144 * 16 * 16);
  v.visit[0] = 0; /* not known: a field, at least 64 MiB */
  CHECK(fx_container_cache(&v, &slots) == 64 << 20);
  v.shape[1] = v.shape[2] = v.visit[1] = v.visit[2] = 64;
  v.visit[0] = 1;
  CHECK(fx_container_cache(&v, &slots) == 1 << 20); /* no less than HDF5's own */
  CHECK(slots == 521);
  v.chunk[0] = 0;
  CHECK(fx_container_cache(&v, &slots) == 0 && slots == 0);
}

/* Asking without memory is no asking; reading without memory says so, and the next reading works. */
static void test_every_allocation_may_fail (void) {
  fx_container *c = open_flow(scratch("flow.h5"));
  for (int64_t k = 1; k < 8; k++) {
    int64_t start[3];
    fx_tensor *t = NULL;
    box_of(k, start);
    fx_alloc_fail_at(k);
    ask(c, k, 1);
    const fx_status st = fx_reading_take(c, 0, start, patch, FX_F32, &t);
    fx_alloc_fail_at(0);
    CHECK(st == FX_OK || st == FX_ENOMEM);
    CHECK((st == FX_OK) == (t != NULL));
    fx_tensor_release(t);
    take(c, k);
  }
  fx_reading_forget(c);
  fx_container_close(c);
}

int main (void) {
  if (!scratch_begin())
    return 1;
  write_flow(scratch("flow.h5"));
  write_counted(scratch("counted.h5"));
  test_asked_boxes_are_those_of_the_file();
  test_hdf5_is_used_by_one_thread_at_a_time();
  test_closing_in_the_middle_leaves_nothing();
  test_failures_arrive_with_their_sentence();
  test_a_chunk_is_decoded_once_a_visit();
  test_the_cache_is_as_large_as_a_visit();
  test_every_allocation_may_fail();
  scratch_end();
  fx_memory_stats memory;
  fx_memory(&memory);
  CHECK(memory.live_blocks == 0);
  return check_report("reading");
}
