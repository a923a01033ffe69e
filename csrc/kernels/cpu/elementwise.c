/*
** elementwise.c - functions of one number, and of two with broadcasting.
**
** Items are FXCPU_CHUNK elements of the result. Each function has a loop of its own, which the
** compiler vectorises over vmath.h; log, sin, cos and pow call libm. y may be x (STEPS_APART).
**
** Here a b + c is never contracted into one rounding (EXACT_SOURCES in CMakeLists.txt): gcc decides
** that separately for the vectors of a loop and for its last few elements, and then the bits of a
** sample would depend on its place in the batch.
*/
#include "kernels/cpu/broadcast.h"
#include "kernels/cpu/vmath.h"

#define EACH STEPS_APART for (int64_t i = 0; i < n; i++)

/* --- one number ------------------------------------------------------------------------------- */

static void apply (fx_unary f, float a, float b, int64_t n, const float *x, float *y) {
  switch (f) {
  case FX_UNARY_AFFINE: EACH y[i] = a * x[i] + b; break;
  case FX_UNARY_EXP: EACH y[i] = v_exp(x[i]); break;
  case FX_UNARY_LOG: EACH y[i] = logf(x[i]); break;
  case FX_UNARY_SQRT: EACH y[i] = __builtin_sqrtf(x[i]); break;
  case FX_UNARY_SQUARE: EACH y[i] = x[i] * x[i]; break;
  case FX_UNARY_ABS: EACH y[i] = fabsf(x[i]); break;
  case FX_UNARY_SIN: EACH y[i] = sinf(x[i]); break;
  case FX_UNARY_COS: EACH y[i] = cosf(x[i]); break;
  case FX_UNARY_TANH: EACH y[i] = v_tanh(x[i]); break;
  case FX_UNARY_SIGMOID: EACH y[i] = v_sigmoid(x[i]); break;
  case FX_UNARY_SILU: EACH y[i] = x[i] * v_sigmoid(x[i]); break;
  case FX_UNARY_GELU: EACH y[i] = v_gelu(x[i]); break;
  case FX_UNARY_RELU: EACH y[i] = x[i] <= 0.0f ? 0.0f : x[i]; break; /* written so that NaN stays */
  case FX_UNARY_POW: EACH y[i] = powf(x[i], a); break;
  case FX_UNARY_CLAMP:
    EACH {
      const float v = x[i] < a ? a : x[i];
      y[i] = v > b ? b : v;
    }
    break;
  }
}

static void apply_slope (fx_unary f, float a, float b, int64_t n, const float *x, const float *dy,
                         float *dx) {
  switch (f) {
  case FX_UNARY_AFFINE: EACH dx[i] = a * dy[i]; break;
  case FX_UNARY_EXP: EACH dx[i] = dy[i] * v_exp(x[i]); break;
  case FX_UNARY_LOG: EACH dx[i] = dy[i] / x[i]; break;
  case FX_UNARY_SQRT: EACH dx[i] = dy[i] * 0.5f / __builtin_sqrtf(x[i]); break;
  case FX_UNARY_SQUARE: EACH dx[i] = dy[i] * 2.0f * x[i]; break;
  case FX_UNARY_ABS: EACH dx[i] = x[i] > 0.0f ? dy[i] : x[i] < 0.0f ? -dy[i] : 0.0f; break;
  case FX_UNARY_SIN: EACH dx[i] = dy[i] * cosf(x[i]); break;
  case FX_UNARY_COS: EACH dx[i] = -dy[i] * sinf(x[i]); break;
  case FX_UNARY_TANH:
    EACH {
      const float t = v_tanh(x[i]);
      dx[i] = dy[i] * (1.0f - t * t);
    }
    break;
  case FX_UNARY_SIGMOID:
    EACH {
      const float s = v_sigmoid(x[i]);
      dx[i] = dy[i] * s * (1.0f - s);
    }
    break;
  case FX_UNARY_SILU: EACH dx[i] = dy[i] * v_silu_slope(x[i]); break;
  case FX_UNARY_GELU: EACH dx[i] = dy[i] * v_gelu_slope(x[i]); break;
  case FX_UNARY_RELU: EACH dx[i] = x[i] <= 0.0f ? 0.0f : dy[i]; break;
  case FX_UNARY_POW: EACH dx[i] = dy[i] * a * powf(x[i], a - 1.0f); break;
  case FX_UNARY_CLAMP: EACH dx[i] = ((x[i] >= a) & (x[i] <= b)) ? dy[i] : 0.0f; break;
  }
}

typedef struct {
  fx_unary f;
  float a, b;
  int64_t count;
  const float *x, *dy; /* dy: NULL forward, and x is not read where it is NULL */
  float *y;
} unary_job;

static void unary_task (void *context, int64_t item, int worker) {
  (void)worker;
  const unary_job *job = context;
  const int64_t first = item * FXCPU_CHUNK, n = smaller(job->count - first, FXCPU_CHUNK);
  const float *x = job->x ? job->x + first : NULL;
  if (job->dy)
    apply_slope(job->f, job->a, job->b, n, x, job->dy + first, job->y + first);
  else
    apply(job->f, job->a, job->b, n, x, job->y + first);
}

fx_status fxcpu_unary_forward (const fx_kernel_unary_forward *a) {
  unary_job job = { a->f,         (float)a->a, (float)a->b, fx_tensor_count(a->y),
                    fx_f32(a->x), NULL,        fx_f32(a->y) };
  fx_parallel(chunks(job.count), unary_task, &job);
  return FX_OK;
}

fx_status fxcpu_unary_backward (const fx_kernel_unary_backward *a) {
  unary_job job = {
    a->f,          (float)a->a,  (float)a->b, fx_tensor_count(a->dx), a->x ? fx_f32(a->x) : NULL,
    fx_f32(a->dy), fx_f32(a->dx)
  };
  fx_parallel(chunks(job.count), unary_task, &job);
  return FX_OK;
}

/* --- two numbers ------------------------------------------------------------------------------ */

/* A loop for each way in which the inputs move. p and q are the two numbers. */
#define COMBINE(expression) \
  if (step_a && step_b) \
    EACH { \
      const float p = a[i], q = b[i]; \
      y[i] = (expression); \
    } \
  else if (step_a) \
    EACH { \
      const float p = a[i], q = b0; \
      y[i] = (expression); \
    } \
  else if (step_b) \
    EACH { \
      const float p = a0, q = b[i]; \
      y[i] = (expression); \
    } \
  else \
    EACH { \
      const float p = a0, q = b0; \
      y[i] = (expression); \
    } \
  break

static void combine (fx_binary f, int64_t n, const float *a, int64_t step_a, const float *b,
                     int64_t step_b, float *y) {
  const float a0 = *a, b0 = *b;
  switch (f) {
  case FX_BINARY_ADD: COMBINE(p + q);
  case FX_BINARY_SUB: COMBINE(p - q);
  case FX_BINARY_MUL: COMBINE(p * q);
  case FX_BINARY_DIV: COMBINE(p / q);
  case FX_BINARY_MAXIMUM: COMBINE(((p >= q) | (p != p)) ? p : q); /* NaN from either side */
  case FX_BINARY_MINIMUM: COMBINE(((p <= q) | (p != p)) ? p : q);
  case FX_BINARY_MASK_GE: COMBINE(((p >= q) | (p != p)) ? 1.0f : 0.0f);
  case FX_BINARY_MASK_LE: COMBINE(((p <= q) | (p != p)) ? 1.0f : 0.0f);
  }
}

typedef struct {
  fx_binary f;
  walk w;
  int64_t count;
  const float *a, *b;
  float *y;
} binary_job;

static void binary_task (void *context, int64_t item, int worker) {
  (void)worker;
  const binary_job *job = context;
  const walk *w = &job->w;
  const int64_t inner = w->size[w->n - 1], end = smaller(job->count, (item + 1) * FXCPU_CHUNK);
  for (int64_t i = item * FXCPU_CHUNK; i < end;) {
    const int64_t n = smaller(end - i, inner - i % inner);
    combine(job->f, n, job->a + walk_offset(w, 0, i), w->step[0][w->n - 1],
            job->b + walk_offset(w, 1, i), w->step[1][w->n - 1], job->y + i);
    i += n;
  }
}

fx_status fxcpu_binary_forward (const fx_kernel_binary_forward *a) {
  binary_job job = {
    a->f,        walk_over(a->y, a->a, a->b), fx_tensor_count(a->y), fx_f32(a->a), fx_f32(a->b),
    fx_f32(a->y)
  };
  fx_parallel(chunks(job.count), binary_task, &job);
  return FX_OK;
}
