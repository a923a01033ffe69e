/*
** h5_lzf.h - reading HDF5 chunks that h5py compressed with lzf (filter 32000), as PDEBench's are.
*/
#ifndef FX_H5_LZF_H
#define FX_H5_LZF_H

enum { FX_H5_LZF = 32000 }; /* its number */

/* Makes filter 32000 known to HDF5, for reading, unless a plugin already did. */
void fx_h5_lzf_register(void);

#endif
