/*
** npy.c - numpy's .npy, and .npz, a zip of them.                 [numpy.lib.format, versions 1.0 to 3.0]
**
** An .npy is a magic, a version, and a Python dictionary as text (npy_header.h), then the numbers. Objects
** (pickles) and records are listed and not read.
*/
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/product.h"
#include "io/container_parts.h"
#include "io/file.h"
#include "io/npy_header.h"
#include "io/zip_stream.h"

enum { MAGIC = 6, MOST_HEADER = 1 << 16 };

typedef struct {
  char text[MOST_HEADER + 1]; /* the dictionary */
  int64_t data;               /* where the numbers begin */
} npy_header;

/* --- the dictionary -------------------------------------------------------------------------- */

static bool set_type (const char *descr, fx_variable *v, fx_plain_variable *plain) {
  static const struct {
    char kind[3];
    fx_element element;
  } known[] = { { "f2", FX_ELEMENT_F16 }, { "f4", FX_ELEMENT_F32 }, { "f8", FX_ELEMENT_F64 },
                { "i1", FX_ELEMENT_I8 },  { "i2", FX_ELEMENT_I16 }, { "i4", FX_ELEMENT_I32 },
                { "i8", FX_ELEMENT_I64 }, { "u1", FX_ELEMENT_U8 },  { "u2", FX_ELEMENT_U16 },
                { "u4", FX_ELEMENT_U32 }, { "u8", FX_ELEMENT_U64 }, { "b1", FX_ELEMENT_BOOL } };
  if (!*descr || !strchr("<>|=", *descr))
    return false;
  plain->big = *descr == '>';
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(descr + 1, known[i].kind) == 0) {
      plain->element = known[i].element;
      fx_element_spelling(plain->element, plain->big, v->dtype);
      return true;
    }
  return false;
}

/* Describes v and p; `bytes` is how many there are for numbers. */
static fx_status describe (const fx_container *c, const npy_header *h, int64_t bytes,
                           fx_variable *v, fx_plain_variable *p) {
  fx_npy_header d;
  const char *wrong = fx_npy_parse(h->text, &d);
  if (wrong)
    return fx_fail(FX_EFORMAT, "%s: '%s' has a damaged header: %s", c->path, v->path, wrong);
  if (!(v->axes = fx_strdup("")))
    return FX_ENOMEM;
  v->rank = d.rank;
  memcpy(v->shape, d.shape, sizeof v->shape);
  if (!set_type(d.descr, v, p)) {
    snprintf(v->dtype, sizeof v->dtype, "%s", d.compound ? "compound" : "other");
    return FX_OK;
  }
  if (fx_product((int64_t)fx_element_size(p->element), v->rank, v->shape, bytes) < 0)
    return fx_fail(FX_EFORMAT,
                   "%s: '%s' claims more elements than its %" PRId64 " bytes can hold: the file is "
                   "cut off or damaged",
                   c->path, v->path, bytes);
  v->number = true;
  p->offset = h->data;
  fx_plain_strides(v, p, d.fortran);
  return FX_OK;
}

/* --- files ----------------------------------------------------------------------------------- */

typedef fx_status (*read_at)(void *source, int64_t offset, int64_t n, void *to);

static fx_status read_header (const char *path, void *source, read_at at, int64_t size,
                              npy_header *h) {
  unsigned char start[12];
  if (size < 10)
    return fx_fail(FX_EFORMAT, "%s: an .npy of %" PRId64 " bytes is cut off", path, size);
  FX_TRY(at(source, 0, 10, start));
  if (memcmp(start, "\223NUMPY", MAGIC) != 0)
    return fx_fail(FX_EFORMAT, "%s: an entry is not an .npy", path);
  if (start[MAGIC] < 1 || start[MAGIC] > 3 || start[MAGIC + 1] != 0)
    return fx_fail(FX_EFORMAT, "%s: an .npy of version %d.%d; 1.0 to 3.0 are read", path,
                   start[MAGIC], start[MAGIC + 1]);
  const bool wide = start[MAGIC] >= 2;
  if (wide && size >= 12)
    FX_TRY(at(source, 8, 4, start + 8));
  const int64_t length =
      start[8] | start[9] << 8 | (wide ? (int64_t)start[10] << 16 | (int64_t)start[11] << 24 : 0);
  const int64_t begin = wide ? 12 : 10;
  if (length > MOST_HEADER || length > size - begin)
    return fx_fail(FX_EFORMAT, "%s: an .npy header of %" PRId64 " bytes: damaged", path, length);
  FX_TRY(at(source, begin, length, h->text));
  h->text[length] = '\0';
  if (strlen(h->text) != (size_t)length)
    return fx_fail(FX_EFORMAT, "%s: an .npy header with a zero byte in it: damaged", path);
  h->data = begin + length;
  return FX_OK;
}

static fx_status read_file (void *source, int64_t offset, int64_t n, void *to) {
  const fx_container *c = source;
  return fx_file_read_at(((const fx_plain *)c->own)->fd, c->path, offset, (size_t)n, to);
}

static fx_status read_entry (void *source, int64_t offset, int64_t n, void *to) {
  return fx_zip_stream_read(source, offset, n, to);
}

static fx_status add (fx_container *c, const char *name, const npy_header *h, int64_t bytes,
                      fx_zip_entry *entry) {
  fx_variable *v;
  fx_plain_variable *p;
  FX_TRY(fx_plain_add(c, name, &v, &p));
  p->entry = entry;
  return describe(c, h, bytes, v, p);
}

fx_status fx_container_npy (fx_container *c) {
  fx_plain *own;
  int64_t size;
  c->kind = "npy";
  FX_TRY(fx_plain_new(c, &own));
  FX_TRY(fx_file_open(c->path, &own->fd, &size));
  npy_header *h = fx_calloc(1, sizeof *h);
  if (!h)
    return FX_ENOMEM;
  fx_status st = read_header(c->path, c, read_file, size, h);
  if (st == FX_OK)
    st = add(c, "array", h, size - h->data, NULL);
  fx_free(h);
  return st;
}

static fx_status add_entry (fx_container *c, const fx_zip *zip, fx_zip_entry *e) {
  char name[256];
  const size_t length = strlen(e->name);
  if (length < 5 || length >= sizeof name || strcmp(e->name + length - 4, ".npy") != 0)
    return FX_OK; /* numpy puts nothing else there, but others may */
  memcpy(name, e->name, length - 4);
  name[length - 4] = '\0';
  fx_zip_stream *s;
  FX_TRY(fx_zip_stream_open(zip, e, &s));
  npy_header *h = fx_calloc(1, sizeof *h);
  fx_status st = h ? read_header(c->path, s, read_entry, e->size, h) : FX_ENOMEM;
  if (st == FX_OK)
    st = add(c, name, h, e->size - h->data, e);
  fx_free(h);
  fx_zip_stream_close(s);
  return st;
}

fx_status fx_container_npz (fx_container *c) {
  fx_plain *own;
  c->kind = "npz";
  FX_TRY(fx_plain_new(c, &own));
  fx_status st = fx_zip_open_deflated(c->path, &own->zip);
  if (st != FX_OK)
    return fx_fail_in(st, "%s", c->path);
  for (int64_t i = 0; i < fx_zip_count(own->zip); i++)
    FX_TRY(add_entry(c, own->zip, fx_zip_at(own->zip, i)));
  if (c->count == 0)
    return fx_fail(FX_EFORMAT, "%s is a zip without a single .npy in it", c->path);
  return FX_OK;
}
