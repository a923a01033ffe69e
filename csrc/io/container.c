/*
** container.c - see container.h: what is the same for every format. Which format a file has is
** told by its first bytes, not by its name.
*/
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "io/container_parts.h"
#include "io/file.h"

/* --- lists ----------------------------------------------------------------------------------- */

/* `*list` with room for one more element; false without memory. */
static bool grow (void **list, int64_t count, int64_t *room, size_t size) {
  if (count < *room)
    return true;
  const int64_t more = *room ? 2 * *room : 16;
  void *bigger = fx_calloc((size_t)more, size);
  if (!bigger)
    return false;
  if (count)
    memcpy(bigger, *list, (size_t)count * size);
  fx_free(*list);
  *list = bigger;
  *room = more;
  return true;
}

fx_variable *fx_container_add (fx_container *c, const char *path) {
  void *list = c->variables;
  char *copy = fx_strdup(path);
  if (!copy || !grow(&list, c->count, &c->room, sizeof *c->variables)) {
    fx_free(copy);
    return NULL;
  }
  c->variables = list;
  fx_variable *v = &c->variables[c->count++];
  *v = (fx_variable){ .path = copy };
  return v;
}

/* One more text, copied. */
static fx_status add_text (char ***texts, int64_t *count, int64_t *room, const char *text) {
  void *list = *texts;
  char *copy = fx_strdup(text);
  if (!copy || !grow(&list, *count, room, sizeof **texts)) {
    fx_free(copy);
    return FX_ENOMEM;
  }
  *texts = list;
  (*texts)[(*count)++] = copy;
  return FX_OK;
}

fx_status fx_container_add_group (fx_container *c, const char *path) {
  return add_text(&c->group, &c->groups, &c->group_room, path);
}

fx_status fx_container_add_note (fx_container *c, const char *sentence) {
  return add_text(&c->note, &c->notes, &c->note_room, sentence);
}

/* The list has room for 16, 32, 64 ... and is full exactly at those counts. */
fx_attribute *fx_attributes_add (fx_attributes *a, const char *key) {
  const bool full = a->count == 0 || (a->count >= 16 && (a->count & (a->count - 1)) == 0);
  int64_t room = full ? a->count : a->count + 1;
  void *list = a->items;
  char *copy = fx_strdup(key);
  if (!copy || !grow(&list, a->count, &room, sizeof *a->items)) {
    fx_free(copy);
    return NULL;
  }
  a->items = list;
  a->items[a->count] = (fx_attribute){ .key = copy };
  return &a->items[a->count++];
}

void fx_attributes_clear (fx_attributes *a) {
  for (int64_t i = 0; i < a->count; i++) {
    fx_free(a->items[i].key);
    fx_free(a->items[i].numbers);
    fx_free(a->items[i].text);
  }
  fx_free(a->items);
  *a = (fx_attributes){ 0 };
}

void fx_attributes_free (fx_attributes *a) {
  if (!a)
    return;
  fx_attributes_clear(a);
  fx_free(a);
}

void fx_element_spelling (fx_element element, bool big, char text[16]) {
  static const char letter[FX_ELEMENT_COUNT] = { 'f', 'f', 'V', 'f', 'i', 'i', 'i',
                                                 'i', 'u', 'u', 'u', 'u', 'b' };
  const size_t size = fx_element_size(element);
  snprintf(text, 16, "%c%c%zu", size == 1 ? '|' : big ? '>' : '<', letter[element], size);
}

/* --- opening --------------------------------------------------------------------------------- */

/* HDF5 allows a user block before its signature, of 512 bytes times a power of two. */
static bool has_hdf5_signature (int fd, const char *path, int64_t size) {
  unsigned char bytes[8];
  for (int64_t at = 0; at + 8 <= size; at = at ? 2 * at : 512)
    if (fx_file_read_at(fd, path, at, 8, bytes) == FX_OK &&
        memcmp(bytes, "\211HDF\r\n\032\n", 8) == 0)
      return true;
  return false;
}

static fx_status recognise (fx_container *c) {
  int fd;
  unsigned char first[8] = { 0 };
  FX_TRY(fx_file_open(c->path, &fd, &c->size));
  fx_status st = fx_file_read_at(fd, c->path, 0, c->size < 8 ? (size_t)c->size : 8, first);
  const bool hdf5 = st == FX_OK && has_hdf5_signature(fd, c->path, c->size);
  close(fd);
  FX_TRY(st);
  if (hdf5)
    return fx_container_hdf5(c);
  if (first[0] == 'C' && first[1] == 'D' && first[2] == 'F' &&
      (first[3] == 1 || first[3] == 2 || first[3] == 5))
    return fx_container_netcdf3(c);
  if (memcmp(first, "\223NUMPY", 6) == 0)
    return fx_container_npy(c);
  if (memcmp(first, "PK", 2) == 0)
    return fx_container_npz(c);
  return fx_fail(FX_EFORMAT,
                 "%s is not HDF5, netCDF, .npy or .npz: it is something else, or its beginning is "
                 "damaged",
                 c->path);
}

fx_status fx_container_open (const char *path, fx_container **out) {
  fx_container *c = fx_calloc(1, sizeof *c);
  if (!c)
    return FX_ENOMEM;
  pthread_mutex_init(&c->turn, NULL);
  fx_status st = (c->path = fx_strdup(path)) ? recognise(c) : FX_ENOMEM;
  if (st == FX_OK)
    st = fx_container_index(c);
  if (st == FX_OK)
    *out = c;
  else
    fx_container_close(c);
  return st;
}

void fx_container_close (fx_container *c) {
  if (!c)
    return;
  if (c->own)
    c->format->close(c);
  for (int64_t i = 0; i < c->count; i++) {
    fx_free(c->variables[i].path);
    fx_free(c->variables[i].axes);
    fx_free(c->variables[i].stored_as);
    fx_free(c->variables[i].target);
    fx_packing_end(&c->variables[i].packing);
  }
  for (int64_t i = 0; i < c->groups; i++)
    fx_free(c->group[i]);
  for (int64_t i = 0; i < c->notes; i++)
    fx_free(c->note[i]);
  fx_free(c->note);
  fx_free(c->variables);
  fx_free(c->slots);
  fx_free(c->group);
  fx_free(c->path);
  pthread_mutex_destroy(&c->turn);
  fx_free(c);
}

const char *fx_container_kind (const fx_container *c) { return c->kind; }
const char *fx_container_path (const fx_container *c) { return c->path; }
int64_t fx_container_count (const fx_container *c) { return c->count; }
const fx_variable *fx_container_at (const fx_container *c, int64_t i) { return &c->variables[i]; }
int64_t fx_container_groups (const fx_container *c) { return c->groups; }
const char *fx_container_group (const fx_container *c, int64_t i) { return c->group[i]; }
int64_t fx_container_notes (const fx_container *c) { return c->notes; }
const char *fx_container_note (const fx_container *c, int64_t i) { return c->note[i]; }

static uint64_t hash_of (const char *path) { return fx_hash(FX_HASH_START, path, strlen(path)); }

/* A table of all paths, at most half full: places in the list, or -1. Of equal paths it has the first. */
fx_status fx_container_index (fx_container *c) {
  int64_t size = 16;
  while (size < 2 * c->count)
    size *= 2;
  int64_t *slots = fx_calloc((size_t)size, sizeof *slots);
  if (!slots)
    return FX_ENOMEM;
  for (int64_t s = 0; s < size; s++)
    slots[s] = -1;
  for (int64_t i = 0; i < c->count; i++) {
    int64_t s = (int64_t)hash_of(c->variables[i].path) & (size - 1);
    while (slots[s] >= 0 && strcmp(c->variables[slots[s]].path, c->variables[i].path) != 0)
      s = (s + 1) & (size - 1);
    if (slots[s] < 0)
      slots[s] = i;
  }
  fx_free(c->slots);
  c->slots = slots;
  c->slot_count = size;
  c->indexed = c->count;
  return FX_OK;
}

int64_t fx_container_find (const fx_container *c, const char *path) {
  while (*path == '/')
    path++;
  if (c->indexed != c->count) { /* while it is being opened */
    for (int64_t i = 0; i < c->count; i++)
      if (strcmp(c->variables[i].path, path) == 0)
        return i;
    return -1;
  }
  int64_t s = c->count ? (int64_t)hash_of(path) & (c->slot_count - 1) : -1;
  while (s >= 0 && c->slots[s] >= 0 && strcmp(c->variables[c->slots[s]].path, path) != 0)
    s = (s + 1) & (c->slot_count - 1);
  return s < 0 ? -1 : c->slots[s];
}

fx_status fx_container_attributes (fx_container *c, const char *path, fx_attributes **out) {
  fx_attributes *a = fx_calloc(1, sizeof *a);
  if (!a)
    return FX_ENOMEM;
  pthread_mutex_lock(&c->turn);
  const fx_status st = c->format->attributes(c, path, a);
  pthread_mutex_unlock(&c->turn);
  if (st == FX_OK)
    *out = a;
  else
    fx_attributes_free(a);
  return st;
}

/* --- reading --------------------------------------------------------------------------------- */

static fx_status check_box (const fx_container *c, const fx_variable *v, const int64_t *start,
                            const int64_t *count, int64_t *sizes) {
  if (!v->number)
    return fx_fail(FX_EFORMAT, "%s: '%s' does not hold numbers but %s", c->path, v->path, v->dtype);
  if (v->packing.refused[0])
    return fx_fail(FX_EFORMAT, "%s: '%s' cannot be unpacked: its attribute %s is not one number",
                   c->path, v->path, v->packing.refused);
  for (int a = 0; a < v->rank; a++)
    if (v->shape[a] == 0)
      return fx_fail(FX_EFORMAT, "%s: '%s' holds no elements: axis %d has 0 entries", c->path,
                     v->path, a + 1);
  for (int a = 0; a < v->rank; a++) {
    sizes[a] = count[a] ? count[a] : 1;
    if (start[a] < 0 || sizes[a] < 0 || sizes[a] > v->shape[a] || start[a] > v->shape[a] - sizes[a])
      return fx_fail(FX_EARG,
                     "%s: axis %d of '%s' has %" PRId64 " entries; %" PRId64 " from %" PRId64
                     " (counted from 0) do not exist",
                     c->path, a + 1, v->path, v->shape[a], sizes[a], start[a]);
  }
  return FX_OK;
}

static fx_status read_stored (fx_container *c, int64_t i, const int64_t *start,
                              const int64_t *sizes, bool wide, void *to) {
  pthread_mutex_lock(&c->turn);
  const fx_status st = c->format->read(c, i, start, sizes, wide, to);
  pthread_mutex_unlock(&c->turn);
  return st;
}

/* Whether f32 holds every stored number, so that those that are missing can be told in it. */
static bool exact_in_f32 (const fx_variable *v) {
  const char *type = v->dtype + 1;
  return strcmp(type, "f4") == 0 || strcmp(type, "i1") == 0 || strcmp(type, "u1") == 0 ||
         strcmp(type, "i2") == 0 || strcmp(type, "u2") == 0;
}

static fx_status read_packed_f32 (fx_container *c, int64_t i, const int64_t *start,
                                  const int64_t *sizes, fx_tensor *t) {
  const fx_packing *p = &c->variables[i].packing;
  const int64_t n = fx_tensor_count(t);
  float *x = fx_f32(t);
  FX_TRY(read_stored(c, i, start, sizes, false, x));
  for (int64_t k = 0; k < n; k++)
    x[k] = (float)fx_packing_value(p, (double)x[k]);
  return FX_OK;
}

/* As doubles, unpacked there, and then narrowed. */
static fx_status read_packed (fx_container *c, int64_t i, const int64_t *start,
                              const int64_t *sizes, fx_tensor *t) {
  const fx_packing *p = &c->variables[i].packing;
  const int64_t n = fx_tensor_count(t);
  if (t->dtype != FX_F64 && exact_in_f32(&c->variables[i]))
    return read_packed_f32(c, i, start, sizes, t);
  double *stored = t->dtype == FX_F64 ? fx_f64(t) : fx_calloc((size_t)n, sizeof *stored);
  if (!stored)
    return FX_ENOMEM;
  const fx_status st = read_stored(c, i, start, sizes, true, stored);
  for (int64_t k = 0; k < n && st == FX_OK; k++) {
    const double x = fx_packing_value(p, stored[k]);
    if (t->dtype == FX_F64)
      stored[k] = x;
    else
      fx_f32(t)[k] = (float)x;
  }
  if (t->dtype != FX_F64)
    fx_free(stored);
  return st;
}

fx_status fx_container_read (fx_container *c, int64_t i, const int64_t *start, const int64_t *count,
                             fx_dtype dtype, fx_tensor **out) {
  const fx_variable *v = &c->variables[i];
  int64_t sizes[FX_CONTAINER_AXES] = { 0 }, shape[FX_CONTAINER_AXES];
  int rank = 0;
  FX_TRY(check_box(c, v, start, count, sizes));
  for (int a = 0; a < v->rank; a++)
    if (count[a])
      shape[rank++] = count[a];
  if (rank > FX_MAX_DIMS)
    return fx_fail(FX_ESHAPE,
                   "%s: '%s' has %d axes; tensors have at most %d: take some at one index", c->path,
                   v->path, rank, FX_MAX_DIMS);
  fx_tensor *t;
  FX_TRY(fx_tensor_new(dtype, rank, shape, &t));
  const fx_status st = fx_tensor_count(t) == 0 ? FX_OK
                       : fx_packing_plain(&v->packing)
                           ? read_stored(c, i, start, sizes, dtype == FX_F64, t->data)
                           : read_packed(c, i, start, sizes, t);
  if (st == FX_OK)
    *out = t;
  else
    fx_tensor_release(t);
  return st;
}

fx_status fx_container_check (fx_container *c, int64_t i) {
  if (!c->format->check)
    return FX_OK;
  pthread_mutex_lock(&c->turn);
  const fx_status st = c->format->check(c, i);
  pthread_mutex_unlock(&c->turn);
  return st;
}

fx_status fx_container_expect (fx_container *c, int64_t i, const int64_t *count) {
  fx_variable *v = &c->variables[i];
  for (int a = 0; a < v->rank; a++)
    if (count[a] < 1)
      return fx_fail(FX_EARG, "%s: a visit of '%s' is at least 1 along axis %d, not %" PRId64,
                     c->path, v->path, a + 1, count[a]);
  pthread_mutex_lock(&c->turn);
  for (int a = 0; a < v->rank; a++)
    v->visit[a] = count[a] < v->shape[a] ? count[a] : v->shape[a];
  if (c->format->expect)
    c->format->expect(c, i);
  pthread_mutex_unlock(&c->turn);
  return FX_OK;
}

/* --- statistics ------------------------------------------------------------------------------ */

/* Adds a block's numbers: two passes over the block, then Chan's merge of means and squares. */
static void add_block (const double *x, int64_t n, fx_statistics *s, double *squares) {
  double mean = 0.0, own = 0.0;
  int64_t finite = 0;
  for (int64_t i = 0; i < n; i++) {
    if (isnan(x[i])) {
      s->nan++;
    } else if (isinf(x[i])) {
      s->infinite++;
    } else {
      mean += x[i];
      finite++;
      s->min = x[i] < s->min ? x[i] : s->min;
      s->max = x[i] > s->max ? x[i] : s->max;
    }
  }
  if (finite == 0)
    return;
  mean /= (double)finite;
  for (int64_t i = 0; i < n; i++)
    if (isfinite(x[i]))
      own += (x[i] - mean) * (x[i] - mean);
  const double total = (double)(s->count + finite), gap = mean - s->mean;
  *squares += own + gap * gap * (double)s->count * (double)finite / total;
  s->mean += gap * (double)finite / total;
  s->count += finite;
}

/* Blocks are whole along the last axes, `step` long along `axis`, single before. */
static void choose_blocks (const fx_variable *v, int *axis, int64_t *step) {
  const double most = 32 << 20;
  double below = sizeof(double);
  int a = v->rank - 1;
  while (a > 0 && below * (double)v->shape[a] <= most)
    below *= (double)v->shape[a--];
  *axis = a;
  *step = 1;
  if (a < 0)
    return;
  *step = below > most ? 1 : (int64_t)(most / below);
  const int64_t chunk = v->chunk[0] ? v->chunk[a] : 1;
  if (chunk > 1 && below * (double)chunk <= 8 * most)
    *step = (*step + chunk - 1) / chunk * chunk; /* no chunk is unpacked twice */
  if (*step > v->shape[a])
    *step = v->shape[a];
}

/* The next block's start, or false. */
static bool advance (const fx_variable *v, int axis, int64_t step, int64_t *start) {
  for (int a = axis; a >= 0; a--) {
    start[a] += a == axis ? step : 1;
    if (start[a] < v->shape[a])
      return true;
    start[a] = 0;
  }
  return false;
}

fx_status fx_container_statistics (fx_container *c, int64_t i, fx_statistics *out) {
  const fx_variable *v = &c->variables[i];
  fx_statistics s = { .min = INFINITY, .max = -INFINITY };
  int64_t start[FX_CONTAINER_AXES] = { 0 }, count[FX_CONTAINER_AXES], n = 1, step;
  double squares = 0.0;
  int axis;
  if (!v->number)
    return fx_fail(FX_EFORMAT, "%s: '%s' does not hold numbers but %s", c->path, v->path, v->dtype);
  for (int a = 0; a < v->rank; a++)
    n = v->shape[a] ? n : 0;
  choose_blocks(v, &axis, &step);
  bool more = n > 0;
  while (more) {
    fx_tensor *t;
    for (int a = 0; a < v->rank; a++) {
      const int64_t left = v->shape[a] - start[a];
      count[a] = a < axis ? 0 : a > axis ? v->shape[a] : step < left ? step : left;
    }
    if (fx_interrupted())
      return fx_fail(FX_EINTR, "interrupted!");
    FX_TRY(fx_container_read(c, i, start, count, FX_F64, &t));
    add_block(fx_f64(t), fx_tensor_count(t), &s, &squares);
    fx_tensor_release(t);
    more = advance(v, axis, step, start);
  }
  s.std = s.count ? sqrt(squares / (double)s.count) : NAN;
  if (s.count == 0)
    s.mean = s.min = s.max = NAN;
  *out = s;
  return FX_OK;
}
