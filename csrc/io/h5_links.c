/* h5_links.c - see h5_links.h. */
#include "io/h5_links.h"

#include "base/alloc.h"

enum { MOST_TARGET = 1 << 16 };

static herr_t refuse (const char *parent_file, const char *parent_group, const char *child_file,
                      const char *child_object, unsigned *flags, hid_t access, void *context) {
  (void)parent_file, (void)parent_group, (void)child_file, (void)child_object;
  (void)flags, (void)access, (void)context;
  return -1;
}

void fx_h5_stay_inside (hid_t plist) { H5Pset_elink_cb(plist, refuse, NULL); }

hid_t fx_h5_open_object (hid_t file, const char *name) {
  const hid_t plist = H5Pcreate(H5P_LINK_ACCESS);
  fx_h5_stay_inside(plist);
  const hid_t object = H5Oopen(file, name, plist);
  H5Pclose(plist);
  return object;
}

typedef struct {
  const fx_h5_link_visitor *visitor;
  fx_status st;
} visit;

static fx_status external (const visit *v, const char *name, const char *value, size_t size) {
  unsigned flags;
  const char *file, *target;
  if (H5Lunpack_elink_val(value, size, &flags, &file, &target) < 0)
    return FX_OK;
  return v->visitor->external(v->visitor->context, name, file, target);
}

static fx_status symbolic (const visit *v, hid_t file, const char *name, const char *target) {
  const hid_t object = fx_h5_open_object(file, name);
  const fx_status st = v->visitor->symbolic(v->visitor->context, name, target, object);
  if (object >= 0)
    H5Oclose(object);
  return st;
}

static herr_t visit_link (hid_t file, const char *name, const H5L_info_t *info, void *context) {
  visit *v = context;
  if (info->type != H5L_TYPE_SOFT && info->type != H5L_TYPE_EXTERNAL)
    return 0;
  const size_t size = info->u.val_size;
  if (size == 0 || size > MOST_TARGET)
    return 0;
  char *value = fx_calloc(size + 1, 1);
  if (!value)
    v->st = FX_ENOMEM;
  else if (H5Lget_val(file, name, value, size, H5P_DEFAULT) >= 0)
    v->st = info->type == H5L_TYPE_SOFT ? symbolic(v, file, name, value)
                                        : external(v, name, value, size);
  fx_free(value);
  return v->st != FX_OK;
}

fx_status fx_h5_visit_links (hid_t file, const fx_h5_link_visitor *visitor) {
  visit v = { visitor, FX_OK };
  H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, visit_link, &v);
  return v.st;
}
