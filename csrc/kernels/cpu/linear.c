/*
** linear.c - linear layers.
**
** An item is a panel of columns for a BLOCK of rows: the panel stays in L1 while the rows go by. Weights are
** packed once a call. One block, as tokens of a few small maps make, packs its panels itself, each where it
** is used at once: weights come from memory and nothing goes back there. More blocks share panels, which a
** round before packs; that round also makes the rows that need it (fused_linear.c). Blocks know nothing of
** samples: a number's bits depend on its row alone (gemm.c). In a layer of (N,I) every row is a sample and
** there are few: dot products, a row at a time, compute it without packing.
**
** The gradient for weights sums over rows: slices of rows have partial gradients, added in order.
*/
#include "kernels/cpu/linear.h"

#include <string.h>

#include "kernels/cpu/sums.h"

#define BLOCK 192 /* rows of an item: whole tiles of 6 and of 8 */
#define ALONE 384 /* so many rows are one block */

typedef struct {
  const linear_call *call;
  int64_t inner, outer; /* of a product: numbers of a row of x, and of y */
  int64_t block, blocks, panel_count;
  float *panels; /* all, or one for each worker if there is one block */
} product_job;

static void pack (const product_job *job, int64_t which, float *panel) {
  const int64_t k = job->inner, first = which * TILE_COLS;
  const int64_t width = smaller(job->outer - first, TILE_COLS);
  if (job->call->backward)
    fxcpu_pack_panel(k, width, job->call->w + first, job->outer, 1, panel);
  else
    fxcpu_pack_panel(k, width, job->call->w + first * k, 1, k, panel);
}

static float *panel_at (const product_job *job, int64_t place) {
  return job->panels + place * TILE_COLS * job->inner;
}

/* An item is some rows to make or, behind those, a panel to pack. */
static void prepare_task (void *context, int64_t item, int worker) {
  const product_job *job = context;
  const int64_t which = item - job->call->made;
  if (which < 0)
    job->call->make(job->call->made_of, item, worker);
  else
    pack(job, which, panel_at(job, which));
}

static void block_task (void *context, int64_t item, int worker) {
  const product_job *job = context;
  const linear_call *call = job->call;
  const int64_t row = item / job->panel_count * job->block, which = item % job->panel_count;
  const int64_t first = which * TILE_COLS, at = row * job->outer + first;
  float *panel = panel_at(job, job->blocks > 1 ? which : worker);
  panel_call p = { .x = call->x,
                   .m = smaller(call->rows - row, job->block),
                   .cols = smaller(job->outer - first, TILE_COLS),
                   .ldc = job->outer,
                   .panel = panel,
                   .bias = call->bias ? call->bias + first : NULL,
                   .more = call->add ? call->add + at : NULL,
                   .c = call->y + at };
  for (int half = 0; half < 2 && p.x.k[half] > 0; half++)
    p.x.a[half] += row * p.x.lda[half];
  if (job->blocks == 1)
    pack(job, which, panel);
  fxcpu_panel_of_rows(&p);
}

fx_status fxcpu_linear_product (const linear_call *call) {
  product_job job = { .call = call,
                      .inner = call->backward ? call->out : call->in,
                      .outer = call->backward ? call->in : call->out,
                      .block = call->rows <= ALONE ? ALONE : BLOCK };
  if (call->rows * job.outer == 0)
    return FX_OK;
  job.panel_count = panel_count(job.outer);
  job.blocks = ceil_div(call->rows, job.block);
  const int64_t packed = job.blocks > 1 ? job.panel_count : 0;
  job.panels = new_floats((packed ? packed : fx_threads()) * TILE_COLS * job.inner);
  if (!job.panels)
    return FX_ENOMEM;
  fx_parallel(call->made + packed, prepare_task, &job);
  fx_parallel(job.blocks * job.panel_count, block_task, &job);
  fx_free(job.panels);
  return FX_OK;
}

/* --- few rows --------------------------------------------------------------------------------- */

typedef struct {
  int64_t rows, in, out;
  const float *x, *w, *bias;
  float *y;
} dots_job;

#define OUTS 64 /* outputs of a row in one item: 64 x in weights are read by all rows in turn */

static void dots_task (void *context, int64_t item, int worker) {
  (void)worker;
  const dots_job *job = context;
  const int64_t first = item * OUTS, outs = smaller(job->out - first, OUTS);
  for (int64_t i = 0; i < job->rows; i++)
    fxcpu_dots(1, outs, job->in, job->x + i * job->in, job->w + first * job->in,
               job->bias ? job->bias + first : NULL, job->y + i * job->out + first);
}

fx_status fxcpu_linear_forward (const fx_kernel_linear_forward *a) {
  const int64_t rows = fx_tensor_count(a->y) / larger(1, a->w->shape[0]);
  const float *bias = a->b ? fx_f32(a->b) : NULL;
  if (a->x->ndim <= 2) {
    dots_job job = { rows,         a->w->shape[1], a->w->shape[0], fx_f32(a->x),
                     fx_f32(a->w), bias,           fx_f32(a->y) };
    fx_parallel(ceil_div(job.out, OUTS), dots_task, &job);
    return FX_OK;
  }
  const int64_t in = a->w->shape[1];
  return fxcpu_linear_product(&(linear_call){ .rows = rows,
                                              .in = in,
                                              .out = a->w->shape[0],
                                              .x = { { fx_f32(a->x) }, { in }, { in } },
                                              .w = fx_f32(a->w),
                                              .bias = bias,
                                              .y = fx_f32(a->y) });
}

fx_status fxcpu_linear_backward_x (const fx_kernel_linear_backward_x *a) {
  const int64_t out = a->w->shape[0];
  return fxcpu_linear_product(&(linear_call){ .rows = fx_tensor_count(a->dy) / larger(1, out),
                                              .in = a->w->shape[1],
                                              .out = out,
                                              .x = { { fx_f32(a->dy) }, { out }, { out } },
                                              .w = fx_f32(a->w),
                                              .backward = true,
                                              .y = fx_f32(a->dx) });
}

/* --- gradient for the weights ----------------------------------------------------------------- */

#define MOST_PARTS 8
#define PART_ROWS 256          /* of x at least in a part                */
#define PART_FLOATS (16 << 20) /* 64 MiB of partial gradients altogether */

typedef struct {
  int64_t rows, in, out;
  const float *x, *dy;
  float *dw;
  int64_t parts, part_rows, strips; /* a strip: TILE_COLS columns of dw, one item per part */
  float *partial;                   /* dw itself if there is one part */
  float *panels;                    /* a strip of x packed, for each worker */
} weights_job;

static void weights_task (void *context, int64_t item, int worker) {
  const weights_job *job = context;
  const int64_t part = item / job->strips, first = item % job->strips * TILE_COLS;
  const int64_t begin = part * job->part_rows, rows = smaller(job->rows - begin, job->part_rows);
  const int64_t width = smaller(job->in - first, TILE_COLS);
  float *panel = job->panels + worker * job->part_rows * TILE_COLS;
  fxcpu_pack_panel(rows, width, job->x + begin * job->in + first, job->in, 1, panel);
  fxcpu_product(true, job->out, width, rows, job->dy + begin * job->out, job->out, panel, false,
                job->partial + part * job->out * job->in + first, job->in);
}

static void add_parts_task (void *context, int64_t item, int worker) {
  (void)worker;
  const weights_job *job = context;
  const int64_t size = job->out * job->in, first = item * FXCPU_CHUNK;
  const int64_t n = smaller(size - first, FXCPU_CHUNK);
  float *dw = job->dw + first;
  memcpy(dw, job->partial + first, (size_t)n * sizeof *dw);
  for (int64_t part = 1; part < job->parts; part++)
    for (int64_t i = 0; i < n; i++)
      dw[i] += job->partial[part * size + first + i];
}

static fx_status weights (weights_job *job) {
  const int64_t size = job->out * job->in;
  fx_status st = FX_ENOMEM;
  if (size == 0)
    return FX_OK;
  int64_t parts = smaller(MOST_PARTS, larger(1, PART_FLOATS / size));
  parts = smaller(parts, larger(1, job->rows / PART_ROWS));
  job->part_rows = larger(1, ceil_div(job->rows, parts));
  job->parts = larger(1, ceil_div(job->rows, job->part_rows));
  job->strips = panel_count(job->in);
  job->panels = new_floats(fx_threads() * job->part_rows * TILE_COLS);
  job->partial = job->parts > 1 ? new_floats(job->parts * size) : job->dw;
  if (job->panels && job->partial) {
    fx_parallel(job->parts * job->strips, weights_task, job);
    if (job->parts > 1)
      fx_parallel(chunks(size), add_parts_task, job);
    st = FX_OK;
  }
  if (job->partial != job->dw)
    fx_free(job->partial);
  fx_free(job->panels);
  return st;
}

/* db: sums of dy's columns, in double. */
static fx_status bias_gradient (int64_t rows, int64_t out, const float *dy, float *db) {
  double *sums = fx_calloc((size_t)out, sizeof *sums);
  if (!sums)
    return FX_ENOMEM;
  add_rows(rows, out, out, dy, sums);
  for (int64_t o = 0; o < out; o++)
    db[o] = (float)sums[o];
  fx_free(sums);
  return FX_OK;
}

fx_status fxcpu_linear_weights (int64_t rows, int64_t in, int64_t out, const float *x,
                                const float *dy, float *dw, float *db) {
  weights_job job = { .rows = rows, .in = in, .out = out, .x = x, .dy = dy, .dw = dw };
  if (dw)
    FX_TRY(weights(&job));
  return db ? bias_gradient(rows, out, dy, db) : FX_OK;
}

fx_status fxcpu_linear_backward_w (const fx_kernel_linear_backward_w *a) {
  const int64_t out = last_dim(a->dy), rows = fx_tensor_count(a->dy) / larger(1, out);
  return fxcpu_linear_weights(rows, last_dim(a->x), out, fx_f32(a->x), fx_f32(a->dy),
                              a->dw ? fx_f32(a->dw) : NULL, a->db ? fx_f32(a->db) : NULL);
}
