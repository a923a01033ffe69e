/*
** winograd_tiles.h - how an image is cut into tiles (winograd.h says what for), and where their numbers lie.
**
** Transformed tiles come in groups of GROUP_TILES, whose products are made together in registers:
**   v[group][p][tile of the group][lead]        lead = C rounded up to LANES, + LANES
** so that the numbers of a tile lie within a few pages and not a power of two apart, which would put
** them into one set of the cache. The input never exists transformed as a whole: a block
** of tiles is read, multiplied and written back while it lies in the caches (winograd.c says
** how blocks are cut). A row of the image is made once (source.h) and kept in a ring while needed.
*/
#ifndef FX_CPU_WINOGRAD_TILES_H
#define FX_CPU_WINOGRAD_TILES_H

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/source.h"
#include "kernels/cpu/winograd_transform.h"

/* Tiles whose products are made at a time, with TILE_COLS outputs: in 22 of 32 registers with AVX-512, in 12 of
** 16 otherwise. Rows of 22 and 11 tiles, those of maps of 128 and 64 pixels, fill groups of 11 and blocks of 66 fill
** both; gemm.c's tile, whose rows are any number, keeps its own TILE_ROWS. */
#define GROUP_TILES (LANES == 16 ? 11 : 6)
#define GROUP_FLOATS (GROUP_TILES * TILE_COLS)

/* Of the largest tile. */
#define MOST_SIDE 8
#define MOST_POSITIONS 64

/* How the output of a source is cut into tiles. */
typedef struct {
  const conv_source *s;
  int64_t pixels;     /* of the output, a side of a tile: 4 or 6   */
  int64_t side;       /* of the input: pixels + 2                  */
  int64_t positions;  /* side^2                                    */
  int64_t rows, cols; /* of tiles in an image                      */
  int64_t pitch;      /* floats a pixel in the ring                */
  int64_t lead;       /* floats from a tile to the next in v       */
  int64_t row_floats; /* of the ring                               */
} tiling;

/* Some tiles in the order (image, row, column). */
typedef struct {
  int64_t first, count;
} tile_block;

static inline tiling tiling_of (const conv_source *s, int64_t pixels) {
  tiling t = { .s = s, .pixels = pixels, .side = pixels + 2 };
  t.positions = t.side * t.side;
  t.rows = ceil_div(s->rows, pixels);
  t.cols = ceil_div(s->cols, pixels);
  t.pitch = ceil_div(s->c, LANES) * LANES;
  t.lead = t.pitch + LANES;
  t.row_floats = (pixels * t.cols + 2) * t.pitch + LANES;
  return t;
}

static inline int64_t tile_total (const tiling *t) { return t->s->n * t->rows * t->cols; }

/* Floats of v for so many tiles with `lead` floats each. */
static inline int64_t tiles_size (const tiling *t, int64_t count, int64_t lead) {
  return ceil_div(count, GROUP_TILES) * GROUP_TILES * t->positions * lead;
}

/* Tile q of a block at position 0; position p lies p GROUP_TILES lead further. */
static inline int64_t tile_offset (const tiling *t, int64_t q, int64_t lead) {
  return (q / GROUP_TILES * t->positions * GROUP_TILES + q % GROUP_TILES) * lead;
}

/* Floats of scratch that tiles_read needs. */
static inline int64_t tiles_scratch (const tiling *t) {
  return t->side * t->row_floats + source_scratch(t->s);
}

/* v = B^T d B for a block of whole rows of tiles; its first tile becomes tile q of v. `follows` says
** that the block before it was read with the same scratch: two rows of the image are then there. */
void fxcpu_tiles_read(const tiling *t, tile_block block, bool follows, int64_t q, float *scratch,
                      float *v) FXCPU_SYMBOL(tiles_read);

#endif
