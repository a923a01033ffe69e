/* hash.c - see hash.h. */
#include "base/hash.h"

uint64_t fx_hash (uint64_t hash, const void *bytes, size_t n) {
  const unsigned char *p = bytes;
  for (size_t i = 0; i < n; i++)
    hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
  return hash;
}
