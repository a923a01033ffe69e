/*
** flow_scalar_kernels.h - the scalar's part of the two tasks of flow_kernels.h, which includes this.
**
**   columns: u c, v c -> -i (kx (u c) + ky (v c)) -> Runge-Kutta stage -> c to y space
**   rows:    c to x space -> u c, v c -> back to kx space
*/
#ifndef FX_FLOW_SCALAR_KERNELS_H
#define FX_FLOW_SCALAR_KERNELS_H

static void split_rows(const fx_flow *flow, const double *z, double *a, double *b);

/* Row y of four columns: a, b hold the spectra of u c and v c; a receives that of c at the next stage. */
INLINE void update_scalar_row (const fx_flow *flow, int stage, int64_t kx0, int64_t y, double *a,
                               double *b) {
  const double scale = 1.0 / ((double)flow->h * (double)flow->w), ky = flow->ky[y] * scale;
  const int64_t at = (kx0 / FX_LANES * flow->h + y) * FX_LANE_BLOCK;
  for (int v = 0; v < FX_LANES; v += FX_VEC) {
    double *c = flow->scalar + at + v, *sum = flow->scalar_sum + at + v;
    const fx_vec kx = GET(flow->kx + kx0 + v) * scale;
    const fx_vec e = GET(flow->fade_x + kx0 + v) * flow->fade_y[y];
    const fx_vec nr = kx * GET(a + 4 + v) + ky * GET(b + 4 + v);
    const fx_vec ni = -(kx * GET(a + v) + ky * GET(b + v));
    fx_vec fr, fi;
    combine(stage, flow->dt, &e, &nr, c, sum, &fr);
    combine(stage, flow->dt, &e, &ni, c + 4, sum + 4, &fi);
    AT(a + v) = fr;
    AT(a + 4 + v) = fi;
  }
}

/* The four columns of the scalar, in three blocks of scratch that are free. */
static void scalar_columns (const fx_flow_job *job, int64_t kx0, double *a, double *b,
                            double *spare) {
  const fx_flow *flow = job->flow;
  if (job->columns == COLUMNS_START) {
    const size_t bytes = (size_t)flow->h * FX_LANE_BLOCK * sizeof(double);
    memset(a, 0, bytes);
    memset(b, 0, bytes);
  } else {
    columns_from_mid(flow, flow->scalar_slot, kx0, a);
    transform(flow->along_y, FX_FFT_FORWARD, &a, &spare);
    columns_from_mid(flow, flow->scalar_slot + 1, kx0, b);
    transform(flow->along_y, FX_FFT_FORWARD, &b, &spare);
  }
  update(flow, update_scalar_row, job->columns, kx0, a, b);
  transform(flow->along_y, FX_FFT_INVERSE, &a, &spare);
  columns_to_mid(flow, flow->scalar_slot, kx0, a);
}

/* z = (c, 0) over all kx of four rows, from the half spectrum of c. */
static void join_one (const fx_flow *flow, const double *a, double *z) {
  const int64_t gap = flow->w - 2 * flow->modes + 1;
  memset(z + flow->modes * FX_LANE_BLOCK, 0, (size_t)gap * FX_LANE_BLOCK * sizeof(double));
  for (int64_t k = 0; k < flow->modes; k++, a += FX_LANE_BLOCK) {
    double *plus = z + k * FX_LANE_BLOCK, *minus = z + (k ? flow->w - k : 0) * FX_LANE_BLOCK;
    for (int v = 0; v < FX_LANES; v += FX_VEC) {
      const fx_vec re = GET(a + v), im = GET(a + 4 + v) * (k ? 1.0 : 0.0);
      AT(minus + v) = re;
      AT(minus + 4 + v) = -im;
      AT(plus + v) = re;
      AT(plus + 4 + v) = im;
    }
  }
}

/* (c, 0) becomes (u c, v c) with the velocities z. */
static void carry (const fx_flow *flow, const double *z, double *f) {
  for (int64_t x = 0; x < flow->w; x++, z += FX_LANE_BLOCK, f += FX_LANE_BLOCK) {
    for (int v = 0; v < FX_LANES; v += FX_VEC) {
      const fx_vec c = GET(f + v);
      AT(f + v) = GET(z + v) * c;
      AT(f + 4 + v) = GET(z + 4 + v) * c;
    }
  }
}

/* Four rows of the scalar beside velocities z, in two blocks of scratch that are free; `a` is slot 0. */
static void scalar_rows (const fx_flow *flow, const double *z, double *a, double *f,
                         double *spare) {
  const int64_t slot = flow->row_items * flow->padded * FX_LANE_BLOCK;
  double *c = a + flow->scalar_slot * slot;
  join_one(flow, c, f);
  transform(flow->along_x, FX_FFT_INVERSE, &f, &spare);
  carry(flow, z, f);
  transform(flow->along_x, FX_FFT_FORWARD, &f, &spare);
  split_rows(flow, f, c, c + slot);
}

#endif
