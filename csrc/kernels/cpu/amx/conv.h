/* conv.h - the convolutions that the AMX unit computes (conv.c). */
#ifndef FX_CPU_AMX_CONV_H
#define FX_CPU_AMX_CONV_H

#include "kernels/cpu/conv.h"

/* Stride 1, the result as large as what is read, and enough channels to fill tiles. */
static inline bool amx_suits (int64_t kh, int64_t kw, int64_t stride, int64_t pad_y, int64_t pad_x,
                              int64_t c, int64_t outs) {
  return stride == 1 && 2 * pad_y == kh - 1 && 2 * pad_x == kw - 1 && c >= 16 && outs >= 16;
}

fx_status fxcpu_amx_conv(const conv_call *c) FXCPU_SYMBOL(amx_conv);

#endif
