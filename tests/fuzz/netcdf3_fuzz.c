/* netcdf3_fuzz.c - netCDF classic: what follows "CDF" is the input, so that none is wasted on another format. */
#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t n) {
  static uint8_t file[1 << 16];
  if (n > sizeof file - 3)
    return 0;
  memcpy(file, "CDF", 3);
  memcpy(file + 3, bytes, n);
  fuzz_container(file, n + 3);
  return 0;
}
