/* winograd_tiles.c - tiles of the input, transformed: see winograd_tiles.h. */
#include "kernels/cpu/winograd_tiles.h"

/* B^T d B of LANES channels at `at` in the rows; results `step` floats apart. `pixels` is a constant. */
static inline __attribute__((always_inline)) void
read_tile (int pixels, float *const *row, int64_t at, int64_t pitch, int64_t step, float *to) {
  const int side = pixels + 2;
  vec d[MOST_SIDE], e[MOST_POSITIONS];
  UNROLLED
  for (int j = 0; j < side; j++) {
    UNROLLED
    for (int i = 0; i < side; i++)
      d[i] = load(row[i] + at + j * pitch);
    transform_input(pixels, d, 1, e + j, side);
  }
  UNROLLED
  for (int i = 0; i < side; i++) {
    vec o[MOST_SIDE];
    transform_input(pixels, e + side * i, 1, o, 1);
    UNROLLED
    for (int j = 0; j < side; j++)
      store(to + (side * i + j) * step, o[j]);
  }
}

static void read_tile_of_4 (float *const *row, int64_t at, int64_t pitch, int64_t step, float *to) {
  read_tile(4, row, at, pitch, step, to);
}

static void read_tile_of_6 (float *const *row, int64_t at, int64_t pitch, int64_t step, float *to) {
  read_tile(6, row, at, pitch, step, to);
}

void fxcpu_tiles_read (const tiling *t, tile_block block, bool follows, int64_t q, float *scratch,
                       float *v) {
  const int64_t pixels = t->pixels * t->cols + 2, step = GROUP_TILES * t->lead;
  const int64_t begin = block.first / t->cols, end = begin + block.count / t->cols;
  float *const ring = scratch + source_scratch(t->s);
  for (int64_t line = begin; line < end; line++) {
    const int64_t n = line / t->rows, row = line % t->rows, top = t->pixels * row - 1;
    const int64_t kept = row > 0 && (follows || line > begin) ? 2 : 0;
    float *rows[MOST_SIDE];
    for (int64_t i = 0; i < t->side; i++) {
      rows[i] = ring + (top + 1 + i) % t->side * t->row_floats;
      if (i >= kept)
        fxcpu_source_row(t->s, n, top + i, 1, pixels, t->pitch, scratch, rows[i]);
    }
    for (int64_t j = 0; j < t->cols; j++, q++) {
      float *to = v + tile_offset(t, q, t->lead);
      const int64_t at = t->pixels * j * t->pitch;
      for (int64_t c = 0; c < t->pitch; c += LANES)
        if (t->pixels == 4)
          read_tile_of_4(rows, at + c, t->pitch, step, to + c);
        else
          read_tile_of_6(rows, at + c, t->pitch, step, to + c);
    }
  }
}
