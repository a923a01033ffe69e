/*
** printable.c - texts for a terminal, of the parts of the program that are C.
**
** The rule is words.printable's (lua/flexlab/words.lua), where it stands with its reasons: what a terminal obeys in
** place of showing it, and bytes that are no UTF-8, are written as \27. A test holds both to the same answers.
*/
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "cli/cli.h"

static bool is_obeyed (uint32_t code) {
  if (code == '\n' || code == '\t')
    return false;
  return code < 32 || (code >= 127 && code < 160) || code == 0x200E || code == 0x200F ||
         (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

/* Bytes of the UTF-8 character at s, at most n; 0 if there is none. */
static size_t decode (const unsigned char *s, size_t n, uint32_t *code) {
  static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
  const size_t size = s[0] < 0x80   ? 1
                      : s[0] < 0xC0 ? 0
                      : s[0] < 0xE0 ? 2
                      : s[0] < 0xF0 ? 3
                      : s[0] < 0xF8 ? 4
                                    : 0;
  if (size == 0 || size > n)
    return 0;
  *code = size == 1 ? s[0] : s[0] & (0x7Fu >> size);
  for (size_t i = 1; i < size; i++) {
    if ((s[i] & 0xC0) != 0x80)
      return 0;
    *code = *code << 6 | (s[i] & 0x3Fu);
  }
  return *code < least[size] || *code > 0x10FFFF || (*code >= 0xD800 && *code < 0xE000) ? 0 : size;
}

void cli_write_printable (FILE *file, const char *text, size_t n) {
  const unsigned char *s = (const unsigned char *)text;
  for (size_t at = 0; at < n;) {
    uint32_t code = 0;
    const size_t size = decode(s + at, n - at, &code), bytes = size ? size : 1;
    if (size && !is_obeyed(code))
      fwrite(s + at, 1, size, file);
    else
      for (size_t i = 0; i < bytes; i++)
        fprintf(file, "\\%d", s[at + i]);
    at += bytes;
  }
}
