/*
** ensemble.c - mean, spread and CRPS. A row of pixels is the unit of parallel work; a worker
** gathers the M values of one pixel, which lie a whole field apart, into its own M doubles.
**
** Sorting is by heap: no recursion, no allocation, O(M log M) at worst and NaN-safe (a NaN comes
** out somewhere and the score is NaN by its first term).
*/
#include "metrics/ensemble.h"

#include <inttypes.h>
#include <math.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "metrics/pair.h"

typedef struct {
  const float *members, *truth;
  int64_t m, row, field; /* members; values a row; values a field */
  float *map;            /* (1,H,W,C), or NULL */
  double *sums;          /* (H), or NULL       */
  double *work;          /* (workers, m)       */
} job;

static double mean_of (const double *x, int64_t m) {
  double sum = 0.0;
  for (int64_t i = 0; i < m; i++)
    sum += x[i];
  return sum / (double)m;
}

static double deviation_of (const double *x, int64_t m) {
  const double mean = mean_of(x, m);
  double sum = 0.0;
  for (int64_t i = 0; i < m; i++)
    sum += (x[i] - mean) * (x[i] - mean);
  return sqrt(sum / (double)(m - 1));
}

/* Lets x[i] sink in the heap x[0..m). */
static void sink (double *x, int64_t i, int64_t m) {
  const double value = x[i];
  for (int64_t child = 2 * i + 1; child < m; child = 2 * i + 1) {
    if (child + 1 < m && x[child + 1] > x[child])
      child++;
    if (!(x[child] > value))
      break;
    x[i] = x[child];
    i = child;
  }
  x[i] = value;
}

void fx_sort (double *x, int64_t m) {
  for (int64_t i = m / 2 - 1; i >= 0; i--)
    sink(x, i, m);
  for (int64_t last = m - 1; last > 0; last--) {
    const double top = x[0];
    x[0] = x[last];
    x[last] = top;
    sink(x, 0, last);
  }
}

/* x holds the members; it is overwritten. Differences to y are sorted instead of the values, which
** cancels nothing and keeps digits. */
static double crps_of (double *x, double y, int64_t m) {
  double error = 0.0, pairs = 0.0;
  for (int64_t i = 0; i < m; i++) {
    x[i] -= y;
    error += fabs(x[i]);
  }
  error /= (double)m;
  if (m == 1)
    return error;
  fx_sort(x, m);
  for (int64_t i = 0; i < m; i++)
    pairs += (double)(2 * i - m + 1) * x[i];
  return error - pairs / ((double)m * (double)(m - 1));
}

static double *gather (const job *j, int64_t at, int worker) {
  double *x = j->work + worker * j->m;
  for (int64_t i = 0; i < j->m; i++)
    x[i] = j->members[i * j->field + at];
  return x;
}

static void mean_row (void *context, int64_t item, int worker) {
  const job *j = context;
  for (int64_t at = item * j->row; at < (item + 1) * j->row; at++)
    j->map[at] = (float)mean_of(gather(j, at, worker), j->m);
}

static void spread_row (void *context, int64_t item, int worker) {
  const job *j = context;
  for (int64_t at = item * j->row; at < (item + 1) * j->row; at++)
    j->map[at] = (float)deviation_of(gather(j, at, worker), j->m);
}

static void crps_row (void *context, int64_t item, int worker) {
  const job *j = context;
  double sum = 0.0;
  for (int64_t at = item * j->row; at < (item + 1) * j->row; at++)
    sum += crps_of(gather(j, at, worker), j->truth[at], j->m);
  j->sums[item] = sum;
}

static fx_status run (job *j, const fx_tensor *members, fx_task task) {
  j->members = fx_f32(members);
  j->m = members->shape[0];
  j->row = members->shape[2] * members->shape[3];
  j->field = members->shape[1] * j->row;
  j->work = fx_calloc((size_t)fx_threads(), (size_t)j->m * sizeof(double));
  if (!j->work)
    return FX_ENOMEM;
  fx_parallel(members->shape[1], task, j);
  fx_free(j->work);
  return FX_OK;
}

/* A map over pixels as a new tensor. */
static fx_status map_members (const fx_tensor *members, fx_task task, fx_tensor **out) {
  const int64_t shape[] = { 1, members->shape[1], members->shape[2], members->shape[3] };
  fx_tensor *map = NULL;
  FX_TRY(fx_tensor_new(FX_F32, 4, shape, &map));
  job j = { .map = fx_f32(map) };
  const fx_status st = run(&j, members, task);
  if (st == FX_OK)
    *out = map;
  else
    fx_tensor_release(map);
  return st;
}

fx_status fx_ensemble_mean (const fx_tensor *members, fx_tensor **out) {
  FX_TRY(fx_check_field("ensemble mean", "members", members));
  return map_members(members, mean_row, out);
}

fx_status fx_ensemble_spread (const fx_tensor *members, fx_tensor **out) {
  FX_TRY(fx_check_field("ensemble spread", "members", members));
  if (members->shape[0] < 2)
    return fx_fail(FX_ESHAPE, "ensemble spread: at least 2 members are needed, got 1");
  return map_members(members, spread_row, out);
}

fx_status fx_ensemble_crps (const fx_tensor *members, const fx_tensor *truth, fx_tensor **out) {
  FX_TRY(fx_check_members("crps", members, truth));
  const int64_t h = members->shape[1], one = 1;
  fx_status st;
  fx_tensor *result = NULL;
  job j = { .truth = fx_f32(truth), .sums = fx_calloc((size_t)h, sizeof(double)) };
  if (!j.sums)
    return FX_ENOMEM;
  FX_GOTO(fx_tensor_new(FX_F64, 1, &one, &result));
  FX_GOTO(run(&j, members, crps_row));
  double sum = 0.0;
  for (int64_t i = 0; i < h; i++)
    sum += j.sums[i];
  fx_f64(result)[0] = sum / (double)j.field;
  *out = result;
  result = NULL;
done:
  fx_free(j.sums);
  fx_tensor_release(result);
  return st;
}
