/*
** option.h - a list of options, and one option of it as a row.
**
** The configuration of FLEX (model/flex_fields.def) and the options of a flow (sim/flow_options.def) are lists in
** which every option stands once: kind, name, default, meaning. The preprocessor makes a struct of such a list, whose
** members have types, and a table of these rows. Whatever treats all options alike goes by the table: defaults,
** ranges, Lua's tables, the texts of checkpoints, the settings of recipes, the reference, the stubs for editors.
**
** Refused: an expansion of the list for each of these uses. There are a dozen, every one would define a macro for
** every kind, and a new kind would change them all; a row is looked at by a `switch` of its kind.
*/
#ifndef FX_OPTION_H
#define FX_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* What a member is. The words are those that Lua's descriptions of the rows have (lua/lrows.c). */
typedef enum {
  FX_OPTION_SIZE,   /* int64_t                                                    */
  FX_OPTION_NUMBER, /* double                                                     */
  FX_OPTION_FLAG,   /* bool                                                       */
  FX_OPTION_CHOICE, /* an enum, of which `words` says the names in order: "a|b"   */
  FX_OPTION_SEED,   /* uint64_t                                                   */
  FX_OPTION_SIZES,  /* an array of int64_t; how many, another member says         */
  FX_OPTION_NUMBERS /* const double *, borrowed; how many, another member says    */
} fx_option_kind;

typedef struct {
  fx_option_kind kind;
  const char *name; /* of the member; NULL ends a table                                          */
  size_t offset;    /* of the member                                                             */
  double value;     /* the default; of a choice its place among the words                        */
  double least;     /* range of SIZE, of SIZES each: least .. most; of NUMBER: least <= v < most */
  double most;      /* both 0: none                                                              */
  const char *words;
  int since;           /* the first version of files that have it                 */
  const char *setting; /* the setting that decides it; "": the one of its name    */
  const char *doc;
} fx_option;

/* A row of the struct `owner`, of what an entry of a list says. */
#define FX_OPTION_ROW(owner, kind, type, name, value, least, most, words, since, setting, doc) \
  { FX_OPTION_##kind, #name, offsetof(owner, name), value, least, most, words, since, setting, doc }

/* Where the struct at `options` has the member of a row. */
static inline void *fx_option_at (const fx_option *row, const void *options) {
  return (char *)options + row->offset;
}

/* Writes every default; lists become 0, that is no list. */
void fx_options_default(const fx_option *rows, void *options);

/* Errors: FX_EARG for the first value that its row does not take, lists left out: "heads must be a whole number from
** 1 to 1024, not 0". */
fx_status fx_options_check(const fx_option *rows, const void *options);

/* The same of one value of a row that is a list or a number. */
fx_status fx_option_check_value(const fx_option *row, double value);

/* The place of a word in "a|b|c", from 0; -1 if it is none of them. */
int fx_option_place(const char *words, const char *word);

#endif
