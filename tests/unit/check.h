/*
** check.h - the whole test framework. CHECK macros count failures and print file, line and the
** expression; a test program ends with `return check_report("name");`.
*/
#ifndef FX_CHECK_H
#define FX_CHECK_H

#include <math.h>
#include <stdio.h>

#include "base/status.h"

static int check_total, check_failed;

/* Failures so far that have not been asked about: tells a test that runs cases which of them failed. */
static inline int check_failures (void) {
  static int known;
  const int fresh = check_failed - known;
  known = check_failed;
  return fresh;
}

static inline void check_one (int ok, const char *file, int line, const char *text) {
  check_total++;
  if (!ok) {
    check_failed++;
    printf("%s:%d: failed: %s\n", file, line, text);
  }
}

static inline void check_near (double a, double b, double tolerance, const char *file, int line,
                               const char *text) {
  const int ok = fabs(a - b) <= tolerance; /* false for NaN */
  check_one(ok, file, line, text);
  if (!ok)
    printf("  %.17g against %.17g, difference %.3g, tolerance %.3g\n", a, b, fabs(a - b),
           tolerance);
}

static inline void check_status (fx_status st, const char *file, int line, const char *text) {
  check_one(st == FX_OK, file, line, text);
  if (st != FX_OK)
    printf("  %s: %s\n", fx_status_name(st), fx_errmsg());
}

#define CHECK(cond) check_one((cond) ? 1 : 0, __FILE__, __LINE__, #cond)
#define CHECK_NEAR(a, b, tolerance) \
  check_near((a), (b), (tolerance), __FILE__, __LINE__, #a " ~ " #b)
#define CHECK_STATUS(call) check_status((call), __FILE__, __LINE__, #call)

static inline int check_report (const char *name) {
  printf("%s: %d checks, %d failed\n", name, check_total, check_failed);
  return check_failed != 0;
}

#endif
