/*
** calibration.c - sums over ensembles (calibration.h).
**
** A row of pixels is the unit of parallel work: it fills a `part` of its own, and parts are added
** in order. The energy score needs distances between whole fields; there a pair of fields is the
** unit. A sample is first summed apart and then added, so that a failure leaves the sums alone.
*/
#include "metrics/calibration.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "metrics/ensemble.h"
#include "metrics/pair.h"

#define PULLS (FX_PULL_BINS + 2)

/* Sums over values. */
typedef struct {
  double values, error, pairs;    /* CRPS: mean |x-y| and mean |x-x'| over all M^2 pairs */
  double variance, squared_error; /* of the members; of their mean */
  double pull_counts[PULLS];
} totals;

/* Pulls: how many, their mean, the sum of their squared distances from it. The members of a collapsed
** ensemble have pulls of 1e6, of which a difference of squares would leave nothing. */
typedef struct {
  double count, mean, squares;
} pulls;

typedef struct {
  totals sums;
  pulls pull;
} part;

struct fx_calibration {
  int64_t members, samples;
  totals sums;
  pulls pull;
  double distance, separation; /* energy score: mean ||x-y||; mean ||x-x'|| over all M^2 pairs */
  double *ranks;               /* (M+1) */
};

typedef struct {
  const float *members, *truth;
  int64_t m, row, field;
  fx_rng key;
  part *parts;   /* (H) */
  double *ranks; /* (H, M+1) */
  double *work;  /* (workers, M) */
  double *norms; /* (M + M(M-1)/2): distances to the truth, then between members */
} job;

/* --- one value ---------------------------------------------------------------------------------- */

/* x holds the members less the truth. Ties: the truth is equally likely to be each of them. */
static int64_t rank_of (const job *j, const double *x, int64_t at) {
  int64_t below = 0, equal = 0;
  for (int64_t i = 0; i < j->m; i++) {
    below += x[i] < 0.0;
    equal += x[i] == 0.0;
  }
  if (equal == 0)
    return below;
  const double u = (double)fx_rng_u32(j->key, (uint64_t)at) * 0x1p-32;
  return below + (int64_t)(u * (double)(equal + 1));
}

static void add_pull (part *s, double pull) {
  const double place = (pull + FX_PULL_REACH) * (FX_PULL_BINS / (2.0 * FX_PULL_REACH));
  const int64_t bin = place < 0.0 ? 0 : place >= FX_PULL_BINS ? PULLS - 1 : 1 + (int64_t)place;
  const double gap = pull - s->pull.mean;
  s->pull.count += 1.0;
  s->pull.mean += gap / s->pull.count;
  s->pull.squares += gap * (pull - s->pull.mean); /* [Welford 1962] */
  s->sums.pull_counts[bin] += 1.0;
}

/* [Chan, Golub & LeVeque 1983] */
static void join_pulls (pulls *to, const pulls *from) {
  const double count = to->count + from->count, gap = from->mean - to->mean;
  if (from->count == 0.0)
    return;
  to->squares += from->squares + gap * gap * to->count * from->count / count;
  to->mean += gap * from->count / count;
  to->count = count;
}

/* x holds the members less the truth, and is sorted afterwards. */
static void add_value (part *s, double *x, int64_t m) {
  double sum = 0.0, error = 0.0, squares = 0.0, pairs = 0.0;
  for (int64_t i = 0; i < m; i++) {
    sum += x[i];
    error += fabs(x[i]);
  }
  const double n = (double)m, mean = sum / n;
  for (int64_t i = 0; i < m; i++)
    squares += (x[i] - mean) * (x[i] - mean);
  const double variance = squares / (n - 1.0);
  fx_sort(x, m);
  for (int64_t i = 0; i < m; i++)
    pairs += (double)(2 * i - m + 1) * x[i];
  s->sums.values += 1.0;
  s->sums.error += error / n;
  s->sums.pairs += 2.0 * pairs / (n * n);
  s->sums.variance += variance;
  s->sums.squared_error += mean * mean;
  if (x[0] != x[m - 1])
    add_pull(s, mean / sqrt(variance));
}

static void row_task (void *context, int64_t row, int worker) {
  const job *j = context;
  double *x = j->work + worker * j->m, *ranks = j->ranks + row * (j->m + 1);
  for (int64_t at = row * j->row; at < (row + 1) * j->row; at++) {
    int finite = isfinite(j->truth[at]);
    for (int64_t i = 0; i < j->m; i++) {
      x[i] = (double)j->members[i * j->field + at] - (double)j->truth[at];
      finite = finite && isfinite(x[i]);
    }
    if (!finite) { /* no rank, no pull; the scores say NaN */
      j->parts[row].sums.values += 1.0;
      j->parts[row].sums.error = j->parts[row].sums.variance = NAN;
      continue;
    }
    ranks[rank_of(j, x, at)] += 1.0;
    add_value(&j->parts[row], x, j->m);
  }
}

/* --- energy score -------------------------------------------------------------------------------- */

static double distance (const float *a, const float *b, int64_t count) {
  double sum = 0.0;
  for (int64_t i = 0; i < count; i++) {
    const double d = (double)a[i] - (double)b[i];
    sum += d * d;
  }
  return sqrt(sum);
}

/* Item i < M: member i and the truth; then member 0 with 1.., member 1 with 2.., in order. */
static void pair_task (void *context, int64_t item, int worker) {
  const job *j = context;
  int64_t a = 0, b = item - j->m;
  (void)worker;
  if (item < j->m) {
    j->norms[item] = distance(j->members + item * j->field, j->truth, j->field);
    return;
  }
  for (; b >= j->m - 1 - a; a++)
    b -= j->m - 1 - a;
  j->norms[item] =
      distance(j->members + a * j->field, j->members + (a + 1 + b) * j->field, j->field);
}

/* --- a sample -------------------------------------------------------------------------------------- */

static void add_parts (fx_calibration *c, const job *j, int64_t rows) {
  const double m = (double)j->m;
  for (int64_t y = 0; y < rows; y++) {
    double *to = (double *)&c->sums;
    const double *from = (const double *)&j->parts[y].sums;
    for (size_t i = 0; i < sizeof(totals) / sizeof(double); i++)
      to[i] += from[i];
    join_pulls(&c->pull, &j->parts[y].pull);
    for (int64_t r = 0; r <= j->m; r++)
      c->ranks[r] += j->ranks[y * (j->m + 1) + r];
  }
  double to_truth = 0.0, between = 0.0;
  for (int64_t i = 0; i < j->m; i++)
    to_truth += j->norms[i];
  for (int64_t i = j->m; i < j->m + j->m * (j->m - 1) / 2; i++)
    between += j->norms[i];
  c->distance += to_truth / m;
  c->separation += 2.0 * between / (m * m);
  c->samples++;
}

static fx_status check (const fx_calibration *c, const fx_tensor *members, const fx_tensor *truth) {
  char text[FX_SHAPE_TEXT];
  FX_TRY(fx_check_members("calibration", members, truth));
  if (members->shape[0] != c->members)
    return fx_fail(FX_ESHAPE, "calibration: it is for %" PRId64 " members, got %s", c->members,
                   fx_shape_text(members, text));
  return FX_OK;
}

fx_status fx_calibration_add (fx_calibration *c, const fx_tensor *members, const fx_tensor *truth,
                              fx_rng key) {
  FX_TRY(check(c, members, truth));
  const int64_t m = c->members, h = members->shape[1], pairs = m + m * (m - 1) / 2;
  const int64_t row = members->shape[2] * members->shape[3];
  job j = { .members = fx_f32(members),
            .truth = fx_f32(truth),
            .m = m,
            .row = row,
            .field = h * row,
            .key = key };
  j.parts = fx_calloc((size_t)h, sizeof(part));
  j.ranks = fx_calloc((size_t)h, (size_t)(m + 1) * sizeof(double));
  j.work = fx_calloc((size_t)fx_threads(), (size_t)m * sizeof(double));
  j.norms = fx_calloc((size_t)pairs, sizeof(double));
  const int ready = j.parts && j.ranks && j.work && j.norms;
  if (ready) {
    fx_parallel(h, row_task, &j);
    fx_parallel(pairs, pair_task, &j);
    add_parts(c, &j, h);
  }
  fx_free(j.parts);
  fx_free(j.ranks);
  fx_free(j.work);
  fx_free(j.norms);
  return ready ? FX_OK : FX_ENOMEM;
}

fx_status fx_calibration_new (int64_t members, fx_calibration **out) {
  if (members < 2 || members > 1000000)
    return fx_fail(FX_EARG, "calibration: an ensemble has 2 .. 1000000 members, got %" PRId64,
                   members);
  fx_calibration *c = fx_calloc(1, sizeof *c);
  if (!c)
    return FX_ENOMEM;
  c->members = members;
  c->ranks = fx_calloc((size_t)members + 1, sizeof(double));
  if (!c->ranks) {
    fx_free(c);
    return FX_ENOMEM;
  }
  *out = c;
  return FX_OK;
}

void fx_calibration_free (fx_calibration *c) {
  if (!c)
    return;
  fx_free(c->ranks);
  fx_free(c);
}

int64_t fx_calibration_members (const fx_calibration *c) { return c->members; }
int64_t fx_calibration_samples (const fx_calibration *c) { return c->samples; }

static fx_status copy_out (const double *values, int64_t count, fx_tensor **out) {
  fx_tensor *t = NULL;
  FX_TRY(fx_tensor_new(FX_F64, 1, &count, &t));
  memcpy(fx_f64(t), values, (size_t)count * sizeof(double));
  *out = t;
  return FX_OK;
}

fx_status fx_calibration_ranks (const fx_calibration *c, fx_tensor **out) {
  return copy_out(c->ranks, c->members + 1, out);
}

fx_status fx_calibration_pulls (const fx_calibration *c, fx_tensor **out) {
  return copy_out(c->sums.pull_counts, PULLS, out);
}

/* --- the numbers ------------------------------------------------------------------------------------ */

/* Over all M^2 pairs -> over the M (M-1) pairs of different members. */
static double fair (const fx_calibration *c) {
  return (double)c->members / (double)(c->members - 1);
}

static double crps (const fx_calibration *c) {
  return (c->sums.error - 0.5 * fair(c) * c->sums.pairs) / c->sums.values;
}

static double crps_plain (const fx_calibration *c) {
  return (c->sums.error - 0.5 * c->sums.pairs) / c->sums.values;
}

static double energy_score (const fx_calibration *c) {
  return (c->distance - 0.5 * fair(c) * c->separation) / (double)c->samples;
}

static double energy_score_plain (const fx_calibration *c) {
  return (c->distance - 0.5 * c->separation) / (double)c->samples;
}

static double spread_skill (const fx_calibration *c) {
  const double m = (double)c->members;
  return sqrt((m + 1.0) / m * c->sums.variance / c->sums.squared_error);
}

static double pull_mean (const fx_calibration *c) {
  return c->pull.count > 0.0 ? c->pull.mean : NAN;
}

static double pull_sd (const fx_calibration *c) { return sqrt(c->pull.squares / c->pull.count); }

double fx_ideal_pull_sd (int64_t members) {
  const double m = (double)members;
  return members > 3 ? sqrt((1.0 + 1.0 / m) * (m - 1.0) / (m - 3.0)) : HUGE_VAL;
}

static double reliability (const fx_calibration *c) {
  const double bins = (double)(c->members + 1);
  double total = 0.0, sum = 0.0;
  for (int64_t r = 0; r <= c->members; r++)
    total += c->ranks[r];
  for (int64_t r = 0; r <= c->members; r++)
    sum += fabs(c->ranks[r] / total - 1.0 / bins);
  return sum;
}

const fx_ensemble_metric fx_ensemble_metrics[] = {
  { "crps", "field", FX_DIRECTION_LOWER,
    "fair continuous ranked probability score: mean |x - y| - sum |x - x'| / (2 M (M-1)), whose "
    "expectation does not depend on M [Ferro 2014]; of one member, in evaluations, the MAE",
    crps },
  { "crps_plain", "field", FX_DIRECTION_LOWER,
    "the CRPS of the members as they are: mean |x - y| - sum |x - x'| / (2 M^2) [Gneiting & "
    "Raftery "
    "2007, eq. 21]",
    crps_plain },
  { "energy_score", "field", FX_DIRECTION_LOWER,
    "the CRPS of whole fields: mean ||x - y|| - sum ||x - x'|| / (2 M (M-1)) [Gneiting & Raftery "
    "2007, eq. 22; fair as Ferro 2014]",
    energy_score },
  { "energy_score_plain", "field", FX_DIRECTION_LOWER,
    "the energy score of the members as they are, divided by 2 M^2", energy_score_plain },
  { "spread_skill", "1", FX_DIRECTION_ONE,
    "sqrt((M+1)/M <variance of the members> / <squared error of their mean>); below 1: "
    "over-confident [Fortin et al. 2014]",
    spread_skill },
  { "pull_mean", "1", FX_DIRECTION_ZERO,
    "mean of the pull (p - y) / std, p the mean of the members: bias in units of the spread",
    pull_mean },
  { "pull_sd", "1", FX_DIRECTION_ONE,
    "standard deviation of the pull (Gaussian fit); a calibrated Gaussian ensemble of M has "
    "sqrt((1 + 1/M) (M-1)/(M-3)), above 1: over-confident",
    pull_sd },
  { "reliability", "1", FX_DIRECTION_LOWER,
    "sum over ranks of |frequency - 1/(M+1)|, 0 for a flat rank histogram [Delle Monache et al. "
    "2006]",
    reliability },
  { NULL, NULL, FX_DIRECTION_LOWER, NULL, NULL }
};
