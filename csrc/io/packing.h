/*
** packing.h - what the stored numbers of a variable mean: which stand for nothing, how the others are unpacked.
**
** The rules are those of CF and the NetCDF Users Guide, as the library netCDF4 for Python (1.7) applies them, since
** its numbers are what users compare with:                [NUG, Attribute Conventions; CF conventions, 2.5.1 and 8.1]
**   _FillValue, and every number of missing_value, stand for nothing; NaN always does;
**   a netCDF variable without _FillValue has the default fill value of its type, bytes included;
**   so do numbers outside valid_range, or else below valid_min or above valid_max. These are given in packed units,
**   and count only if the variable's type can hold them; if it cannot, they are not used, and that is said;
**   _Unsigned = "true": stored signed integers, and the attributes above, are read as unsigned ones;
**   value = stored * scale_factor + add_offset, in double precision whatever the attributes' types.
** In two cases we do not follow that library: a missing_value that an f32 variable can hold only after rounding (1e20
** written as f64) does stand for nothing, where netCDF4 warns and hands out 1e20; and a scale_factor or add_offset
** that is not one number refuses the variable, where netCDF4 warns and hands out packed numbers.
*/
#ifndef FX_PACKING_H
#define FX_PACKING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct fx_attributes; /* attributes.h */

typedef struct {
  bool scaled, bounded;
  double scale, offset;
  double wrap; /* _Unsigned: what is added to stored numbers below 0; 0: nothing */
  int64_t n;   /* how many of `missing`, ascending, in stored units (after wrap) */
  double *missing;
  double least, most; /* bounded: of numbers that are valid, in stored units (after wrap) */
  bool filled;        /* there is a _FillValue: the type's default is a number as any other */
  char unused[64];    /* names of attributes that the type cannot hold */
  char refused[32];   /* the attribute that makes the variable unreadable; "": it can be read */
} fx_packing;

/* From the attributes of a variable of this type ("<f4", as numpy spells it); *p is all zeros before. */
fx_status fx_packing_of(fx_packing *p, const char *dtype, const struct fx_attributes *a);

/* netCDF's default fill value of the type; false where it has none. */
bool fx_packing_fill(const char *dtype, double *value);

/* Adds netCDF's default fill value of the type, if there is no _FillValue. */
fx_status fx_packing_default(fx_packing *p, const char *dtype);

void fx_packing_end(fx_packing *p);

/* Whether stored numbers are the values as they are. */
bool fx_packing_plain(const fx_packing *p);

/* The value of a stored number, NaN if it stands for nothing. */
double fx_packing_value(const fx_packing *p, double stored);

#endif
