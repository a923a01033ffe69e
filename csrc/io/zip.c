/*
** zip.c - see zip.h.                                     [PKWARE APPNOTE 6.3.10, sections 4.3-4.5]
**
** A zip is read from its end: the end record (found by searching backwards, because a comment may
** follow it) leads to the central directory, and that to the entries. torch leaves sizes and CRC
** in the local headers 0 and always writes a zip64 end record; the central directory alone is
** trusted, the local header gives only the length of its own name and padding.
*/
#include "io/zip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/alloc.h"
#include "io/file.h"

enum {
  END_SIZE = 22,
  END64_SIZE = 56,
  LOCATOR_SIZE = 20,
  CENTRAL_SIZE = 46,
  LOCAL_SIZE = 30,
  MAX_COMMENT = 65535,
  MAX_DIRECTORY = 256 << 20 /* bytes; 10^6 entries of torch take 100 MB */
};

struct fx_zip {
  int fd;
  bool deflated; /* entries may be compressed */
  char *path;
  int64_t file_size;
  int64_t directory; /* offset of the central directory: data must end before it */
  int64_t directory_size, count;
  char *names;           /* all names, 0-terminated */
  fx_zip_entry *entries; /* sorted by name */
};

static uint32_t u16 (const unsigned char *p) { return (uint32_t)(p[0] | p[1] << 8); }
static uint32_t u32 (const unsigned char *p) { return u16(p) | u16(p + 2) << 16; }
static uint64_t u64 (const unsigned char *p) { return u32(p) | (uint64_t)u32(p + 4) << 32; }

/* --- the end records ------------------------------------------------------------------------- */

/* Position of the end record, searched from the back. */
static fx_status find_end (const fx_zip *z, int64_t *at, unsigned char end[END_SIZE]) {
  const int64_t most = END_SIZE + MAX_COMMENT;
  const int64_t n = z->file_size < most ? z->file_size : most;
  unsigned char *tail = fx_alloc((size_t)n);
  if (!tail)
    return FX_ENOMEM;
  fx_status st = fx_file_read_at(z->fd, z->path, z->file_size - n, (size_t)n, tail);
  int64_t i = n - END_SIZE;
  while (st == FX_OK && i >= 0 && memcmp(tail + i, "PK\5\6", 4) != 0)
    i--;
  if (st == FX_OK && i < 0)
    st = fx_fail(FX_EFORMAT, "this zip has no directory at its end: the file is cut off; copy it "
                             "again");
  if (st == FX_OK) {
    memcpy(end, tail + i, END_SIZE);
    *at = z->file_size - n + i;
  }
  fx_free(tail);
  return st;
}

/* Reads the zip64 end record, if a locator for it stands before the end record. */
static fx_status read_end64 (fx_zip *z, int64_t end_at) {
  unsigned char locator[LOCATOR_SIZE], end[END64_SIZE];
  if (end_at < LOCATOR_SIZE + END64_SIZE)
    return FX_OK;
  FX_TRY(fx_file_read_at(z->fd, z->path, end_at - LOCATOR_SIZE, LOCATOR_SIZE, locator));
  if (memcmp(locator, "PK\6\7", 4) != 0)
    return FX_OK;
  const uint64_t at = u64(locator + 8);
  if (at > (uint64_t)(end_at - LOCATOR_SIZE - END64_SIZE))
    return fx_fail(FX_EFORMAT, "the zip64 end record lies outside the file");
  FX_TRY(fx_file_read_at(z->fd, z->path, (int64_t)at, END64_SIZE, end));
  if (memcmp(end, "PK\6\6", 4) != 0)
    return fx_fail(FX_EFORMAT, "the zip64 end record is damaged");
  const uint64_t count = u64(end + 32), size = u64(end + 40), start = u64(end + 48);
  if (count > INT64_MAX || size > INT64_MAX || start > INT64_MAX)
    return fx_fail(FX_EFORMAT, "the zip64 end record is damaged");
  z->count = (int64_t)count;
  z->directory_size = (int64_t)size;
  z->directory = (int64_t)start;
  return FX_OK;
}

static fx_status locate_directory (fx_zip *z) {
  unsigned char end[END_SIZE];
  int64_t at;
  if (z->file_size < END_SIZE)
    return fx_fail(FX_EFORMAT, "this zip is cut off after %" PRId64 " bytes", z->file_size);
  FX_TRY(find_end(z, &at, end));
  z->count = u16(end + 10);
  z->directory_size = u32(end + 12);
  z->directory = u32(end + 16);
  FX_TRY(read_end64(z, at));
  if (z->directory_size > at || z->directory > at - z->directory_size)
    return fx_fail(FX_EFORMAT, "the zip directory lies outside the file");
  if (z->directory_size > MAX_DIRECTORY || z->count > z->directory_size / CENTRAL_SIZE)
    return fx_fail(FX_EFORMAT,
                   "the zip claims %" PRId64 " entries in a directory of %" PRId64 " bytes",
                   z->count, z->directory_size);
  return FX_OK;
}

/* --- the entries ----------------------------------------------------------------------------- */

/* Replaces each value that is 0xffffffff by its 64-bit form from the extra field, in this order. */
static fx_status read_extra64 (const unsigned char *extra, size_t n, uint64_t *usize,
                               uint64_t *csize, uint64_t *offset) {
  uint64_t *wanted[3] = { usize, csize, offset };
  while (n >= 4) {
    const size_t length = u16(extra + 2);
    if (length > n - 4)
      break;
    if (u16(extra) == 1) {
      const unsigned char *p = extra + 4, *stop = p + length;
      for (int i = 0; i < 3; i++)
        if (*wanted[i] == UINT32_MAX && stop - p >= 8) {
          *wanted[i] = u64(p);
          p += 8;
        }
      return FX_OK;
    }
    extra += 4 + length;
    n -= 4 + length;
  }
  return *usize == UINT32_MAX || *csize == UINT32_MAX || *offset == UINT32_MAX
             ? fx_fail(FX_EFORMAT, "a zip entry lacks its 64-bit sizes")
             : FX_OK;
}

/* From the local header: where the data of the entry begins. */
static fx_status find_data (const fx_zip *z, fx_zip_entry *e, uint64_t header) {
  unsigned char local[LOCAL_SIZE];
  if (header > (uint64_t)z->directory || z->directory - (int64_t)header < LOCAL_SIZE)
    return fx_fail(FX_EFORMAT, "the zip entry '%.80s' lies outside the file", e->name);
  FX_TRY(fx_file_read_at(z->fd, z->path, (int64_t)header, LOCAL_SIZE, local));
  if (memcmp(local, "PK\3\4", 4) != 0)
    return fx_fail(FX_EFORMAT, "the zip entry '%.80s' has no header where the directory says",
                   e->name);
  e->offset = (int64_t)header + LOCAL_SIZE + u16(local + 26) + u16(local + 28);
  if (e->offset > z->directory || e->packed > z->directory - e->offset)
    return fx_fail(FX_EFORMAT,
                   "the zip entry '%.80s' claims %" PRId64 " bytes, more than the file "
                   "holds",
                   e->name, e->packed);
  return FX_OK;
}

/* One record of the central directory at p, with `left` bytes to its end. */
static fx_status read_record (fx_zip *z, const unsigned char *p, int64_t left, char *name,
                              fx_zip_entry *e, int64_t *used) {
  if (left < CENTRAL_SIZE || memcmp(p, "PK\1\2", 4) != 0)
    return fx_fail(FX_EFORMAT, "the zip directory is damaged");
  const size_t name_size = u16(p + 28), extra_size = u16(p + 30), comment_size = u16(p + 32);
  *used = (int64_t)(CENTRAL_SIZE + name_size + extra_size + comment_size);
  if (*used > left)
    return fx_fail(FX_EFORMAT, "the zip directory is damaged");
  memcpy(name, p + CENTRAL_SIZE, name_size);
  name[name_size] = '\0';
  if (strlen(name) != name_size)
    return fx_fail(FX_EFORMAT, "a zip entry has a zero byte in its name");
  uint64_t csize = u32(p + 20), usize = u32(p + 24), header = u32(p + 42);
  FX_TRY(read_extra64(p + CENTRAL_SIZE + name_size, extra_size, &usize, &csize, &header));
  if (u16(p + 8) & 1)
    return fx_fail(FX_EFORMAT, "the zip entry '%.80s' is encrypted", name);
  const int method = (int)u16(p + 10);
  if (method != 0 && (method != 8 || !z->deflated))
    return fx_fail(FX_EFORMAT, "the zip entry '%.80s' is compressed (method %d), which %s", name,
                   method,
                   z->deflated ? "numpy never uses: write the file again with numpy.savez"
                               : "torch.save never does: save the checkpoint again with PyTorch");
  if ((method == 0 && csize != usize) || csize > INT64_MAX || usize > INT64_MAX)
    return fx_fail(FX_EFORMAT, "the zip entry '%.80s' has two different sizes", name);
  if (usize / 1032 > csize + 1) /* deflate packs at most 1032 bytes into one */
    return fx_fail(FX_EFORMAT, "the zip entry '%.80s' claims more bytes than it can hold", name);
  *e = (fx_zip_entry){ .name = name,
                       .size = (int64_t)usize,
                       .packed = (int64_t)csize,
                       .method = method,
                       .crc = u32(p + 16) };
  return find_data(z, e, header);
}

static int by_name (const void *a, const void *b) {
  return strcmp(((const fx_zip_entry *)a)->name, ((const fx_zip_entry *)b)->name);
}

static fx_status read_directory (fx_zip *z) {
  fx_status st = FX_OK;
  unsigned char *bytes = fx_alloc((size_t)z->directory_size);
  z->names = fx_alloc((size_t)(z->directory_size + z->count)); /* each name and its 0 */
  z->entries = fx_calloc((size_t)z->count, sizeof *z->entries);
  if (!bytes || !z->names || !z->entries)
    FX_GOTO(FX_ENOMEM);
  FX_GOTO(fx_file_read_at(z->fd, z->path, z->directory, (size_t)z->directory_size, bytes));
  char *name = z->names;
  for (int64_t i = 0, at = 0, used = 0; i < z->count; i++, at += used) {
    FX_GOTO(read_record(z, bytes + at, z->directory_size - at, name, &z->entries[i], &used));
    name += strlen(name) + 1;
  }
  qsort(z->entries, (size_t)z->count, sizeof *z->entries, by_name);
  for (int64_t i = 1; i < z->count; i++)
    if (by_name(&z->entries[i - 1], &z->entries[i]) == 0)
      FX_GOTO(fx_fail(FX_EFORMAT, "the zip has two entries called '%.80s'", z->entries[i].name));
done:
  fx_free(bytes);
  return st;
}

/* --- interface ------------------------------------------------------------------------------- */

static fx_status open_zip (const char *path, bool deflated, fx_zip **out) {
  fx_zip *z = fx_calloc(1, sizeof *z);
  if (!z)
    return FX_ENOMEM;
  z->fd = -1;
  z->deflated = deflated;
  fx_status st = FX_OK;
  if (!(z->path = fx_strdup(path)))
    FX_GOTO(FX_ENOMEM);
  FX_GOTO(fx_file_open(path, &z->fd, &z->file_size));
  FX_GOTO(locate_directory(z));
  FX_GOTO(read_directory(z));
  *out = z;
  z = NULL;
done:
  fx_zip_close(z);
  return st;
}

fx_status fx_zip_open (const char *path, fx_zip **out) { return open_zip(path, false, out); }

fx_status fx_zip_open_deflated (const char *path, fx_zip **out) {
  return open_zip(path, true, out);
}

void fx_zip_close (fx_zip *z) {
  if (!z)
    return;
  if (z->fd >= 0)
    close(z->fd);
  fx_free(z->path);
  fx_free(z->names);
  fx_free(z->entries);
  fx_free(z);
}

int64_t fx_zip_count (const fx_zip *z) { return z->count; }
int64_t fx_zip_file_size (const fx_zip *z) { return z->file_size; }
fx_zip_entry *fx_zip_at (const fx_zip *z, int64_t i) { return &z->entries[i]; }

fx_zip_entry *fx_zip_find (const fx_zip *z, const char *name) {
  const fx_zip_entry key = { .name = name };
  return bsearch(&key, z->entries, (size_t)z->count, sizeof key, by_name);
}

fx_status fx_zip_read (const fx_zip *z, const fx_zip_entry *e, int64_t offset, int64_t n,
                       void *to) {
  if (offset < 0 || n < 0 || offset > e->size || n > e->size - offset)
    return fx_fail(FX_EFORMAT,
                   "the zip entry '%.80s' has %" PRId64 " bytes; %" PRId64 " from "
                   "byte %" PRId64 " were wanted",
                   e->name, e->size, n, offset);
  return fx_file_read_at(z->fd, z->path, e->offset + offset, (size_t)n, to);
}

fx_status fx_zip_read_packed (const fx_zip *z, const fx_zip_entry *e, int64_t offset, int64_t n,
                              void *to) {
  if (offset < 0 || n < 0 || offset > e->packed || n > e->packed - offset)
    return fx_fail(FX_EFORMAT, "the zip entry '%.80s' is cut off", e->name);
  return fx_file_read_at(z->fd, z->path, e->offset + offset, (size_t)n, to);
}

fx_status fx_zip_check (const fx_zip *z, fx_zip_entry *e) {
  enum { BLOCK = 1 << 16 };
  if (e->checked || (e->crc == 0 && !z->deflated)) /* torch may leave it out; numpy never does */
    return FX_OK;
  unsigned char *block = fx_alloc(BLOCK);
  if (!block)
    return FX_ENOMEM;
  fx_status st = FX_OK;
  uLong crc = crc32(0, NULL, 0);
  for (int64_t at = 0; at < e->size && st == FX_OK; at += BLOCK) {
    const int64_t n = e->size - at < BLOCK ? e->size - at : BLOCK;
    if ((st = fx_zip_read(z, e, at, n, block)) == FX_OK)
      crc = crc32(crc, block, (uInt)n);
  }
  fx_free(block);
  return st == FX_OK ? fx_zip_compare(e, (uint32_t)crc) : st;
}

fx_status fx_zip_compare (fx_zip_entry *e, uint32_t crc) {
  e->checked = crc == e->crc;
  return e->checked ? FX_OK
                    : fx_fail(FX_EFORMAT,
                              "the zip entry '%.80s' is damaged (its checksum differs); copy the "
                              "file again",
                              e->name);
}
