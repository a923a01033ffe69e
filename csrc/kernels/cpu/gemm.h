/*
** gemm.h - the micro-kernel under convolution, linear, matmul and attention.
*/
#ifndef FX_CPU_GEMM_H
#define FX_CPU_GEMM_H

#include "kernels/cpu/cpu.h"

/* A tile of the result is TILE_ROWS x TILE_COLS numbers held in registers: 16 of 32 with AVX-512,
** 12 of 16 otherwise. */
#define TILE_ROWS (LANES == 16 ? 8 : 6)
#define TILE_COLS (2 * LANES)
#define TILE_FLOATS (TILE_ROWS * TILE_COLS)
#define TILE_SIZE (8 * TILE_COLS)

/* Matrix B (k,n) as panels of TILE_COLS columns, row after row; columns past n are 0. */
static inline int64_t panel_count (int64_t n) { return ceil_div(n, TILE_COLS); }
static inline int64_t panels_size (int64_t k, int64_t n) { return panel_count(n) * TILE_COLS * k; }

/* Packs one panel: B's element (p,j), p < k, j < width, is b[p step_k + j step_n]; a step is 1. */
void fxcpu_pack_panel(int64_t k, int64_t width, const float *b, int64_t step_k, int64_t step_n,
                      float *panel) FXCPU_SYMBOL(pack_panel);
/* All of them, in this thread. */
void fxcpu_pack(int64_t k, int64_t n, const float *b, int64_t step_k, int64_t step_n, float *panels)
    FXCPU_SYMBOL(pack);

/* out[i][j] = sum_s sum_p row[i][s jump + p] * panel[s length + p][j] for i < rows, s < segments,
** p < length: `row` are pointers to anything, a matrix or the pixels of an image. */
void fxcpu_tile_of_rows(int64_t rows, const float *const *row, int64_t segments, int64_t length,
                        int64_t jump, const float *panel, float *out) FXCPU_SYMBOL(tile_of_rows);

/* out[i][j] = sum_p a[p step + i] * panel[p][j] for i < rows: A is read by columns. */
void fxcpu_tile_of_columns(int64_t rows, int64_t k, const float *a, int64_t step,
                           const float *panel, float *out) FXCPU_SYMBOL(tile_of_columns);

/* C (m,n) = op(A) B, or += if `add`: element (i,p) of op(A) is a[i lda + p], or a[p lda + i] if
** transposed. An element's bits depend on k alone, not on m, n or its place. One thread. */
void fxcpu_product(bool transposed, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                   const float *panels, bool add, float *c, int64_t ldc) FXCPU_SYMBOL(product);

/* C (m,cols) = op(A) B + bias + more for one panel, cols <= TILE_COLS; a row of op(A) is k[0] numbers of one
** matrix and then k[1] of another. bias (cols) and more, which lies like C, may be NULL. Bits: chains are cut
** between the matrices and by DEPTH (gemm.c), and so depend on k alone. */
typedef struct {
  const float *a[2];
  int64_t k[2], lda[2];
} product_rows;
typedef struct {
  product_rows x;
  int64_t m, cols, ldc;
  const float *panel, *bias, *more;
  float *c;
} panel_call;
void fxcpu_panel_of_rows(const panel_call *call) FXCPU_SYMBOL(panel_of_rows);

/* y[i,o] = (bias ? bias[o] : 0) + x[i] . w[o] for rows i of x (rows,k), w (outs,k). Bits
** depend on k alone. For few rows or few outs, where packing w would not pay. */
void fxcpu_dots(int64_t rows, int64_t outs, int64_t k, const float *x, const float *w,
                const float *bias, float *y) FXCPU_SYMBOL(dots);

/* Copies a tile into C: set, or add, or set with a bias per column. */
static inline void store_tile (const float *tile, int64_t rows, int64_t cols, bool add,
                               const float *bias, float *c, int64_t ldc) {
  for (int64_t i = 0; i < rows; i++, tile += TILE_COLS, c += ldc) {
    if (cols == TILE_COLS && !bias)
      for (int j = 0; j < TILE_COLS; j += LANES)
        store(c + j, add ? load(c + j) + load(tile + j) : load(tile + j));
    else
      for (int64_t j = 0; j < cols; j++)
        c[j] = tile[j] + (add ? c[j] : bias ? bias[j] : 0.0f);
  }
}

#endif
