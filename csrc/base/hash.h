/* hash.h - FNV-1a, 64 bits [Fowler, Noll, Vo 1991]: tables of names, temporary files, runs, keys of initial weights. */
#ifndef FX_HASH_H
#define FX_HASH_H

#include <stddef.h>
#include <stdint.h>

#define FX_HASH_START UINT64_C(0xcbf29ce484222325)
/* Continues `hash` (FX_HASH_START at first) over n bytes. */
uint64_t fx_hash(uint64_t hash, const void *bytes, size_t n);

#endif
