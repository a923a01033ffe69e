/*
** container_parts.h - what the readers of one format share with container.c and container_open.c.
*/
#ifndef FX_CONTAINER_PARTS_H
#define FX_CONTAINER_PARTS_H

#include <pthread.h>

#include "io/container.h"
#include "io/element.h"
#include "io/zip.h"

/* What a format does. `count` has no zeros here; `to` takes floats, or doubles if `wide`. */
typedef struct {
  fx_status (*read)(fx_container *c, int64_t i, const int64_t *start, const int64_t *count,
                    bool wide, void *to);
  fx_status (*attributes)(fx_container *c, const char *path, fx_attributes *to);
  void (*close)(fx_container *c);                 /* frees `own` */
  fx_status (*check)(fx_container *c, int64_t i); /* NULL: anything can be read */
  void (*expect)(fx_container *c, int64_t i); /* variable i has another `visit`; NULL: no matter */
} fx_container_format;

typedef struct {
  char **list;
  int64_t count, room;
} fx_texts;

struct fx_container {
  pthread_mutex_t turn; /* formats read one box at a time: they keep streams and open datasets */
  const char *kind;
  const fx_container_format *format;
  char *path;
  int64_t size; /* of the file, bytes */
  int64_t count, room;
  fx_variable *variables;
  int64_t *slots, slot_count, indexed; /* of fx_container_index: a table, how many are in it */
  fx_texts groups, notes;
  void *own; /* the format's */
};

/* One more variable, zeroed but for its path (copied), or NULL. The pointer lives until the next. */
fx_variable *fx_container_add(fx_container *c, const char *path);
fx_status fx_container_add_group(fx_container *c, const char *path);
fx_status fx_container_add_note(fx_container *c, const char *sentence);

/* Makes fx_container_find quick, once all variables have been added. */
fx_status fx_container_index(fx_container *c);

/* The formats. Each adds its variables to `c` and sets kind, format and own. */
fx_status fx_container_hdf5(fx_container *c);
fx_status fx_container_netcdf3(fx_container *c);
fx_status fx_container_npy(fx_container *c);
fx_status fx_container_npz(fx_container *c);

/* --- arrays that lie in the file as they are (netCDF-3, npy): container_plain.c ---------------- */

typedef struct {
  fx_element element;
  bool big;                          /* big-endian */
  int64_t offset;                    /* of element 0 */
  int64_t stride[FX_CONTAINER_AXES]; /* bytes from one index to the next */
  fx_zip_entry *entry;               /* npz: offsets count from its first byte */
  struct fx_zip_stream *stream;      /* which is read, or NULL yet */
  fx_attributes attributes;
} fx_plain_variable;

typedef struct {
  int fd;
  fx_zip *zip;                  /* npz */
  fx_plain_variable *variables; /* parallel to the container's */
  int64_t count, room;
  fx_attributes attributes; /* of the file */
} fx_plain;

fx_status fx_plain_new(fx_container *c, fx_plain **out); /* sets c->own */

/* One more variable, in the container and here. */
fx_status fx_plain_add(fx_container *c, const char *path, fx_variable **v, fx_plain_variable **p);

/* Row-major or (Fortran) column-major strides for v's shape. */
void fx_plain_strides(const fx_variable *v, fx_plain_variable *p, bool fortran);

#endif
