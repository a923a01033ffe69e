/*
** fused_linear.c - the fused linear layer as the chain of its parts, each in double.
*/
#include <math.h>

#include "kernels/ref/activations.h"
#include "kernels/ref/ref.h"

static int64_t inputs_of (const fx_linear_input *in) {
  return fx_dim(in->x, -1) + (in->x2 ? fx_dim(in->x2, -1) : 0);
}

static int64_t rows_of (const fx_linear_input *in) { return extent(in->x, 0, in->x->ndim - 1); }

/* Number i of row r of x and x2 side by side. */
static double joined (const fx_linear_input *in, int64_t r, int64_t i) {
  const int64_t c1 = fx_dim(in->x, -1);
  return i < c1 ? load(in->x, r * c1 + i) : load(in->x2, r * fx_dim(in->x2, -1) + i - c1);
}

/* xhat = (x - mean) rstd; without a norm xhat = x. */
typedef struct {
  double mean, rstd;
} moments;

static moments moments_of (const fx_linear_input *in, int64_t r) {
  const int64_t c = inputs_of(in);
  double sum = 0, squares = 0;
  if (!in->norm_w)
    return (moments){ 0, 1 };
  for (int64_t i = 0; i < c; i++)
    sum += joined(in, r, i);
  for (int64_t i = 0; i < c; i++)
    squares += pow(joined(in, r, i) - sum / (double)c, 2);
  return (moments){ sum / (double)c, 1 / sqrt(squares / (double)c + in->eps) };
}

/* What the activation reads. */
static double z_of (const fx_linear_input *in, moments m, int64_t r, int64_t i) {
  const double xhat = (joined(in, r, i) - m.mean) * m.rstd;
  return in->norm_w ? xhat * load(in->norm_w, i) + (in->norm_b ? load(in->norm_b, i) : 0) : xhat;
}

/* dropout's factor for number i of row r. */
static double kept (const fx_linear_input *in, int64_t r, int64_t i) {
  const int64_t rows = extent(in->x, 1, in->x->ndim - 1); /* of a sample */
  if (in->p == 0)
    return 1;
  return dropout_factor(in->key, in->p, r / rows, r % rows * inputs_of(in) + i);
}

/* What the layer reads, as a new f64 tensor (rows, inputs). */
static fx_status make_input (const fx_linear_input *in, fx_tensor **out) {
  const int64_t rows = rows_of(in), c = inputs_of(in);
  FX_TRY(fx_tensor_new(FX_F64, 2, (int64_t[]){ rows, c }, out));
  for (int64_t r = 0; r < rows; r++) {
    const moments m = moments_of(in, r);
    for (int64_t i = 0; i < c; i++) {
      const double z = z_of(in, m, r, i);
      fx_f64(*out)[r * c + i] = (in->gelu ? gelu(z) : z) * kept(in, r, i);
    }
  }
  return FX_OK;
}

fx_status fxref_fused_linear_forward (const fx_kernel_fused_linear_forward *k) {
  fx_tensor *a;
  FX_TRY(make_input(&k->in, &a));
  const fx_status st =
      fxref_linear_forward(&(fx_kernel_linear_forward){ .x = a, .w = k->w, .b = k->b, .y = k->y });
  fx_tensor_release(a);
  for (int64_t i = 0; st == FX_OK && k->add && i < fx_tensor_count(k->y); i++)
    store(k->y, i, load(k->y, i) + load(k->add, i));
  return st;
}

fx_status fxref_fused_linear_backward_w (const fx_kernel_fused_linear_backward_w *k) {
  fx_tensor *a;
  FX_TRY(make_input(&k->in, &a));
  const fx_status st = fxref_linear_backward_w(
      &(fx_kernel_linear_backward_w){ .x = a, .dy = k->dy, .dw = k->dw, .db = k->db });
  fx_tensor_release(a);
  return st;
}

/* --- the gradient for what a is made of ------------------------------------------------------- */

static double z_gradient (const fx_kernel_fused_linear_backward_x *k, moments m, int64_t r,
                          int64_t i) {
  const double da = load(k->da, r * inputs_of(&k->in) + i) * kept(&k->in, r, i);
  return k->in.gelu ? da * gelu_slope(z_of(&k->in, m, r, i)) : da;
}

static void put (const fx_kernel_fused_linear_backward_x *k, int64_t r, int64_t i, double value) {
  const int64_t c1 = fx_dim(k->in.x, -1), c2 = inputs_of(&k->in) - c1;
  fx_tensor *to = i < c1 ? k->dx : k->dx2;
  if (to)
    store(to, i < c1 ? r * c1 + i : r * c2 + i - c1, value);
}

static void add_to (fx_tensor *t, int64_t i, double value) {
  if (t)
    store(t, i, load(t, i) + value);
}

/* dx = rstd (g - mean(g) - xhat mean(g xhat)), g = dz norm_w, as in layer_norm; without a norm dx = dz. */
static void backward_row (const fx_kernel_fused_linear_backward_x *k, int64_t r) {
  const fx_linear_input *in = &k->in;
  const int64_t c = inputs_of(in);
  const moments m = moments_of(in, r);
  double sum_g = 0, sum_gx = 0;
  for (int64_t i = 0; in->norm_w && i < c; i++) {
    const double dz = z_gradient(k, m, r, i), xhat = (joined(in, r, i) - m.mean) * m.rstd;
    add_to(k->dnorm_w, i, dz * xhat);
    add_to(k->dnorm_b, i, dz);
    sum_g += dz * load(in->norm_w, i);
    sum_gx += dz * load(in->norm_w, i) * xhat;
  }
  for (int64_t i = 0; i < c; i++) { /* dx may be da: each number is read before it is written */
    const double dz = z_gradient(k, m, r, i), xhat = (joined(in, r, i) - m.mean) * m.rstd;
    put(k, r, i,
        in->norm_w ? m.rstd * (dz * load(in->norm_w, i) - (sum_g + xhat * sum_gx) / (double)c)
                   : dz);
  }
}

fx_status fxref_fused_linear_backward_x (const fx_kernel_fused_linear_backward_x *k) {
  fx_tensor *sums[] = { k->dnorm_w, k->dnorm_b };
  for (int i = 0; i < 2; i++)
    if (sums[i])
      fx_tensor_fill(sums[i], 0);
  for (int64_t r = 0; r < rows_of(&k->in); r++)
    backward_row(k, r);
  return FX_OK;
}
