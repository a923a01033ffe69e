/*
** rng.c - Philox4x32-10 and Box-Muller.
**
** Normals are computed in double from operations that IEEE 754 defines exactly (+ - * / sqrt and
** bit moves), because libm's log and cos differ between systems in about 1 % of their last bits.
** This file is compiled with -ffp-contract=off for the same reason.
**
** log(u): u = m 2^e with m in [sqrt(1/2), sqrt(2)), log m = 2 atanh((m-1)/(m+1)), whose series
** needs 11 terms for double precision since ((m-1)/(m+1))^2 < 0.0295.
** sin and cos of 2 pi v: v is split into a quarter turn and a rest of at most an eighth; the
** Taylor series of the rest, |x| <= pi/4, needs 8 terms.
*/
#include "base/rng.h"

#include <math.h>
#include <string.h>

const fx_stream_row fx_streams[] = {
  { "init", "initial weights; `sample` is the hash of the parameter's name" },
  { "order", "which frame comes next" },
  { "crop", "where a patch is cut" },
  { "noise", "training noise" },
  { "time", "training times" },
  { "dropout", "dropout masks; `member` counts the calls of one forward pass" },
  { "sample", "noise of the sampler" },
  { "data", "initial fields of simulations" },
  { "user", "free for recipes" },
  { NULL, NULL },
};

void fx_philox (const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    const uint64_t p0 = (uint64_t)0xD2511F53u * c0;
    const uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
    const uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1;
    c3 = (uint32_t)p0;
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u; /* golden ratio; sqrt(3)-1: the Weyl constants of the paper */
    k1 += 0xBB67AE85u;
  }
  out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

static void draw_block (const fx_rng *key, uint64_t block, uint32_t out[4]) {
  const uint32_t k[2] = { (uint32_t)key->seed, (uint32_t)(key->seed >> 32) };
  const uint32_t counter[4] = { (uint32_t)block, key->sample,
                                key->stream << 24 | (key->member & 0xFFFFFFu), key->step };
  fx_philox(counter, k, out);
}

uint32_t fx_rng_u32 (fx_rng key, uint64_t index) {
  uint32_t words[4];
  draw_block(&key, index / 4, words);
  return words[index % 4];
}

void fx_rng_uniform (fx_rng key, uint64_t first, int64_t n, float *out) {
  uint32_t words[4];
  for (int64_t i = 0; i < n; i++) {
    const uint64_t index = first + (uint64_t)i;
    if (i == 0 || index % 4 == 0)
      draw_block(&key, index / 4, words);
    out[i] = (float)(words[index % 4] >> 8) * 0x1p-24f;
  }
}

static double log_unit (double u) {
  uint64_t bits;
  memcpy(&bits, &u, sizeof bits);
  int e = (int)(bits >> 52) - 1023;
  bits = (bits & 0xFFFFFFFFFFFFFu) | 0x3FF0000000000000u;
  double m;
  memcpy(&m, &bits, sizeof m);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    e++;
  }
  const double s = (m - 1.0) / (m + 1.0), s2 = s * s;
  double sum = 0.0;
  for (int k = 21; k >= 1; k -= 2)
    sum = sum * s2 + 1.0 / k;
  return 2.0 * s * sum + e * 0.69314718055994530942;
}

static void sincos_turn (double v, double *sine, double *cosine) {
  const int quarter = (int)(v * 4.0 + 0.5);
  const double x = (v - quarter * 0.25) * 6.28318530717958647692, x2 = x * x;
  /* Horner from the innermost term: sin = x (1 - x2/6 (1 - x2/20 (...))), cos likewise. */
  double s = 1.0, c = 1.0;
  for (int k = 8; k >= 1; k--) {
    s = 1.0 - s * x2 / (double)(2 * k * (2 * k + 1));
    c = 1.0 - c * x2 / (double)((2 * k - 1) * 2 * k);
  }
  s *= x;
  switch (quarter & 3) {
  case 0: *sine = s, *cosine = c; break;
  case 1: *sine = c, *cosine = -s; break;
  case 2: *sine = -s, *cosine = -c; break;
  default: *sine = -c, *cosine = s; break;
  }
}

/* Two words give two normals; u is centred in its cell, so that it is never 0. */
static void box_muller (uint32_t a, uint32_t b, double out[2]) {
  const double u = ((double)a + 0.5) * 0x1p-32, v = ((double)b + 0.5) * 0x1p-32;
  const double radius = sqrt(-2.0 * log_unit(u));
  double s, c;
  sincos_turn(v, &s, &c);
  out[0] = radius * c;
  out[1] = radius * s;
}

static void normal_block (const fx_rng *key, uint64_t block, double out[4]) {
  uint32_t words[4];
  draw_block(key, block, words);
  box_muller(words[0], words[1], out);
  box_muller(words[2], words[3], out + 2);
}

void fx_rng_normal_f64 (fx_rng key, uint64_t first, int64_t n, double *out) {
  double four[4];
  for (int64_t i = 0; i < n; i++) {
    const uint64_t index = first + (uint64_t)i;
    if (i == 0 || index % 4 == 0)
      normal_block(&key, index / 4, four);
    out[i] = four[index % 4];
  }
}

void fx_rng_normal (fx_rng key, uint64_t first, int64_t n, float *out) {
  double four[4];
  for (int64_t i = 0; i < n; i++) {
    const uint64_t index = first + (uint64_t)i;
    if (i == 0 || index % 4 == 0)
      normal_block(&key, index / 4, four);
    out[i] = (float)four[index % 4];
  }
}
