/* cli.h - what the files of the program `flexlab` share. */
#ifndef CLI_H
#define CLI_H

#include <lua.h>
#include <stdio.h>

/* The module flexlab.repl_core: { run = function(options) }, options {file=, banner=, prompt=} or
** nil; the file is run first. */
int luaopen_flexlab_repl_core(lua_State *L);

/* A message handler for lua_pcall: the error as a text, with the traceback if FLEXLAB_TRACEBACK=1; once
** lua/flexlab/blame.lua is loaded, as that file says it. */
int cli_message(lua_State *L);

/* Pushes a text that shows the value at idx to a person: tensors and objects by __tostring, plain
** tables one level deep with sorted keys. May raise. */
void cli_show(lua_State *L, int idx);

/* Names that can follow `text`, the last word of a line, such as "flex.da" or "t:su": a new array
** as libedit wants it (malloc, first the common part), or NULL. Never calls metamethods. */
char **cli_complete(lua_State *L, const char *text);

/* Called as main begins: the libraries have been loaded (load_watch.c). */
void cli_loaded(void);

/* Writes a text for people: control characters as their numbers (printable.c). */
void cli_write_printable(FILE *file, const char *text, size_t n);

#endif
