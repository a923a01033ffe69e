/*
** archive.h - what a checkpoint file holds, whatever its format: an ordered list of named tensors
** and an ordered list of short texts (configuration, epoch, ...).
**
** Names are non-empty; '/' separates levels (`model/encoder.pos_embed`) and '.' has no meaning
** here. A name occurs once. The axes are those of the file: nothing is permuted (PyTorch's
** convolution weights stay (O,I,kH,kW)). f32, f64, f16 and bf16 keep their bits; integers and
** booleans of files become f64 (element.h).
*/
#ifndef FX_ARCHIVE_H
#define FX_ARCHIVE_H

#include "tensor/tensor.h"

typedef struct fx_archive fx_archive;

fx_status fx_archive_new(fx_archive **out);
void fx_archive_free(fx_archive *a); /* releases the tensors; NULL is ignored */

/* --- tensors --------------------------------------------------------------------------------- */

/* Appends t under `name` (retains t, copies the name). A name that exists is FX_EARG. */
fx_status fx_archive_add(fx_archive *a, const char *name, fx_tensor *t);

/* The tensor called `name`, borrowed from the archive, or NULL (no message). */
fx_tensor *fx_archive_find(const fx_archive *a, const char *name);

int64_t fx_archive_count(const fx_archive *a);
const char *fx_archive_name(const fx_archive *a, int64_t i);  /* 0 <= i < count */
fx_tensor *fx_archive_tensor(const fx_archive *a, int64_t i); /* borrowed */

/* --- texts ----------------------------------------------------------------------------------- */

/* Sets (or replaces, keeping its place) the text of `key`. Both are copied. */
fx_status fx_archive_set_text(fx_archive *a, const char *key, const char *value);

/* The number as the shortest decimal that reads back to the same double. */
fx_status fx_archive_set_number(fx_archive *a, const char *key, double value);

/* The text of `key`, borrowed until it is replaced, or NULL (no message). */
const char *fx_archive_text(const fx_archive *a, const char *key);

int64_t fx_archive_text_count(const fx_archive *a);
const char *fx_archive_text_key(const fx_archive *a, int64_t i);
const char *fx_archive_text_value(const fx_archive *a, int64_t i);

/* --- files ----------------------------------------------------------------------------------- */

/* New archive from a file: HDF5, safetensors, or PyTorch's .pt, told apart by content. Messages
** begin with the path. FX_EIO: the system refused; FX_EFORMAT: not such a file, or damaged. */
fx_status fx_archive_load(const char *path, fx_archive **out);

/* Writes PATH atomically and durably: .h5 / .hdf5 or .safetensors by its ending (else FX_EARG). */
fx_status fx_archive_save(const char *path, const fx_archive *a);

/* --- the formats, each in its file ------------------------------------------------------------ */

/* HDF5. Each tensor is a dataset at its name, '/' separating groups; texts are string attributes
** of the root. Equal archives give equal bytes. Loading: datasets in the order they were created
** (by name in files that do not record it); scalar string datasets become texts; numeric scalar
** attributes of the root too. Links to other files are refused. A name that HDF5 cannot hold
** (empty or '.' level, 'a' beside 'a/b') is FX_EARG when saving. */
fx_status fx_h5_archive_load(const char *path, fx_archive **out);
fx_status fx_h5_archive_save(const char *path, const fx_archive *a);

/* safetensors [huggingface/safetensors, format section]: texts are `__metadata__`. */
fx_status fx_safetensors_load(const char *path, fx_archive **out);
fx_status fx_safetensors_save(const char *path, const fx_archive *a);

/* PyTorch >= 1.6 (a zip with a pickle), read without running anything in it. Nested dictionaries,
** lists and tuples become names joined by '/' (`ema/shadow_params/0`); numbers, strings, booleans
** ("true", "false") and None ("none") become texts under the same kind of name. Empty containers
** leave no trace. */
fx_status fx_pt_load(const char *path, fx_archive **out);

#endif
