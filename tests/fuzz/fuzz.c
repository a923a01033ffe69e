/* fuzz.c - see fuzz.h. */
#define _GNU_SOURCE
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/container.h"

void fuzz_check (int holds) {
  if (!holds)
    abort();
}

const char *fuzz_file (const uint8_t *bytes, size_t n) {
  static char path[64];
  static int fd = -1;
  if (fd < 0) {
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  }
  fuzz_check(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, bytes, n, 0) == (ssize_t)n);
  return path;
}

static void read_variable (fx_container *c, int64_t i) {
  const fx_variable *v = fx_container_at(c, i);
  int64_t start[FX_CONTAINER_AXES] = { 0 }, count[FX_CONTAINER_AXES];
  fx_attributes *attributes;
  fx_tensor *t;
  if (fx_container_attributes(c, v->path, &attributes) == FX_OK)
    fx_attributes_free(attributes);
  for (int a = 0; v->number && a < v->rank; a++)
    count[a] = v->rank - a > FX_MAX_DIMS ? 0 : v->shape[a] < 64 ? v->shape[a] : 64;
  if (v->number && fx_container_read(c, i, start, count, i % 2 ? FX_F64 : FX_F32, &t) == FX_OK)
    fx_tensor_release(t);
}

void fuzz_container (const uint8_t *bytes, size_t n) {
  fx_container *c;
  fx_attributes *attributes;
  if (memmem(bytes, n, "\211HDF\r\n\032\n", 8)) /* the library's own parser is not measured here */
    return;
  if (fx_container_open(fuzz_file(bytes, n), &c) != FX_OK)
    return;
  if (fx_container_attributes(c, "", &attributes) == FX_OK)
    fx_attributes_free(attributes);
  for (int64_t i = 0; i < fx_container_count(c) && i < 64; i++)
    read_variable(c, i);
  fx_container_close(c);
}
