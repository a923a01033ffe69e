/*
** h5.h - what every user of HDF5 here needs: quiet errors turned into our messages, property lists
** with our choices, and the checks that keep a hostile file from costing more memory than it has
** bytes. Only files of csrc/io that have h5 in their names include this, and lmodule.c, which asks
** HDF5 for its version.
**
** HDF5 1.10 traps that these functions know: it prints its errors unless told not to, per thread;
** a handle left open keeps the file open (we close with H5F_CLOSE_STRONG); reading locks the file
** unless told not to; a missing filter is reported late and without its name; it never syncs.
*/
#ifndef FX_H5_H
#define FX_H5_H

#include <hdf5.h>

#include "tensor/tensor.h"

/* Deflate packs at most 1032 bytes into one; chunks of one value reach that. */
#define FX_H5_BEST_RATIO 1032

/* One thread at a time is inside HDF5: not every build of the library keeps a lock of its own, and what we
** keep beside a file (open datasets, chunks already looked at) has none. Whatever uses HDF5, and be it to
** ask for its version, begins with `FX_H5_TURN;`, which waits for its turn and holds it to the end of the
** block. Turns nest. The first one ever declines HDF5's exit handler; each silences its own printing, which
** is a setting of the thread. */
#define FX_H5_TURN \
  const int h5_turn_ __attribute__((cleanup(fx_h5_turn_end), unused)) = fx_h5_turn_begin()
int fx_h5_turn_begin(void);
void fx_h5_turn_end(const int *unused);

/* fork while no thread is inside HDF5: one that was would leave its lock shut, or its lists half changed, in
** the child for ever. Returns as fork does. */
int fx_h5_fork(void);

/* fx_fail with the innermost explanation HDF5 has, in brackets, at the end. */
fx_status fx_h5_fail(fx_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Opens for reading, without locks. The file must be closed with H5Fclose. */
fx_status fx_h5_open(const char *path, hid_t *file);

/* Creates `temporary` in the format of HDF5 1.8 (checksummed metadata), without time stamps, with
** members kept in order of creation. */
fx_status fx_h5_create(const char *temporary, hid_t *file);

/* Flushes and closes what fx_h5_create made, then fx_file_commit. On failure nothing is left. */
fx_status fx_h5_finish(hid_t file, const char *temporary, const char *path);

/* Opens what fx_h5_create made, in this process or another, to write on. */
fx_status fx_h5_reopen(const char *temporary, hid_t *file);

/* Closes what fx_h5_create made, whatever state it is in, and removes it; with NULL for its name it
** stays as it was when it was last flushed. */
void fx_h5_drop(hid_t file, const char *temporary);

/* Property list for creating groups and datasets: no time stamps, order of creation kept. */
hid_t fx_h5_group_plist(void);
hid_t fx_h5_dataset_plist(void);

/* Refuses a dataset that cannot be read here: filters that are not installed (named), more or
** larger elements than file_size bytes can hold at deflate's best ratio, data that lives in other files
** (external, virtual). `name` is for messages. */
fx_status fx_h5_check_dataset(hid_t dataset, const char *path, const char *name, int64_t file_size);

/* Shape of a dataset or attribute space; *ndim may exceed `most`, but only `most` are stored. */
fx_status fx_h5_shape(hid_t space, int most, int *ndim, int64_t *shape);

/* Whether a type is a number: integer, float, or an enumeration of integers (h5py's bool). */
bool fx_h5_is_number(hid_t type);

/* The string in a scalar string attribute; new, free with fx_free. FX_EARG if it is not one. */
fx_status fx_h5_attribute_text(hid_t attribute, const char *name, char **text);

/* The string in a scalar string dataset; as above. */
fx_status fx_h5_dataset_text(hid_t dataset, const char *name, char **text);

/* Writes a text (or a number, over one that is there) as an attribute of `object`. Texts are UTF-8 of
** fixed length (why: h5.c), at most 64 MiB; h5py shows them as bytes. */
fx_status fx_h5_write_text(hid_t object, const char *key, const char *text);
fx_status fx_h5_write_number(hid_t object, const char *key, double value);

/* The file type of a dtype (little-endian); close with H5Tclose. f16 and bf16 are described by
** their bit fields, as h5py does for float16. Negative on failure. */
hid_t fx_h5_type_of(fx_dtype dtype);

#endif
