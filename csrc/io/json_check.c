/* json_check.c - see json_check.h. By recursive descent, to a depth at which no header is. */
#include "io/json_check.h"

#include <stdbool.h>
#include <string.h>

enum { MOST_DEPTH = 100 };

typedef struct {
  const unsigned char *at, *end;
  const char *wrong;
} parser;

static bool fail (parser *p, const char *wrong) {
  if (!p->wrong)
    p->wrong = wrong;
  return false;
}

static int peek (const parser *p) { return p->at < p->end ? *p->at : -1; }

static bool take (parser *p, int c) {
  if (peek(p) != c)
    return false;
  p->at++;
  return true;
}

static void skip (parser *p) {
  while (peek(p) == ' ' || peek(p) == '\t' || peek(p) == '\n' || peek(p) == '\r')
    p->at++;
}

/* --- texts ------------------------------------------------------------------------------------- */

/* One character of more than one byte: no shorter form of it, no surrogate, none beyond U+10FFFF. */
static bool wide_character (parser *p) {
  const unsigned char *b = p->at;
  const int n = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;
  if (b[0] < 0xc2 || b[0] > 0xf4 || p->end - b < n)
    return fail(p, "a byte that is no UTF-8");
  for (int i = 1; i < n; i++)
    if ((b[i] & 0xc0) != 0x80)
      return fail(p, "a byte that is no UTF-8");
  if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) ||
      (b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] > 0x8f))
    return fail(p, "a byte that is no UTF-8");
  p->at += n;
  return true;
}

/* The four digits of \uXXXX; -1 if they are none. */
static int hex4 (parser *p) {
  int value = 0;
  for (int i = 0; i < 4; i++) {
    const int c = peek(p);
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0)
      return -1;
    value = value * 16 + digit;
    p->at++;
  }
  return value;
}

static bool escape (parser *p) {
  if (!take(p, 'u')) {
    if (peek(p) <= 0 || !strchr("\"\\/bfnrt", peek(p)))
      return fail(p, "an escape that JSON does not know");
    p->at++;
    return true;
  }
  const int first = hex4(p);
  if (first < 0 || (first >= 0xdc00 && first <= 0xdfff))
    return fail(p, "a \\u that is no character");
  if (first < 0xd800 || first > 0xdbff)
    return true;
  const int second = take(p, '\\') && take(p, 'u') ? hex4(p) : -1;
  return (second >= 0xdc00 && second <= 0xdfff) || fail(p, "half of a pair of \\u");
}

static bool string (parser *p) {
  if (!take(p, '"'))
    return fail(p, "a text was expected");
  while (!take(p, '"')) {
    const int c = peek(p);
    if (c < 0)
      return fail(p, "a text without an end");
    if (c < 0x20)
      return fail(p, "a control character in a text");
    if (c >= 0x80) {
      if (!wide_character(p))
        return false;
      continue;
    }
    p->at++;
    if (c == '\\' && !escape(p))
      return false;
  }
  return true;
}

/* --- numbers and words --------------------------------------------------------------------------- */

static bool is_digit (const parser *p) { return peek(p) >= '0' && peek(p) <= '9'; }

static bool digits (parser *p) {
  if (!is_digit(p))
    return fail(p, "a digit was expected");
  while (is_digit(p))
    p->at++;
  return true;
}

static bool number (parser *p) {
  take(p, '-');
  if (!take(p, '0') && !digits(p))
    return false;
  if (is_digit(p))
    return fail(p, "a number that begins with 0");
  if (take(p, '.') && !digits(p))
    return false;
  if (take(p, 'e') || take(p, 'E')) {
    if (!take(p, '+'))
      take(p, '-');
    return digits(p);
  }
  return true;
}

static bool word (parser *p, const char *text) {
  for (; *text; text++)
    if (!take(p, *text))
      return fail(p, "a word that JSON does not know");
  return true;
}

/* --- values -------------------------------------------------------------------------------------- */

static bool value(parser *p, int depth);

static bool member (parser *p, int depth) {
  skip(p);
  if (!string(p))
    return false;
  skip(p);
  return take(p, ':') ? value(p, depth) : fail(p, "':' was expected");
}

static bool items (parser *p, int depth, int close, bool (*item)(parser *p, int depth)) {
  p->at++;
  skip(p);
  if (take(p, close))
    return true;
  do
    if (!item(p, depth + 1))
      return false;
  while (take(p, ','));
  return take(p, close) || fail(p, "',' or the end of a list was expected");
}

static bool value (parser *p, int depth) {
  bool good;
  skip(p);
  if (depth > MOST_DEPTH)
    return fail(p, "it is nested too deeply");
  switch (peek(p)) {
  case '{': good = items(p, depth, '}', member); break;
  case '[': good = items(p, depth, ']', value); break;
  case '"': good = string(p); break;
  case 't': good = word(p, "true"); break;
  case 'f': good = word(p, "false"); break;
  case 'n': good = word(p, "null"); break;
  default: good = number(p);
  }
  skip(p);
  return good;
}

size_t fx_json_check (const char *text, size_t n, const char **wrong) {
  const unsigned char *begin = (const unsigned char *)text;
  parser p = { begin, begin + n, NULL };
  if (value(&p, 0) && p.at < p.end)
    fail(&p, "something follows it");
  *wrong = p.wrong;
  return (size_t)(p.at - begin);
}
