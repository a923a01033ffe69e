/*
** conv.c - convolution as its definition: for every output pixel, every tap, every channel.
**
** All three kernels walk the same set of (output pixel, tap) pairs; source_pixel says which input
** pixel a pair reads, or -1 if it lies in the zero padding.
*/
#include "base/alloc.h"
#include "base/bf16.h"
#include "kernels/ref/ref.h"

typedef struct {
  int64_t n, h, w, c; /* input  */
  int64_t oh, ow, o;  /* output */
  int64_t kh, kw;
  int64_t stride, pad;
  bool circular;
} geometry;

static int64_t wrap (int64_t i, int64_t size, bool circular) {
  if (circular)
    return ((i % size) + size) % size;
  return i >= 0 && i < size ? i : -1;
}

/* Index of the first channel of the input pixel under tap (u,v) of output pixel (n,i,j), or -1. */
static int64_t source_pixel (const geometry *g, int64_t n, int64_t i, int64_t j, int64_t u,
                             int64_t v) {
  const int64_t y = wrap(i * g->stride + u - g->pad, g->h, g->circular);
  const int64_t x = wrap(j * g->stride + v - g->pad, g->w, g->circular);
  return y < 0 || x < 0 ? -1 : ((n * g->h + y) * g->w + x) * g->c;
}

static geometry geometry_of (const int64_t *x, const int64_t *w, const int64_t *y, int64_t stride,
                             int64_t pad, bool circular) {
  return (geometry){ x[0], x[1], x[2], x[3], y[1], y[2], y[3], w[1], w[2], stride, pad, circular };
}

/* Calls visit for every pair of output pixel and tap whose source exists. */
typedef void (*visitor)(const geometry *g, int64_t source, int64_t out, int64_t tap, void *context);

static void visit_taps (const geometry *g, visitor visit, void *context) {
  for (int64_t n = 0; n < g->n; n++)
    for (int64_t i = 0; i < g->oh; i++)
      for (int64_t j = 0; j < g->ow; j++)
        for (int64_t u = 0; u < g->kh; u++)
          for (int64_t v = 0; v < g->kw; v++) {
            const int64_t source = source_pixel(g, n, i, j, u, v);
            if (source >= 0)
              visit(g, source, ((n * g->oh + i) * g->ow + j) * g->o, u * g->kw + v, context);
          }
}

typedef struct {
  const fx_tensor *p, *q;
  bool bf16;
  double *sum;
} walk;

static double factor (const walk *k, const fx_tensor *t, int64_t i) {
  return k->bf16 ? fx_bf16_round((float)load(t, i)) : load(t, i);
}

/* Index of the first channel of weight (o, tap). */
static int64_t weight_index (const geometry *g, int64_t o, int64_t tap) {
  return (o * g->kh * g->kw + tap) * g->c;
}

static void add_forward (const geometry *g, int64_t source, int64_t out, int64_t tap,
                         void *context) {
  const walk *k = context; /* p = x, q = w */
  for (int64_t o = 0; o < g->o; o++)
    for (int64_t c = 0; c < g->c; c++)
      k->sum[out + o] += factor(k, k->p, source + c) * factor(k, k->q, weight_index(g, o, tap) + c);
}

static void add_backward_x (const geometry *g, int64_t source, int64_t out, int64_t tap,
                            void *context) {
  const walk *k = context; /* p = dy, q = w */
  for (int64_t o = 0; o < g->o; o++)
    for (int64_t c = 0; c < g->c; c++)
      k->sum[source + c] += factor(k, k->p, out + o) * factor(k, k->q, weight_index(g, o, tap) + c);
}

static void add_backward_w (const geometry *g, int64_t source, int64_t out, int64_t tap,
                            void *context) {
  const walk *k = context; /* p = x, q = dy */
  for (int64_t o = 0; o < g->o; o++)
    for (int64_t c = 0; c < g->c; c++)
      k->sum[weight_index(g, o, tap) + c] += load(k->p, source + c) * load(k->q, out + o);
}

/* Gathers in double, rounds once. bias (o) or NULL is where the sums of channel o start. */
static fx_status gather (const geometry *g, visitor visit, const fx_tensor *p, const fx_tensor *q,
                         const fx_tensor *bias, bool bf16, fx_tensor *result) {
  const int64_t n = fx_tensor_count(result);
  walk k = { p, q, bf16, fx_calloc((size_t)n, sizeof(double)) };
  if (!k.sum)
    return FX_ENOMEM;
  for (int64_t i = 0; bias && i < n; i++)
    k.sum[i] = load(bias, i % g->o);
  visit_taps(g, visit, &k);
  for (int64_t i = 0; i < n; i++)
    store(result, i, k.sum[i]);
  fx_free(k.sum);
  return FX_OK;
}

fx_status fxref_conv2d_forward (const fx_kernel_conv2d_forward *k) {
  const geometry g =
      geometry_of(k->x->shape, k->w->shape, k->y->shape, k->stride, k->pad, k->circular);
  return gather(&g, add_forward, k->x, k->w, k->b, k->bf16, k->y);
}

fx_status fxref_conv2d_backward_x (const fx_kernel_conv2d_backward_x *k) {
  const geometry g =
      geometry_of(k->dx->shape, k->w->shape, k->dy->shape, k->stride, k->pad, k->circular);
  return gather(&g, add_backward_x, k->dy, k->w, NULL, k->bf16, k->dx);
}

fx_status fxref_conv2d_backward_w (const fx_kernel_conv2d_backward_w *k) {
  const int64_t outs = k->dy->shape[3], pixels = outs ? fx_tensor_count(k->dy) / outs : 0;
  for (int64_t o = 0; k->db && o < outs; o++) {
    double sum = 0;
    for (int64_t i = 0; i < pixels; i++)
      sum += load(k->dy, i * outs + o);
    store(k->db, o, sum);
  }
  if (!k->dw)
    return FX_OK;
  const geometry g =
      geometry_of(k->x->shape, k->dw->shape, k->dy->shape, k->stride, k->pad, k->circular);
  return gather(&g, add_backward_w, k->x, k->dy, NULL, false, k->dw);
}
