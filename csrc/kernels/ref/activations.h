/* activations.h - the functions that kernels of their own and fused ones apply, with their slopes, in double. */
#ifndef FX_REF_ACTIVATIONS_H
#define FX_REF_ACTIVATIONS_H

#include <math.h>

static inline double sigmoid (double x) { return 1 / (1 + exp(-x)); }

#define SQRT_2_OVER_PI 0.79788456080286535588
#define GELU_CUBIC 0.044715

/* GELU's tanh. */
static inline double gelu_bend (double x) {
  return tanh(SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x));
}

static inline double gelu (double x) { return 0.5 * x * (1 + gelu_bend(x)); }

static inline double gelu_slope (double x) {
  const double t = gelu_bend(x), inner = SQRT_2_OVER_PI * (1 + 3 * GELU_CUBIC * x * x);
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner;
}

#endif
