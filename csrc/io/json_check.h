/*
** json_check.h - whether a text is JSON to the letter.                                    [RFC 8259; RFC 3629]
**
** cJSON reads more than JSON: bytes that are no UTF-8, control characters inside texts, numbers such as 01. Two readers
** that disagree on a header disagree on what a file holds, so ours takes what the format's own library takes.
*/
#ifndef FX_JSON_CHECK_H
#define FX_JSON_CHECK_H

#include <stddef.h>

/* How many of the n bytes were read until the value that begins there was whole, white space around it included: n if
** the text is JSON and nothing else. At the first byte that is not, its place, and *wrong says why (else it is NULL). */
size_t fx_json_check(const char *text, size_t n, const char **wrong);

#endif
