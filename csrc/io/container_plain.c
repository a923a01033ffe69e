/*
** container_plain.c - arrays that lie in a file as they are: one number after the other, in either
** byte order, row-major, column-major, or (netCDF-3 records) with gaps. Used by netcdf3.c and npy.c.
**
** A box is read in runs along the axis whose neighbours are neighbours in the file, so only what is
** asked is read, but for the gaps inside a run's own bytes there are none.
*/
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "io/container_parts.h"
#include "io/file.h"
#include "io/zip_stream.h"

enum { RUN_BYTES = 1 << 16 };

fx_status fx_plain_add (fx_container *c, const char *path, fx_variable **v, fx_plain_variable **p) {
  fx_plain *own = c->own;
  FX_TRY(FX_GROW(own->variables, own->count, own->room));
  if (!(*v = fx_container_add(c, path)))
    return FX_ENOMEM;
  *p = &own->variables[own->count++];
  **p = (fx_plain_variable){ 0 };
  return FX_OK;
}

/* Of an array without elements, whose sizes may be anything, the strides are 0: nothing is read by them. Else the
** sizes fit in the file, but for netCDF's number of records, the first axis, which no stride is made of. */
void fx_plain_strides (const fx_variable *v, fx_plain_variable *p, bool fortran) {
  int64_t stride = (int64_t)fx_element_size(p->element);
  bool empty = false;
  for (int a = 0; a < v->rank; a++)
    empty |= v->shape[a] == 0;
  for (int k = 0; k < v->rank; k++) {
    const int a = fortran ? k : v->rank - 1 - k;
    p->stride[a] = empty ? 0 : stride;
    if (k + 1 < v->rank && !empty)
      stride *= v->shape[a];
  }
}

/* --- reading --------------------------------------------------------------------------------- */

static fx_status read_bytes (fx_container *c, fx_plain_variable *p, int64_t offset, int64_t n,
                             void *to) {
  const fx_plain *own = c->own;
  if (!p->entry)
    return fx_file_read_at(own->fd, c->path, offset, (size_t)n, to);
  fx_status st = FX_OK;
  if (!p->stream) {
    st = fx_zip_stream_open(own->zip, p->entry, &p->stream);
    if (st == FX_OK && (st = fx_zip_stream_verify(p->stream)) != FX_OK) {
      fx_zip_stream_close(p->stream);
      p->stream = NULL;
    }
  }
  if (st == FX_OK)
    st = fx_zip_stream_read(p->stream, offset, n, to);
  return st == FX_OK ? FX_OK : fx_fail_in(st, "%s", c->path);
}

static void swap_bytes (unsigned char *p, int64_t n, size_t size) {
  for (int64_t i = 0; i < n; i++, p += size)
    for (size_t k = 0; k < size / 2; k++) {
      const unsigned char t = p[k];
      p[k] = p[size - 1 - k];
      p[size - 1 - k] = t;
    }
}

typedef struct {
  fx_plain_variable *p;
  bool wide;
  void *to;
  int64_t step;       /* elements between a run's numbers in `to` */
  fx_tensor *numbers; /* of one run, in the element's own dtype */
  unsigned char raw[RUN_BYTES];
} run_reader;

/* n numbers that follow each other from byte `offset` -> to[at], to[at + step] ... */
static fx_status read_run (fx_container *c, run_reader *r, int64_t offset, int64_t n, int64_t at) {
  const size_t size = fx_element_size(r->p->element);
  const int64_t most = RUN_BYTES / (int64_t)size;
  for (int64_t done = 0; done < n;) {
    const int64_t part = n - done < most ? n - done : most;
    FX_TRY(read_bytes(c, r->p, offset + done * (int64_t)size, part * (int64_t)size, r->raw));
    if (r->p->big)
      swap_bytes(r->raw, part, size);
    fx_element_store(r->p->element, r->raw, part, r->numbers, 0);
    for (int64_t i = 0; i < part; i++) {
      const double x = fx_tensor_get(r->numbers, i);
      const int64_t k = at + (done + i) * r->step;
      if (r->wide)
        ((double *)r->to)[k] = x;
      else
        ((float *)r->to)[k] = (float)x;
    }
    done += part;
  }
  return FX_OK;
}

/* The axis along which neighbours lie side by side; 0 if there is none (one record axis). */
static int run_axis (const fx_variable *v, const fx_plain_variable *p) {
  for (int a = v->rank - 1; a >= 0; a--)
    if (p->stride[a] == (int64_t)fx_element_size(p->element))
      return a;
  return -1;
}

/* The axes, those with the longest strides first, so that bytes are asked for in their order in the file. */
static void order_axes (const fx_variable *v, const fx_plain_variable *p, int *order) {
  for (int a = 0; a < v->rank; a++) {
    int k = a;
    for (; k > 0 && p->stride[order[k - 1]] < p->stride[a]; k--)
      order[k] = order[k - 1];
    order[k] = a;
  }
}

static fx_status read_box (fx_container *c, const fx_variable *v, run_reader *r,
                           const int64_t *start, const int64_t *count) {
  const fx_plain_variable *p = r->p;
  int64_t index[FX_CONTAINER_AXES] = { 0 }, step[FX_CONTAINER_AXES] = { 0 };
  int order[FX_CONTAINER_AXES];
  int64_t below = 1;
  const int along = run_axis(v, p);
  order_axes(v, p, order);
  for (int a = v->rank - 1; a >= 0; a--) {
    step[a] = below;
    below *= count[a];
  }
  r->step = along >= 0 ? step[along] : 1;
  for (;;) {
    int64_t offset = p->offset, at = 0;
    for (int a = 0; a < v->rank; a++) {
      offset += (start[a] + index[a]) * p->stride[a];
      at += index[a] * step[a];
    }
    FX_TRY(read_run(c, r, offset, along >= 0 ? count[along] : 1, at));
    int k = v->rank - 1;
    for (; k >= 0; k--) {
      const int a = order[k];
      if (a == along)
        continue;
      if (++index[a] < count[a])
        break;
      index[a] = 0;
    }
    if (k < 0)
      return FX_OK;
  }
}

static fx_status plain_read (fx_container *c, int64_t i, const int64_t *start, const int64_t *count,
                             bool wide, void *to) {
  const fx_plain *own = c->own;
  fx_plain_variable *p = &own->variables[i];
  const int64_t most = RUN_BYTES / (int64_t)fx_element_size(p->element);
  run_reader *r = fx_alloc(sizeof *r);
  if (!r)
    return FX_ENOMEM;
  *r = (run_reader){ .p = p, .wide = wide, .to = to };
  fx_status st = fx_tensor_new(fx_element_dtype(p->element), 1, &most, &r->numbers);
  if (st == FX_OK)
    st = read_box(c, &c->variables[i], r, start, count);
  fx_tensor_release(r->numbers);
  fx_free(r);
  return st;
}

/* --- attributes and the end ------------------------------------------------------------------ */

static fx_status copy_attributes (const fx_attributes *from, fx_attributes *to) {
  for (int64_t i = 0; i < from->count; i++) {
    const fx_attribute *f = &from->items[i];
    fx_attribute *a = fx_attributes_add(to, f->key);
    if (!a)
      return FX_ENOMEM;
    a->n = f->n;
    if (f->numbers && !(a->numbers = fx_calloc((size_t)f->n, sizeof *a->numbers)))
      return FX_ENOMEM;
    if (f->numbers)
      memcpy(a->numbers, f->numbers, (size_t)f->n * sizeof *a->numbers);
    if (f->text && !(a->text = fx_strdup(f->text))) /* one text each in these formats */
      return FX_ENOMEM;
  }
  return FX_OK;
}

static fx_status plain_attributes (fx_container *c, const char *path, fx_attributes *to) {
  const fx_plain *own = c->own;
  const int64_t i = *path ? fx_container_find(c, path) : -1;
  if (*path && i < 0)
    return fx_fail(FX_EARG, "%s has no '%s'", c->path, path);
  return copy_attributes(i < 0 ? &own->attributes : &own->variables[i].attributes, to);
}

static void plain_close (fx_container *c) {
  fx_plain *own = c->own;
  fx_zip_close(own->zip);
  if (own->fd >= 0)
    close(own->fd);
  for (int64_t i = 0; i < own->count; i++) {
    fx_attributes_clear(&own->variables[i].attributes);
    fx_zip_stream_close(own->variables[i].stream);
  }
  fx_attributes_clear(&own->attributes);
  fx_free(own->variables);
  fx_free(own);
}

/* --- making one ------------------------------------------------------------------------------- */

static const fx_container_format format = { plain_read, plain_attributes, plain_close, NULL, NULL };

fx_status fx_plain_new (fx_container *c, fx_plain **out) {
  fx_plain *p = fx_calloc(1, sizeof *p);
  if (!p)
    return FX_ENOMEM;
  p->fd = -1;
  c->format = &format;
  c->own = p;
  *out = p;
  return FX_OK;
}
