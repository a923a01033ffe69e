/*
** lsys.c - core.sys: the little that recipes need of the operating system; processes and Ctrl-C are
** in lprocess.c.
**
** What the system refuses is nil and a message that names the path. Writing is atomic and durable
** (io/file.h); append is one write(2) to a file opened for appending, so that lines of several
** processes do not mix.
*/
#define _GNU_SOURCE /* gethostname, struct stat's kin under -std=c11 */
#include "lua/lfx.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/hash.h"
#include "io/file.h"

static double seconds (clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int sys_time (lua_State *L) {
  lfx_takes_nothing(L, "time");
  lua_pushnumber(L, seconds(CLOCK_MONOTONIC));
  return 1;
}

static int sys_now (lua_State *L) {
  lfx_takes_nothing(L, "now");
  lua_pushnumber(L, seconds(CLOCK_REALTIME));
  return 1;
}

/* --- files ------------------------------------------------------------------------------------ */

/* nil, "path: what the system said" */
static int refused (lua_State *L, const char *path) {
  const int error = errno;
  luaL_pushfail(L);
  lua_pushfstring(L, "%s: %s", path, strerror(error));
  return 2;
}

static int done (lua_State *L, bool ok, const char *path) {
  if (!ok)
    return refused(L, path);
  lua_pushboolean(L, 1);
  return 1;
}

static int sys_mkdirs (lua_State *L) { return lfx_done(L, fx_make_dirs(luaL_checkstring(L, 1))); }

static int sys_exists (lua_State *L) {
  struct stat s;
  if (stat(luaL_checkstring(L, 1), &s) != 0)
    lua_pushnil(L);
  else
    lua_pushstring(L, S_ISDIR(s.st_mode) ? "folder" : S_ISREG(s.st_mode) ? "file" : "other");
  return 1;
}

/* Names, each with its final 0, one after the other. */
typedef struct {
  char *bytes;
  int64_t used, room; /* bytes */
  lua_Integer count;
} names;

static void end_names (void *payload) { fx_free(((names *)payload)->bytes); }

static fx_status add_name (void *context, const char *name) {
  names *n = context;
  const size_t size = strlen(name) + 1;
  FX_TRY(FX_GROW_BY(n->bytes, n->used, n->room, size));
  memcpy(n->bytes + n->used, name, size);
  n->used += (int64_t)size;
  n->count++;
  return FX_OK;
}

static int sys_list (lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  names *n = lfx_push_guard(L, sizeof *n, end_names);
  const fx_status st = fx_list_dir(path, add_name, n);
  if (st != FX_OK)
    return lfx_refused(L, st);
  lua_createtable(L, (int)n->count, 0);
  const char *p = n->bytes;
  for (lua_Integer i = 1; i <= n->count; i++, p += strlen(p) + 1) {
    lua_pushstring(L, p);
    lua_rawseti(L, -2, i);
  }
  lfx_guard_end(n);
  return 1;
}

static int sys_rename (lua_State *L) {
  const char *from = luaL_checkstring(L, 1), *to = luaL_checkstring(L, 2);
  return done(L, rename(from, to) == 0, from);
}

/* A symbolic link that appears under its name whole, in place of one that was there. */
static int sys_symlink (lua_State *L) {
  const char *target = luaL_checkstring(L, 1), *path = luaL_checkstring(L, 2);
  char temporary[FX_PATH_SIZE];
  const fx_status st = fx_file_temporary(path, temporary);
  if (st != FX_OK)
    return lfx_refused(L, st);
  unlink(temporary); /* of a killed process with our number */
  if (symlink(target, temporary) != 0)
    return refused(L, path);
  if (rename(temporary, path) == 0)
    return done(L, true, path);
  const int error = errno;
  unlink(temporary);
  errno = error;
  return refused(L, path);
}

/* The name under which this process writes a path before it is whole. */
static int sys_temporary (lua_State *L) {
  char temporary[FX_PATH_SIZE];
  const fx_status st = fx_file_temporary_name(luaL_checkstring(L, 1), temporary);
  if (st != FX_OK)
    return lfx_refused(L, st);
  lua_pushstring(L, temporary);
  return 1;
}

/* Where a symbolic link leads, as it is written; nil of anything else. */
static int sys_readlink (lua_State *L) {
  char target[FX_PATH_SIZE];
  const ssize_t n = readlink(luaL_checkstring(L, 1), target, sizeof target);
  if (n < 0 || (size_t)n >= sizeof target)
    luaL_pushfail(L);
  else
    lua_pushlstring(L, target, (size_t)n);
  return 1;
}

static int sys_remove (lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  return done(L, unlink(path) == 0, path);
}

static void end_block (void *payload) { fx_free(*(void **)payload); }

static int sys_read (lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  size_t n;
  unsigned char **bytes = lfx_push_guard(L, sizeof *bytes, end_block);
  const fx_status st = fx_file_read_all(path, (size_t)1 << 31, bytes, &n);
  if (st != FX_OK)
    return lfx_refused(L, st);
  lua_pushlstring(L, (const char *)*bytes, n);
  lfx_guard_end(bytes);
  return 1;
}

static int sys_write (lua_State *L) {
  size_t n;
  const char *path = luaL_checkstring(L, 1), *bytes = luaL_checklstring(L, 2, &n);
  return lfx_done(L, fx_file_write(path, bytes, n));
}

/* Bytes of a regular file. */
static int sys_size (lua_State *L) {
  int fd;
  int64_t size;
  const fx_status st = fx_file_open(luaL_checkstring(L, 1), &fd, &size);
  if (st != FX_OK)
    return lfx_refused(L, st);
  close(fd);
  lua_pushinteger(L, size);
  return 1;
}

/* A pipe of that name would keep us for ever, or take what nobody reads: O_NONBLOCK refuses it without a reader. */
static int sys_append (lua_State *L) {
  size_t n;
  const char *path = luaL_checkstring(L, 1), *bytes = luaL_checklstring(L, 2, &n);
  const int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
  if (fd < 0)
    return refused(L, path);
  const ssize_t written = write(fd, bytes, n);
  if (written >= 0 && (size_t)written < n)
    errno = ENOSPC; /* a short write to a file means a full disk */
  const bool ok = written == (ssize_t)n;
  const int error = errno;
  close(fd);
  errno = error;
  return done(L, ok, path);
}

static int sys_sync (lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return refused(L, path);
  const bool ok = fsync(fd) == 0;
  const int error = errno;
  close(fd);
  errno = error;
  return done(L, ok, path);
}

/* --- terminal, process ------------------------------------------------------------------------ */

static int sys_isatty (lua_State *L) {
  lua_pushboolean(L, isatty((int)lfx_to_int(L, 1, "isatty", "fd")));
  return 1;
}

static int sys_columns (lua_State *L) {
  lfx_takes_nothing(L, "columns");
  struct winsize size;
  const char *given = getenv("COLUMNS");
  int columns = given ? atoi(given) : 0;
  if (columns < 1 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
    columns = size.ws_col;
  lua_pushinteger(L, columns > 0 ? columns : 80);
  return 1;
}

static int sys_hash (lua_State *L) {
  size_t n;
  const char *bytes = luaL_checklstring(L, 1, &n);
  char text[17];
  snprintf(text, sizeof text, "%016llx", (unsigned long long)fx_hash(FX_HASH_START, bytes, n));
  lua_pushlstring(L, text, 16);
  return 1;
}

static int sys_pid (lua_State *L) {
  lfx_takes_nothing(L, "pid");
  lua_pushinteger(L, getpid());
  return 1;
}

static int sys_host (lua_State *L) {
  lfx_takes_nothing(L, "host");
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  lua_pushstring(L, name);
  return 1;
}

static int sys_rss (lua_State *L) {
  lfx_takes_nothing(L, "rss");
  long long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f && fscanf(f, "%*s %lld", &pages) != 1)
    pages = 0;
  if (f)
    fclose(f);
  lua_pushinteger(L, (lua_Integer)pages * sysconf(_SC_PAGESIZE));
  return 1;
}

static int sys_peak_rss (lua_State *L) {
  lfx_takes_nothing(L, "peak_rss");
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  lua_pushinteger(L, (lua_Integer)usage.ru_maxrss * 1024);
  return 1;
}

/* --- locks ------------------------------------------------------------------------------------ */

#define LOCK "flexlab.Lock"

typedef struct {
  int fd; /* -1: not held */
  char path[FX_PATH_SIZE];
} lock;

static int sys_lock (lua_State *L) {
  size_t n;
  const char *path = luaL_checklstring(L, 1, &n);
  luaL_argcheck(L, n < FX_PATH_SIZE, 1, "the path is too long");
  lock *l = lua_newuserdatauv(L, sizeof *l, 0);
  l->fd = -1;
  memcpy(l->path, path, n + 1);
  luaL_setmetatable(L, LOCK);
  const fx_status st = fx_file_lock(path, &l->fd);
  return st == FX_OK ? 1 : lfx_refused(L, st);
}

static int lock_close (lua_State *L) {
  lock *l = luaL_checkudata(L, 1, LOCK);
  if (l->fd >= 0)
    fx_file_unlock(l->path, l->fd);
  l->fd = -1;
  return 0;
}

void lfx_open_sys (lua_State *L) {
  static const luaL_Reg meta[] = { { "__gc", lock_close },
                                   { "__close", lock_close },
                                   { NULL, NULL } };
  static const luaL_Reg methods[] = { { "close", lock_close }, { NULL, NULL } };
  static const luaL_Reg functions[] = {
    { "time", sys_time },         { "now", sys_now },
    { "mkdirs", sys_mkdirs },     { "exists", sys_exists },
    { "list", sys_list },         { "rename", sys_rename },
    { "remove", sys_remove },     { "symlink", sys_symlink },
    { "readlink", sys_readlink }, { "temporary", sys_temporary },
    { "lock", sys_lock },         { "size", sys_size },
    { "read", sys_read },         { "write", sys_write },
    { "append", sys_append },     { "sync", sys_sync },
    { "isatty", sys_isatty },     { "columns", sys_columns },
    { "hash", sys_hash },         { "pid", sys_pid },
    { "host", sys_host },         { "rss", sys_rss },
    { "peak_rss", sys_peak_rss }, { NULL, NULL }
  };
  lfx_class(L, LOCK, meta, methods);
  lfx_functions(L, "sys", functions);
}
