/* pickle_fuzz.c - the pickle of a .pt by itself, where no checksum stands in the way. */
#include "fuzz.h"

#include "io/pickle.h"

int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t n) {
  fx_pickle *p;
  if (fx_pickle_read(bytes, n, &p) == FX_OK) {
    fuzz_check(fx_pickle_root(p) != NULL);
    fx_pickle_free(p);
  }
  return 0;
}
