/* npy_fuzz.c - .npy and .npz, which begin as numpy writes them. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t n) {
  fuzz_container(bytes, n);
  return 0;
}
