/*
** calibration.h - whether ensembles mean what they say: additive sums over samples, from which
** scores, curves and tests of calibration come.
**
** A fx_calibration is for ensembles of M members. Every sample that is added contributes sums over
** its pixels and channels ("values"); nothing is averaged before the end, so a ratio is a ratio of
** averages, never an average of ratios. Sums run in double in a fixed order: the same bits for
** every number of threads.
*/
#ifndef FX_CALIBRATION_H
#define FX_CALIBRATION_H

#include "base/rng.h"
#include "base/status.h"
#include "metrics/metric.h"
#include "tensor/tensor.h"

/* Pulls are binned in FX_PULL_BINS equal bins over -FX_PULL_REACH .. FX_PULL_REACH. */
#define FX_PULL_BINS 64
#define FX_PULL_REACH 8.0

typedef struct fx_calibration fx_calibration;

/* New, empty, for ensembles of `members` >= 2. The caller frees it with fx_calibration_free.
** Errors: FX_EARG, FX_ENOMEM. */
fx_status fx_calibration_new(int64_t members, fx_calibration **out);
void fx_calibration_free(fx_calibration *c); /* NULL is ignored */

/*
** Adds one sample: members (M,H,W,C) f32, truth (1,H,W,C) f32. `key` draws the rank among equal
** values: element i of its sequence belongs to value i, so give each sample its own key.sample.
** Cost: O(M log M) a value, and O(M^2) for the energy score.
** Errors: FX_ESHAPE, FX_EARG (dtype), FX_ENOMEM; the sums are then as before.
*/
fx_status fx_calibration_add(fx_calibration *c, const fx_tensor *members, const fx_tensor *truth,
                             fx_rng key);

int64_t fx_calibration_members(const fx_calibration *c);
int64_t fx_calibration_samples(const fx_calibration *c);

/*
** Rank histogram [Hamill 2001, Mon. Wea. Rev. 129]: new (M+1) f64 of counts; rank r = how many
** members lie below the truth, ties broken at random. Flat for a calibrated ensemble, a valley if
** it is over-confident, a slope if it is biased.
** Coverage follows: for exchangeable members the interval between the k-th lowest and the k-th
** highest holds the truth with probability (M+1-2k)/(M+1), exactly; it did so as often as the
** truth's rank was k .. M-k.
*/
fx_status fx_calibration_ranks(const fx_calibration *c, fx_tensor **out);

/*
** Histogram of the pull (p - y) / std, p the ensemble's mean and std its standard deviation
** (divided by M - 1): new (FX_PULL_BINS + 2) f64 of counts, the outer two beyond +-FX_PULL_REACH.
** Values where all members are equal have no pull and are left out.
*/
fx_status fx_calibration_pulls(const fx_calibration *c, fx_tensor **out);

/* The standard deviation that the pull of a calibrated Gaussian ensemble has: that of Student's t with
** M - 1 degrees of freedom, times sqrt(1 + 1/M) for the error of the mean; infinite for M <= 3. */
double fx_ideal_pull_sd(int64_t members);

/* A number of an ensemble, from its sums. NaN while nothing was added. */
typedef struct {
  const char *name, *unit;
  fx_metric_direction direction;
  const char *doc; /* definition and source */
  double (*value)(const fx_calibration *c);
} fx_ensemble_metric;

/* Ends with a row whose name is NULL. */
extern const fx_ensemble_metric fx_ensemble_metrics[];

#endif
