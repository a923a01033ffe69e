/*
** attention.c - softmax, and attention of several heads.
**
** One item is one head of one sample: its keys and values are packed once, and queries go through
** BLOCK at a time, so that the scores (BLOCK x S) stay in cache and are never stored. Backward
** computes the probabilities again and adds each block's share to dk and dv in order. Products are
** the tiles of gemm.c; a head's channels are strided columns of q, k and v, read in place.
*/

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/vmath.h"

#define BLOCK 64 /* queries at a time */
#define STEP 16  /* partial sums side by side */

/* --- softmax ---------------------------------------------------------------------------------- */

static float largest (int64_t n, const float *x) {
  float most[STEP], result = x[0];
  int64_t i = 0;
  for (int l = 0; l < STEP; l++)
    most[l] = x[0];
  for (; i + STEP <= n; i += STEP)
    for (int l = 0; l < STEP; l++)
      most[l] = x[i + l] > most[l] ? x[i + l] : most[l];
  for (; i < n; i++)
    result = x[i] > result ? x[i] : result;
  for (int l = 0; l < STEP; l++)
    result = most[l] > result ? most[l] : result;
  return result;
}

static float sum_row (int64_t n, const float *x) {
  float sums[STEP] = { 0 }, sum = 0.0f;
  int64_t i = 0;
  for (; i + STEP <= n; i += STEP)
    for (int l = 0; l < STEP; l++)
      sums[l] += x[i + l];
  for (; i < n; i++)
    sum += x[i];
  for (int l = 0; l < STEP; l++)
    sum += sums[l];
  return sum;
}

static float dot_row (int64_t n, const float *x, const float *y) {
  float sums[STEP] = { 0 }, sum = 0.0f;
  int64_t i = 0;
  for (; i + STEP <= n; i += STEP)
    for (int l = 0; l < STEP; l++)
      sums[l] += x[i + l] * y[i + l];
  for (; i < n; i++)
    sum += x[i] * y[i];
  for (int l = 0; l < STEP; l++)
    sum += sums[l];
  return sum;
}

/* y = softmax(scale x); y may be x. */
static void softmax_row (int64_t n, float scale, const float *x, float *y) {
  const float top = largest(n, x);
  STEPS_APART
  for (int64_t i = 0; i < n; i++)
    y[i] = v_exp(scale * (x[i] - top));
  const float share = 1.0f / sum_row(n, y);
  for (int64_t i = 0; i < n; i++)
    y[i] *= share;
}

typedef struct {
  int64_t rows, n, group; /* rows of an item */
  const float *x, *dy;
  float *y;
} rows_job;

static void softmax_task (void *context, int64_t item, int worker) {
  (void)worker;
  const rows_job *job = context;
  const int64_t end = smaller(job->rows, (item + 1) * job->group);
  for (int64_t r = item * job->group; r < end; r++)
    softmax_row(job->n, 1.0f, job->x + r * job->n, job->y + r * job->n);
}

static void softmax_slope_task (void *context, int64_t item, int worker) {
  (void)worker;
  const rows_job *job = context;
  const int64_t end = smaller(job->rows, (item + 1) * job->group);
  for (int64_t r = item * job->group; r < end; r++) {
    const float *y = job->x + r * job->n, *dy = job->dy + r * job->n;
    float *dx = job->y + r * job->n;
    const float mean = dot_row(job->n, dy, y);
    for (int64_t i = 0; i < job->n; i++)
      dx[i] = y[i] * (dy[i] - mean);
  }
}

static void run_rows (fx_task task, const fx_tensor *x, const fx_tensor *dy, fx_tensor *y) {
  rows_job job = { .n = last_dim(x), .x = fx_f32(x), .dy = dy ? fx_f32(dy) : NULL, .y = fx_f32(y) };
  if (fx_tensor_count(x) == 0)
    return;
  job.rows = fx_tensor_count(x) / job.n;
  job.group = larger(1, FXCPU_CHUNK / job.n);
  fx_parallel(ceil_div(job.rows, job.group), task, &job);
}

fx_status fxcpu_softmax_forward (const fx_kernel_softmax_forward *a) {
  run_rows(softmax_task, a->x, NULL, a->y);
  return FX_OK;
}

fx_status fxcpu_softmax_backward (const fx_kernel_softmax_backward *a) {
  run_rows(softmax_slope_task, a->y, a->dy, a->dx);
  return FX_OK;
}

/* --- attention -------------------------------------------------------------------------------- */

typedef struct {
  int64_t heads, t, s, d, width; /* width = d / heads, channels of a head */
  float scale;
  const float *q, *k, *v, *dy;
  float *y, *dq, *dk, *dv;
  float *scratch;
  int64_t scratch_size; /* floats of one worker */
} attention_job;

static attention_job attention_of (const fx_tensor *q, const fx_tensor *k, const fx_tensor *v,
                                   int64_t heads) {
  attention_job job = { .heads = heads,
                        .t = q->shape[1],
                        .s = k->shape[1],
                        .d = q->shape[2],
                        .q = fx_f32(q),
                        .k = fx_f32(k),
                        .v = fx_f32(v) };
  job.width = job.d / heads;
  job.scale = (float)(1.0 / sqrt((double)job.width));
  return job;
}

static fx_status run_heads (attention_job *job, int64_t batch, fx_task task) {
  if (!(job->scratch = new_floats(fx_threads() * job->scratch_size)))
    return FX_ENOMEM;
  fx_parallel(batch * job->heads, task, job);
  fx_free(job->scratch);
  return FX_OK;
}

/* p = softmax(scale q k^T) for `rows` queries; keys is k^T packed. */
static void probabilities (const attention_job *job, int64_t rows, const float *q,
                           const float *keys, float *p) {
  fxcpu_product(false, rows, job->s, job->width, q, job->d, keys, false, p, job->s);
  for (int64_t i = 0; i < rows; i++)
    softmax_row(job->s, job->scale, p + i * job->s, p + i * job->s);
}

static void head_task (void *context, int64_t item, int worker) {
  const attention_job *job = context;
  const int64_t n = item / job->heads, channel = item % job->heads * job->width, d = job->d;
  const float *q = job->q + n * job->t * d + channel, *k = job->k + n * job->s * d + channel;
  const float *v = job->v + n * job->s * d + channel;
  float *y = job->y + n * job->t * d + channel;
  float *keys = job->scratch + worker * job->scratch_size;
  float *values = keys + panels_size(job->width, job->s);
  float *p = values + panels_size(job->s, job->width);
  fxcpu_pack(job->width, job->s, k, 1, d, keys);
  fxcpu_pack(job->s, job->width, v, d, 1, values);
  for (int64_t i = 0; i < job->t; i += BLOCK) {
    const int64_t rows = smaller(job->t - i, BLOCK);
    probabilities(job, rows, q + i * d, keys, p);
    fxcpu_product(false, rows, job->width, job->s, p, job->s, values, false, y + i * d, d);
  }
}

fx_status fxcpu_attention_forward (const fx_kernel_attention_forward *a) {
  attention_job job = attention_of(a->q, a->k, a->v, a->heads);
  job.y = fx_f32(a->y);
  job.scratch_size = panels_size(job.width, job.s) + panels_size(job.s, job.width) + BLOCK * job.s;
  return run_heads(&job, a->q->shape[0], head_task);
}

/* dp becomes ds = scale p (dp - sum(dp p)), the gradient of the scaled scores' products. */
static void score_gradient (const attention_job *job, int64_t rows, const float *p, float *dp) {
  for (int64_t i = 0; i < rows; i++, p += job->s, dp += job->s) {
    const float mean = dot_row(job->s, dp, p);
    for (int64_t j = 0; j < job->s; j++)
      dp[j] = job->scale * p[j] * (dp[j] - mean);
  }
}

/* What a worker needs in backward. */
typedef struct {
  float *keys, *values; /* k^T and v^T packed, (width, s) */
  float *key_rows;      /* k packed, (s, width)           */
  float *block;         /* a block of q or dy packed      */
  float *p, *dp;
} head_scratch;

static head_scratch head_scratch_of (const attention_job *job, int worker) {
  head_scratch h;
  h.keys = job->scratch + worker * job->scratch_size;
  h.values = h.keys + panels_size(job->width, job->s);
  h.key_rows = h.values + panels_size(job->width, job->s);
  h.block = h.key_rows + panels_size(job->s, job->width);
  h.p = h.block + panels_size(BLOCK, job->width);
  h.dp = h.p + BLOCK * job->s;
  return h;
}

static void block_backward (const attention_job *job, const head_scratch *h, int64_t rows,
                            int64_t query, bool add, float *dk, float *dv) {
  const int64_t d = job->d, s = job->s, width = job->width;
  const float *q = job->q + query, *dy = job->dy + query;
  probabilities(job, rows, q, h->keys, h->p);
  fxcpu_product(false, rows, s, width, dy, d, h->values, false, h->dp, s);
  fxcpu_pack(rows, width, dy, d, 1, h->block);
  fxcpu_product(true, s, width, rows, h->p, s, h->block, add, dv, d);
  score_gradient(job, rows, h->p, h->dp);
  fxcpu_product(false, rows, width, s, h->dp, s, h->key_rows, false, job->dq + query, d);
  fxcpu_pack(rows, width, q, d, 1, h->block);
  fxcpu_product(true, s, width, rows, h->dp, s, h->block, add, dk, d);
}

static void head_backward_task (void *context, int64_t item, int worker) {
  const attention_job *job = context;
  const int64_t n = item / job->heads, channel = item % job->heads * job->width, d = job->d;
  const int64_t key = n * job->s * d + channel, query = n * job->t * d + channel;
  const head_scratch h = head_scratch_of(job, worker);
  fxcpu_pack(job->width, job->s, job->k + key, 1, d, h.keys);
  fxcpu_pack(job->width, job->s, job->v + key, 1, d, h.values);
  fxcpu_pack(job->s, job->width, job->k + key, d, 1, h.key_rows);
  for (int64_t i = 0; i < job->t; i += BLOCK)
    block_backward(job, &h, smaller(job->t - i, BLOCK), query + i * d, i > 0, job->dk + key,
                   job->dv + key);
}

fx_status fxcpu_attention_backward (const fx_kernel_attention_backward *a) {
  attention_job job = attention_of(a->q, a->k, a->v, a->heads);
  job.dy = fx_f32(a->dy);
  job.dq = fx_f32(a->dq);
  job.dk = fx_f32(a->dk);
  job.dv = fx_f32(a->dv);
  job.scratch_size = 2 * panels_size(job.width, job.s) + panels_size(job.s, job.width) +
                     panels_size(BLOCK, job.width) + 2 * BLOCK * job.s;
  return run_heads(&job, a->q->shape[0], head_backward_task);
}
