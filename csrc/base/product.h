/*
** product.h - products of sizes that a file claims, which may be any numbers at all.
*/
#ifndef FX_PRODUCT_H
#define FX_PRODUCT_H

#include <stdint.h>

/* unit * sizes[0] * ... * sizes[n-1], where unit > 0; -1 if it exceeds `most` or a size is negative. One size
** of 0 makes it 0, whatever the others are. */
static inline int64_t fx_product (int64_t unit, int64_t n, const int64_t *sizes, int64_t most) {
  int64_t product = unit;
  for (int64_t i = 0; i < n; i++)
    if (sizes[i] < 0)
      return -1;
  for (int64_t i = 0; i < n; i++)
    if (sizes[i] == 0)
      return 0;
  for (int64_t i = 0; i < n; i++)
    if (product > most || __builtin_mul_overflow(product, sizes[i], &product))
      return -1;
  return product > most ? -1 : product;
}

#endif
