/* png.h - pictures out: 8-bit RGB, rows from top to bottom, 3 bytes a pixel, no padding. */
#ifndef FX_PNG_H
#define FX_PNG_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* The picture as a PNG in a new block of n bytes (free with fx_free). Sizes are 1 to 65535, else
** FX_EARG. */
fx_status fx_png_encode_rgb(int64_t width, int64_t height, const unsigned char *rgb,
                            unsigned char **bytes, size_t *n);

/* The same, as a file, written atomically (file.h). */
fx_status fx_png_write_rgb(const char *path, int64_t width, int64_t height,
                           const unsigned char *rgb);

#endif
