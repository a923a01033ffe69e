/*
** winograd_transform.h - Winograd's transforms of a few numbers, `step` floats apart, into others `to` apart.
**
** The points are 0, +-1, +-2 and infinity for tiles of 4 pixels, and +-1/2 besides for those of 6: powers of
** two, so that few multiplications round. Numbers of a pair of points share their even and odd halves. `pixels` is
** a constant wherever these are called.
*/
#ifndef FX_CPU_WINOGRAD_TRANSFORM_H
#define FX_CPU_WINOGRAD_TRANSFORM_H

#include "kernels/cpu/cpu.h"

/* B^T: 6 -> 6 */
static inline void transform_input_4 (const vec *d, int step, vec *o, int to) {
  const vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
  const vec d5 = d[5 * step];
  const vec a = d4 - 4.0f * d2, b = d3 - 4.0f * d1, c = d4 - d2, e = 2.0f * (d3 - d1);
  o[0] = 4.0f * d0 - 5.0f * d2 + d4;
  o[to] = a + b;
  o[2 * to] = a - b;
  o[3 * to] = c + e;
  o[4 * to] = c - e;
  o[5 * to] = 4.0f * d1 - 5.0f * d3 + d5;
}

/* B^T: 8 -> 8 */
static inline void transform_input_6 (const vec *d, int step, vec *o, int to) {
  const vec d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
  const vec d6 = d[6 * step];
  const vec one = d2 + d6 - 4.25f * d4, one_odd = d1 + d5 - 4.25f * d3;
  const vec two = d6 + 0.25f * d2 - 1.25f * d4, two_odd = 2.0f * d5 + 0.5f * d1 - 2.5f * d3;
  const vec half = d6 + 4.0f * d2 - 5.0f * d4, half_odd = 2.0f * d1 + 0.5f * d5 - 2.5f * d3;
  o[0] = d[0] - d6 + 5.25f * (d4 - d2);
  o[to] = one + one_odd;
  o[2 * to] = one - one_odd;
  o[3 * to] = two + two_odd;
  o[4 * to] = two - two_odd;
  o[5 * to] = half + half_odd;
  o[6 * to] = half - half_odd;
  o[7 * to] = d[7 * step] - d1 + 5.25f * (d3 - d5);
}

static inline void transform_input (int pixels, const vec *d, int step, vec *o, int to) {
  if (pixels == 4)
    transform_input_4(d, step, o, to);
  else
    transform_input_6(d, step, o, to);
}

/* A^T: 6 -> 4 */
static inline void transform_output_4 (const vec *m, int step, vec *o, int to) {
  const vec a = m[step] + m[2 * step], b = m[step] - m[2 * step];
  const vec c = m[3 * step] + m[4 * step], d = m[3 * step] - m[4 * step];
  o[0] = m[0] + a + c;
  o[to] = b + 2.0f * d;
  o[2 * to] = a + 4.0f * c;
  o[3 * to] = b + 8.0f * d + m[5 * step];
}

/* A^T: 8 -> 6 */
static inline void transform_output_6 (const vec *m, int step, vec *o, int to) {
  const vec a = m[step] + m[2 * step], b = m[step] - m[2 * step];
  const vec c = m[3 * step] + m[4 * step], d = m[3 * step] - m[4 * step];
  const vec e = m[5 * step] + m[6 * step], f = m[5 * step] - m[6 * step];
  o[0] = m[0] + a + c + e;
  o[to] = b + 2.0f * d + 0.5f * f;
  o[2 * to] = a + 4.0f * c + 0.25f * e;
  o[3 * to] = b + 8.0f * d + 0.125f * f;
  o[4 * to] = a + 16.0f * c + 0.0625f * e;
  o[5 * to] = m[7 * step] + b + 32.0f * d + 0.03125f * f;
}

static inline void transform_output (int pixels, const vec *m, int step, vec *o, int to) {
  if (pixels == 4)
    transform_output_4(m, step, o, to);
  else
    transform_output_6(m, step, o, to);
}

/* A: 4 -> 6, the adjoint of transform_output_4 */
static inline void spread_output (const vec *y, int step, vec *o, int to) {
  const vec y0 = y[0], y1 = y[step], y2 = y[2 * step], y3 = y[3 * step];
  const vec even = y0 + y2, odd = y1 + y3, far = y0 + 4.0f * y2, skew = 2.0f * y1 + 8.0f * y3;
  o[0] = y0;
  o[to] = even + odd;
  o[2 * to] = even - odd;
  o[3 * to] = far + skew;
  o[4 * to] = far - skew;
  o[5 * to] = y3;
}

/* G: 3 -> 6 */
static inline void transform_weights_4 (const vec *g, int step, vec *o, int to) {
  const vec g0 = g[0], g1 = g[step], g2 = g[2 * step];
  const vec sum = (g0 + g2) * (-1.0f / 6.0f), middle = g1 * (1.0f / 6.0f);
  const vec far = g0 * (1.0f / 24.0f) + g2 * (1.0f / 6.0f), skew = g1 * (1.0f / 12.0f);
  o[0] = 0.25f * g0;
  o[to] = sum - middle;
  o[2 * to] = sum + middle;
  o[3 * to] = far + skew;
  o[4 * to] = far - skew;
  o[5 * to] = g2;
}

/* G: 3 -> 8 */
static inline void transform_weights_6 (const vec *g, int step, vec *o, int to) {
  const vec g0 = g[0], g1 = g[step], g2 = g[2 * step];
  const vec sum = (g0 + g2) * (-2.0f / 9.0f), middle = g1 * (2.0f / 9.0f);
  const vec far = g0 * (1.0f / 90.0f) + g2 * (2.0f / 45.0f), skew = g1 * (1.0f / 45.0f);
  const vec near = g0 * (32.0f / 45.0f) + g2 * (8.0f / 45.0f), bend = g1 * (16.0f / 45.0f);
  o[0] = g0;
  o[to] = sum - middle;
  o[2 * to] = sum + middle;
  o[3 * to] = far + skew;
  o[4 * to] = far - skew;
  o[5 * to] = near + bend;
  o[6 * to] = near - bend;
  o[7 * to] = g2;
}

static inline void transform_weights (int pixels, const vec *g, int step, vec *o, int to) {
  if (pixels == 4)
    transform_weights_4(g, step, o, to);
  else
    transform_weights_6(g, step, o, to);
}

/* G^T: 6 -> 3, the adjoint of transform_weights_4 */
static inline void gather_weights (const vec *u, int step, vec *o, int to) {
  const vec near = u[step] + u[2 * step], near_skew = u[2 * step] - u[step];
  const vec far = u[3 * step] + u[4 * step], far_skew = u[3 * step] - u[4 * step];
  o[0] = 0.25f * u[0] - near * (1.0f / 6.0f) + far * (1.0f / 24.0f);
  o[to] = near_skew * (1.0f / 6.0f) + far_skew * (1.0f / 12.0f);
  o[2 * to] = (far - near) * (1.0f / 6.0f) + u[5 * step];
}

#endif
