/* h5_chunk.c - see h5_chunk.h. */
#include "io/h5_chunk.h"

#include <zlib.h>

#include "base/alloc.h"
#include "io/h5.h"

enum { MOST_FILTERS = 32, BLOCK = 1 << 16, MOST_CHUNKS = 1 << 22 };

typedef struct {
  int n;
  H5Z_filter_t id[MOST_FILTERS];
  unsigned lzf_bytes; /* the chunk size that lzf's writer noted */
} pipeline;

static pipeline filters_of (hid_t plist) {
  pipeline p = { .n = H5Pget_nfilters(plist) };
  p.n = p.n < 0 ? 0 : p.n > MOST_FILTERS ? MOST_FILTERS : p.n;
  for (int i = 0; i < p.n; i++) {
    unsigned flags, config, values[8] = { 0 };
    size_t count = 8;
    p.id[i] = H5Pget_filter2(plist, (unsigned)i, &flags, &count, values, 0, NULL, &config);
    if (p.id[i] == FX_H5_LZF)
      p.lzf_bytes = count > 2 ? values[2] : 0;
  }
  return p;
}

enum { DAMAGED = -1, UNKNOWN = -2 };

/* How many bytes the zlib stream of n bytes inflates to; DAMAGED if it does not. */
static fx_status inflated (const unsigned char *bytes, size_t n, int64_t *size) {
  z_stream z = { .next_in = (unsigned char *)bytes, .avail_in = (uInt)n };
  unsigned char *out = fx_alloc(BLOCK);
  if (!out || inflateInit(&z) != Z_OK) {
    fx_free(out);
    return fx_fail(FX_ENOMEM, "no memory for inflating");
  }
  int code = Z_OK;
  while (code == Z_OK) {
    z.next_out = out;
    z.avail_out = BLOCK;
    code = inflate(&z, Z_NO_FLUSH);
  }
  *size = code == Z_STREAM_END ? (int64_t)z.total_out : DAMAGED;
  inflateEnd(&z);
  fx_free(out);
  return FX_OK;
}

/* The decoded size of the chunk of `bytes` bytes at `raw`, to which the filters not in `mask` were applied. */
static fx_status decoded_size (const pipeline *p, uint32_t mask, const unsigned char *raw,
                               int64_t bytes, int64_t *size) {
  bool inside = false; /* behind the decompression there is nothing to look at but the size */
  *size = bytes;
  for (int i = p->n - 1; i >= 0 && *size >= 0; i--) {
    if (mask & 1u << i || p->id[i] == H5Z_FILTER_SHUFFLE)
      continue;
    if (p->id[i] == H5Z_FILTER_FLETCHER32)
      *size = *size < 4 ? DAMAGED : *size - 4;
    else if (p->id[i] == H5Z_FILTER_DEFLATE && !inside)
      FX_TRY(inflated(raw, (size_t)*size, size));
    else
      *size = UNKNOWN;
    inside = p->id[i] == H5Z_FILTER_DEFLATE;
  }
  return FX_OK;
}

/* The chunk at `at`, `bytes` long in the file. */
static fx_status measure (hid_t data, const pipeline *p, const hsize_t *at, hsize_t bytes,
                          int64_t *size) {
  unsigned char *raw = fx_alloc((size_t)bytes);
  uint32_t mask;
  fx_status st = FX_OK;
  if (!raw)
    return FX_ENOMEM;
  *size = DAMAGED;
  if (H5Dread_chunk(data, H5P_DEFAULT, at, &mask, raw) >= 0)
    st = decoded_size(p, mask, raw, (int64_t)bytes, size);
  fx_free(raw);
  return st;
}

static fx_status wrong (const char *path, const fx_variable *v) {
  return fx_fail(FX_EFORMAT,
                 "%s: '%s' has a chunk that is not as large as its chunk shape says: damaged", path,
                 v->path);
}

/* The next chunk of the box in `at` (in elements), or false. */
static bool next (const fx_variable *v, const int64_t *start, const int64_t *count, hsize_t *at) {
  for (int a = v->rank - 1; a >= 0; a--) {
    at[a] += (hsize_t)v->chunk[a];
    if (at[a] < (hsize_t)(start[a] + count[a]))
      return true;
    at[a] = (hsize_t)(start[a] / v->chunk[a] * v->chunk[a]);
  }
  return false;
}

/* --- the chunks of a box ------------------------------------------------------------------------ */

/* How many chunks the whole variable has; MOST_CHUNKS + 1 if more than that. */
static int64_t grid_size (const fx_variable *v) {
  int64_t n = 1;
  for (int a = 0; a < v->rank; a++) {
    const int64_t along = (v->shape[a] - 1) / v->chunk[a] + 1;
    if (along > MOST_CHUNKS / n)
      return MOST_CHUNKS + 1;
    n *= along;
  }
  return n;
}

/* The place of a chunk in the grid of chunks. */
static int64_t place (const fx_variable *v, const hsize_t *at) {
  int64_t i = 0;
  for (int a = 0; a < v->rank; a++)
    i = i * ((v->shape[a] - 1) / v->chunk[a] + 1) + (int64_t)at[a] / v->chunk[a];
  return i;
}

typedef struct {
  hid_t data;
  const char *path;
  const fx_variable *v;
  pipeline filters;
  int64_t chunk_bytes, file_size;
} dataset;

/* The chunk at `at`. Two ways of looking for it must agree: by the index, as H5Dread does, and one by
** one, which alone tells how long it is in the file. */
static fx_status check_chunk (const dataset *d, const hsize_t *at) {
  unsigned mask = 0;
  haddr_t address = HADDR_UNDEF;
  hsize_t bytes = 0, indexed = 0;
  /* Of a chunk that was never written the index has nothing to say, which HDF5 1.10 calls a failure. */
  const bool in_index = H5Dget_chunk_storage_size(d->data, at, &indexed) >= 0 && indexed > 0;
  if (H5Dget_chunk_info_by_coord(d->data, at, &mask, &address, &bytes) < 0)
    return fx_h5_fail(FX_EFORMAT, "%s: the chunks of '%s' cannot be found", d->path, d->v->path);
  if (!in_index && address == HADDR_UNDEF)
    return FX_OK; /* the fill value */
  if (!in_index || address == HADDR_UNDEF || bytes == 0 || bytes > (hsize_t)d->file_size)
    return wrong(d->path, d->v);
  const unsigned all = (unsigned)((UINT64_C(1) << d->filters.n) - 1);
  if ((mask & all) == all)
    return bytes == (hsize_t)d->chunk_bytes ? FX_OK : wrong(d->path, d->v);
  int64_t size;
  FX_TRY(measure(d->data, &d->filters, at, bytes, &size));
  return size == UNKNOWN || size == d->chunk_bytes ? FX_OK : wrong(d->path, d->v);
}

static fx_status check_box (const dataset *d, const fx_h5_chunks *seen, const int64_t *start,
                            const int64_t *count) {
  hsize_t at[FX_CONTAINER_AXES];
  for (int a = 0; a < d->v->rank; a++)
    at[a] = (hsize_t)(start[a] / d->v->chunk[a] * d->v->chunk[a]);
  do {
    unsigned char *known = seen->known ? &seen->known[place(d->v, at)] : NULL;
    if (!known || !*known)
      FX_TRY(check_chunk(d, at));
    if (known)
      *known = 1;
  } while (next(d->v, start, count, at));
  return FX_OK;
}

static dataset describe (hid_t data, const char *path, const fx_variable *v, int64_t file_size) {
  const hid_t plist = H5Dget_create_plist(data), type = H5Dget_type(data);
  dataset d = { data, path, v, filters_of(plist), (int64_t)H5Tget_size(type), file_size };
  for (int a = 0; a < v->rank; a++)
    d.chunk_bytes *= v->chunk[a]; /* the product fits: fx_h5_check_dataset */
  H5Tclose(type);
  H5Pclose(plist);
  return d;
}

fx_status fx_h5_check_chunks (hid_t data, const char *path, const fx_variable *v, int64_t file_size,
                              const int64_t *start, const int64_t *count, fx_h5_chunks *seen) {
  if (!v->chunk[0])
    return FX_OK;
  const dataset d = describe(data, path, v, file_size);
  for (int i = 0; i < d.filters.n; i++)
    if (d.filters.id[i] == FX_H5_LZF && d.filters.lzf_bytes != d.chunk_bytes)
      return wrong(path, v);
  const int64_t grid = grid_size(v);
  if (!seen->known && grid <= MOST_CHUNKS && !(seen->known = fx_calloc((size_t)grid, 1)))
    return FX_ENOMEM;
  return check_box(&d, seen, start, count);
}

void fx_h5_chunks_end (fx_h5_chunks *seen) {
  fx_free(seen->known);
  *seen = (fx_h5_chunks){ 0 };
}
