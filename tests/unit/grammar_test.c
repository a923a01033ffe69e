/*
** grammar_test.c - the small grammars that headers of files are read by (JSON to the letter, the dictionary of an
** .npy), and products of sizes that a file claims.
*/
#include <string.h>

#include "base/product.h"
#include "check.h"
#include "io/json_check.h"
#include "io/npy_header.h"

static bool is_json (const char *text) {
  const char *wrong;
  const size_t n = strlen(text), at = fx_json_check(text, n, &wrong);
  CHECK(at <= n && (wrong || at == n));
  return !wrong;
}

static void json_to_the_letter (void) {
  static const char *const good[] = { "{}",
                                      " [1, -0.5e+3, 0, 1E9]\n",
                                      "\"\\u20ac\\ud83d\\ude00\\n\\/\"",
                                      "\"\xe2\x82\xac\xf0\x9f\x98\x80\"",
                                      "{\"a\":{\"b\":[true,false,null]}}",
                                      "-0.0" };
  static const char *const bad[] = { "",
                                     "{",
                                     "{\"a\"}",
                                     "{\"a\":1,}",
                                     "[1,]",
                                     "[1 2]",
                                     "01",
                                     "1.",
                                     ".5",
                                     "+1",
                                     "1e",
                                     "-",
                                     "nul",
                                     "NaN",
                                     "'a'",
                                     "\"a",
                                     "\"\t\"",
                                     "\"\\x\"",
                                     "\"\\ud800\"",
                                     "\"\\udc00\"",
                                     "\"\\u12g4\"",
                                     "\"\xc0\xaf\"",
                                     "\"\xed\xa0\x80\"",
                                     "\"\xf5\x80\x80\x80\"",
                                     "\"\xe2\x82\"",
                                     "{}{}",
                                     "{} x",
                                     "[1]]" };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    CHECK(is_json(good[i]));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    CHECK(!is_json(bad[i]));
  char deep[1024];
  memset(deep, '[', sizeof deep - 1);
  deep[sizeof deep - 1] = '\0';
  CHECK(!is_json(deep)); /* refused by its depth, not by a full stack */
}

static void npy_dictionaries (void) {
  fx_npy_header h;
  CHECK(!fx_npy_parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n", &h));
  CHECK(strcmp(h.descr, "<f4") == 0 && !h.fortran && h.rank == 2 && h.shape[0] == 2 &&
        h.shape[1] == 3);
  CHECK(!fx_npy_parse("{\"shape\": (4L,), \"fortran_order\": True, \"descr\": \">i8\"}", &h));
  CHECK(h.fortran && h.rank == 1 && h.shape[0] == 4);
  CHECK(!fx_npy_parse(
      "{'descr': [('a', '<f4', (2,)), ('b', '|S3')], 'fortran_order': False, 'shape': ()}", &h));
  CHECK(h.compound && h.rank == 0);
  static const char *const bad[] = {
    "",
    "{}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} x",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (5)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,, 3)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (02, 3)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 3)}",
    "{'descr': '<f4', 'fortran_order': Falsey, 'shape': (2, 3)}",
    "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}",
    "{'descr': '<f4', 'fortran_order': False}",
    "{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (2, 3)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1}",
    "{'descr': '<f4\", 'fortran_order': False, 'shape': (2, 3)}",
    "{'descr': '\\x3cf4', 'fortran_order': False, 'shape': (2, 3)}",
    "{'descr': '<f4' 'fortran_order': False, 'shape': (2, 3)}",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    CHECK(fx_npy_parse(bad[i], &h) != NULL);
}

static void products (void) {
  const int64_t small[] = { 2, 3 }, huge[] = { INT64_MAX, 2 },
                empty[] = { INT64_MAX, INT64_MAX, 0 }, wrong[] = { 0, -1 };
  CHECK(fx_product(4, 2, small, 24) == 24);
  CHECK(fx_product(4, 2, small, 23) == -1);
  CHECK(fx_product(1, 2, huge, INT64_MAX) == -1);
  CHECK(fx_product(8, 3, empty, 100) == 0);
  CHECK(fx_product(8, 2, wrong, 100) == -1);
  CHECK(fx_product(8, 0, NULL, 7) == -1 && fx_product(8, 0, NULL, 8) == 8);
}

int main (void) {
  json_to_the_letter();
  npy_dictionaries();
  products();
  return check_report("grammar");
}
