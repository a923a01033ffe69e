/* zip_stream.c - see zip_stream.h. Raw deflate through zlib.   [RFC 1951; PKWARE APPNOTE 4.4.5] */
#include "io/zip_stream.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"

enum { BLOCK = 1 << 16, MOST_KEPT = 512 << 20 };

struct fx_zip_stream {
  const fx_zip *zip;
  fx_zip_entry *entry;
  unsigned char *kept; /* the uncompressed entry, or NULL */
  z_stream z;
  bool ready;     /* z is initialised */
  int64_t packed; /* bytes of the packed entry given to zlib */
  int64_t at;     /* uncompressed position */
  unsigned char in[BLOCK], skipped[BLOCK];
};

static fx_status restart (fx_zip_stream *s) {
  if (s->ready)
    inflateEnd(&s->z);
  s->z = (z_stream){ 0 };
  s->packed = s->at = 0;
  s->ready = inflateInit2(&s->z, -MAX_WBITS) == Z_OK;
  return s->ready ? FX_OK : fx_fail(FX_ENOMEM, "no memory for inflating");
}

fx_status fx_zip_stream_open (const fx_zip *zip, fx_zip_entry *entry, fx_zip_stream **out) {
  fx_zip_stream *s = fx_calloc(1, sizeof *s);
  if (!s)
    return FX_ENOMEM;
  s->zip = zip;
  s->entry = entry;
  const fx_status st = entry->method ? restart(s) : FX_OK;
  if (st == FX_OK)
    *out = s;
  else
    fx_zip_stream_close(s);
  return st;
}

void fx_zip_stream_close (fx_zip_stream *s) {
  if (s && s->ready)
    inflateEnd(&s->z);
  if (s)
    fx_free(s->kept);
  fx_free(s);
}

/* The next n uncompressed bytes, at most BLOCK. */
static fx_status inflate_some (fx_zip_stream *s, int64_t n, unsigned char *to) {
  s->z.next_out = to;
  s->z.avail_out = (uInt)n;
  while (s->z.avail_out > 0) {
    if (s->z.avail_in == 0) {
      const int64_t left = s->entry->packed - s->packed, take = left < BLOCK ? left : BLOCK;
      FX_TRY(fx_zip_read_packed(s->zip, s->entry, s->packed, take, s->in));
      s->packed += take;
      s->z.next_in = s->in;
      s->z.avail_in = (uInt)take;
    }
    const uInt before_in = s->z.avail_in, before_out = s->z.avail_out;
    const int code = inflate(&s->z, Z_NO_FLUSH);
    const int stuck = s->z.avail_in == before_in && s->z.avail_out == before_out;
    if ((code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) || stuck ||
        (code == Z_STREAM_END && s->z.avail_out > 0))
      return fx_fail(FX_EFORMAT, "the zip entry '%.80s' is damaged: it does not inflate",
                     s->entry->name);
  }
  s->at += n;
  return FX_OK;
}

/* Inflates all of the entry: into `whole`, or, where that is NULL, for its checksum alone. */
static fx_status inflate_all (fx_zip_stream *s, unsigned char *whole) {
  uLong crc = crc32(0, NULL, 0);
  FX_TRY(restart(s));
  while (s->at < s->entry->size) {
    const int64_t left = s->entry->size - s->at, n = left < BLOCK ? left : BLOCK;
    unsigned char *to = whole ? whole + s->at : s->skipped;
    FX_TRY(inflate_some(s, n, to));
    crc = crc32(crc, to, (uInt)n);
  }
  return fx_zip_compare(s->entry, (uint32_t)crc);
}

fx_status fx_zip_stream_verify (fx_zip_stream *s) {
  if (s->entry->method == 0)
    return fx_zip_check(s->zip, s->entry);
  if (s->kept || s->entry->checked)
    return FX_OK;
  unsigned char *whole = NULL;
  if (s->entry->size <= MOST_KEPT && !(whole = fx_alloc((size_t)s->entry->size)))
    return FX_ENOMEM;
  const fx_status st = inflate_all(s, whole);
  if (st == FX_OK)
    s->kept = whole;
  else
    fx_free(whole);
  return st;
}

fx_status fx_zip_stream_read (fx_zip_stream *s, int64_t offset, int64_t n, void *to) {
  if (s->entry->method == 0)
    return fx_zip_read(s->zip, s->entry, offset, n, to);
  if (offset < 0 || n < 0 || offset > s->entry->size || n > s->entry->size - offset)
    return fx_fail(FX_EFORMAT, "the zip entry '%.80s' has only %" PRId64 " bytes", s->entry->name,
                   s->entry->size);
  if (s->kept) {
    memcpy(to, s->kept + offset, (size_t)n);
    return FX_OK;
  }
  if (offset < s->at)
    FX_TRY(restart(s));
  while (s->at < offset) {
    const int64_t gap = offset - s->at;
    FX_TRY(inflate_some(s, gap < BLOCK ? gap : BLOCK, s->skipped));
  }
  unsigned char *p = to;
  while (n > 0) {
    const int64_t take = n < BLOCK ? n : BLOCK;
    FX_TRY(inflate_some(s, take, p));
    p += take;
    n -= take;
  }
  return FX_OK;
}
