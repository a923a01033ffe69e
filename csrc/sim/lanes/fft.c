/*
** fft.c - the butterflies of the transforms.
**
** One pass of Stockham's algorithm, decimation in frequency. With current length n = r m, stride s
** and w = exp(-2 pi i / n), for p in [0,m), q in [0,s):
**
**   y[q + s (r p + j)] = w^(j p) * sum_l x[q + s (p + l m)] exp(-2 pi i j l / r)
**
** After it n becomes m and s becomes s r; when n reaches 1 the result is in natural order, so no
** bit reversal is ever made. The turn w^(j p) is 1 for p = 0: those butterflies skip it, which
** makes the whole last pass (m = 1) free of multiplications by it.
**
** The inverse is the forward transform with real and imaginary parts exchanged, before and after:
** here only the offsets `re`, `im` of the two halves of an element.
*/
#include "sim/lanes/fft.h"

typedef struct {
  const fx_real *x; /* first input of the butterfly                              */
  fx_real *y;       /* its first output                                          */
  int64_t in, out;  /* numbers between its inputs, between its outputs           */
  int re, im;       /* offsets of the halves: 0 and FX_LANES, or the other way   */
} butterfly;

INLINE void get (const butterfly *b, int l, fx_vec *re, fx_vec *im) {
  *re = GET(b->x + l * b->in + b->re);
  *im = GET(b->x + l * b->in + b->im);
}

/* Stores output j, multiplied by its turn w[2j-2], w[2j-1] where there is one. */
INLINE void put (const butterfly *b, int j, int turn, const fx_real *w, const fx_vec *re,
                 const fx_vec *im) {
  fx_real *y = b->y + j * b->out;
  if (turn && j > 0) {
    const fx_real c = w[2 * j - 2], s = w[2 * j - 1];
    AT(y + b->re) = *re * c - *im * s;
    AT(y + b->im) = *re * s + *im * c;
  } else {
    AT(y + b->re) = *re;
    AT(y + b->im) = *im;
  }
}

/* Stores outputs j and k = m -+ i n, the pair that odd radices and radix 4 end with. */
INLINE void put_pair (const butterfly *b, int j, int k, int turn, const fx_real *w,
                      const fx_vec *mr, const fx_vec *mi, const fx_vec *nr, const fx_vec *ni) {
  const fx_vec jr = *mr + *ni, ji = *mi - *nr, kr = *mr - *ni, ki = *mi + *nr;
  put(b, j, turn, w, &jr, &ji);
  put(b, k, turn, w, &kr, &ki);
}

INLINE void radix2 (const butterfly *b, int turn, const fx_real *w) {
  fx_vec ar, ai, br, bi;
  get(b, 0, &ar, &ai);
  get(b, 1, &br, &bi);
  const fx_vec sr = ar + br, si = ai + bi, dr = ar - br, di = ai - bi;
  put(b, 0, turn, w, &sr, &si);
  put(b, 1, turn, w, &dr, &di);
}

INLINE void radix3 (const butterfly *b, int turn, const fx_real *w) {
  const fx_real sin60 = (fx_real)0.86602540378443864676;
  fx_vec ar, ai, br, bi, cr, ci;
  get(b, 0, &ar, &ai);
  get(b, 1, &br, &bi);
  get(b, 2, &cr, &ci);
  const fx_vec tr = br + cr, ti = bi + ci;
  const fx_vec yr = ar + tr, yi = ai + ti;
  const fx_vec mr = ar - tr * 0.5, mi = ai - ti * 0.5;
  const fx_vec nr = (br - cr) * sin60, ni = (bi - ci) * sin60;
  put(b, 0, turn, w, &yr, &yi);
  put_pair(b, 1, 2, turn, w, &mr, &mi, &nr, &ni);
}

INLINE void radix4 (const butterfly *b, int turn, const fx_real *w) {
  fx_vec ar, ai, br, bi, cr, ci, dr, di;
  get(b, 0, &ar, &ai);
  get(b, 1, &br, &bi);
  get(b, 2, &cr, &ci);
  get(b, 3, &dr, &di);
  const fx_vec pr = ar + cr, pi = ai + ci, mr = ar - cr, mi = ai - ci;
  const fx_vec qr = br + dr, qi = bi + di, nr = br - dr, ni = bi - di;
  const fx_vec y0r = pr + qr, y0i = pi + qi, y2r = pr - qr, y2i = pi - qi;
  put(b, 0, turn, w, &y0r, &y0i);
  put_pair(b, 1, 3, turn, w, &mr, &mi, &nr, &ni);
  put(b, 2, turn, w, &y2r, &y2i);
}

INLINE void radix5 (const butterfly *b, int turn, const fx_real *w) {
  const fx_real c1 = (fx_real)0.30901699437494742410,
                c2 = (fx_real)-0.80901699437494742410; /* cos 72, cos 144 */
  const fx_real s1 = (fx_real)0.95105651629515357212,
                s2 = (fx_real)0.58778525229247312917; /* sin 72, sin 144 */
  fx_vec ar, ai, br, bi, cr, ci, dr, di, er, ei;
  get(b, 0, &ar, &ai);
  get(b, 1, &br, &bi);
  get(b, 2, &cr, &ci);
  get(b, 3, &dr, &di);
  get(b, 4, &er, &ei);
  const fx_vec pr = br + er, pi = bi + ei, qr = cr + dr, qi = ci + di;
  const fx_vec tr = br - er, ti = bi - ei, vr = cr - dr, vi = ci - di;
  const fx_vec y0r = ar + pr + qr, y0i = ai + pi + qi;
  const fx_vec m1r = ar + pr * c1 + qr * c2, m1i = ai + pi * c1 + qi * c2;
  const fx_vec m2r = ar + pr * c2 + qr * c1, m2i = ai + pi * c2 + qi * c1;
  const fx_vec n1r = tr * s1 + vr * s2, n1i = ti * s1 + vi * s2;
  const fx_vec n2r = tr * s2 - vr * s1, n2i = ti * s2 - vi * s1;
  put(b, 0, turn, w, &y0r, &y0i);
  put_pair(b, 1, 4, turn, w, &m1r, &m1i, &n1r, &n1i);
  put_pair(b, 2, 3, turn, w, &m2r, &m2i, &n2r, &n2i);
}

INLINE void run_butterfly (int radix, const butterfly *b, int turn, const fx_real *w) {
  switch (radix) {
  case 2: radix2(b, turn, w); break;
  case 3: radix3(b, turn, w); break;
  case 4: radix4(b, turn, w); break;
  default: radix5(b, turn, w); break;
  }
}

/* All butterflies of one p: q runs over the stride, v over the vectors of an element. */
INLINE void run_p (int radix, int turn, butterfly b, int64_t stride, const fx_real *w) {
  for (int64_t q = 0; q < stride; q++) {
    for (int v = 0; v < FX_LANES; v += FX_VEC) {
      run_butterfly(radix, &b, turn, w);
      b.x += FX_VEC;
      b.y += FX_VEC;
    }
    b.x += FX_LANE_BLOCK - FX_LANES;
    b.y += FX_LANE_BLOCK - FX_LANES;
  }
}

INLINE void run_pass (int radix, const fx_fft *plan, int number, bool inverse, const fx_real *x,
                      fx_real *y) {
  const fx_fft_pass *pass = &plan->pass[number];
  const fx_real *turns = reals(plan->turns) + pass->turns;
  const int64_t s = pass->stride, m = pass->m;
  butterfly b = {
    x, y, s * m * FX_LANE_BLOCK, s * FX_LANE_BLOCK, inverse ? FX_LANES : 0, inverse ? 0 : FX_LANES
  };
  run_p(radix, 0, b, s, NULL);
  for (int64_t p = 1; p < m; p++) {
    b.x = x + p * s * FX_LANE_BLOCK;
    b.y = y + p * s * radix * FX_LANE_BLOCK;
    run_p(radix, 1, b, s, turns + p * 2 * (radix - 1));
  }
}

/* One function a radix, so that `radix` is a constant and the butterflies are inlined. */
static void pass2 (const fx_fft *plan, int number, bool inverse, const fx_real *x, fx_real *y) {
  run_pass(2, plan, number, inverse, x, y);
}
static void pass3 (const fx_fft *plan, int number, bool inverse, const fx_real *x, fx_real *y) {
  run_pass(3, plan, number, inverse, x, y);
}
static void pass4 (const fx_fft *plan, int number, bool inverse, const fx_real *x, fx_real *y) {
  run_pass(4, plan, number, inverse, x, y);
}
static void pass5 (const fx_fft *plan, int number, bool inverse, const fx_real *x, fx_real *y) {
  run_pass(5, plan, number, inverse, x, y);
}

/* Output j of a butterfly of prime radix, by the definition; t runs through j l mod r. */
INLINE void output_any (const butterfly *b, int radix, int j, int turn, const fx_real *w,
                        const fx_real *roots) {
  fx_vec sr, si;
  get(b, 0, &sr, &si);
  for (int l = 1, t = j; l < radix; l++) {
    const fx_real c = roots[2 * t], s = roots[2 * t + 1];
    fx_vec re, im;
    get(b, l, &re, &im);
    sr += re * c - im * s;
    si += re * s + im * c;
    t += j;
    if (t >= radix)
      t -= radix;
  }
  put(b, j, turn, w, &sr, &si);
}

/* A pass of a prime above 5. */
static void pass_any (const fx_fft *plan, int number, bool inverse, const fx_real *x, fx_real *y) {
  const fx_fft_pass *pass = &plan->pass[number];
  const fx_real *turns = reals(plan->turns) + pass->turns,
                *roots = reals(plan->turns) + pass->roots;
  const int64_t s = pass->stride, m = pass->m;
  butterfly b = {
    x, y, s * m * FX_LANE_BLOCK, s * FX_LANE_BLOCK, inverse ? FX_LANES : 0, inverse ? 0 : FX_LANES
  };
  for (int64_t p = 0; p < m; p++) {
    for (int64_t q = 0; q < s; q++) {
      for (int v = 0; v < FX_LANES; v += FX_VEC) {
        b.x = x + (p * s + q) * FX_LANE_BLOCK + v;
        b.y = y + (p * s * pass->radix + q) * FX_LANE_BLOCK + v;
        for (int j = 0; j < pass->radix; j++)
          output_any(&b, pass->radix, j, p > 0, turns + p * 2 * (pass->radix - 1), roots);
      }
    }
  }
}

void *fxsim_fft (const fx_fft *plan, bool inverse, void *data, void *work) {
  for (int i = 0; i < plan->passes; i++) {
    switch (plan->pass[i].radix) {
    case 2: pass2(plan, i, inverse, data, work); break;
    case 3: pass3(plan, i, inverse, data, work); break;
    case 4: pass4(plan, i, inverse, data, work); break;
    case 5: pass5(plan, i, inverse, data, work); break;
    default: pass_any(plan, i, inverse, data, work); break;
    }
    void *const swap = data;
    data = work;
    work = swap;
  }
  return data;
}
