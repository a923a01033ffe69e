/*
** winograd.h - 3x3 convolution by Winograd's minimal filtering F(4x4,3x3) and F(6x6,3x3) [Lavin & Gray 2016].
**
** An output tile of 4x4 pixels needs 144 multiplications per pair of channels; on the 6x6 tile of
** the input, transformed, it needs 36, so the products shrink to a quarter:
**
**     Y = A^T [ (G g G^T) . (B^T d B) ] A        d: 6x6 of the input, g: 3x3 weights, Y: 4x4
**
** Tiles of 6x6 pixels are 8x8 of the input and need 64 for 324: a fifth. Larger maps take them; small ones would fill
** them badly, and the gradient for the weights, whose sums are over tiles, keeps the smaller ones.
**
** The product "." is taken at each of the positions by itself; summed over channels and for many
** tiles it is a matrix product V_p (tiles, C) U_p (C, O). With channels last every transform works
** on LANES channels at once.
**
** Memory. Transformed tiles come in groups of GROUP_TILES, whose products are made together in registers:
**   v[group][p][tile of the group][lead]        lead = C rounded up to LANES, + LANES
** so that the numbers of a tile lie within a few pages and not a power of two apart, which would put
** them into one set of the cache. The input never exists transformed as a whole: a block
** of tiles is read, multiplied and written back while it lies in the caches (winograd.c says
** how blocks are cut). A row of the image is made once (source.h) and kept in a ring while needed.
**
** Rounding. The points cost about a digit of float, sums over many channels would cost another: they
** are cut into runs (winograd.c). Tests hold the error below 2e-5 of the largest output, and
** docs/measurements.md tables it by number of channels.
*/
#ifndef FX_CPU_WINOGRAD_H
#define FX_CPU_WINOGRAD_H

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/residual.h"
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

/* What winograd.c computes: y (n,rows,cols,outs) = conv(s, w) + bias + add. w is (outs,3,3,c), or
** (c,3,3,outs) to be flipped, as the gradient for the input needs it. */
typedef struct {
  const conv_source *s;
  const float *w, *bias;
  bool flipped;
  residual add;
  int64_t outs;
  float *y;
} winograd_conv;
fx_status fxcpu_winograd(const winograd_conv *c) FXCPU_SYMBOL(winograd);

/* dw (outs,3,3,c) and, unless NULL, db (outs) of that convolution. */
typedef struct {
  const conv_source *s;
  const float *dy; /* (n,rows,cols,outs) */
  int64_t outs;
  float *dw, *db;
} winograd_grad;
fx_status fxcpu_winograd_weights(const winograd_grad *g) FXCPU_SYMBOL(winograd_weights);

/* Whether the tiles pay: the shape of one image decides, never the batch, since the bits differ. */
static inline bool winograd_suits (int64_t kh, int64_t kw, int64_t stride, int64_t pad, int64_t c,
                                   int64_t outs) {
  return kh == 3 && kw == 3 && stride == 1 && pad == 1 && c >= 16 && outs >= 16;
}

#endif
