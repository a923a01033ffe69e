/*
** archive_file.c - archives and files: the reader that a file's first bytes call for, the writer that
** its name does. See archive.h.
*/
#include "io/archive.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "io/signature.h"

static fx_status refuse_format (const char *path, const fx_signature *s) {
  switch (s->format) {
  case FX_FORMAT_EMPTY: return fx_fail(FX_EFORMAT, "%s is empty: a checkpoint was expected", path);
  case FX_FORMAT_TORCH_LEGACY:
    return fx_fail(FX_EFORMAT,
                   "%s was written by torch before 1.6 (or without zip): load it in "
                   "PyTorch and torch.save it again",
                   path);
  case FX_FORMAT_PICKLE:
    return fx_fail(FX_EFORMAT,
                   "%s is a bare Python pickle, which is never read here: save its "
                   "tensors with torch.save or safetensors",
                   path);
  default:
    return fx_fail(FX_EFORMAT,
                   "%s is neither HDF5 nor safetensors nor a .pt file of PyTorch (it "
                   "begins with byte 0x%02x)",
                   path, s->first);
  }
}

fx_status fx_archive_load (const char *path, fx_archive **out) {
  fx_signature s;
  FX_TRY(fx_signature_read(path, &s));
  switch (s.format) {
  case FX_FORMAT_HDF5: return fx_h5_archive_load(path, out);
  case FX_FORMAT_ZIP: return fx_pt_load(path, out);
  case FX_FORMAT_SAFETENSORS: return fx_safetensors_load(path, out);
  default: return refuse_format(path, &s);
  }
}

static bool ends_with (const char *path, const char *ending) {
  const size_t n = strlen(path), m = strlen(ending);
  return n > m && strcasecmp(path + n - m, ending) == 0;
}

fx_status fx_archive_save (const char *path, const fx_archive *a) {
  if (ends_with(path, ".h5") || ends_with(path, ".hdf5"))
    return fx_h5_archive_save(path, a);
  if (ends_with(path, ".safetensors"))
    return fx_safetensors_save(path, a);
  return fx_fail(FX_EARG,
                 "%s: a checkpoint is written as .h5 or .safetensors; give the name one "
                 "of these endings",
                 path);
}
