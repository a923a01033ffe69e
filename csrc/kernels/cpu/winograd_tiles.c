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

void fxcpu_tiles_read (const tiling *t, tile_block block, bool follows, int64_t q, float *scratch,
                       float *v) {
  const int64_t pixels = TILE_PIXELS * t->cols + 2, step = TILE_ROWS * t->lead;
  const int64_t begin = block.first / t->cols, end = begin + block.count / t->cols;
  float *const ring = scratch + source_scratch(t->s);
  for (int64_t line = begin; line < end; line++) {
    const int64_t n = line / t->rows, row = line % t->rows, top = TILE_PIXELS * row - 1;
    const int64_t kept = row > 0 && (follows || line > begin) ? 2 : 0;
    float *rows[6];
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
