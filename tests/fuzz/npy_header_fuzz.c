/* npy_header_fuzz.c - the dictionary of an .npy. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "io/npy_header.h"

int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t n) {
  fx_npy_header h;
  char *text = malloc(n + 1);
  fuzz_check(text != NULL);
  memcpy(text, bytes, n);
  text[n] = '\0';
  if (!fx_npy_parse(text, &h))
    for (int a = 0; a < h.rank; a++)
      fuzz_check(h.shape[a] >= 0);
  free(text);
  return 0;
}
