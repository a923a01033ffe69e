/*
** safetensors.c - the safetensors format, both ways.   [github.com/huggingface/safetensors, Format]
**
**   u64 N little-endian | N bytes of JSON | data
**   JSON: { "name": { "dtype": "F32", "shape": [2,3], "data_offsets": [begin, end] }, ...,
**           "__metadata__": { "key": "text" } }      offsets count from the end of the header
**
** The header may be padded with spaces at its end. Data is row-major and little-endian and covers
** the rest of the file exactly: no hole, no overlap, nothing behind. A name occurs once. Sizes are
** exact in cJSON's doubles up to 2^53, and no file is larger.
**
** Written files list tensors in the archive's order, but lay data out by decreasing element size,
** so that everything is aligned for those who map the file.
*/
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "base/alloc.h"
#include "io/archive.h"
#include "io/element.h"
#include "io/file.h"
#include "io/json_check.h"

enum {
  MAX_HEADER = 32 << 20, /* the format allows 100 MB; 10^5 tensors take 10 MB, and JSON swells */
  CHUNK = 1 << 16        /* elements converted at a time */
};

typedef struct {
  const char *name; /* borrowed from the JSON */
  fx_element element;
  int ndim;
  int64_t shape[FX_MAX_DIMS];
  int64_t begin, end;
} entry;

typedef struct {
  const char *path;
  int fd;
  int64_t file_size, data_start, data_size;
  cJSON *json;
  entry *entries;
  int64_t count;
} reader;

/* --- the header ------------------------------------------------------------------------------ */

/* cJSON ends strings at a zero byte, so two different keys could look alike: refuse both forms. */
static fx_status refuse_zeros (const char *text, size_t n) {
  if (memchr(text, 0, n) || strstr(text, "\\u0000"))
    return fx_fail(FX_EFORMAT, "the header contains a zero character");
  return FX_OK;
}

static fx_status read_header (reader *r) {
  unsigned char head[8];
  uint64_t n = 0;
  if (r->file_size < 10)
    return fx_fail(FX_EFORMAT, "a safetensors file has at least 10 bytes, this one %" PRId64,
                   r->file_size);
  FX_TRY(fx_file_read_at(r->fd, r->path, 0, 8, head));
  for (int i = 0; i < 8; i++)
    n |= (uint64_t)head[i] << (8 * i);
  if (n > (uint64_t)(r->file_size - 8))
    return fx_fail(FX_EFORMAT,
                   "the header claims %" PRIu64 " bytes, but the file has %" PRId64 ": "
                   "it is cut off, or not safetensors",
                   n, r->file_size);
  if (n > MAX_HEADER)
    return fx_fail(FX_EFORMAT, "the header has %" PRIu64 " bytes; at most %d are read", n,
                   MAX_HEADER);
  r->data_start = 8 + (int64_t)n;
  r->data_size = r->file_size - r->data_start;
  char *text = fx_alloc((size_t)n + 1);
  if (!text)
    return FX_ENOMEM;
  text[n] = '\0';
  fx_status st;
  FX_GOTO(fx_file_read_at(r->fd, r->path, 8, (size_t)n, text));
  FX_GOTO(refuse_zeros(text, (size_t)n));
  const char *wrong = NULL;
  const size_t at = fx_json_check(text, (size_t)n, &wrong);
  if (wrong || text[0] != '{')
    FX_GOTO(fx_fail(FX_EFORMAT, "the header is not JSON (at byte %zu: %s)", at + 8,
                    wrong ? wrong : "no object"));
  r->json = cJSON_ParseWithLength(text, (size_t)n + 1);
  if (!cJSON_IsObject(r->json))
    st = fx_fail(FX_EFORMAT, "the header is not JSON that can be read here");
done:
  fx_free(text);
  return st;
}

/* A JSON number that is an integer in [0, 2^53]. */
static bool read_size (const cJSON *json, int64_t *value) {
  if (!cJSON_IsNumber(json) || !(json->valuedouble >= 0.0 && json->valuedouble <= 0x1p53) ||
      json->valuedouble != floor(json->valuedouble))
    return false;
  *value = (int64_t)json->valuedouble;
  return true;
}

/* Array of integers into sizes[0..most-1]; returns the length, or -1. */
static int64_t read_sizes (const cJSON *json, int64_t *sizes, int64_t most) {
  int64_t n = 0;
  if (!cJSON_IsArray(json))
    return -1;
  for (const cJSON *at = json->child; at; at = at->next, n++) {
    int64_t value;
    if (!read_size(at, &value))
      return -1;
    if (n < most)
      sizes[n] = value;
  }
  return n;
}

static fx_status read_dtype (const cJSON *json, entry *e) {
  const char *name = cJSON_GetStringValue(json);
  for (int i = 0; name && i < FX_ELEMENT_COUNT; i++)
    if (strcmp(name, fx_element_name((fx_element)i)) == 0) {
      e->element = (fx_element)i;
      return FX_OK;
    }
  return fx_fail(FX_EFORMAT,
                 "tensor '%.200s' has dtype %.40s, which is not read here (F32 F64 F16 "
                 "BF16, integers and BOOL are)",
                 e->name, name ? name : "missing");
}

/* One member of the header: exactly dtype, shape and data_offsets, each once. */
static fx_status read_entry (const reader *r, const cJSON *json, entry *e) {
  const cJSON *dtype = NULL, *shape = NULL, *offsets = NULL;
  int64_t range[2], count;
  char what[256];
  int members = 0;
  e->name = json->string;
  for (const cJSON *at = json->child; cJSON_IsObject(json) && at; at = at->next, members++) {
    if (strcmp(at->string, "dtype") == 0)
      dtype = at;
    else if (strcmp(at->string, "shape") == 0)
      shape = at;
    else if (strcmp(at->string, "data_offsets") == 0)
      offsets = at;
  }
  if (members != 3 || !dtype || !shape || !offsets)
    return fx_fail(FX_EFORMAT, "the entry of tensor '%.200s' is not {dtype, shape, data_offsets}",
                   e->name);
  FX_TRY(read_dtype(dtype, e));
  const int64_t ndim = read_sizes(shape, e->shape, FX_MAX_DIMS);
  if (ndim < 0 || read_sizes(offsets, range, 2) != 2 || range[0] > range[1])
    return fx_fail(FX_EFORMAT, "tensor '%.200s' has sizes or offsets that are not integers >= 0",
                   e->name);
  snprintf(what, sizeof what, "tensor '%.200s'", e->name);
  if (fx_element_count(e->element, ndim, e->shape, r->data_size, what, &count) != FX_OK)
    return fx_fail(FX_EFORMAT, "%s", fx_errmsg());
  e->ndim = (int)ndim;
  e->begin = range[0];
  e->end = range[1];
  if (e->end - e->begin != count * (int64_t)fx_element_size(e->element))
    return fx_fail(FX_EFORMAT,
                   "tensor '%.200s' has %" PRId64 " bytes, but its shape and dtype "
                   "make %" PRId64,
                   e->name, e->end - e->begin, count * (int64_t)fx_element_size(e->element));
  return FX_OK;
}

static fx_status read_metadata (const cJSON *json, fx_archive *a) {
  if (!cJSON_IsObject(json))
    return fx_fail(FX_EFORMAT, "__metadata__ is not an object");
  for (const cJSON *at = json->child; at; at = at->next) {
    if (!cJSON_IsString(at))
      return fx_fail(FX_EFORMAT, "__metadata__ '%.200s' is not a text", at->string);
    if (fx_archive_text(a, at->string))
      return fx_fail(FX_EFORMAT, "__metadata__ '%.200s' occurs twice", at->string);
    FX_TRY(fx_archive_set_text(a, at->string, at->valuestring));
  }
  return FX_OK;
}

static fx_status read_entries (reader *r, fx_archive *a) {
  int64_t members = 0;
  const cJSON *metadata = NULL;
  for (const cJSON *at = r->json->child; at; at = at->next)
    members++;
  if (!(r->entries = fx_calloc((size_t)members, sizeof *r->entries)))
    return FX_ENOMEM;
  for (const cJSON *at = r->json->child; at; at = at->next) {
    if (strcmp(at->string, "__metadata__") != 0)
      FX_TRY(read_entry(r, at, &r->entries[r->count++]));
    else if (metadata)
      return fx_fail(FX_EFORMAT, "__metadata__ occurs twice");
    else
      FX_TRY(read_metadata(metadata = at, a));
  }
  return FX_OK;
}

static int by_begin (const void *a, const void *b) {
  const entry *x = *(entry *const *)a, *y = *(entry *const *)b;
  return x->begin != y->begin ? (x->begin > y->begin) - (x->begin < y->begin)
                              : (x->end > y->end) - (x->end < y->end);
}

/* The ranges, put in order, must cover the data from its first byte to its last. */
static fx_status check_cover (const reader *r) {
  int64_t at = 0;
  fx_status st = FX_OK;
  entry **sorted = fx_alloc((size_t)r->count * sizeof *sorted);
  if (!sorted)
    return FX_ENOMEM;
  for (int64_t i = 0; i < r->count; i++)
    sorted[i] = &r->entries[i];
  qsort(sorted, (size_t)r->count, sizeof *sorted, by_begin);
  for (int64_t i = 0; i < r->count && st == FX_OK; i++) {
    if (sorted[i]->begin != at)
      st = fx_fail(FX_EFORMAT,
                   "tensor '%.200s' begins at byte %" PRId64 " of the data, where %" PRId64
                   " was expected: the file has %s",
                   sorted[i]->name, sorted[i]->begin, at,
                   sorted[i]->begin < at ? "overlapping tensors" : "a hole");
    at = sorted[i]->end;
  }
  if (st == FX_OK && at != r->data_size)
    st = fx_fail(FX_EFORMAT,
                 "the tensors take %" PRId64 " bytes, but %" PRId64 " follow the "
                 "header: %s",
                 at, r->data_size,
                 at > r->data_size ? "it is cut off; copy it again" : "something was appended");
  fx_free(sorted);
  return st;
}

/* --- the data -------------------------------------------------------------------------------- */

static fx_status read_data (const reader *r, const entry *e, fx_tensor *t) {
  const int64_t size = (int64_t)fx_element_size(e->element), count = fx_tensor_count(t);
  const int64_t start = r->data_start + e->begin;
  if (e->element <= FX_ELEMENT_F16)
    return fx_file_read_at(r->fd, r->path, start, (size_t)(count * size), t->data);
  char *bytes = fx_alloc((size_t)CHUNK * 8);
  if (!bytes)
    return FX_ENOMEM;
  fx_status st = FX_OK;
  for (int64_t i = 0; i < count && st == FX_OK; i += CHUNK) {
    const int64_t n = count - i < CHUNK ? count - i : CHUNK;
    st = fx_file_read_at(r->fd, r->path, start + i * size, (size_t)(n * size), bytes);
    if (st == FX_OK)
      fx_element_store(e->element, bytes, n, t, i);
  }
  fx_free(bytes);
  return st;
}

static fx_status load_entry (const reader *r, const entry *e, fx_archive *a) {
  fx_tensor *t;
  FX_TRY(fx_tensor_new(fx_element_dtype(e->element), e->ndim, e->shape, &t));
  fx_status st = read_data(r, e, t);
  if (st == FX_OK)
    st = fx_archive_add(a, e->name, t); /* refuses a name that occurs twice */
  fx_tensor_release(t);
  return st;
}

static fx_status load_all (reader *r, fx_archive *a) {
  FX_TRY(read_header(r));
  FX_TRY(read_entries(r, a));
  FX_TRY(check_cover(r));
  for (int64_t i = 0; i < r->count; i++)
    FX_TRY(load_entry(r, &r->entries[i], a));
  return FX_OK;
}

fx_status fx_safetensors_load (const char *path, fx_archive **out) {
  reader r = { .path = path };
  fx_archive *a;
  FX_TRY(fx_archive_new(&a));
  fx_status st = fx_file_open(path, &r.fd, &r.file_size);
  if (st == FX_OK) {
    st = load_all(&r, a);
    st = st == FX_EARG ? FX_EFORMAT : st; /* a name used twice is the file's fault here */
    if (st == FX_EFORMAT)
      fx_fail_in(st, "%s", path);
    cJSON_Delete(r.json);
    fx_free(r.entries);
    close(r.fd);
  }
  if (st == FX_OK)
    *out = a;
  else
    fx_archive_free(a);
  return st;
}

/* --- writing --------------------------------------------------------------------------------- */

static const char *dtype_name (fx_dtype dtype) { return fx_element_name((fx_element)dtype); }

static int64_t bytes_of (const fx_tensor *t) {
  return fx_tensor_count(t) * (int64_t)fx_dtype_size(t->dtype);
}

/* Calls act for every tensor in the order their data is laid out: 8-byte elements, then 4, 2. */
typedef fx_status (*layout_visit)(void *context, int64_t i, const fx_tensor *t);
static fx_status each_in_layout (const fx_archive *a, layout_visit act, void *context) {
  for (size_t size = 8; size >= 2; size /= 2)
    for (int64_t i = 0; i < fx_archive_count(a); i++) {
      const fx_tensor *t = fx_archive_tensor(a, i);
      if (fx_dtype_size(t->dtype) == size)
        FX_TRY(act(context, i, t));
    }
  return FX_OK;
}

typedef struct {
  int64_t *begin, next;
} layout;

static fx_status place (void *context, int64_t i, const fx_tensor *t) {
  layout *l = context;
  l->begin[i] = l->next;
  l->next += bytes_of(t);
  return FX_OK;
}

static cJSON *numbers (const int64_t *values, int n) {
  cJSON *array = cJSON_CreateArray();
  for (int i = 0; i < n; i++)
    if (!cJSON_AddItemToArray(array, cJSON_CreateNumber((double)values[i])))
      break;
  return array;
}

/* cJSON's functions fail (return NULL or 0) on a NULL argument, so one test at the end is enough:
** a tree that lost a member has fewer of them. */
static bool add_member (cJSON *root, const char *name, const fx_tensor *t, int64_t begin) {
  const int64_t range[2] = { begin, begin + bytes_of(t) };
  cJSON *e = cJSON_AddObjectToObject(root, name);
  return cJSON_AddStringToObject(e, "dtype", dtype_name(t->dtype)) &&
         cJSON_AddItemToObject(e, "shape", numbers(t->shape, t->ndim)) &&
         cJSON_AddItemToObject(e, "data_offsets", numbers(range, 2));
}

static char *make_header (const fx_archive *a, const int64_t *begin) {
  cJSON *root = cJSON_CreateObject();
  bool good = root != NULL;
  if (fx_archive_text_count(a) > 0) {
    cJSON *metadata = cJSON_AddObjectToObject(root, "__metadata__");
    for (int64_t i = 0; good && i < fx_archive_text_count(a); i++)
      good = cJSON_AddStringToObject(metadata, fx_archive_text_key(a, i),
                                     fx_archive_text_value(a, i)) != NULL;
  }
  for (int64_t i = 0; good && i < fx_archive_count(a); i++)
    good = add_member(root, fx_archive_name(a, i), fx_archive_tensor(a, i), begin[i]);
  char *text = good ? cJSON_PrintUnformatted(root) : NULL;
  cJSON_Delete(root);
  if (!text)
    fx_fail(FX_ENOMEM, "cannot allocate the header of a safetensors file");
  return text;
}

typedef struct {
  int fd;
  const char *path;
} sink;

static fx_status put_tensor (void *context, int64_t i, const fx_tensor *t) {
  (void)i;
  const sink *s = context;
  return fx_file_put(s->fd, s->path, t->data, (size_t)bytes_of(t));
}

static fx_status put_all (sink *s, const fx_archive *a, const char *header) {
  const size_t n = strlen(header), padded = (n + 7) / 8 * 8;
  unsigned char length[8];
  for (int i = 0; i < 8; i++)
    length[i] = (unsigned char)((uint64_t)padded >> (8 * i));
  FX_TRY(fx_file_put(s->fd, s->path, length, 8));
  FX_TRY(fx_file_put(s->fd, s->path, header, n));
  FX_TRY(fx_file_put(s->fd, s->path, "        ", padded - n));
  return each_in_layout(a, put_tensor, s);
}

static fx_status write_file (const char *path, const fx_archive *a, const char *header) {
  char temporary[FX_PATH_SIZE];
  sink s = { .path = temporary };
  FX_TRY(fx_file_temporary(path, temporary));
  FX_TRY(fx_file_create(temporary, &s.fd));
  fx_status st = put_all(&s, a, header);
  if (close(s.fd) != 0 && st == FX_OK)
    st = fx_fail(FX_EIO, "cannot write %s: the system failed while closing it", path);
  if (st == FX_OK)
    return fx_file_commit(temporary, path);
  unlink(temporary);
  return st;
}

fx_status fx_safetensors_save (const char *path, const fx_archive *a) {
  layout l = { 0 };
  if (fx_archive_find(a, "__metadata__"))
    return fx_fail(FX_EARG, "%s: a tensor cannot be called __metadata__", path);
  if (!(l.begin = fx_calloc((size_t)fx_archive_count(a), sizeof *l.begin)))
    return FX_ENOMEM;
  fx_status st = each_in_layout(a, place, &l);
  char *header = st == FX_OK ? make_header(a, l.begin) : NULL;
  if (st == FX_OK)
    st = header ? write_file(path, a, header) : FX_ENOMEM;
  cJSON_free(header);
  fx_free(l.begin);
  return st;
}
