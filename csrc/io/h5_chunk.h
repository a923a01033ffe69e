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
#include "io/h5_lzf.h"

/* What has been looked at already in an open dataset; begins as zeros. */
typedef struct {
  unsigned char *known; /* one a chunk of the grid; NULL if there are too many to remember */
} fx_h5_chunks;

/* Looks, once each, at the chunks that the box start .. start+count-1 of `v` touches: FX_EFORMAT if one has another
** size than the chunk shape says, or cannot be found in two ways alike. Compressed ones (deflate; lzf notes its size)
** are decoded for it: one that decodes, but to fewer bytes, would be read with the heap's behind it. Not looked at:
** szip, nbit, scaleoffset and what a plugin does. Of more than 2^22 chunks it is not remembered which have been seen. */
fx_status fx_h5_check_chunks(hid_t data, const char *path, const fx_variable *v, int64_t file_size,
                             const int64_t *start, const int64_t *count, fx_h5_chunks *seen);

void fx_h5_chunks_end(fx_h5_chunks *seen);

#endif
