/*
** fft.c - plans and one-dimensional transforms; the arithmetic is in lanes/fft.c.
**
** A plan is the list of passes and their turns (twiddle factors), computed in long double and
** rounded once. Four comes before five, three and two: fewer passes over the data. A prime factor
** r above 5 is one pass by the definition, r^2 products for r elements: fields that are measured
** have the sizes they have (721 = 7 103 latitudes), and a spectrum is taken once. The solver, whose
** grid can be chosen and which transforms at every step, refuses such lengths (navier_stokes.c).
** Bluestein's algorithm would be faster for primes above a hundred, and is a second way to err.
** FFTW is GPL and was used as an oracle only.
**
** Four sequences of doubles or eight of floats are transformed at a time (lanes/lanes.h): with 64 bytes an
** element a length of 256 and its work space fill 32 KB, the first-level cache; twice as many were measured
** 2.5 times slower.
*/
#include "sim/fft.h"

#include <inttypes.h>
#include <math.h>

#include "base/alloc.h"
#include "sim/fft_plan.h"

static const int radices[] = { 4, 5, 3, 2 };

/* What is left of n when its factors 2, 3 and 5 are gone, which are written into list if it is not NULL. */
static int64_t small_factors (int64_t n, int *list, int *count) {
  for (int i = 0; i < 4; i++) {
    for (; n % radices[i] == 0; n /= radices[i]) {
      if (list)
        list[(*count)++] = radices[i];
    }
  }
  return n;
}

/* Writes the radices of n into list and returns how many. */
static int factorise (int64_t n, int list[FX_FFT_MAX_PASSES]) {
  int count = 0;
  n = small_factors(n, list, &count);
  for (int64_t prime = 7; prime * prime <= n; prime += 2) {
    for (; n % prime == 0; n /= prime)
      list[count++] = (int)prime;
  }
  if (n > 1)
    list[count++] = (int)n;
  return count;
}

/* Puts number i of the turns: exp(-2 pi i num / den), the angle first reduced exactly. */
static void put_turn (const fx_fft *plan, int64_t i, int64_t num, int64_t den) {
  const long double angle =
      6.283185307179586476925286766559L * (long double)(num % den) / (long double)den;
  fx_reals_put(plan->turns, plan->precision, 2 * i, (double)cosl(angle));
  fx_reals_put(plan->turns, plan->precision, 2 * i + 1, (double)-sinl(angle));
}

static void fill_passes (fx_fft *plan, const int *list) {
  int64_t length = plan->n, stride = 1, turns = 0;
  for (int i = 0; i < plan->passes; i++) {
    const int radix = list[i];
    plan->pass[i] = (fx_fft_pass){ radix, length / radix, stride, 2 * turns, 0 };
    for (int64_t p = 0; p < length / radix; p++) {
      for (int j = 1; j < radix; j++, turns++)
        put_turn(plan, turns, j * p, length);
    }
    length /= radix;
    stride *= radix;
  }
  for (int i = 0; i < plan->passes; i++) {
    plan->pass[i].roots = 2 * turns;
    for (int64_t t = 0; list[i] > 5 && t < list[i]; t++, turns++)
      put_turn(plan, turns, t, list[i]);
  }
}

/* How many roots the passes of a list need. */
static int64_t count_roots (const int *list, int passes) {
  int64_t count = 0;
  for (int i = 0; i < passes; i++)
    count += list[i] > 5 ? list[i] : 0;
  return count;
}

fx_status fx_fft_new (int64_t n, fx_dtype precision, fx_fft **out) {
  int list[FX_FFT_MAX_PASSES];
  if (n < 1 || n > FX_FFT_MAX_LENGTH)
    return fx_fail(FX_EARG, "fft: a length must be in 1..%d, got %" PRId64, FX_FFT_MAX_LENGTH, n);
  if (precision != FX_F64 && precision != FX_F32)
    return fx_fail(FX_EARG, "fft: the precision must be f64 or f32, got %s",
                   fx_dtype_name(precision));
  const int passes = factorise(n, list);
  fx_fft *plan = fx_calloc(1, sizeof *plan);
  if (!plan)
    return FX_ENOMEM;
  plan->n = n;
  plan->precision = precision;
  plan->arithmetic = fx_arithmetics(precision)[0];
  plan->passes = passes;
  /* A pass from length l to l/r holds l - l/r turns, so the sum telescopes to n - 1 complex. */
  const int64_t numbers = 2 * (n + count_roots(list, passes));
  plan->turns = fx_alloc((size_t)numbers * fx_dtype_size(precision));
  if (!plan->turns) {
    fx_free(plan);
    return FX_ENOMEM;
  }
  fill_passes(plan, list);
  *out = plan;
  return FX_OK;
}

void fx_fft_free (fx_fft *plan) {
  if (plan) {
    fx_free(plan->turns);
    fx_free(plan);
  }
}

int64_t fx_fft_good_length (int64_t n) {
  int64_t good = n < 1 ? 1 : n;
  while (good < FX_FFT_MAX_LENGTH && small_factors(good, NULL, NULL) != 1)
    good++;
  return good;
}

void *fx_fft_lanes (const fx_fft *plan, fx_fft_direction direction, void *data, void *work) {
  return plan->arithmetic->fft(plan, direction == FX_FFT_INVERSE, data, work);
}
