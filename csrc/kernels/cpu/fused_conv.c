/* fused_conv.c - convolution of a made source; see source.h, and source_backward.c for its gradient. */
#include "kernels/cpu/conv.h"

fx_status fxcpu_fused_conv_forward (const fx_kernel_fused_conv_forward *a) {
  const int64_t *y = a->y->shape, k = a->w->shape[1];
  conv_source source;
  fx_status st = fxcpu_source_begin(&a->in, &source);
  source.bf16 = a->bf16;
  if (st == FX_OK)
    st = fxcpu_conv(&(conv_call){ .s = &source,
                                  .kh = k,
                                  .kw = k,
                                  .stride = 1,
                                  .pad_y = k / 2,
                                  .pad_x = k / 2,
                                  .w = fx_f32(a->w),
                                  .bias = a->b ? fx_f32(a->b) : NULL,
                                  .add = { .x = a->add ? fx_f32(a->add) : NULL,
                                           .more = a->add2 ? fx_f32(a->add2) : NULL,
                                           .resample = a->add_resample,
                                           .rows = y[1],
                                           .cols = y[2],
                                           .c = y[3] },
                                  .oh = y[1],
                                  .ow = y[2],
                                  .outs = y[3],
                                  .y = fx_f32(a->y) });
  fxcpu_source_end(&source);
  return st;
}

fx_status fxcpu_fused_conv_backward_w (const fx_kernel_fused_conv_backward_w *a) {
  const int64_t k = a->dw ? a->dw->shape[1] : 1;
  conv_source source;
  fx_status st = fxcpu_source_begin(&a->in, &source);
  if (st == FX_OK)
    st = fxcpu_conv_weights(&(conv_weights_call){ .s = &source,
                                                  .kh = k,
                                                  .kw = k,
                                                  .stride = 1,
                                                  .pad = k / 2,
                                                  .dy = a->dy,
                                                  .dw = a->dw,
                                                  .db = a->db });
  fxcpu_source_end(&source);
  return st;
}
