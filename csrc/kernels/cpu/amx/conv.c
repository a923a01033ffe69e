/*
** conv.c - convolution forward, and for its gradient for the input, by products of bf16: of rounded numbers, one
** plane, or of split ones, two.
**
** With channels last, what tap (u,v) adds to 16 neighbouring pixels is a product of 16 rows of
** channels, a pixel apart in memory, with the tap's weights: A is read from the image itself,
** and the next tap is an address further on. So nothing but a copy of some rows of the image with
** their border, a band, is made, in its planes.
**
**   band[chunk][plane][position][DEPTH]   positions are pixels of rows of (cols + kw - 1)
**
** Channels are cut into chunks of a step, so that the pixels under a block of 64 positions, with their
** neighbours, lie in L1 while all its taps and outputs are computed; sums wait in m between chunks. Where
** cols is no multiple of 16, tiles run on over the ends of rows; what they compute for the border is not
** written.
**
** Two ways to share the work, with the same arithmetic and so the same bits:
**   tall   the weights fit into L2: a task takes a strip of an image, band by band.
**   wide   they do not: bands are made first, for all; a task takes some outputs of one of them.
*/
#include "kernels/cpu/amx/conv.h"

#include <string.h>

#include "kernels/cpu/amx/split.h"

#define PIXEL_BYTES (DEPTH * 2) /* of a plane                        */
#define L2_BYTES (1600 << 10)   /* of which bands and weights may use */
#define TALL_BYTES (1250 << 10) /* weights that leave room for bands  */
#define BAND_BYTES (320 << 10)  /* at most; a quarter at least        */
#define WIDE_BYTES (12 << 20)   /* of bands at a time                  */
#define GROUP_BYTES (700 << 10) /* of weights for a wide task          */
#define STRIP_ROWS 16

typedef struct {
  const conv_call *c;
  int64_t planes;        /* of numbers                                 */
  int64_t taps, pitch;   /* positions in a row of a band               */
  int64_t chunks;        /* of DEPTH channels                          */
  int64_t rows;          /* of the output in a band                    */
  int64_t plane;         /* halves                                     */
  int64_t strip;         /* tall: rows of a task                       */
  int64_t bands;         /* wide: in an image                          */
  int64_t first, count;  /* wide: the bands in work                    */
  int64_t blocks, group; /* of SIDE outputs; blocks of a wide task     */
  half *w, *shared;
  int64_t scratch_floats, band_halves;
  float *scratch; /* for each worker: source's, a row, m */
  half *band;     /* tall: for each worker               */
} conv_job;

/* --- weights ---------------------------------------------------------------------------------- */

/* Halves of a step, and of a block of outputs, all chunks. */
static int64_t step_halves (const conv_job *job) { return job->planes * TILE_HALVES; }
static int64_t block_halves (const conv_job *job) {
  return job->taps * job->chunks * step_halves(job);
}

/* Columns o .. o+15 of a step, w being (outs,taps,c). `lo` is NULL where there is one plane. */
static void pack_plain (const conv_job *job, int64_t tap, int64_t c, int64_t o, half *lo,
                        half *hi) {
  const int64_t all = job->c->s->c, left = all - c;
  half rows[2][TILE_HALVES] __attribute__((aligned(64)));
  for (int64_t i = 0; i < SIDE; i++) {
    split_pair s = { _mm512_setzero_si512(), _mm512_setzero_si512() };
    const float *w = job->c->w + ((o + i) * job->taps + tap) * all + c;
    if (o + i < job->c->outs)
      s = split_32(load_part(w, left), load_part(w + SIDE, left - SIDE));
    store_32(rows[0] + i * DEPTH, s.lo);
    store_32(rows[1] + i * DEPTH, s.hi);
  }
  if (lo)
    transpose_block(SIDE, SIDE, (const float *)rows[0], SIDE, (float *)lo, SIDE);
  transpose_block(SIDE, SIDE, (const float *)rows[1], SIDE, (float *)hi, SIDE);
}

/* The same of (c,taps,outs), flipped. */
static void pack_flipped (const conv_job *job, int64_t tap, int64_t c, int64_t o, half *lo,
                          half *hi) {
  const int64_t outs = job->c->outs, row = job->taps * outs, left = outs - o;
  const float *w = job->c->w + c * row + (job->taps - 1 - tap) * outs + o;
  for (int64_t i = 0; i < DEPTH; i += 2, w += 2 * row) {
    const int64_t there = job->c->s->c - c - i;
    const split_pair s =
        split_turns(load_part(w, there > 0 ? left : 0), load_part(w + row, there > 1 ? left : 0));
    if (lo)
      store_32(lo + i * SIDE, s.lo);
    store_32(hi + i * SIDE, s.hi);
  }
}

static void pack_task (void *context, int64_t block, int worker) {
  (void)worker;
  const conv_job *job = context;
  half *to = job->w + block * block_halves(job);
  for (int64_t chunk = 0; chunk < job->chunks; chunk++)
    for (int64_t tap = 0; tap < job->taps; tap++, to += step_halves(job)) {
      half *lo = job->planes == 2 ? to : NULL, *hi = to + (job->planes - 1) * TILE_HALVES;
      if (job->c->flipped)
        pack_flipped(job, tap, chunk * DEPTH, block * SIDE, lo, hi);
      else
        pack_plain(job, tap, chunk * DEPTH, block * SIDE, lo, hi);
    }
}

/* --- bands ------------------------------------------------------------------------------------ */

static int64_t row_floats (const conv_job *job) { return job->pitch * job->chunks * DEPTH; }

/* Pixels of a row in their planes: x is `pixel` floats a pixel, `to` the first one's place in the first plane. */
static void split_pixels (const conv_job *job, const float *x, int64_t pixel, int64_t count,
                          half *to) {
  for (int64_t chunk = 0; chunk < job->chunks; chunk++, to += job->planes * job->plane) {
    const float *from = x + chunk * DEPTH;
    for (int64_t j = 0; j < count; j++, from += pixel) {
      const split_pair s = split_32(_mm512_loadu_ps(from), _mm512_loadu_ps(from + SIDE));
      store_32(to + j * DEPTH, s.hi);
      if (job->planes == 2)
        store_32(to + job->plane + j * DEPTH, s.lo);
    }
  }
}

/* `count` pixels in all planes: zeros, or a copy of those `back` pixels further. */
static void border_pixels (const conv_job *job, int64_t count, bool zero, int64_t back, half *to) {
  for (int64_t p = 0; p < job->planes * job->chunks; p++, to += job->plane)
    if (zero)
      memset(to, 0, (size_t)(count * DEPTH) * sizeof *to);
    else
      memcpy(to, to + back * DEPTH, (size_t)(count * DEPTH) * sizeof *to);
}

/* A row that is x as it is needs no copy of its own: true if it was one. */
static bool split_plain (const conv_job *job, int64_t n, int64_t y, half *to) {
  const conv_source *s = job->c->s;
  const int64_t pad = job->c->pad_x, row = s->circular ? wrap(y, s->rows) : y;
  if (!source_is_plain(s) || s->c % DEPTH || pad > s->cols)
    return false;
  if (row < 0 || row >= s->rows) {
    border_pixels(job, job->pitch, true, 0, to);
    return true;
  }
  split_pixels(job, s->x + (n * s->rows + row) * s->cols * s->c, s->c, s->cols, to + pad * DEPTH);
  border_pixels(job, pad, !s->circular, s->cols, to);
  border_pixels(job, pad, !s->circular, -s->cols, to + (pad + s->cols) * DEPTH);
  return true;
}

/* The rows under outputs first .. first+rows-1 of image n; `kept` of them are the last ones of what
** the band held before, `moved` rows further down. */
static void make_band (const conv_job *job, int64_t n, int64_t first, int64_t rows, int64_t kept,
                       int64_t moved, float *scratch, half *band) {
  const conv_source *s = job->c->s;
  const int64_t line = job->pitch * DEPTH;
  float *row = scratch + source_scratch(s);
  for (int64_t p = 0; kept && p < job->planes * job->chunks; p++)
    memmove(band + p * job->plane, band + p * job->plane + moved * line,
            (size_t)(kept * line) * sizeof *band);
  for (int64_t r = kept; r < rows + job->c->kh - 1; r++) {
    const int64_t y = first + r - job->c->pad_y;
    if (split_plain(job, n, y, band + r * line))
      continue;
    fxcpu_source_row(s, n, y, job->c->pad_x, job->pitch, job->chunks * DEPTH, scratch, row);
    split_pixels(job, row, job->chunks * DEPTH, job->pitch, band + r * line);
  }
}

/* --- product ---------------------------------------------------------------------------------- */

/* m of one block of outputs for one chunk: m is what the chunks before gave. */
static void multiply (const conv_job *job, const tile_rows *a, bool add, const half *w, float *m) {
  if (add)
    sums_load(m);
  else
    sums_zero();
  for (int64_t u = 0; u < job->c->kh; u++)
    for (int64_t v = 0; v < job->c->kw; v++, w += step_halves(job)) {
      const int64_t ahead = (u * job->pitch + v) * PIXEL_BYTES;
      if (job->planes == 1)
        multiply_one(a, ahead, w);
      else
        multiply_split(a, ahead, w);
    }
  sums_store(m);
}

static int64_t tile_count (const conv_job *job, int64_t rows) {
  const int64_t cols = job->c->ow;
  return cols % SIDE == 0 ? rows * (cols / SIDE) : ceil_div(rows * job->pitch, SIDE);
}

static int64_t tile_position (const conv_job *job, int64_t tile) {
  const int64_t cols = job->c->ow, across = cols / SIDE;
  return cols % SIDE == 0 ? tile / across * job->pitch + tile % across * SIDE : tile * SIDE;
}

/* Outputs k .. k+outs-1 of pixel (n,i,j), from its row of m, blocks SUMS_FLOATS apart. `whole` (a
** constant) says that outs is a multiple of LANES: then nothing need be cut. */
static inline __attribute__((always_inline)) void write_pixel (const conv_call *c, int64_t n,
                                                               int64_t i, int64_t j, int64_t k,
                                                               int64_t outs, bool whole,
                                                               const float *m) {
  float *y = c->y + ((n * c->oh + i) * c->ow + j) * c->outs + k;
  for (int64_t l = 0; l < outs; l += LANES, m += SUMS_FLOATS) {
    const int64_t count = whole ? LANES : outs - l;
    vec sum = load(m);
    if (c->bias)
      sum += load_part(c->bias + k + l, count);
    if (residual_exists(&c->add))
      sum += residual_at(&c->add, n, i, j, k + l, count);
    store_part(y + l, sum, count);
  }
}

/* Some rows of the output, and the band that lies under them. */
typedef struct {
  int64_t n, first, rows;
  int64_t until; /* the last of the rows whose bands the task makes, + 1; 0: it makes none */
  const half *band;
} band_rows;

static void write_tile (const conv_job *job, const band_rows *b, int64_t at, int64_t k,
                        int64_t outs, const float *m) {
  int64_t row = at / job->pitch, col = at % job->pitch;
  for (int64_t i = 0; i < SIDE && row < b->rows; i++, m += SIDE) {
    if (col < job->c->ow && outs % LANES == 0)
      write_pixel(job->c, b->n, b->first + row, col, k, outs, true, m);
    else if (col < job->c->ow)
      write_pixel(job->c, b->n, b->first + row, col, k, outs, false, m);
    if (++col == job->pitch) {
      col = 0;
      row++;
    }
  }
}

/* A group of tiles, and how many blocks of sums it takes. */
typedef struct {
  int64_t tiles, at[TILES], sums;
} tile_group;

static tile_group group_of (const conv_job *job, int64_t tile, int64_t tiles, int64_t blocks) {
  tile_group g = { .tiles = smaller(TILES, tiles - tile), .sums = job->chunks * blocks };
  for (int64_t i = 0; i < TILES; i++)
    g.at[i] = tile_position(job, smaller(tile + i, tiles - 1));
  return g;
}

/* Memory works while the unit does: before each block of sums a share of the pixels that the group will
** write is asked for, and of those that the next band is made of. Maps whose tiles run over the ends of rows are
** small and lie in the caches. */
static void ask_share (const conv_job *job, const band_rows *b, const tile_group *g, int64_t k,
                       int64_t outs, int64_t share) {
  const conv_call *c = job->c;
  const int64_t all = c->ow % SIDE == 0 ? g->tiles * SIDE : 0, end = all * (share + 1) / g->sums;
  for (int64_t q = all * share / g->sums; q < end; q++) {
    const int64_t i = b->first + g->at[q / SIDE] / job->pitch;
    const int64_t j = g->at[q / SIDE] % job->pitch + q % SIDE;
    const int64_t at = ((b->n * c->oh + i) * c->ow + j) * c->outs + k;
    for (int64_t o = 0; o < outs; o += LINE)
      __builtin_prefetch(c->y + at + o, 1, 2);
    for (int64_t o = 0; c->add.x && c->add.resample == FX_RESAMPLE_SAME && o < outs; o += LINE)
      __builtin_prefetch(c->add.x + at + o, 0, 2);
    if (i + b->rows < b->until)
      source_ask(c->s, b->n, i + b->rows + c->pad_y, j);
  }
}

/* Blocks of outputs from .. from+count-1 for a whole band. */
static void band_outputs (const conv_job *job, const band_rows *b, int64_t from, int64_t count,
                          float *m) {
  const int64_t tiles = tile_count(job, b->rows), k = from * SIDE;
  const int64_t outs = smaller(job->c->outs - k, count * SIDE);
  for (int64_t tile = 0; tile < tiles; tile += TILES) {
    const tile_group g = group_of(job, tile, tiles, count);
    for (int64_t chunk = 0; chunk < job->chunks; chunk++) {
      const half *plane = b->band + job->planes * chunk * job->plane;
      const half *w = job->w + from * block_halves(job) + chunk * job->taps * step_halves(job);
      tile_rows a = { .row = PIXEL_BYTES, .low = job->plane * (int64_t)sizeof(half) };
      for (int64_t i = 0; i < TILES; i++)
        a.tile[i] = (const char *)(plane + g.at[i] * DEPTH);
      for (int64_t block = 0; block < count; block++) {
        ask_share(job, b, &g, k, outs, chunk * count + block);
        multiply(job, &a, chunk > 0, w + block * block_halves(job), m + block * SUMS_FLOATS);
      }
    }
    for (int64_t i = 0; i < g.tiles; i++)
      write_tile(job, b, g.at[i], k, outs, m + i * SIDE * SIDE);
  }
}

/* --- tall ------------------------------------------------------------------------------------- */

static int64_t strips_of (const conv_job *job) { return ceil_div(job->c->oh, job->strip); }

static float *scratch_m (const conv_job *job, float *scratch) {
  return scratch + source_scratch(job->c->s) + row_floats(job);
}

/* With sums of so many blocks. False: no memory. */
static bool new_scratch (conv_job *job, int64_t blocks) {
  job->scratch_floats = source_scratch(job->c->s) + row_floats(job) + blocks * SUMS_FLOATS;
  return (job->scratch = new_floats(fx_threads() * job->scratch_floats)) != NULL;
}

static void tall_task (void *context, int64_t item, int worker) {
  const conv_job *job = context;
  const int64_t n = item / strips_of(job), begin = item % strips_of(job) * job->strip;
  const int64_t end = smaller(job->c->oh, begin + job->strip);
  float *scratch = job->scratch + worker * job->scratch_floats;
  half *band = job->band + worker * job->band_halves;
  fxcpu_tiles_begin();
  for (int64_t row = begin; row < end; row += job->rows) {
    const int64_t rows = smaller(end - row, job->rows);
    make_band(job, n, row, rows, row > begin ? job->c->kh - 1 : 0, job->rows, scratch, band);
    band_outputs(job, &(band_rows){ n, row, rows, end, band }, 0, job->blocks,
                 scratch_m(job, scratch));
  }
  tiles_end();
}

/* Rows of a band of at most `bytes`, evenly cut from `all`; sets what follows from them. */
static void cut_rows (conv_job *job, int64_t all, int64_t bytes) {
  const int64_t row = 2 * job->planes * row_floats(job), most = bytes / row - (job->c->kh - 1);
  job->rows = ceil_div(all, ceil_div(all, larger(1, most)));
  /* Tiles may begin at the last position and reach 15 further, and taps kw more. What lies there is
  ** anything: a row of A goes into its own row of sums, and those rows are not written. */
  const int64_t positions = (job->rows + job->c->kh - 1) * job->pitch + SIDE + job->c->kw;
  job->plane = (positions + 1) * DEPTH;
  job->band_halves = job->planes * job->chunks * job->plane;
}

static fx_status run_tall (conv_job *job, int64_t weights) {
  const int64_t bytes = larger(BAND_BYTES / 4, smaller(BAND_BYTES, L2_BYTES - weights));
  job->strip = smaller(job->c->oh, STRIP_ROWS);
  cut_rows(job, job->strip, bytes);
  job->band = new_halves(fx_threads() * job->band_halves);
  if (!new_scratch(job, job->blocks) || !job->band)
    return FX_ENOMEM;
  fx_parallel(job->c->s->n * strips_of(job), tall_task, job);
  return FX_OK;
}

/* --- wide ------------------------------------------------------------------------------------- */

/* The rows of one of the bands in work. */
static band_rows rows_of_band (const conv_job *job, int64_t which) {
  const int64_t band = job->first + which, row = band % job->bands * job->rows;
  return (band_rows){ .n = band / job->bands,
                      .first = row,
                      .rows = smaller(job->rows, job->c->oh - row),
                      .band = job->shared + which * job->band_halves };
}

static void wide_band_task (void *context, int64_t item, int worker) {
  const conv_job *job = context;
  const band_rows b = rows_of_band(job, item);
  make_band(job, b.n, b.first, b.rows, 0, 0, job->scratch + worker * job->scratch_floats,
            job->shared + item * job->band_halves);
}

static void wide_task (void *context, int64_t item, int worker) {
  const conv_job *job = context;
  const int64_t from = item / job->count * job->group;
  const band_rows b = rows_of_band(job, item % job->count);
  fxcpu_tiles_begin();
  band_outputs(job, &b, from, smaller(job->group, job->blocks - from),
               scratch_m(job, job->scratch + worker * job->scratch_floats));
  tiles_end();
}

static fx_status run_wide (conv_job *job) {
  cut_rows(job, job->c->oh, BAND_BYTES);
  job->bands = ceil_div(job->c->oh, job->rows);
  job->group = larger(1, GROUP_BYTES / (2 * block_halves(job)));
  const int64_t all = job->c->s->n * job->bands;
  const int64_t most = smaller(all, larger(1, WIDE_BYTES / (2 * job->band_halves)));
  job->shared = new_halves(most * job->band_halves);
  if (!new_scratch(job, job->group) || !job->shared)
    return FX_ENOMEM;
  for (job->first = 0; job->first < all; job->first += most) {
    job->count = smaller(most, all - job->first);
    fx_parallel(job->count, wide_band_task, job);
    fx_parallel(job->count * ceil_div(job->blocks, job->group), wide_task, job);
  }
  return FX_OK;
}

/* --- entry ------------------------------------------------------------------------------------ */

fx_status fxcpu_amx_conv (const conv_call *c) {
  conv_job job = {
    .c = c, .planes = c->s->bf16 ? 1 : 2, .taps = c->kh * c->kw, .pitch = c->ow + c->kw - 1
  };
  job.chunks = ceil_div(c->s->c, DEPTH);
  job.blocks = ceil_div(c->outs, SIDE);
  if (c->s->n * c->oh * c->ow == 0)
    return FX_OK;
  const int64_t halves = job.blocks * block_halves(&job);
  if (!(job.w = new_halves(halves)))
    return FX_ENOMEM;
  fx_parallel(job.blocks, pack_task, &job);
  const fx_status st = 2 * halves <= TALL_BYTES ? run_tall(&job, 2 * halves) : run_wide(&job);
  fx_free(job.band);
  fx_free(job.shared);
  fx_free(job.scratch);
  fx_free(job.w);
  return st;
}
