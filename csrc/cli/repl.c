/*
** repl.c - read, evaluate, print: the module flexlab.repl_core.
**
** A line is tried as `return <line>` first, then as it is; it is incomplete if Lua's message ends
** in <eof> (but not "unfinished string", which no further line can mend). Results are printed,
** unless the line ends in ';', and the last three are kept as _1, _2, _3 - not more, since each may
** hold a large tensor. Errors and Ctrl-C end the line, never the session.
**
** Ctrl-C while Lua runs: the handler sets a hook, which raises at the next instruction, and counts
** two presses for loops in C (base/interrupt.h). Neither reaches a loop inside a coroutine, which has
** hooks of its own, or a single long call of C such as string.find: so the third press says that the
** next one ends the program, and it does. A run that catches interrupts itself
** (core.sys.catch_interrupts) replaces the handler for that time.
*/
#define _GNU_SOURCE
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "cli/cli.h"
#include "cli/line.h"

static lua_State *running; /* while a chunk runs */
static volatile sig_atomic_t presses;

enum { DEAF = 3 }; /* after so many presses nothing listens */

/* --- Ctrl-C ----------------------------------------------------------------------------------- */

static void stop (lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "interrupted!");
}

static void on_interrupt (int number) {
  presses++;
  if (running) {
    fx_interrupt_raise();
    fx_interrupt_raise();
    lua_sethook(running, stop, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
  }
  if (running && presses == DEAF) {
    static const char text[] = "\nthis does not listen; Ctrl-C once more ends the program\n";
    const ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written; /* a handler has nobody to tell */
    signal(number, SIG_DFL);
  }
}

static void catch_interrupts (struct sigaction *before) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask); /* no SA_RESTART: reading a line must end */
  sigaction(SIGINT, &action, before);
}

/* --- evaluating ------------------------------------------------------------------------------- */

/* Calls the function under its n arguments; on failure the message is left. */
static int protected_call (lua_State *L, int n, int results) {
  const int base = lua_gettop(L) - n;
  lua_pushcfunction(L, cli_message);
  lua_insert(L, base);
  running = L;
  const int status = lua_pcall(L, n, results, base);
  running = NULL;
  lua_sethook(L, NULL, 0, 0); /* a press that came as the chunk ended */
  fx_interrupt_clear();
  if (presses >= DEAF)
    catch_interrupts(NULL);
  presses = 0;
  lua_remove(L, base);
  return status;
}

static void report (lua_State *L) {
  fflush(stdout);
  size_t n;
  const char *message = luaL_tolstring(L, -1, &n);
  cli_write_printable(stderr, message, n);
  fputc('\n', stderr);
  lua_pop(L, 2);
}

/* Whether the message on top says that more lines are needed. */
static bool incomplete (lua_State *L, int status) {
  size_t n;
  const char *message = lua_tolstring(L, -1, &n);
  return status == LUA_ERRSYNTAX && message && n >= 5 && strcmp(message + n - 5, "<eof>") == 0 &&
         !strstr(message, "unfinished string");
}

/* Loads `return text`; on failure leaves nothing. */
static int load_expression (lua_State *L, const char *text, size_t n) {
  while (n > 0 && strchr("; \t", text[n - 1]))
    n--;
  lua_pushliteral(L, "return ");
  lua_pushlstring(L, text, n);
  lua_concat(L, 2);
  const char *expression = lua_tostring(L, -1);
  const int status = luaL_loadbufferx(L, expression, strlen(expression), "=line", "t");
  lua_remove(L, -2);
  if (status != LUA_OK)
    lua_pop(L, 1);
  return status == LUA_OK;
}

/* Leaves a function and returns LUA_OK, or leaves a message. -1: the input ended, nothing is left.
** -2: the user dropped the lines. The text is left below. */
static int load_lines (lua_State *L) {
  for (;;) {
    size_t n;
    char *more;
    const char *text = lua_tolstring(L, -1, &n);
    if (load_expression(L, text, n))
      return LUA_OK;
    const int status = luaL_loadbufferx(L, text, n, "=line", "t");
    if (!incomplete(L, status))
      return status;
    const line_result read = line_read(">> ", &more);
    if (read != LINE_READ)
      return read == LINE_END ? status : -2;
    lua_pop(L, 1);
    line_remember(more);
    lua_pushfstring(L, "\n%s", more);
    free(more);
    lua_concat(L, 2);
  }
}

/* --- printing --------------------------------------------------------------------------------- */

/* Shifts _1 and _2 and stores the value at idx as _1. */
static void keep_result (lua_State *L, int idx) {
  lua_getglobal(L, "_2");
  lua_setglobal(L, "_3");
  lua_getglobal(L, "_1");
  lua_setglobal(L, "_2");
  lua_pushvalue(L, idx);
  lua_setglobal(L, "_1");
}

static int print_results (lua_State *L) {
  const int n = lua_gettop(L);
  luaL_checkstack(L, 20, NULL);
  for (int i = 1; i <= n; i++) {
    size_t size;
    cli_show(L, i);
    const char *text = lua_tolstring(L, -1, &size);
    cli_write_printable(stdout, text, size);
    putchar(i < n ? '\t' : '\n');
    lua_settop(L, n);
  }
  if (!lua_isnil(L, 1))
    keep_result(L, 1);
  return 0;
}

static double now_s (void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Runs the function on top; what it leaves is printed unless muted. Returns the status. */
static int evaluate (lua_State *L, bool muted, bool terminal) {
  const int base = lua_gettop(L);
  const double start = now_s();
  int status = protected_call(L, 0, LUA_MULTRET);
  const int results = lua_gettop(L) - base + 1;
  if (status == LUA_OK && results > 0 && !muted) {
    lua_pushcfunction(L, print_results);
    lua_insert(L, base);
    status = protected_call(L, results, 0);
  }
  if (status != LUA_OK)
    report(L);
  else if (terminal && now_s() - start > 0.1)
    printf("(%.2f s)\n", now_s() - start);
  fflush(stdout);
  return status;
}

static bool is_muted (const char *text) {
  size_t n = strlen(text);
  while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
    n--;
  return n > 0 && text[n - 1] == ';';
}

/* --- the loop --------------------------------------------------------------------------------- */

/* One entry. Returns 0 to go on, 1 after a failure, -1 at the end of input. */
static int step (lua_State *L, const char *prompt, bool terminal) {
  char *line;
  bool failed = false;
  const line_result read = line_read(prompt, &line);
  presses = 0;
  if (read != LINE_READ)
    return read == LINE_END ? -1 : 0;
  line_remember(line);
  lua_pushstring(L, line); /* a line too long for memory would raise: let it */
  free(line);
  const int status = load_lines(L);
  if (status == LUA_OK)
    failed = evaluate(L, is_muted(lua_tostring(L, -2)), terminal) != LUA_OK;
  else if (status > 0)
    failed = true, report(L);
  presses = 0;
  return failed;
}

/* Argument 1: the name of a file, or nil. flex becomes the library; what the file returns becomes
** the global of its name (recipes/sr.lua: sr). */
static int prepare (lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "flexlab");
  lua_call(L, 1, 1);
  lua_setglobal(L, "flex");
  if (lua_isnil(L, 1))
    return 0;
  const char *path = lua_tostring(L, 1), *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  if (luaL_loadfilex(L, path, "t") != LUA_OK)
    return lua_error(L);
  lua_call(L, 0, 1);
  if (!lua_isnil(L, -1)) {
    lua_pushlstring(L, name, strcspn(name, "."));
    lua_insert(L, -2);
    lua_setglobal(L, lua_tostring(L, -2));
  }
  return 0;
}

/* Reads and evaluates until the input ends; returns whether a line failed. */
static bool loop (lua_State *L, const char *prompt, bool terminal) {
  bool failed = false;
  int state;
  while ((state = step(L, prompt, terminal)) >= 0) {
    failed = failed || state;
    lua_settop(L, 1);
  }
  return failed;
}

/* run{ file=, banner=, prompt= } -> exit code: 0, or 1 if a line failed and nobody sat there. */
static int repl_run (lua_State *L) {
  struct sigaction before;
  bool failed = false;
  lua_settop(L, 1);
  if (lua_isnil(L, 1)) {
    lua_newtable(L);
    lua_replace(L, 1);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_getfield(L, 1, "prompt");
  const char *prompt = luaL_optstring(L, -1, "> ");
  lua_getfield(L, 1, "banner");
  const char *banner =
      luaL_optstring(L, -1,
                     "FlexLab: `flex` is the library, help() helps, TAB completes, "
                     "a final ; mutes, Ctrl-D leaves.");
  lua_settop(L, 1); /* the table keeps the strings */
  const bool terminal = line_open(L, &presses);
  catch_interrupts(&before);
  if (terminal)
    printf("%s\n", banner);
  lua_pushcfunction(L, prepare);
  lua_getfield(L, 1, "file");
  if (protected_call(L, 1, 0) != LUA_OK) {
    report(L);
    failed = true;
  }
  failed = loop(L, prompt, terminal) || failed;
  if (terminal)
    putchar('\n');
  sigaction(SIGINT, &before, NULL);
  line_close();
  lua_pushinteger(L, failed && !terminal);
  return 1;
}

int luaopen_flexlab_repl_core (lua_State *L) {
  static const luaL_Reg functions[] = { { "run", repl_run }, { NULL, NULL } };
  luaL_newlib(L, functions);
  return 1;
}
