/*
** rows.c - the loop over rows (flow_state.h): FX_LANES neighbouring rows an item, all of x.
*/
#include "sim/lanes/fft.h"

/* z = A + i B over all kx of FX_LANES rows, from the half spectra of two real fields A and B. */
static void join_rows (const fx_flow *flow, const fx_real *a, const fx_real *b, fx_real *z) {
  const int64_t gap = flow->w - 2 * flow->modes + 1;
  memset(z + flow->modes * FX_LANE_BLOCK, 0, (size_t)gap * FX_LANE_BLOCK * sizeof(fx_real));
  for (int64_t k = 0; k < flow->modes; k++, a += FX_LANE_BLOCK, b += FX_LANE_BLOCK) {
    fx_real *plus = z + k * FX_LANE_BLOCK, *minus = z + (k ? flow->w - k : 0) * FX_LANE_BLOCK;
    /* kx = 0 of a real field is real: leaving out what rounding adds keeps the state symmetric. */
    const fx_real keep = k ? 1.0 : 0.0;
    for (int v = 0; v < FX_LANES; v += FX_VEC) {
      const fx_vec ar = GET(a + v), ai = GET(a + FX_LANES + v) * keep;
      const fx_vec br = GET(b + v), bi = GET(b + FX_LANES + v) * keep;
      AT(minus + v) = ar + bi;
      AT(minus + FX_LANES + v) = br - ai;
      AT(plus + v) = ar - bi;
      AT(plus + FX_LANES + v) = br + ai;
    }
  }
}

static void split_rows (const fx_flow *flow, const fx_real *z, fx_real *a, fx_real *b) {
  for (int64_t k = 0; k < flow->modes; k++, a += FX_LANE_BLOCK, b += FX_LANE_BLOCK) {
    const fx_real *plus = z + k * FX_LANE_BLOCK;
    const fx_real *minus = z + (k ? flow->w - k : 0) * FX_LANE_BLOCK;
    for (int v = 0; v < FX_LANES; v += FX_VEC) {
      const fx_vec pr = GET(plus + v), pi = GET(plus + FX_LANES + v);
      const fx_vec mr = GET(minus + v), mi = GET(minus + FX_LANES + v);
      AT(a + v) = (pr + mr) * 0.5;
      AT(a + FX_LANES + v) = (pi - mi) * 0.5;
      AT(b + v) = (pi + mi) * 0.5;
      AT(b + FX_LANES + v) = (mr - pr) * 0.5;
    }
  }
}

/* The integers of a vector's size, which is what comparing two gives. */
typedef __typeof__((fx_vec){ 0 } < (fx_vec){ 0 }) fx_bits;

INLINE void magnitude (fx_vec *x) {
  const fx_vec zero = { 0 };
  *x = (fx_vec)((fx_bits)*x & ~(fx_bits)-zero);
}

/* (u, v) -> (v^2 - u^2, u v) in place; peak[0] = max |u|/dx + |v|/dy, peak[1] = its sum, which is
** how a NaN, invisible to comparisons, shows. Lanes beyond the last row hold zeros. */
static void multiply (const fx_flow *flow, fx_real *z, double peak[2]) {
  const fx_real inv_dx = (fx_real)((double)flow->w / TWO_PI);
  const fx_real inv_dy = (fx_real)((double)flow->h / TWO_PI);
  fx_real top[FX_LANES] = { 0 }, total[FX_LANES] = { 0 };
  for (int v = 0; v < FX_LANES; v += FX_VEC) {
    fx_vec max = { 0 }, sum = { 0 };
    for (int64_t x = 0; x < flow->w; x++) {
      fx_real *point = z + x * FX_LANE_BLOCK + v;
      fx_vec p = GET(point), q = GET(point + FX_LANES);
      AT(point) = q * q - p * p;
      AT(point + FX_LANES) = p * q;
      magnitude(&p);
      magnitude(&q);
      const fx_vec speed = p * inv_dx + q * inv_dy;
      const fx_bits more = (fx_bits)(speed > max);
      max = (fx_vec)(((fx_bits)speed & more) | ((fx_bits)max & ~more));
      sum += speed;
    }
    memcpy(top + v, &max, sizeof max);
    memcpy(total + v, &sum, sizeof sum);
  }
  peak[0] = peak[1] = 0.0;
  for (int l = 0; l < FX_LANES; l++) {
    peak[0] = top[l] > peak[0] ? top[l] : peak[0];
    peak[1] += total[l];
  }
}

/* The force of solids and sponge at velocities z, into f. */
static void damp (const fx_flow *flow, int64_t item, const fx_real *z, fx_real *f) {
  const fx_real *rate = reals(flow->damping) + item * flow->w * FX_LANES;
  for (int64_t x = 0; x < flow->w; x++, rate += FX_LANES) {
    const fx_real sponge = (fx_real)flow->sponge[x];
    const fx_real target = (fx_real)(flow->sponge[x] * flow->options.mean_velocity);
    for (int v = 0; v < FX_LANES; v += FX_VEC) {
      const int64_t at = x * FX_LANE_BLOCK + v;
      const fx_vec total = GET(rate + v) + sponge;
      AT(f + at) = target - total * GET(z + at);
      AT(f + at + FX_LANES) = -total * GET(z + at + FX_LANES);
    }
  }
}

/* z = (c, 0) over all kx of FX_LANES rows, from the half spectrum of c. */
static void join_one (const fx_flow *flow, const fx_real *a, fx_real *z) {
  const int64_t gap = flow->w - 2 * flow->modes + 1;
  memset(z + flow->modes * FX_LANE_BLOCK, 0, (size_t)gap * FX_LANE_BLOCK * sizeof(fx_real));
  for (int64_t k = 0; k < flow->modes; k++, a += FX_LANE_BLOCK) {
    fx_real *plus = z + k * FX_LANE_BLOCK, *minus = z + (k ? flow->w - k : 0) * FX_LANE_BLOCK;
    const fx_real keep = k ? 1.0 : 0.0;
    for (int v = 0; v < FX_LANES; v += FX_VEC) {
      const fx_vec re = GET(a + v), im = GET(a + FX_LANES + v) * keep;
      AT(minus + v) = re;
      AT(minus + FX_LANES + v) = -im;
      AT(plus + v) = re;
      AT(plus + FX_LANES + v) = im;
    }
  }
}

/* (c, 0) becomes (u c, v c) with the velocities z. */
static void carry (const fx_flow *flow, const fx_real *z, fx_real *f) {
  for (int64_t x = 0; x < flow->w; x++, z += FX_LANE_BLOCK, f += FX_LANE_BLOCK) {
    for (int v = 0; v < FX_LANES; v += FX_VEC) {
      const fx_vec c = GET(f + v);
      AT(f + v) = GET(z + v) * c;
      AT(f + FX_LANES + v) = GET(z + FX_LANES + v) * c;
    }
  }
}

/* FX_LANES rows of the scalar beside velocities z, in two blocks of scratch that are free; `a` is slot 0. */
static void scalar_rows (const fx_flow *flow, const fx_real *z, fx_real *a, fx_real *f,
                         fx_real *spare) {
  const int64_t slot = slot_size(flow);
  fx_real *c = a + flow->scalar_slot * slot;
  join_one(flow, c, f);
  transform(flow->along_x, FX_FFT_INVERSE, &f, &spare);
  carry(flow, z, f);
  transform(flow->along_x, FX_FFT_FORWARD, &f, &spare);
  split_rows(flow, f, c, c + slot);
}

/* FX_LANES rows between a field (h, w, channels) of doubles and a lane block; missing rows and channels are 0. */
static void store_rows (const fx_flow_job *job, int64_t y0, const fx_real *z) {
  const int64_t w = job->flow->w;
  for (int64_t l = 0; l < FX_LANES && y0 + l < job->flow->h; l++) {
    double *row = job->field + (y0 + l) * w * job->channels;
    for (int64_t x = 0; x < w; x++) {
      for (int c = 0; c < job->channels; c++)
        row[x * job->channels + c] = z[x * FX_LANE_BLOCK + c * FX_LANES + l];
    }
  }
}

static void load_rows (const fx_flow_job *job, int64_t y0, fx_real *z) {
  const int64_t w = job->flow->w;
  memset(z, 0, (size_t)w * FX_LANE_BLOCK * sizeof(fx_real));
  for (int64_t l = 0; l < FX_LANES && y0 + l < job->flow->h; l++) {
    const double *row = job->field + (y0 + l) * w;
    for (int64_t x = 0; x < w; x++)
      z[x * FX_LANE_BLOCK + l] = (fx_real)row[x];
  }
}

void fxsim_rows (void *context, int64_t item, int worker) {
  const fx_flow_job *job = context;
  const fx_flow *flow = job->flow;
  fx_real *z = scratch_of(flow, worker, 0), *spare = scratch_of(flow, worker, 1);
  fx_real *a = reals(flow->mid) + item * flow->padded * FX_LANE_BLOCK;
  fx_real *b = a + slot_size(flow);
  if (job->rows == ROWS_LOAD) {
    load_rows(job, item * FX_LANES, z);
  } else {
    join_rows(flow, a, b, z);
    transform(flow->along_x, FX_FFT_INVERSE, &z, &spare);
    if (job->rows == ROWS_STORE) {
      store_rows(job, item * FX_LANES, z);
      return;
    }
    fx_real *f = scratch_of(flow, worker, 2);
    if (flow->damping) {
      const int64_t slot = slot_size(flow);
      damp(flow, item, z, f);
      transform(flow->along_x, FX_FFT_FORWARD, &f, &spare);
      split_rows(flow, f, a + 2 * slot, b + 2 * slot);
    }
    if (flow->scalar)
      scalar_rows(flow, z, a, f, spare);
    multiply(flow, z, flow->peak + 2 * item);
  }
  transform(flow->along_x, FX_FFT_FORWARD, &z, &spare);
  split_rows(flow, z, a, b);
}
