/*
** h5_header.h - whether what an object's header says of itself fits into it.
**
** HDF5 1.10.8 believes the sizes inside an attribute's message and copies that many bytes, from behind the
** message if need be: bytes of the heap become values, without a crash. So messages are measured first, by a
** reader of our own.
*/
#ifndef FX_H5_HEADER_H
#define FX_H5_HEADER_H

#include <hdf5.h>

#include "base/status.h"

/* FX_EFORMAT, with the path, if an attribute or the data kept in the header of `object` are larger than their
** messages, or the header cannot be followed. Call it before any attribute of the object is looked for. Attributes
** that lie elsewhere (many, or larger than 64 KiB) are guarded by HDF5's checksums, and not measured. */
fx_status fx_h5_check_header(hid_t object, const char *path, int64_t file_size);

#endif
