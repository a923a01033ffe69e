/*
** lrows.h - lists of options (base/option.h) as Lua sees them.
*/
#ifndef LROWS_H
#define LROWS_H

#include "base/option.h"
#include "lua/lfx.h"

/* Reads what `o` gives of every row that is no list into the struct; what is not given stays. */
void lfx_read_rows(const lfx_options *o, const fx_option *rows, void *options);

/* Sets every row that is no list in the table on top. */
void lfx_set_rows(lua_State *L, const fx_option *rows, const void *options);

/* Pushes the rows: a list of { name=, kind=, setting=, own=, since=, doc= } with default, words, and a range as they
** have it: least and most are included, below is not. `own`: the setting is the one of this name, for this alone. */
void lfx_push_rows(lua_State *L, const fx_option *rows);

#endif
