/* nearest.c - see nearest.h. */
#include "base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { MOST = 255, FAR = 1000 }; /* letters of a word that is compared; edits to a longer one */

/* What settings are called elsewhere, and here. */
static const char *const elsewhere[][2] = {
  { "learning_rate", "lr" },    { "learningrate", "lr" },  { "batch_size", "batch" },
  { "batchsize", "batch" },     { "epochs", "steps" },     { "iterations", "steps" },
  { "max_steps", "steps" },     { "num_steps", "steps" },  { "warmup_steps", "warmup" },
  { "grad_clip", "clip" },      { "max_norm", "clip" },    { "ema_decay", "ema" },
  { "wd", "weight_decay" },     { "patch_size", "crop" },  { "crop_size", "crop" },
  { "num_samples", "members" }, { "ensemble", "members" }, { "optim", "optimizer" },
  { "optimiser", "optimizer" }, { "loss_fn", "loss" },     { "criterion", "loss" },
  { "scheduler", "cosine" },    { "upscale", "factor" },   { "scale_factor", "factor" },
};

static int lower (char c) { return tolower((unsigned char)c); }

static int least (int a, int b) { return a < b ? a : b; }

/* Edits from a to b, with swaps of neighbours [optimal string alignment]. */
static int edits (const char *a, const char *b, int n, int m) {
  int rows[3]
          [MOST + 1]; /* of the letters of b: for a's letter, the one before it, and that before */
  for (int j = 0; j <= m; j++)
    rows[0][j] = j;
  for (int i = 1; i <= n; i++) {
    int *row = rows[i % 3];
    const int *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
    row[0] = i;
    for (int j = 1; j <= m; j++) {
      const int changed = before[j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));
      row[j] = least(changed, least(before[j], row[j - 1]) + 1);
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
          lower(a[i - 2]) == lower(b[j - 1]))
        row[j] = least(row[j], earlier[j - 2] + 1);
    }
  }
  return rows[n % 3][m];
}

/* Whether `word` holds the first n letters of `part`. */
static bool holds (const char *word, const char *part, int n) {
  for (; *word; word++) {
    int k = 0;
    while (k < n && lower(word[k]) == lower(part[k]))
      k++;
    if (k == n)
      return true;
  }
  return n == 0;
}

/* How far the words are from each other, in half edits. */
static int remoteness (const char *word, const char *other) {
  const size_t long_n = strlen(word), long_m = strlen(other);
  if (long_n > MOST || long_m > MOST)
    return FAR;
  const int n = (int)long_n, m = (int)long_m, shorter = least(n, m);
  int d = 2 * edits(word, other, n, m), shared = 0;
  if (n > 0 && (holds(other, word, n) || holds(word, other, m)))
    d = least(d, 4);
  while (shared < shorter && lower(word[shared]) == lower(other[shared]))
    shared++;
  if (shared > 0 && shared == shorter)
    d = least(d, 3);
  return d - least(shared, 4);
}

static const char *from_elsewhere (const char *word, const char *const *known) {
  char small[32] = "";
  for (size_t i = 0; i < sizeof small - 1 && word[i]; i++)
    small[i] = (char)lower(word[i]);
  for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
    for (const char *const *k = known; *k && strcmp(small, elsewhere[i][0]) == 0; k++)
      if (strcmp(*k, elsewhere[i][1]) == 0)
        return *k;
  return NULL;
}

const char *fx_nearest (const char *word, const char *const *known) {
  const char *best = from_elsewhere(word, known);
  const size_t n = strlen(word);
  if (best || n > MOST)
    return best;
  int enough = n > 3 ? (int)n : 3; /* half of the word, at least one and a half edits */
  for (; *known; known++) {
    const int d = remoteness(word, *known);
    if (best ? d < enough : d <= enough)
      enough = d, best = *known;
  }
  return best;
}
