/*
** reduce.c - sums over axes, and their adjoint.
**
** After merging axes, all sums that occur are (outer, summed, inner): everything (1,S,1), bias
** gradients (1,S,C), sums over space (N,S,C), means of rows (N,S,1). The summed axis is cut into
** pieces of about FXCPU_CHUNK numbers; each item adds one piece in double, and the pieces are
** added in order. A long inner axis is cut instead, which needs no partial sums. Other patterns of
** axes go to the reference.
*/
#include <string.h>

#include "kernels/cpu/broadcast.h"
#include "kernels/cpu/sums.h"

fx_status fxref_sum_to(const fx_kernel_sum_to *);

#define LONG 1024 /* inner axes from here on are cut themselves */

typedef struct {
  int64_t outer, summed, inner;
  int64_t piece, pieces; /* of the summed axis, or of the inner one if that is long */
  int64_t group;         /* outer indices of an item: more than 1 if they are short */
  const float *x;
  double scale;
  double *partial;
  float *y;
} sum_job;

/* Finds outer, summed and inner; false if the axes do not follow this pattern. */
static bool find_pattern (const fx_kernel_sum_to *a, sum_job *job) {
  const walk w = walk_over(a->x, a->x, a->y);
  int i = 0;
  job->outer = job->summed = job->inner = 1;
  if (w.n > 1 && w.step[1][i] != 0)
    job->outer = w.size[i++];
  if (w.n == 1 && w.step[1][i] != 0) { /* nothing is summed: a scaled copy */
    job->inner = w.size[0];
    return true;
  }
  if (i < w.n)
    job->summed = w.size[i++];
  if (i < w.n)
    job->inner = w.size[i++];
  return i == w.n;
}

static void sum_piece (const sum_job *job, int64_t outer, int64_t piece) {
  const int64_t first = piece * job->piece, count = smaller(job->piece, job->summed - first);
  const float *x = job->x + (outer * job->summed + first) * job->inner;
  double *sums = job->partial + (outer * job->pieces + piece) * job->inner;
  if (job->inner == 1) {
    *sums = sum_of(count, x);
    return;
  }
  memset(sums, 0, (size_t)job->inner * sizeof *sums);
  add_rows(count, job->inner, job->inner, x, sums);
}

static void piece_task (void *context, int64_t item, int worker) {
  (void)worker;
  const sum_job *job = context;
  const int64_t begin = item / job->pieces * job->group;
  for (int64_t outer = begin; outer < smaller(job->outer, begin + job->group); outer++)
    sum_piece(job, outer, item % job->pieces);
}

static void add_pieces (const sum_job *job) {
  for (int64_t o = 0; o < job->outer; o++)
    for (int64_t i = 0; i < job->inner; i++) {
      double sum = 0.0;
      for (int64_t p = 0; p < job->pieces; p++)
        sum += job->partial[(o * job->pieces + p) * job->inner + i];
      job->y[o * job->inner + i] = (float)(job->scale * sum);
    }
}

static void long_task (void *context, int64_t item, int worker) {
  (void)worker;
  const sum_job *job = context;
  const int64_t outer = item / job->pieces, first = item % job->pieces * LONG;
  const int64_t count = smaller(LONG, job->inner - first);
  double sums[LONG] = { 0 };
  add_rows(job->summed, count, job->inner, job->x + outer * job->summed * job->inner + first, sums);
  float *y = job->y + outer * job->inner + first;
  for (int64_t i = 0; i < count; i++)
    y[i] = (float)(job->scale * sums[i]);
}

fx_status fxcpu_sum_to (const fx_kernel_sum_to *a) {
  sum_job job = { .x = fx_f32(a->x), .scale = a->scale, .y = fx_f32(a->y) };
  if (fx_tensor_count(a->x) == 0) {
    fx_tensor_fill(a->y, 0.0);
    return FX_OK;
  }
  if (!find_pattern(a, &job))
    return fxref_sum_to(a);
  if (job.inner >= LONG) {
    job.pieces = ceil_div(job.inner, LONG);
    fx_parallel(job.outer * job.pieces, long_task, &job);
    return FX_OK;
  }
  job.piece = larger(1, FXCPU_CHUNK / job.inner);
  job.pieces = ceil_div(job.summed, job.piece);
  if (!(job.partial = new_doubles(job.outer * job.pieces * job.inner)))
    return FX_ENOMEM;
  job.group = larger(1, FXCPU_CHUNK / (smaller(job.piece, job.summed) * job.inner));
  fx_parallel(ceil_div(job.outer, job.group) * job.pieces, piece_task, &job);
  add_pieces(&job);
  fx_free(job.partial);
  return FX_OK;
}

/* --- expand ----------------------------------------------------------------------------------- */

typedef struct {
  walk w;
  int64_t count;
  float scale;
  const float *x;
  float *y;
} expand_job;

static void expand_task (void *context, int64_t item, int worker) {
  (void)worker;
  const expand_job *job = context;
  const walk *w = &job->w;
  const int64_t inner = w->size[w->n - 1], end = smaller(job->count, (item + 1) * FXCPU_CHUNK);
  for (int64_t i = item * FXCPU_CHUNK; i < end;) {
    const int64_t n = smaller(end - i, inner - i % inner);
    const float *x = job->x + walk_offset(w, 0, i);
    float *y = job->y + i;
    const float first = job->scale * *x;
    if (w->step[0][w->n - 1] == 0)
      for (int64_t j = 0; j < n; j++)
        y[j] = first;
    else
      for (int64_t j = 0; j < n; j++)
        y[j] = job->scale * x[j];
    i += n;
  }
}

fx_status fxcpu_expand (const fx_kernel_expand *a) {
  expand_job job = { walk_over(a->y, a->x, a->x), fx_tensor_count(a->y), (float)a->scale,
                     fx_f32(a->x), fx_f32(a->y) };
  fx_parallel(chunks(job.count), expand_task, &job);
  return FX_OK;
}
