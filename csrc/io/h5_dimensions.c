/* h5_dimensions.c - see h5_dimensions.h. */
#include "io/h5_dimensions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "io/h5.h"

struct fx_h5_axis {
  hobj_ref_t scale;
  int64_t variable, length; /* variable -1: a placeholder */
  int axis;
};

static fx_status note_axis (fx_h5_dimensions *d, struct fx_h5_axis axis) {
  FX_TRY(FX_GROW(d->axes, d->count, d->room));
  d->axes[d->count++] = axis;
  return FX_OK;
}

/* The reference to an open dataset, as a DIMENSION_LIST holds it. */
static bool reference_to (hid_t data, hobj_ref_t *scale) {
  return H5Rcreate(scale, data, ".", H5R_OBJECT, -1) >= 0;
}

/* Whether the attribute `key` is a text that begins so. FX_ENOMEM is the only failure. */
static fx_status has_text (hid_t data, const char *key, const char *beginning, bool *same) {
  char *text = NULL;
  *same = false;
  const hid_t attribute = H5Aexists(data, key) > 0 ? H5Aopen(data, key, H5P_DEFAULT) : -1;
  if (attribute < 0)
    return FX_OK;
  const fx_status st = fx_h5_attribute_text(attribute, key, &text);
  *same = st == FX_OK && strncmp(text, beginning, strlen(beginning)) == 0;
  fx_free(text);
  H5Aclose(attribute);
  return st == FX_ENOMEM ? st : FX_OK;
}

static fx_status is_scale (hid_t data, bool *scale) {
  return has_text(data, "CLASS", "DIMENSION_SCALE", scale);
}

/* How long the axes are, and which may grow; the rank, or 0 if there are more than `most` or none. */
static int extent (hid_t data, int most, hsize_t *length, hsize_t *limit) {
  hsize_t all[2][H5S_MAX_RANK];
  const hid_t space = H5Dget_space(data);
  const int rank = H5Sget_simple_extent_dims(space, all[0], all[1]);
  H5Sclose(space);
  if (rank < 1 || rank > most)
    return 0;
  memcpy(length, all[0], (size_t)rank * sizeof *length);
  memcpy(limit, all[1], (size_t)rank * sizeof *limit);
  return rank;
}

/* The dataset's own fill value, where its writer set one. */
static bool fill_value (hid_t data, double *value) {
  const hid_t plist = H5Dget_create_plist(data);
  H5D_fill_value_t set = H5D_FILL_VALUE_UNDEFINED;
  const bool found = plist >= 0 && H5Pfill_value_defined(plist, &set) >= 0 &&
                     set == H5D_FILL_VALUE_USER_DEFINED &&
                     H5Pget_fill_value(plist, H5T_NATIVE_DOUBLE, value) >= 0;
  H5Pclose(plist);
  return found;
}

/* A byte, or a number without sign, may be filled with its largest value by anyone. */
void fx_h5_note_writer (hid_t data, const char *dtype, fx_h5_dimensions *d) {
  double own, usual;
  d->netcdf |= H5Aexists(data, "_Netcdf4Dimid") > 0;
  if (d->netcdf || !*dtype || !(dtype[1] == 'f' || (dtype[1] == 'i' && dtype[2] != '1')))
    return;
  d->netcdf = fx_packing_fill(dtype, &usual) && fill_value(data, &own) &&
              (dtype[1] == 'f' ? (float)own == (float)usual : own == usual);
}

fx_status fx_h5_placeholder (hid_t data, fx_h5_dimensions *d, bool *placeholder) {
  hsize_t length[1], limit[1];
  struct fx_h5_axis axis = { .variable = -1 };
  FX_TRY(is_scale(data, placeholder));
  d->scaled |= *placeholder;
  if (*placeholder)
    FX_TRY(has_text(data, "NAME", "This is a netCDF dimension but not a netCDF variable",
                    placeholder));
  d->netcdf |= *placeholder;
  if (!*placeholder || extent(data, 1, length, limit) != 1 || !reference_to(data, &axis.scale))
    return FX_OK;
  axis.length = (int64_t)length[0];
  return note_axis(d, axis);
}

const char *fx_h5_without_mark (const char *name) {
  static const char mark[] = "_nc4_non_coord_";
  const char *last = strrchr(name, '/');
  last = last ? last + 1 : name;
  return strncmp(last, mark, sizeof mark - 1) == 0 ? last + sizeof mark - 1 : NULL;
}

/* --- the axes of a variable --------------------------------------------------------------------- */

/* The last part of the name of a scale. */
static const char *name_of (hid_t data, const hobj_ref_t *scale, char *name, size_t size) {
  const hid_t object = H5Rdereference2(data, H5P_DEFAULT, H5R_OBJECT, scale);
  const char *last = "?";
  if (object >= 0 && H5Iget_name(object, name, size) > 0)
    last = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
  if (object >= 0)
    H5Oclose(object);
  const char *marked = fx_h5_without_mark(last);
  return marked ? marked : last;
}

/* The first scale of each axis from DIMENSION_LIST; false where there is none. */
static bool scales_of (hid_t data, int rank, hobj_ref_t *scale, bool *known) {
  const hid_t attribute =
      H5Aexists(data, "DIMENSION_LIST") > 0 ? H5Aopen(data, "DIMENSION_LIST", H5P_DEFAULT) : -1;
  if (attribute < 0)
    return false;
  hvl_t list[FX_CONTAINER_AXES];
  const hid_t space = H5Aget_space(attribute), stored = H5Aget_type(attribute);
  const hid_t type = H5Tvlen_create(H5T_STD_REF_OBJ);
  const bool read = H5Sget_simple_extent_npoints(space) == rank && rank > 0 &&
                    H5Tget_class(stored) == H5T_VLEN && H5Aread(attribute, type, list) >= 0;
  for (int a = 0; a < rank && read; a++) {
    known[a] = list[a].len > 0;
    if (known[a])
      memcpy(&scale[a], list[a].p, sizeof scale[a]);
  }
  if (read)
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, list);
  H5Tclose(type);
  H5Tclose(stored);
  H5Sclose(space);
  H5Aclose(attribute);
  return read;
}

static fx_status note_unlimited (hid_t data, const fx_variable *v, int64_t i,
                                 const hobj_ref_t *scale, const bool *known, fx_h5_dimensions *d) {
  hsize_t length[FX_CONTAINER_AXES], limit[FX_CONTAINER_AXES];
  const int rank = extent(data, FX_CONTAINER_AXES, length, limit);
  for (int a = 0; a < rank && a < v->rank; a++)
    if (known[a] && limit[a] == H5S_UNLIMITED)
      FX_TRY(note_axis(d, (struct fx_h5_axis){ scale[a], i, (int64_t)length[a], a }));
  return FX_OK;
}

fx_status fx_h5_read_axes (hid_t data, fx_variable *v, int64_t i, fx_h5_dimensions *d) {
  char text[1024] = "", name[256];
  size_t used = 0;
  hobj_ref_t scale[FX_CONTAINER_AXES] = { 0 };
  bool known[FX_CONTAINER_AXES] = { false };
  if (scales_of(data, v->rank, scale, known)) {
    for (int a = 0; a < v->rank; a++) {
      const int n = snprintf(text + used, sizeof text - used, "%s%s", a ? " " : "",
                             known[a] ? name_of(data, &scale[a], name, sizeof name) : "?");
      used = used + (size_t)n < sizeof text ? used + (size_t)n : sizeof text - 1;
    }
  } else if (v->rank == 1) { /* a scale is its own axis */
    FX_TRY(is_scale(data, &known[0]));
    if (known[0])
      snprintf(text, sizeof text, "%s",
               strrchr(v->path, '/') ? strrchr(v->path, '/') + 1 : v->path);
    known[0] = known[0] && reference_to(data, &scale[0]);
  }
  FX_TRY(note_unlimited(data, v, i, scale, known, d));
  return (v->axes = fx_strdup(text)) ? FX_OK : FX_ENOMEM;
}

/* --- lengths ------------------------------------------------------------------------------------ */

static int by_scale (const void *a, const void *b) {
  const hobj_ref_t x = ((const struct fx_h5_axis *)a)->scale;
  const hobj_ref_t y = ((const struct fx_h5_axis *)b)->scale;
  return (x > y) - (x < y);
}

void fx_h5_lengthen (fx_h5_dimensions *d, fx_variable *variables) {
  if (!d->netcdf || d->count == 0)
    return;
  qsort(d->axes, (size_t)d->count, sizeof *d->axes, by_scale);
  for (int64_t first = 0, end; first < d->count; first = end) {
    int64_t longest = 0;
    for (end = first; end < d->count && d->axes[end].scale == d->axes[first].scale; end++)
      longest = d->axes[end].length > longest ? d->axes[end].length : longest;
    for (int64_t k = first; k < end; k++)
      if (d->axes[k].variable >= 0)
        variables[d->axes[k].variable].shape[d->axes[k].axis] = longest;
  }
}

void fx_h5_dimensions_end (fx_h5_dimensions *d) {
  fx_free(d->axes);
  *d = (fx_h5_dimensions){ 0 };
}
