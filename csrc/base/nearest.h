/* nearest.h - the word that was meant, for messages about one that nobody knows. */
#ifndef FX_NEAREST_H
#define FX_NEAREST_H

/* The word of `known` (NULL ends it) with the least edit distance to `word`, or NULL: it is offered only
** if less than half of the word would change. */
const char *fx_nearest(const char *word, const char *const *known);

#endif
