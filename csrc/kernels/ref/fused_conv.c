/*
** fused_conv.c - the fused convolution as the chain of its parts, each in double.
*/
#include <math.h>

#include "kernels/ref/activations.h"
#include "kernels/ref/ref.h"

static int64_t channels_of (const fx_conv_input *in) {
  return fx_dim(in->x, -1) + (in->x2 ? fx_dim(in->x2, -1) : 0);
}

/* Channel c of pixel `pixel` (over all samples) of x and x2 + x2_add side by side. */
static double joined (const fx_tensor *x, const fx_tensor *x2, const fx_tensor *x2_add,
                      int64_t pixel, int64_t c) {
  const int64_t c1 = fx_dim(x, -1), at = x2 ? pixel * fx_dim(x2, -1) + c - c1 : 0;
  if (c < c1)
    return load(x, pixel * c1 + c);
  return load(x2, at) + (x2_add ? load(x2_add, at) : 0);
}

/* What happens to a number on its way: xhat = (x - mean) rstd, n = xhat w + b, z = n scale + shift. */
typedef struct {
  double rstd, w, scale, xhat, n, z;
} stages;

static stages stages_of (const fx_conv_input *in, int64_t sample, int64_t pixel, int64_t c) {
  const int64_t all = channels_of(in), group = sample * in->groups + c / (all / in->groups);
  stages s = { .rstd = load(in->rstd, group), .w = load(in->norm_w, c) };
  s.xhat = (joined(in->x, in->x2, in->x2_add, pixel, c) - load(in->mean, group)) * s.rstd;
  s.n = s.xhat * s.w + (in->norm_b ? load(in->norm_b, c) : 0);
  s.scale = 1 + (in->emb ? load(in->emb, sample * 2 * all + c) : 0);
  s.z = s.n * s.scale + (in->emb ? load(in->emb, sample * 2 * all + all + c) : 0);
  return s;
}

/* dropout's factor for channel c of a pixel. */
static double kept (const fx_conv_input *in, int64_t sample, int64_t pixel, int64_t c) {
  const int64_t pixels = in->x->shape[1] * in->x->shape[2];
  if (in->p == 0)
    return 1;
  return dropout_factor(in->key, in->p, sample, pixel % pixels * channels_of(in) + c);
}

/* Before resampling: dropout(silu(z)), or x as it is. */
static double activated (const fx_conv_input *in, int64_t sample, int64_t pixel, int64_t c) {
  if (!in->mean)
    return joined(in->x, in->x2, in->x2_add, pixel, c);
  const double z = stages_of(in, sample, pixel, c).z;
  return z * sigmoid(z) * kept(in, sample, pixel, c);
}

/* The convolution's input as a new f64 tensor. */
static fx_status make_input (const fx_conv_input *in, fx_tensor **out) {
  const int64_t n = in->x->shape[0], h = in->x->shape[1], w = in->x->shape[2];
  const int64_t c = channels_of(in), up = in->resample == FX_RESAMPLE_UP,
                down = in->resample == FX_RESAMPLE_DOWN;
  const int64_t rows = (h << up) >> down, cols = (w << up) >> down;
  FX_TRY(fx_tensor_new(FX_F64, 4, (int64_t[]){ n, rows, cols, c }, out));
  for (int64_t i = 0; i < fx_tensor_count(*out); i++) {
    const int64_t k = i % c, x = i / c % cols, y = i / c / cols % rows, s = i / c / cols / rows;
    double sum = 0;
    for (int64_t u = 0; u <= down; u++)
      for (int64_t v = 0; v <= down; v++)
        sum += activated(in, s, (s * h + (((y << down) + u) >> up)) * w + (((x << down) + v) >> up),
                         k);
    fx_f64(*out)[i] = down ? sum / 4 : sum;
  }
  return FX_OK;
}

/* y += add, which may have to be resampled. */
static void add_residual (const fx_kernel_fused_conv_forward *k) {
  const int64_t rows = k->y->shape[1], cols = k->y->shape[2], c = k->y->shape[3];
  const int up = k->add_resample == FX_RESAMPLE_UP;
  const int down = k->add_resample == FX_RESAMPLE_DOWN;
  const int64_t h = k->add->shape[1], w = k->add->shape[2];
  for (int64_t i = 0; i < fx_tensor_count(k->y); i++) {
    const int64_t o = i % c, x = i / c % cols, y = i / c / cols % rows, s = i / c / cols / rows;
    double sum = 0;
    for (int64_t u = 0; u <= down; u++)
      for (int64_t v = 0; v <= down; v++)
        sum += load(k->add,
                    ((s * h + (((y << down) + u) >> up)) * w + (((x << down) + v) >> up)) * c + o);
    store(k->y, i, load(k->y, i) + (down ? sum / 4 : sum));
  }
}

fx_status fxref_fused_conv_forward (const fx_kernel_fused_conv_forward *k) {
  fx_tensor *a;
  FX_TRY(make_input(&k->in, &a));
  const fx_status st = fxref_conv2d_forward(&(fx_kernel_conv2d_forward){ .x = a,
                                                                         .w = k->w,
                                                                         .b = k->b,
                                                                         .stride = 1,
                                                                         .pad = k->w->shape[1] / 2,
                                                                         .circular = k->in.circular,
                                                                         .bf16 = k->bf16,
                                                                         .y = k->y });
  fx_tensor_release(a);
  if (st == FX_OK && k->add)
    add_residual(k);
  for (int64_t i = 0; st == FX_OK && k->add2 && i < fx_tensor_count(k->y); i++)
    store(k->y, i, load(k->y, i) + load(k->add2, i));
  return st;
}

fx_status fxref_fused_conv_backward_w (const fx_kernel_fused_conv_backward_w *k) {
  fx_tensor *a;
  FX_TRY(make_input(&k->in, &a));
  const fx_status st = fxref_conv2d_backward_w(
      &(fx_kernel_conv2d_backward_w){ .x = a,
                                      .dy = k->dy,
                                      .stride = 1,
                                      .pad = k->dw ? k->dw->shape[1] / 2 : 0,
                                      .circular = k->in.circular,
                                      .dw = k->dw,
                                      .db = k->db });
  fx_tensor_release(a);
  return st;
}

/* --- the gradient for what a is made of ------------------------------------------------------- */

/* The gradient for silu(z) (or x) at a pixel of x: the adjoint of resampling, gathered. */
static double before_resampling (const fx_kernel_fused_conv_backward_x *k, int64_t pixel,
                                 int64_t c) {
  const int64_t h = k->in.x->shape[1], w = k->in.x->shape[2], all = channels_of(&k->in);
  const int64_t x = pixel % w, y = pixel / w % h, s = pixel / w / h;
  const int up = k->in.resample == FX_RESAMPLE_UP, down = k->in.resample == FX_RESAMPLE_DOWN;
  double sum = 0;
  for (int64_t u = 0; u <= up; u++)
    for (int64_t v = 0; v <= up; v++)
      sum += load(k->da, ((s * k->da->shape[1] + (((y << up) + u) >> down)) * k->da->shape[2] +
                          (((x << up) + v) >> down)) *
                                 all +
                             c);
  return down ? sum / 4 : sum;
}

static double z_gradient (const fx_kernel_fused_conv_backward_x *k, const stages *s, int64_t pixel,
                          int64_t c) {
  const double p = sigmoid(s->z);
  const int64_t sample = pixel / (k->in.x->shape[1] * k->in.x->shape[2]);
  return before_resampling(k, pixel, c) * kept(&k->in, sample, pixel, c) * p * (1 + s->z * (1 - p));
}

static void put (const fx_kernel_fused_conv_backward_x *k, int64_t pixel, int64_t c, double value) {
  const int64_t c1 = fx_dim(k->in.x, -1), c2 = channels_of(&k->in) - c1;
  fx_tensor *to = c < c1 ? k->dx : k->dx2;
  if (to)
    store(to, c < c1 ? pixel * c1 + c : pixel * c2 + c - c1, value);
}

static void add_to (fx_tensor *t, int64_t i, double value) {
  if (t)
    store(t, i, load(t, i) + value);
}

/* Sums over the pixels of one channel of one sample; returns those of g and g xhat through sums. */
static void sum_channel (const fx_kernel_fused_conv_backward_x *k, int64_t sample, int64_t c,
                         double sums[2]) {
  const int64_t pixels = k->in.x->shape[1] * k->in.x->shape[2], all = channels_of(&k->in);
  double dn_sum = 0, dn_xhat = 0, dz_sum = 0, dz_n = 0;
  for (int64_t i = sample * pixels; i < (sample + 1) * pixels; i++) {
    const stages s = stages_of(&k->in, sample, i, c);
    const double dz = z_gradient(k, &s, i, c), dn = dz * s.scale;
    dn_sum += dn;
    dn_xhat += dn * s.xhat;
    dz_sum += dz;
    dz_n += dz * s.n;
  }
  add_to(k->dnorm_w, c, dn_xhat);
  add_to(k->dnorm_b, c, dn_sum);
  add_to(k->demb, sample * 2 * all + c, dz_n);
  add_to(k->demb, sample * 2 * all + all + c, dz_sum);
  sums[0] += dn_sum * load(k->in.norm_w, c);
  sums[1] += dn_xhat * load(k->in.norm_w, c);
}

static void backward_group (const fx_kernel_fused_conv_backward_x *k, int64_t sample,
                            int64_t group) {
  const fx_conv_input *in = &k->in;
  const int64_t width = channels_of(in) / in->groups, pixels = in->x->shape[1] * in->x->shape[2];
  const double m = (double)(pixels * width);
  double sums[2] = { 0, 0 };
  for (int64_t c = group * width; c < (group + 1) * width; c++)
    sum_channel(k, sample, c, sums);
  for (int64_t c = group * width; c < (group + 1) * width; c++)
    for (int64_t i = sample * pixels; i < (sample + 1) * pixels; i++) {
      const stages s = stages_of(in, sample, i, c);
      const double g = z_gradient(k, &s, i, c) * s.scale * s.w;
      put(k, i, c, s.rstd * (g - sums[0] / m - s.xhat * sums[1] / m));
    }
}

fx_status fxref_fused_conv_backward_x (const fx_kernel_fused_conv_backward_x *k) {
  const fx_conv_input *in = &k->in;
  fx_tensor *sums[] = { k->dnorm_w, k->dnorm_b, k->demb };
  for (int i = 0; i < 3; i++)
    if (sums[i])
      fx_tensor_fill(sums[i], 0);
  if (!in->mean) {
    const int64_t c = channels_of(in), n = in->x->shape[0] * in->x->shape[1] * in->x->shape[2];
    for (int64_t i = 0; i < n * c; i++)
      put(k, i / c, i % c, before_resampling(k, i / c, i % c));
    return FX_OK;
  }
  fx_tensor *da = NULL; /* dx may be da, and two passes read it */
  fx_kernel_fused_conv_backward_x own = *k;
  FX_TRY(fx_tensor_clone(k->da, &da));
  own.da = da;
  for (int64_t n = 0; n < in->x->shape[0]; n++)
    for (int64_t g = 0; g < in->groups; g++)
      backward_group(&own, n, g);
  fx_tensor_release(da);
  return FX_OK;
}

fx_status fxref_group_moments (const fx_kernel_group_moments *k) {
  const int64_t n = k->x->shape[0], c1 = fx_dim(k->x, -1);
  const int64_t c = c1 + (k->x2 ? fx_dim(k->x2, -1) : 0), width = c / k->groups;
  const int64_t pixels = extent(k->x, 1, k->x->ndim - 1);
  const double m = (double)(pixels * width);
  for (int64_t g = 0; g < n * k->groups; g++) {
    const int64_t first = g % k->groups * width, start = g / k->groups * pixels;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < pixels * width; i++)
      sum += joined(k->x, k->x2, k->x2_add, start + i / width, first + i % width);
    for (int64_t i = 0; i < pixels * width; i++)
      squares +=
          pow(joined(k->x, k->x2, k->x2_add, start + i / width, first + i % width) - sum / m, 2);
    store(k->mean, g, sum / m);
    store(k->rstd, g, 1 / sqrt(squares / m + k->eps));
  }
  return FX_OK;
}
