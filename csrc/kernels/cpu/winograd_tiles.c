/* winograd_tiles.c - tiles of the input, transformed: see winograd.h. */
#include "kernels/cpu/winograd.h"

/* B^T d B of LANES channels at `at` in six rows; results `step` floats apart. */
static inline void read_tile (float *const row[6], int64_t at, int64_t pitch, int64_t step,
                              float *to) {
  vec d[POSITIONS], e[POSITIONS];
#pragma GCC unroll 6
  for (int j = 0; j < 6; j++) {
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++)
      d[i] = load(row[i] + at + j * pitch);
    transform_input(d, 1, e + j, 6);
  }
#pragma GCC unroll 6
  for (int i = 0; i < 6; i++) {
    vec o[6];
    transform_input(e + 6 * i, 1, o, 1);
#pragma GCC unroll 6
    for (int j = 0; j < 6; j++)
      store(to + (6 * i + j) * step, o[j]);
  }
}

void fxcpu_tiles_read (const tiling *t, int64_t n, int64_t row, int64_t count, int64_t q,
                       float *scratch, float *v) {
  const int64_t pixels = TILE_PIXELS * t->cols + 2, step = TILE_ROWS * t->lead;
  float *const ring = scratch + source_scratch(t->s);
  for (int64_t r = 0; r < count; r++) {
    float *rows[6];
    const int64_t top = TILE_PIXELS * (row + r) - 1, kept = r == 0 ? 0 : 2;
    for (int64_t i = 0; i < 6; i++) {
      rows[i] = ring + (top + 1 + i) % 6 * t->row_floats;
      if (i >= kept)
        fxcpu_source_row(t->s, n, top + i, 1, pixels, t->pitch, scratch, rows[i]);
    }
    for (int64_t j = 0; j < t->cols; j++, q++) {
      float *to = v + tile_offset(q, t->lead);
      for (int64_t c = 0; c < t->pitch; c += LANES)
        read_tile(rows, TILE_PIXELS * j * t->pitch + c, t->pitch, step, to + c);
    }
  }
}

void fxcpu_tiles_read_block (const tiling *t, tile_block block, int64_t q, float *scratch,
                             float *v) {
  const int64_t end = (block.first + block.count) / t->cols;
  for (int64_t row = block.first / t->cols; row < end;) {
    const int64_t n = row / t->rows, first = row % t->rows;
    const int64_t count = smaller(end - row, t->rows - first);
    fxcpu_tiles_read(t, n, first, count, q, scratch, v);
    q += count * t->cols;
    row += count;
  }
}
