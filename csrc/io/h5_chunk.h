/*
** h5_chunk.h - whether chunks are as long as HDF5 will believe they are.
**
** HDF5 1.10.8 takes for granted that a stored or decoded chunk has the size that the dataset's chunk
** shape says, and reads beyond the buffer when it has not (seen under AddressSanitizer with damaged files).
*/
#ifndef FX_H5_CHUNK_H
#define FX_H5_CHUNK_H

#include <hdf5.h>

#include "io/container.h"

/* Looks at the chunks that the box start .. start+count-1 of `v` touches: FX_EFORMAT if one that is
** not compressed has another size. Of compressed ones (deflate, lzf) the first is decoded if
** `thorough`: a chunk shape that is wrong is wrong for all, and a damaged stream is zlib's to find. Szip, nbit and scaleoffset
** are not looked into. */
fx_status fx_h5_check_chunks(hid_t data, const char *path, const fx_variable *v, int64_t file_size,
                             const int64_t *start, const int64_t *count, bool thorough);

#endif
