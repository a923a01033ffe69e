/*
** gemm.c - one register tile, and the products made of it.
**
** B is packed into panels TILE_COLS wide, so that a step of the inner loop loads two vectors and
** multiplies them with TILE_ROWS broadcast numbers of A. A itself is never packed: its rows are
** read through pointers, which lets a convolution hand over pixels of the image in place of the
** rows of a matrix, nine times larger, that im2col would write. A transposed A has its TILE_ROWS
** numbers side by side. Whole calls of linear and matmul with K of 256 to 1024, one Zen 4 thread,
** 2026-11-24, the three tables in turn in one process, two runs on a busy machine: AVX-512 102-113
** GFLOP/s, AVX2 98-108, OpenBLAS 0.3.21 on slices of 64 rows 68-97; a loop of FMAs alone makes 118.
** At 64^3 OpenBLAS won on two of three with 115 against 102. So it computes only where there is no
** AVX (USE_BLAS in matmul.c), and there matmul alone: linear layers of 260 rows (linear.c) took 0.7 to
** 2.6 ms on plain SSE, with its code for such processors (Nehalem) 0.8 to 3.0, in alternation.
**
** Each number of a tile is the chain acc = a b + acc over p in order, starting at 0, cut only by
** DEPTH: its bits depend neither on its place in the tile nor on the size of the matrix. So a
** sample is the same alone and in a batch by construction. Tiles with missing rows repeat the last
** one and drop the result.
*/
#include "kernels/cpu/gemm.h"

#include <string.h>

/* Depth of one pass: DEPTH x TILE_COLS floats of B (48 KiB with AVX-512) are reused from L2 by all
** rows of A, and TILE_ROWS x DEPTH of A lie in L1. */
#define DEPTH 384

#define INLINE static inline __attribute__((always_inline))

/* --- packing ---------------------------------------------------------------------------------- */

static void pack_transposed (int64_t k, int64_t width, const float *b, int64_t step_n, float *to) {
  /* 16 columns of B^T, a cache line, at a time: lines stay in L1 until all of them is used. */
  for (int64_t p = 0; p < k; p += 16)
    transpose_block(width, smaller(k - p, 16), b + p, step_n, to + p * TILE_COLS, TILE_COLS);
}

void fxcpu_pack_panel (int64_t k, int64_t width, const float *b, int64_t step_k, int64_t step_n,
                       float *panel) {
  if (width < TILE_COLS)
    memset(panel, 0, (size_t)(k * TILE_COLS) * sizeof *panel);
  if (step_n != 1) {
    pack_transposed(k, width, b, step_n, panel);
    return;
  }
  for (int64_t p = 0; p < k; p++, b += step_k, panel += TILE_COLS) {
    if (width == TILE_COLS)
      for (int j = 0; j < TILE_COLS; j += LANES)
        store(panel + j, load(b + j));
    else
      for (int64_t j = 0; j < width; j++)
        panel[j] = b[j];
  }
}

void fxcpu_pack (int64_t k, int64_t n, const float *b, int64_t step_k, int64_t step_n,
                 float *panels) {
  for (int64_t j = 0; j < n; j += TILE_COLS)
    fxcpu_pack_panel(k, smaller(n - j, TILE_COLS), b + j * step_n, step_k, step_n, panels + j * k);
}

/* --- tiles ------------------------------------------------------------------------------------ */

INLINE void clear_tile (int count, vec acc[][2]) {
  UNROLLED for (int i = 0; i < count; i++) acc[i][0] = acc[i][1] = (vec){ 0 };
}

INLINE void write_tile (int count, vec acc[][2], float *out) {
  UNROLLED for (int i = 0; i < count; i++) {
    store(out + i * TILE_COLS, acc[i][0]);
    store(out + i * TILE_COLS + LANES, acc[i][1]);
  }
}

INLINE void rows_tile (int count, const float *const *row, int64_t segments, int64_t length,
                       int64_t jump, const float *panel, float *out) {
  vec acc[TILE_ROWS][2];
  clear_tile(count, acc);
  for (int64_t s = 0; s < segments; s++) {
    const float *from[TILE_ROWS];
    UNROLLED for (int i = 0; i < count; i++) from[i] = row[i] + s * jump;
    for (int64_t p = 0; p < length; p++, panel += TILE_COLS) {
      const vec b0 = load(panel), b1 = load(panel + LANES);
      UNROLLED for (int i = 0; i < count; i++) {
        const float x = from[i][p];
        acc[i][0] += x * b0;
        acc[i][1] += x * b1;
      }
    }
  }
  write_tile(count, acc, out);
}

INLINE void columns_tile (int count, int64_t k, const float *a, int64_t step, const float *panel,
                          float *out) {
  vec acc[TILE_ROWS][2];
  clear_tile(count, acc);
  for (int64_t p = 0; p < k; p++, a += step, panel += TILE_COLS) {
    const vec b0 = load(panel), b1 = load(panel + LANES);
    UNROLLED for (int i = 0; i < count; i++) {
      acc[i][0] += a[i] * b0;
      acc[i][1] += a[i] * b1;
    }
  }
  write_tile(count, acc, out);
}

void fxcpu_tile_of_rows (int64_t rows, const float *const *row, int64_t segments, int64_t length,
                         int64_t jump, const float *panel, float *out) {
  const float *all[TILE_ROWS];
  for (int64_t i = 0; i < TILE_ROWS; i++)
    all[i] = row[smaller(i, rows - 1)];
  if (rows <= 2)
    rows_tile(2, all, segments, length, jump, panel, out);
  else
    rows_tile(TILE_ROWS, all, segments, length, jump, panel, out);
}

void fxcpu_tile_of_columns (int64_t rows, int64_t k, const float *a, int64_t step,
                            const float *panel, float *out) {
  if (rows == TILE_ROWS) {
    columns_tile(TILE_ROWS, k, a, step, panel, out);
    return;
  }
  for (int64_t i = 0; i < rows;) { /* the rest: pairs, then one */
    const int count = rows - i >= 4 ? 4 : rows - i >= 2 ? 2 : 1;
    if (count == 4)
      columns_tile(4, k, a + i, step, panel, out + i * TILE_COLS);
    else if (count == 2)
      columns_tile(2, k, a + i, step, panel, out + i * TILE_COLS);
    else
      columns_tile(1, k, a + i, step, panel, out + i * TILE_COLS);
    i += count;
  }
}

/* --- products --------------------------------------------------------------------------------- */

static void panel_product (bool transposed, int64_t m, int64_t cols, int64_t k, const float *a,
                           int64_t lda, const float *panel, bool add, float *c, int64_t ldc) {
  float tile[TILE_SIZE];
  for (int64_t i = 0; i < m; i += TILE_ROWS) {
    const int64_t rows = smaller(m - i, TILE_ROWS);
    if (transposed) {
      fxcpu_tile_of_columns(rows, k, a + i, lda, panel, tile);
    } else {
      const float *row[TILE_ROWS];
      for (int64_t r = 0; r < rows; r++)
        row[r] = a + (i + r) * lda;
      fxcpu_tile_of_rows(rows, row, 1, k, 0, panel, tile);
    }
    store_tile(tile, rows, cols, add, NULL, c + i * ldc, ldc);
  }
}

void fxcpu_product (bool transposed, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                    const float *panels, bool add, float *c, int64_t ldc) {
  if (k == 0 && !add)
    for (int64_t i = 0; i < m; i++)
      memset(c + i * ldc, 0, (size_t)n * sizeof *c);
  for (int64_t p = 0; p < k; p += DEPTH)
    for (int64_t j = 0; j < n; j += TILE_COLS)
      panel_product(transposed, m, smaller(n - j, TILE_COLS), smaller(k - p, DEPTH),
                    a + (transposed ? p * lda : p), lda, panels + j * k + p * TILE_COLS,
                    add || p > 0, c + j, ldc);
}

/* c = tile + (c if `add`) + bias + more, in this order; bias (cols) and more, beside c, may be NULL. */
static void finish_tile (const float *tile, int64_t rows, int64_t cols, bool add, const float *bias,
                         const float *more, float *c, int64_t ldc) {
  for (int64_t i = 0; i < rows; i++, tile += TILE_COLS, c += ldc, more = more ? more + ldc : NULL) {
    int64_t j = 0;
    for (; j + LANES <= cols; j += LANES) {
      vec v = load(tile + j);
      if (add)
        v += load(c + j);
      if (bias)
        v += load(bias + j);
      store(c + j, more ? v + load(more + j) : v);
    }
    for (; j < cols; j++) {
      float v = tile[j];
      if (add)
        v += c[j];
      if (bias)
        v += bias[j];
      c[j] = more ? v + more[j] : v;
    }
  }
}

/* Tile i: `depth` products of each row from p on, of the matrix `half`. */
static void part_of_tile (const panel_call *call, int64_t i, int64_t rows, int half, int64_t p,
                          int64_t depth, const float *panel, float *tile) {
  const float *row[TILE_ROWS];
  for (int64_t r = 0; r < rows; r++)
    row[r] = call->x.a[half] + (i * TILE_ROWS + r) * call->x.lda[half] + p;
  fxcpu_tile_of_rows(rows, row, 1, depth, 0, panel, tile);
}

void fxcpu_panel_of_rows (const panel_call *call) {
  const product_rows *x = &call->x;
  const int64_t whole = x->k[0] + x->k[1], count = ceil_div(call->m, TILE_ROWS);
  const float *panel = call->panel;
  int64_t done = 0;
  float tile[TILE_SIZE] = { 0 };
  for (int half = 0; half < 2; half++)
    for (int64_t p = 0, depth; p < x->k[half]; p += depth, panel += depth * TILE_COLS) {
      const bool first = done == 0;
      depth = smaller(x->k[half] - p, DEPTH);
      done += depth;
      for (int64_t i = 0; i < count; i++) {
        const int64_t rows = smaller(call->m - i * TILE_ROWS, TILE_ROWS);
        const int64_t at = i * TILE_ROWS * call->ldc;
        part_of_tile(call, i, rows, half, p, depth, panel, tile);
        finish_tile(tile, rows, call->cols, !first, done == whole ? call->bias : NULL,
                    done == whole && call->more ? call->more + at : NULL, call->c + at, call->ldc);
      }
    }
  for (int64_t i = 0; whole == 0 && i < call->m; i++)
    finish_tile(tile, 1, call->cols, false, call->bias,
                call->more ? call->more + i * call->ldc : NULL, call->c + i * call->ldc, call->ldc);
}

/* --- dot products ----------------------------------------------------------------------------- */

/* `outs` (a constant) dot products of one x. */
INLINE void dot_group (int outs, int64_t k, const float *x, const float *w, const float *bias,
                       float *y) {
  vec acc[4];
  UNROLLED for (int o = 0; o < outs; o++) acc[o] = (vec){ 0 };
  int64_t p = 0;
  for (; p + LANES <= k; p += LANES) {
    const vec v = load(x + p);
    UNROLLED for (int o = 0; o < outs; o++) acc[o] += v * load(w + o * k + p);
  }
  for (int o = 0; o < outs; o++) {
    float sum = sum_lanes(acc[o]);
    for (int64_t q = p; q < k; q++)
      sum += x[q] * w[o * k + q];
    y[o] = bias ? sum + bias[o] : sum;
  }
}

void fxcpu_dots (int64_t rows, int64_t outs, int64_t k, const float *x, const float *w,
                 const float *bias, float *y) {
  for (int64_t i = 0; i < rows; i++, x += k, y += outs) {
    int64_t o = 0;
    for (; o + 4 <= outs; o += 4)
      dot_group(4, k, x, w + o * k, bias ? bias + o : NULL, y + o);
    for (; o < outs; o++)
      dot_group(1, k, x, w + o * k, bias ? bias + o : NULL, y + o);
  }
}
