/* pt_fuzz.c - PyTorch's .pt: a zip, the pickle in it, the tensors that the pickle means. */
#include "fuzz.h"

#include "io/archive.h"

int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t n) {
  fx_archive *a;
  if (fx_pt_load(fuzz_file(bytes, n), &a) == FX_OK)
    fx_archive_free(a);
  return 0;
}
