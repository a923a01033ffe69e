/* safetensors_fuzz.c - checkpoints in safetensors. */
#include "fuzz.h"

#include "io/archive.h"

int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t n) {
  fx_archive *a;
  if (fx_safetensors_load(fuzz_file(bytes, n), &a) == FX_OK)
    fx_archive_free(a);
  return 0;
}
