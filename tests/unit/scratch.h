/*
** scratch.h - a folder of its own for a test program, and bytes in and out of it. scratch_begin
** makes the folder, scratch("name") is a path in it (one of eight rotating buffers), scratch_end
** removes it with everything inside.
*/
#ifndef FX_SCRATCH_H
#define FX_SCRATCH_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch_folder[64];

static inline int scratch_begin (void) {
  snprintf(scratch_folder, sizeof scratch_folder, "/tmp/flexlab-test-XXXXXX");
  return mkdtemp(scratch_folder) != NULL;
}

static inline void scratch_remove (const char *path) {
  DIR *d = opendir(path);
  char below[512];
  for (struct dirent *e; d && (e = readdir(d));)
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
      const int n = snprintf(below, sizeof below, "%s/%s", path, e->d_name);
      if (n > 0 && n < (int)sizeof below)
        scratch_remove(below);
    }
  if (d)
    closedir(d);
  remove(path);
}

static inline void scratch_end (void) { scratch_remove(scratch_folder); }

static inline const char *scratch (const char *name) {
  static char paths[8][256];
  static int next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", scratch_folder, name);
  return path;
}

/* Plain stdio on purpose: not the code under test. */
static inline int scratch_put (const char *path, const void *bytes, size_t n) {
  FILE *f = fopen(path, "wb");
  if (!f)
    return 0;
  const int good = fwrite(bytes, 1, n, f) == n;
  return fclose(f) == 0 && good;
}

/* New block (free with free) of *n bytes, or NULL. */
static inline unsigned char *scratch_get (const char *path, size_t *n) {
  FILE *f = fopen(path, "rb");
  if (!f)
    return NULL;
  fseek(f, 0, SEEK_END);
  *n = (size_t)ftell(f);
  rewind(f);
  unsigned char *bytes = malloc(*n + 1);
  if (fread(bytes, 1, *n, f) != *n)
    *n = 0;
  fclose(f);
  return bytes;
}

/* Whether anything is at `path`. */
static inline int scratch_holds (const char *path) { return access(path, F_OK) == 0; }

/* Number of entries in the scratch folder: a failed write must leave none behind. */
static inline int scratch_count (void) {
  DIR *d = opendir(scratch_folder);
  int n = 0;
  for (struct dirent *e; d && (e = readdir(d));)
    n += e->d_name[0] != '.';
  if (d)
    closedir(d);
  return n;
}

/* The message of the last failure contains `text`. */
#define CHECK_MESSAGE(text) \
  do { \
    const int said_ = strstr(fx_errmsg(), (text)) != NULL; \
    check_one(said_, __FILE__, __LINE__, "the message says \"" text "\""); \
    if (!said_) \
      printf("  it says: %s\n", fx_errmsg()); \
  } while (0)

#endif
