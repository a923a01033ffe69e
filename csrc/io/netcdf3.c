/*
** netcdf3.c - netCDF classic files: CDF-1, CDF-2 (64-bit offsets) and CDF-5 (64-bit data).
**                                        [NetCDF file format specifications, The Classic Format]
**
** Everything is big-endian. A header lists dimensions, attributes and variables with the offset of
** each; variables along the record dimension are interleaved record by record, each padded to 4 bytes,
** except that a single one is not. The sizes stored with variables may be wrong by design
** (files above 4 GiB), so they are computed from the dimensions.
*/
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/product.h"
#include "io/container_parts.h"
#include "io/file.h"

enum { TAG_DIMENSION = 10, TAG_VARIABLE = 11, TAG_ATTRIBUTE = 12, MOST_HEADER = 64 << 20 };

typedef struct {
  char *name;
  int64_t size; /* 0: the record dimension */
} nc_dimension;

typedef struct {
  fx_container *c;
  fx_plain *own;
  unsigned char *bytes;
  int64_t n, at; /* header bytes that are in memory; position */
  int version;
  int64_t records; /* -1: to be computed from the file's length (streaming) */
  nc_dimension *dimensions;
  int64_t dimension_count;
} nc_parser;

/* --- the parser's letters -------------------------------------------------------------------- */

static fx_status cut_off (const nc_parser *p) {
  return fx_fail(FX_EFORMAT, "%s: the netCDF header is damaged or cut off at byte %" PRId64,
                 p->c->path, p->at);
}

/* A big-endian number of `width` bytes. */
static fx_status number (nc_parser *p, int width, int64_t *value) {
  if (p->n - p->at < width)
    return cut_off(p);
  uint64_t v = 0;
  for (int i = 0; i < width; i++)
    v = v << 8 | p->bytes[p->at++];
  if (v > INT64_MAX)
    return cut_off(p);
  *value = (int64_t)v;
  return FX_OK;
}

/* Counts are 4 bytes, 8 in CDF-5. */
static fx_status count (nc_parser *p, int64_t *value) {
  return number(p, p->version == 5 ? 8 : 4, value);
}

/* n bytes, padded to 4; borrowed. */
static fx_status block (nc_parser *p, int64_t n, const unsigned char **bytes) {
  if (n > p->n - p->at)
    return cut_off(p);
  *bytes = p->bytes + p->at;
  p->at += n;
  p->at = p->at + (4 - n % 4) % 4 < p->n ? p->at + (4 - n % 4) % 4 : p->n;
  return FX_OK;
}

static fx_status name (nc_parser *p, char **text) {
  int64_t n;
  const unsigned char *bytes;
  FX_TRY(count(p, &n));
  FX_TRY(block(p, n, &bytes));
  if (memchr(bytes, 0, (size_t)n))
    return cut_off(p);
  if (!(*text = fx_alloc((size_t)n + 1)))
    return FX_ENOMEM;
  memcpy(*text, bytes, (size_t)n);
  (*text)[n] = '\0';
  return FX_OK;
}

/* The head of a list: its tag, or zeros if it is absent; how many. Each entry takes at least 8. */
static fx_status list (nc_parser *p, int tag, int64_t *n) {
  int64_t found;
  FX_TRY(number(p, 4, &found));
  FX_TRY(count(p, n));
  if ((found != tag && !(found == 0 && *n == 0)) || *n > (p->n - p->at) / 8)
    return cut_off(p);
  return FX_OK;
}

static fx_status element_of (const nc_parser *p, int64_t type, fx_element *element) {
  static const fx_element known[] = { FX_ELEMENT_I8,  FX_ELEMENT_U8,  FX_ELEMENT_I16,
                                      FX_ELEMENT_I32, FX_ELEMENT_F32, FX_ELEMENT_F64,
                                      FX_ELEMENT_U8,  FX_ELEMENT_U16, FX_ELEMENT_U32,
                                      FX_ELEMENT_I64, FX_ELEMENT_U64 };
  if (type < 1 || type > (p->version == 5 ? 11 : 6))
    return cut_off(p);
  *element = known[type - 1]; /* 2 is text */
  return FX_OK;
}

/* --- attributes ------------------------------------------------------------------------------ */

static fx_status numbers (const unsigned char *bytes, fx_element element, fx_attribute *a) {
  const size_t size = fx_element_size(element);
  if (!(a->numbers = fx_calloc((size_t)a->n, sizeof *a->numbers)))
    return FX_ENOMEM;
  const int64_t one = 1;
  fx_tensor *t;
  FX_TRY(fx_tensor_new(fx_element_dtype(element), 1, &one, &t));
  for (int64_t i = 0; i < a->n; i++) {
    unsigned char little[8];
    for (size_t k = 0; k < size; k++)
      little[k] = bytes[(size_t)i * size + size - 1 - k];
    fx_element_store(element, little, 1, t, 0);
    a->numbers[i] = fx_tensor_get(t, 0);
  }
  fx_tensor_release(t);
  return FX_OK;
}

static fx_status attribute (nc_parser *p, fx_attributes *to) {
  char *key;
  int64_t type, n;
  fx_element element;
  const unsigned char *bytes;
  FX_TRY(name(p, &key));
  fx_attribute *a = fx_attributes_add(to, key);
  fx_free(key);
  if (!a)
    return FX_ENOMEM;
  FX_TRY(number(p, 4, &type));
  FX_TRY(count(p, &n));
  FX_TRY(element_of(p, type, &element));
  if (n > p->n / (int64_t)fx_element_size(element))
    return cut_off(p);
  FX_TRY(block(p, n * (int64_t)fx_element_size(element), &bytes));
  if (type != 2) {
    a->n = n;
    return n ? numbers(bytes, element, a) : FX_OK;
  }
  if (!(a->text = fx_calloc((size_t)n + 1, 1)))
    return FX_ENOMEM;
  a->n = 1;
  memcpy(a->text, bytes, (size_t)n);
  return FX_OK;
}

static fx_status attributes (nc_parser *p, fx_attributes *to) {
  int64_t n;
  FX_TRY(list(p, TAG_ATTRIBUTE, &n));
  for (int64_t i = 0; i < n; i++)
    FX_TRY(attribute(p, to));
  return FX_OK;
}

/* --- dimensions and variables ---------------------------------------------------------------- */

static fx_status dimensions (nc_parser *p) {
  int64_t n;
  FX_TRY(list(p, TAG_DIMENSION, &n));
  if (!(p->dimensions = fx_calloc((size_t)n + 1, sizeof *p->dimensions)))
    return FX_ENOMEM;
  for (; p->dimension_count < n; p->dimension_count++) {
    nc_dimension *d = &p->dimensions[p->dimension_count];
    FX_TRY(name(p, &d->name));
    const fx_status st = count(p, &d->size);
    if (st != FX_OK) {
      fx_free(d->name);
      return st;
    }
  }
  return FX_OK;
}

/* Axes of the variable: ids of dimensions. *record: whether the first is the record dimension,
** whose size stays 0 here. */
static fx_status axes (nc_parser *p, fx_variable *v, bool *record) {
  int64_t n, id;
  char text[512] = "";
  size_t used = 0;
  FX_TRY(count(p, &n));
  *record = false;
  if (n > FX_CONTAINER_AXES)
    return fx_fail(FX_EUNSUPPORTED, "%s: '%s' has %" PRId64 " axes, at most %d are read",
                   p->c->path, v->path, n, FX_CONTAINER_AXES);
  for (int64_t a = 0; a < n; a++) {
    FX_TRY(count(p, &id));
    if (id >= p->dimension_count)
      return cut_off(p);
    const nc_dimension *d = &p->dimensions[id];
    if (d->size == 0 && a > 0)
      return cut_off(p);
    *record |= d->size == 0;
    v->shape[v->rank++] = d->size;
    const int m = snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "", d->name);
    used = used + (size_t)m < sizeof text ? used + (size_t)m : sizeof text - 1;
  }
  return (v->axes = fx_strdup(text)) ? FX_OK : FX_ENOMEM;
}

static fx_status variable (nc_parser *p, bool *record) {
  char *path;
  fx_variable *v;
  fx_plain_variable *q;
  int64_t type, ignored;
  FX_TRY(name(p, &path));
  fx_status st = fx_plain_add(p->c, path, &v, &q);
  fx_free(path);
  FX_TRY(st);
  FX_TRY(axes(p, v, record));
  FX_TRY(attributes(p, &q->attributes));
  FX_TRY(number(p, 4, &type));
  FX_TRY(count(p, &ignored)); /* vsize */
  FX_TRY(number(p, p->version == 1 ? 4 : 8, &q->offset));
  FX_TRY(element_of(p, type, &q->element));
  q->big = true;
  v->number = type != 2;
  fx_element_spelling(q->element, true, v->dtype);
  if (!v->number)
    snprintf(v->dtype, sizeof v->dtype, "text");
  if (v->number)
    FX_TRY(fx_packing_of(&v->packing, v->dtype, &q->attributes));
  return v->number ? fx_packing_default(&v->packing, v->dtype) : FX_OK;
}

/* Bytes of one record of the variable, or of all of it; -1 if they exceed the file. */
static int64_t bytes_of (const fx_container *c, const fx_variable *v, fx_element element,
                         bool record) {
  return fx_product((int64_t)fx_element_size(element), v->rank - record, v->shape + record,
                    c->size);
}

/* Where everything lies, once all variables are known. */
static fx_status place (nc_parser *p, const bool *record) {
  fx_container *c = p->c;
  int64_t record_bytes = 0, records_of = 0, first = c->size;
  for (int64_t i = 0; i < c->count; i++) {
    if (record[i] && p->records == 0) /* no bytes, however large a record would be */
      continue;
    const int64_t bytes = bytes_of(c, &c->variables[i], p->own->variables[i].element, record[i]);
    if (bytes < 0 || record_bytes > c->size)
      return fx_fail(FX_EFORMAT, "%s: '%s' claims more elements than the file can hold: damaged",
                     c->path, c->variables[i].path);
    if (record[i]) {
      record_bytes += (bytes + 3) / 4 * 4;
      records_of++;
      if (p->own->variables[i].offset < first)
        first = p->own->variables[i].offset;
    }
  }
  for (int64_t i = 0; i < c->count; i++) {
    fx_variable *v = &c->variables[i];
    fx_plain_variable *q = &p->own->variables[i];
    if (record[i] && p->records == 0)
      continue;
    const int64_t bytes = bytes_of(c, v, q->element, record[i]);
    int64_t end = bytes;
    if (record[i]) {
      const int64_t stride = records_of == 1 ? bytes : record_bytes; /* a single one: no padding */
      v->shape[0] = p->records >= 0 ? p->records : (c->size - first) / (stride ? stride : 1);
      if (v->shape[0] > 0 && v->shape[0] - 1 > c->size / (stride ? stride : 1))
        end = INT64_MAX;
      else
        end = v->shape[0] ? (v->shape[0] - 1) * stride + bytes : 0;
      fx_plain_strides(v, q, false);
      q->stride[0] = stride;
    } else {
      fx_plain_strides(v, q, false);
    }
    if (v->number && (q->offset > c->size || end > c->size - q->offset))
      return fx_fail(FX_EFORMAT,
                     "%s: '%s' ends behind the file's %" PRId64 " bytes: the file is cut off or "
                     "damaged",
                     c->path, v->path, c->size);
  }
  return FX_OK;
}

static fx_status variables (nc_parser *p) {
  int64_t n;
  FX_TRY(list(p, TAG_VARIABLE, &n));
  bool *record = fx_calloc((size_t)n + 1, sizeof *record);
  if (!record)
    return FX_ENOMEM;
  fx_status st = FX_OK;
  for (int64_t i = 0; i < n && st == FX_OK; i++)
    st = variable(p, &record[i]);
  if (st == FX_OK)
    st = place(p, record);
  fx_free(record);
  return st;
}

static fx_status header (nc_parser *p) {
  p->version = p->bytes[3];
  p->at = 4;
  const int width = p->version == 5 ? 8 : 4;
  const unsigned char *r = p->bytes + 4;
  const bool streaming =
      p->n >= 4 + width && memcmp(r, "\377\377\377\377\377\377\377\377", (size_t)width) == 0;
  p->records = -1;
  if (streaming)
    p->at += width;
  else
    FX_TRY(count(p, &p->records));
  FX_TRY(dimensions(p));
  FX_TRY(attributes(p, &p->own->attributes));
  return variables(p);
}

fx_status fx_container_netcdf3 (fx_container *c) {
  nc_parser p = { .c = c };
  int64_t size;
  c->kind = "netCDF-3";
  FX_TRY(fx_plain_new(c, &p.own));
  FX_TRY(fx_file_open(c->path, &p.own->fd, &size));
  p.n = size < MOST_HEADER ? size : MOST_HEADER;
  if (!(p.bytes = fx_alloc((size_t)p.n + 1)))
    return FX_ENOMEM;
  fx_status st = fx_file_read_at(p.own->fd, c->path, 0, (size_t)p.n, p.bytes);
  if (st == FX_OK)
    st = header(&p);
  for (int64_t i = 0; i < p.dimension_count; i++)
    fx_free(p.dimensions[i].name);
  fx_free(p.dimensions);
  fx_free(p.bytes);
  return st;
}
