/*
** metrics_test.c - metrics against numbers recorded from numpy, scipy and scikit-image 0.26 on
** fields given by formula (both sides round the same formula to f32), their laws, and their errors.
** tests/lua/metrics_test.lua compares all of them with a recorded file.
*/
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "check.h"
#include "metrics/calibration.h"
#include "metrics/ensemble.h"
#include "metrics/metric.h"
#include "metrics/spectrum.h"
#include "metrics/statistics.h"

#define TOLERANCE 1e-6

typedef double (*formula)(double n, double i, double j, double c);

static fx_tensor *field_of (int64_t n, int64_t h, int64_t w, int64_t c, formula f) {
  const int64_t shape[] = { n, h, w, c };
  fx_tensor *t = NULL;
  CHECK_STATUS(fx_tensor_new(FX_F32, 4, shape, &t));
  for (int64_t at = 0; at < fx_tensor_count(t); at++)
    fx_f32(t)[at] = (float)f((double)(at / (c * w * h)), (double)(at / (c * w) % h),
                             (double)(at / c % w), (double)(at % c));
  return t;
}

static double truth_at (double n, double i, double j, double c) {
  return sin(0.3 * i + 0.17 * j * (c + 1) + n) + 0.5 * cos(0.11 * i - 0.05 * i * j / (1 + n));
}

static double prediction_at (double n, double i, double j, double c) {
  return 0.97 * truth_at(n, i, j, c) + 0.05 * sin(1.3 * i - 0.7 * j + c) + 0.01 * n;
}

static double zero_at (double n, double i, double j, double c) { return 0.0 * (n + i + j + c); }
static double three_at (double n, double i, double j, double c) { return 3 + zero_at(n, i, j, c); }

static const fx_metric *find (const char *name) {
  for (const fx_metric *m = fx_metrics; m->name; m++) {
    if (strcmp(m->name, name) == 0)
      return m;
  }
  return NULL;
}

static fx_tensor *measure (const char *name, const fx_tensor *p, const fx_tensor *y) {
  fx_tensor *out = NULL;
  const fx_metric *metric = find(name);
  CHECK(metric != NULL);
  CHECK_STATUS(metric->function(p, y, &out));
  CHECK(out->dtype == FX_F64 && out->ndim == 1 && out->shape[0] == y->shape[0]);
  return out;
}

static void metrics_equal_scikit_image_and_scipy (void) {
  const struct {
    const char *name;
    double value[2];
  } recorded[] = {
    { "rfne", { 0.051781387205, 0.054862269349 } },
    { "rmse", { 0.043448314498, 0.042833736625 } },
    { "mae", { 0.035956205120, 0.035783479673 } },
    { "psnr", { 36.776521881344, 36.899712102877 } },
    { "ssim", { 0.995636527086, 0.989464829748 } },
    { "pearson", { 0.999050667094, 0.998894774800 } },
  };
  fx_tensor *p = field_of(2, 24, 30, 2, prediction_at), *y = field_of(2, 24, 30, 2, truth_at);
  size_t tested = sizeof recorded / sizeof *recorded;
  for (size_t m = 0; m < tested; m++) {
    fx_tensor *out = measure(recorded[m].name, p, y);
    for (int n = 0; n < 2; n++)
      CHECK_NEAR(fx_f64(out)[n], recorded[m].value[n], TOLERANCE);
    fx_tensor_release(out);
  }
  fx_tensor_release(p);
  fx_tensor_release(y);
}

/* name, value for p = y, for y = 0 and p = 3, for y = 3 and p = 0. */
static void degenerate_fields_have_defined_results (void) {
  const struct {
    const char *name;
    double equal, zero_truth, constant_truth;
  } expected[] = {
    { "rfne", 0, HUGE_VAL, 1 },
    { "rmse", 0, 3, 3 },
    { "mae", 0, 3, 3 },
    { "psnr", HUGE_VAL, -HUGE_VAL, -HUGE_VAL },
    { "ssim", 1, 0, 0 },
    { "pearson", NAN, NAN, NAN },
    { "kurtosis_error", NAN, NAN, NAN },
  };
  fx_tensor *zero = field_of(1, 12, 11, 1, zero_at), *three = field_of(1, 12, 11, 1, three_at);
  for (size_t m = 0; m < sizeof expected / sizeof *expected; m++) {
    fx_tensor *a = measure(expected[m].name, three, three);
    fx_tensor *b = measure(expected[m].name, three, zero);
    fx_tensor *c = measure(expected[m].name, zero, three);
    const double got[] = { fx_f64(a)[0], fx_f64(b)[0], fx_f64(c)[0] };
    const double want[] = { expected[m].equal, expected[m].zero_truth, expected[m].constant_truth };
    for (int i = 0; i < 3; i++)
      CHECK(got[i] == want[i] || (isnan(got[i]) && isnan(want[i])));
    fx_tensor_release(a);
    fx_tensor_release(b);
    fx_tensor_release(c);
  }
  fx_tensor_release(zero);
  fx_tensor_release(three);
}

static void not_a_number_gives_not_a_number_in_its_sample_only (void) {
  fx_tensor *p = field_of(2, 12, 15, 1, prediction_at), *y = field_of(2, 12, 15, 1, truth_at);
  fx_f32(p)[100] = NAN;
  for (const fx_metric *m = fx_metrics; m->name; m++) {
    fx_tensor *out = measure(m->name, p, y);
    CHECK(isnan(fx_f64(out)[0]) && isfinite(fx_f64(out)[1]));
    fx_tensor_release(out);
  }
  fx_tensor_release(p);
  fx_tensor_release(y);
}

static void shapes_and_dtypes_are_checked (void) {
  fx_tensor *a = field_of(1, 12, 12, 1, truth_at), *b = field_of(1, 12, 13, 1, truth_at);
  fx_tensor *small = field_of(1, 10, 12, 1, truth_at), *wide = NULL, *flat = NULL, *out = NULL;
  const int64_t count = 144;
  CHECK_STATUS(fx_tensor_cast(a, FX_F64, &wide));
  CHECK_STATUS(fx_tensor_view(a, 0, 1, &count, &flat));
  for (const fx_metric *m = fx_metrics; m->name; m++) {
    CHECK(m->function(a, b, &out) == FX_ESHAPE);
    CHECK(strncmp(fx_errmsg(), m->name, strlen(m->name)) == 0);
    CHECK(m->function(wide, a, &out) == FX_EARG);
    CHECK(m->function(a, flat, &out) == FX_ESHAPE);
  }
  CHECK(fx_metric_rfne(a, b, &out) == FX_ESHAPE);
  CHECK(strcmp(fx_errmsg(), "rfne: prediction (1,12,12,1) and truth (1,12,13,1) must have the same "
                            "shape") == 0);
  CHECK(fx_metric_ssim(small, small, &out) == FX_ESHAPE);
  CHECK(out == NULL);
  fx_tensor_release(a);
  fx_tensor_release(b);
  fx_tensor_release(small);
  fx_tensor_release(wide);
  fx_tensor_release(flat);
}

/* --- ensembles ------------------------------------------------------------------------------- */

static double member_at (double m, double i, double j, double c) {
  return sin(2.1 * m + 0.7 * i - 0.3 * j) + 0.2 * cos(5.3 * m * (c + 1)) + 0.1 * j;
}

static double outcome_at (double n, double i, double j, double c) {
  return 0.5 * cos(0.4 * i + 0.6 * j) + 0.1 * c + 0.0 * n;
}

static void ensemble_scores_equal_numpy (void) {
  fx_tensor *x = field_of(7, 5, 6, 2, member_at), *y = field_of(1, 5, 6, 2, outcome_at);
  fx_tensor *mean = NULL, *spread = NULL, *crps = NULL, *first = NULL, *single = NULL;
  CHECK_STATUS(fx_ensemble_mean(x, &mean));
  CHECK_STATUS(fx_ensemble_spread(x, &spread));
  CHECK_STATUS(fx_ensemble_crps(x, y, &crps));
  CHECK(mean->ndim == 4 && mean->shape[0] == 1 && mean->shape[3] == 2);
  const int64_t at = (2 * 6 + 3) * 2 + 1;
  CHECK_NEAR(fx_f32(mean)[at], 0.389206869262, TOLERANCE);
  CHECK_NEAR(fx_f32(spread)[at], 0.859866537229, TOLERANCE);
  CHECK_NEAR(fx_f64(crps)[0], 0.337537715120, TOLERANCE);
  CHECK_STATUS(fx_tensor_view(x, 0, 4, y->shape, &first));
  CHECK_STATUS(fx_ensemble_crps(first, y, &single));
  CHECK_NEAR(fx_f64(single)[0], 0.955461779687, TOLERANCE);
  fx_tensor_release(x);
  fx_tensor_release(y);
  fx_tensor_release(mean);
  fx_tensor_release(spread);
  fx_tensor_release(crps);
  fx_tensor_release(first);
  fx_tensor_release(single);
}

static double shuffled_at (double m, double i, double j, double c) {
  return fmod(m * 37.0 + 11.0 * i + j, 101.0) + 0.0 * c;
}

/* The sorted formula against the double sum, for many sizes: sorting has no wrong case. */
static void sorted_crps_equals_the_double_sum (void) {
  for (int64_t m = 2; m <= 40; m += m < 10 ? 1 : 7) {
    fx_tensor *x = field_of(m, 1, 1, 1, shuffled_at), *y = field_of(1, 1, 1, 1, three_at);
    fx_tensor *crps = NULL;
    double error = 0.0, pairs = 0.0;
    for (int64_t a = 0; a < m; a++) {
      error += fabs(fx_f32(x)[a] - 3.0) / (double)m;
      for (int64_t b = 0; b < m; b++)
        pairs += fabs((double)fx_f32(x)[a] - (double)fx_f32(x)[b]);
    }
    CHECK_STATUS(fx_ensemble_crps(x, y, &crps));
    CHECK_NEAR(fx_f64(crps)[0], error - pairs / (2.0 * (double)m * (double)(m - 1)), 1e-12);
    fx_tensor_release(x);
    fx_tensor_release(y);
    fx_tensor_release(crps);
  }
}

static void ensemble_errors (void) {
  fx_tensor *x = field_of(3, 4, 4, 1, member_at), *y = field_of(1, 4, 5, 1, outcome_at);
  fx_tensor *out = NULL;
  CHECK(fx_ensemble_crps(x, y, &out) == FX_ESHAPE);
  CHECK(strcmp(fx_errmsg(), "crps: members (3,4,4,1) need a truth of shape (1,H,W,C), got "
                            "(1,4,5,1)") == 0);
  CHECK(fx_ensemble_crps(x, x, &out) == FX_ESHAPE);
  CHECK(fx_ensemble_spread(y, &out) == FX_ESHAPE);
  CHECK(out == NULL);
  fx_tensor_release(x);
  fx_tensor_release(y);
}

/* --- spectra --------------------------------------------------------------------------------- */

static void spectra_equal_numpy (void) {
  const int bins[] = { 0, 1, 2, 5, 12, 17 };
  const struct {
    fx_spectrum_options options;
    double value[6];
  } recorded[] = {
    { { .kind = FX_SPECTRUM_SUM },
      { 0.019687854810, 0.520108806538, 0.507247806762, 0.009713367226, 0.001512889123,
        0.000000075584 } },
    { { .kind = FX_SPECTRUM_MEAN },
      { 0.019687854810, 0.065013600817, 0.036231986197, 0.000303542726, 0.000019906436,
        0.000000075584 } },
    { { .kind = FX_SPECTRUM_SUM, .hann = true },
      { 0.033938725641, 0.467784030622, 0.463555833761, 0.000029892902, 0.000000005056,
        0.000000000000 } },
    { { .kind = FX_SPECTRUM_MEAN, .hann = true },
      { 0.033938725641, 0.058473003828, 0.033111130983, 0.000000934153, 0.000000000067,
        0.000000000000 } },
  };
  fx_tensor *y = field_of(2, 24, 30, 2, truth_at);
  for (size_t r = 0; r < sizeof recorded / sizeof *recorded; r++) {
    fx_tensor *out = NULL;
    CHECK_STATUS(fx_power_spectrum(y, &recorded[r].options, &out));
    CHECK(out->shape[0] == 2 && out->shape[1] == 18);
    for (int b = 0; b < 6; b++)
      CHECK_NEAR(fx_f64(out)[18 + bins[b]], recorded[r].value[b], 1e-9);
    fx_tensor_release(out);
  }
  fx_tensor_release(y);
}

/* Odd and thin shapes: the bins of the SUM spectrum add up to the mean square. */
static void spectrum_keeps_the_mean_square (void) {
  const int64_t shapes[][2] = { { 9, 15 }, { 1, 8 },   { 8, 1 },  { 15, 10 },
                                { 2, 50 }, { 14, 16 }, { 37, 73 } };
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    const fx_spectrum_options options = { .kind = FX_SPECTRUM_SUM };
    fx_tensor *y = field_of(1, shapes[s][0], shapes[s][1], 1, truth_at), *out = NULL;
    double square = 0.0, sum = 0.0;
    for (int64_t i = 0; i < fx_tensor_count(y); i++)
      square += (double)fx_f32(y)[i] * (double)fx_f32(y)[i] / (double)fx_tensor_count(y);
    CHECK_STATUS(fx_power_spectrum(y, &options, &out));
    for (int64_t b = 0; b < fx_tensor_count(out); b++)
      sum += fx_f64(out)[b];
    CHECK_NEAR(sum, square, 1e-12);
    fx_tensor_release(y);
    fx_tensor_release(out);
  }
}

static void spectrum_errors (void) {
  fx_spectrum_options options = { .kind = FX_SPECTRUM_SUM, .hann = true };
  fx_tensor *thin = field_of(1, 1, 16, 1, truth_at);
  fx_tensor *out = NULL;
  CHECK(fx_power_spectrum(thin, &options, &out) == FX_EARG);
  options.kind = (fx_spectrum_kind)9;
  CHECK(fx_power_spectrum(thin, &options, &out) == FX_EARG);
  CHECK(out == NULL);
  fx_tensor_release(thin);
}

/* --- all of them ----------------------------------------------------------------------------- */

enum { RESULTS = 24 };

/* Ranks, pulls and every number of the sums over one ensemble. */
static fx_status run_calibration (const fx_tensor *members, const fx_tensor *truth,
                                  fx_tensor *out[3]) {
  fx_calibration *c = NULL;
  fx_status st;
  int64_t count = 0;
  FX_TRY(fx_calibration_new(members->shape[0], &c));
  FX_GOTO(fx_calibration_add(c, members, truth, (fx_rng){ .seed = 1 }));
  FX_GOTO(fx_calibration_ranks(c, &out[0]));
  FX_GOTO(fx_calibration_pulls(c, &out[1]));
  while (fx_ensemble_metrics[count].name)
    count++;
  FX_GOTO(fx_tensor_new(FX_F64, 1, &count, &out[2]));
  for (int64_t i = 0; i < count; i++)
    fx_f64(out[2])[i] = fx_ensemble_metrics[i].value(c);
done:
  fx_calibration_free(c);
  return st;
}

/* Statistics of one field and of a velocity, which has two channels. */
static fx_status run_statistics (const fx_tensor *p, const fx_tensor *y, fx_tensor *out[6]) {
  const double thresholds[] = { 0.5, 1.0 };
  FX_TRY(fx_spectral_coherence(p, y, 0, &out[0]));
  FX_TRY(fx_divergence(y, 1, &out[1]));
  FX_TRY(fx_moments(y, &out[2]));
  FX_TRY(fx_histogram(y, -1.0, 1.0, 9, &out[3]));
  FX_TRY(fx_exceedances(y, thresholds, 2, &out[4]));
  return fx_structure_function(y, 3, 5, 0, &out[5]);
}

/* Every function once; results go to out[], which the caller releases. */
static fx_status run_all (const fx_tensor *p, const fx_tensor *y, fx_tensor *out[RESULTS]) {
  const fx_spectrum_options options = { .kind = FX_SPECTRUM_MEAN, .hann = true };
  const int64_t shape[] = { 1, y->shape[1], y->shape[2], y->shape[3] };
  fx_tensor *first = NULL;
  fx_status st;
  int n = 0;
  for (const fx_metric *m = fx_metrics; m->name; m++)
    FX_TRY(m->function(p, y, &out[n++]));
  FX_TRY(fx_ensemble_mean(p, &out[n++]));
  FX_TRY(fx_ensemble_spread(p, &out[n++]));
  FX_TRY(fx_power_spectrum(y, &options, &out[n++]));
  FX_TRY(fx_tensor_view(y, 0, 4, shape, &first));
  FX_GOTO(fx_ensemble_crps(p, first, &out[n++]));
  FX_GOTO(run_calibration(p, first, out + n));
  FX_GOTO(run_statistics(p, y, out + n + 3));
  CHECK(n + 9 <= RESULTS);
done:
  fx_tensor_release(first);
  return st;
}

static void same_bits_for_one_and_two_threads (void) {
  fx_tensor *p = field_of(3, 40, 45, 2, prediction_at), *y = field_of(3, 40, 45, 2, truth_at);
  fx_tensor *one[RESULTS] = { 0 }, *two[RESULTS] = { 0 };
  fx_set_threads(1);
  CHECK_STATUS(run_all(p, y, one));
  fx_set_threads(2);
  CHECK_STATUS(run_all(p, y, two));
  for (int i = 0; i < RESULTS && one[i]; i++) {
    const size_t bytes = (size_t)fx_tensor_count(one[i]) * fx_dtype_size(one[i]->dtype);
    CHECK(memcmp(one[i]->data, two[i]->data, bytes) == 0);
    fx_tensor_release(one[i]);
    fx_tensor_release(two[i]);
  }
  fx_tensor_release(p);
  fx_tensor_release(y);
}

static void failing_allocations_leave_nothing_behind (void) {
  fx_memory_stats before, after;
  fx_memory(&before);
  fx_tensor *p = field_of(2, 12, 15, 2, prediction_at), *y = field_of(2, 12, 15, 2, truth_at);
  fx_status st = FX_ENOMEM;
  int k = 1;
  for (; st != FX_OK && k < 600; k++) {
    fx_tensor *out[RESULTS] = { 0 };
    fx_alloc_fail_at(k);
    st = run_all(p, y, out);
    fx_alloc_fail_at(0);
    CHECK(st == FX_OK || st == FX_ENOMEM);
    for (int i = 0; i < RESULTS; i++)
      fx_tensor_release(out[i]);
  }
  CHECK(k > 60 && k < 600);
  fx_tensor_release(p);
  fx_tensor_release(y);
  fx_memory(&after);
  CHECK(after.live_blocks == before.live_blocks);
}

int main (void) {
  metrics_equal_scikit_image_and_scipy();
  degenerate_fields_have_defined_results();
  not_a_number_gives_not_a_number_in_its_sample_only();
  shapes_and_dtypes_are_checked();
  ensemble_scores_equal_numpy();
  sorted_crps_equals_the_double_sum();
  ensemble_errors();
  spectra_equal_numpy();
  spectrum_keeps_the_mean_square();
  spectrum_errors();
  same_bits_for_one_and_two_threads();
  failing_allocations_leave_nothing_behind();
  return check_report("metrics");
}
