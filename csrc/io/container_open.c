/*
** container_open.c - opens a container by the reader that its first bytes call for. See container.h.
*/

#include "base/alloc.h"
#include "io/container_parts.h"
#include "io/signature.h"

static fx_status read_structure (fx_container *c) {
  fx_signature s;
  FX_TRY(fx_signature_read(c->path, &s));
  c->size = s.size;
  switch (s.format) {
  case FX_FORMAT_HDF5: return fx_container_hdf5(c);
  case FX_FORMAT_NETCDF3: return fx_container_netcdf3(c);
  case FX_FORMAT_NPY: return fx_container_npy(c);
  case FX_FORMAT_ZIP: return fx_container_npz(c);
  default:
    return fx_fail(
        FX_EFORMAT,
        "%s is not HDF5, netCDF, .npy or .npz: it is something else, or its beginning is "
        "damaged",
        c->path);
  }
}

fx_status fx_container_open (const char *path, fx_container **out) {
  fx_container *c = fx_calloc(1, sizeof *c);
  if (!c)
    return FX_ENOMEM;
  pthread_mutex_init(&c->turn, NULL);
  fx_status st = (c->path = fx_strdup(path)) ? read_structure(c) : FX_ENOMEM;
  if (st == FX_OK)
    st = fx_container_index(c);
  if (st == FX_OK)
    *out = c;
  else
    fx_container_close(c);
  return st;
}
