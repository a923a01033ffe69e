/*
** container.c - see container.h: what is the same for every format.
*/
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "io/container_parts.h"

/* --- lists ----------------------------------------------------------------------------------- */

fx_variable *fx_container_add (fx_container *c, const char *path) {
  if (FX_GROW(c->variables, c->count, c->room) != FX_OK)
    return NULL;
  char *copy = fx_strdup(path);
  if (!copy)
    return NULL;
  fx_variable *v = &c->variables[c->count++];
  *v = (fx_variable){ .path = copy };
  return v;
}

static fx_status add_text (fx_texts *texts, const char *text) {
  FX_TRY(FX_GROW(texts->list, texts->count, texts->room));
  char *copy = fx_strdup(text);
  if (!copy)
    return FX_ENOMEM;
  texts->list[texts->count++] = copy;
  return FX_OK;
}

static void clear_texts (fx_texts *texts) {
  for (int64_t i = 0; i < texts->count; i++)
    fx_free(texts->list[i]);
  fx_free(texts->list);
}

fx_status fx_container_add_group (fx_container *c, const char *path) {
  return add_text(&c->groups, path);
}

fx_status fx_container_add_note (fx_container *c, const char *sentence) {
  return add_text(&c->notes, sentence);
}

/* --- the end, and what there is -------------------------------------------------------------- */

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
  clear_texts(&c->groups);
  clear_texts(&c->notes);
  fx_free(c->variables);
  fx_free(c->slots);
  fx_free(c->path);
  pthread_mutex_destroy(&c->turn);
  fx_free(c);
}

const char *fx_container_kind (const fx_container *c) { return c->kind; }
const char *fx_container_path (const fx_container *c) { return c->path; }
int64_t fx_container_count (const fx_container *c) { return c->count; }
const fx_variable *fx_container_at (const fx_container *c, int64_t i) { return &c->variables[i]; }
int64_t fx_container_groups (const fx_container *c) { return c->groups.count; }
const char *fx_container_group (const fx_container *c, int64_t i) { return c->groups.list[i]; }
int64_t fx_container_notes (const fx_container *c) { return c->notes.count; }
const char *fx_container_note (const fx_container *c, int64_t i) { return c->notes.list[i]; }

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

/* a + b, b >= 0, as large as it can be told. */
static int64_t sum_told (int64_t a, int64_t b) { return a > INT64_MAX - b ? INT64_MAX : a + b; }

/* Entries are counted from 1 in what is said: most who read it write Lua. */
static fx_status no_entries (const char *path, const fx_variable *v, int a, int64_t start,
                             int64_t size) {
  if (size < 0)
    return fx_fail(FX_EARG, "%s: axis %d of '%s': %" PRId64 " entries cannot be read", path, a + 1,
                   v->path, size);
  const int64_t first = sum_told(start, 1), last = sum_told(start, size);
  if (size == 1)
    return fx_fail(FX_EARG,
                   "%s: axis %d of '%s' has %" PRId64 " entries; entry %" PRId64
                   " does not exist (counted from 1)",
                   path, a + 1, v->path, v->shape[a], first);
  return fx_fail(FX_EARG,
                 "%s: axis %d of '%s' has %" PRId64 " entries; entries %" PRId64 " to %" PRId64
                 " do not exist (counted from 1)",
                 path, a + 1, v->path, v->shape[a], first, last);
}

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
      return no_entries(c->path, v, a, start[a], sizes[a]);
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
