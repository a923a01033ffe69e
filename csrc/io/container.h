/*
** container.h - files of arrays, whatever wrote them: HDF5 (so netCDF-4 and MATLAB 7.3), netCDF-3
** (classic, 64-bit offset, 64-bit data), .npy and .npz.
**
** A container is a list of variables, each a rectangle of numbers with a path, and attributes. Any
** box of a variable is read as f32 or f64 without touching the rest of the file, so files may be
** larger than memory. What the axes mean is decided in Lua (lua/flexlab/formats).
**
** A container may be read by several threads, which take turns; it is opened and closed by one.
**
** netCDF's packing is undone, and what is missing is NaN (packing.h).
**
** Files are hostile. HDF5 1.10's own parser can crash or loop on damaged files, so the structure of
** an HDF5 file is read in a child process first, and only read here if the child came through
** (h5_door.c). Reading numbers later is not guarded that way: HDF5's filters and chunk index
** run in this process, on a structure that the child has already walked.
*/
#ifndef FX_CONTAINER_H
#define FX_CONTAINER_H

#include "io/attributes.h"
#include "io/packing.h"
#include "tensor/tensor.h"

#define FX_CONTAINER_AXES 8

typedef struct {
  char *path;     /* inside the file, without a leading slash */
  char dtype[16]; /* as numpy writes it: "<f4", ">i2"; "text", "compound", ... if not numbers */
  bool number;
  int rank; /* at most FX_CONTAINER_AXES for numbers */
  int64_t shape[FX_CONTAINER_AXES];
  int64_t chunk[FX_CONTAINER_AXES]; /* chunk[0] = 0: contiguous */
  char *axes;                       /* names of the axes, "time lat lon", "" where unknown */
  char filters[64];                 /* "shuffle gzip", "" without compression */
  char *stored_as;                  /* its name in the file where that is another; else NULL */
  int64_t written
      [FX_CONTAINER_AXES]; /* HDF5: how much of `shape` is in the file; beyond it all is missing */
  char *target;            /* of a symbolic link inside the file: what it leads to; else NULL */
  fx_packing packing;
  int64_t visit[FX_CONTAINER_AXES]; /* fx_container_expect; visit[0] = 0: nothing is known */
} fx_variable;

typedef struct fx_container fx_container;

/* Opens for reading. Errors: FX_EIO (cannot be opened), FX_EFORMAT (none of these formats, damaged,
** cut off). Variables that cannot be read (a filter that is not installed) are listed all the
** same; reading them is FX_EUNSUPPORTED. */
fx_status fx_container_open(const char *path, fx_container **out);
void fx_container_close(fx_container *c); /* NULL is ignored */

const char *fx_container_kind(const fx_container *c); /* "HDF5", "netCDF-3", "npy", "npz" */
const char *fx_container_path(const fx_container *c);
int64_t fx_container_count(const fx_container *c);
const fx_variable *fx_container_at(const fx_container *c, int64_t i);
int64_t fx_container_find(const fx_container *c, const char *path); /* -1: none */
int64_t fx_container_groups(const fx_container *c);
const char *fx_container_group(const fx_container *c, int64_t i);

/* What the file names and is not among the variables, as sentences: links to other files, which are not followed,
** and links that lead nowhere. */
int64_t fx_container_notes(const fx_container *c);
const char *fx_container_note(const fx_container *c, int64_t i);

/* Attributes of a variable or group; "" is the file. New; free with fx_attributes_free. Those that
** are neither numbers nor texts are left out. */
fx_status fx_container_attributes(fx_container *c, const char *path, fx_attributes **out);

/* The box start .. start+count-1 of variable i as a new tensor of `dtype` (f32 or f64). An axis
** whose count is 0 is taken at `start` alone and dropped from the result, which may have at most
** FX_MAX_DIMS axes. FX_EARG if the box does not lie in the variable. */
fx_status fx_container_read(fx_container *c, int64_t i, const int64_t *start, const int64_t *count,
                            fx_dtype dtype, fx_tensor **out);

/* Whether variable i can be read here at all: FX_EUNSUPPORTED for a filter that is not installed (named),
** FX_EFORMAT for more numbers than the file can hold, or numbers that lie in other files. */
fx_status fx_container_check(fx_container *c, int64_t i);

/*
** Says that boxes of up to `count` (at least 1 an axis) of variable i are going to be read, each in one or
** several reads that follow each other: HDF5's cache of decoded chunks then holds what one such visit
** touches, so that a chunk is decoded once a visit, and no more, so that a thousand open files stay small.
** Without it the cache holds a whole field, and at least 64 MiB. FX_EARG where count is below 1.
*/
fx_status fx_container_expect(fx_container *c, int64_t i, const int64_t *count);

/* How many bytes of decoded chunks of variable i are kept, and in how many places of a table; 0 where the
** file is not chunked HDF5. */
int64_t fx_container_cache(const fx_variable *v, int64_t *slots);

typedef struct {
  int64_t count, nan, infinite; /* count: of the finite ones, which the rest is about */
  double mean, std, min, max;   /* std: population */
} fx_statistics;

/* Over all of variable i, in blocks of about 32 MiB. FX_EINTR after Ctrl-C twice. */
fx_status fx_container_statistics(fx_container *c, int64_t i, fx_statistics *out);

#endif
