/* packing.c - see packing.h. */
#include "io/packing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "io/attributes.h"

/* The bytes of an element of the type "<f4". */
static int size_of (const char *dtype) { return atoi(dtype + 2); }

/* Whether a stored number of the type can be x. */
static bool holds (const char *dtype, double x) {
  const int bits = 8 * size_of(dtype);
  if (dtype[1] == 'f')
    return bits != 32 || isnan(x) || (double)(float)x == x;
  if (dtype[1] == 'u')
    return x == floor(x) && x >= 0.0 && x < ldexp(1.0, bits);
  return x == floor(x) && x >= -ldexp(1.0, bits - 1) && x < ldexp(1.0, bits - 1);
}

/* As it is stored: f32 rounds what is given in f64. */
static double stored (const char *dtype, double x) {
  return dtype[1] == 'f' && size_of(dtype) == 4 ? (double)(float)x : x;
}

static double viewed (const fx_packing *p, double x) { return x < 0.0 ? x + p->wrap : x; }

/* --- missing numbers ---------------------------------------------------------------------------- */

static int ascending (const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* NaN needs no place in the list: it is missing anyway. */
static fx_status add_missing (fx_packing *p, const char *dtype, int64_t n, const double *values) {
  double *list = fx_calloc((size_t)(p->n + n) + 1, sizeof *list);
  if (!list)
    return FX_ENOMEM;
  if (p->n)
    memcpy(list, p->missing, (size_t)p->n * sizeof *list);
  for (int64_t i = 0; i < n; i++)
    if (!isnan(values[i]))
      list[p->n++] = viewed(p, stored(dtype, values[i]));
  fx_free(p->missing);
  p->missing = list;
  qsort(list, (size_t)p->n, sizeof *list, ascending);
  return FX_OK;
}

static void not_used (fx_packing *p, const char *key) {
  const size_t used = strlen(p->unused);
  snprintf(p->unused + used, sizeof p->unused - used, "%s%s", used ? ", " : "", key);
}

/* The number at `at` of the attribute `key` if the type holds it, else `otherwise`. */
static double bound (fx_packing *p, const char *dtype, const fx_attributes *a, const char *key,
                     int64_t at, double otherwise) {
  const fx_attribute *found = fx_attributes_find(a, key);
  if (!found)
    return otherwise;
  if (!found->numbers || found->n <= at || !holds(dtype, found->numbers[at])) {
    not_used(p, key);
    return otherwise;
  }
  p->bounded = true;
  return viewed(p, found->numbers[at]);
}

static void read_range (fx_packing *p, const char *dtype, const fx_attributes *a) {
  const fx_attribute *range = fx_attributes_find(a, "valid_range");
  const bool pair = range && range->numbers && range->n == 2 && holds(dtype, range->numbers[0]) &&
                    holds(dtype, range->numbers[1]);
  if (range && !pair)
    not_used(p, "valid_range");
  p->least = bound(p, dtype, a, pair ? "valid_range" : "valid_min", 0, -INFINITY);
  p->most = bound(p, dtype, a, pair ? "valid_range" : "valid_max", pair, INFINITY);
}

/* --- scale and offset --------------------------------------------------------------------------- */

/* A number, or a text that is one. */
static double factor (fx_packing *p, const fx_attributes *a, const char *key, double otherwise) {
  const fx_attribute *found = fx_attributes_find(a, key);
  if (!found)
    return otherwise;
  p->scaled = true;
  if (found->numbers && found->n == 1)
    return found->numbers[0];
  char *end = NULL;
  const double value = found->text && found->n == 1 ? strtod(found->text, &end) : 0.0;
  if (!end || end == found->text || *end != '\0')
    snprintf(p->refused, sizeof p->refused, "%s", key);
  return value;
}

static double wrap_of (const char *dtype, const fx_attributes *a) {
  const fx_attribute *found = fx_attributes_find(a, "_Unsigned");
  const bool yes = found && found->text && found->n == 1 &&
                   (strcmp(found->text, "true") == 0 || strcmp(found->text, "True") == 0);
  return yes && dtype[1] == 'i' ? ldexp(1.0, 8 * size_of(dtype)) : 0.0;
}

fx_status fx_packing_of (fx_packing *p, const char *dtype, const fx_attributes *a) {
  static const char *const keys[] = { "_FillValue", "missing_value" };
  p->wrap = wrap_of(dtype, a);
  p->scale = factor(p, a, "scale_factor", 1.0);
  p->offset = factor(p, a, "add_offset", 0.0);
  p->filled = fx_attributes_find(a, "_FillValue") != NULL;
  for (int k = 0; k < 2; k++) {
    const fx_attribute *found = fx_attributes_find(a, keys[k]);
    if (found && found->numbers)
      FX_TRY(add_missing(p, dtype, found->n, found->numbers));
    else if (found)
      not_used(p, keys[k]);
  }
  read_range(p, dtype, a);
  return FX_OK;
}

bool fx_packing_fill (const char *dtype, double *value) {
  static const struct {
    char type[3];
    double value;
  } fills[] = { { "i1", -127.0 },
                { "u1", 255.0 },
                { "i2", -32767.0 },
                { "u2", 65535.0 },
                { "i4", -2147483647.0 },
                { "u4", 4294967295.0 },
                { "i8", -9223372036854775806.0 },
                { "u8", 18446744073709551614.0 },
                { "f4", 9.9692099683868690e+36 },
                { "f8", 9.9692099683868690e+36 } };
  for (size_t i = 0; i < sizeof fills / sizeof *fills; i++)
    if (strcmp(dtype + 1, fills[i].type) == 0) {
      *value = fills[i].value;
      return true;
    }
  return false;
}

fx_status fx_packing_default (fx_packing *p, const char *dtype) {
  const bool unsigned_byte = p->wrap > 0.0 && size_of(dtype) == 1; /* -127 is a usual 129 then */
  double fill;
  if (p->filled || unsigned_byte || !fx_packing_fill(dtype, &fill))
    return FX_OK;
  return add_missing(p, dtype, 1, &fill);
}

void fx_packing_end (fx_packing *p) {
  fx_free(p->missing);
  p->missing = NULL;
  p->n = 0;
}

bool fx_packing_plain (const fx_packing *p) {
  return !p->scaled && !p->bounded && p->n == 0 && p->wrap == 0.0;
}

static bool is_missing (const fx_packing *p, double x) {
  if (p->bounded && (x < p->least || x > p->most))
    return true;
  if (p->n <= 2)
    return (p->n > 0 && x == p->missing[0]) || (p->n > 1 && x == p->missing[1]);
  return bsearch(&x, p->missing, (size_t)p->n, sizeof x, ascending) != NULL;
}

double fx_packing_value (const fx_packing *p, double stored) {
  const double x = viewed(p, stored);
  return is_missing(p, x) ? NAN : x * p->scale + p->offset;
}
