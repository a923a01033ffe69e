/*
** perturb_test.c - fields that a coarse observer cannot tell apart: the coarse field stays to
** rounding, also after the solver has taken the field; the spectrum of the rest stays the flow's.
*/
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "check.h"
#include "sim/navier_stokes.h"
#include "sim/perturb.h"

enum { SIDE = 48 };

static fx_flow *flow_at (int64_t h, int64_t w) {
  fx_flow_options o;
  fx_flow *flow = NULL;
  fx_flow_defaults(&o);
  o.height = h;
  o.width = w;
  o.re = 300.0;
  o.k0 = 5.0;
  o.seed = 4;
  CHECK_STATUS(fx_flow_new(&o, &flow));
  CHECK_STATUS(fx_flow_advance(flow, 0.1));
  return flow;
}

/* The coarse value at (y, x): a sample, or the mean of the block. */
static double coarse_at (const fx_tensor *w, fx_coarse coarse, int64_t f, int64_t y, int64_t x) {
  const int64_t width = w->shape[2];
  double sum = 0.0;
  if (coarse == FX_COARSE_SUBSAMPLE)
    return fx_f64(w)[y * f * width + x * f];
  for (int64_t i = 0; i < f; i++) {
    for (int64_t j = 0; j < f; j++)
      sum += fx_f64(w)[(y * f + i) * width + x * f + j];
  }
  return sum / (double)(f * f);
}

static void the_coarse_field_stays (fx_coarse coarse, int64_t h, int64_t w, int64_t factor) {
  fx_flow *flow = flow_at(h, w);
  fx_tensor *before = NULL, *changed = NULL, *after = NULL;
  const fx_rng key = { .seed = 7, .stream = FX_STREAM_DATA, .member = 3 };
  CHECK_STATUS(fx_flow_vorticity(flow, &before));
  CHECK_STATUS(fx_perturb_unseen(before, factor, coarse, key, &changed));
  CHECK_STATUS(fx_flow_set_vorticity(flow, changed, 0.1));
  CHECK_STATUS(fx_flow_vorticity(flow, &after));
  double largest = 0.0, difference = 0.0, kept = 0.0;
  for (int64_t i = 0; i < h * w; i++) {
    largest = fmax(largest, fabs(fx_f64(before)[i]));
    difference = fmax(difference, fabs(fx_f64(before)[i] - fx_f64(after)[i]));
    kept = fmax(kept, fabs(fx_f64(changed)[i] - fx_f64(after)[i]));
  }
  CHECK(kept < 1e-12 * largest); /* the solver keeps every mode */
  CHECK(difference > 1e-3 * largest);
  for (int64_t y = 0; y < h / factor; y++) {
    for (int64_t x = 0; x < w / factor; x++)
      CHECK_NEAR(coarse_at(after, coarse, factor, y, x), coarse_at(before, coarse, factor, y, x),
                 1e-12 * largest);
  }
  fx_tensor_release(before);
  fx_tensor_release(changed);
  fx_tensor_release(after);
  fx_flow_free(flow);
}

/* Cut off: every ring keeps its energy exactly. */
static void the_spectrum_stays (void) {
  fx_flow *flow = flow_at(SIDE, SIDE);
  fx_tensor *before = NULL, *changed = NULL, *first = NULL, *second = NULL;
  CHECK_STATUS(fx_flow_vorticity(flow, &before));
  CHECK_STATUS(fx_flow_energy_spectrum(flow, &first));
  CHECK_STATUS(fx_perturb_unseen(before, 4, FX_COARSE_CUTOFF, (fx_rng){ .seed = 1 }, &changed));
  CHECK_STATUS(fx_flow_set_vorticity(flow, changed, 0.1));
  CHECK_STATUS(fx_flow_energy_spectrum(flow, &second));
  for (int64_t b = 0; b < fx_tensor_count(first); b++)
    CHECK_NEAR(fx_f64(first)[b], fx_f64(second)[b], 1e-13);
  fx_tensor_release(before);
  fx_tensor_release(changed);
  fx_tensor_release(first);
  fx_tensor_release(second);
  fx_flow_free(flow);
}

static void keys_decide (void) {
  fx_flow *flow = flow_at(SIDE, SIDE);
  fx_tensor *w = NULL, *out[3] = { 0 };
  const size_t bytes = SIDE * SIDE * sizeof(double);
  CHECK_STATUS(fx_flow_vorticity(flow, &w));
  for (uint32_t i = 0; i < 3; i++)
    CHECK_STATUS(
        fx_perturb_unseen(w, 4, FX_COARSE_SUBSAMPLE, (fx_rng){ .member = i / 2 }, &out[i]));
  CHECK(memcmp(out[0]->data, out[1]->data, bytes) == 0);
  CHECK(memcmp(out[0]->data, out[2]->data, bytes) != 0);
  for (int i = 0; i < 3; i++)
    fx_tensor_release(out[i]);
  fx_tensor_release(w);
  fx_flow_free(flow);
}

/* Sides with a prime factor above 5, which the solver has not but a measured field may. */
static void sides_of_any_length (void) {
  const int64_t shape[] = { 1, 14, 22, 1 };
  fx_tensor *field = NULL, *changed = NULL;
  double difference = 0.0;
  CHECK_STATUS(fx_tensor_new_zeros(FX_F64, 4, shape, &field));
  for (int64_t i = 0; i < 14 * 22; i++)
    fx_f64(field)[i] = sin(0.7 * (double)i) + 0.3 * cos(2.3 * (double)i);
  CHECK_STATUS(fx_perturb_unseen(field, 2, FX_COARSE_SUBSAMPLE, (fx_rng){ .seed = 3 }, &changed));
  for (int64_t i = 0; i < 14 * 22; i++)
    difference = fmax(difference, fabs(fx_f64(changed)[i] - fx_f64(field)[i]));
  CHECK(difference > 1e-3);
  for (int64_t y = 0; y < 7; y++) {
    for (int64_t x = 0; x < 11; x++)
      CHECK_NEAR(coarse_at(changed, FX_COARSE_SUBSAMPLE, 2, y, x),
                 coarse_at(field, FX_COARSE_SUBSAMPLE, 2, y, x), 1e-12);
  }
  fx_tensor_release(field);
  fx_tensor_release(changed);
}

static void errors (void) {
  const int64_t shape[] = { 1, 14, 16, 1 }, batch[] = { 2, 16, 16, 1 };
  fx_tensor *odd = NULL, *two = NULL, *out = NULL;
  CHECK_STATUS(fx_tensor_new_zeros(FX_F64, 4, shape, &odd));
  CHECK_STATUS(fx_tensor_new_zeros(FX_F64, 4, batch, &two));
  CHECK(fx_perturb_unseen(odd, 3, FX_COARSE_SUBSAMPLE, (fx_rng){ 0 }, &out) == FX_EARG);
  CHECK(strcmp(fx_errmsg(), "perturb: factor must be 2 or more and divide (1,14,16,1), got 3") ==
        0);
  CHECK(fx_perturb_unseen(odd, 1, FX_COARSE_SUBSAMPLE, (fx_rng){ 0 }, &out) == FX_EARG);
  CHECK(fx_perturb_unseen(two, 2, FX_COARSE_SUBSAMPLE, (fx_rng){ 0 }, &out) == FX_ESHAPE);
  CHECK(out == NULL);
  fx_tensor_release(odd);
  fx_tensor_release(two);
}

static void failing_allocations_leave_nothing_behind (void) {
  fx_memory_stats before, after;
  fx_memory(&before);
  const int64_t shape[] = { 1, 16, 16, 1 };
  fx_tensor *w = NULL, *out = NULL;
  fx_status st = FX_ENOMEM;
  CHECK_STATUS(fx_tensor_new_zeros(FX_F64, 4, shape, &w));
  int k = 1;
  for (; st != FX_OK && k < 60; k++) {
    fx_alloc_fail_at(k);
    st = fx_perturb_unseen(w, 4, FX_COARSE_BLOCK_MEAN, (fx_rng){ 0 }, &out);
    fx_alloc_fail_at(0);
    CHECK(st == FX_OK || (st == FX_ENOMEM && out == NULL));
  }
  CHECK(k > 4 && k < 60);
  fx_tensor_release(out);
  fx_tensor_release(w);
  fx_memory(&after);
  CHECK(after.live_blocks == before.live_blocks);
}

int main (void) {
  the_coarse_field_stays(FX_COARSE_SUBSAMPLE, SIDE, SIDE, 4);
  the_coarse_field_stays(FX_COARSE_BLOCK_MEAN, SIDE, SIDE, 4);
  the_coarse_field_stays(FX_COARSE_SUBSAMPLE, 60, 36, 4); /* odd coarse sides */
  the_coarse_field_stays(FX_COARSE_BLOCK_MEAN, 60, 36, 3);
  the_coarse_field_stays(FX_COARSE_SUBSAMPLE, SIDE, SIDE, 2);
  the_spectrum_stays();
  keys_decide();
  sides_of_any_length();
  errors();
  failing_allocations_leave_nothing_behind();
  return check_report("perturb");
}
