/*
** h5_archive_load.c - HDF5 files into archives. See archive.h.
**
** A file is loaded twice: first in a child process (h5_door.h), whose archive is thrown away, then here. Tensors that
** lie in the file as we write them, number after number, are fetched from it by their offset, without HDF5, and
** only here; so the first time costs what the structure and the texts cost, not what the weights do.
**
** Only hard links are followed: a soft or external link could name anything, also outside the
** file. A file can still link a group into itself; depth and number of objects are capped.
*/
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "io/archive.h"
#include "io/file.h"
#include "io/h5.h"
#include "io/h5_chunk.h"
#include "io/h5_door.h"
#include "io/h5_header.h"

enum {
  MAX_DEPTH = 32,
  MAX_NAME = 1024,
  MAX_OBJECTS = 1 << 20,
  DATA_FACTOR = 8 /* a dataset may be linked under several names, but hardly eight */
};

typedef struct {
  const char *path;
  hid_t file;
  fx_archive *archive;
  char name[MAX_NAME]; /* of the object being read; "" is the root */
  int64_t file_size, budget, objects;
  int depth;
  bool surveys;     /* in the child: the numbers that HDF5 has no hand in are not fetched */
  fx_status status; /* of the failure that stopped an iteration */
} reader;

/* --- one dataset ----------------------------------------------------------------------------- */

/* The dtype that keeps a file type's bits, or the nearest that holds its values. */
static fx_dtype dtype_for (hid_t type) {
  const size_t size = H5Tget_size(type);
  if (H5Tget_class(type) != H5T_FLOAT || size > 4)
    return FX_F64;
  if (size == 4)
    return FX_F32;
  size_t sign, exponent, bits, mantissa, mantissa_bits;
  if (H5Tget_fields(type, &sign, &exponent, &bits, &mantissa, &mantissa_bits) < 0)
    return FX_F32;
  return size != 2 ? FX_F32 : bits == 5 ? FX_F16 : bits == 8 ? FX_BF16 : FX_F32;
}

static const char *class_name (hid_t type) {
  switch (H5Tget_class(type)) {
  case H5T_STRING: return "texts";
  case H5T_COMPOUND: return "compound (complex numbers, for one)";
  case H5T_REFERENCE: return "references";
  case H5T_VLEN: return "lists of varying length";
  case H5T_ARRAY: return "arrays";
  case H5T_OPAQUE: return "opaque bytes";
  default: return "of a type unknown here";
  }
}

/* Compressions whose decoding we can measure; no writer of checkpoints uses another. */
static fx_status check_filters (const reader *r, hid_t plist) {
  const int n = H5Pget_nfilters(plist);
  for (int i = 0; i < n; i++) {
    unsigned flags, config;
    size_t count = 0;
    char name[64] = "";
    const H5Z_filter_t id =
        H5Pget_filter2(plist, (unsigned)i, &flags, &count, NULL, sizeof name, name, &config);
    if (id != H5Z_FILTER_DEFLATE && id != H5Z_FILTER_SHUFFLE && id != H5Z_FILTER_FLETCHER32 &&
        id != FX_H5_LZF)
      return fx_fail(FX_EUNSUPPORTED,
                     "dataset '%s' is packed by filter %d (%s), which no checkpoint uses: "
                     "h5repack -f NONE IN OUT",
                     r->name, (int)id, *name ? name : "unnamed");
  }
  return FX_OK;
}

/* Every chunk is as large as its shape says. */
static fx_status check_chunks (reader *r, hid_t dataset, hid_t plist, int ndim,
                               const int64_t *shape) {
  fx_variable v = { .path = r->name, .rank = ndim };
  const int64_t start[FX_MAX_DIMS] = { 0 };
  hsize_t chunk[H5S_MAX_RANK];
  fx_h5_chunks seen = { 0 };
  FX_TRY(check_filters(r, plist));
  if (H5Pget_chunk(plist, H5S_MAX_RANK, chunk) != ndim)
    return fx_fail(FX_EFORMAT, "dataset '%s' has chunks of another rank: damaged", r->name);
  for (int a = 0; a < ndim; a++) {
    v.shape[a] = shape[a];
    v.chunk[a] = (int64_t)chunk[a];
    if (shape[a] == 0)
      return FX_OK;
  }
  const fx_status st = fx_h5_check_chunks(dataset, r->path, &v, r->file_size, start, shape, &seen);
  fx_h5_chunks_end(&seen);
  return st;
}

/* Where the numbers begin in the file if they lie there as they will in memory, or -1. */
static int64_t offset_of (hid_t dataset, hid_t plist, hid_t type, hid_t memory) {
  const haddr_t at = H5Pget_layout(plist) == H5D_CONTIGUOUS && H5Tequal(type, memory) > 0
                         ? H5Dget_offset(dataset)
                         : HADDR_UNDEF;
  return at == HADDR_UNDEF || at > INT64_MAX ? -1 : (int64_t)at;
}

/* `plist` tells how the numbers are kept. */
static fx_status fetch_numbers (reader *r, hid_t dataset, hid_t plist, hid_t type, hid_t memory,
                                fx_tensor *t) {
  const int64_t bytes = fx_tensor_count(t) * (int64_t)fx_dtype_size(t->dtype);
  const int64_t at = offset_of(dataset, plist, type, memory);
  void *handle = NULL;
  if (at >= 0 && (bytes > r->file_size || at > r->file_size - bytes))
    return fx_fail(FX_EFORMAT,
                   "dataset '%s' ends behind the file's %" PRId64 " bytes: it is cut off", r->name,
                   r->file_size);
  if (at >= 0 && r->surveys)
    return FX_OK;
  if (at >= 0 && H5Fget_vfd_handle(r->file, H5P_DEFAULT, &handle) >= 0 && handle)
    return fx_file_read_at(*(const int *)handle, r->path, at, (size_t)bytes, t->data);
  return H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, t->data) >= 0
             ? FX_OK
             : fx_h5_fail(FX_EFORMAT, "dataset '%s' cannot be read", r->name);
}

static fx_status read_numbers (reader *r, hid_t dataset, hid_t space, hid_t type) {
  int ndim;
  int64_t shape[FX_MAX_DIMS];
  fx_tensor *t;
  const fx_dtype dtype = dtype_for(type);
  FX_TRY(fx_h5_shape(space, FX_MAX_DIMS, &ndim, shape));
  if (ndim > FX_MAX_DIMS)
    return fx_fail(FX_EFORMAT, "dataset '%s' has %d axes; tensors here have at most %d", r->name,
                   ndim, FX_MAX_DIMS);
  const int64_t bytes =
      (int64_t)H5Sget_simple_extent_npoints(space) * (int64_t)H5Tget_size(type); /* checked */
  const int64_t stored = (int64_t)H5Dget_storage_size(dataset), least = bytes / FX_H5_BEST_RATIO;
  if ((r->budget -= stored > least ? stored : least) < 0)
    return fx_fail(FX_EFORMAT,
                   "its datasets claim more data than a file of %" PRId64 " bytes can "
                   "hold",
                   r->file_size);
  const hid_t plist = H5Dget_create_plist(dataset), memory = fx_h5_type_of(dtype);
  fx_status st = FX_OK;
  if (H5Pget_layout(plist) == H5D_CHUNKED)
    st = check_chunks(r, dataset, plist, ndim, shape);
  if (st == FX_OK && (st = fx_tensor_new(dtype, ndim, shape, &t)) == FX_OK) {
    if (fx_tensor_count(t))
      st = fetch_numbers(r, dataset, plist, type, memory, t);
    if (st == FX_OK)
      st = fx_archive_add(r->archive, r->name, t);
    fx_tensor_release(t);
  }
  H5Tclose(memory);
  H5Pclose(plist);
  return st;
}

static fx_status read_dataset (reader *r, hid_t dataset) {
  const hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
  char *text = NULL;
  fx_status st = fx_h5_check_dataset(dataset, r->path, r->name, r->file_size);
  if (st != FX_OK) {
    /* the message is complete */
  } else if (fx_h5_is_number(type)) {
    st = read_numbers(r, dataset, space, type);
  } else if (H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1) {
    st = fx_h5_dataset_text(dataset, r->name, &text);
    if (st == FX_OK)
      st = fx_archive_set_text(r->archive, r->name, text);
    fx_free(text);
  } else {
    st = fx_fail(FX_EFORMAT, "dataset '%s' holds %s: neither numbers nor one text", r->name,
                 class_name(type));
  }
  H5Tclose(type);
  H5Sclose(space);
  return st;
}

/* --- the tree -------------------------------------------------------------------------------- */

static fx_status read_group(reader *r, hid_t group);

static fx_status read_object (reader *r, hid_t group, const char *link) {
  const hid_t object = H5Oopen(group, link, H5P_DEFAULT);
  if (object < 0)
    return fx_h5_fail(FX_EFORMAT, "'%s' is damaged", r->name);
  const H5I_type_t kind = H5Iget_type(object);
  fx_status st = FX_OK;
  if (++r->objects > MAX_OBJECTS)
    st = fx_fail(FX_EFORMAT, "it has more than %d objects", MAX_OBJECTS);
  else if ((st = fx_h5_check_header(object, r->path, r->file_size)) != FX_OK)
    ; /* the message is complete */
  else if (kind == H5I_GROUP)
    st = read_group(r, object);
  else if (kind == H5I_DATASET)
    st = read_dataset(r, object); /* named types are skipped: they hold no numbers */
  H5Oclose(object);
  return st;
}

static fx_status read_link (reader *r, hid_t group, const char *link, H5L_type_t kind) {
  const size_t length = strlen(r->name), n = strlen(link);
  if (length + n + 2 > sizeof r->name)
    return fx_fail(FX_EFORMAT, "a name below '%.100s' is too long", r->name);
  snprintf(r->name + length, sizeof r->name - length, "%s%s", length ? "/" : "", link);
  if (kind != H5L_TYPE_HARD)
    return fx_fail(FX_EFORMAT, "'%s' is a link to somewhere else: refused; copy the data itself",
                   r->name);
  FX_TRY(read_object(r, group, link));
  r->name[length] = '\0';
  return FX_OK;
}

static herr_t visit_link (hid_t group, const char *link, const H5L_info_t *info, void *context) {
  reader *r = context;
  r->status = read_link(r, group, link, info->type);
  return r->status == FX_OK ? 0 : 1; /* 1 stops without an HDF5 error */
}

/* In order of creation where the group records it, else by name. */
static H5_index_t order_of (hid_t group) {
  const hid_t plist = H5Gget_create_plist(group);
  unsigned flags = 0;
  if (plist >= 0) {
    H5Pget_link_creation_order(plist, &flags);
    H5Pclose(plist);
  }
  return flags & H5P_CRT_ORDER_TRACKED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
}

static fx_status read_group (reader *r, hid_t group) {
  hsize_t at = 0;
  if (++r->depth > MAX_DEPTH)
    return fx_fail(FX_EFORMAT, "its groups nest deeper than %d levels (or contain themselves)",
                   MAX_DEPTH);
  const herr_t done = H5Literate(group, order_of(group), H5_ITER_INC, &at, visit_link, r);
  if (done > 0)
    return r->status;
  if (done < 0)
    return fx_h5_fail(FX_EFORMAT, "the group '%s' is damaged", *r->name ? r->name : "/");
  r->depth--;
  return FX_OK;
}

/* --- attributes of the root ------------------------------------------------------------------ */

static fx_status read_attribute (reader *r, hid_t attribute, const char *name) {
  const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  const int single = H5Sget_simple_extent_npoints(space) == 1;
  const bool is_text = H5Tget_class(type) == H5T_STRING, is_number = fx_h5_is_number(type);
  H5Tclose(type);
  H5Sclose(space);
  if (single && is_text) {
    char *text;
    FX_TRY(fx_h5_attribute_text(attribute, name, &text));
    const fx_status st = fx_archive_set_text(r->archive, name, text);
    fx_free(text);
    return st;
  }
  double value;
  if (!single || !is_number)
    return FX_OK; /* other programs leave arrays there; they are not ours to judge */
  if (H5Aread(attribute, H5T_NATIVE_DOUBLE, &value) < 0)
    return fx_h5_fail(FX_EFORMAT, "the attribute '%s' cannot be read", name);
  return fx_archive_set_number(r->archive, name, value);
}

static herr_t visit_attribute (hid_t object, const char *name, const H5A_info_t *info,
                               void *context) {
  reader *r = context;
  (void)info;
  const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  r->status = attribute < 0 ? fx_h5_fail(FX_EFORMAT, "the attribute '%s' is damaged", name)
                            : read_attribute(r, attribute, name);
  if (attribute >= 0)
    H5Aclose(attribute);
  return r->status == FX_OK ? 0 : 1;
}

static fx_status read_attributes (reader *r, hid_t root) {
  hsize_t at = 0;
  const hid_t plist = H5Gget_create_plist(root);
  unsigned flags = 0;
  if (plist >= 0) {
    H5Pget_attr_creation_order(plist, &flags);
    H5Pclose(plist);
  }
  const herr_t done =
      H5Aiterate2(root, flags & H5P_CRT_ORDER_TRACKED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME,
                  H5_ITER_INC, &at, visit_attribute, r);
  return done > 0   ? r->status
         : done < 0 ? fx_h5_fail(FX_EFORMAT, "its attributes are damaged")
                    : FX_OK;
}

/* The file's handle would do for the calls themselves, but knows nothing of orders of creation. */
static fx_status read_root (reader *r, hid_t file) {
  const hid_t root = H5Gopen2(file, "/", H5P_DEFAULT);
  if (root < 0)
    return fx_h5_fail(FX_EFORMAT, "the root group is damaged");
  fx_status st = fx_h5_check_header(root, r->path, r->file_size);
  if (st == FX_OK)
    st = read_group(r, root);
  if (st == FX_OK)
    st = read_attributes(r, root);
  H5Gclose(root);
  return st;
}

static fx_status load (const char *path, bool surveys, fx_archive **out) {
  hid_t file;
  FX_H5_TURN;
  FX_TRY(fx_h5_open(path, &file));
  reader *r = fx_calloc(1, sizeof *r);
  fx_status st = r ? FX_OK : FX_ENOMEM;
  if (r) {
    r->path = path;
    r->file = file;
    r->surveys = surveys;
    FX_GOTO(fx_archive_new(&r->archive));
    FX_GOTO(fx_file_size(path, &r->file_size));
    r->budget = r->file_size * DATA_FACTOR;
    FX_GOTO(read_root(r, file));
    *out = r->archive;
    r->archive = NULL;
  }
done:
  H5Fclose(file);
  if (st != FX_OK && strncmp(fx_errmsg(), path, strlen(path)) != 0)
    fx_fail_in(st, "%s", path);
  if (r)
    fx_archive_free(r->archive);
  fx_free(r);
  return st == FX_EARG ? FX_EFORMAT : st;
}

static fx_status survey (const char *path, void *context) { return load(path, true, context); }

fx_status fx_h5_archive_load (const char *path, fx_archive **out) {
  fx_archive *left_in_the_child = NULL;
  FX_TRY(fx_h5_door(path, survey, &left_in_the_child));
  return load(path, false, out);
}
