/*
** tensor.h - a counted handle on a counted block of numbers.
**
** A tensor is contiguous, row-major, with up to FX_MAX_DIMS axes. Fields are (N,H,W,C): channels
** last, so a pixel's channels are neighbours in memory and a feature map is also the transformer's
** matrix of tokens. A view (fx_tensor_view) shares the storage of another tensor and is contiguous
** itself: a reshape, or a range of the leading axis. Strided views were refused: every kernel
** would need two versions, and a permutation that is copied once is read faster many times.
**
** Compute types are f32 and f64 (f64 is the reference). bf16 and f16 are storage types: files
** hold them, fx_tensor_cast converts them.
**
** Reference counts are not atomic: handles belong to one thread. Pool workers see raw pointers.
**
** `link` is what autograd attaches to a tensor that takes part in a gradient; this layer only
** carries it along and releases it.
*/
#ifndef FX_TENSOR_H
#define FX_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/status.h"

#define FX_MAX_DIMS 6

typedef enum { FX_F32 = 0, FX_F64, FX_BF16, FX_F16 } fx_dtype;

/* A list of sizes or axes; also the type of shape arguments. */
typedef struct {
  int n;
  int64_t d[FX_MAX_DIMS];
} fx_dims;

/* The list of these sizes or axes:  FX_DIMS(n, -1, d) */
#define FX_DIMS(...) \
  ((fx_dims){ sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t), { __VA_ARGS__ } })

typedef struct fx_storage fx_storage;

/* First member of whatever autograd hangs on a tensor. */
typedef struct fx_link {
  void (*release)(struct fx_link *self);
} fx_link;

typedef struct fx_tensor {
  int64_t refs;
  fx_dtype dtype;
  int ndim;
  int64_t shape[FX_MAX_DIMS];
  void *data; /* first element; NULL only in a shape-only tensor (fx_tensor_new_shape) */
  fx_storage *storage;
  fx_link *link; /* owned; NULL unless a gradient flows through this tensor */
} fx_tensor;

/* --- life ------------------------------------------------------------------------------------ */

/* New tensor of undefined contents. Sizes must be >= 0; products that overflow are refused. */
fx_status fx_tensor_new(fx_dtype dtype, int ndim, const int64_t *shape, fx_tensor **out);
fx_status fx_tensor_new_zeros(fx_dtype dtype, int ndim, const int64_t *shape, fx_tensor **out);

/* New tensor with dtype and shape of `like`, contents undefined / zero. */
fx_status fx_tensor_new_like(const fx_tensor *like, fx_tensor **out);
fx_status fx_tensor_new_zeros_like(const fx_tensor *like, fx_tensor **out);

/* New handle with dtype and shape but no data: what backward keeps of an operand whose values it
** does not need. */
fx_status fx_tensor_new_shape(const fx_tensor *like, fx_tensor **out);

/* New handle on the storage of `base`, starting `offset` elements into it. The view owns a
** reference to the storage, not to `base`; it has no link. */
fx_status fx_tensor_view(const fx_tensor *base, int64_t offset, int ndim, const int64_t *shape,
                         fx_tensor **out);

fx_tensor *fx_tensor_retain(fx_tensor *t); /* returns t; NULL is passed through */
void fx_tensor_release(fx_tensor *t);      /* NULL is ignored */

/* True if nobody else holds this handle or looks into its storage: it may be overwritten. */
bool fx_tensor_unique(const fx_tensor *t);

/* Releases *slot and stores `t` (taking the caller's reference). */
void fx_tensor_assign(fx_tensor **slot, fx_tensor *t);

/* --- shape ----------------------------------------------------------------------------------- */

int64_t fx_tensor_count(const fx_tensor *t); /* number of elements; 1 for 0-d */
size_t fx_dtype_size(fx_dtype dtype);        /* bytes */
const char *fx_dtype_name(fx_dtype dtype);   /* "f32", ... */
bool fx_same_shape(const fx_tensor *a, const fx_tensor *b);
int64_t fx_dim(const fx_tensor *t, int axis); /* axis may be negative; 1 if absent */
fx_dims fx_dims_of(const fx_tensor *t);

/* Writes "(2,3,4)" into buffer and returns it. */
#define FX_SHAPE_TEXT 96
const char *fx_shape_text(const fx_tensor *t, char buffer[FX_SHAPE_TEXT]);

/* --- contents -------------------------------------------------------------------------------- */

static inline float *fx_f32 (const fx_tensor *t) { return (float *)t->data; }
static inline double *fx_f64 (const fx_tensor *t) { return (double *)t->data; }

/* Element i (row-major) as double, whatever the dtype. Not for inner loops. */
double fx_tensor_get(const fx_tensor *t, int64_t i);
void fx_tensor_set(fx_tensor *t, int64_t i, double value);

void fx_tensor_fill(fx_tensor *t, double value);
fx_status fx_tensor_copy(fx_tensor *to, const fx_tensor *from); /* same count; converts dtype */
fx_status fx_tensor_clone(const fx_tensor *t, fx_tensor **out);
fx_status fx_tensor_cast(const fx_tensor *t, fx_dtype dtype, fx_tensor **out);

/* Fills with numbers from `key`, element index = position. */
void fx_tensor_normal(fx_tensor *t, fx_rng key);
void fx_tensor_uniform(fx_tensor *t, fx_rng key, double low, double high);

/* Smallest, largest, mean, and the number of elements that are not finite (left out of the rest). */
typedef struct {
  double min, max, mean;
  int64_t nonfinite;
} fx_summary;
void fx_tensor_summary(const fx_tensor *t, fx_summary *out);

/* A text like lua's `print` should show: shape, dtype, range, then at most 6x6 corners. Writes at
** most `size` bytes with the final 0 and returns the length it would need, as snprintf. */
int fx_tensor_print(const fx_tensor *t, char *buffer, size_t size);

#endif
