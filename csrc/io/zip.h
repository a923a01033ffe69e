/*
** zip.h - reading zip files: those of torch.save, whose entries are stored (method 0), so that any
** range of an entry can be read in place, and numpy's .npz, whose entries may be deflated (method 8;
** zip_stream.h reads them). zip64 included. Nothing is written.
*/
#ifndef FX_ZIP_H
#define FX_ZIP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

typedef struct {
  const char *name; /* 0-terminated, owned by the zip */
  int64_t offset;   /* of the first data byte in the file */
  int64_t size;     /* bytes, uncompressed */
  int64_t packed;   /* bytes in the file; equal to size when stored */
  int method;       /* 0: stored, 8: deflated */
  uint32_t crc;     /* 0: perhaps not recorded */
  bool checked;     /* once it has been compared and agrees */
} fx_zip_entry;

typedef struct fx_zip fx_zip;

/* Reads the directory. Every entry lies inside the file, names are unique, nothing is compressed
** or encrypted; anything else is FX_EFORMAT (messages without the path: the caller prefixes it). */
fx_status fx_zip_open(const char *path, fx_zip **out);

/* The same, but deflated entries are welcome. */
fx_status fx_zip_open_deflated(const char *path, fx_zip **out);
void fx_zip_close(fx_zip *zip); /* NULL is ignored */

int64_t fx_zip_count(const fx_zip *zip);
int64_t fx_zip_file_size(const fx_zip *zip);

/* Entry i (sorted by name), or the entry of that name, or NULL; borrowed. */
fx_zip_entry *fx_zip_at(const fx_zip *zip, int64_t i);
fx_zip_entry *fx_zip_find(const fx_zip *zip, const char *name);

/* Reads n bytes at `offset` in the (stored) entry; a range outside it is FX_EFORMAT. */
fx_status fx_zip_read(const fx_zip *zip, const fx_zip_entry *entry, int64_t offset, int64_t n,
                      void *to);

/* The same of the bytes as they are in the file, compressed or not. */
fx_status fx_zip_read_packed(const fx_zip *zip, const fx_zip_entry *entry, int64_t offset,
                             int64_t n, void *to);

/* Compares the (stored) entry's bytes with its CRC-32, once; where entries may not be compressed (.pt), a recorded 0
** is not compared. */
fx_status fx_zip_check(const fx_zip *zip, fx_zip_entry *entry);

/* The same with the CRC-32 of its uncompressed bytes at hand. */
fx_status fx_zip_compare(fx_zip_entry *entry, uint32_t crc);

#endif
