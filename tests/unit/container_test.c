/*
** container_test.c - damaged files: 300 and more variants of the files in tests/fixtures/data and cases, made
** by a fixed sequence, are opened, described and read to the end in a child process each. A child may
** find nothing wrong (a flipped bit in a number that nobody checks) or refuse with a message; it may
** not crash, nor run for ever. What containers read from sound files is tests/lua/formats_test.lua.
*/
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "check.h"
#include "io/container.h"
#include "io/file.h"
#include "scratch.h"

const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions (void) { return "leak:libhdf5"; }

enum { MOST_FILES = 128, VARIANTS = 12, READ = 10, REFUSED = 11, SILENT = 12, SECONDS = 60 };

static struct {
  char names[MOST_FILES][64]; /* "data/well.hdf5" */
  int count;
} files;

static fx_status collect (void *context, const char *name) {
  const char *folder = context;
  if (files.count < MOST_FILES && strlen(name) < 56 && !strstr(name, ".yaml") &&
      !strstr(name, ".tsv"))
    snprintf(files.names[files.count++], sizeof files.names[0], "%s/%s", folder, name);
  return FX_OK;
}

/* --- damage ---------------------------------------------------------------------------------- */

static uint64_t state;
static size_t below (size_t n) { /* xorshift64: the same on every machine */
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (size_t)(state % n);
}

/* Damages the n bytes, returns how many remain. The head of a file, where its structure is, is hit
** more often than the rest. */
static size_t damage (int kind, unsigned char *b, size_t n) {
  const size_t head = n < 4096 ? n : 4096, room = below(2) ? head : n;
  switch (kind % 6) {
  case 0: /* cut off */ return below(n);
  case 1: /* one to eight flipped bits */
    for (size_t i = 0, k = 1 + below(8); i < k; i++)
      b[below(room)] ^= (unsigned char)(1 << below(8));
    return n;
  case 2: /* an absurd size */
    memset(b + below(room > 8 ? room - 8 : 1), below(2) ? 0xff : 0x7f, room > 8 ? 1 + below(8) : 1);
    return n;
  case 3: { /* an address from elsewhere: cycles, wrong objects */
    const size_t from = below(room - 8), to = below(room - 8);
    memcpy(b + (to & ~(size_t)7), b + (from & ~(size_t)7), 8);
    return n;
  }
  case 4: { /* a block is gone */
    const size_t at = below(room), length = 1 + below(n - at < 64 ? n - at : 64);
    memset(b + at, 0, length);
    return n;
  }
  default: { /* a small number grows: a size, a count, a rank */
    for (size_t i = 0; i < 64; i++) {
      const size_t at = below(room);
      if (b[at] > 0 && b[at] < 16) {
        b[at] = (unsigned char)(b[at] + 1 + below(200));
        break;
      }
    }
    return n;
  }
  }
}

/* --- reading --------------------------------------------------------------------------------- */

static int read_all (const char *path) {
  fx_container *c = NULL;
  int code = READ;
  if (fx_container_open(path, &c) != FX_OK)
    return *fx_errmsg() ? REFUSED : SILENT;
  for (int64_t i = 0; i < fx_container_count(c); i++) {
    const fx_variable *v = fx_container_at(c, i);
    fx_statistics s;
    fx_attributes *a = NULL;
    if (v->number && fx_container_statistics(c, i, &s) != FX_OK)
      code = *fx_errmsg() ? REFUSED : SILENT;
    if (fx_container_attributes(c, v->path, &a) == FX_OK)
      fx_attributes_free(a);
  }
  fx_container_close(c);
  return code;
}

/* READ, REFUSED, SILENT, or what ended the child. */
static int in_child (const char *path) {
  int status = 0;
  const pid_t child = fork();
  if (child == 0) {
    alarm(SECONDS);
    _exit(read_all(path));
  }
  if (child < 0 || waitpid(child, &status, 0) != child)
    return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* The files from `sound` on are many and alike: a third as many variants each. */
static void damaged_files_are_refused_or_read (int sound) {
  int variants = 0, refused = 0, read = 0;
  for (int f = 0; f < files.count; f++) {
    char path[256];
    unsigned char *bytes;
    size_t n;
    snprintf(path, sizeof path, "tests/fixtures/%s", files.names[f]);
    CHECK_STATUS(fx_file_read_all(path, 1 << 20, &bytes, &n));
    unsigned char *copy = fx_alloc(n);
    for (int k = 0; k < (f < sound ? VARIANTS : VARIANTS / 3); k++) {
      state = 88172645463325252u + (uint64_t)(f * VARIANTS + k) * 2654435761u;
      below(2);
      memcpy(copy, bytes, n);
      const size_t left = damage(k, copy, n);
      CHECK(scratch_put(scratch("damaged"), copy, left));
      const int code = in_child(scratch("damaged"));
      variants++;
      refused += code == REFUSED;
      read += code == READ;
      if (code != READ && code != REFUSED) {
        fprintf(stderr, "%s, variant %d: the child ended with %d\n", files.names[f], k, code);
        CHECK(code == READ || code == REFUSED);
      }
    }
    fx_free(copy);
    fx_free(bytes);
  }
  unlink(scratch("damaged"));
  printf("%d damaged variants: %d refused, %d read\n", variants, refused, read);
  CHECK(variants >= 300 && refused > variants / 4 && read > 0);
}

static void sound_files_are_read (int sound) {
  for (int f = 0; f < sound; f++) {
    char path[256];
    snprintf(path, sizeof path, "tests/fixtures/%s", files.names[f]);
    CHECK(read_all(path) == READ);
  }
}

/* Allocations that fail leave a status and nothing behind. */
static void short_memory_is_reported (void) {
  static const char *const some[] = { "data/well.hdf5",    "data/classic.nc",
                                      "data/deflated.npz", "data/fortran.npy",
                                      "cases/packing.nc",  "cases/noncoord.nc",
                                      "cases/links.h5",    "cases/unequal_records.nc" };
  for (int f = 0; f < 8; f++) {
    char path[256];
    snprintf(path, sizeof path, "tests/fixtures/%s", some[f]);
    fx_memory_stats before, after;
    fx_memory(&before);
    for (int64_t k = 1;; k++) {
      fx_container *c = NULL;
      fx_alloc_fail_at(k);
      const fx_status st = fx_container_open(path, &c);
      fx_alloc_fail_at(0);
      fx_container_close(c);
      if (st == FX_OK)
        break;
      CHECK(st == FX_ENOMEM);
    }
    fx_memory(&after);
    CHECK(after.live_blocks == before.live_blocks);
  }
}

int main (void) {
  CHECK(scratch_begin());
  CHECK_STATUS(fx_list_dir("tests/fixtures/data", collect, (void *)"data"));
  const int sound = files.count;
  CHECK_STATUS(fx_list_dir("tests/fixtures/cases", collect, (void *)"cases"));
  CHECK(sound >= 25 && files.count >= sound + 40);
  sound_files_are_read(sound);
  damaged_files_are_refused_or_read(sound);
  short_memory_is_reported();
  scratch_end();
  return check_report("container");
}
