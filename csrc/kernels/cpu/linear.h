/*
** linear.h - products of rows with the weights of a linear layer, for linear and fused_linear.
*/
#ifndef FX_CPU_LINEAR_H
#define FX_CPU_LINEAR_H

#include "kernels/cpu/gemm.h"

/* y (rows,out) = x w^T + bias + add, w (out,in); or, if `backward`, y (rows,in) = x w with x (rows,out).
** A row of x may come from two matrices side by side. */
typedef struct {
  int64_t rows, in, out;
  product_rows x;
  const float *w, *bias, *add; /* bias (out) and add (rows,out) may be NULL */
  bool backward;
  fx_task make; /* if not NULL, makes item i < made of what x is read from, before it is read */
  void *made_of;
  int64_t made;
  float *y;
} linear_call;
fx_status fxcpu_linear_product(const linear_call *call) FXCPU_SYMBOL(linear_product);

/* dw (out,in) = dy^T x and db (out) = sums of dy's columns, in double; either may be NULL. */
fx_status fxcpu_linear_weights(int64_t rows, int64_t in, int64_t out, const float *x,
                               const float *dy, float *dw, float *db) FXCPU_SYMBOL(linear_weights);

#endif
