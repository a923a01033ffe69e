/*
** resample.c - blocks and interpolation.
**
** Interpolation is separable: output row i is a weighted sum of at most four input rows (its taps),
** columns likewise. Forward gathers along the taps, backward scatters along the same ones.
*/
#include <math.h>

#include "base/alloc.h"
#include "kernels/ref/ref.h"

static int64_t pixel (const fx_tensor *t, int64_t n, int64_t y, int64_t x) {
  return ((n * t->shape[1] + y) * t->shape[2] + x) * t->shape[3];
}

fx_status fxref_repeat_blocks (const fx_kernel_repeat_blocks *k) {
  const int64_t *s = k->y->shape, f = k->factor;
  for (int64_t n = 0; n < s[0]; n++)
    for (int64_t y = 0; y < s[1]; y++)
      for (int64_t x = 0; x < s[2]; x++)
        for (int64_t c = 0; c < s[3]; c++)
          store(k->y, pixel(k->y, n, y, x) + c,
                k->scale * load(k->x, pixel(k->x, n, y / f, x / f) + c));
  return FX_OK;
}

fx_status fxref_sum_blocks (const fx_kernel_sum_blocks *k) {
  const int64_t *s = k->y->shape, f = k->factor;
  for (int64_t n = 0; n < s[0]; n++)
    for (int64_t y = 0; y < s[1]; y++)
      for (int64_t x = 0; x < s[2]; x++)
        for (int64_t c = 0; c < s[3]; c++) {
          double sum = 0;
          for (int64_t u = 0; u < f; u++)
            for (int64_t v = 0; v < f; v++)
              sum += load(k->x, pixel(k->x, n, y * f + u, x * f + v) + c);
          store(k->y, pixel(k->y, n, y, x) + c, k->scale * sum);
        }
  return FX_OK;
}

/* --- interpolation ---------------------------------------------------------------------------- */

typedef struct {
  int count;
  int64_t index[4];
  double weight[4];
} taps;

typedef struct {
  fx_resize_method method;
  bool registered, circular;
} settings;

/* Keys' cubic, |x| <= 2 [Keys 1981]: with a = -0.5, for which he derived it, it reproduces polynomials up to
** the second degree; with a = -0.75, as PyTorch and OpenCV have it, constants alone. */
static double cubic (double a, double x) {
  x = fabs(x);
  if (x <= 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

static int64_t inside (int64_t i, int64_t size, bool circular) {
  if (circular)
    return ((i % size) + size) % size;
  return i < 0 ? 0 : i >= size ? size - 1 : i;
}

/* The taps of output coordinate i when `from` samples become `to`. Positions are counted in whole
** units of 1/(2 to) sample: with i * ((double)from / to), 49 * (2/98) falls just below 1 and
** nearest would take the wrong pixel. */
static taps taps_of (const settings *set, int64_t i, int64_t from, int64_t to) {
  const int64_t units = set->registered ? 2 * i * from : (2 * i + 1) * from;
  taps t = { .count = 1, .weight = { 1 } };
  if (set->method == FX_RESIZE_NEAREST) {
    t.index[0] = units / (2 * to);
    return t;
  }
  double s = (double)(set->registered ? units : units - to) / (double)(2 * to);
  if (set->method == FX_RESIZE_BILINEAR && s < 0 && !set->circular)
    s = 0;
  const int64_t base = (int64_t)floor(s);
  const double f = s - (double)base;
  const double a = set->method == FX_RESIZE_KEYS ? -0.5 : -0.75;
  t.count = set->method == FX_RESIZE_BILINEAR ? 2 : 4;
  for (int k = 0; k < t.count; k++) {
    const int64_t offset = t.count == 2 ? k : k - 1;
    t.index[k] = inside(base + offset, from, set->circular);
    t.weight[k] = t.count == 2 ? (k ? f : 1 - f) : cubic(a, f - (double)offset);
  }
  return t;
}

fx_status fxref_resize_forward (const fx_kernel_resize_forward *k) {
  const settings set = { k->method, k->registered, k->circular };
  const int64_t *s = k->y->shape, h = k->x->shape[1], w = k->x->shape[2];
  for (int64_t n = 0; n < s[0]; n++)
    for (int64_t y = 0; y < s[1]; y++)
      for (int64_t x = 0; x < s[2]; x++) {
        const taps ty = taps_of(&set, y, h, s[1]), tx = taps_of(&set, x, w, s[2]);
        for (int64_t c = 0; c < s[3]; c++) {
          double sum = 0;
          for (int u = 0; u < ty.count; u++)
            for (int v = 0; v < tx.count; v++)
              sum += ty.weight[u] * tx.weight[v] *
                     load(k->x, pixel(k->x, n, ty.index[u], tx.index[v]) + c);
          store(k->y, pixel(k->y, n, y, x) + c, sum);
        }
      }
  return FX_OK;
}

fx_status fxref_resize_backward (const fx_kernel_resize_backward *k) {
  const settings set = { k->method, k->registered, k->circular };
  const int64_t *s = k->dy->shape, h = k->dx->shape[1], w = k->dx->shape[2];
  const int64_t count = fx_tensor_count(k->dx);
  double *sum = fx_calloc((size_t)count, sizeof *sum);
  if (!sum)
    return FX_ENOMEM;
  for (int64_t n = 0; n < s[0]; n++)
    for (int64_t y = 0; y < s[1]; y++)
      for (int64_t x = 0; x < s[2]; x++) {
        const taps ty = taps_of(&set, y, h, s[1]), tx = taps_of(&set, x, w, s[2]);
        for (int u = 0; u < ty.count; u++)
          for (int v = 0; v < tx.count; v++)
            for (int64_t c = 0; c < s[3]; c++)
              sum[pixel(k->dx, n, ty.index[u], tx.index[v]) + c] +=
                  ty.weight[u] * tx.weight[v] * load(k->dy, pixel(k->dy, n, y, x) + c);
      }
  for (int64_t i = 0; i < count; i++)
    store(k->dx, i, sum[i]);
  fx_free(sum);
  return FX_OK;
}
