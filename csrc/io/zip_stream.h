/*
** zip_stream.h - bytes of a zip entry that may be compressed (method 8, deflate), in any order, but cheaply only
** forwards: going back inflates from the beginning again, unless the entry has been kept (fx_zip_stream_verify).
*/
#ifndef FX_ZIP_STREAM_H
#define FX_ZIP_STREAM_H

#include "io/zip.h"

typedef struct fx_zip_stream fx_zip_stream;

/* The zip and the entry are borrowed for the stream's life. */
fx_status fx_zip_stream_open(const fx_zip *zip, fx_zip_entry *entry, fx_zip_stream **out);
void fx_zip_stream_close(fx_zip_stream *s); /* NULL is ignored */

/* Compares the entry with its checksum, once. A compressed one is inflated for it, and kept in memory if it has at
** most 512 MiB: each read of it is cheap then, in whatever order (Fortran's, say). */
fx_status fx_zip_stream_verify(fx_zip_stream *s);

/* n bytes at `offset` of the uncompressed entry; FX_EFORMAT if it has fewer or is damaged. */
fx_status fx_zip_stream_read(fx_zip_stream *s, int64_t offset, int64_t n, void *to);

#endif
