/* option.c - see option.h. */
#include "base/option.h"

#include <math.h>
#include <string.h>

void fx_options_default (const fx_option *rows, void *options) {
  for (const fx_option *row = rows; row->name; row++) {
    void *at = fx_option_at(row, options);
    switch (row->kind) {
    case FX_OPTION_SIZE: *(int64_t *)at = (int64_t)row->value; break;
    case FX_OPTION_NUMBER: *(double *)at = row->value; break;
    case FX_OPTION_FLAG: *(bool *)at = row->value != 0; break;
    case FX_OPTION_CHOICE: *(int *)at = (int)row->value; break;
    case FX_OPTION_SEED: *(uint64_t *)at = (uint64_t)row->value; break;
    case FX_OPTION_SIZES: *(int64_t *)at = 0; break;
    case FX_OPTION_NUMBERS: *(const double **)at = NULL; break;
    }
  }
}

fx_status fx_option_check_value (const fx_option *row, double value) {
  const bool whole = row->kind != FX_OPTION_NUMBER;
  if (!isfinite(value))
    return fx_fail(FX_EARG, "%s must be a finite number, not %g", row->name, value);
  if (row->least == row->most)
    return FX_OK;
  if (value >= row->least && (whole ? value <= row->most : value < row->most))
    return FX_OK;
  return fx_fail(FX_EARG,
                 whole ? "%s must be a whole number from %.15g to %.15g, not %.15g"
                       : "%s must be a number from %.15g on and below %.15g, not %.15g",
                 row->name, row->least, row->most, value);
}

int fx_option_place (const char *words, const char *word) {
  const size_t n = strlen(word);
  for (int i = 0;; i++) {
    const size_t m = strcspn(words, "|");
    if (m == n && memcmp(words, word, n) == 0)
      return i;
    if (!words[m])
      return -1;
    words += m + 1;
  }
}

/* How many words "a|b|c" has. */
static int word_count (const char *words) {
  int n = 1;
  for (; *words; words++)
    n += *words == '|';
  return n;
}

fx_status fx_options_check (const fx_option *rows, const void *options) {
  for (const fx_option *row = rows; row->name; row++) {
    const void *at = fx_option_at(row, options);
    if (row->kind == FX_OPTION_SIZE)
      FX_TRY(fx_option_check_value(row, (double)*(const int64_t *)at));
    else if (row->kind == FX_OPTION_NUMBER)
      FX_TRY(fx_option_check_value(row, *(const double *)at));
    else if (row->kind == FX_OPTION_CHOICE &&
             (*(const int *)at < 0 || *(const int *)at >= word_count(row->words)))
      return fx_fail(FX_EARG, "%s must be one of %s, not number %d of them", row->name, row->words,
                     *(const int *)at);
  }
  return FX_OK;
}
