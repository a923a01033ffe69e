/* nearest.h - the word that was meant, for messages about one that nobody knows. */
#ifndef FX_NEAREST_H
#define FX_NEAREST_H

/*
** The word of `known` (NULL ends it) that `word` was meant to be, the first of those that are equally near; NULL where
** none is near enough to be named.
**
** Words are compared without regard to case, by edits: a letter inserted, deleted, changed, or swapped with its
** neighbour. A beginning that is shared counts for a word, since people shorten words and get their ends wrong: "comp"
** means "compare" rather than "loop". A word that holds the other is at most two edits away. Near enough is half of
** what was typed. What other programs call a setting is known too ("learning_rate": lr), where that setting is.
*/
const char *fx_nearest(const char *word, const char *const *known);

#endif
