/*
** winograd.h - 3x3 convolution by Winograd's minimal filtering F(4x4,3x3) [Lavin & Gray 2016].
**
** An output tile of 4x4 pixels needs 144 multiplications per pair of channels; on the 6x6 tile of
** the input, transformed, it needs 36, so the products shrink to a quarter:
**
**     Y = A^T [ (G g G^T) . (B^T d B) ] A        d: 6x6 of the input, g: 3x3 weights, Y: 4x4
**
** The product "." is taken at each of the 36 positions by itself; summed over channels and for many
** tiles it is a matrix product V_p (tiles, C) U_p (C, O). With channels last every transform works
** on LANES channels at once.
**
** Memory. Transformed tiles come in groups of TILE_ROWS, the rows of gemm.c's tile:
**   v[group][p][tile of the group][lead]        lead = C rounded up to LANES, + LANES
** so that the 36 numbers of a tile lie within a page or two and not a power of two apart, which
** would put them into one set of the cache. The input never exists transformed as a whole: a block
** of tiles is read, multiplied and written back while it lies in L2 (winograd.c says how blocks are
** cut). A row of the image is made once (source.h) and kept in a ring of six while needed.
**
** Rounding. The points 0, +-1, +-2 cost about a digit of float, sums over many channels would cost
** another: they are cut into runs (winograd.c). Tests hold the error below 2e-5 of the largest output,
** docs/performance.md tables it by number of channels.
*/
#ifndef FX_CPU_WINOGRAD_H
#define FX_CPU_WINOGRAD_H

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/residual.h"
#include "kernels/cpu/source.h"

#define POSITIONS 36
#define TILE_PIXELS 4

/* How the output of a source is cut into tiles. */
typedef struct {
  const conv_source *s;
  int64_t rows, cols; /* of tiles in an image                      */
  int64_t pitch;      /* floats a pixel in the ring                */
  int64_t lead;       /* floats from a tile to the next in v       */
  int64_t row_floats; /* of the ring                               */
} tiling;

/* Some tiles in the order (image, row, column). */
typedef struct {
  int64_t first, count;
} tile_block;

/* Rows of tiles in a block: about BLOCK_TILES tiles, fewer where they have many floats, so that L2
** holds them beside the weights that pass by. */
#define BLOCK_TILES 32
#define BLOCK_FLOATS 10240

static inline tiling tiling_of (const conv_source *s) {
  tiling t = { .s = s };
  t.rows = ceil_div(s->rows, TILE_PIXELS);
  t.cols = ceil_div(s->cols, TILE_PIXELS);
  t.pitch = ceil_div(s->c, LANES) * LANES;
  t.lead = t.pitch + LANES;
  t.row_floats = (TILE_PIXELS * t.cols + 2) * t.pitch + LANES;
  return t;
}

static inline int64_t block_rows (const tiling *t, int64_t floats) {
  const int64_t tiles = smaller(BLOCK_TILES, BLOCK_FLOATS / floats);
  return smaller(t->rows, larger(1, tiles / t->cols));
}

static inline int64_t tile_total (const tiling *t) { return t->s->n * t->rows * t->cols; }

/* Floats of v for so many tiles with `lead` floats each. */
static inline int64_t tiles_size (int64_t count, int64_t lead) {
  return ceil_div(count, TILE_ROWS) * TILE_ROWS * POSITIONS * lead;
}

/* Tile q of a block at position 0; position p lies p TILE_ROWS lead further. */
static inline int64_t tile_offset (int64_t q, int64_t lead) {
  return (q / TILE_ROWS * POSITIONS * TILE_ROWS + q % TILE_ROWS) * lead;
}

/* Floats of scratch that tiles_read needs. */
static inline int64_t tiles_scratch (const tiling *t) {
  return 6 * t->row_floats + source_scratch(t->s);
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

/* --- the transforms of six, four and three numbers, `step` apart -------------------------------- */

/* B^T: 6 -> 6 */
static inline void transform_input (const vec *d, int step, vec *o, int to) {
  const vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
  const vec d5 = d[5 * step];
  const vec a = d4 - 4.0f * d2, b = d3 - 4.0f * d1, c = d4 - d2, e = 2.0f * (d3 - d1);
  o[0] = 4.0f * d0 - 5.0f * d2 + d4;
  o[to] = a + b;
  o[2 * to] = a - b;
  o[3 * to] = c + e;
  o[4 * to] = c - e;
  o[5 * to] = 4.0f * d1 - 5.0f * d3 + d5;
}

/* A^T: 6 -> 4 */
static inline void transform_output (const vec *m, int step, vec *o, int to) {
  const vec a = m[step] + m[2 * step], b = m[step] - m[2 * step];
  const vec c = m[3 * step] + m[4 * step], d = m[3 * step] - m[4 * step];
  o[0] = m[0] + a + c;
  o[to] = b + 2.0f * d;
  o[2 * to] = a + 4.0f * c;
  o[3 * to] = b + 8.0f * d + m[5 * step];
}

/* A: 4 -> 6, the adjoint of transform_output */
static inline void spread_output (const vec *y, int step, vec *o, int to) {
  const vec y0 = y[0], y1 = y[step], y2 = y[2 * step], y3 = y[3 * step];
  const vec even = y0 + y2, odd = y1 + y3, far = y0 + 4.0f * y2, skew = 2.0f * y1 + 8.0f * y3;
  o[0] = y0;
  o[to] = even + odd;
  o[2 * to] = even - odd;
  o[3 * to] = far + skew;
  o[4 * to] = far - skew;
  o[5 * to] = y3;
}

/* G: 3 -> 6 */
static inline void transform_weights (const vec *g, int step, vec *o, int to) {
  const vec g0 = g[0], g1 = g[step], g2 = g[2 * step];
  const vec sum = (g0 + g2) * (-1.0f / 6.0f), middle = g1 * (1.0f / 6.0f);
  const vec far = g0 * (1.0f / 24.0f) + g2 * (1.0f / 6.0f), skew = g1 * (1.0f / 12.0f);
  o[0] = 0.25f * g0;
  o[to] = sum - middle;
  o[2 * to] = sum + middle;
  o[3 * to] = far + skew;
  o[4 * to] = far - skew;
  o[5 * to] = g2;
}

/* G^T: 6 -> 3, its adjoint */
static inline void gather_weights (const vec *u, int step, vec *o, int to) {
  const vec near = u[step] + u[2 * step], near_skew = u[2 * step] - u[step];
  const vec far = u[3 * step] + u[4 * step], far_skew = u[3 * step] - u[4 * step];
  o[0] = 0.25f * u[0] - near * (1.0f / 6.0f) + far * (1.0f / 24.0f);
  o[to] = near_skew * (1.0f / 6.0f) + far_skew * (1.0f / 12.0f);
  o[2 * to] = (far - near) * (1.0f / 6.0f) + u[5 * step];
}

#endif
