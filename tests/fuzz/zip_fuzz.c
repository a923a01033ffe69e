/* zip_fuzz.c - the directory of a zip and its entries, stored and deflated, forwards and back. */
#include "fuzz.h"

#include "io/zip_stream.h"

static void read_entry (const fx_zip *zip, fx_zip_entry *e) {
  fx_zip_stream *s;
  unsigned char bytes[64];
  const int64_t n = e->size < 64 ? e->size : 64;
  if (fx_zip_stream_open(zip, e, &s) != FX_OK)
    return;
  if (fx_zip_stream_read(s, e->size - n, n, bytes) == FX_OK &&
      fx_zip_stream_read(s, 0, n, bytes) == FX_OK && fx_zip_stream_verify(s) == FX_OK)
    fuzz_check(e->crc == 0 || e->checked);
  fx_zip_stream_close(s);
}

int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t n) {
  fx_zip *zip;
  if (fx_zip_open_deflated(fuzz_file(bytes, n), &zip) != FX_OK)
    return 0;
  for (int64_t i = 0; i < fx_zip_count(zip) && i < 16; i++)
    if (fx_zip_at(zip, i)->size < 1 << 24)
      read_entry(zip, fx_zip_at(zip, i));
  fx_zip_close(zip);
  return 0;
}
