/* lrows.c - see lrows.h. */
#include "lua/lrows.h"

#include <string.h>

void lfx_read_rows (const lfx_options *o, const fx_option *rows, void *options) {
  for (const fx_option *row = rows; row->name; row++) {
    void *at = fx_option_at(row, options);
    switch (row->kind) {
    case FX_OPTION_SIZE: *(int64_t *)at = lfx_int(o, row->name, *(int64_t *)at); break;
    case FX_OPTION_NUMBER: *(double *)at = lfx_number(o, row->name, *(double *)at); break;
    case FX_OPTION_FLAG: *(bool *)at = lfx_flag(o, row->name, *(bool *)at); break;
    case FX_OPTION_CHOICE: *(int *)at = lfx_choice(o, row->name, row->words, *(int *)at); break;
    case FX_OPTION_SEED:
      *(uint64_t *)at = (uint64_t)lfx_int(o, row->name, (int64_t) * (uint64_t *)at);
      break;
    case FX_OPTION_SIZES:
    case FX_OPTION_NUMBERS: break;
    }
  }
}

/* Pushes word `i` of "a|b|c". */
static void push_word (lua_State *L, const char *words, int i) {
  for (; i > 0; i--)
    words += strcspn(words, "|") + 1;
  lua_pushlstring(L, words, strcspn(words, "|"));
}

void lfx_set_rows (lua_State *L, const fx_option *rows, const void *options) {
  for (const fx_option *row = rows; row->name; row++) {
    const void *at = fx_option_at(row, options);
    switch (row->kind) {
    case FX_OPTION_SIZE: lua_pushinteger(L, *(const int64_t *)at); break;
    case FX_OPTION_NUMBER: lua_pushnumber(L, *(const double *)at); break;
    case FX_OPTION_FLAG: lua_pushboolean(L, *(const bool *)at); break;
    case FX_OPTION_CHOICE: push_word(L, row->words, *(const int *)at); break;
    case FX_OPTION_SEED: lua_pushinteger(L, (lua_Integer) * (const uint64_t *)at); break;
    case FX_OPTION_SIZES:
    case FX_OPTION_NUMBERS: continue;
    }
    lua_setfield(L, -2, row->name);
  }
}

/* Sets the default of a row in the table on top; a list has none. */
static void set_default (lua_State *L, const fx_option *row) {
  switch (row->kind) {
  case FX_OPTION_SIZE:
  case FX_OPTION_SEED: lua_pushinteger(L, (lua_Integer)row->value); break;
  case FX_OPTION_NUMBER: lua_pushnumber(L, row->value); break;
  case FX_OPTION_FLAG: lua_pushboolean(L, row->value != 0); break;
  case FX_OPTION_CHOICE: push_word(L, row->words, (int)row->value); break;
  case FX_OPTION_SIZES:
  case FX_OPTION_NUMBERS: return;
  }
  lua_setfield(L, -2, "default");
}

static void set_text (lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

/* Sets one end of the range; of whole numbers an integer. */
static void set_bound (lua_State *L, const fx_option *row, const char *name, double value) {
  if (row->kind == FX_OPTION_NUMBER)
    lua_pushnumber(L, value);
  else
    lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

void lfx_push_rows (lua_State *L, const fx_option *rows) {
  static const char *const kinds[] = { "size", "number", "flag",   "choice",
                                       "seed", "sizes",  "numbers" };
  lua_newtable(L);
  for (const fx_option *row = rows; row->name; row++) {
    lua_createtable(L, 0, 10);
    set_text(L, "name", row->name);
    set_text(L, "kind", kinds[row->kind]); /* ORDER fx_option_kind */
    set_text(L, "setting", row->setting[0] ? row->setting : row->name);
    lua_pushboolean(L, !row->setting[0]);
    lua_setfield(L, -2, "own");
    set_text(L, "doc", row->doc);
    lua_pushinteger(L, row->since);
    lua_setfield(L, -2, "since");
    set_default(L, row);
    if (row->words[0])
      set_text(L, "words", row->words);
    if (row->least != row->most) {
      set_bound(L, row, "least", row->least);
      set_bound(L, row, row->kind == FX_OPTION_NUMBER ? "below" : "most", row->most);
    }
    lua_rawseti(L, -2, row - rows + 1);
  }
}
