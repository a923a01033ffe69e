/*
** h5_cache.c - how large HDF5's cache of decoded chunks is, for each open dataset.
**
** HDF5's own 1 MiB decodes a chunk again and again when a visit (a patch in several frames, say) touches more
** than that; one size for all would keep gigabytes when many files are open. So the cache is as large as the
** chunks that a visit touches where visits are known (fx_container_expect), and else as a whole field.
** Decoded chunks are kept in a hash table; two in one place drive each other out, so it has about a hundred
** places a chunk, a prime number of them, as HDF5's reference manual advises for H5Pset_chunk_cache.
*/
#include <stdlib.h>

#include "io/container.h"

enum { SHORT_AXIS = 16, FEW = 1 << 20, FIELD = 64 << 20, MOST = 1 << 30 };

/* Chunks along axis a that a visit touches at most. */
static double of_visit (const fx_variable *v, int a) {
  const int64_t all = (v->shape[a] - 1) / v->chunk[a] + 1;
  const int64_t n = (v->visit[a] + v->chunk[a] - 2) / v->chunk[a] + 1;
  return (double)(n < all ? n : all);
}

/* Of a field: all along the last two axes, and along a third from the end that is short (channels), one along
** the others. */
static double of_field (const fx_variable *v, int a) {
  const int from_end = v->rank - 1 - a;
  const bool short_axis = v->shape[a] <= SHORT_AXIS || v->shape[v->rank - 1] <= SHORT_AXIS;
  const bool whole = from_end < 2 || (from_end == 2 && short_axis);
  return whole ? (double)((v->shape[a] - 1) / v->chunk[a] + 1) : 1.0;
}

static int64_t places (double chunks) {
  static const int64_t primes[] = { 521, 1009, 2003, 4001, 12421, 50021, 100003 };
  enum { N = sizeof primes / sizeof *primes };
  int k = 0;
  while (k < N - 1 && (double)primes[k] < 100.0 * chunks)
    k++;
  return primes[k];
}

int64_t fx_container_cache (const fx_variable *v, int64_t *slots) {
  double chunk = strtod(v->dtype + (v->number ? 2 : 0), NULL), chunks = 1.0; /* bytes: "<f4" */
  *slots = 0;
  if (!v->number || !v->chunk[0])
    return 0;
  for (int a = 0; a < v->rank; a++) {
    chunk *= (double)v->chunk[a];
    chunks *= v->visit[0] ? of_visit(v, a) : of_field(v, a);
  }
  const double wanted = chunk * chunks, least = v->visit[0] ? FEW : FIELD;
  const double bytes = wanted > MOST ? MOST : wanted < least ? least : wanted;
  *slots = places(bytes / chunk);
  return (int64_t)bytes;
}
