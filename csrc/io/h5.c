/*
** h5.c - see h5.h.
**
** Files are written with the format bounds of HDF5 1.8: its object headers and B-trees carry
** checksums, so a flipped bit in the structure is noticed, and every reader since 2008 knows them;
** and its attributes may exceed 64 KiB. Texts have a fixed length: those of variable length live in
** the global heap, which has no checksum, and HDF5 1.10.8 loops for ever on a damaged one (seen).
*/
#define _GNU_SOURCE /* memfd_create, recursive mutexes */
#include "io/h5.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/file.h"
#include "io/h5_lzf.h"

enum { MAX_TEXT = 64 << 20, REASON_SIZE = 160 };

static pthread_mutex_t turn = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

/* HDF5's exit handler flushes what it still holds; after a write that failed (a full disk) it does so
** again and crashes. Files are closed by us, so it is not needed; it must be declined before HDF5 is
** used for the first time. */
int fx_h5_turn_begin (void) {
  static bool begun;
  pthread_mutex_lock(&turn);
  if (!begun)
    H5dont_atexit();
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  if (!begun)
    fx_h5_lzf_register();
  begun = true;
  return 0;
}

void fx_h5_turn_end (const int *unused) {
  (void)unused;
  pthread_mutex_unlock(&turn);
}

/* To the child, a recursive lock that the parent's thread held is held by a stranger. */
int fx_h5_fork (void) {
  static const pthread_mutex_t fresh = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
  pthread_mutex_lock(&turn);
  const int child = fork();
  if (child == 0)
    turn = fresh;
  else
    pthread_mutex_unlock(&turn);
  return child;
}

/* --- errors ---------------------------------------------------------------------------------- */

/* Upward walk: the first entry is the innermost. One about a failed read or write goes on for lines
** about times and addresses; what the system said stands in it as  error message = '...'. */
static herr_t keep_first (unsigned n, const H5E_error2_t *e, void *context) {
  static const char mark[] = "error message = '";
  char *text = context;
  if (n > 0 || !e->desc)
    return 0;
  const char *said = strstr(e->desc, mark), *from = said ? said + strlen(mark) : e->desc;
  const size_t size = strcspn(from, said ? "'\n" : "\n");
  snprintf(text, REASON_SIZE, "%.*s", (int)size, from);
  return 0;
}

fx_status fx_h5_fail (fx_status status, const char *format, ...) {
  char text[1024];
  char reason[REASON_SIZE] = "no reason given";
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  const hid_t stack = H5Eget_current_stack(); /* a copy: walking clears nothing we need */
  H5Ewalk2(stack, H5E_WALK_UPWARD, keep_first, reason);
  const fx_status st = fx_fail(status, "%s (HDF5: %s)", text, reason);
  H5Eclose_stack(stack);
  return st;
}

/* --- files ----------------------------------------------------------------------------------- */

static hid_t access_plist (void) {
  const hid_t plist = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(plist, H5F_CLOSE_STRONG);
  return plist;
}

fx_status fx_h5_open (const char *path, hid_t *file) {
  int fd;
  int64_t size;
  FX_TRY(fx_file_open(path, &fd, &size)); /* the system's own words if it cannot be opened */
  close(fd);
  const hid_t plist = access_plist();
  H5Pset_file_locking(plist, 0, 1);
  *file = H5Fopen(path, H5F_ACC_RDONLY, plist);
  const fx_status st = *file >= 0
                           ? FX_OK
                           : fx_h5_fail(FX_EFORMAT,
                                        "%s cannot be opened as HDF5: it is cut off, damaged, or "
                                        "something else",
                                        path);
  H5Pclose(plist);
  return st;
}

static void keep_order (hid_t plist) {
  H5Pset_obj_track_times(plist, 0);
  H5Pset_attr_creation_order(plist, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
}

hid_t fx_h5_group_plist (void) {
  const hid_t plist = H5Pcreate(H5P_GROUP_CREATE);
  keep_order(plist);
  H5Pset_link_creation_order(plist, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  return plist;
}

hid_t fx_h5_dataset_plist (void) {
  const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(plist, 0);
  H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER); /* every element is written */
  return plist;
}

fx_status fx_h5_create (const char *temporary, hid_t *file) {
  int fd;
  FX_TRY(fx_file_create(temporary, &fd)); /* permission, missing folder: the system's own words */
  close(fd);
  const hid_t access = access_plist(), create = H5Pcreate(H5P_FILE_CREATE);
  H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
  keep_order(create);
  H5Pset_link_creation_order(create, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  *file = H5Fcreate(temporary, H5F_ACC_TRUNC, create, access);
  fx_status st = FX_OK;
  if (*file < 0) {
    st = fx_h5_fail(FX_EIO, "cannot create %s", temporary);
    unlink(temporary);
  }
  H5Pclose(access);
  H5Pclose(create);
  return st;
}

fx_status fx_h5_reopen (const char *temporary, hid_t *file) {
  int fd;
  int64_t size;
  FX_TRY(fx_file_open(temporary, &fd, &size));
  close(fd);
  const hid_t access = access_plist();
  H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
  H5Pset_file_locking(access, 0, 1); /* a child of a killed writer may still hold HDF5's lock */
  *file = H5Fopen(temporary, H5F_ACC_RDWR, access);
  const fx_status st =
      *file >= 0
          ? FX_OK
          : fx_h5_fail(FX_EFORMAT, "cannot go on writing %s; remove it to begin anew", temporary);
  H5Pclose(access);
  return st;
}

/* After a write that failed HDF5 tries it again when it closes, fails again, and keeps the file, its
** space on the disk and a state in which the next flush of everything crashes. So what it still
** holds goes elsewhere: into memory, which dies with the descriptor. */
void fx_h5_drop (hid_t file, const char *temporary) {
  void *handle = NULL;
  const int memory = memfd_create("dropped", MFD_CLOEXEC);
  if (memory >= 0 && H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) >= 0 && handle)
    dup2(memory, *(const int *)handle);
  if (memory >= 0)
    close(memory);
  H5Fclose(file);
  if (temporary)
    unlink(temporary);
}

fx_status fx_h5_finish (hid_t file, const char *temporary, const char *path) {
  const herr_t flushed = H5Fflush(file, H5F_SCOPE_GLOBAL);
  if (flushed < 0) {
    const fx_status st = fx_h5_fail(FX_EIO, "cannot write %s: is the disk full?", path);
    fx_h5_drop(file, temporary);
    return st;
  }
  if (H5Fclose(file) < 0) {
    unlink(temporary);
    return fx_h5_fail(FX_EIO, "cannot close %s: is the disk full?", path);
  }
  return fx_file_commit(temporary, path);
}

/* --- checks ---------------------------------------------------------------------------------- */

static fx_status check_filters (hid_t plist, const char *path, const char *name) {
  const int n = H5Pget_nfilters(plist);
  for (int i = 0; i < n; i++) {
    unsigned flags, config, values[1];
    size_t count = 0;
    char filter[64] = "";
    const H5Z_filter_t id =
        H5Pget_filter2(plist, (unsigned)i, &flags, &count, values, sizeof filter, filter, &config);
    if (id >= 0 && H5Zfilter_avail(id) <= 0)
      return fx_fail(FX_EUNSUPPORTED,
                     "%s: dataset '%s' is compressed with filter %d (%s), which "
                     "this HDF5 lacks; point HDF5_PLUGIN_PATH at its plugin, or repack the file: "
                     "h5repack -f GZIP=1 IN OUT",
                     path, name, (int)id, *filter ? filter : "unnamed");
  }
  return FX_OK;
}

/* Element bytes in memory are at most 8, in the file possibly fewer: count the larger. Chunks may be compressed or
** never written, and so may be all of a contiguous dataset. */
static fx_status check_size (hid_t dataset, hid_t plist, const char *path, const char *name,
                             int64_t file_size) {
  const hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  const size_t size = H5Tget_size(type);
  H5Tclose(type);
  H5Sclose(space);
  const int chunked = H5Pget_layout(plist) == H5D_CHUNKED;
  const hsize_t stored = H5Dget_storage_size(dataset);
  const bool sparse = chunked || stored == 0;
  const double most = (double)file_size * (sparse ? FX_H5_BEST_RATIO : 1);
  if (count < 0 || (double)count * (double)size > most)
    return fx_fail(FX_EFORMAT,
                   "%s: dataset '%s' claims more elements than a file of %" PRId64
                   " bytes can hold: it is damaged, or was never written",
                   path, name, file_size);
  if (!chunked && stored > 0 && (double)count * (double)size > (double)stored)
    return fx_fail(FX_EFORMAT,
                   "%s: dataset '%s' has %" PRIu64 " bytes, fewer than its shape says: damaged",
                   path, name, (uint64_t)stored);
  hsize_t chunk[H5S_MAX_RANK];
  double bytes = (double)size;
  const int rank = chunked ? H5Pget_chunk(plist, H5S_MAX_RANK, chunk) : 0;
  for (int i = 0; i < rank; i++)
    bytes *= (double)chunk[i];
  if (bytes > most)
    return fx_fail(FX_EFORMAT, "%s: dataset '%s' has chunks of %.3g bytes in a file of %" PRId64,
                   path, name, bytes, file_size);
  return FX_OK;
}

fx_status fx_h5_check_dataset (hid_t dataset, const char *path, const char *name,
                               int64_t file_size) {
  const hid_t plist = H5Dget_create_plist(dataset);
  if (plist < 0)
    return fx_h5_fail(FX_EFORMAT, "%s: dataset '%s' is damaged", path, name);
  const H5D_layout_t layout = H5Pget_layout(plist);
  const bool elsewhere = layout == H5D_VIRTUAL || H5Pget_external_count(plist) > 0;
  char source[256] = "other files";
  fx_status st = FX_OK;
  if (layout == H5D_VIRTUAL) {
    H5Pget_virtual_filename(plist, 0, source, sizeof source);
    st = fx_fail(FX_EFORMAT,
                 "%s: dataset '%s' is virtual: its numbers are in %s%s%s, which is not opened from "
                 "here; give what it is made of itself, or copy it into one file",
                 path, name, strcmp(source, ".") ? "'" : "",
                 strcmp(source, ".") ? source : "another dataset", strcmp(source, ".") ? "'" : "");
  } else if (elsewhere) {
    st = fx_fail(FX_EFORMAT,
                 "%s: dataset '%s' keeps its numbers in other files: refused; copy "
                 "them into one file",
                 path, name);
  }
  if (st == FX_OK)
    st = check_filters(plist, path, name);
  if (st == FX_OK && !elsewhere)
    st = check_size(dataset, plist, path, name, file_size);
  H5Pclose(plist);
  return st;
}

fx_status fx_h5_shape (hid_t space, int most, int *ndim, int64_t *shape) {
  hsize_t dims[H5S_MAX_RANK];
  const int n = H5Sget_simple_extent_type(space) == H5S_NULL
                    ? -1
                    : H5Sget_simple_extent_dims(space, dims, NULL);
  if (n < 0)
    return fx_fail(FX_EFORMAT, "it has no elements, not even none (a null dataspace)");
  for (int i = 0; i < n && i < most; i++) {
    if (dims[i] > INT64_MAX)
      return fx_fail(FX_EFORMAT, "an axis has an absurd size");
    shape[i] = (int64_t)dims[i];
  }
  *ndim = n;
  return FX_OK;
}

bool fx_h5_is_number (hid_t type) {
  const H5T_class_t class = H5Tget_class(type);
  return class == H5T_INTEGER || class == H5T_FLOAT || class == H5T_ENUM;
}

/* --- texts ----------------------------------------------------------------------------------- */

/* Attributes and datasets are read by different functions that do the same. */
typedef struct {
  hid_t id;
  bool attribute;
} holder;

static herr_t read_holder (holder h, hid_t type, void *to) {
  return h.attribute ? H5Aread(h.id, type, to)
                     : H5Dread(h.id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, to);
}

static fx_status copy_variable (holder h, hid_t type, hid_t space, const char *name, char **text) {
  char *value = NULL;
  fx_status st = FX_OK;
  if (read_holder(h, type, &value) < 0)
    return fx_h5_fail(FX_EFORMAT, "the text '%s' cannot be read", name);
  if (!(*text = fx_strdup(value ? value : "")))
    st = FX_ENOMEM;
  H5Dvlen_reclaim(type, space, H5P_DEFAULT, &value);
  return st;
}

static fx_status copy_fixed (holder h, hid_t type, const char *name, char **text) {
  const size_t size = H5Tget_size(type);
  if (size == 0 || size > MAX_TEXT)
    return fx_fail(FX_EFORMAT, "the text '%s' claims %zu bytes", name, size);
  char *value = fx_alloc(size + 1);
  if (!value)
    return FX_ENOMEM;
  if (read_holder(h, type, value) < 0) {
    fx_free(value);
    return fx_h5_fail(FX_EFORMAT, "the text '%s' cannot be read", name);
  }
  value[size] = '\0';
  if (H5Tget_strpad(type) == H5T_STR_SPACEPAD) /* Fortran */
    for (size_t n = strlen(value); n > 0 && value[n - 1] == ' '; n--)
      value[n - 1] = '\0';
  *text = value;
  return FX_OK;
}

/* Takes over type and space. */
static fx_status read_text (holder h, hid_t type, hid_t space, const char *name, char **text) {
  fx_status st;
  if (H5Tget_class(type) != H5T_STRING || H5Sget_simple_extent_npoints(space) != 1)
    st = fx_fail(FX_EARG, "'%s' is not a single text", name);
  else if (H5Tis_variable_str(type) > 0)
    st = copy_variable(h, type, space, name, text);
  else
    st = copy_fixed(h, type, name, text);
  H5Tclose(type);
  H5Sclose(space);
  return st;
}

fx_status fx_h5_attribute_text (hid_t attribute, const char *name, char **text) {
  return read_text((holder){ attribute, 1 }, H5Aget_type(attribute), H5Aget_space(attribute), name,
                   text);
}

fx_status fx_h5_dataset_text (hid_t dataset, const char *name, char **text) {
  return read_text((holder){ dataset, 0 }, H5Dget_type(dataset), H5Dget_space(dataset), name, text);
}

/* --- writing attributes ---------------------------------------------------------------------- */

/* `there`: it exists, has this type, and is written over in its place. */
static fx_status write_attribute (hid_t object, const char *key, bool there, hid_t file_type,
                                  hid_t memory_type, const void *value) {
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t attribute = there
                              ? H5Aopen(object, key, H5P_DEFAULT)
                              : H5Acreate2(object, key, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
  fx_status st = FX_OK;
  if (attribute < 0 || H5Awrite(attribute, memory_type, value) < 0)
    st = fx_h5_fail(FX_EIO, "cannot write the attribute '%.200s'", key);
  if (attribute >= 0)
    H5Aclose(attribute);
  H5Sclose(space);
  return st;
}

fx_status fx_h5_write_text (hid_t object, const char *key, const char *text) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, strlen(text) + 1);
  H5Tset_cset(type, H5T_CSET_UTF8);
  const fx_status st = write_attribute(object, key, false, type, type, text);
  H5Tclose(type);
  return st;
}

fx_status fx_h5_write_number (hid_t object, const char *key, double value) {
  return write_attribute(object, key, H5Aexists(object, key) > 0, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE,
                         &value);
}

/* --- types ----------------------------------------------------------------------------------- */

/* A 16-bit float: sign 15, exponent of `bits` above a mantissa of 15 - bits. */
static hid_t small_float (size_t bits, size_t bias) {
  const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  if (H5Tset_fields(type, 15, 15 - bits, bits, 0, 15 - bits) < 0 || H5Tset_size(type, 2) < 0 ||
      H5Tset_ebias(type, bias) < 0) {
    H5Tclose(type);
    return -1;
  }
  return type;
}

hid_t fx_h5_type_of (fx_dtype dtype) {
  switch (dtype) {
  case FX_F32: return H5Tcopy(H5T_IEEE_F32LE);
  case FX_F64: return H5Tcopy(H5T_IEEE_F64LE);
  case FX_F16: return small_float(5, 15);
  case FX_BF16: return small_float(8, 127);
  }
  return -1;
}
