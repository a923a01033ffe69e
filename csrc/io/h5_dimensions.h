/*
** h5_dimensions.h - the dimensions of an HDF5 file that netCDF-4, or another writer of dimension scales, has made.
**
** netCDF-4 keeps a dimension as a dataset (a scale), and with a variable references to the scales of its axes
** (DIMENSION_LIST). What is peculiar:
**   a dimension without a variable has a scale all the same, a placeholder, which is no variable;
**   a variable that has a dimension's name without being its coordinate is stored as _nc4_non_coord_NAME;
**   along an unlimited dimension a dataset holds what was written to it: the length of the dimension is that of the
**   longest, and the others are missing from there on.
** Files of old versions, and files that lost their attributes, do not say _NCProperties: h5_dimensions.netcdf is true,
** too, where a dimension has an id or a placeholder, or where a dataset's own fill value is a default of netCDF's,
** which HDF5 has no other reason to set.
*/
#ifndef FX_H5_DIMENSIONS_H
#define FX_H5_DIMENSIONS_H

#include <hdf5.h>

#include "io/container.h"

typedef struct {
  bool netcdf; /* the file was written by netCDF-4 */
  bool scaled; /* it has dimension scales, by whatever writer */
  int64_t count, room;
  struct fx_h5_axis *axes; /* those of unlimited length */
} fx_h5_dimensions;

/* Notes what says that netCDF-4 wrote the open dataset, whose type is `dtype` ("<f4"; "" if it is no number). */
void fx_h5_note_writer(hid_t data, const char *dtype, fx_h5_dimensions *d);

/* Whether the open dataset is a placeholder; its length is noted. */
fx_status fx_h5_placeholder(hid_t data, fx_h5_dimensions *d, bool *placeholder);

/* The part of a name behind netCDF-4's mark of a variable that is no coordinate, or NULL. */
const char *fx_h5_without_mark(const char *name);

/* Fills v->axes ("time lat lon", "" where unknown) of variable i, whose rank is known, and notes which may grow. */
fx_status fx_h5_read_axes(hid_t data, fx_variable *v, int64_t i, fx_h5_dimensions *d);

/* Gives each variable of a netCDF-4 file the length of its dimensions, once all have been listed. */
void fx_h5_lengthen(fx_h5_dimensions *d, fx_variable *variables);

void fx_h5_dimensions_end(fx_h5_dimensions *d);

#endif
