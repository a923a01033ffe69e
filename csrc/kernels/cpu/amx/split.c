/* split.c - see split.h. */
#include "kernels/cpu/amx/split.h"

/* What LDTILECFG reads. In memory for good: GCC's intrinsic tells the compiler of 8 bytes only. */
static const struct {
  uint8_t palette, start, zeros[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} __attribute__((aligned(64))) registers = {
  .palette = 1,
  .row_bytes = { 64, 64, 64, 64, 64, 64, 64, 64 },
  .rows = { SIDE, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE },
};

void fxcpu_tiles_begin (void) { _tile_loadconfig(&registers); }
