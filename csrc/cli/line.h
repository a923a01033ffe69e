/* line.h - one line from the user, and the memory of earlier ones. */
#ifndef CLI_LINE_H
#define CLI_LINE_H

#include <lua.h>
#include <signal.h>
#include <stdbool.h>

typedef enum { LINE_READ, LINE_END, LINE_DROPPED } line_result;

/* Prepares; L is asked for names when TAB is pressed; *presses counts Ctrl-C. Returns whether the
** user sits at a terminal. */
bool line_open(lua_State *L, volatile sig_atomic_t *presses);
void line_close(void);

/* Reads a line without its newline; free(*line) if LINE_READ. */
line_result line_read(const char *prompt, char **line);

/* Adds a line to the history, unless it equals the one before. */
void line_remember(const char *line);

#endif
