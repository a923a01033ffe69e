/* matmul.c - three loops, and the linear layer, whose weight is stored by rows of outputs. */
#include "kernels/ref/ref.h"

fx_status fxref_matmul (const fx_kernel_matmul *k) {
  const int64_t m = fx_dim(k->y, -2), n = fx_dim(k->y, -1);
  const int64_t inner = k->transpose_a ? fx_dim(k->a, -2) : fx_dim(k->a, -1);
  const int64_t batch = m > 0 && n > 0 ? fx_tensor_count(k->y) / (m * n) : 0;
  for (int64_t s = 0; s < batch; s++) {
    const int64_t a = s * m * inner, b = k->b->ndim == 2 ? 0 : s * inner * n;
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < n; j++) {
        double sum = 0;
        for (int64_t p = 0; p < inner; p++)
          sum += load(k->a, a + (k->transpose_a ? p * m + i : i * inner + p)) *
                 load(k->b, b + (k->transpose_b ? j * inner + p : p * n + j));
        store(k->y, s * m * n + i * n + j, sum);
      }
  }
  return FX_OK;
}

fx_status fxref_linear_forward (const fx_kernel_linear_forward *k) {
  const int64_t outs = k->w->shape[0], ins = k->w->shape[1];
  const int64_t rows = outs ? fx_tensor_count(k->y) / outs : 0;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t o = 0; o < outs; o++) {
      double sum = k->b ? load(k->b, o) : 0;
      for (int64_t i = 0; i < ins; i++)
        sum += load(k->x, r * ins + i) * load(k->w, o * ins + i);
      store(k->y, r * outs + o, sum);
    }
  return FX_OK;
}

fx_status fxref_linear_backward_x (const fx_kernel_linear_backward_x *k) {
  const int64_t outs = k->w->shape[0], ins = k->w->shape[1];
  const int64_t rows = outs ? fx_tensor_count(k->dy) / outs : 0;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < ins; i++) {
      double sum = 0;
      for (int64_t o = 0; o < outs; o++)
        sum += load(k->dy, r * outs + o) * load(k->w, o * ins + i);
      store(k->dx, r * ins + i, sum);
    }
  return FX_OK;
}

fx_status fxref_linear_backward_w (const fx_kernel_linear_backward_w *k) {
  const int64_t ins = fx_dim(k->x, -1), outs = fx_dim(k->dy, -1);
  const int64_t rows = outs ? fx_tensor_count(k->dy) / outs : 0;
  for (int64_t o = 0; o < outs; o++) {
    double bias = 0;
    for (int64_t r = 0; r < rows; r++)
      bias += load(k->dy, r * outs + o);
    if (k->db)
      store(k->db, o, bias);
    for (int64_t i = 0; k->dw && i < ins; i++) {
      double sum = 0;
      for (int64_t r = 0; r < rows; r++)
        sum += load(k->dy, r * outs + o) * load(k->x, r * ins + i);
      store(k->dw, o * ins + i, sum);
    }
  }
  return FX_OK;
}
