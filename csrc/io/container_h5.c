/*
** container_h5.c - HDF5 files as containers: NSKT, PDEBench, The Well, netCDF-4, MATLAB 7.3.
**
** Opening lists what hard links reach, each object once, so cycles of links end, and then what symbolic links lead
** to (h5_links.h); links to other files are named and not followed. Datasets are opened when they are read, and the last few stay open with
** their chunk caches: a file may have a thousand (one a simulation), a patch needs one or a few.
** What netCDF-4 adds is in h5_dimensions.h.
*/
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "io/container_parts.h"
#include "io/h5.h"
#include "io/h5_chunk.h"
#include "io/h5_dimensions.h"
#include "io/h5_door.h"
#include "io/h5_header.h"
#include "io/h5_links.h"

enum {
  MOST_OBJECTS = 100000,
  MOST_ATTRIBUTE = 1 << 20, /* bytes of one attribute that is read */
  OPEN_DATASETS = 8
};

typedef struct {
  hid_t file;
  struct {
    int64_t variable; /* -1: free */
    hid_t data;
    int64_t used; /* clock of the last use */
    fx_h5_chunks chunks;
  } open[OPEN_DATASETS];
  int64_t clock;
  fx_h5_dimensions dimensions;
} h5_own;

/* --- attributes ------------------------------------------------------------------------------ */

/* One that is left out in silence might be the one that says what the numbers mean. */
static fx_status unreadable (const fx_attribute *a) {
  return fx_h5_fail(FX_EFORMAT, "the attribute '%.200s' cannot be read: damaged", a->key);
}

/* Texts of variable length: HDF5 allocates each. */
static fx_status variable_texts (hid_t attribute, hid_t type, hid_t space, fx_attribute *a) {
  char **values = fx_calloc((size_t)a->n, sizeof *values);
  size_t size = 0;
  if (!values)
    return FX_ENOMEM;
  fx_status st = FX_OK;
  if (H5Aread(attribute, type, values) < 0) {
    st = unreadable(a);
  } else {
    for (int64_t i = 0; i < a->n; i++)
      size += (values[i] ? strlen(values[i]) : 0) + 1;
    char *to = a->text = fx_alloc(size);
    if (!to)
      st = FX_ENOMEM;
    for (int64_t i = 0; i < a->n && to; i++)
      to = stpcpy(to, values[i] ? values[i] : "") + 1;
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, values);
  }
  fx_free(values);
  return st;
}

static fx_status fixed_texts (hid_t attribute, hid_t type, fx_attribute *a) {
  const size_t size = H5Tget_size(type);
  char *raw = fx_calloc((size_t)a->n, size);
  if (!raw || !(a->text = fx_calloc((size_t)a->n, size + 1))) {
    fx_free(raw);
    return FX_ENOMEM;
  }
  if (H5Aread(attribute, type, raw) < 0) {
    fx_free(raw);
    return unreadable(a);
  }
  char *to = a->text;
  for (int64_t i = 0; i < a->n; i++) {
    size_t length = strnlen(raw + (size_t)i * size, size);
    if (H5Tget_strpad(type) == H5T_STR_SPACEPAD)
      while (length > 0 && raw[(size_t)i * size + length - 1] == ' ')
        length--;
    memcpy(to, raw + (size_t)i * size, length);
    to[length] = '\0';
    to += length + 1;
  }
  fx_free(raw);
  return FX_OK;
}

/* Numbers and texts of bounded size; what is neither has n = 0. */
static fx_status read_value (hid_t attribute, fx_attribute *a) {
  const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  const hssize_t n = H5Sget_simple_extent_npoints(space);
  const size_t size = H5Tget_size(type);
  fx_status st = FX_OK;
  if (n > 0 && size > 0 && (double)n * (double)size <= MOST_ATTRIBUTE) {
    a->n = n;
    if (H5Tget_class(type) == H5T_STRING)
      st = H5Tis_variable_str(type) > 0 ? variable_texts(attribute, type, space, a)
                                        : fixed_texts(attribute, type, a);
    else if (!fx_h5_is_number(type))
      a->n = 0;
    else if (!(a->numbers = fx_calloc((size_t)n, sizeof *a->numbers)))
      st = FX_ENOMEM;
    else if (H5Aread(attribute, H5T_NATIVE_DOUBLE, a->numbers) < 0)
      st = unreadable(a);
  }
  H5Sclose(space);
  H5Tclose(type);
  return st;
}

typedef struct {
  fx_attributes *to;
  fx_status st;
} attribute_visit;

static herr_t visit_attribute (hid_t object, const char *name, const H5A_info_t *info,
                               void *context) {
  attribute_visit *v = context;
  (void)info;
  const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0)
    return 0;
  fx_attribute *a = fx_attributes_add(v->to, name);
  v->st = a ? read_value(attribute, a) : FX_ENOMEM;
  H5Aclose(attribute);
  return v->st != FX_OK;
}

static fx_status attributes_of (const fx_container *c, hid_t object, fx_attributes *to) {
  attribute_visit v = { to, FX_OK };
  hsize_t at = 0;
  FX_TRY(fx_h5_check_header(object, c->path, c->size));
  if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, &at, visit_attribute, &v) < 0 &&
      v.st == FX_OK)
    v.st = fx_h5_fail(FX_EFORMAT, "attributes cannot be read: damaged");
  return v.st == FX_EFORMAT ? fx_fail_in(v.st, "%s", c->path) : v.st;
}

static fx_status h5_attributes (fx_container *c, const char *path, fx_attributes *to) {
  h5_own *own = c->own;
  const int64_t i = *path ? fx_container_find(c, path) : -1;
  const char *name = i >= 0 && c->variables[i].stored_as ? c->variables[i].stored_as : path;
  FX_H5_TURN;
  const hid_t object = fx_h5_open_object(own->file, *name ? name : "/");
  if (object < 0)
    return fx_h5_fail(FX_EARG, "%s has no '%s'", c->path, path);
  const fx_status st = attributes_of(c, object, to);
  H5Oclose(object);
  return st;
}

/* --- listing --------------------------------------------------------------------------------- */

static void spell_type (hid_t type, fx_variable *v) {
  const H5T_class_t class = H5Tget_class(type);
  const char order = H5Tget_order(type) == H5T_ORDER_BE ? '>' : '<';
  const size_t size = H5Tget_size(type);
  v->number = fx_h5_is_number(type);
  if (class == H5T_FLOAT)
    snprintf(v->dtype, sizeof v->dtype, "%cf%zu", order, size);
  else if (v->number)
    snprintf(v->dtype, sizeof v->dtype, "%c%c%zu", size == 1 ? '|' : order,
             class == H5T_ENUM                   ? 'b'
             : H5Tget_sign(type) == H5T_SGN_NONE ? 'u'
                                                 : 'i',
             size);
  else
    snprintf(v->dtype, sizeof v->dtype, "%s",
             class == H5T_STRING     ? "text"
             : class == H5T_COMPOUND ? "compound"
                                     : "other");
}

static void list_filters (hid_t plist, fx_variable *v) {
  const int n = H5Pget_nfilters(plist);
  for (int i = 0; i < n; i++) {
    unsigned flags, config, values[1];
    size_t count = 0, used = strlen(v->filters);
    char name[32] = "";
    const H5Z_filter_t id =
        H5Pget_filter2(plist, (unsigned)i, &flags, &count, values, sizeof name, name, &config);
    char number[16];
    snprintf(number, sizeof number, "filter %d", (int)id);
    const char *word = id == H5Z_FILTER_DEFLATE      ? "gzip"
                       : id == H5Z_FILTER_SHUFFLE    ? "shuffle"
                       : id == H5Z_FILTER_FLETCHER32 ? "fletcher32"
                       : id == FX_H5_LZF             ? "lzf"
                       : *name                       ? name
                                                     : number;
    snprintf(v->filters + used, sizeof v->filters - used, "%s%s", used ? " " : "", word);
  }
}

/* Shape, chunks, filters of a dataset; one that is no array is no number either. */
static void list_layout (hid_t data, hid_t space, fx_variable *v) {
  const hid_t plist = H5Dget_create_plist(data);
  hsize_t chunk[H5S_MAX_RANK];
  if (space < 0 || fx_h5_shape(space, FX_CONTAINER_AXES, &v->rank, v->shape) != FX_OK ||
      v->rank > FX_CONTAINER_AXES || plist < 0) {
    v->number = false;
    v->rank = 0;
    snprintf(v->dtype, sizeof v->dtype, "no array");
  } else {
    memcpy(v->written, v->shape, sizeof v->written);
    if (H5Pget_layout(plist) == H5D_CHUNKED && H5Pget_chunk(plist, H5S_MAX_RANK, chunk) == v->rank)
      for (int a = 0; a < v->rank; a++)
        v->chunk[a] = (int64_t)chunk[a];
    list_filters(plist, v);
  }
  H5Pclose(plist);
}

/* The variable is called `name`, but for netCDF-4's mark. */
static fx_variable *new_variable (fx_container *c, const char *name) {
  const char *plain = fx_h5_without_mark(name), *last = strrchr(name, '/');
  if (!plain)
    return fx_container_add(c, name);
  char *path = fx_calloc(strlen(name) + 1, 1);
  if (!path)
    return NULL;
  memcpy(path, name, last ? (size_t)(last + 1 - name) : 0);
  strcat(path, plain);
  fx_variable *v = fx_container_add(c, path);
  fx_free(path);
  return v && (v->stored_as = fx_strdup(name)) ? v : NULL;
}

static fx_status list_dataset (fx_container *c, hid_t data, const char *name, const char *target) {
  h5_own *own = c->own;
  FX_TRY(fx_h5_check_header(data, c->path, c->size));
  bool placeholder;
  FX_TRY(fx_h5_placeholder(data, &own->dimensions, &placeholder));
  if (placeholder)
    return FX_OK;
  fx_variable *v = new_variable(c, name);
  if (!v || (target && !(v->target = fx_strdup(target))))
    return FX_ENOMEM;
  const hid_t type = H5Dget_type(data), space = H5Dget_space(data);
  if (type >= 0)
    spell_type(type, v);
  list_layout(data, space, v);
  fx_h5_note_writer(data, v->number ? v->dtype : "", &own->dimensions);
  fx_status st = fx_h5_read_axes(data, v, c->count - 1, &own->dimensions);
  fx_attributes a = { 0 };
  if (st == FX_OK && v->number)
    st = attributes_of(c, data, &a);
  if (st == FX_OK && v->number)
    st = fx_packing_of(&v->packing, v->dtype, &a);
  fx_attributes_clear(&a);
  H5Sclose(space);
  H5Tclose(type);
  return st;
}

static fx_status list_unreadable (fx_container *c, const char *name) {
  fx_variable *v = fx_container_add(c, name);
  if (!v || !(v->axes = fx_strdup("")))
    return FX_ENOMEM;
  snprintf(v->dtype, sizeof v->dtype, "unreadable");
  return FX_OK;
}

static fx_status check_count (const fx_container *c) {
  if (c->count + c->groups.count + c->notes.count < MOST_OBJECTS)
    return FX_OK;
  return fx_fail(FX_EFORMAT, "%s has more than %d objects", c->path, MOST_OBJECTS);
}

typedef struct {
  fx_container *c;
  const char *link,
      *target; /* of a symbolic link to a group, whose members are listed below it; or NULL */
  fx_status st;
} object_visit;

/* The object `name` below `at`, which is to be called `path`. */
static fx_status list_object (object_visit *v, hid_t at, const char *name, H5O_type_t type,
                              const char *path) {
  FX_TRY(check_count(v->c));
  if (type == H5O_TYPE_GROUP)
    return fx_container_add_group(v->c, path);
  if (type != H5O_TYPE_DATASET)
    return FX_OK;
  const hid_t data = H5Dopen2(at, name, H5P_DEFAULT);
  if (data < 0) /* damaged, or of a later HDF5: what can be read is still of use */
    return list_unreadable(v->c, path);
  const fx_status st = list_dataset(v->c, data, path, v->target);
  H5Dclose(data);
  return st;
}

static herr_t visit_object (hid_t at, const char *name, const H5O_info_t *info, void *context) {
  object_visit *v = context;
  char path[1024];
  if (strcmp(name, ".") == 0)
    return 0;
  const int n = snprintf(path, sizeof path, "%s/%s", v->link ? v->link : "", name);
  if (!v->link)
    v->st = list_object(v, at, name, info->type, name);
  else if (n < (int)sizeof path)
    v->st = list_object(v, at, name, info->type, path);
  return v->st != FX_OK;
}

/* Whether `target`, a group that the link at `name` leads to, is one that the link is in. */
static bool is_above (const char *name, const char *target) {
  const size_t n = strlen(target + (*target == '/'));
  return *target != '/' ? strcmp(target, ".") == 0
                        : n == 0 || (strncmp(name, target + 1, n) == 0 && name[n] == '/');
}

static fx_status list_link (void *context, const char *name, const char *target, hid_t object) {
  fx_container *c = context;
  char text[512];
  FX_TRY(check_count(c));
  if (object < 0) {
    snprintf(text, sizeof text, "'%.200s' is a link to '%.200s', which is not in this file", name,
             target);
    return fx_container_add_note(c, text);
  }
  object_visit v = { c, name, target, FX_OK };
  if (H5Iget_type(object) == H5I_DATASET)
    return list_dataset(c, object, name, target);
  if (H5Iget_type(object) == H5I_GROUP && !is_above(name, target))
    H5Ovisit2(object, H5_INDEX_NAME, H5_ITER_INC, visit_object, &v, H5O_INFO_BASIC);
  return v.st;
}

static fx_status note_external (void *context, const char *name, const char *file,
                                const char *target) {
  fx_container *c = context;
  char text[800];
  FX_TRY(check_count(c));
  snprintf(text, sizeof text,
           "'%.200s' is a link to '%.200s' in another file, which is not followed: give '%.200s' "
           "itself",
           name, target, file);
  return fx_container_add_note(c, text);
}

/* Whether a file is called as netCDF files are. */
static bool named_netcdf (const char *path) {
  static const char *const ends[] = { ".nc", ".nc4", ".cdf", ".netcdf" };
  const char *dot = strrchr(path, '.');
  for (size_t i = 0; i < sizeof ends / sizeof *ends && dot; i++)
    if (strcasecmp(dot, ends[i]) == 0)
      return true;
  return false;
}

/* netCDF's default fill values are missing in its files. In a file that only has dimension scales 9.97e36 is, too:
** no field holds it, while a byte of 255 may be a number. */
static fx_status add_default_fills (fx_container *c) {
  const fx_h5_dimensions *d = &((h5_own *)c->own)->dimensions;
  if (!d->netcdf && !d->scaled)
    return FX_OK;
  for (int64_t i = 0; i < c->count; i++) {
    fx_variable *v = &c->variables[i];
    if (v->number && (d->netcdf || v->dtype[1] == 'f'))
      FX_TRY(fx_packing_default(&v->packing, v->dtype));
  }
  return d->netcdf ? FX_OK
                   : fx_container_add_note(c, "its dimensions are netCDF's, its other marks are "
                                              "not there: 9.97e36, netCDF's fill value, is "
                                              "taken for missing");
}

static fx_status list_objects (fx_container *c) {
  object_visit v = { c, NULL, NULL, FX_OK };
  const fx_h5_link_visitor links = { c, list_link, note_external };
  h5_own *own = c->own;
  FX_TRY(fx_h5_check_header(own->file, c->path, c->size));
  own->dimensions.netcdf = H5Aexists(own->file, "_NCProperties") > 0 ||
                           H5Aexists(own->file, "_nc3_strict") > 0 || named_netcdf(c->path);
  const herr_t done =
      H5Ovisit2(own->file, H5_INDEX_NAME, H5_ITER_INC, visit_object, &v, H5O_INFO_BASIC);
  if (v.st == FX_OK && done < 0)
    return fx_h5_fail(FX_EFORMAT, "%s is damaged: its list of contents cannot be read", c->path);
  FX_TRY(v.st);
  FX_TRY(fx_h5_visit_links(own->file, &links));
  fx_h5_lengthen(&own->dimensions, c->variables);
  return add_default_fills(c);
}

/* --- reading --------------------------------------------------------------------------------- */

static void close_slot (h5_own *own, int k) {
  if (own->open[k].variable >= 0)
    H5Dclose(own->open[k].data);
  own->open[k].variable = -1;
  fx_h5_chunks_end(&own->open[k].chunks);
}

static fx_status open_dataset (fx_container *c, const fx_variable *v, hid_t *data) {
  const h5_own *own = c->own;
  const hid_t plist = H5Pcreate(H5P_DATASET_ACCESS);
  fx_h5_stay_inside(plist);
  if (v->chunk[0]) {
    int64_t slots;
    const int64_t bytes = fx_container_cache(v, &slots);
    H5Pset_chunk_cache(plist, (size_t)slots, (size_t)bytes, 1.0); /* 1: read chunks leave first */
  }
  *data = H5Dopen2(own->file, v->stored_as ? v->stored_as : v->path, plist);
  H5Pclose(plist);
  if (*data < 0)
    return fx_h5_fail(FX_EFORMAT, "%s: '%s' is damaged", c->path, v->path);
  const fx_status st = fx_h5_check_dataset(*data, c->path, v->path, c->size);
  if (st != FX_OK)
    H5Dclose(*data);
  return st;
}

/* The slot of the open dataset of variable i; the one unused for longest makes room. */
static fx_status slot_of (fx_container *c, int64_t i, int *slot) {
  h5_own *own = c->own;
  hid_t data;
  int oldest = 0;
  for (int k = 0; k < OPEN_DATASETS; k++) {
    if (own->open[k].variable == i) {
      own->open[k].used = ++own->clock;
      *slot = k;
      return FX_OK;
    }
    if (own->open[k].used < own->open[oldest].used)
      oldest = k;
  }
  FX_TRY(open_dataset(c, &c->variables[i], &data));
  close_slot(own, oldest);
  own->open[oldest].variable = i;
  own->open[oldest].data = data;
  own->open[oldest].used = ++own->clock;
  *slot = oldest;
  return FX_OK;
}

/* How much of a box along each axis is in the file; false if nothing is. *all: everything is. */
static bool written_part (const fx_variable *v, const int64_t *start, const int64_t *count,
                          int64_t *part, bool *all) {
  bool some = true;
  *all = true;
  for (int a = 0; a < v->rank; a++) {
    const int64_t left = v->written[a] - start[a];
    part[a] = left < 0 ? 0 : left < count[a] ? left : count[a];
    some &= part[a] > 0;
    *all &= part[a] == count[a];
  }
  return some;
}

/* A dimension is as long as its longest variable, which may lie about it: another one that is missing from there on
** must not cost hours of NaN. */
static fx_status check_length (const fx_container *c, const fx_variable *v) {
  double elements = 1.0;
  for (int a = 0; a < v->rank; a++)
    elements *= (double)v->shape[a];
  if (elements <= (double)c->size * FX_H5_BEST_RATIO)
    return FX_OK;
  return fx_fail(FX_EFORMAT,
                 "%s: '%s' has dimensions of %.3g elements, which a file of %" PRId64
                 " bytes cannot hold: it is damaged",
                 c->path, v->path, elements, c->size);
}

static void fill_with_nan (const fx_variable *v, const int64_t *count, bool wide, void *to) {
  int64_t n = 1;
  for (int a = 0; a < v->rank; a++)
    n *= count[a];
  for (int64_t i = 0; i < n; i++)
    if (wide)
      ((double *)to)[i] = NAN;
    else
      ((float *)to)[i] = NAN;
}

/* The part of a box of `count` from `start` on, into its place in the box. */
static fx_status read_part (const fx_container *c, const fx_variable *v, hid_t data,
                            const int64_t *start, const int64_t *count, const int64_t *part,
                            bool wide, void *to) {
  hsize_t from[FX_CONTAINER_AXES], size[FX_CONTAINER_AXES], whole[FX_CONTAINER_AXES];
  static const hsize_t corner[FX_CONTAINER_AXES];
  for (int a = 0; a < v->rank; a++) {
    from[a] = (hsize_t)start[a];
    size[a] = (hsize_t)part[a];
    whole[a] = (hsize_t)count[a];
  }
  const hid_t space = H5Dget_space(data);
  const hid_t memory = v->rank ? H5Screate_simple(v->rank, whole, NULL) : H5Screate(H5S_SCALAR);
  fx_status st = FX_OK;
  if ((v->rank && (H5Sselect_hyperslab(space, H5S_SELECT_SET, from, NULL, size, NULL) < 0 ||
                   H5Sselect_hyperslab(memory, H5S_SELECT_SET, corner, NULL, size, NULL) < 0)) ||
      H5Dread(data, wide ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, to) <
          0)
    st = fx_h5_fail(FX_EFORMAT, "%s: '%s' cannot be read: damaged", c->path, v->path);
  H5Sclose(memory);
  H5Sclose(space);
  return st;
}

static fx_status h5_read (fx_container *c, int64_t i, const int64_t *start, const int64_t *count,
                          bool wide, void *to) {
  const fx_variable *v = &c->variables[i];
  int64_t part[FX_CONTAINER_AXES];
  h5_own *own = c->own;
  bool all;
  int k;
  const bool some = written_part(v, start, count, part, &all);
  if (!all) {
    FX_TRY(check_length(c, v));
    fill_with_nan(v, count, wide, to);
  }
  if (!some)
    return FX_OK;
  FX_H5_TURN;
  FX_TRY(slot_of(c, i, &k));
  const hid_t data = own->open[k].data;
  FX_TRY(fx_h5_check_chunks(data, c->path, v, c->size, start, part, &own->open[k].chunks));
  return read_part(c, v, data, start, count, part, wide, to);
}

static fx_status h5_check (fx_container *c, int64_t i) {
  int slot;
  FX_H5_TURN;
  FX_TRY(slot_of(c, i, &slot));
  return check_length(c, &c->variables[i]);
}

/* A cache is fixed when a dataset is opened: the next read opens it again. */
static void h5_expect (fx_container *c, int64_t i) {
  h5_own *own = c->own;
  FX_H5_TURN;
  for (int k = 0; k < OPEN_DATASETS; k++)
    if (own->open[k].variable == i)
      close_slot(own, k);
}

static void h5_close (fx_container *c) {
  h5_own *own = c->own;
  FX_H5_TURN;
  for (int k = 0; k < OPEN_DATASETS; k++)
    close_slot(own, k);
  fx_h5_dimensions_end(&own->dimensions);
  H5Fclose(own->file);
  fx_free(own);
}

static fx_status open_and_list (fx_container *c) {
  static const fx_container_format format = { h5_read, h5_attributes, h5_close, h5_check,
                                              h5_expect };
  hid_t file;
  FX_H5_TURN;
  FX_TRY(fx_h5_open(c->path, &file));
  h5_own *own = fx_calloc(1, sizeof *own);
  if (!own) {
    H5Fclose(file);
    return FX_ENOMEM;
  }
  own->file = file;
  for (int k = 0; k < OPEN_DATASETS; k++)
    own->open[k].variable = -1;
  c->kind = "HDF5";
  c->format = &format;
  c->own = own;
  return list_objects(c);
}

/* Walks the whole index of a dataset's chunks. What cannot be opened is said by whoever reads it. */
static void walk_chunks (fx_container *c, int64_t i) {
  const h5_own *own = c->own;
  hsize_t chunks;
  int slot;
  if (!c->variables[i].number || slot_of(c, i, &slot) != FX_OK || !c->variables[i].chunk[0])
    return;
  const hid_t space = H5Dget_space(own->open[slot].data);
  H5Dget_num_chunks(own->open[slot].data, space, &chunks);
  H5Sclose(space);
}

static fx_status try_attributes (fx_container *c, const char *path) {
  fx_attributes a = { 0 };
  const fx_status st = h5_attributes(c, path, &a);
  fx_attributes_clear(&a);
  return st == FX_EARG ? FX_OK : st; /* an object that cannot be opened */
}

/* In the child: what is done at opening, and all that may be asked of the structure after it. */
static fx_status survey (const char *path, void *context) {
  fx_container *c = context;
  (void)path;
  FX_H5_TURN;
  FX_TRY(open_and_list(c));
  FX_TRY(fx_container_index(c));
  FX_TRY(try_attributes(c, ""));
  for (int64_t i = 0; i < c->groups.count; i++)
    FX_TRY(try_attributes(c, c->groups.list[i]));
  for (int64_t i = 0; i < c->count; i++) {
    FX_TRY(try_attributes(c, c->variables[i].path));
    walk_chunks(c, i);
  }
  return FX_OK;
}

fx_status fx_container_hdf5 (fx_container *c) {
  FX_TRY(fx_h5_door(c->path, survey, c));
  return open_and_list(c);
}
