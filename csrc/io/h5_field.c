/*
** h5_field.c - reading fields; h5_field_writer.c writes them. See h5_field.h.
**
** A patch of one frame may touch chunks that hold several frames (h5py's automatic chunks do). The
** chunk cache therefore holds at least all chunks that one frame touches; with HDF5's 1 MiB each
** patch would inflate them again (15.6 ms against 6.7 ms a 512 x 512 frame, measured).
**
** Several channels arrive channel by channel and are woven into channels last here.
*/
#include "io/h5_field.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "io/file.h"
#include "io/h5.h"

enum {
  CACHE_BYTES = 64 << 20,
  CACHE_MOST = 1 << 30,
  CACHE_SLOTS = 12421 /* prime, about 100 times the chunks in 64 MiB, as HDF5 advises */
};

/* --- opening --------------------------------------------------------------------------------- */

typedef struct {
  char *text;
  size_t used, size;
} name_list;

static herr_t add_dataset_name (hid_t object, const char *name, const H5O_info_t *info,
                                void *context) {
  name_list *l = context;
  (void)object;
  if (info->type == H5O_TYPE_DATASET && l->used + 1 < l->size) {
    const int n =
        snprintf(l->text + l->used, l->size - l->used, "%s'%s'", l->used ? ", " : "", name);
    l->used = l->used + (size_t)n < l->size ? l->used + (size_t)n : l->size - 1;
  }
  return l->used + 1 >= l->size; /* stop when full */
}

static const char *dataset_names (hid_t file, char *buffer, size_t size) {
  name_list l = { buffer, 0, size };
  snprintf(buffer, size, "no datasets at all");
  H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_NATIVE, add_dataset_name, &l, H5O_INFO_BASIC);
  return buffer;
}

/* 1 if every level of `name` exists: H5Lexists fails on a missing group in the middle. */
static int exists (hid_t file, const char *name) {
  char part[FX_PATH_SIZE];
  const size_t n = strlen(name);
  if (n == 0 || n >= sizeof part)
    return 0;
  for (size_t i = 1; i <= n; i++)
    if (name[i] == '/' || name[i] == '\0') {
      memcpy(part, name, i);
      part[i] = '\0';
      if (H5Lexists(file, part, H5P_DEFAULT) <= 0)
        return 0;
    }
  return H5Oexists_by_name(file, name, H5P_DEFAULT) > 0;
}

static const char *choose_dataset (hid_t file, const char *wanted) {
  static const char *const usual[] = { "w", "fields" };
  if (wanted)
    return exists(file, wanted) ? wanted : NULL;
  for (int i = 0; i < 2; i++)
    if (exists(file, usual[i]))
      return usual[i];
  return NULL;
}

/* Bytes of all chunks that one frame touches: the full extent along every axis but the first. */
static double slab_bytes (hid_t data) {
  const hid_t plist = H5Dget_create_plist(data), space = H5Dget_space(data);
  const hid_t type = H5Dget_type(data);
  hsize_t chunk[H5S_MAX_RANK], dims[H5S_MAX_RANK];
  double bytes = 0.0;
  if (H5Pget_layout(plist) == H5D_CHUNKED) {
    const int rank = H5Pget_chunk(plist, H5S_MAX_RANK, chunk);
    H5Sget_simple_extent_dims(space, dims, NULL);
    bytes = (double)H5Tget_size(type);
    for (int i = 0; i < rank; i++)
      bytes *=
          i == 0 ? (double)chunk[i] : ceil((double)dims[i] / (double)chunk[i]) * (double)chunk[i];
  }
  H5Tclose(type);
  H5Sclose(space);
  H5Pclose(plist);
  return bytes;
}

static hid_t open_cached (hid_t file, const char *name) {
  hid_t data = H5Dopen2(file, name, H5P_DEFAULT);
  const double slab = data < 0 ? 0.0 : slab_bytes(data);
  if (slab == 0.0)
    return data;
  H5Dclose(data); /* the cache is fixed when a dataset is opened */
  const hid_t plist = H5Pcreate(H5P_DATASET_ACCESS);
  const double bytes = slab > CACHE_MOST ? CACHE_MOST : slab < CACHE_BYTES ? CACHE_BYTES : slab;
  H5Pset_chunk_cache(plist, CACHE_SLOTS, (size_t)bytes, 1.0);
  data = H5Dopen2(file, name, plist);
  H5Pclose(plist);
  return data;
}

static fx_status read_shape (fx_field *f) {
  int64_t shape[4];
  const hid_t space = H5Dget_space(f->data);
  const fx_status st = fx_h5_shape(space, 4, &f->rank, shape);
  H5Sclose(space);
  if (st != FX_OK)
    return fx_fail_in(st, "%s: dataset '%s'", f->path, f->dataset);
  if (f->rank != 3 && f->rank != 4)
    return fx_fail(FX_ESHAPE,
                   "%s: dataset '%s' has %d axes; fields have (time, height, width) or "
                   "(time, channel, height, width)",
                   f->path, f->dataset, f->rank);
  for (int i = 0; i < f->rank; i++)
    if (shape[i] == 0)
      return fx_fail(FX_ESHAPE, "%s: dataset '%s' is empty along axis %d", f->path, f->dataset,
                     i + 1);
  f->frames = shape[0];
  f->channels = f->rank == 4 ? shape[1] : 1;
  f->height = shape[f->rank - 2];
  f->width = shape[f->rank - 1];
  return FX_OK;
}

/* A scalar (or one-element) numeric attribute; 0 if there is none. */
static int attribute_number (hid_t object, const char *key, double *value) {
  int found = 0;
  if (H5Aexists(object, key) <= 0)
    return 0;
  const hid_t attribute = H5Aopen(object, key, H5P_DEFAULT);
  if (attribute < 0)
    return 0;
  const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  if (fx_h5_is_number(type) && H5Sget_simple_extent_npoints(space) == 1)
    found = H5Aread(attribute, H5T_NATIVE_DOUBLE, value) >= 0;
  H5Sclose(space);
  H5Tclose(type);
  H5Aclose(attribute);
  return found;
}

static void read_packing (fx_field *f) {
  f->scale = 1.0;
  f->offset = 0.0;
  f->packed = attribute_number(f->data, "scale_factor", &f->scale);
  f->packed |= attribute_number(f->data, "add_offset", &f->offset);
  f->filled = attribute_number(f->data, "_FillValue", &f->fill);
}

static fx_status open_dataset (fx_field *f, const char *wanted) {
  char names[512];
  int64_t size;
  const char *name = choose_dataset(f->file, wanted);
  if (!name)
    return fx_fail(FX_EARG, "%s has no dataset '%s'; it has %s", f->path,
                   wanted ? wanted : "w' or 'fields", dataset_names(f->file, names, sizeof names));
  if (!(f->dataset = fx_strdup(name)))
    return FX_ENOMEM;
  if ((f->data = open_cached(f->file, name)) < 0)
    return fx_h5_fail(FX_EFORMAT, "%s: '%s' is not a dataset, or is damaged", f->path, name);
  const hid_t type = H5Dget_type(f->data);
  const int is_number = fx_h5_is_number(type);
  H5Tclose(type);
  if (!is_number)
    return fx_fail(FX_EFORMAT, "%s: dataset '%s' does not hold real numbers", f->path, name);
  FX_TRY(fx_file_size(f->path, &size));
  FX_TRY(fx_h5_check_dataset(f->data, f->path, name, size, 0));
  FX_TRY(read_shape(f));
  read_packing(f);
  return FX_OK;
}

fx_status fx_field_open (const char *path, const char *dataset, fx_field **out) {
  hid_t file;
  FX_H5_TURN;
  FX_TRY(fx_h5_open(path, &file));
  fx_field *f = fx_calloc(1, sizeof *f);
  if (!f) {
    H5Fclose(file);
    return FX_ENOMEM;
  }
  f->file = file;
  f->data = -1;
  fx_status st = (f->path = fx_strdup(path)) ? open_dataset(f, dataset) : FX_ENOMEM;
  if (st == FX_OK)
    *out = f;
  else
    fx_field_close(f);
  return st;
}

void fx_field_close (fx_field *f) {
  if (!f)
    return;
  FX_H5_TURN;
  if (f->data >= 0)
    H5Dclose(f->data);
  H5Fclose(f->file);
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

/* Reads the rectangle, channel after channel, as floats (or doubles, when unpacking). */
static fx_status read_planes (const fx_field *f, const hsize_t *start, const hsize_t *count,
                              hid_t memory_type, void *to) {
  const hid_t space = H5Dget_space(f->data), memory = H5Screate_simple(f->rank, count, NULL);
  fx_status st = FX_OK;
  if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
      H5Dread(f->data, memory_type, memory, space, H5P_DEFAULT, to) < 0)
    st = fx_h5_fail(FX_EFORMAT, "%s: frame %llu of dataset '%s' cannot be read", f->path,
                    (unsigned long long)start[0], f->dataset);
  H5Sclose(memory);
  H5Sclose(space);
  return st;
}

/* Undoes netCDF's packing; n doubles to floats. */
static void unpack (const fx_field *f, const double *from, int64_t n, float *to) {
  for (int64_t i = 0; i < n; i++)
    to[i] = f->filled && from[i] == f->fill ? NAN : (float)(from[i] * f->scale + f->offset);
}

/* (C,pixels) -> (pixels,C) */
static void weave (const float *from, int64_t channels, int64_t pixels, float *to) {
  for (int64_t c = 0; c < channels; c++)
    for (int64_t i = 0; i < pixels; i++)
      to[i * channels + c] = from[c * pixels + i];
}

/* Reads `n` numbers into `to` as f32, unpacked. */
static fx_status read_floats (const fx_field *f, const hsize_t *start, const hsize_t *count,
                              int64_t n, float *to) {
  if (!f->packed && !f->filled)
    return read_planes(f, start, count, H5T_NATIVE_FLOAT, to);
  double *stored = fx_calloc((size_t)n, sizeof *stored);
  if (!stored)
    return FX_ENOMEM;
  const fx_status st = read_planes(f, start, count, H5T_NATIVE_DOUBLE, stored);
  if (st == FX_OK)
    unpack(f, stored, n, to);
  fx_free(stored);
  return st;
}

fx_status fx_field_read (const fx_field *f, int64_t frame, int64_t channel_from, int64_t channels,
                         int64_t y0, int64_t x0, int64_t h, int64_t w, fx_tensor **out) {
  FX_TRY(check_range(f, "frames", frame, 1, f->frames));
  FX_TRY(check_range(f, "channels", channel_from, channels, f->channels));
  FX_TRY(check_range(f, "rows", y0, h, f->height));
  FX_TRY(check_range(f, "columns", x0, w, f->width));
  FX_H5_TURN;
  const int64_t shape[4] = { 1, h, w, channels };
  const hsize_t start[4] = { (hsize_t)frame, (hsize_t)(f->rank == 4 ? channel_from : y0),
                             (hsize_t)(f->rank == 4 ? y0 : x0), (hsize_t)x0 };
  const hsize_t count[4] = { 1, (hsize_t)(f->rank == 4 ? channels : h),
                             (hsize_t)(f->rank == 4 ? h : w), (hsize_t)w };
  fx_tensor *t, *planes = NULL;
  FX_TRY(fx_tensor_new(FX_F32, 4, shape, &t));
  fx_status st = channels > 1 ? fx_tensor_like(t, &planes) : FX_OK;
  if (st == FX_OK)
    st = read_floats(f, start, count, fx_tensor_count(t), fx_f32(planes ? planes : t));
  if (st == FX_OK && planes)
    weave(fx_f32(planes), channels, h * w, fx_f32(t));
  fx_tensor_release(planes);
  if (st == FX_OK)
    *out = t;
  else
    fx_tensor_release(t);
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
                     ", row %" PRId64 ", column %" PRId64 " (counted from 0): mask or repair the "
                     "data",
                     f->path, f->dataset,
                     isnan(v[i]) ? "NaN"
                     : v[i] > 0  ? "inf"
                                 : "-inf",
                     frame, channel_from + i % c, y0 + i / c / w, x0 + i / c % w);
  return FX_OK;
}

/* --- attributes ------------------------------------------------------------------------------ */

static herr_t add_attribute_name (hid_t object, const char *name, const H5A_info_t *info,
                                  void *context) {
  name_list *l = context;
  (void)object;
  (void)info;
  const int n = snprintf(l->text + l->used, l->size - l->used, "%s'%s'", l->used ? ", " : "", name);
  l->used = l->used + (size_t)n < l->size ? l->used + (size_t)n : l->size - 1;
  return l->used + 1 >= l->size;
}

static fx_status no_attribute (const fx_field *f, const char *key) {
  char names[512] = "none";
  name_list l = { names, 0, sizeof names };
  hsize_t at = 0;
  if (H5Aiterate2(f->data, H5_INDEX_NAME, H5_ITER_NATIVE, &at, add_attribute_name, &l) == 0) {
    at = 0;
    H5Aiterate2(f->file, H5_INDEX_NAME, H5_ITER_NATIVE, &at, add_attribute_name, &l);
  }
  return fx_fail(FX_EARG, "%s has no attribute '%s' of the kind wanted; its attributes: %s",
                 f->path, key, names);
}

/* NSKT: the Reynolds number is only in the file name. */
static int number_in_name (const char *path, double *value) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  char *end;
  if (*name < '0' || *name > '9')
    return 0;
  *value = strtod(name, &end);
  return *end == '_' && isfinite(*value);
}

static int dataset_number (const fx_field *f, const char *key, double *value) {
  fx_tensor *t;
  if (!exists(f->file, key) || fx_field_array(f, key, &t) != FX_OK)
    return 0;
  const int single = fx_tensor_count(t) == 1;
  if (single)
    *value = fx_f64(t)[0];
  fx_tensor_release(t);
  return single;
}

fx_status fx_field_number (const fx_field *f, const char *key, double *value) {
  FX_H5_TURN;
  if (attribute_number(f->data, key, value) || attribute_number(f->file, key, value) ||
      dataset_number(f, key, value))
    return FX_OK;
  if (strcmp(key, "Re") == 0 && number_in_name(f->path, value))
    return FX_OK;
  return no_attribute(f, key);
}

/* The attribute of the dataset or of the file, or -1. */
static hid_t open_attribute (const fx_field *f, const char *key) {
  for (int i = 0; i < 2; i++) {
    const hid_t object = i ? f->file : f->data;
    if (H5Aexists(object, key) > 0)
      return H5Aopen(object, key, H5P_DEFAULT);
  }
  return -1;
}

fx_status fx_field_text (const fx_field *f, const char *key, char **text) {
  FX_H5_TURN;
  const hid_t attribute = open_attribute(f, key);
  if (attribute < 0)
    return no_attribute(f, key);
  const fx_status st = fx_h5_attribute_text(attribute, key, text);
  H5Aclose(attribute);
  return st == FX_OK ? FX_OK : fx_fail_in(st, "%s", f->path);
}

/* A new f64 tensor for the numbers of an attribute or dataset; FX_EARG if they are not a list.
** `data` is the dataset, negative for an attribute. */
static fx_status new_array (const fx_field *f, const char *key, hid_t data, hid_t type, hid_t space,
                            fx_tensor **out) {
  int64_t n = 1, size;
  int ndim;
  FX_TRY(fx_h5_shape(space, 1, &ndim, &n));
  FX_TRY(fx_file_size(f->path, &size));
  if (data >= 0)
    FX_TRY(fx_h5_check_dataset(data, f->path, key, size, 0));
  if (ndim > 1 || !fx_h5_is_number(type))
    return fx_fail(FX_EARG, "%s: '%s' is not a list of numbers", f->path, key);
  if (n > size * FX_H5_BEST_RATIO)
    return fx_fail(FX_EFORMAT, "%s: '%s' claims more elements than the file can hold", f->path,
                   key);
  return fx_tensor_new(FX_F64, 1, &n, out);
}

fx_status fx_field_array (const fx_field *f, const char *key, fx_tensor **out) {
  FX_H5_TURN;
  fx_tensor *t = NULL;
  const hid_t attribute = open_attribute(f, key);
  const int stored = attribute < 0 && exists(f->file, key);
  const hid_t data = stored ? H5Dopen2(f->file, key, H5P_DEFAULT) : -1;
  if (attribute < 0 && data < 0)
    return no_attribute(f, key);
  const hid_t type = data < 0 ? H5Aget_type(attribute) : H5Dget_type(data);
  const hid_t space = data < 0 ? H5Aget_space(attribute) : H5Dget_space(data);
  fx_status st = new_array(f, key, data, type, space, &t);
  if (st == FX_OK && fx_tensor_count(t) > 0) {
    const herr_t done =
        data < 0 ? H5Aread(attribute, H5T_NATIVE_DOUBLE, t->data)
                 : H5Dread(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, t->data);
    if (done < 0)
      st = fx_h5_fail(FX_EFORMAT, "%s: '%s' cannot be read", f->path, key);
  }
  H5Tclose(type);
  H5Sclose(space);
  if (data < 0)
    H5Aclose(attribute);
  else
    H5Dclose(data);
  if (st == FX_OK)
    *out = t;
  else
    fx_tensor_release(t);
  return st;
}
