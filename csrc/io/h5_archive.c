/*
** h5_archive.c - archives as HDF5 files: saving here, loading in h5_archive_load.c. See archive.h.
**
** `model/encoder.pos_embed` becomes dataset `encoder.pos_embed` in group `model`. Groups are made
** one by one, because those that HDF5 makes on its own carry time stamps, and equal archives must
** give equal files. Datasets are contiguous and uncompressed: weights do not compress, and other
** programs can map them.
*/
#include <string.h>

#include "io/archive.h"
#include "io/file.h"
#include "io/h5.h"

enum { MAX_NAME = 1024 };

/* A level that is empty or "." would vanish in HDF5; ".." would be confusing. */
static fx_status check_name (const char *name) {
  const size_t size = strlen(name);
  if (size >= MAX_NAME)
    return fx_fail(FX_EARG, "the name '%.60s...' has %zu bytes; at most %d fit", name, size,
                   MAX_NAME - 1);
  for (const char *level = name;;) {
    const size_t n = strcspn(level, "/");
    if (n == 0 || (n == 1 && level[0] == '.') || (n == 2 && level[0] == '.' && level[1] == '.'))
      return fx_fail(FX_EARG,
                     "the name '%s' has an empty, '.' or '..' level, which HDF5 cannot "
                     "keep",
                     name);
    if (!level[n])
      return FX_OK;
    level += n + 1;
  }
}

/* Makes the group `path` if it is not there. */
static fx_status make_group (hid_t file, const char *path, hid_t plist) {
  if (H5Lexists(file, path, H5P_DEFAULT) > 0) {
    H5O_info_t info;
    if (H5Oget_info_by_name2(file, path, &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 &&
        info.type == H5O_TYPE_GROUP)
      return FX_OK;
    return fx_fail(FX_EARG,
                   "the name '%s' is a tensor and also the folder of others; HDF5 cannot "
                   "keep both",
                   path);
  }
  const hid_t group = H5Gcreate2(file, path, H5P_DEFAULT, plist, H5P_DEFAULT);
  if (group < 0)
    return fx_h5_fail(FX_EIO, "cannot create the group '%s'", path);
  H5Gclose(group);
  return FX_OK;
}

static fx_status make_groups (hid_t file, const char *name, hid_t plist) {
  char part[MAX_NAME];
  for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
    const size_t n = (size_t)(slash - name);
    memcpy(part, name, n);
    part[n] = '\0';
    FX_TRY(make_group(file, part, plist));
  }
  return FX_OK;
}

static fx_status write_tensor (hid_t file, const char *name, const fx_tensor *t, hid_t plist) {
  hsize_t dims[FX_MAX_DIMS];
  for (int i = 0; i < t->ndim; i++)
    dims[i] = (hsize_t)t->shape[i];
  if (H5Lexists(file, name, H5P_DEFAULT) > 0)
    return fx_fail(FX_EARG,
                   "the name '%s' is a tensor and also the folder of others; HDF5 cannot "
                   "keep both",
                   name);
  const hid_t space = t->ndim ? H5Screate_simple(t->ndim, dims, NULL) : H5Screate(H5S_SCALAR);
  const hid_t type = fx_h5_type_of(t->dtype);
  const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
  fx_status st = FX_OK;
  if (dataset < 0 ||
      (fx_tensor_count(t) && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, t->data) < 0))
    st = fx_h5_fail(FX_EIO, "cannot write the tensor '%s'; is the disk full?", name);
  if (dataset >= 0)
    H5Dclose(dataset);
  H5Tclose(type);
  H5Sclose(space);
  return st;
}

static fx_status write_tensors (hid_t file, const fx_archive *a) {
  const hid_t groups = fx_h5_group_plist(), datasets = fx_h5_dataset_plist();
  fx_status st = FX_OK;
  for (int64_t i = 0; i < fx_archive_count(a) && st == FX_OK; i++) {
    const char *name = fx_archive_name(a, i);
    st = check_name(name);
    if (st == FX_OK)
      st = make_groups(file, name, groups);
    if (st == FX_OK)
      st = write_tensor(file, name, fx_archive_tensor(a, i), datasets);
  }
  H5Pclose(groups);
  H5Pclose(datasets);
  return st;
}

static fx_status write_texts (hid_t file, const fx_archive *a) {
  for (int64_t i = 0; i < fx_archive_text_count(a); i++)
    FX_TRY(fx_h5_write_text(file, fx_archive_text_key(a, i), fx_archive_text_value(a, i)));
  return FX_OK;
}

fx_status fx_h5_archive_save (const char *path, const fx_archive *a) {
  char temporary[FX_PATH_SIZE];
  hid_t file;
  FX_H5_TURN;
  FX_TRY(fx_file_temporary(path, temporary));
  FX_TRY(fx_h5_create(temporary, &file));
  fx_status st = write_tensors(file, a);
  if (st == FX_OK)
    st = write_texts(file, a);
  if (st == FX_OK)
    return fx_h5_finish(file, temporary, path);
  fx_h5_drop(file, temporary);
  return fx_fail_in(st, "%s", path);
}
