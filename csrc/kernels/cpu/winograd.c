/*
** winograd.c - the convolution: read tiles, multiply, write tiles.
**
** Two ways to share the work, with the same arithmetic and so the same bits:
**   tall   many tiles, few channels. The weights are transformed once; a task takes a strip of an image
**          and, block by block of whole rows of tiles, through all three steps, a block staying in L2.
**   wide   few tiles, many channels, where the transformed weights (16 times the weights of a 1x1
**          convolution) would be the largest thing to read. All tiles of some images are read first;
**          then a task takes TILE_COLS outputs, transforms their weights into L2, and multiplies and
**          writes for all tiles.
** Refused: blocks of a fixed number of tiles with the image's padding tested tile by tile (the ring of
** rows needs no test and makes each row once), and a product over all outputs before any is written
** (its result would push the tiles out of L2).
*/
#include "kernels/cpu/winograd.h"

#include <string.h>

#define WIDE_FLOATS (1536 * 1024) /* 6 MB of tiles, shared by all threads */
#define WIDE_TILES 64             /* of an image, at most                 */
#define STRIP_ROWS 4              /* rows of tiles of a task, at least    */

typedef struct {
  const winograd_conv *c;
  tiling t;
  int64_t panels;   /* of TILE_COLS outputs                        */
  int64_t u_step;   /* floats from one position of a panel to the next */
  int64_t rows;     /* of tiles in a block (tall), or in a reading task (wide) */
  int64_t strip;    /* tall: rows of tiles in a task               */
  tile_block chunk; /* wide: the tiles in work                      */
  float *u, *v;     /* weights (tall), tiles (wide), shared         */
  float *scratch;   /* for each worker                              */
  int64_t scratch_size;
} winograd_job;

/* --- weights ---------------------------------------------------------------------------------- */

/* The nine taps of a panel as (9, c, TILE_COLS), outputs side by side. */
static void panel_taps (const winograd_job *job, int64_t panel, float *taps) {
  const winograd_conv *v = job->c;
  const int64_t c = v->s->c, outs = v->outs, first = panel * TILE_COLS;
  const int64_t width = smaller(outs - first, TILE_COLS);
  if (width < TILE_COLS)
    memset(taps, 0, (size_t)(9 * c * TILE_COLS) * sizeof *taps);
  for (int64_t tap = 0; tap < 9; tap++, taps += c * TILE_COLS) {
    if (!v->flipped) {
      transpose_block(width, c, v->w + (first * 9 + tap) * c, 9 * c, taps, TILE_COLS);
      continue;
    }
    const float *from = v->w + (8 - tap) * outs + first;
    for (int64_t i = 0; i < c; i++, from += 9 * outs)
      memcpy(taps + i * TILE_COLS, from, (size_t)width * sizeof *taps);
  }
}

/* u[p][c][TILE_COLS] = G g G^T for one panel. */
static void panel_weights (const winograd_job *job, int64_t panel, float *taps, float *u) {
  const int64_t c = job->c->s->c, plane = c * TILE_COLS;
  panel_taps(job, panel, taps);
  for (int64_t i = 0; i < plane; i += LANES) {
    vec g[9], t[18];
    for (int tap = 0; tap < 9; tap++)
      g[tap] = load(taps + tap * plane + i);
    for (int j = 0; j < 3; j++)
      transform_weights(g + j, 3, t + j, 3);
    for (int k = 0; k < 6; k++) {
      vec o[6];
      transform_weights(t + 3 * k, 1, o, 1);
      for (int j = 0; j < 6; j++)
        store(u + (6 * k + j) * job->u_step + i, o[j]);
    }
  }
}

static int64_t u_size (const winograd_job *job) { return POSITIONS * job->u_step; }

static void weights_task (void *context, int64_t panel, int worker) {
  const winograd_job *job = context;
  panel_weights(job, panel, job->scratch + worker * job->scratch_size,
                job->u + panel * u_size(job));
}

/* --- product ---------------------------------------------------------------------------------- */

/* What a group of tiles needs next: the tiles of the next group and a share of the next position's
** weights. They lie in L2 or beyond; asked for while a product runs they are in L1 in time. */
typedef struct {
  const float *v, *u;
  int64_t lines; /* of u for LINE tiles' floats of v */
} next_group;

#define SUM_CHANNELS 256 /* added up in registers, at most */

/* m[i][j] = sum_p v[i][p] u[p][j] for one group of tiles, i < TILE_ROWS, j < TILE_COLS. Tiles that a
** block lacks are computed from what lies there and never read. Sums of SUM_CHANNELS channels join in
** m: the rounding of one long sum grows with the root of its length. */
static inline __attribute__((always_inline)) void
tile_of_group (const float *v, int64_t lead, int64_t c, const float *u, next_group next, float *m) {
  for (int64_t q = 0; q < c;) {
    const bool first = q == 0;
    const int64_t end = smaller(c, q + SUM_CHANNELS);
    vec sum[TILE_ROWS][2];
    UNROLLED for (int i = 0; i < TILE_ROWS; i++) sum[i][0] = sum[i][1] = (vec){ 0 };
    for (; q < end; q += LINE) {
      UNROLLED for (int i = 0; i < TILE_ROWS; i++) __builtin_prefetch(next.v + i * lead + q);
      for (int64_t l = 0; l < next.lines; l++, next.u += LINE)
        __builtin_prefetch(next.u);
      for (int64_t p = q; p < smaller(end, q + LINE); p++, u += TILE_COLS) {
        const vec u0 = load(u), u1 = load(u + LANES);
        UNROLLED for (int i = 0; i < TILE_ROWS; i++) {
          const float x = v[i * lead + p];
          sum[i][0] += x * u0;
          sum[i][1] += x * u1;
        }
      }
    }
    UNROLLED for (int i = 0; i < TILE_ROWS; i++) {
      float *to = m + i * TILE_COLS;
      store(to, first ? sum[i][0] : load(to) + sum[i][0]);
      store(to + LANES, first ? sum[i][1] : load(to + LANES) + sum[i][1]);
    }
  }
}

/* m[group][p][TILE_ROWS][TILE_COLS] of a block and one panel. */
static void multiply (const winograd_job *job, int64_t count, const float *v, const float *u,
                      float *m) {
  const int64_t c = job->c->s->c, lead = job->t.lead, groups = ceil_div(count, TILE_ROWS);
  const int64_t plane = TILE_ROWS * lead, lines = ceil_div(TILE_COLS, groups);
  for (int64_t p = 0; p < POSITIONS; p++, u += job->u_step)
    for (int64_t g = 0; g < groups; g++) {
      const bool last = g + 1 == groups;
      const float *here = v + (g * POSITIONS + p) * plane;
      const next_group next = { last ? v + (p + 1) % POSITIONS * plane : here + POSITIONS * plane,
                                u + job->u_step + g * lines * ceil_div(c, LINE) * LINE, lines };
      tile_of_group(here, lead, c, u, next, m + (g * POSITIONS + p) * TILE_FLOATS);
    }
}

/* --- output ----------------------------------------------------------------------------------- */

/* Pixels of tile (n,row,col), channels k .. k+count-1, from m at the tile's position 0. */
static inline void write_tile (const winograd_job *job, int64_t n, int64_t row, int64_t col,
                               int64_t k, int64_t count, const float *m) {
  const winograd_conv *c = job->c;
  const int64_t h = c->s->rows, w = c->s->cols, y0 = row * TILE_PIXELS, x0 = col * TILE_PIXELS;
  const int64_t high = smaller(h - y0, TILE_PIXELS), broad = smaller(w - x0, TILE_PIXELS);
  const vec bias = c->bias ? load_part(c->bias + k, count) : (vec){ 0 };
  vec d[6], e[24];
#pragma GCC unroll 6
  for (int j = 0; j < 6; j++) {
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++)
      d[i] = load(m + (6 * i + j) * TILE_FLOATS);
    transform_output(d, 1, e + j, 6);
  }
  for (int64_t i = 0; i < high; i++) {
    vec o[4];
    transform_output(e + 6 * i, 1, o, 1);
    float *y = c->y + ((n * h + y0 + i) * w + x0) * c->outs + k;
    for (int64_t j = 0; j < broad; j++, y += c->outs) {
      vec sum = o[j] + bias;
      if (residual_exists(&c->add))
        sum += residual_at(&c->add, n, y0 + i, x0 + j, k, count);
      store_part(y, sum, count);
    }
  }
}

static void write_panel (const winograd_job *job, tile_block block, int64_t panel, const float *m) {
  const tiling *t = &job->t;
  for (int64_t q = 0; q < block.count; q++) {
    const int64_t tile = block.first + q, line = tile / t->cols, col = tile % t->cols;
    const float *from = m + q / TILE_ROWS * POSITIONS * TILE_FLOATS + q % TILE_ROWS * TILE_COLS;
    for (int64_t l = 0; l < TILE_COLS; l += LANES) {
      const int64_t k = panel * TILE_COLS + l, count = smaller(job->c->outs - k, LANES);
      if (count > 0)
        write_tile(job, line / t->rows, line % t->rows, col, k, count, from + l);
    }
  }
}

/* --- tall ------------------------------------------------------------------------------------- */

static int64_t strips_of (const winograd_job *job) { return ceil_div(job->t.rows, job->strip); }

static int64_t m_size (int64_t tiles) {
  return ceil_div(tiles, TILE_ROWS) * POSITIONS * TILE_FLOATS;
}

static void tall_task (void *context, int64_t item, int worker) {
  const winograd_job *job = context;
  const tiling *t = &job->t;
  const int64_t n = item / strips_of(job), begin = item % strips_of(job) * job->strip;
  const int64_t end = smaller(t->rows, begin + job->strip);
  float *scratch = job->scratch + worker * job->scratch_size;
  float *v = scratch + tiles_scratch(t), *m = v + tiles_size(job->rows * t->cols, t->lead);
  for (int64_t row = begin; row < end; row += job->rows) {
    const int64_t rows = smaller(end - row, job->rows);
    const tile_block block = { (n * t->rows + row) * t->cols, rows * t->cols };
    fxcpu_tiles_read(t, block, row > begin, 0, scratch, v);
    for (int64_t panel = 0; panel < job->panels; panel++) {
      multiply(job, block.count, v, job->u + panel * u_size(job), m);
      write_panel(job, block, panel, m);
    }
  }
}

static fx_status run_tall (winograd_job *job) {
  const tiling *t = &job->t;
  job->rows = block_rows(t, t->pitch);
  job->strip = ceil_div(larger(STRIP_ROWS, job->rows), job->rows) * job->rows;
  const int64_t most = job->rows * t->cols;
  const int64_t need = tiles_scratch(t) + tiles_size(most, t->lead) + m_size(most);
  job->scratch_size = larger(need, 9 * job->c->s->c * TILE_COLS);
  job->scratch = new_floats(fx_threads() * job->scratch_size);
  job->u = new_floats(job->panels * u_size(job));
  if (!job->scratch || !job->u)
    return FX_ENOMEM;
  fx_parallel(job->panels, weights_task, job);
  fx_parallel(t->s->n * strips_of(job), tall_task, job);
  return FX_OK;
}

/* --- wide ------------------------------------------------------------------------------------- */

static void wide_read_task (void *context, int64_t item, int worker) {
  const winograd_job *job = context;
  const tiling *t = &job->t;
  const int64_t row = item * job->rows, all = job->chunk.count / t->cols;
  const tile_block block = { job->chunk.first + row * t->cols,
                             smaller(all - row, job->rows) * t->cols };
  fxcpu_tiles_read(t, block, false, row * t->cols, job->scratch + worker * job->scratch_size,
                   job->v);
}

static void wide_task (void *context, int64_t panel, int worker) {
  const winograd_job *job = context;
  float *u = job->scratch + worker * job->scratch_size, *m = u + u_size(job);
  panel_weights(job, panel, m, u); /* m, not yet in use, holds the taps */
  multiply(job, job->chunk.count, job->v, u, m);
  write_panel(job, job->chunk, panel, m);
}

static fx_status run_wide (winograd_job *job) {
  const tiling *t = &job->t;
  const int64_t image = t->rows * t->cols;
  const int64_t images = larger(1, WIDE_FLOATS / (POSITIONS * image * t->lead));
  const int64_t most = smaller(images, t->s->n) * image;
  const int64_t need = u_size(job) + larger(m_size(most), 9 * job->c->s->c * TILE_COLS);
  job->rows = smaller(4, t->rows);
  job->scratch_size = larger(need, tiles_scratch(t));
  job->scratch = new_floats(fx_threads() * job->scratch_size);
  job->v = new_floats(tiles_size(most, t->lead));
  if (!job->scratch || !job->v)
    return FX_ENOMEM;
  for (int64_t first = 0; first < tile_total(t); first += most) {
    job->chunk = (tile_block){ first, smaller(most, tile_total(t) - first) };
    fx_parallel(ceil_div(job->chunk.count / t->cols, job->rows), wide_read_task, job);
    fx_parallel(job->panels, wide_task, job);
  }
  return FX_OK;
}

fx_status fxcpu_winograd (const winograd_conv *c) {
  winograd_job job = { .c = c, .t = tiling_of(c->s), .panels = panel_count(c->outs) };
  job.u_step = c->s->c * TILE_COLS + LANES; /* not a power of two apart, as in v */
  if (tile_total(&job.t) == 0)
    return FX_OK;
  const bool few = job.t.rows * job.t.cols <= WIDE_TILES;
  const fx_status st = few ? run_wide(&job) : run_tall(&job);
  fx_free(job.scratch);
  fx_free(job.u);
  fx_free(job.v);
  return st;
}
