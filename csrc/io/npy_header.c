/*
** npy_header.c - see npy_header.h.
**
** The dictionary is Python source, of which numpy evaluates the literals. Here is the grammar of what numpy and its
** imitators write, and no more: texts in either quote without escapes, True and False, tuples of whole numbers (4L of
** Python 2 too), and, for records, nested lists of these, which are passed over.
*/
#include "io/npy_header.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DEPTH = 16, MOST_WORD = 32 };

typedef struct {
  const char *at;
} parser;

static void skip (parser *p) {
  while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r')
    p->at++;
}

/* The character c, behind white space. */
static bool take (parser *p, char c) {
  skip(p);
  if (*p->at != c)
    return false;
  p->at++;
  return true;
}

/* A text; `word` gets "" if it is longer than fits. */
static bool take_text (parser *p, char *word, size_t size) {
  skip(p);
  const char quote = *p->at;
  if (quote != '\'' && quote != '"')
    return false;
  const char *begin = p->at + 1;
  size_t n = 0;
  while (begin[n] && begin[n] != quote && begin[n] != '\\' && begin[n] != '\n')
    n++;
  if (begin[n] != quote)
    return false;
  if (n >= size)
    n = 0;
  memcpy(word, begin, n);
  word[n] = '\0';
  p->at = begin + strcspn(begin, quote == '"' ? "\"" : "'") + 1;
  return true;
}

static bool take_word (parser *p, const char *word) {
  skip(p);
  const size_t n = strlen(word);
  if (strncmp(p->at, word, n) != 0 || isalnum((unsigned char)p->at[n]) || p->at[n] == '_')
    return false;
  p->at += n;
  return true;
}

static bool take_number (parser *p, int64_t *value) {
  char *end;
  skip(p);
  if (!isdigit((unsigned char)*p->at) || (p->at[0] == '0' && isdigit((unsigned char)p->at[1])))
    return false;
  *value = strtoll(p->at, &end, 10);
  p->at = end + (*end == 'L');
  return *value < INT64_MAX; /* what does not fit saturates */
}

static bool take_shape (parser *p, fx_npy_header *h) {
  if (!take(p, '('))
    return false;
  bool comma = true;
  while (!take(p, ')')) {
    if (!comma || h->rank == FX_CONTAINER_AXES || !take_number(p, &h->shape[h->rank]))
      return false;
    h->rank++;
    comma = take(p, ',');
  }
  return h->rank != 1 || comma; /* (5) is a number, (5,) is a shape */
}

/* A list or tuple of texts, numbers and lists. */
static bool pass_over (parser *p, int depth) {
  char word[MOST_WORD];
  int64_t number;
  const bool list = take(p, '[');
  if (depth > MOST_DEPTH || (!list && !take(p, '(')))
    return false;
  bool comma = true;
  while (!take(p, list ? ']' : ')')) {
    if (!comma)
      return false;
    if (!take_text(p, word, sizeof word) && !take_number(p, &number) && !pass_over(p, depth + 1))
      return false;
    comma = take(p, ',');
  }
  return true;
}

static bool take_descr (parser *p, fx_npy_header *h) {
  skip(p);
  h->compound = *p->at == '[' || *p->at == '(';
  return h->compound ? pass_over(p, 0) : take_text(p, h->descr, sizeof h->descr);
}

static bool take_order (parser *p, fx_npy_header *h) {
  h->fortran = take_word(p, "True");
  return h->fortran || take_word(p, "False");
}

const char *fx_npy_parse (const char *text, fx_npy_header *h) {
  static const struct {
    const char *key;
    bool (*value)(parser *p, fx_npy_header *h);
    const char *wrong;
  } entries[] = { { "descr", take_descr, "its descr is no type" },
                  { "fortran_order", take_order, "its fortran_order is neither True nor False" },
                  { "shape", take_shape, "its shape is no tuple of at most 8 whole numbers" } };
  parser p = { text };
  unsigned seen = 0;
  bool comma = true;
  *h = (fx_npy_header){ 0 };
  if (!take(&p, '{'))
    return "it is no dictionary";
  while (!take(&p, '}')) {
    char key[MOST_WORD];
    size_t k = 0;
    if (!comma || !take_text(&p, key, sizeof key) || !take(&p, ':'))
      return "its dictionary is damaged";
    while (k < 3 && strcmp(key, entries[k].key) != 0)
      k++;
    if (k == 3 || seen & 1u << k)
      return "it has other keys than descr, fortran_order and shape, or one of them twice";
    if (!entries[k].value(&p, h))
      return entries[k].wrong;
    seen |= 1u << k;
    comma = take(&p, ',');
  }
  skip(&p);
  return seen != 7 ? "one of descr, fortran_order and shape is missing"
         : *p.at   ? "something follows its dictionary"
                   : NULL;
}
