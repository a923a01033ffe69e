/* peak.c - a chain of multiply-adds, one after the other. */
#include "kernels/ref/ref.h"

fx_status fxref_fma_loop (const fx_kernel_fma_loop *k) {
  volatile double factor = 0.5, result;
  const double a = factor;
  double x = 0;
  for (int64_t i = 0; i < k->items * k->iterations; i++)
    x = x * a + a;
  result = x;
  (void)result;
  *k->flop = 2.0 * (double)k->items * (double)k->iterations;
  return FX_OK;
}
