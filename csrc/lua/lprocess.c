/*
** lprocess.c - core.sys, the rest: what locks and queues of runs need. Files that only one process can
** make, times of files, links; processes started, watched and signalled; Ctrl-C.
*/
#define _GNU_SOURCE /* struct stat's kin, utimensat under -std=c11 */
#include "lua/lfx.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/process.h"
#include "io/file.h"
#include "io/heartbeat.h"

static int refused (lua_State *L, const char *path) {
  const int error = errno;
  luaL_pushfail(L);
  lua_pushfstring(L, "%s: %s", path, strerror(error));
  return 2;
}

/* --- files ------------------------------------------------------------------------------------ */

/* true, or false when something is there already, or nil and a message. What was begun and cannot be
** written whole is removed again. */
static int sys_create (lua_State *L) {
  size_t n;
  const char *path = luaL_checkstring(L, 1), *bytes = luaL_checklstring(L, 2, &n);
  const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0 && errno == EEXIST) {
    lua_pushboolean(L, 0);
    return 1;
  }
  if (fd < 0)
    return refused(L, path);
  fx_status st = fx_file_put(fd, path, bytes, n);
  if (close(fd) != 0 && st == FX_OK) /* NFS reports a full disk only here */
    st = fx_fail(FX_EIO, "cannot write %s: %s", path, strerror(errno));
  if (st != FX_OK)
    unlink(path);
  return lfx_done(L, st);
}

/* When a file was last written, in seconds of the file system's own clock. */
static int sys_modified (lua_State *L) {
  struct stat s;
  const char *path = luaL_checkstring(L, 1);
  if (stat(path, &s) != 0)
    return refused(L, path);
  lua_pushnumber(L, (double)s.st_mtim.tv_sec + (double)s.st_mtim.tv_nsec * 1e-9);
  return 1;
}

/* Which file a path names, and what tells that it was written to: two texts to compare. */
static int sys_mark (lua_State *L) {
  struct stat s;
  char text[128];
  const char *path = luaL_checkstring(L, 1);
  if (stat(path, &s) != 0)
    return refused(L, path);
  snprintf(text, sizeof text, "%llu %llu", (unsigned long long)s.st_dev,
           (unsigned long long)s.st_ino);
  lua_pushstring(L, text);
  snprintf(text, sizeof text, "%lld %lld.%09ld %lld.%09ld", (long long)s.st_size,
           (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec, (long long)s.st_ctim.tv_sec,
           s.st_ctim.tv_nsec);
  lua_pushstring(L, text);
  return 2;
}

/* Now by the file system's clock, or the unix seconds that are given (tests). */
static int sys_touch (lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct timespec times[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };
  if (!lua_isnoneornil(L, 2)) {
    times[0].tv_sec = times[1].tv_sec = (time_t)luaL_checknumber(L, 2);
    times[0].tv_nsec = times[1].tv_nsec = 0;
  }
  if (utimensat(AT_FDCWD, path, times, 0) != 0)
    return refused(L, path);
  lua_pushboolean(L, 1);
  return 1;
}

/* Bytes that we may still write to the file system of a path. */
static int sys_disk_free (lua_State *L) {
  struct statvfs s;
  const char *path = luaL_checkstring(L, 1);
  if (statvfs(path, &s) != 0)
    return refused(L, path);
  lua_pushinteger(L, (lua_Integer)s.f_bavail * (lua_Integer)s.f_frsize);
  return 1;
}

/* --- a heartbeat ------------------------------------------------------------------------------ */

#define HEARTBEAT "flexlab.Heartbeat"

static int sys_heartbeat (lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  const double seconds = luaL_checknumber(L, 2);
  fx_heartbeat **h = lua_newuserdatauv(L, sizeof *h, 0);
  *h = NULL;
  luaL_setmetatable(L, HEARTBEAT);
  const fx_status st = fx_heartbeat_start(path, seconds, h);
  return st == FX_OK ? 1 : lfx_refused(L, st);
}

static int heartbeat_close (lua_State *L) {
  fx_heartbeat **h = luaL_checkudata(L, 1, HEARTBEAT);
  fx_heartbeat_stop(*h);
  *h = NULL;
  return 0;
}

/* --- standard output in a file ---------------------------------------------------------------- */

#define REDIRECTION "flexlab.Redirection"

typedef struct {
  int out, err; /* what 1 and 2 were; -1: closed */
} redirection;

static int redirection_close (lua_State *L) {
  redirection *r = luaL_checkudata(L, 1, REDIRECTION);
  fflush(stdout);
  if (r->out >= 0) {
    dup2(r->out, STDOUT_FILENO);
    close(r->out);
  }
  if (r->err >= 0) {
    dup2(r->err, STDERR_FILENO);
    close(r->err);
  }
  r->out = r->err = -1;
  return 0;
}

/* What this process prints, C code included, goes to the end of a file until the object is closed. */
static int sys_redirect (lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  redirection *r = lua_newuserdatauv(L, sizeof *r, 0);
  r->out = r->err = -1;
  luaL_setmetatable(L, REDIRECTION);
  const int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK,
                      0666); /* a pipe must not block us */
  if (fd < 0)
    return refused(L, path);
  fflush(stdout);
  r->out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  r->err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  dup2(fd, STDOUT_FILENO);
  dup2(fd, STDERR_FILENO);
  close(fd);
  return 1;
}

/* --- processes -------------------------------------------------------------------------------- */

/* The words of a list as an array for exec; they live as long as the list does. */
static const char **push_words (lua_State *L, int idx) {
  const lua_Integer n = luaL_len(L, idx);
  const char **words = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *words, 0);
  for (lua_Integer i = 1; i <= n; i++) {
    if (lua_rawgeti(L, idx, i) != LUA_TSTRING)
      luaL_error(L, "start: the command must be a list of strings");
    words[i - 1] = lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  words[n] = NULL;
  return words;
}

static int sys_start (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  const char **words = push_words(L, 1);
  int pid;
  if (!words[0])
    return luaL_error(L, "start: the command is empty");
  fflush(NULL);
  const fx_status st = fx_process_start(words, &pid);
  if (st != FX_OK)
    return lfx_refused(L, st);
  lua_pushinteger(L, pid);
  return 1;
}

/* false while it runs; then "exit" and its code, or "signal" and the number of the signal that ended it */
static int sys_ended (lua_State *L) {
  bool running;
  int code, number;
  const fx_status st = fx_process_ended((int)luaL_checkinteger(L, 1), &running, &code, &number);
  if (st != FX_OK)
    return lfx_refused(L, st);
  if (running) {
    lua_pushboolean(L, 0);
    return 1;
  }
  lua_pushstring(L, number ? "signal" : "exit");
  lua_pushinteger(L, number ? number : code);
  return 2;
}

static int sys_process_exists (lua_State *L) {
  lua_pushboolean(L, fx_process_exists((int)luaL_checkinteger(L, 1)));
  return 1;
}

static const struct {
  const char *name;
  int number;
} signals[] = { { "INT", SIGINT }, { "TERM", SIGTERM }, { "HUP", SIGHUP }, { "KILL", SIGKILL } };
enum { SIGNALS = sizeof signals / sizeof *signals };

/* To a process (above 1 only: 0 and below mean groups, and all). */
static int sys_kill (lua_State *L) {
  const lua_Integer pid = luaL_checkinteger(L, 1);
  const int i = lfx_word(L, "kill", "signal", luaL_checkstring(L, 2), "INT|TERM|HUP|KILL");
  luaL_argcheck(L, pid > 1, 1, "a process number above 1 is wanted");
  if (kill((pid_t)pid, signals[i].number) != 0)
    return refused(L, "kill");
  lua_pushboolean(L, 1);
  return 1;
}

/* Ends early when a signal comes meanwhile. */
static int sys_sleep (lua_State *L) {
  const double seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, seconds >= 0 && seconds < 1e9, 1, "seconds from 0 on are wanted");
  const struct timespec t = { .tv_sec = (time_t)seconds,
                              .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };
  nanosleep(&t, NULL);
  return 0;
}

/* --- Ctrl-C ----------------------------------------------------------------------------------- */

static int sys_interrupts (lua_State *L) {
  lfx_takes_nothing(L, "interrupts");
  lua_pushinteger(L, fx_interrupt_count());
  return 1;
}

static int sys_interrupted (lua_State *L) {
  lfx_takes_nothing(L, "interrupted");
  lua_pushboolean(L, fx_interrupted());
  return 1;
}

/* The name and number of the signal that asked for an end, or nil. */
static int sys_signal (lua_State *L) {
  lfx_takes_nothing(L, "signal");
  const int number = fx_interrupt_signal();
  for (int i = 0; i < SIGNALS; i++) {
    if (signals[i].number == number) {
      lua_pushstring(L, signals[i].name);
      lua_pushinteger(L, number);
      return 2;
    }
  }
  lua_pushnil(L);
  return 1;
}

static int sys_clear_interrupts (lua_State *L) {
  lfx_takes_nothing(L, "clear_interrupts");
  fx_interrupt_clear();
  fx_interrupt_forget();
  return 0;
}

/* Loops of Lua that call no op never ask; so the handler hooks the main thread of Lua, and the hook raises
** once an end now is asked for. It is set after a press only, since it slows Lua down. */
static lua_State *hooked;
enum { HOOK_EVERY = 100 /* instructions */ };

static void hook (lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (fx_interrupt_count() == 0)
    lua_sethook(L, NULL, 0, 0);
  if (fx_interrupted())
    lfx_check(L, FX_EINTR, NULL);
}

static void set_hook (void) { lua_sethook(hooked, hook, LUA_MASKCOUNT, HOOK_EVERY); }

static int sys_catch_interrupts (lua_State *L) {
  if (!lua_isboolean(L, 1))
    return luaL_error(L, "catch_interrupts: argument 1 must be true or false, got %s",
                      lfx_describe(L, 1));
  if (!lua_toboolean(L, 1)) {
    fx_interrupt_restore();
    fx_interrupt_call(NULL);
    if (hooked && lua_gethook(hooked) == hook)
      lua_sethook(hooked, NULL, 0, 0);
    return 0;
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  hooked = lua_tothread(L, -1);
  fx_interrupt_call(set_hook);
  if (!fx_interrupt_install())
    return luaL_error(L, "catch_interrupts: the system refuses a signal handler");
  return 0;
}

static void class_of (lua_State *L, const char *name, lua_CFunction end) {
  const luaL_Reg meta[] = { { "__gc", end }, { "__close", end }, { NULL, NULL } };
  const luaL_Reg methods[] = { { "close", end }, { NULL, NULL } };
  lfx_class(L, name, meta, methods);
}

void lfx_open_process (lua_State *L) {
  static const luaL_Reg functions[] = { { "create", sys_create },
                                        { "modified", sys_modified },
                                        { "mark", sys_mark },
                                        { "touch", sys_touch },
                                        { "disk_free", sys_disk_free },
                                        { "heartbeat", sys_heartbeat },
                                        { "redirect", sys_redirect },
                                        { "start", sys_start },
                                        { "ended", sys_ended },
                                        { "process_exists", sys_process_exists },
                                        { "kill", sys_kill },
                                        { "sleep", sys_sleep },
                                        { "interrupts", sys_interrupts },
                                        { "interrupted", sys_interrupted },
                                        { "signal", sys_signal },
                                        { "clear_interrupts", sys_clear_interrupts },
                                        { "catch_interrupts", sys_catch_interrupts },
                                        { NULL, NULL } };
  class_of(L, HEARTBEAT, heartbeat_close);
  class_of(L, REDIRECTION, redirection_close);
  lua_getfield(L, -1, "sys");
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
