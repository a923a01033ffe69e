/*
** fft.c - plans and one-dimensional transforms; the arithmetic is in fft_passes.h.
**
** A plan is the list of passes and their turns (twiddle factors), computed in long double and
** rounded once. Four comes before five, three and two: fewer passes over the data. Lengths with
** other prime factors are refused with a sentence; every grid of this library can be chosen, and
** Bluestein's algorithm would hide a threefold cost. FFTW is GPL and was used as an oracle only.
**
** Four sequences are transformed at a time (lanes.h): with 64 bytes an element a length of 256 and
** its work space fill 32 KB, the first-level cache; eight lanes were measured 2.5 times slower.
*/
#include "sim/fft.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "sim/fft_plan.h"
#include "sim/lanes.h"

static const int radices[] = { 4, 5, 3, 2 };

/* Writes the radices of n into list and returns how many, or -1 if n has another prime factor. */
static int factorise (int64_t n, int list[FX_FFT_MAX_PASSES]) {
  int count = 0;
  for (int i = 0; i < 4; i++) {
    for (; n % radices[i] == 0; n /= radices[i]) {
      list[count] = radices[i];
      count++;
    }
  }
  return n == 1 ? count : -1;
}

/* exp(-2 pi i num / den), the angle first reduced exactly. */
static void turn_of (int64_t num, int64_t den, double out[2]) {
  const long double angle =
      6.283185307179586476925286766559L * (long double)(num % den) / (long double)den;
  out[0] = (double)cosl(angle);
  out[1] = (double)-sinl(angle);
}

static void fill_passes (fx_fft *plan, const int *list) {
  double *turns = plan->turns;
  int64_t length = plan->n, stride = 1;
  for (int i = 0; i < plan->passes; i++) {
    const int radix = list[i];
    plan->pass[i] = (fx_fft_pass){ radix, length / radix, stride, turns };
    for (int64_t p = 0; p < length / radix; p++) {
      for (int j = 1; j < radix; j++, turns += 2)
        turn_of(j * p, length, turns);
    }
    length /= radix;
    stride *= radix;
  }
}

fx_status fx_fft_new (int64_t n, fx_fft **out) {
  int list[FX_FFT_MAX_PASSES];
  if (n < 1 || n > FX_FFT_MAX_LENGTH)
    return fx_fail(FX_EARG, "fft: a length must be in 1..%d, got %" PRId64, FX_FFT_MAX_LENGTH, n);
  const int passes = factorise(n, list);
  if (passes < 0)
    return fx_fail(FX_EARG,
                   "fft: length %" PRId64 " has a prime factor other than 2, 3 and 5 (the next "
                   "length that works is %" PRId64 ")",
                   n, fx_fft_good_length(n));
  fx_fft *plan = fx_calloc(1, sizeof *plan);
  if (!plan)
    return FX_ENOMEM;
  plan->n = n;
  plan->passes = passes;
  plan->run = fx_fft_has_avx2() ? fx_fft_run_avx2 : fx_fft_run_base;
  /* A pass from length l to l/r holds l - l/r turns, so the sum telescopes to n - 1 complex. */
  plan->turns = fx_alloc((size_t)n * 2 * sizeof(double));
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

int64_t fx_fft_length (const fx_fft *plan) { return plan->n; }

int64_t fx_fft_good_length (int64_t n) {
  int list[FX_FFT_MAX_PASSES * 4];
  int64_t good = n < 1 ? 1 : n;
  while (good < FX_FFT_MAX_LENGTH && factorise(good, list) < 0)
    good++;
  return good;
}

double *fx_fft_lanes (const fx_fft *plan, fx_fft_direction direction, double *data, double *work) {
  return plan->run(plan, direction == FX_FFT_INVERSE, data, work);
}

fx_status fx_fft_complex (const fx_fft *plan, fx_fft_direction direction, const double *in,
                          double *out) {
  const int64_t n = plan->n;
  double *space = fx_calloc((size_t)n * 2, FX_LANE_BLOCK * sizeof(double));
  if (!space)
    return FX_ENOMEM;
  for (int64_t i = 0; i < n; i++) {
    space[i * FX_LANE_BLOCK] = in[2 * i];
    space[i * FX_LANE_BLOCK + FX_LANES] = in[2 * i + 1];
  }
  const double *result = fx_fft_lanes(plan, direction, space, space + n * FX_LANE_BLOCK);
  const double scale = direction == FX_FFT_INVERSE ? 1.0 / (double)n : 1.0;
  for (int64_t i = 0; i < n; i++) {
    out[2 * i] = result[i * FX_LANE_BLOCK] * scale;
    out[2 * i + 1] = result[i * FX_LANE_BLOCK + FX_LANES] * scale;
  }
  fx_free(space);
  return FX_OK;
}
