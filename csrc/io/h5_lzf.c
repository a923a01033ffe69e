/*
** h5_lzf.c - see h5_lzf.h.                     [LZF format: oldhome.schmorp.de/marc/liblzf.html]
**
** Debian's hdf5-plugin-lzf 3.7.0-8 does not load by itself (it wants lzf_decompress and names no library),
** so the decoder is here. The stream: a control byte below 32 is followed by that many + 1 literals;
** any other holds 3 bits of a length (7: one more byte adds to it) and, with the next byte, 13 bits of a
** distance; length + 2 bytes are repeated from distance + 1 back.
*/
#include "io/h5_lzf.h"

#include <hdf5.h>
#include <string.h>

enum { MOST = 1 << 30 };

/* Decodes n bytes; with to = NULL only counts. Returns the decoded size, or 0 if damaged. */
static size_t decode (const unsigned char *p, size_t n, unsigned char *to) {
  const unsigned char *end = p + n;
  size_t at = 0;
  while (p < end) {
    const unsigned control = *p++;
    if (control < 32) {
      const size_t length = control + 1;
      if ((size_t)(end - p) < length)
        return 0;
      if (to)
        memcpy(to + at, p, length);
      p += length;
      at += length;
    } else {
      size_t length = control >> 5;
      if (p < end && length == 7)
        length += *p++;
      if (p == end)
        return 0;
      const size_t back = ((control & 31) << 8 | *p++) + 1;
      length += 2;
      if (back > at)
        return 0;
      for (size_t i = 0; to && i < length; i++) /* may overlap: byte by byte */
        to[at + i] = to[at + i - back];
      at += length;
    }
    if (at > MOST)
      return 0;
  }
  return at;
}

/* HDF5 trusts the size of a decoded chunk, so the buffer is never smaller than what the file's writer
** noted as the chunk's (value 2), and zero where nothing was decoded. */
static size_t filter (unsigned flags, size_t count, const unsigned values[], size_t n, size_t *size,
                      void **buffer) {
  if (!(flags & H5Z_FLAG_REVERSE))
    return 0;
  const size_t decoded = decode(*buffer, n, NULL);
  const size_t noted = count > 2 && values[2] <= MOST ? values[2] : 0;
  const size_t room = decoded > noted ? decoded : noted;
  unsigned char *to = decoded ? H5allocate_memory(room, 1) : NULL;
  if (!to)
    return 0;
  decode(*buffer, n, to);
  H5free_memory(*buffer);
  *buffer = to;
  *size = room;
  return room;
}

void fx_h5_lzf_register (void) {
  static const H5Z_class2_t class = { .version = H5Z_CLASS_T_VERS,
                                      .id = FX_H5_LZF,
                                      .encoder_present = 0,
                                      .decoder_present = 1,
                                      .name = "lzf",
                                      .filter = filter };
  if (H5Zfilter_avail(FX_H5_LZF) <= 0)
    H5Zregister(&class);
}
