/*
** signature.h - which format a file has, told by its first bytes and never by its name.
**
** HDF5 allows a user block in front of its signature, of 512 bytes times a power of two. The signature at the
** very beginning decides; further in it may also be data of a file of another kind, so it counts only where the
** first bytes are those of no other format (two bytes that may begin a pickle say too little).
*/
#ifndef FX_SIGNATURE_H
#define FX_SIGNATURE_H

#include <stdint.h>

#include "base/status.h"

typedef enum {
  FX_FORMAT_OTHER, /* none of these */
  FX_FORMAT_EMPTY, /* no byte at all */
  FX_FORMAT_HDF5,
  FX_FORMAT_NETCDF3,
  FX_FORMAT_NPY,
  FX_FORMAT_ZIP, /* .npz, .pt */
  FX_FORMAT_SAFETENSORS,
  FX_FORMAT_TORCH_LEGACY, /* torch before 1.6: pickles that follow each other */
  FX_FORMAT_PICKLE
} fx_format;

typedef struct {
  fx_format format;
  int64_t size;        /* of the file, bytes */
  unsigned char first; /* its first byte, for messages; 0 if it is empty */
} fx_signature;

/* Errors: FX_EIO (the file cannot be opened or read), FX_EFORMAT (not a regular file). */
fx_status fx_signature_read(const char *path, fx_signature *out);

#endif
