/* png_test.c - pictures are decoded again, by libpng, and compared byte by byte. */
#include <png.h>

#include "base/alloc.h"
#include "check.h"
#include "io/png.h"
#include "scratch.h"

static void encoded_pixels_come_back (int width, int height, int noisy) {
  const size_t count = (size_t)width * (size_t)height * 3;
  unsigned char *rgb = malloc(count), *back = malloc(count), *bytes;
  size_t n = 0;
  uint32_t state = 1;
  for (size_t i = 0; i < count; i++) {
    state = state * 1664525u + 1013904223u;
    rgb[i] = noisy ? (unsigned char)(state >> 24) : (unsigned char)(i % 251);
  }
  CHECK_STATUS(fx_png_encode_rgb(width, height, rgb, &bytes, &n));
  png_image image = { .version = PNG_IMAGE_VERSION };
  CHECK(png_image_begin_read_from_memory(&image, bytes, n));
  CHECK(image.width == (png_uint_32)width && image.height == (png_uint_32)height);
  image.format = PNG_FORMAT_RGB;
  CHECK(png_image_finish_read(&image, NULL, back, 0, NULL));
  CHECK(memcmp(rgb, back, count) == 0);
  CHECK_STATUS(fx_png_write_rgb(scratch("p.png"), width, height, rgb));
  size_t m = 0;
  unsigned char *file = scratch_get(scratch("p.png"), &m);
  CHECK(m == n && memcmp(file, bytes, n) == 0);
  free(file);
  fx_free(bytes);
  free(rgb);
  free(back);
}

int main (void) {
  unsigned char rgb[3] = { 1, 2, 3 }, *bytes;
  size_t n = 0;
  CHECK(scratch_begin());
  encoded_pixels_come_back(1, 1, 0);
  encoded_pixels_come_back(7, 5, 1);
  encoded_pixels_come_back(301, 203, 1); /* noise: larger than the pixels */
  encoded_pixels_come_back(1, 3000, 1);
  encoded_pixels_come_back(640, 64, 0);
  CHECK(fx_png_encode_rgb(0, 1, rgb, &bytes, &n) == FX_EARG);
  CHECK(fx_png_encode_rgb(1, -1, rgb, &bytes, &n) == FX_EARG);
  CHECK(fx_png_encode_rgb(65536, 1, rgb, &bytes, &n) == FX_EARG);
  CHECK_MESSAGE("65535");
  CHECK(fx_png_write_rgb(scratch("no/p.png"), 1, 1, rgb) == FX_EIO);
  fx_alloc_fail_at(1);
  CHECK(fx_png_encode_rgb(1, 1, rgb, &bytes, &n) == FX_ENOMEM);
  fx_alloc_fail_at(0);
  scratch_end();
  return check_report("png");
}
