/*
** h5_probe.h - whether HDF5 survives a file.
**
** HDF5 1.10.8 has known faults in reading damaged files: it may crash, or loop for ever. So
** another process goes first and walks what opening and describing a file walks: superblock, groups,
** object headers, attributes (with the global heap), and the index of every dataset's chunks.
*/
#ifndef FX_H5_PROBE_H
#define FX_H5_PROBE_H

#include "base/status.h"

/* FX_OK if a child process came through, or if none can be made (then nothing is known).
** FX_EFORMAT if it crashed, used more than 20 s of processor time or 120 s in all. What HDF5 refuses in an
** orderly way is not reported here: whoever opens the file gets the better message. */
fx_status fx_h5_probe(const char *path);

#endif
