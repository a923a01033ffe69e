/*
** file.c - see file.h.
**
** rename() replaces a name atomically but promises nothing about the bytes behind it: without the
** sync of the file before it a power cut can leave an empty file under the final name, and without
** the sync of the directory after it the old one. Both are done once a file, not once a write.
**
** The temporary carries the process id and eight digits of where that id counts (host, boot, namespace of ids): two
** processes writing one path do not mix their bytes, on two hosts of a shared disk neither, and the later rename
** wins. Who finds a temporary can tell whether its writer is gone (lua/flexlab/store/temporary.lua).
*/
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/interrupt.h"

/* What the reader of the message can do about an errno. */
static const char *hint (int error) {
  switch (error) {
  case ENOENT: return "; check the path and the folder it names";
  case EACCES:
  case EPERM: return "; check the permissions of the file and its folder";
  case EROFS: return "; the file system is read-only, choose another folder";
  case ENOSPC:
  case EDQUOT: return "; free some space or choose another disk";
  case EMFILE:
  case ENFILE: return "; close some files or raise `ulimit -n`";
  case EISDIR: return "; give the name of a file";
  case ENOTDIR: return "; a part of the path is a file, not a folder";
  default: return "";
  }
}

static fx_status fail_errno (const char *verb, const char *path) {
  const int error = errno;
  return fx_fail(FX_EIO, "cannot %s %s: %s%s", verb, path, strerror(error), hint(error));
}

/* What stands at a path that is no regular file. */
static const char *what (mode_t mode) { return S_ISDIR(mode) ? "a folder" : "a device or a pipe"; }

/* --- reading --------------------------------------------------------------------------------- */

fx_status fx_file_open (const char *path, int *fd, int64_t *size) {
  struct stat info;
  const int f = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not block us */
  if (f < 0)
    return fail_errno("open", path);
  if (fstat(f, &info) != 0) {
    const fx_status st = fail_errno("examine", path);
    close(f);
    return st;
  }
  if (!S_ISREG(info.st_mode)) {
    close(f);
    return fx_fail(FX_EIO, "cannot read %s: it is %s, not a file", path, what(info.st_mode));
  }
  *fd = f;
  *size = info.st_size;
  return FX_OK;
}

fx_status fx_file_read_at (int fd, const char *path, int64_t offset, size_t n, void *to) {
  char *at = to;
  while (n > 0) {
    const ssize_t got = pread(fd, at, n, offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return fail_errno("read", path);
    if (got == 0)
      return fx_fail(FX_EFORMAT,
                     "%s ends at byte %" PRId64 ", %zu bytes too early: it is cut off; "
                     "copy it again",
                     path, offset, n);
    at += got;
    offset += got;
    n -= (size_t)got;
  }
  return FX_OK;
}

fx_status fx_file_read_all (const char *path, size_t max_bytes, unsigned char **bytes, size_t *n) {
  int fd;
  int64_t size;
  FX_TRY(fx_file_open(path, &fd, &size));
  fx_status st = FX_OK;
  unsigned char *block = NULL;
  if ((uint64_t)size > max_bytes)
    FX_GOTO(fx_fail(FX_EFORMAT, "%s has %" PRId64 " bytes; at most %zu are read here", path, size,
                    max_bytes));
  FX_GOTO((block = fx_alloc((size_t)size + 1)) ? FX_OK : FX_ENOMEM);
  FX_GOTO(fx_file_read_at(fd, path, 0, (size_t)size, block));
  block[size] = 0;
  *bytes = block;
  *n = (size_t)size;
  block = NULL;
done:
  fx_free(block);
  close(fd);
  return st;
}

static bool is_folder (const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

fx_status fx_file_size (const char *path, int64_t *bytes) {
  struct stat info;
  if (stat(path, &info) != 0)
    return fail_errno("examine", path);
  *bytes = info.st_size;
  return FX_OK;
}

/* --- writing --------------------------------------------------------------------------------- */

/* Where our process id is one of its own: this host, since its last start, in this namespace. What the system does not
** tell is left out. */
static uint32_t place_of_ids (void) {
  char text[256] = "";
  gethostname(text, sizeof text - 1);
  uint64_t hash = fx_hash(FX_HASH_START, text, strlen(text));
  const int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text);
  if (fd >= 0)
    close(fd);
  hash = fx_hash(hash, text, n > 0 ? (size_t)n : 0);
  n = readlink("/proc/self/ns/pid", text, sizeof text);
  hash = fx_hash(hash, text, n > 0 ? (size_t)n : 0);
  return (uint32_t)(hash ^ hash >> 32);
}

fx_status fx_file_temporary_name (const char *path, char temporary[FX_PATH_SIZE]) {
  if (!*path)
    return fx_fail(FX_EARG, "cannot write a file whose name is empty");
  const int n = snprintf(temporary, FX_PATH_SIZE, "%s.tmp.%ld.%08" PRIx32, path, (long)getpid(),
                         place_of_ids());
  if (n < 0 || n >= FX_PATH_SIZE)
    return fx_fail(FX_EARG, "cannot write %.60s...: the path is too long", path);
  return FX_OK;
}

/* rename() would put a plain file in the place of a device. A link it replaces and does not follow: what a path of the
** user's leads to is for lua/flexlab/store/destination.lua, and a run's folder may come from anyone. */
fx_status fx_file_temporary (const char *path, char temporary[FX_PATH_SIZE]) {
  struct stat info;
  FX_TRY(fx_file_temporary_name(path, temporary));
  if (lstat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode))
    return fx_fail(FX_EIO, "cannot write %s: it is %s, not a file", path, what(info.st_mode));
  return FX_OK;
}

fx_status fx_file_create (const char *temporary, int *fd) {
  *fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  return *fd < 0 ? fail_errno("create", temporary) : FX_OK;
}

fx_status fx_file_put (int fd, const char *path, const void *bytes, size_t n) {
  const char *at = bytes;
  while (n > 0) {
    const ssize_t done = write(fd, at, n);
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0)
      return fail_errno("write", path);
    at += done;
    n -= (size_t)done;
  }
  return FX_OK;
}

/* Opens `path` just to sync it: the writer may have been a library that gives no descriptor. */
static fx_status sync_path (const char *path, int flags) {
  const int fd = open(path, flags | O_CLOEXEC);
  if (fd < 0)
    return fail_errno("open", path);
  fx_status st = FX_OK;
  /* Some file systems cannot sync a directory and say EINVAL; there is nothing better to do. */
  if (fsync(fd) != 0 && !((flags & O_DIRECTORY) && errno == EINVAL))
    st = fail_errno("sync", path);
  close(fd);
  return st;
}

fx_status fx_file_sync (const char *path) { return sync_path(path, O_RDONLY); }

static fx_status sync_folder_of (const char *path) {
  char folder[FX_PATH_SIZE];
  const char *slash = strrchr(path, '/');
  const size_t n = !slash ? 1 : slash == path ? 1 : (size_t)(slash - path);
  memcpy(folder, slash ? path : ".", n); /* n < FX_PATH_SIZE: fx_file_temporary has checked */
  folder[n] = '\0';
  return sync_path(folder, O_RDONLY | O_DIRECTORY);
}

fx_status fx_file_commit (const char *temporary, const char *path) {
  fx_status st;
  FX_GOTO(strlen(path) < FX_PATH_SIZE
              ? FX_OK
              : fx_fail(FX_EARG, "cannot write %.60s...: the path is too long", path));
  FX_GOTO(sync_path(temporary, O_RDONLY));
  FX_GOTO(rename(temporary, path) == 0 ? FX_OK : fail_errno("write", path));
done:
  if (st == FX_OK)
    return sync_folder_of(path);
  unlink(temporary);
  return st;
}

fx_status fx_file_write (const char *path, const void *bytes, size_t n) {
  char temporary[FX_PATH_SIZE];
  int fd;
  FX_TRY(fx_file_temporary(path, temporary));
  FX_TRY(fx_file_create(temporary, &fd));
  fx_status st = fx_file_put(fd, path, bytes, n);
  if (close(fd) != 0 && st == FX_OK) /* NFS reports a full disk only here */
    st = fail_errno("write", path);
  if (st != FX_OK) {
    unlink(temporary);
    return st;
  }
  return fx_file_commit(temporary, path);
}

/* --- locks ----------------------------------------------------------------------------------- */

/* The lock belongs to the open file, so it ends with the process, however that ends. Its name is removed
** while it is held: whoever waited for it finds that the name is gone, or another file's, and tries
** again. */
static bool still_named (const char *path, int fd) {
  struct stat named, held;
  return stat(path, &named) == 0 && fstat(fd, &held) == 0 && named.st_ino == held.st_ino &&
         named.st_dev == held.st_dev;
}

fx_status fx_file_lock (const char *path, int *fd) {
  const struct timespec pause = { .tv_nsec = 20000000 };
  for (;;) {
    const int f = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (f < 0)
      return fail_errno("create", path);
    int refused;
    while ((refused = flock(f, LOCK_EX | LOCK_NB)) != 0 && errno == EWOULDBLOCK &&
           fx_interrupt_count() == 0)
      nanosleep(&pause, NULL);
    if (refused && errno == EWOULDBLOCK) {
      close(f);
      return fx_fail(FX_EINTR, "interrupted while another process held %s", path);
    }
    if (still_named(path, f)) {
      *fd = f;
      return FX_OK;
    }
    close(f);
  }
}

void fx_file_unlock (const char *path, int fd) {
  if (still_named(path, fd))
    unlink(path);
  close(fd);
}

/* --- directories ----------------------------------------------------------------------------- */

fx_status fx_make_dirs (const char *path) {
  char part[FX_PATH_SIZE];
  const size_t n = strlen(path);
  if (n == 0 || n >= sizeof part)
    return fx_fail(FX_EARG, "cannot create a folder with a name of %zu bytes", n);
  for (size_t i = 1; i <= n; i++) {
    if (path[i] != '/' && path[i] != '\0')
      continue;
    memcpy(part, path, i);
    part[i] = '\0';
    const int failed = mkdir(part, 0777) != 0 ? errno : 0;
    if (failed && !is_folder(part)) {
      errno = failed;
      return fail_errno("create the folder", part);
    }
  }
  return FX_OK;
}

static int not_a_dot (const struct dirent *entry) {
  return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_name (const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

fx_status fx_list_dir (const char *path, fx_dir_visit visit, void *context) {
  struct dirent **entries;
  const int n = scandir(path, &entries, not_a_dot, by_name);
  if (n < 0)
    return fail_errno("list the folder", path);
  fx_status st = FX_OK;
  for (int i = 0; i < n; i++) {
    if (st == FX_OK)
      st = visit(context, entries[i]->d_name);
    free(entries[i]);
  }
  free(entries);
  return st;
}
