/*
** attention.c - softmax, and attention one query at a time.
**   p_s = softmax_s(q . k_s / sqrt(d)),  y = sum_s p_s v_s
**   dp_s = dy . v_s,  dscore_s = p_s (dp_s - sum_r dp_r p_r),
**   dq = sum_s dscore_s k_s / sqrt(d),  dk_s += dscore_s q / sqrt(d),  dv_s += p_s dy
*/
#include <math.h>

#include "base/alloc.h"
#include "kernels/ref/ref.h"

static void softmax (double *p, int64_t n) {
  double largest = -INFINITY, sum = 0;
  for (int64_t i = 0; i < n; i++)
    largest = p[i] > largest || p[i] != p[i] ? p[i] : largest;
  for (int64_t i = 0; i < n; i++)
    sum += p[i] = exp(p[i] - largest);
  for (int64_t i = 0; i < n; i++)
    p[i] /= sum;
}

fx_status fxref_softmax_forward (const fx_kernel_softmax_forward *k) {
  const int64_t c = fx_dim(k->x, -1), rows = c ? fx_tensor_count(k->x) / c : 0;
  double *p = fx_alloc((size_t)c * sizeof *p);
  if (!p)
    return FX_ENOMEM;
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t i = 0; i < c; i++)
      p[i] = load(k->x, r * c + i);
    softmax(p, c);
    for (int64_t i = 0; i < c; i++)
      store(k->y, r * c + i, p[i]);
  }
  fx_free(p);
  return FX_OK;
}

fx_status fxref_softmax_backward (const fx_kernel_softmax_backward *k) {
  const int64_t c = fx_dim(k->y, -1), rows = c ? fx_tensor_count(k->y) / c : 0;
  for (int64_t r = 0; r < rows; r++) {
    double sum = 0;
    for (int64_t i = r * c; i < (r + 1) * c; i++)
      sum += load(k->dy, i) * load(k->y, i);
    for (int64_t i = r * c; i < (r + 1) * c; i++)
      store(k->dx, i, load(k->y, i) * (load(k->dy, i) - sum));
  }
  return FX_OK;
}

typedef struct {
  int64_t n, t, s, d, heads, width;
  double scale;
} sizes;

static sizes sizes_of (const fx_tensor *q, const fx_tensor *k, int64_t heads) {
  const int64_t width = q->shape[2] / heads;
  return (sizes){
    q->shape[0], q->shape[1], k->shape[1], q->shape[2], heads, width, 1 / sqrt((double)width)
  };
}

static double dot (const fx_tensor *a, int64_t i, const fx_tensor *b, int64_t j, int64_t n) {
  double sum = 0;
  for (int64_t c = 0; c < n; c++)
    sum += load(a, i + c) * load(b, j + c);
  return sum;
}

/* The probabilities of the query at `at`; keys of its sample and head start at `keys`. */
static void probabilities (const sizes *z, const fx_tensor *q, int64_t at, const fx_tensor *k,
                           int64_t keys, double *p) {
  for (int64_t s = 0; s < z->s; s++)
    p[s] = z->scale * dot(q, at, k, keys + s * z->d, z->width);
  softmax(p, z->s);
}

fx_status fxref_attention_forward (const fx_kernel_attention_forward *a) {
  const sizes z = sizes_of(a->q, a->k, a->heads);
  double *p = fx_alloc((size_t)z.s * sizeof *p);
  if (!p)
    return FX_ENOMEM;
  for (int64_t n = 0; n < z.n; n++)
    for (int64_t h = 0; h < z.heads; h++)
      for (int64_t t = 0; t < z.t; t++) {
        const int64_t at = (n * z.t + t) * z.d + h * z.width, keys = n * z.s * z.d + h * z.width;
        probabilities(&z, a->q, at, a->k, keys, p);
        for (int64_t c = 0; c < z.width; c++) {
          double sum = 0;
          for (int64_t s = 0; s < z.s; s++)
            sum += p[s] * load(a->v, keys + s * z.d + c);
          store(a->y, at + c, sum);
        }
      }
  fx_free(p);
  return FX_OK;
}

/* One query's share of the gradients; p and dp are scratch of z->s, dk and dv gather in double. */
static void backward_query (const sizes *z, const fx_kernel_attention_backward *a, int64_t at,
                            int64_t keys, double *p, double *dp, double *dk, double *dv) {
  double mean = 0;
  probabilities(z, a->q, at, a->k, keys, p);
  for (int64_t s = 0; s < z->s; s++) {
    dp[s] = dot(a->dy, at, a->v, keys + s * z->d, z->width);
    mean += dp[s] * p[s];
  }
  for (int64_t c = 0; c < z->width; c++) {
    double dq = 0;
    for (int64_t s = 0; s < z->s; s++) {
      const int64_t key = keys + s * z->d + c;
      const double score = p[s] * (dp[s] - mean) * z->scale;
      dq += score * load(a->k, key);
      dk[key] += score * load(a->q, at + c);
      dv[key] += p[s] * load(a->dy, at + c);
    }
    store(a->dq, at + c, dq);
  }
}

fx_status fxref_attention_backward (const fx_kernel_attention_backward *a) {
  const sizes z = sizes_of(a->q, a->k, a->heads);
  const int64_t all = fx_tensor_count(a->k);
  double *scratch = fx_calloc((size_t)(2 * z.s + 2 * all), sizeof *scratch);
  if (!scratch)
    return FX_ENOMEM;
  double *p = scratch, *dp = p + z.s, *dk = dp + z.s, *dv = dk + all;
  for (int64_t n = 0; n < z.n; n++)
    for (int64_t h = 0; h < z.heads; h++)
      for (int64_t t = 0; t < z.t; t++)
        backward_query(&z, a, (n * z.t + t) * z.d + h * z.width, n * z.s * z.d + h * z.width, p, dp,
                       dk, dv);
  for (int64_t i = 0; i < all; i++) {
    store(a->dk, i, dk[i]);
    store(a->dv, i, dv[i]);
  }
  fx_free(scratch);
  return FX_OK;
}
