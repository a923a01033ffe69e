/*
** fft_test.c - the transforms against the definition, for every length from 1 to 60 and some larger ones, with
** prime factors above 5 too, in both precisions; real 2-D transforms against the naive double sum;
** round trips; same bits for one and two threads and for both instruction sets.
*/
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "check.h"
#include "sim/arithmetic.h"
#include "sim/fft.h"
#include "sim/fft_plan.h"

#define PI 3.14159265358979323846

/* A fixed sequence without symmetry; the same formula is easy to repeat in numpy. */
static double value (int64_t i) {
  return sin(1.7 * (double)i + 0.3) + 0.25 * cos(0.37 * (double)(i * i % 101));
}

/* out = DFT of one sequence `in`, both (n) complex pairs, as one lane of a block; the inverse divides by n. */
static fx_status transform (const fx_fft *plan, fx_fft_direction direction, const double *in,
                            double *out) {
  const int64_t n = plan->n, lanes = plan->arithmetic->lanes, block = 2 * lanes;
  const fx_dtype precision = plan->precision;
  char *space = fx_calloc((size_t)(2 * n * block), fx_dtype_size(precision));
  if (!space)
    return FX_ENOMEM;
  fx_reals *data = (fx_reals *)space;
  for (int64_t i = 0; i < n; i++) {
    fx_reals_put(data, precision, i * block, in[2 * i]);
    fx_reals_put(data, precision, i * block + lanes, in[2 * i + 1]);
  }
  void *work = space + (size_t)(n * block) * fx_dtype_size(precision);
  const fx_reals *result = fx_fft_lanes(plan, direction, data, work);
  const double scale = direction == FX_FFT_INVERSE ? 1.0 / (double)n : 1.0;
  for (int64_t i = 0; i < n; i++) {
    out[2 * i] = fx_reals_get(result, precision, i * block) * scale;
    out[2 * i + 1] = fx_reals_get(result, precision, i * block + lanes) * scale;
  }
  fx_free(space);
  return FX_OK;
}

/* Largest |X[k] - naive X[k]| / sqrt(n) over k. */
static double error_of_length (int64_t n, fx_dtype precision) {
  fx_fft *plan = NULL;
  double *x = malloc((size_t)n * 2 * sizeof *x), *y = malloc((size_t)n * 2 * sizeof *y);
  for (int64_t i = 0; i < 2 * n; i++)
    x[i] = value(i);
  CHECK_STATUS(fx_fft_new(n, precision, &plan));
  CHECK_STATUS(transform(plan, FX_FFT_FORWARD, x, y));
  double worst = 0.0;
  for (int64_t k = 0; k < n; k++) {
    double re = 0.0, im = 0.0;
    for (int64_t j = 0; j < n; j++) {
      const double angle = -2.0 * PI * (double)(j * k % n) / (double)n;
      re += x[2 * j] * cos(angle) - x[2 * j + 1] * sin(angle);
      im += x[2 * j] * sin(angle) + x[2 * j + 1] * cos(angle);
    }
    worst = fmax(worst, hypot(re - y[2 * k], im - y[2 * k + 1]));
  }
  CHECK_STATUS(transform(plan, FX_FFT_INVERSE, y, y));
  for (int64_t i = 0; i < 2 * n; i++)
    worst = fmax(worst, fabs(x[i] - y[i]));
  fx_fft_free(plan);
  free(x);
  free(y);
  return worst / sqrt((double)n);
}

static void complex_transform_equals_definition (fx_dtype precision, double tolerance) {
  double worst = 0.0;
  for (int64_t n = 1; n <= 60; n++)
    worst = fmax(worst, error_of_length(n, precision));
  const int64_t more[] = { 64,  75,  91,  96,  98,  121, 125, 128, 169, 181,  243,
                           250, 256, 343, 360, 512, 625, 640, 721, 729, 1009, 1024 };
  for (size_t i = 0; i < sizeof more / sizeof *more; i++)
    worst = fmax(worst, error_of_length(more[i], precision));
  printf("  %s: lengths 1 to 60 and larger, worst error / sqrt(n): %.2e\n",
         fx_dtype_name(precision), worst);
  CHECK(worst < tolerance);
}

static void wrong_lengths_are_refused (void) {
  fx_fft *plan = NULL;
  fx_fft2 *plan2 = NULL;
  CHECK(fx_fft_new(0, FX_F64, &plan) == FX_EARG);
  CHECK(fx_fft_new(FX_FFT_MAX_LENGTH + 1, FX_F64, &plan) == FX_EARG);
  CHECK(fx_fft_new(16, FX_BF16, &plan) == FX_EARG);
  CHECK(strcmp(fx_errmsg(), "fft: the precision must be f64 or f32, got bf16") == 0);
  CHECK(fx_fft2_new(16, 0, &plan2) == FX_EARG);
  CHECK(fx_fft2_new(FX_FFT_MAX_LENGTH + 1, 16, &plan2) == FX_EARG);
  CHECK(plan == NULL && plan2 == NULL);
  CHECK(fx_fft_good_length(61) == 64 && fx_fft_good_length(1) == 1);
}

/* rfft2 of (h,w) against the double sum, then back. */
static double error_of_shape (int64_t h, int64_t w) {
  const int64_t modes = w / 2 + 1;
  fx_fft2 *plan = NULL;
  double *x = malloc((size_t)(h * w) * sizeof *x), *back = malloc((size_t)(h * w) * sizeof *back);
  double *s = malloc((size_t)(h * modes * 2) * sizeof *s);
  for (int64_t i = 0; i < h * w; i++)
    x[i] = value(i);
  CHECK_STATUS(fx_fft2_new(h, w, &plan));
  CHECK_STATUS(fx_fft2_forward(plan, x, s));
  double worst = 0.0;
  for (int64_t ky = 0; ky < h; ky++) {
    for (int64_t kx = 0; kx < modes; kx++) {
      double re = 0.0, im = 0.0;
      for (int64_t i = 0; i < h * w; i++) {
        const double angle =
            -2.0 * PI *
            ((double)(i / w * ky % h) / (double)h + (double)(i % w * kx % w) / (double)w);
        re += x[i] * cos(angle);
        im += x[i] * sin(angle);
      }
      const double *z = s + 2 * (ky * modes + kx);
      worst = fmax(worst, hypot(re - z[0], im - z[1]));
    }
  }
  CHECK_STATUS(fx_fft2_inverse(plan, s, back));
  for (int64_t i = 0; i < h * w; i++)
    worst = fmax(worst, fabs(back[i] - x[i]));
  fx_fft2_free(plan);
  free(x);
  free(back);
  free(s);
  return worst;
}

static void real_transform_equals_definition (void) {
  const int64_t shapes[][2] = { { 1, 1 },   { 1, 8 },   { 8, 1 },   { 2, 3 },   { 5, 9 },
                                { 9, 10 },  { 15, 16 }, { 16, 15 }, { 12, 30 }, { 32, 18 },
                                { 25, 27 }, { 7, 1 },   { 14, 22 }, { 49, 13 }, { 37, 26 } };
  double worst = 0.0;
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    worst = fmax(worst, error_of_shape(shapes[i][0], shapes[i][1]));
  printf("  2-D, worst error: %.2e\n", worst);
  CHECK(worst < 1e-12);
}

static void same_bits_for_one_and_two_threads (void) {
  enum { H = 96, W = 120, M = W / 2 + 1 };
  static double x[H * W], one[H * M * 2], two[H * M * 2], back_one[H * W], back_two[H * W];
  for (int64_t i = 0; i < H * W; i++)
    x[i] = value(i);
  fx_fft2 *plan = NULL;
  fx_set_threads(1);
  CHECK_STATUS(fx_fft2_new(H, W, &plan));
  CHECK_STATUS(fx_fft2_forward(plan, x, one));
  CHECK_STATUS(fx_fft2_inverse(plan, one, back_one));
  fx_set_threads(2);
  CHECK_STATUS(fx_fft2_forward(plan, x, two));
  CHECK_STATUS(fx_fft2_inverse(plan, two, back_two));
  CHECK(memcmp(one, two, sizeof one) == 0);
  CHECK(memcmp(back_one, back_two, sizeof back_one) == 0);
  fx_fft2_free(plan);
}

static void same_bits_for_all_instruction_sets (fx_dtype precision) {
  enum { N = 6720, BYTES = N * 64 }; /* 4^3 * 5 * 3 * 7: every radix but two */
  fx_fft *plan = NULL;
  CHECK_STATUS(fx_fft_new(N, precision, &plan));
  char *start = fx_alloc(BYTES), *data = fx_alloc(BYTES), *work = fx_alloc(BYTES);
  char *first = fx_alloc(BYTES);
  const int64_t numbers = BYTES / (int64_t)fx_dtype_size(precision);
  for (int64_t i = 0; i < numbers; i++)
    fx_reals_put((fx_reals *)start, precision, i, value(i));
  const fx_arithmetic *const *sets = fx_arithmetics(precision);
  for (int i = 0; sets[i]; i++) {
    memcpy(data, start, BYTES);
    const void *result = sets[i]->fft(plan, 0, data, work);
    if (i == 0)
      memcpy(first, result, BYTES);
    CHECK(memcmp(first, result, BYTES) == 0);
  }
  char *const spaces[] = { start, data, work, first };
  for (int i = 0; i < 4; i++)
    fx_free(spaces[i]);
  fx_fft_free(plan);
}

static void failing_allocations_leave_nothing_behind (void) {
  fx_memory_stats before, after;
  fx_memory(&before);
  fx_status st = FX_ENOMEM;
  int k = 1;
  for (; st != FX_OK && k < 50; k++) {
    fx_fft2 *plan = NULL;
    fx_alloc_fail_at(k);
    st = fx_fft2_new(12, 20, &plan);
    fx_alloc_fail_at(0);
    CHECK(st == FX_OK || (st == FX_ENOMEM && plan == NULL));
    fx_fft2_free(plan);
  }
  CHECK(k > 4 && k < 50);
  fx_memory(&after);
  CHECK(after.live_blocks == before.live_blocks);
}

int main (void) {
  complex_transform_equals_definition(FX_F64,
                                      2e-13); /* the naive sum itself is off by about n eps */
  /* The largest number of a transform over sqrt(n) is 16, a sine's of length 1024; five passes and as many back
  ** each round it by 2^-24. */
  complex_transform_equals_definition(FX_F32, 10 * 16 * 0x1p-24);
  wrong_lengths_are_refused();
  real_transform_equals_definition();
  same_bits_for_one_and_two_threads();
  same_bits_for_all_instruction_sets(FX_F64);
  same_bits_for_all_instruction_sets(FX_F32);
  failing_allocations_leave_nothing_behind();
  return check_report("fft");
}
