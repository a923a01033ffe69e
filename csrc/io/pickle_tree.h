/*
** pickle_tree.h - what is made of a pickle: nodes in blocks of memory that all end together, since nodes may be
** shared and may hold themselves. pickle.c makes nodes of opcodes, pickle_call.c of names that are called.
*/
#ifndef FX_PICKLE_TREE_H
#define FX_PICKLE_TREE_H

#include "io/pickle.h"

struct fx_pickle {
  struct fx_pickle_block *blocks;
  fx_pickle_node *root;
};

/* Memory that lives as long as the tree; a new node; NULL with the message set. */
void *fx_pickle_memory(fx_pickle *p, size_t bytes);
fx_pickle_node *fx_pickle_new(fx_pickle *p, fx_pickle_kind kind);
fx_status fx_pickle_append(fx_pickle *p, fx_pickle_node *list, fx_pickle_node *item);

/* --- names (pickle_call.c) -------------------------------------------------------------------- */

/* The meaning of a global name, or NULL if it is not one of ours. */
const struct fx_pickle_name *fx_pickle_lookup(const char *module, size_t module_size,
                                              const char *name, size_t name_size);

/* What function(args...) makes; `args` is a TUPLE. */
fx_status fx_pickle_call(fx_pickle *p, const fx_pickle_node *function, const fx_pickle_node *args,
                         fx_pickle_node **out);

/* The storage that a persistent id ('storage', class, key, location, count) names. */
fx_status fx_pickle_storage(fx_pickle *p, const fx_pickle_node *id, fx_pickle_node **out);

#endif
