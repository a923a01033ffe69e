/*
** moments.c - mean and rstd of groups of channels, of one tensor or of two side by side.
**
** A sample's pixels are cut into pieces of about FXCPU_CHUNK numbers. A piece is added up channel by
** channel about a shift, the channel's first number, so that squares do not cancel: RUN pixels in
** float, the runs in double. Pieces join in order, channels join into groups by the theorem of
** parallel axes, so groups may straddle the two tensors.
*/
#include <math.h>
#include <string.h>

#include "kernels/cpu/source.h"

#define RUN 16

typedef struct {
  const float *x, *x2, *x2_add;
  int64_t n, space, c1, c2, c;
  int64_t piece, pieces; /* pixels in a piece, pieces in a sample */
  double *partial;       /* sums, squares (2C) of each piece      */
  float *half;           /* x2 + x2_add of a piece, a worker's    */
} moments_job;

/* to[i] += x[i] for the lanes of x that exist. */
static inline void add_lanes (double *to, vec x, int64_t lanes) {
  float at[LANES];
  store(at, x);
  for (int64_t l = 0; l < smaller(lanes, LANES); l++)
    to[l] += at[l];
}

/* Channels of RUN pixels or fewer, which are c apart, about the shift; the next run is asked for. */
static void sum_run (int64_t c, int64_t pixels, const float *shift, const float *x, double *sums,
                     double *squares) {
  for (int64_t i = 0; i < c; i += LANES) {
    const vec middle = load_part(shift + i, c - i);
    vec sum = { 0 }, square = { 0 };
    for (int64_t r = 0; r < pixels; r++) {
      __builtin_prefetch(x + (r + RUN) * c + i);
      const vec d = load_part(x + r * c + i, c - i) - middle;
      sum += d;
      square += d * d;
    }
    add_lanes(sums + i, sum, c - i);
    add_lanes(squares + i, square, c - i);
  }
}

/* Channels of a piece of one tensor. Run by run, so that memory is read in its order. */
static void sum_piece (int64_t c, int64_t pixels, const float *shift, const float *x, double *sums,
                       double *squares) {
  for (int64_t s = 0; s < pixels; s += RUN)
    sum_run(c, smaller(RUN, pixels - s), shift, x + s * c, sums, squares);
}

static void moments_task (void *context, int64_t item, int worker) {
  const moments_job *job = context;
  const int64_t c = job->c, n = item / job->pieces, first = item % job->pieces * job->piece;
  const int64_t pixels = smaller(job->piece, job->space - first), start = n * job->space;
  double *sums = job->partial + item * 2 * c, *squares = sums + c;
  memset(sums, 0, (size_t)(2 * c) * sizeof *sums);
  sum_piece(job->c1, pixels, job->x + start * job->c1, job->x + (start + first) * job->c1, sums,
            squares);
  if (job->x2)
    sum_piece(job->c2, pixels, job->x2 + start * job->c2,
              second_half(job->x2, job->x2_add, (start + first) * job->c2, pixels * job->c2,
                          job->half + worker * job->piece * job->c2),
              sums + job->c1, squares + job->c1);
}

/* The pieces of sample n joined into the first, whose squares become sums of squared deviations from
** the channel's mean, and whose sums become that mean. */
static double *join_pieces (const moments_job *job, int64_t n) {
  const int64_t c = job->c;
  double *sums = job->partial + n * job->pieces * 2 * c, *squares = sums + c;
  for (int64_t p = 1; p < job->pieces; p++)
    for (int64_t i = 0; i < 2 * c; i++)
      sums[i] += sums[p * 2 * c + i];
  for (int64_t i = 0; i < c; i++) {
    const float shift = i < job->c1 ? job->x[n * job->space * job->c1 + i]
                                    : job->x2[n * job->space * job->c2 + i - job->c1];
    squares[i] -= sums[i] * sums[i] / (double)job->space;
    sums[i] = sums[i] / (double)job->space + shift;
  }
  return sums;
}

static void finish_sample (const moments_job *job, int64_t n, const fx_kernel_group_moments *a) {
  const int64_t width = job->c / a->groups;
  const double *means = join_pieces(job, n), *squares = means + job->c;
  for (int64_t g = 0; g < a->groups; g++) {
    double mean = 0.0, sum = 0.0;
    for (int64_t i = g * width; i < (g + 1) * width; i++)
      mean += means[i] / (double)width;
    for (int64_t i = g * width; i < (g + 1) * width; i++) {
      const double d = means[i] - mean;
      sum += squares[i] + (double)job->space * d * d;
    }
    const double variance = fmax(sum, 0.0) / (double)(job->space * width);
    fx_f32(a->mean)[n * a->groups + g] = (float)mean;
    fx_f32(a->rstd)[n * a->groups + g] = (float)(1.0 / sqrt(variance + a->eps));
  }
}

fx_status fxcpu_group_moments (const fx_kernel_group_moments *a) {
  moments_job job = { .x = fx_f32(a->x),
                      .x2 = a->x2 ? fx_f32(a->x2) : NULL,
                      .x2_add = a->x2_add ? fx_f32(a->x2_add) : NULL,
                      .n = a->x->shape[0],
                      .space = 1,
                      .c1 = last_dim(a->x),
                      .c2 = a->x2 ? last_dim(a->x2) : 0 };
  for (int i = 1; i < a->x->ndim - 1; i++)
    job.space *= a->x->shape[i];
  job.c = job.c1 + job.c2;
  if (job.n * job.space * job.c == 0)
    return FX_OK;
  job.piece = larger(1, FXCPU_CHUNK / job.c);
  job.pieces = ceil_div(job.space, job.piece);
  job.partial = new_doubles(job.n * job.pieces * 2 * job.c);
  job.half = new_floats(job.x2_add ? fx_threads() * job.piece * job.c2 : 0);
  const fx_status st = job.partial && job.half ? FX_OK : FX_ENOMEM;
  if (st == FX_OK) {
    fx_parallel(job.n * job.pieces, moments_task, &job);
    for (int64_t n = 0; n < job.n; n++)
      finish_sample(&job, n, a);
  }
  fx_free(job.half);
  fx_free(job.partial);
  return st;
}
