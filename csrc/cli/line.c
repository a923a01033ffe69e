/*
** line.c - one line from the user: libedit on a terminal, getline elsewhere.
**
** Ctrl-C at the prompt drops the line. libedit has no such notion, so characters reach it through
** our own reader (rl_getc_function): a signal ends the wait, and the line is closed and forgotten.
** The reader puts UTF-8 together itself, because libedit wants whole characters from it.
**
** History is a plain file, one line an entry, mode 0600, appended to as lines come, so that several
** sessions can share it: $XDG_STATE_HOME/flexlab/history.
*/
#define _GNU_SOURCE
#include "cli/line.h"

#include <editline/readline.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

#define MOST_REMEMBERED 1000

static bool terminal; /* stdin and stdout are one */
static char history_path[4096];
static char *last_entry;
static volatile sig_atomic_t *pressed; /* Ctrl-C, counted by the REPL's handler */
static lua_State *names;               /* for TAB */

/* --- history ---------------------------------------------------------------------------------- */

static void make_folders (char *path) {
  for (char *p = path + 1; *p; p++)
    if (*p == '/') {
      *p = '\0';
      mkdir(path, 0700);
      *p = '/';
    }
}

static void find_history (void) {
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  int n = -1;
  if (state && *state == '/')
    n = snprintf(history_path, sizeof history_path, "%s/flexlab/history", state);
  else if (home && *home)
    n = snprintf(history_path, sizeof history_path, "%s/.local/state/flexlab/history", home);
  if (n < 0 || n >= (int)sizeof history_path)
    history_path[0] = '\0';
}

static void load_history (void) {
  char *line = NULL;
  size_t room = 0;
  ssize_t n;
  FILE *f = history_path[0] ? fopen(history_path, "re") : NULL;
  using_history();
  stifle_history(MOST_REMEMBERED);
  while (f && (n = getline(&line, &room, f)) > 0) {
    if (line[n - 1] == '\n')
      line[n - 1] = '\0';
    if (line[0])
      add_history(line);
  }
  free(line);
  if (f)
    fclose(f);
}

void line_remember (const char *line) {
  if (!terminal || !line[0] || (last_entry && strcmp(last_entry, line) == 0))
    return;
  free(last_entry);
  last_entry = strdup(line);
  add_history(line);
  if (!history_path[0])
    return;
  int fd = open(history_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    make_folders(history_path);
    fd = open(history_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  }
  if (fd < 0)
    return; /* a session without a history file is still a session */
  char *text;
  const int n = asprintf(&text, "%s\n", line);
  if (n > 0) {
    if (write(fd, text, (size_t)n) < 0)
      history_path[0] = '\0';
    free(text);
  }
  close(fd);
}

/* --- characters ------------------------------------------------------------------------------- */

/* The next byte, -1 at the end of input, '\n' once after Ctrl-C. */
static int next_byte (void) {
  unsigned char c;
  for (;;) {
    if (*pressed)
      return '\n';
    const ssize_t n = read(STDIN_FILENO, &c, 1);
    if (n == 1)
      return c;
    if (n == 0 || errno != EINTR)
      return -1;
  }
}

static int next_character (FILE *in) {
  (void)in;
  int c = next_byte();
  if (c < 0xC0)
    return c;
  int more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
  int code = c & (0x3F >> more);
  for (; more > 0; more--) {
    c = next_byte();
    if (c < 0 || (c & 0xC0) != 0x80)
      return '?';
    code = code << 6 | (c & 0x3F);
  }
  return code;
}

static char **complete (const char *text, int start, int end) {
  (void)start, (void)end;
  rl_attempted_completion_over = 1; /* no file names where there is no name */
  rl_completion_append_character = '\0';
  return names ? cli_complete(names, text) : NULL;
}

/* --- lines ------------------------------------------------------------------------------------ */

bool line_open (lua_State *L, volatile sig_atomic_t *presses) {
  pressed = presses;
  names = L;
  terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
  if (!terminal)
    return false;
  setlocale(LC_CTYPE, ""); /* widths of characters; numbers keep their point */
  rl_readline_name = "flexlab";
  rl_getc_function = next_character;
  rl_attempted_completion_function = complete;
  rl_completer_word_break_characters = (char *)" \t\n\"'()[]{}=,;+-*/%^#<>~&|";
  find_history();
  load_history();
  return true;
}

void line_close (void) {
  names = NULL;
  free(last_entry);
  last_entry = NULL;
}

line_result line_read (const char *prompt, char **line) {
  size_t room = 0;
  *line = NULL;
  if (terminal) {
    *line = readline(prompt);
    if (*pressed) {
      free(*line);
      *line = NULL;
      return LINE_DROPPED;
    }
    return *line ? LINE_READ : LINE_END;
  }
  const ssize_t n = getline(line, &room, stdin);
  if (n <= 0) {
    free(*line);
    *line = NULL;
    return *pressed ? LINE_DROPPED : LINE_END;
  }
  if ((*line)[n - 1] == '\n')
    (*line)[n - 1] = '\0';
  return LINE_READ;
}
