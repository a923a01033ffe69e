/*
** field.c - reading fields; h5_field_writer.c writes them. See field.h.
**
** A field is one variable of a container (container.h), which does the reading, the checks of hostile
** files and netCDF's unpacking; here are the names that a field has, and its shape. Several channels
** arrive channel by channel and are woven into channels last.
*/
#include "io/field.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "io/container.h"

/* --- opening --------------------------------------------------------------------------------- */

/* "'a', 'b', ..." of n names; `none` without any. Cut to the buffer. */
static const char *listed (char *buffer, size_t size, int64_t n,
                           const char *(*name)(const void *of, int64_t i), const void *of,
                           const char *none) {
  size_t used = 0;
  snprintf(buffer, size, "%s", none);
  for (int64_t i = 0; i < n && used + 1 < size; i++) {
    const int more = snprintf(buffer + used, size - used, "%s'%s'", i ? ", " : "", name(of, i));
    used += (size_t)more;
  }
  return buffer;
}

static const char *variable_name (const void *of, int64_t i) {
  return fx_container_at(of, i)->path;
}

static bool is_group (const fx_container *c, const char *path) {
  for (int64_t i = 0; i < fx_container_groups(c); i++)
    if (strcmp(fx_container_group(c, i), path) == 0)
      return true;
  return false;
}

static fx_status choose_variable (fx_field *f, const char *wanted) {
  static const char *const usual[] = { "w", "fields" };
  char names[512];
  f->variable = wanted ? fx_container_find(f->file, wanted) : -1;
  for (int i = 0; i < 2 && !wanted && f->variable < 0; i++)
    f->variable = fx_container_find(f->file, usual[i]);
  if (f->variable >= 0)
    return FX_OK;
  if (wanted && is_group(f->file, wanted))
    return fx_fail(FX_EFORMAT, "%s: '%s' is not a dataset but a group", f->path, wanted);
  return fx_fail(FX_EARG, "%s has no dataset '%s'; it has %s", f->path,
                 wanted ? wanted : "w' or 'fields",
                 listed(names, sizeof names, fx_container_count(f->file), variable_name, f->file,
                        "no datasets at all"));
}

static fx_status read_shape (fx_field *f) {
  const fx_variable *v = fx_container_at(f->file, f->variable);
  if (!v->number)
    return fx_fail(FX_EFORMAT, "%s: dataset '%s' does not hold real numbers", f->path, f->dataset);
  if (v->rank != 3 && v->rank != 4)
    return fx_fail(FX_ESHAPE,
                   "%s: dataset '%s' has %d axes; fields have (time, height, width) or "
                   "(time, channel, height, width)",
                   f->path, f->dataset, v->rank);
  for (int i = 0; i < v->rank; i++)
    if (v->shape[i] == 0)
      return fx_fail(FX_ESHAPE, "%s: dataset '%s' is empty along axis %d", f->path, f->dataset,
                     i + 1);
  f->frames = v->shape[0];
  f->channels = v->rank == 4 ? v->shape[1] : 1;
  f->height = v->shape[v->rank - 2];
  f->width = v->shape[v->rank - 1];
  return fx_container_check(f->file, f->variable);
}

fx_status fx_field_open (const char *path, const char *dataset, fx_field **out) {
  fx_status st;
  fx_field *f = fx_calloc(1, sizeof *f);
  if (!f)
    return FX_ENOMEM;
  FX_GOTO((f->path = fx_strdup(path)) ? FX_OK : FX_ENOMEM);
  FX_GOTO(fx_container_open(path, &f->file));
  FX_GOTO(choose_variable(f, dataset));
  FX_GOTO((f->dataset = fx_strdup(fx_container_at(f->file, f->variable)->path)) ? FX_OK
                                                                                : FX_ENOMEM);
  FX_GOTO(read_shape(f));
  *out = f;
  f = NULL;
done:
  fx_field_close(f);
  return st;
}

void fx_field_close (fx_field *f) {
  if (!f)
    return;
  fx_container_close(f->file);
  fx_free(f->path);
  fx_free(f->dataset);
  fx_free(f);
}

/* --- reading --------------------------------------------------------------------------------- */

static fx_status check_range (const fx_field *f, const char *what, int64_t from, int64_t n,
                              int64_t most) {
  if (from < 0 || n < 1 || n > most || from > most - n)
    return fx_fail(FX_EARG,
                   "%s: dataset '%s' has %" PRId64 " %s; %" PRId64 " from %" PRId64
                   " (counted from 0) do not exist",
                   f->path, f->dataset, most, what, n, from);
  return FX_OK;
}

/* (C,pixels) -> (pixels,C) */
static void weave (const float *from, int64_t channels, int64_t pixels, float *to) {
  for (int64_t c = 0; c < channels; c++)
    for (int64_t i = 0; i < pixels; i++)
      to[i * channels + c] = from[c * pixels + i];
}

fx_status fx_field_read (const fx_field *f, int64_t frame, int64_t channel_from, int64_t channels,
                         int64_t y0, int64_t x0, int64_t h, int64_t w, fx_tensor **out) {
  FX_TRY(check_range(f, "frames", frame, 1, f->frames));
  FX_TRY(check_range(f, "channels", channel_from, channels, f->channels));
  FX_TRY(check_range(f, "rows", y0, h, f->height));
  FX_TRY(check_range(f, "columns", x0, w, f->width));
  const bool flat = fx_container_at(f->file, f->variable)->rank == 3;
  const int64_t start[4] = { frame, flat ? y0 : channel_from, flat ? x0 : y0, x0 };
  const int64_t count[4] = { 0, flat ? h : channels, flat ? w : h, w }; /* 0: the axis is dropped */
  const int64_t shape[4] = { 1, h, w, channels };
  fx_tensor *planes;
  FX_TRY(fx_container_read(f->file, f->variable, start, count, FX_F32, &planes));
  const fx_status st = channels == 1 ? fx_tensor_view(planes, 0, 4, shape, out)
                                     : fx_tensor_new(FX_F32, 4, shape, out);
  if (st == FX_OK && channels > 1)
    weave(fx_f32(planes), channels, h * w, fx_f32(*out));
  fx_tensor_release(planes);
  return st;
}

fx_status fx_field_check (const fx_field *f, int64_t frame, int64_t channel_from, int64_t y0,
                          int64_t x0, const fx_tensor *t) {
  const int64_t n = fx_tensor_count(t), w = fx_dim(t, 2), c = fx_dim(t, 3);
  const float *v = fx_f32(t);
  for (int64_t i = 0; i < n; i++)
    if (!isfinite(v[i]))
      return fx_fail(FX_EFORMAT,
                     "%s: dataset '%s' holds %s at frame %" PRId64 ", channel %" PRId64
                     ", row %" PRId64 ", column %" PRId64 " (counted from 0): repair the "
                     "data",
                     f->path, f->dataset,
                     isnan(v[i]) ? "NaN"
                     : v[i] > 0  ? "inf"
                                 : "-inf",
                     frame, channel_from + i % c, y0 + i / c / w, x0 + i / c % w);
  return FX_OK;
}

/* --- attributes ------------------------------------------------------------------------------ */

/* Those of the dataset, then those of the file: [0] and [1], each to be freed. */
static fx_status attributes_of (const fx_field *f, fx_attributes *all[2]) {
  all[0] = all[1] = NULL;
  FX_TRY(fx_container_attributes(f->file, f->dataset, &all[0]));
  const fx_status st = fx_container_attributes(f->file, "", &all[1]);
  if (st != FX_OK)
    fx_attributes_free(all[0]);
  return st;
}

static void free_both (fx_attributes *all[2]) {
  fx_attributes_free(all[0]);
  fx_attributes_free(all[1]);
}

static const fx_attribute *find (fx_attributes *const all[2], const char *key, bool numbers) {
  for (int k = 0; k < 2; k++)
    for (int64_t i = 0; i < all[k]->count; i++) {
      const fx_attribute *a = &all[k]->items[i];
      if (strcmp(a->key, key) == 0 && (numbers ? a->numbers != NULL : a->text && a->n == 1))
        return a;
    }
  return NULL;
}

static const char *attribute_name (const void *of, int64_t i) {
  fx_attributes *const *all = of;
  return i < all[0]->count ? all[0]->items[i].key : all[1]->items[i - all[0]->count].key;
}

static fx_status no_attribute (const fx_field *f, const char *key, fx_attributes *const all[2]) {
  char names[512];
  return fx_fail(
      FX_EARG, "%s has no attribute '%s' of the kind wanted; its attributes: %s", f->path, key,
      listed(names, sizeof names, all[0]->count + all[1]->count, attribute_name, all, "none"));
}

/* NSKT: the Reynolds number is only in the file name. */
static bool number_in_name (const char *path, double *value) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  char *end;
  if (*name < '0' || *name > '9')
    return false;
  *value = strtod(name, &end);
  return *end == '_' && isfinite(*value);
}

/* Numbers along one axis, or a single one, from a dataset in the root. */
static fx_status dataset_array (const fx_field *f, int64_t i, fx_tensor **out) {
  const fx_variable *v = fx_container_at(f->file, i);
  const int64_t start[1] = { 0 };
  if (!v->number || v->rank > 1)
    return fx_fail(FX_EARG, "%s: '%s' is not a list of numbers", f->path, v->path);
  FX_TRY(fx_container_read(f->file, i, start, v->shape, FX_F64, out));
  if (v->rank == 1)
    return FX_OK;
  const int64_t one = 1;
  fx_tensor *scalar = *out;
  const fx_status st = fx_tensor_view(scalar, 0, 1, &one, out);
  fx_tensor_release(scalar);
  return st;
}

static bool dataset_number (const fx_field *f, const char *key, double *value) {
  const int64_t i = fx_container_find(f->file, key);
  fx_tensor *t;
  if (i < 0 || dataset_array(f, i, &t) != FX_OK)
    return false;
  const bool single = fx_tensor_count(t) == 1;
  if (single)
    *value = fx_f64(t)[0];
  fx_tensor_release(t);
  return single;
}

fx_status fx_field_number (const fx_field *f, const char *key, double *value) {
  fx_attributes *all[2];
  FX_TRY(attributes_of(f, all));
  const fx_attribute *a = find(all, key, true);
  const bool single = a && a->n == 1;
  if (single)
    *value = a->numbers[0];
  const bool found = single || dataset_number(f, key, value) ||
                     (strcmp(key, "Re") == 0 && number_in_name(f->path, value));
  const fx_status st = found ? FX_OK : no_attribute(f, key, all);
  free_both(all);
  return st;
}

fx_status fx_field_text (const fx_field *f, const char *key, char **text) {
  fx_attributes *all[2];
  FX_TRY(attributes_of(f, all));
  const fx_attribute *a = find(all, key, false);
  const fx_status st = !a                             ? no_attribute(f, key, all)
                       : (*text = fx_strdup(a->text)) ? FX_OK
                                                      : FX_ENOMEM;
  free_both(all);
  return st;
}

fx_status fx_field_array (const fx_field *f, const char *key, fx_tensor **out) {
  fx_attributes *all[2];
  FX_TRY(attributes_of(f, all));
  const fx_attribute *a = find(all, key, true);
  const int64_t i = a ? -1 : fx_container_find(f->file, key);
  fx_status st = a        ? fx_tensor_new(FX_F64, 1, &a->n, out)
                 : i >= 0 ? dataset_array(f, i, out)
                          : no_attribute(f, key, all);
  if (st == FX_OK && a)
    memcpy(fx_f64(*out), a->numbers, (size_t)a->n * sizeof *a->numbers);
  free_both(all);
  return st;
}
