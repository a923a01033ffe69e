/*
** shape.c - moving numbers: permute, narrow, place, flip.
**
** permute merges axes that stay neighbours. If the last axis stays last, runs are copied; otherwise
** the two axes that matter are the one that is innermost in x and the one innermost in y, and
** square tiles of these two are transposed, so that each cache line is used whole on both sides.
*/
#include <string.h>

#include "kernels/cpu/cpu.h"

#define TILE 32 /* 32 x 32 floats: 4 KiB read, 4 KiB written */

typedef struct {
  int n; /* axes of y, after merging */
  int64_t size[FX_MAX_DIMS];
  int64_t step[FX_MAX_DIMS]; /* in x */
  const float *x;
  float *y;
  int inner;      /* y's axis along which x is contiguous */
  int64_t pieces; /* of that axis, TILE each */
} permute_job;

static void merge_axes (const fx_kernel_permute *a, permute_job *job) {
  int64_t step[FX_MAX_DIMS], run = 1;
  for (int i = a->x->ndim - 1; i >= 0; i--) {
    step[i] = run;
    run *= a->x->shape[i];
  }
  for (int i = 0; i < a->y->ndim; i++) {
    const int64_t size = a->y->shape[i], s = step[a->axes.d[i]];
    if (size == 1)
      continue;
    if (job->n > 0 && job->step[job->n - 1] == s * size) {
      job->size[job->n - 1] *= size;
      job->step[job->n - 1] = s;
    } else {
      job->size[job->n] = size;
      job->step[job->n++] = s;
    }
  }
  if (job->n == 0) {
    job->size[0] = 1;
    job->step[job->n++] = 1;
  }
  for (int i = 0; i < job->n; i++)
    if (job->step[i] == 1)
      job->inner = i;
}

/* One run of y for each item. */
static void run_task (void *context, int64_t item, int worker) {
  (void)worker;
  const permute_job *job = context;
  const int64_t run = job->size[job->n - 1];
  const int64_t group = larger(1, FXCPU_CHUNK / run), all = job->pieces;
  for (int64_t r = item * group; r < smaller(all, (item + 1) * group); r++) {
    int64_t from = 0, rest = r;
    for (int i = job->n - 2; i >= 0; i--) {
      from += rest % job->size[i] * job->step[i];
      rest /= job->size[i];
    }
    if (run < 32)
      for (int64_t i = 0; i < run; i++)
        job->y[r * run + i] = job->x[from + i];
    else
      memcpy(job->y + r * run, job->x + from, (size_t)run * sizeof(float));
  }
}

/* TILE numbers of x's inner axis, all of y's, at one place of the others. */
static void tile_task (void *context, int64_t item, int worker) {
  (void)worker;
  const permute_job *job = context;
  const int last = job->n - 1;
  const int64_t first = item % job->pieces * TILE;
  int64_t rest = item / job->pieces, from = first, to = 0, run = job->size[last], to_step = 0;
  for (int i = last - 1; i >= 0; i--) {
    if (i == job->inner) {
      to_step = run;
      to += first * run;
    } else {
      from += rest % job->size[i] * job->step[i];
      to += rest % job->size[i] * run;
      rest /= job->size[i];
    }
    run *= job->size[i];
  }
  const int64_t width = smaller(job->size[job->inner] - first, TILE), from_step = job->step[last];
  for (int64_t j = 0; j < job->size[last]; j += TILE)
    transpose_block(smaller(job->size[last] - j, TILE), width, job->x + from + j * from_step,
                    from_step, job->y + to + j, to_step);
}

fx_status fxcpu_permute (const fx_kernel_permute *a) {
  permute_job job = { .x = fx_f32(a->x), .y = fx_f32(a->y) };
  const int64_t count = fx_tensor_count(a->y);
  if (count == 0)
    return FX_OK;
  merge_axes(a, &job);
  const int64_t run = job.size[job.n - 1], inner = job.size[job.inner];
  if (job.inner == job.n - 1) {
    job.pieces = count / run;
    fx_parallel(ceil_div(job.pieces, larger(1, FXCPU_CHUNK / run)), run_task, &job);
  } else {
    job.pieces = ceil_div(inner, TILE);
    fx_parallel(job.pieces * (count / run / inner), tile_task, &job);
  }
  return FX_OK;
}

/* --- narrow, place ---------------------------------------------------------------------------- */

/* `outer` runs of `run` floats, each `from_step` and `to_step` apart; in pieces, or grouped. */
typedef struct {
  int64_t outer, run, from_step, to_step;
  int64_t pieces, group;
  const float *from;
  float *to;
} copy_job;

static void copy_task (void *context, int64_t item, int worker) {
  (void)worker;
  const copy_job *job = context;
  const int64_t first = item % job->pieces * FXCPU_CHUNK;
  const int64_t n = smaller(job->run - first, FXCPU_CHUNK);
  const int64_t begin = item / job->pieces * job->group;
  for (int64_t r = begin; r < smaller(job->outer, begin + job->group); r++)
    memcpy(job->to + r * job->to_step + first, job->from + r * job->from_step + first,
           (size_t)n * sizeof(float));
}

static void copy_runs (copy_job *job) {
  if (job->outer * job->run == 0)
    return;
  job->pieces = chunks(job->run);
  job->group = job->pieces > 1 ? 1 : larger(1, FXCPU_CHUNK / job->run);
  fx_parallel(ceil_div(job->outer, job->group) * job->pieces, copy_task, job);
}

static int64_t product_of (const fx_tensor *t, int64_t first, int64_t last) {
  int64_t product = 1;
  for (int64_t i = first; i < last; i++)
    product *= t->shape[i];
  return product;
}

fx_status fxcpu_narrow (const fx_kernel_narrow *a) {
  const int64_t inner = product_of(a->x, a->axis + 1, a->x->ndim);
  copy_job job = { .outer = product_of(a->x, 0, a->axis),
                   .run = a->y->shape[a->axis] * inner,
                   .from_step = a->x->shape[a->axis] * inner,
                   .from = fx_f32(a->x) + a->start * inner,
                   .to = fx_f32(a->y) };
  job.to_step = job.run;
  copy_runs(&job);
  return FX_OK;
}

static void clear_task (void *context, int64_t item, int worker) {
  (void)worker;
  const copy_job *job = context;
  const int64_t first = item * FXCPU_CHUNK;
  memset(job->to + first, 0, (size_t)smaller(job->run - first, FXCPU_CHUNK) * sizeof(float));
}

fx_status fxcpu_place (const fx_kernel_place *a) {
  const int64_t inner = product_of(a->x, a->axis + 1, a->x->ndim);
  if (a->clear) {
    copy_job all = { .run = fx_tensor_count(a->y), .to = fx_f32(a->y) };
    fx_parallel(chunks(all.run), clear_task, &all);
  }
  copy_job job = { .outer = product_of(a->x, 0, a->axis),
                   .run = a->x->shape[a->axis] * inner,
                   .to_step = a->y->shape[a->axis] * inner,
                   .from = fx_f32(a->x),
                   .to = fx_f32(a->y) + a->start * inner };
  job.from_step = job.run;
  copy_runs(&job);
  return FX_OK;
}

/* --- flip --------------------------------------------------------------------------------------- */

/* Item i is one slice of the leading axes: n rows of `inner` floats change places. */
typedef struct {
  int64_t n, inner;
  const float *from;
  float *to;
} flip_job;

static void flip_task (void *context, int64_t item, int worker) {
  (void)worker;
  const flip_job *job = context;
  const float *from = job->from + item * job->n * job->inner;
  float *to = job->to + (item + 1) * job->n * job->inner;
  for (int64_t r = 0; r < job->n; r++, from += job->inner) {
    to -= job->inner;
    for (int64_t i = 0; i < job->inner; i++)
      to[i] = from[i];
  }
}

fx_status fxcpu_flip (const fx_kernel_flip *a) {
  const int64_t outer = product_of(a->x, 0, a->axis);
  flip_job job = { .n = a->x->shape[a->axis],
                   .inner = product_of(a->x, a->axis + 1, a->x->ndim),
                   .from = fx_f32(a->x),
                   .to = fx_f32(a->y) };
  if (outer * job.n * job.inner < FXCPU_CHUNK) /* waking threads would cost more */
    for (int64_t i = 0; i < outer; i++)
      flip_task(&job, i, 0);
  else
    fx_parallel(outer, flip_task, &job);
  return FX_OK;
}
