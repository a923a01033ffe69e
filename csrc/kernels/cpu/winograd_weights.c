/*
** winograd_weights.c - the gradient for the weights, in the tiles' own domain.
**
** Y = A^T [U . V] A with U = G g G^T, so dU_p = sum over tiles of (A dY A^T)_p V_p^T, a matrix product
** (outs, tiles)(tiles, C) at each of the 36 positions, and dg = G^T dU G [the adjoint of winograd.h].
** Position 7 of A dY A^T is the sum of dY over the tile, so db comes with it.
**
** The sum over tiles is split by the shape alone:
**   tall   many tiles: each of SPLITS ranges has dU of its own, which are added in order.
**   wide   few tiles: all of them are transformed first; then a task takes TILE_COLS channels of the
**          input and WIDE_OUTS outputs, sums over all tiles in registers, and transforms what it has
**          while it lies in L2. dU, four times the weights, never reaches memory.
*/
#include <string.h>

#include "kernels/cpu/winograd.h"
#include "kernels/cpu/winograd_tiles.h"

#define POSITIONS 36
#define TILE_PIXELS 4
/* Rows of tiles in a block: about BLOCK_TILES tiles, fewer where they have many floats, so that L2
** holds them beside the weights that pass by. */
#define BLOCK_TILES 32
#define BLOCK_FLOATS 10240
#define WIDE_FLOATS (3 * 1024 * 1024) /* of transformed x and dy in all: beyond, tall          */
#define MOST_SPLITS 8
#define L2_FLOATS (600 * 1024) /* a larger dU passes by for every block: blocks are longer then */

typedef struct {
  const winograd_grad *g;
  tiling t;
  int64_t lead;              /* floats from a tile to the next in d            */
  int64_t rows;              /* of tiles in a block                             */
  int64_t splits, per_split; /* tall; rows of tiles in a split     */
  int64_t split_floats;      /* dU                                  */
  float *du;                 /* a split's: [36][outs][pitch]        */
  double *db;                /* a split's: outs                     */
  float *v, *d;              /* wide: all tiles                     */
  int64_t scratch_size;
  float *scratch;
} weights_job;

/* --- A dY A^T --------------------------------------------------------------------------------- */

static inline void spread_tile (const float *dy, int64_t row, int64_t pixel, int64_t high,
                                int64_t broad, int64_t count, int64_t step, float *to) {
  vec y[16], e[24];
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++) {
      const float *at = dy + i * row + j * pixel;
      if (i >= high || j >= broad)
        y[4 * i + j] = (vec){ 0 };
      else
        y[4 * i + j] = load_part(at, count);
    }
  for (int j = 0; j < 4; j++)
    spread_output(y + j, 4, e + j, 4);
  for (int i = 0; i < 6; i++) {
    vec o[6];
    spread_output(e + 4 * i, 1, o, 1);
    for (int j = 0; j < 6; j++)
      store(to + (6 * i + j) * step, o[j]);
  }
}

static void spread_block (const weights_job *job, tile_block block, int64_t q, float *d) {
  const winograd_grad *g = job->g;
  const tiling *t = &job->t;
  const int64_t h = t->s->rows, w = t->s->cols, outs = g->outs, step = GROUP_TILES * job->lead;
  for (int64_t i = 0; i < block.count; i++) {
    const int64_t line = (block.first + i) / t->cols, col = (block.first + i) % t->cols;
    const int64_t n = line / t->rows, y = line % t->rows * TILE_PIXELS, x = col * TILE_PIXELS;
    const float *dy = g->dy + ((n * h + y) * w + x) * outs;
    float *to = d + tile_offset(t, q + i, job->lead);
    for (int64_t k = 0; k < outs; k += LANES)
      spread_tile(dy + k, w * outs, outs, h - y, w - x, outs - k, step, to + k);
  }
}

/* --- products --------------------------------------------------------------------------------- */

/* sum[i] += d[tile][i] * v[tile] over the tiles of all groups, i < TILE_ROWS, TILE_COLS wide. `ahead`
** (a constant) says to ask for what lies there at the next position: it comes from L2 or beyond. */
static inline __attribute__((always_inline)) void sum_tiles (const weights_job *job, int64_t count,
                                                             const float *d, const float *v,
                                                             bool ahead, vec sum[TILE_ROWS][2]) {
  const int64_t d_plane = GROUP_TILES * job->lead, v_plane = GROUP_TILES * job->t.lead;
  for (; count > 0; count -= GROUP_TILES, d += POSITIONS * d_plane, v += POSITIONS * v_plane) {
    const float *a = d, *b = v;
    for (int64_t r = smaller(count, GROUP_TILES); r > 0; r--, a += job->lead, b += job->t.lead) {
      const vec b0 = load(b), b1 = load(b + LANES);
      if (ahead) {
        __builtin_prefetch(a + d_plane);
        __builtin_prefetch(b + v_plane);
        __builtin_prefetch(b + v_plane + LANES);
      }
      UNROLLED for (int i = 0; i < TILE_ROWS; i++) {
        sum[i][0] += a[i] * b0;
        sum[i][1] += a[i] * b1;
      }
    }
  }
}

/* The same; of the outputs that share their lines of v, and of the panels that share those of d, the
** first one asks. */
static inline void sum_outputs (const weights_job *job, int64_t count, const float *d, int64_t o,
                                const float *v, int64_t k, vec sum[TILE_ROWS][2]) {
  if (o == 0 || (k == 0 && o % LANES < TILE_ROWS))
    sum_tiles(job, count, d + o, v + k, true, sum);
  else
    sum_tiles(job, count, d + o, v + k, false, sum);
}

/* du[position][o][c] += the product of a block, in place. */
static void add_block (const weights_job *job, int64_t count, const float *v, const float *d,
                       float *du) {
  const int64_t pitch = job->t.lead, outs = job->g->outs, c = job->t.pitch;
  for (int64_t p = 0; p < POSITIONS; p++, v += GROUP_TILES * pitch, d += GROUP_TILES * job->lead)
    for (int64_t k = 0; k < c; k += TILE_COLS)
      for (int64_t o = 0; o < outs; o += TILE_ROWS) {
        float *to = du + (p * job->lead + o) * pitch + k;
        vec sum[TILE_ROWS][2];
        UNROLLED for (int i = 0; i < TILE_ROWS; i++) {
          __builtin_prefetch(to + (i + TILE_ROWS) * pitch, 1);
          __builtin_prefetch(to + (i + TILE_ROWS) * pitch + LANES, 1);
          sum[i][0] = load(to + i * pitch);
          sum[i][1] = load(to + i * pitch + LANES);
        }
        sum_outputs(job, count, d, o, v, k, sum);
        UNROLLED for (int i = 0; i < TILE_ROWS; i++) {
          store(to + i * pitch, sum[i][0]);
          store(to + i * pitch + LANES, sum[i][1]);
        }
      }
}

static void add_bias (const weights_job *job, int64_t count, const float *d, double *db) {
  for (int64_t q = 0; q < count; q++) {
    const float *sum = d + tile_offset(&job->t, q, job->lead) + 7 * GROUP_TILES * job->lead;
    for (int64_t o = 0; o < job->g->outs; o++)
      db[o] += sum[o];
  }
}

/* --- dU -> dw --------------------------------------------------------------------------------- */

/* LANES channels from c on of output o: G^T u G, position p at u + p step. */
static inline void gather_taps (const weights_job *job, const float *u, int64_t step, int64_t o,
                                int64_t c) {
  const int64_t channels = job->t.s->c, count = smaller(channels - c, LANES);
  float *dw = job->g->dw + o * 9 * channels + c;
  vec d[6], e[18];
  for (int j = 0; j < 6; j++) {
    for (int i = 0; i < 6; i++)
      d[i] = load(u + (6 * i + j) * step);
    gather_weights(d, 1, e + j, 6);
  }
  for (int i = 0; i < 3; i++) {
    vec g[3];
    gather_weights(e + 6 * i, 1, g, 1);
    for (int j = 0; j < 3; j++, dw += channels)
      store_part(dw, g[j], count);
  }
}

/* --- tall ------------------------------------------------------------------------------------- */

static void split_task (void *context, int64_t split, int worker) {
  const weights_job *job = context;
  const tiling *t = &job->t;
  const int64_t all = t->s->n * t->rows, begin = split * job->per_split;
  const int64_t end = smaller(all, begin + job->per_split);
  float *scratch = job->scratch + worker * job->scratch_size;
  float *v = scratch + tiles_scratch(t), *d = v + tiles_size(t, job->rows * t->cols, t->lead);
  float *du = job->du + split * job->split_floats;
  double *db = job->db + split * job->g->outs;
  memset(du, 0, (size_t)job->split_floats * sizeof *du);
  memset(db, 0, (size_t)job->g->outs * sizeof *db);
  for (int64_t row = begin; row < end;) {
    const int64_t rows = smaller(smaller(job->rows, end - row), t->rows - row % t->rows);
    const tile_block block = { row * t->cols, rows * t->cols };
    fxcpu_tiles_read(t, block, row > begin, 0, scratch, v);
    spread_block(job, block, 0, d);
    add_block(job, block.count, v, d, du);
    add_bias(job, block.count, d, db);
    row += rows;
  }
}

static void join_task (void *context, int64_t o, int worker) {
  (void)worker;
  const weights_job *job = context;
  float sum[POSITIONS * LANES];
  for (int64_t c = 0; c < job->t.s->c; c += LANES) {
    for (int64_t p = 0; p < POSITIONS; p++) {
      const float *u = job->du + (p * job->lead + o) * job->t.lead + c;
      vec all = load(u);
      for (int64_t split = 1; split < job->splits; split++)
        all += load(u + split * job->split_floats);
      store(sum + p * LANES, all);
    }
    gather_taps(job, sum, LANES, o, c);
  }
}

static int64_t block_rows (const tiling *t, int64_t floats) {
  const int64_t tiles = smaller(BLOCK_TILES, BLOCK_FLOATS / floats);
  return smaller(t->rows, larger(1, tiles / t->cols));
}

/* The splits' sums cost as much memory traffic as tiles * (c + outs) / (c * outs) blocks of tiles. */
static void cut_splits (weights_job *job) {
  const tiling *t = &job->t;
  const int64_t tiles = tile_total(t), lines = t->s->n * t->rows;
  const int64_t fair = tiles * (t->pitch + job->g->outs) / (4 * t->pitch * job->g->outs);
  const int64_t splits = smaller(lines, smaller(MOST_SPLITS, larger(2, fair)));
  job->per_split = ceil_div(lines, splits);
  job->splits = ceil_div(lines, job->per_split);
  job->split_floats = POSITIONS * job->lead * t->lead;
  const int64_t longer = job->split_floats > L2_FLOATS ? 4 : 1;
  job->rows = smaller(t->rows, longer * block_rows(t, (t->pitch + job->g->outs) / 2));
}

static fx_status run_tall (weights_job *job) {
  const tiling *t = &job->t;
  const int64_t outs = job->g->outs;
  cut_splits(job);
  const int64_t most = job->rows * t->cols;
  job->scratch_size =
      tiles_scratch(t) + tiles_size(t, most, t->lead) + tiles_size(t, most, job->lead);
  job->scratch = new_floats(fx_threads() * job->scratch_size);
  job->du = new_floats(job->splits * job->split_floats);
  job->db = new_doubles((job->splits + 1) * outs);
  if (!job->scratch || !job->du || !job->db)
    return FX_ENOMEM;
  fx_parallel(job->splits, split_task, job);
  fx_parallel(outs, join_task, job);
  for (int64_t o = 0; job->g->db && o < outs; o++) {
    double sum = 0.0;
    for (int64_t split = 0; split < job->splits; split++)
      sum += job->db[split * outs + o];
    job->g->db[o] = (float)sum;
  }
  return FX_OK;
}

/* --- wide ------------------------------------------------------------------------------------- */

static void wide_read_task (void *context, int64_t item, int worker) {
  const weights_job *job = context;
  const tiling *t = &job->t;
  const int64_t row = item * job->rows, all = t->s->n * t->rows;
  const tile_block block = { row * t->cols, smaller(all - row, job->rows) * t->cols };
  fxcpu_tiles_read(t, block, false, block.first, job->scratch + worker * job->scratch_size, job->v);
  spread_block(job, block, block.first, job->d);
}

#define WIDE_OUTS (8 * TILE_ROWS) /* outputs of a task */

/* u[p][o][TILE_COLS] = sum over all tiles, for the outputs of a task and TILE_COLS channels from c on.
** Position by position: its tiles of x, one panel wide, stay in L1 for all outputs. */
static void sum_panel (const weights_job *job, int64_t first, int64_t outs, int64_t c, float *u) {
  const int64_t count = tile_total(&job->t);
  const float *v = job->v + c, *d = job->d + first;
  for (int64_t p = 0; p < POSITIONS; p++, u += WIDE_OUTS * TILE_COLS) {
    for (int64_t o = 0; o < outs; o += TILE_ROWS) {
      vec sum[TILE_ROWS][2];
      UNROLLED for (int i = 0; i < TILE_ROWS; i++) sum[i][0] = sum[i][1] = (vec){ 0 };
      sum_outputs(job, count, d, o, v, 0, sum);
      UNROLLED for (int i = 0; i < TILE_ROWS; i++) {
        store(u + (o + i) * TILE_COLS, sum[i][0]);
        store(u + (o + i) * TILE_COLS + LANES, sum[i][1]);
      }
    }
    v += GROUP_TILES * job->t.lead;
    d += GROUP_TILES * job->lead;
  }
}

static void wide_task (void *context, int64_t item, int worker) {
  const weights_job *job = context;
  const int64_t strips = ceil_div(job->g->outs, WIDE_OUTS);
  const int64_t c = item / strips * TILE_COLS, first = item % strips * WIDE_OUTS;
  const int64_t outs = smaller(WIDE_OUTS, job->g->outs - first);
  float *u = job->scratch + worker * job->scratch_size;
  sum_panel(job, first, outs, c, u);
  for (int64_t o = 0; o < outs; o++)
    for (int64_t l = 0; l < TILE_COLS && c + l < job->t.s->c; l += LANES)
      gather_taps(job, u + o * TILE_COLS + l, WIDE_OUTS * TILE_COLS, first + o, c + l);
}

static fx_status run_wide (weights_job *job) {
  const tiling *t = &job->t;
  const int64_t tiles = tile_total(t), outs = job->g->outs;
  job->rows = smaller(4, t->rows);
  job->scratch_size = larger(tiles_scratch(t), POSITIONS * WIDE_OUTS * TILE_COLS);
  job->scratch = new_floats(fx_threads() * job->scratch_size);
  job->v = new_floats(tiles_size(t, tiles, t->lead));
  job->d = new_floats(tiles_size(t, tiles, job->lead));
  job->db = fx_calloc((size_t)outs, sizeof *job->db);
  if (!job->scratch || !job->v || !job->d || !job->db)
    return FX_ENOMEM;
  fx_parallel(ceil_div(t->s->n * t->rows, job->rows), wide_read_task, job);
  fx_parallel(ceil_div(t->s->c, TILE_COLS) * ceil_div(outs, WIDE_OUTS), wide_task, job);
  if (job->g->db) {
    add_bias(job, tiles, job->d, job->db);
    for (int64_t o = 0; o < outs; o++)
      job->g->db[o] = (float)job->db[o];
  }
  return FX_OK;
}

fx_status fxcpu_winograd_weights (const winograd_grad *g) {
  weights_job job = { .g = g, .t = tiling_of(g->s, TILE_PIXELS) };
  /* Room for whole tiles of registers beyond the last channel and output: what they hold is never
  ** read, but it is loaded. */
  job.t.lead = ceil_div(g->s->c, TILE_COLS) * TILE_COLS + LANES;
  job.lead = ceil_div(g->outs, LANES) * LANES + LANES;
  const int64_t floats = tiles_size(&job.t, tile_total(&job.t), job.t.lead + job.lead);
  const fx_status st = floats <= WIDE_FLOATS ? run_wide(&job) : run_tall(&job);
  fx_free(job.db);
  fx_free(job.du);
  fx_free(job.d);
  fx_free(job.v);
  fx_free(job.scratch);
  return st;
}
