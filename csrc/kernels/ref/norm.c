/*
** norm.c - normalisation. Group and layer norm differ only in which elements share statistics, so a
** layout and the function element() say it all:
**   xhat = (x - mean) rstd,  y = xhat w + b
**   dx = rstd (g - mean(g) - xhat mean(g xhat)),  g = dy w      [Ioffe & Szegedy 2015, section 3]
*/
#include <math.h>

#include "base/alloc.h"
#include "kernels/ref/ref.h"

/* Element i of block b: group norm runs over space and then over the group's channels. */
typedef struct {
  int64_t blocks, size;  /* statistics, elements of each           */
  int64_t groups, width; /* groups of a sample, channels of a group */
  int64_t channels;
} layout;

static layout group_layout (const fx_tensor *x, int64_t groups) {
  const int64_t c = fx_dim(x, -1), width = c / groups;
  return (layout){ x->shape[0] * groups, extent(x, 1, x->ndim - 1) * width, groups, width, c };
}

static layout layer_layout (const fx_tensor *x) {
  const int64_t c = fx_dim(x, -1);
  return (layout){ c ? fx_tensor_count(x) / c : 0, c, 1, c, c };
}

static int64_t element (const layout *l, int64_t block, int64_t i) {
  const int64_t sample = block / l->groups, group = block % l->groups, pixel = i / l->width;
  return (sample * (l->size / l->width) + pixel) * l->channels + group * l->width + i % l->width;
}

static void forward (const layout *l, const fx_tensor *x, const fx_tensor *w, const fx_tensor *b,
                     double eps, fx_tensor *y, fx_tensor *mean, fx_tensor *rstd) {
  for (int64_t k = 0; k < l->blocks; k++) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < l->size; i++)
      sum += load(x, element(l, k, i));
    const double m = sum / (double)l->size;
    for (int64_t i = 0; i < l->size; i++)
      squares += pow(load(x, element(l, k, i)) - m, 2);
    const double r = 1 / sqrt(squares / (double)l->size + eps);
    store(mean, k, m);
    store(rstd, k, r);
    for (int64_t i = 0; i < l->size; i++) {
      const int64_t at = element(l, k, i), c = at % l->channels;
      store(y, at, (load(x, at) - m) * r * load(w, c) + (b ? load(b, c) : 0));
    }
  }
}

static void backward_x (const layout *l, const fx_tensor *x, const fx_tensor *w,
                        const fx_tensor *mean, const fx_tensor *rstd, const fx_tensor *dy,
                        fx_tensor *dx) {
  for (int64_t k = 0; k < l->blocks; k++) {
    const double m = load(mean, k), r = load(rstd, k);
    double sum_g = 0, sum_gx = 0;
    for (int64_t i = 0; i < l->size; i++) {
      const int64_t at = element(l, k, i);
      const double g = load(dy, at) * load(w, at % l->channels);
      sum_g += g;
      sum_gx += g * (load(x, at) - m) * r;
    }
    for (int64_t i = 0; i < l->size; i++) {
      const int64_t at = element(l, k, i);
      const double g = load(dy, at) * load(w, at % l->channels), xhat = (load(x, at) - m) * r;
      store(dx, at, r * (g - sum_g / (double)l->size - xhat * sum_gx / (double)l->size));
    }
  }
}

static fx_status backward_affine (const layout *l, const fx_tensor *x, const fx_tensor *mean,
                                  const fx_tensor *rstd, const fx_tensor *dy, fx_tensor *dw,
                                  fx_tensor *db) {
  double *sum = fx_calloc((size_t)l->channels * 2, sizeof *sum);
  if (!sum)
    return FX_ENOMEM;
  for (int64_t k = 0; k < l->blocks; k++)
    for (int64_t i = 0; i < l->size; i++) {
      const int64_t at = element(l, k, i), c = at % l->channels;
      sum[c] += load(dy, at) * (load(x, at) - load(mean, k)) * load(rstd, k);
      sum[l->channels + c] += load(dy, at);
    }
  for (int64_t c = 0; c < l->channels; c++) {
    if (dw)
      store(dw, c, sum[c]);
    if (db)
      store(db, c, sum[l->channels + c]);
  }
  fx_free(sum);
  return FX_OK;
}

fx_status fxref_group_norm_forward (const fx_kernel_group_norm_forward *k) {
  const layout l = group_layout(k->x, k->groups);
  forward(&l, k->x, k->w, k->b, k->eps, k->y, k->mean, k->rstd);
  return FX_OK;
}

fx_status fxref_group_norm_backward (const fx_kernel_group_norm_backward *k) {
  const layout l = group_layout(k->x, k->groups);
  if (k->dx)
    backward_x(&l, k->x, k->w, k->mean, k->rstd, k->dy, k->dx);
  return backward_affine(&l, k->x, k->mean, k->rstd, k->dy, k->dw, k->db);
}

fx_status fxref_layer_norm_forward (const fx_kernel_layer_norm_forward *k) {
  const layout l = layer_layout(k->x);
  forward(&l, k->x, k->w, k->b, k->eps, k->y, k->mean, k->rstd);
  return FX_OK;
}

fx_status fxref_layer_norm_backward (const fx_kernel_layer_norm_backward *k) {
  const layout l = layer_layout(k->x);
  if (k->dx)
    backward_x(&l, k->x, k->w, k->mean, k->rstd, k->dy, k->dx);
  return backward_affine(&l, k->x, k->mean, k->rstd, k->dy, k->dw, k->db);
}

/* --- modulate --------------------------------------------------------------------------------- */

fx_status fxref_modulate_forward (const fx_kernel_modulate_forward *k) {
  const int64_t c = fx_dim(k->x, -1), per_sample = extent(k->x, 1, k->x->ndim);
  for (int64_t i = 0; i < fx_tensor_count(k->x); i++) {
    const int64_t scale = i / per_sample * 2 * c + i % c;
    store(k->y, i, load(k->x, i) * (1 + load(k->emb, scale)) + load(k->emb, scale + c));
  }
  return FX_OK;
}

fx_status fxref_modulate_backward (const fx_kernel_modulate_backward *k) {
  const int64_t c = fx_dim(k->x, -1), per_sample = extent(k->x, 1, k->x->ndim);
  const int64_t n = fx_tensor_count(k->x);
  for (int64_t i = 0; k->dx && i < n; i++)
    store(k->dx, i, load(k->dy, i) * (1 + load(k->emb, i / per_sample * 2 * c + i % c)));
  if (!k->demb)
    return FX_OK;
  double *sum = fx_calloc((size_t)fx_tensor_count(k->demb), sizeof *sum);
  if (!sum)
    return FX_ENOMEM;
  for (int64_t i = 0; i < n; i++) {
    const int64_t scale = i / per_sample * 2 * c + i % c;
    sum[scale] += load(k->dy, i) * load(k->x, i);
    sum[scale + c] += load(k->dy, i);
  }
  for (int64_t j = 0; j < fx_tensor_count(k->demb); j++)
    store(k->demb, j, sum[j]);
  fx_free(sum);
  return FX_OK;
}
