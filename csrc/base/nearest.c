/* nearest.c - see nearest.h. */
#include "base/nearest.h"

#include <string.h>

/* Edits (insert, delete, change a letter) from a to b; long words count as far away. */
static int distance (const char *a, const char *b) {
  enum { MOST = 40 };
  const int n = (int)strlen(a), m = (int)strlen(b);
  int row[MOST + 1];
  if (n > MOST || m > MOST)
    return MOST;
  for (int j = 0; j <= m; j++)
    row[j] = j;
  for (int i = 1; i <= n; i++) {
    int diagonal = row[0];
    row[0] = i;
    for (int j = 1; j <= m; j++) {
      const int changed = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      const int shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];
      row[j] = changed <= shorter ? changed : shorter + 1;
    }
  }
  return row[m];
}

const char *fx_nearest (const char *word, const char *const *known) {
  const char *best = NULL;
  int least = (int)strlen(word) / 2 + 1;
  for (; *known; known++) {
    const int d = distance(word, *known);
    if (d < least)
      least = d, best = *known;
  }
  return best;
}
