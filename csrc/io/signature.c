/* signature.c - see signature.h. */
#include "io/signature.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "io/file.h"

enum { HEAD = 16 }; /* bytes that tell every format but HDF5 behind a user block */

static const unsigned char hdf5[8] = { 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n' };

static bool begins (const unsigned char *head, size_t n, const void *with, size_t m) {
  return n >= m && memcmp(head, with, m) == 0;
}

static fx_format format_of (const unsigned char *head, size_t n) {
  /* A pickled long of 10 bytes, the magic number of torch/serialization.py. */
  static const unsigned char legacy[] = { 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9 };
  if (n == 0)
    return FX_FORMAT_EMPTY;
  if (begins(head, n, hdf5, sizeof hdf5))
    return FX_FORMAT_HDF5;
  if (begins(head, n, "CDF\1", 4) || begins(head, n, "CDF\2", 4) || begins(head, n, "CDF\5", 4))
    return FX_FORMAT_NETCDF3;
  if (begins(head, n, "\223NUMPY", 6))
    return FX_FORMAT_NPY;
  if (begins(head, n, "PK\3\4", 4) || begins(head, n, "PK\5\6", 4)) /* the second: no entries */
    return FX_FORMAT_ZIP;
  if (n >= 9 && head[8] == '{')
    return FX_FORMAT_SAFETENSORS;
  if (n >= 2 && head[0] == 0x80)
    return begins(head + 2, n - 2, legacy, sizeof legacy) ? FX_FORMAT_TORCH_LEGACY
                                                          : FX_FORMAT_PICKLE;
  return FX_FORMAT_OTHER;
}

static fx_status behind_user_block (int fd, const char *path, int64_t size, bool *yes) {
  unsigned char bytes[sizeof hdf5];
  *yes = false;
  for (int64_t at = 512; at <= size - (int64_t)sizeof hdf5 && !*yes; at *= 2) {
    FX_TRY(fx_file_read_at(fd, path, at, sizeof hdf5, bytes));
    *yes = memcmp(bytes, hdf5, sizeof hdf5) == 0;
  }
  return FX_OK;
}

fx_status fx_signature_read (const char *path, fx_signature *out) {
  int fd;
  unsigned char head[HEAD] = { 0 };
  fx_signature s = { 0 };
  FX_TRY(fx_file_open(path, &fd, &s.size));
  const size_t n = s.size < HEAD ? (size_t)s.size : HEAD;
  fx_status st = fx_file_read_at(fd, path, 0, n, head);
  s.format = format_of(head, n);
  s.first = head[0];
  bool behind = false;
  if (st == FX_OK && (s.format == FX_FORMAT_OTHER || s.format == FX_FORMAT_PICKLE))
    st = behind_user_block(fd, path, s.size, &behind);
  close(fd);
  if (behind)
    s.format = FX_FORMAT_HDF5;
  if (st == FX_OK)
    *out = s;
  return st;
}
