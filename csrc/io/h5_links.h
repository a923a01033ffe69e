/*
** h5_links.h - the links of an HDF5 file that are no hard ones: symbolic links inside the file, which are followed,
** and links to other files, which are named and never followed: a file must not make us open another.
*/
#ifndef FX_H5_LINKS_H
#define FX_H5_LINKS_H

#include <hdf5.h>

#include "base/status.h"

typedef struct {
  void *context;
  /* `object` is what the link `name` leads to, open, and closed behind the call; negative: it leads nowhere. */
  fx_status (*symbolic)(void *context, const char *name, const char *target, hid_t object);
  fx_status (*external)(void *context, const char *name, const char *file, const char *target);
} fx_h5_link_visitor;

/* Calls the visitor for every link that hard links reach. The first failure of a call ends it and is the result. */
fx_status fx_h5_visit_links(hid_t file, const fx_h5_link_visitor *visitor);

/* Makes an access property list (of links or datasets) refuse to leave the file. */
void fx_h5_stay_inside(hid_t plist);

/* H5Oopen that does not leave the file. */
hid_t fx_h5_open_object(hid_t file, const char *name);

#endif
