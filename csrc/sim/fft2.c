/*
** fft2.c - two-dimensional transforms of real fields.
**
** Rows: eight real rows are four complex sequences (row r + i row r+4), transformed as one lane
** block; the two spectra are taken apart by symmetry, A = (P(k) + conj P(-k)) / 2 and so on.
** Columns: four neighbouring kx are one lane block. In between lies `mid`, which rows write and
** columns read four by four:
**
**   mid[y / 4][kx][re, im][y % 4]        kx padded to a multiple of 4, y to a multiple of 8
**
** so both sides touch 256 consecutive bytes at a time and the transposition is a 4x4 tile in
** registers; a whole-array transposition was never needed. Items are eight rows or four columns,
** whatever the number of threads.
*/
#define FXSIM_REAL double /* as what is measured with it */
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "sim/fft.h"
#include "sim/lanes/lanes.h"

#define ROWS 8 /* rows an item */

struct fx_fft2 {
  int64_t h, w;
  int64_t modes, padded; /* w/2+1, and the multiple of 4 above it */
  int64_t row_items, column_items;
  fx_fft *along_x, *along_y;
  double *mid;
  double *scratch; /* `workers` times two lane blocks of `block` elements */
  int64_t block;
  int workers;
};

/* What one call hands to its tasks. */
typedef struct {
  fx_fft2 *plan;
  const double *in;
  double *out;
} job;

static int64_t round_up (int64_t n, int64_t to) { return (n + to - 1) / to * to; }

/* Work space for every thread there is now; grows when fx_set_threads has raised the number. */
static fx_status ensure_scratch (fx_fft2 *plan) {
  const int workers = fx_threads();
  if (plan->scratch && plan->workers >= workers)
    return FX_OK;
  double *scratch = fx_calloc((size_t)(workers * plan->block * 2), FX_LANE_BLOCK * sizeof(double));
  if (!scratch)
    return FX_ENOMEM;
  fx_free(plan->scratch);
  plan->scratch = scratch;
  plan->workers = workers;
  return FX_OK;
}

static double *scratch_of (const fx_fft2 *plan, int worker) {
  return plan->scratch + worker * plan->block * 2 * FX_LANE_BLOCK;
}

fx_status fx_fft2_new (int64_t h, int64_t w, fx_fft2 **out) {
  fx_status st;
  fx_fft2 *plan = fx_calloc(1, sizeof *plan);
  if (!plan)
    return FX_ENOMEM;
  FX_GOTO(fx_fft_new(w, FX_F64, &plan->along_x));
  FX_GOTO(fx_fft_new(h, FX_F64, &plan->along_y));
  plan->h = h;
  plan->w = w;
  plan->modes = w / 2 + 1;
  plan->padded = round_up(plan->modes, FX_LANES);
  plan->row_items = round_up(h, ROWS) / ROWS;
  plan->column_items = plan->padded / FX_LANES;
  plan->block = round_up(h > w ? h : w, ROWS);
  const int64_t elements = plan->row_items * 2 * plan->padded;
  plan->mid = fx_calloc((size_t)elements, FX_LANE_BLOCK * sizeof(double));
  if (!plan->mid)
    FX_GOTO(FX_ENOMEM);
  FX_GOTO(ensure_scratch(plan));
  *out = plan;
  return FX_OK;
done:
  fx_fft2_free(plan);
  return st;
}

void fx_fft2_free (fx_fft2 *plan) {
  if (plan) {
    fx_fft_free(plan->along_x);
    fx_fft_free(plan->along_y);
    fx_free(plan->mid);
    fx_free(plan->scratch);
    fx_free(plan);
  }
}

/* The 4x4 tiles between columns kx0..kx0+3 (a lane block over y) and mid. */
static void columns_from_mid (const fx_fft2 *plan, int64_t kx0, double *columns) {
  for (int64_t y = 0; y < plan->h; y += FX_LANES) {
    const double *tile = plan->mid + (y / FX_LANES * plan->padded + kx0) * FX_LANE_BLOCK;
    fx_lanes_turn(tile, FX_LANE_BLOCK, columns + y * FX_LANE_BLOCK, FX_LANE_BLOCK);
    fx_lanes_turn(tile + 4, FX_LANE_BLOCK, columns + y * FX_LANE_BLOCK + 4, FX_LANE_BLOCK);
  }
}

static void columns_to_mid (const fx_fft2 *plan, int64_t kx0, const double *columns) {
  for (int64_t y = 0; y < plan->h; y += FX_LANES) {
    double *tile = plan->mid + (y / FX_LANES * plan->padded + kx0) * FX_LANE_BLOCK;
    fx_lanes_turn(columns + y * FX_LANE_BLOCK, FX_LANE_BLOCK, tile, FX_LANE_BLOCK);
    fx_lanes_turn(columns + y * FX_LANE_BLOCK + 4, FX_LANE_BLOCK, tile + 4, FX_LANE_BLOCK);
  }
}

/* --- forward --------------------------------------------------------------------------------- */

static void load_rows (const job *j, int64_t y0, double *z) {
  const int64_t h = j->plan->h, w = j->plan->w;
  for (int64_t r = 0; r < ROWS; r++) {
    const double *row = y0 + r < h ? j->in + (y0 + r) * w : NULL;
    for (int64_t x = 0; x < w; x++)
      z[x * FX_LANE_BLOCK + r] = row ? row[x] : 0.0;
  }
}

/* One kx: from P(k) and P(-k) to A(k) and B(k), where P = A + i B. */
static void split_mode (const double *plus, const double *minus, double *a, double *b) {
  for (int v = 0; v < FX_LANES; v += FX_VEC) {
    const fx_vec pr = *(const fx_vec *)(plus + v), pi = *(const fx_vec *)(plus + 4 + v);
    const fx_vec mr = *(const fx_vec *)(minus + v), mi = *(const fx_vec *)(minus + 4 + v);
    *(fx_vec *)(a + v) = (pr + mr) * 0.5;
    *(fx_vec *)(a + 4 + v) = (pi - mi) * 0.5;
    *(fx_vec *)(b + v) = (pi + mi) * 0.5;
    *(fx_vec *)(b + 4 + v) = (mr - pr) * 0.5;
  }
}

/* Takes the spectra of rows r and r+4 apart into the two halves of mid. */
static void forward_rows (void *context, int64_t item, int worker) {
  const job *j = context;
  const fx_fft2 *plan = j->plan;
  double *z = scratch_of(plan, worker), *work = z + plan->block * FX_LANE_BLOCK;
  load_rows(j, item * ROWS, z);
  const double *p = fx_fft_lanes(plan->along_x, FX_FFT_FORWARD, z, work);
  double *a = plan->mid + item * 2 * plan->padded * FX_LANE_BLOCK;
  double *b = a + plan->padded * FX_LANE_BLOCK;
  for (int64_t k = 0; k < plan->modes; k++)
    split_mode(p + k * FX_LANE_BLOCK, p + (k ? plan->w - k : 0) * FX_LANE_BLOCK,
               a + k * FX_LANE_BLOCK, b + k * FX_LANE_BLOCK);
}

static void forward_columns (void *context, int64_t item, int worker) {
  const job *j = context;
  const fx_fft2 *plan = j->plan;
  double *z = scratch_of(plan, worker), *work = z + plan->block * FX_LANE_BLOCK;
  const int64_t kx0 = item * FX_LANES;
  columns_from_mid(plan, kx0, z);
  const double *p = fx_fft_lanes(plan->along_y, FX_FFT_FORWARD, z, work);
  const int64_t lanes = plan->modes - kx0 < FX_LANES ? plan->modes - kx0 : FX_LANES;
  for (int64_t y = 0; y < plan->h; y++) {
    double *out = j->out + 2 * (y * plan->modes + kx0);
    for (int64_t l = 0; l < lanes; l++) {
      out[2 * l] = p[y * FX_LANE_BLOCK + l];
      out[2 * l + 1] = p[y * FX_LANE_BLOCK + 4 + l];
    }
  }
}

fx_status fx_fft2_forward (fx_fft2 *plan, const double *field, double *spectrum) {
  FX_TRY(ensure_scratch(plan));
  job j = { plan, field, spectrum };
  fx_parallel(plan->row_items, forward_rows, &j);
  fx_parallel(plan->column_items, forward_columns, &j);
  return FX_OK;
}

/* --- inverse --------------------------------------------------------------------------------- */

static void inverse_columns (void *context, int64_t item, int worker) {
  const job *j = context;
  const fx_fft2 *plan = j->plan;
  double *z = scratch_of(plan, worker), *work = z + plan->block * FX_LANE_BLOCK;
  const int64_t kx0 = item * FX_LANES;
  const int64_t lanes = plan->modes - kx0 < FX_LANES ? plan->modes - kx0 : FX_LANES;
  memset(z, 0, (size_t)plan->h * FX_LANE_BLOCK * sizeof(double));
  for (int64_t y = 0; y < plan->h; y++) {
    const double *in = j->in + 2 * (y * plan->modes + kx0);
    for (int64_t l = 0; l < lanes; l++) {
      z[y * FX_LANE_BLOCK + l] = in[2 * l];
      z[y * FX_LANE_BLOCK + 4 + l] = in[2 * l + 1];
    }
  }
  columns_to_mid(plan, kx0, fx_fft_lanes(plan->along_y, FX_FFT_INVERSE, z, work));
}

/* One kx of P = A + i B, where A and B are spectra of real rows. `own` marks the modes that are
** their own mirror image, hence real: their imaginary parts are left out. */
static void join_mode (const double *a, const double *b, int own, double *plus, double *minus) {
  const double keep = own ? 0.0 : 1.0;
  for (int v = 0; v < FX_LANES; v += FX_VEC) {
    const fx_vec ar = *(const fx_vec *)(a + v), ai = *(const fx_vec *)(a + 4 + v) * keep;
    const fx_vec br = *(const fx_vec *)(b + v), bi = *(const fx_vec *)(b + 4 + v) * keep;
    *(fx_vec *)(minus + v) = ar + bi;
    *(fx_vec *)(minus + 4 + v) = br - ai;
    *(fx_vec *)(plus + v) = ar - bi;
    *(fx_vec *)(plus + 4 + v) = br + ai;
  }
}

static void join_rows (const fx_fft2 *plan, const double *a, const double *b, double *z) {
  for (int64_t k = 0; k < plan->modes; k++)
    join_mode(a + k * FX_LANE_BLOCK, b + k * FX_LANE_BLOCK, k == 0 || 2 * k == plan->w,
              z + k * FX_LANE_BLOCK, z + (k ? plan->w - k : 0) * FX_LANE_BLOCK);
}

static void inverse_rows (void *context, int64_t item, int worker) {
  const job *j = context;
  const fx_fft2 *plan = j->plan;
  const int64_t h = plan->h, w = plan->w;
  double *z = scratch_of(plan, worker), *work = z + plan->block * FX_LANE_BLOCK;
  const double *a = plan->mid + item * 2 * plan->padded * FX_LANE_BLOCK;
  join_rows(plan, a, a + plan->padded * FX_LANE_BLOCK, z);
  const double *p = fx_fft_lanes(plan->along_x, FX_FFT_INVERSE, z, work);
  const double scale = 1.0 / ((double)h * (double)w);
  for (int64_t r = 0; r < ROWS && item * ROWS + r < h; r++) {
    double *row = j->out + (item * ROWS + r) * w;
    for (int64_t x = 0; x < w; x++)
      row[x] = p[x * FX_LANE_BLOCK + r] * scale;
  }
}

fx_status fx_fft2_inverse (fx_fft2 *plan, const double *spectrum, double *field) {
  FX_TRY(ensure_scratch(plan));
  job j = { plan, spectrum, field };
  fx_parallel(plan->column_items, inverse_columns, &j);
  fx_parallel(plan->row_items, inverse_rows, &j);
  return FX_OK;
}
