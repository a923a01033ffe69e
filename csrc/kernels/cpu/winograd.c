/*
** winograd.c - the convolution: read tiles, multiply, write tiles.
**
** Two ways to share the work, with the same arithmetic and so the same bits:
**   tall   many tiles, few channels. The weights are transformed once; a task takes a strip of an image
**          and, block by block of whole rows of tiles, through all three steps, a block staying in the caches.
**          While one panel of outputs is multiplied the one before it is written, a tile now and then: a store
**          that waits for memory then keeps no multiplication waiting. It takes a second m.
**   wide   few tiles, many channels, where the transformed weights (16 times the weights of a 1x1
**          convolution) would be the largest thing to read. All tiles of some images are read first;
**          then a task takes TILE_COLS outputs, transforms their weights into L2, and multiplies and
**          writes for all tiles.
** Refused: blocks of a fixed number of tiles with the image's padding tested tile by tile (the ring of
** rows needs no test and makes each row once), and a product over all outputs before any is written
** (its result would push the tiles out of L2).
*/
#include "kernels/cpu/past.h"
#include "kernels/cpu/winograd.h"
#include "kernels/cpu/winograd_tiles.h"

#include <string.h>

#define WIDE_FLOATS (1536 * 1024) /* 6 MB of tiles, shared by all threads */
#define WIDE_TILES 64             /* of an image, at most                 */
#define STRIP_ROWS 4              /* rows of tiles of a task, at least    */
#define STRIPS 4                  /* tasks for each thread, at least      */
/* Tiles of a block (tall): eleven groups of 6 or six of 11, so that weights pass by seldom; fewer where tiles
** have more than 256 channels. A third of them was 4 % slower on AVX2, although it fits L2; 44 and 88 were as
** fast on AVX-512. */
#define BLOCK_TILES 66
#define BLOCK_FLOATS (BLOCK_TILES * 256)

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
  bool past; /* the result is stored past the caches */
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
    const float *from = v->w + (8 - tap) * outs + first;
    if (!v->flipped)
      transpose_block(width, c, v->w + (first * 9 + tap) * c, 9 * c, taps, TILE_COLS);
    else
      for (int64_t i = 0; i < c; i++, from += 9 * outs)
        memcpy(taps + i * TILE_COLS, from, (size_t)width * sizeof *taps);
    if (v->s->bf16)
      round_to_bf16(c * TILE_COLS, taps);
  }
}

/* G g G^T of LANES weights, whose taps are `plane` apart; results `step` apart. `pixels` is a constant. */
static inline __attribute__((always_inline)) void
spread_taps (int pixels, const float *taps, int64_t plane, float *u, int64_t step) {
  const int side = pixels + 2;
  vec g[9], t[3 * MOST_SIDE];
  for (int tap = 0; tap < 9; tap++)
    g[tap] = load(taps + tap * plane);
  UNROLLED
  for (int j = 0; j < 3; j++)
    transform_weights(pixels, g + j, 3, t + j, 3);
  UNROLLED
  for (int k = 0; k < side; k++) {
    vec o[MOST_SIDE];
    transform_weights(pixels, t + 3 * k, 1, o, 1);
    UNROLLED
    for (int j = 0; j < side; j++)
      store(u + (side * k + j) * step, o[j]);
  }
}

/* u[p][c][TILE_COLS] = G g G^T for one panel. */
static void panel_weights (const winograd_job *job, int64_t panel, float *taps, float *u) {
  const int64_t c = job->c->s->c, plane = c * TILE_COLS;
  panel_taps(job, panel, taps);
  for (int64_t i = 0; i < plane; i += LANES)
    if (job->t.pixels == 4)
      spread_taps(4, taps + i, plane, u + i, job->u_step);
    else
      spread_taps(6, taps + i, plane, u + i, job->u_step);
}

static int64_t u_size (const winograd_job *job) { return job->t.positions * job->u_step; }

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

#define SUM_CHANNELS 64 /* added up in registers, at most */

/* A block's last group may lack tiles: FEW or SOME are then multiplied instead of all. */
#define FEW 4
#define SOME (GROUP_TILES < 8 ? GROUP_TILES : 8)

/* Of a group's tiles those that are multiplied if only the first `tiles` exist. */
static inline int64_t rows_multiplied (int64_t tiles) {
  return tiles <= FEW ? FEW : tiles <= SOME ? SOME : GROUP_TILES;
}

/* m[i][j] = sum_p v[i][p] u[p][j] for one group of tiles, i < rows, j < TILE_COLS. Tiles that a
** block lacks are computed from what lies there and never read. Sums of SUM_CHANNELS channels join in
** m: the rounding of one long sum grows with the root of its length. `rows` is a constant. */
static inline __attribute__((always_inline)) void tile_of_group (int rows, const float *v,
                                                                 int64_t lead, int64_t c,
                                                                 const float *u, next_group next,
                                                                 float *m) {
  for (int64_t q = 0; q < c;) {
    const bool first = q == 0;
    const int64_t end = smaller(c, q + SUM_CHANNELS);
    vec sum[GROUP_TILES][2];
    UNROLLED for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = (vec){ 0 };
    for (; q < end; q += LINE) {
      UNROLLED for (int i = 0; i < GROUP_TILES; i++) __builtin_prefetch(next.v + i * lead + q);
      for (int64_t l = 0; l < next.lines; l++, next.u += LINE)
        __builtin_prefetch(next.u);
      for (int64_t p = q; p < smaller(end, q + LINE); p++, u += TILE_COLS) {
        const vec u0 = load(u), u1 = load(u + LANES);
        UNROLLED for (int i = 0; i < rows; i++) {
          const float x = v[i * lead + p];
          sum[i][0] += x * u0;
          sum[i][1] += x * u1;
        }
      }
    }
    UNROLLED for (int i = 0; i < rows; i++) {
      float *to = m + i * TILE_COLS;
      store(to, first ? sum[i][0] : load(to) + sum[i][0]);
      store(to + LANES, first ? sum[i][1] : load(to + LANES) + sum[i][1]);
    }
  }
}

static void multiply_group (int64_t tiles, const float *v, int64_t lead, int64_t c, const float *u,
                            next_group next, float *m) {
  const int64_t rows = rows_multiplied(tiles);
  if (rows == GROUP_TILES)
    tile_of_group(GROUP_TILES, v, lead, c, u, next, m);
  else if (rows == FEW)
    tile_of_group(FEW, v, lead, c, u, next, m);
  else
    tile_of_group(SOME, v, lead, c, u, next, m);
}

/* --- output ----------------------------------------------------------------------------------- */

/* A tile of the output in an image. */
typedef struct {
  int64_t n, y, x;     /* its first pixel                    */
  int64_t high, broad; /* how much of it lies in the image    */
} output_tile;

static inline output_tile output_tile_of (const tiling *t, int64_t tile) {
  const int64_t line = tile / t->cols;
  output_tile o = { line / t->rows, line % t->rows * t->pixels, tile % t->cols * t->pixels, 0, 0 };
  o.high = smaller(t->s->rows - o.y, t->pixels);
  o.broad = smaller(t->s->cols - o.x, t->pixels);
  return o;
}

static inline int64_t output_at (const winograd_job *job, int64_t n, int64_t y, int64_t x) {
  const conv_source *s = job->c->s;
  return ((n * s->rows + y) * s->cols + x) * job->c->outs;
}

/* Asks for a panel of a tile's pixels, which lie far apart, and of what is added to them. */
static inline void ask_output (const winograd_job *job, const output_tile *o, int64_t k) {
  const winograd_conv *c = job->c;
  const float *add = c->add.resample == FX_RESAMPLE_SAME ? c->add.x : NULL;
  for (int64_t i = 0; i < o->high; i++) {
    const int64_t at = output_at(job, o->n, o->y + i, o->x) + k;
    for (int64_t j = 0; j < o->broad; j++) {
      if (!job->past)
        __builtin_prefetch(c->y + at + j * c->outs, 1, 2);
      if (add)
        __builtin_prefetch(add + at + j * c->outs, 0, 2);
      if (c->add.more)
        __builtin_prefetch(c->add.more + at + j * c->outs, 0, 2);
    }
  }
}

/* e = A^T m for LANES channels: (pixels, side). `pixels` is a constant. */
static inline __attribute__((always_inline)) void half_output (int pixels, const float *m, vec *e) {
  const int side = pixels + 2;
  vec d[MOST_SIDE];
  UNROLLED
  for (int j = 0; j < side; j++) {
    UNROLLED
    for (int i = 0; i < side; i++)
      d[i] = load(m + (side * i + j) * GROUP_FLOATS);
    transform_output(pixels, d, 1, e + j, side);
  }
}

/* Channels k .. k+TILE_COLS-1 of a tile, from m at the tile's position 0. Both halves of a pixel are
** written together: they are a line of the caches, and the rows of a tile compete for the same few
** places there. `pixels` and `whole`, whether all channels exist, are constants. */
static inline __attribute__((always_inline)) void write_tile (int pixels, bool whole,
                                                              const winograd_job *job,
                                                              const output_tile *t, int64_t k,
                                                              const float *m) {
  const winograd_conv *c = job->c;
  const int side = pixels + 2;
  const int64_t low_count = whole ? LANES : c->outs - k;
  const int64_t high_count = whole ? LANES : c->outs - k - LANES;
  const bool adds = residual_exists(&c->add);
  vec low_e[MOST_POSITIONS], high_e[MOST_POSITIONS], low_bias = { 0 }, high_bias = { 0 };
  if (c->bias) {
    low_bias = load_part(c->bias + k, low_count);
    high_bias = load_part(c->bias + k + LANES, high_count);
  }
  half_output(pixels, m, low_e);
  half_output(pixels, m + LANES, high_e);
  for (int64_t i = 0; i < t->high; i++) {
    vec low[MOST_SIDE], high[MOST_SIDE];
    transform_output(pixels, low_e + side * i, 1, low, 1);
    transform_output(pixels, high_e + side * i, 1, high, 1);
    float *y = c->y + output_at(job, t->n, t->y + i, t->x) + k;
    for (int64_t j = 0; j < t->broad; j++, y += c->outs) {
      low[j] += low_bias;
      high[j] += high_bias;
      if (adds) {
        low[j] += residual_at(&c->add, t->n, t->y + i, t->x + j, k, low_count);
        high[j] += residual_at(&c->add, t->n, t->y + i, t->x + j, k + LANES, high_count);
      }
      if (whole && job->past) {
        store_past(y, low[j]);
        store_past(y + LANES, high[j]);
      } else {
        store_part(y, low[j], low_count);
        store_part(y + LANES, high[j], high_count);
      }
    }
  }
}

static const float *tile_of_m (const tiling *t, const float *m, int64_t q) {
  return m + q / GROUP_TILES * t->positions * GROUP_FLOATS + q % GROUP_TILES * TILE_COLS;
}

/* A panel of a block whose products are there, being written tile by tile. */
typedef struct {
  tile_block block;
  int64_t panel;
  const float *m;
  int64_t done;     /* tiles written                          */
  output_tile next; /* the one to be written, asked for by now */
} writing;

static writing begin_writing (const winograd_job *job, tile_block block, int64_t panel,
                              const float *m) {
  return (writing){ block, panel, m, 0, output_tile_of(&job->t, block.first) };
}

/* Writes one tile and asks for what the next one needs. */
static void write_next (const winograd_job *job, writing *w) {
  const tiling *t = &job->t;
  const int64_t k = w->panel * TILE_COLS, q = w->done++;
  const bool whole = k + TILE_COLS <= job->c->outs;
  const output_tile here = w->next;
  const float *m = tile_of_m(t, w->m, q);
  if (w->done < w->block.count) {
    w->next = output_tile_of(t, w->block.first + q + 1);
    ask_output(job, &w->next, k);
    for (int64_t p = 0; p < t->positions; p++)
      __builtin_prefetch(tile_of_m(t, w->m, q + 1) + p * GROUP_FLOATS);
  }
  if (t->pixels == 4 && whole)
    write_tile(4, true, job, &here, k, m);
  else if (t->pixels == 4)
    write_tile(4, false, job, &here, k, m);
  else if (whole)
    write_tile(6, true, job, &here, k, m);
  else
    write_tile(6, false, job, &here, k, m);
}

static void finish_writing (const winograd_job *job, writing *w) {
  while (w->done < w->block.count)
    write_next(job, w);
  if (job->past)
    past_done();
}

/* --- product and output ------------------------------------------------------------------------ */

/* m[group][p][GROUP_TILES][TILE_COLS] of a block and one panel, while what is left of `w`, the panel before, is
** written, its tiles spread evenly over the products. */
static void multiply (const winograd_job *job, int64_t count, const float *v, const float *u,
                      float *m, writing *w) {
  const int64_t c = job->c->s->c, lead = job->t.lead, groups = ceil_div(count, GROUP_TILES);
  const int64_t plane = GROUP_TILES * lead, lines = ceil_div(TILE_COLS, groups);
  const int64_t positions = job->t.positions, left = w->block.count - w->done;
  int64_t due = 0;
  for (int64_t p = 0; p < positions; p++, u += job->u_step)
    for (int64_t g = 0; g < groups; g++) {
      const bool last = g + 1 == groups;
      const float *here = v + (g * positions + p) * plane;
      const next_group next = { last ? v + (p + 1) % positions * plane : here + positions * plane,
                                u + job->u_step + g * lines * ceil_div(c, LINE) * LINE, lines };
      multiply_group(smaller(count - g * GROUP_TILES, GROUP_TILES), here, lead, c, u, next,
                     m + (g * positions + p) * GROUP_FLOATS);
      for (due += left; due >= positions * groups; due -= positions * groups)
        write_next(job, w);
    }
}

/* --- tall ------------------------------------------------------------------------------------- */

static int64_t strips_of (const winograd_job *job) { return ceil_div(job->t.rows, job->strip); }

static int64_t m_size (const tiling *t, int64_t tiles) {
  return ceil_div(tiles, GROUP_TILES) * t->positions * GROUP_FLOATS;
}

static void tall_task (void *context, int64_t item, int worker) {
  const winograd_job *job = context;
  const tiling *t = &job->t;
  const int64_t n = item / strips_of(job), begin = item % strips_of(job) * job->strip;
  const int64_t end = smaller(t->rows, begin + job->strip);
  float *scratch = job->scratch + worker * job->scratch_size;
  float *v = scratch + tiles_scratch(t), *m = v + tiles_size(t, job->rows * t->cols, t->lead);
  int64_t half = 0; /* of m, that panels take in turn */
  writing w = { 0 };
  for (int64_t row = begin; row < end; row += job->rows) {
    const int64_t rows = smaller(end - row, job->rows);
    const tile_block block = { (n * t->rows + row) * t->cols, rows * t->cols };
    fxcpu_tiles_read(t, block, row > begin, 0, scratch, v);
    for (int64_t panel = 0; panel < job->panels; panel++) {
      float *products = m + half * m_size(t, job->rows * t->cols);
      multiply(job, block.count, v, job->u + panel * u_size(job), products, &w);
      w = begin_writing(job, block, panel, products);
      half = 1 - half;
    }
  }
  finish_writing(job, &w);
}

/* Tiles that a block of `tiles` multiplies, with those that fill up its last group. */
static int64_t block_multiplied (int64_t tiles) {
  const int64_t rest = tiles % GROUP_TILES;
  return tiles - rest + (rest > 0 ? rows_multiplied(rest) : 0);
}

/* The same for an image in blocks of so many rows. */
static int64_t tiles_multiplied (const tiling *t, int64_t rows) {
  return t->rows / rows * block_multiplied(rows * t->cols) +
         block_multiplied(t->rows % rows * t->cols);
}

/* Rows of blocks and strips: as many as caches and a fair share for each thread allow, and of those the
** number that fills groups best. No result depends on them. */
static void cut_strips (winograd_job *job) {
  const tiling *t = &job->t;
  const int64_t fair = larger(2, ceil_div(t->s->n * t->rows, STRIPS * fx_threads()));
  const int64_t tiles = smaller(BLOCK_TILES, BLOCK_FLOATS / t->pitch);
  const int64_t most = smaller(smaller(fair, t->rows), larger(1, tiles / t->cols));
  job->rows = most;
  for (int64_t rows = most - 1; rows > 0; rows--)
    if (tiles_multiplied(t, rows) < tiles_multiplied(t, job->rows))
      job->rows = rows;
  job->strip = ceil_div(smaller(fair, STRIP_ROWS), job->rows) * job->rows;
}

static fx_status run_tall (winograd_job *job) {
  const tiling *t = &job->t;
  cut_strips(job);
  const int64_t most = job->rows * t->cols;
  const int64_t need = tiles_scratch(t) + tiles_size(t, most, t->lead) + 2 * m_size(t, most);
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
  writing w = { 0 };
  panel_weights(job, panel, m, u); /* m, not yet in use, holds the taps */
  multiply(job, job->chunk.count, job->v, u, m, &w);
  w = begin_writing(job, job->chunk, panel, m);
  finish_writing(job, &w);
}

static fx_status run_wide (winograd_job *job) {
  const tiling *t = &job->t;
  const int64_t image = t->rows * t->cols;
  const int64_t images = larger(1, WIDE_FLOATS / (t->positions * image * t->lead));
  const int64_t most = smaller(images, t->s->n) * image;
  const int64_t need = u_size(job) + larger(m_size(t, most), 9 * job->c->s->c * TILE_COLS);
  job->rows = smaller(4, t->rows);
  job->scratch_size = larger(need, tiles_scratch(t));
  job->scratch = new_floats(fx_threads() * job->scratch_size);
  job->v = new_floats(tiles_size(t, most, t->lead));
  if (!job->scratch || !job->v)
    return FX_ENOMEM;
  for (int64_t first = 0; first < tile_total(t); first += most) {
    job->chunk = (tile_block){ first, smaller(most, tile_total(t) - first) };
    fx_parallel(ceil_div(job->chunk.count / t->cols, job->rows), wide_read_task, job);
    fx_parallel(job->panels, wide_task, job);
  }
  return FX_OK;
}

/* Tiles of 4 pixels, or of 6 where they need fewer products, those beyond the edge included, and are
** many: then their weights, of which there are more, do not count. */
static tiling best_tiling (const conv_source *s) {
  const tiling four = tiling_of(s, 4), six = tiling_of(s, 6);
  const int64_t tiles = four.rows * four.cols, fewer = six.rows * six.cols;
  return tiles > WIDE_TILES && 10 * fewer * six.positions < 9 * tiles * four.positions ? six : four;
}

fx_status fxcpu_winograd (const winograd_conv *c) {
  winograd_job job = { .c = c, .t = best_tiling(c->s), .panels = panel_count(c->outs) };
  job.u_step = c->s->c * TILE_COLS + LANES; /* not a power of two apart, as in v */
  job.past = past_pays(c->y, c->s->n * c->s->rows * c->s->cols * c->outs, c->outs);
  if (tile_total(&job.t) == 0)
    return FX_OK;
  const bool few = job.t.pixels == 4 && job.t.rows * job.t.cols <= WIDE_TILES;
  const fx_status st = few ? run_wide(&job) : run_tall(&job);
  fx_free(job.scratch);
  fx_free(job.u);
  fx_free(job.v);
  return st;
}
