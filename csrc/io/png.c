/*
** png.c - see png.h. libpng's simplified interface is used because it returns errors; the full one
** jumps over frames that own memory.
*/
#include "io/png.h"

#include <inttypes.h>
#include <png.h>
#include <string.h>

#include "base/alloc.h"
#include "io/file.h"

fx_status fx_png_encode_rgb (int64_t width, int64_t height, const unsigned char *rgb,
                             unsigned char **bytes, size_t *n) {
  if (width < 1 || height < 1 || width > 65535 || height > 65535)
    return fx_fail(FX_EARG, "a picture has 1 to 65535 pixels each way, not %" PRId64 " x %" PRId64,
                   width, height);
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = (png_uint_32)width;
  image.height = (png_uint_32)height;
  image.format = PNG_FORMAT_RGB;
  const uint64_t pixels = (uint64_t)width * (uint64_t)height * 3;
  png_alloc_size_t size = pixels + pixels / 1000 + (uint64_t)height * 16 + 4096; /* stored zlib */
  unsigned char *block = fx_alloc(size);
  if (!block)
    return FX_ENOMEM;
  if (!png_image_write_to_memory(&image, block, &size, 0, rgb, 0, NULL)) {
    fx_free(block);
    return fx_fail(FX_ENOMEM, "libpng cannot encode %" PRId64 " x %" PRId64 " pixels: %s", width,
                   height, image.message);
  }
  *bytes = block;
  *n = size;
  return FX_OK;
}

fx_status fx_png_write_rgb (const char *path, int64_t width, int64_t height,
                            const unsigned char *rgb) {
  unsigned char *bytes = NULL;
  size_t n = 0;
  FX_TRY(fx_png_encode_rgb(width, height, rgb, &bytes, &n));
  const fx_status st = fx_file_write(path, bytes, n);
  fx_free(bytes);
  return st;
}
