/*
** file.h - whole files, safely: atomic writes, bounded reads, directories.
**
** A file appears under its final name complete or not at all: it is written as PATH.tmp.PID.place,
** synced, renamed, and the directory is synced. Every failure names the path, says what the system
** said and what to try; the status is FX_EIO unless stated otherwise.
*/
#ifndef FX_FILE_H
#define FX_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define FX_PATH_SIZE 4096 /* bytes of a path buffer, final 0 included (Linux PATH_MAX) */

/* --- reading --------------------------------------------------------------------------------- */

/* Opens a regular file for reading; *size gets its length in bytes. The caller closes *fd.
** Directories, pipes and devices are refused: their length says nothing. */
fx_status fx_file_open(const char *path, int *fd, int64_t *size);

/* Reads exactly n bytes from `offset` into `to`; a shorter file is FX_EFORMAT. Thread-safe. `path`
** is for messages only. */
fx_status fx_file_read_at(int fd, const char *path, int64_t offset, size_t n, void *to);

/* Reads a whole file into a new block (free with fx_free) of n bytes, followed by a 0 that n does
** not count, so that text may be used as a C string. More than max_bytes is FX_EFORMAT. */
fx_status fx_file_read_all(const char *path, size_t max_bytes, unsigned char **bytes, size_t *n);

fx_status fx_file_size(const char *path, int64_t *bytes);

/* --- writing --------------------------------------------------------------------------------- */

/* Writes n bytes as the file `path`, atomically and durably (see above). */
fx_status fx_file_write(const char *path, const void *bytes, size_t n);

/* The name that a file has while it is written. */
fx_status fx_file_temporary_name(const char *path, char temporary[FX_PATH_SIZE]);

/* For writers that produce a file themselves: the name to write to first; a folder, a device, a pipe or a socket at
** `path` is refused ... */
fx_status fx_file_temporary(const char *path, char temporary[FX_PATH_SIZE]);
/* ... opened for writing (created or emptied; the caller closes *fd) ... */
fx_status fx_file_create(const char *temporary, int *fd);
/* ... n more bytes ... */
fx_status fx_file_put(int fd, const char *path, const void *bytes, size_t n);
/* ... and, once closed, the step that makes it final: sync, rename, sync the directory. On failure
** `temporary` is removed and what was at `path` before is still there. */
fx_status fx_file_commit(const char *temporary, const char *path);

/* Hands the bytes of a file, written by whomever, to the disk. */
fx_status fx_file_sync(const char *path);

/* Waits until no other process holds the lock `path`, an empty file made for it; *fd is then held.
** FX_EINTR when fx_interrupt_count() is not 0. Where the file system has no locks nobody waits. */
fx_status fx_file_lock(const char *path, int *fd);
void fx_file_unlock(const char *path, int fd); /* also removes the file */

/* --- directories ----------------------------------------------------------------------------- */

/* mkdir -p. An existing directory is fine. */
fx_status fx_make_dirs(const char *path);

/* Calls visit(context, name) for each entry except "." and "..", in byte order of the names, and
** stops at the first status that is not FX_OK, which it returns. */
typedef fx_status (*fx_dir_visit)(void *context, const char *name);
fx_status fx_list_dir(const char *path, fx_dir_visit visit, void *context);

#endif
