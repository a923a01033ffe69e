/* h5_chunk.c - see h5_chunk.h. */
#include "io/h5_chunk.h"

#include <zlib.h>

#include "base/alloc.h"
#include "io/h5.h"

enum { LZF = 32000, MOST_FILTERS = 32, BLOCK = 1 << 16 };

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
    if (p.id[i] == LZF)
      p.lzf_bytes = count > 2 ? values[2] : 0;
  }
  return p;
}

/* How many bytes the zlib stream of n bytes inflates to; -1 if it is damaged. */
static int64_t inflated (const unsigned char *bytes, size_t n) {
  z_stream z = { .next_in = (unsigned char *)bytes, .avail_in = (uInt)n };
  unsigned char *out = fx_alloc(BLOCK);
  int code = out && inflateInit(&z) == Z_OK ? Z_OK : Z_MEM_ERROR;
  while (code == Z_OK) {
    z.next_out = out;
    z.avail_out = BLOCK;
    code = inflate(&z, Z_NO_FLUSH);
  }
  const int64_t total = code == Z_STREAM_END ? (int64_t)z.total_out : -1;
  if (code != Z_MEM_ERROR)
    inflateEnd(&z);
  fx_free(out);
  return total;
}

/* The decoded size of the chunk at `at`, `bytes` long in the file; -1: damaged; -2: not known. */
static int64_t decoded_size (hid_t data, const pipeline *p, const hsize_t *at, hsize_t bytes) {
  unsigned char *raw = fx_alloc((size_t)bytes);
  uint32_t mask;
  int64_t size = raw && H5Dread_chunk(data, H5P_DEFAULT, at, &mask, raw) >= 0 ? (int64_t)bytes : -1;
  int inside = 0; /* behind the decompression there is nothing to look at but the size */
  for (int i = p->n - 1; i >= 0 && size >= 0; i--) {
    if (mask & 1u << i || p->id[i] == H5Z_FILTER_SHUFFLE)
      continue;
    if (p->id[i] == H5Z_FILTER_FLETCHER32)
      size -= 4;
    else if (p->id[i] == H5Z_FILTER_DEFLATE && !inside)
      size = inflated(raw, (size_t)size);
    else
      size = -2;
    inside = p->id[i] == H5Z_FILTER_DEFLATE;
  }
  fx_free(raw);
  return size;
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

static fx_status check (hid_t data, const char *path, const fx_variable *v, const pipeline *p,
                        int64_t chunk_bytes, int64_t file_size, const int64_t *start,
                        const int64_t *count, bool thorough) {
  hsize_t at[FX_CONTAINER_AXES];
  for (int a = 0; a < v->rank; a++)
    at[a] = (hsize_t)(start[a] / v->chunk[a] * v->chunk[a]);
  do {
    unsigned mask = 0;
    haddr_t address = HADDR_UNDEF;
    hsize_t bytes = 0;
    if (H5Dget_chunk_info_by_coord(data, at, &mask, &address, &bytes) < 0)
      return fx_h5_fail(FX_EFORMAT, "%s: the chunks of '%s' cannot be found", path, v->path);
    if (address == HADDR_UNDEF)
      continue; /* never written: the fill value */
    if (bytes == 0 || bytes > (hsize_t)file_size)
      return wrong(path, v);
    const unsigned all = p->n ? (unsigned)((UINT64_C(1) << p->n) - 1) : 0;
    if ((mask & all) == all && bytes != (hsize_t)chunk_bytes)
      return wrong(path, v);
    if ((mask & all) != all && thorough) {
      const int64_t size = decoded_size(data, p, at, bytes);
      if (size != -2 && size != chunk_bytes)
        return wrong(path, v);
      thorough = false;
    }
  } while ((p->n == 0 || thorough) && next(v, start, count, at));
  return FX_OK;
}

fx_status fx_h5_check_chunks (hid_t data, const char *path, const fx_variable *v, int64_t file_size,
                              const int64_t *start, const int64_t *count, bool thorough) {
  if (!v->chunk[0])
    return FX_OK;
  const hid_t plist = H5Dget_create_plist(data), type = H5Dget_type(data);
  const pipeline p = filters_of(plist);
  int64_t bytes = (int64_t)H5Tget_size(type); /* the product fits: fx_h5_check_dataset */
  for (int a = 0; a < v->rank; a++)
    bytes *= v->chunk[a];
  H5Tclose(type);
  H5Pclose(plist);
  for (int i = 0; i < p.n; i++)
    if (p.id[i] == LZF && p.lzf_bytes != bytes)
      return wrong(path, v);
  return p.n == 0 || thorough ? check(data, path, v, &p, bytes, file_size, start, count, thorough)
                              : FX_OK;
}
