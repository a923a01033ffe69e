/*
** positions_test.c - rotary positions keep what the paper promises: lengths stay, tokens in front are left
** alone, and the product of a query and a key depends on where they stand relative to one another only.
*/
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "check.h"
#include "nn/layers.h"

enum {
  ROWS = 4,
  COLUMNS = 5,
  HEADS = 2,
  HEAD_DIM = 8,
  D = HEADS * HEAD_DIM,
  T = 1 + ROWS * COLUMNS
};

/* (2,T,D): every token of sample 0 is one vector, every token of sample 1 another. */
static fx_tensor *alike (void) {
  fx_tensor *x = NULL;
  double v[2 * D];
  fx_rng_normal_f64((fx_rng){ .seed = 5, .stream = FX_STREAM_USER }, 0, 2 * D, v);
  CHECK_STATUS(fx_tensor_new(FX_F32, 3, (int64_t[]){ 2, T, D }, &x));
  for (int64_t i = 0; i < fx_tensor_count(x); i++)
    fx_tensor_set(x, i, v[i / (T * D) * D + i % D]);
  return x;
}

/* x turned; new. */
static fx_tensor *turned (fx_tensor *x) {
  fx_rotation r;
  fx_scope s;
  CHECK_STATUS(fx_rotation_init(&r, 1, ROWS, COLUMNS, HEAD_DIM));
  fx_scope_open(&s);
  fx_tensor *y = fx_rotate(&s, &r, x, HEADS);
  CHECK_STATUS(s.status);
  fx_tensor_retain(y);
  fx_scope_close(&s);
  fx_rotation_free(&r);
  return y;
}

static double at (const fx_tensor *y, int sample, int row, int column, int channel) {
  return fx_tensor_get(y, (sample * T + 1 + row * COLUMNS + column) * D + channel);
}

/* Query (sample 0) at one place times key (sample 1) at another, in one head. */
static double product (const fx_tensor *y, int head, int row, int column, int to_row,
                       int to_column) {
  double sum = 0;
  for (int i = head * HEAD_DIM; i < (head + 1) * HEAD_DIM; i++)
    sum += at(y, 0, row, column, i) * at(y, 1, to_row, to_column, i);
  return sum;
}

static void products_depend_on_the_difference (void) {
  fx_tensor *x = alike(), *y = turned(x);
  for (int head = 0; head < HEADS; head++) {
    const double one = product(y, head, 0, 0, 1, 2);
    for (int row = 0; row + 1 < ROWS; row++)
      for (int column = 0; column + 2 < COLUMNS; column++)
        CHECK_NEAR(product(y, head, row, column, row + 1, column + 2), one, 1e-5);
    CHECK(fabs(product(y, head, 0, 0, 2, 1) - one) > 1e-3); /* rows are not columns */
    CHECK(fabs(product(y, head, 1, 2, 0, 0) - one) > 1e-3); /* there is not back    */
  }
  fx_tensor_release(x);
  fx_tensor_release(y);
}

/* The first pair of the quarter of rows turns by one radian a row, its second by 10000^(-1/2). */
static void angles_are_the_papers (void) {
  fx_tensor *x = alike(), *y = turned(x);
  for (int pair = 0; pair < HEAD_DIM / 2; pair++) {
    const int steps = pair < HEAD_DIM / 4 ? 3 : 4; /* row 3, column 4 */
    const double angle = steps * pow(10000, -(pair % 2) / 2.0);
    const double a = at(x, 0, 0, 0, pair), b = at(x, 0, 0, 0, pair + HEAD_DIM / 2);
    CHECK_NEAR(at(y, 0, 3, 4, pair), a * cos(angle) - b * sin(angle), 1e-5);
    CHECK_NEAR(at(y, 0, 3, 4, pair + HEAD_DIM / 2), a * sin(angle) + b * cos(angle), 1e-5);
  }
  for (int i = 0; i < D; i++) {
    CHECK_NEAR(fx_tensor_get(y, i), fx_tensor_get(x, i), 0); /* the token in front */
    CHECK_NEAR(at(y, 0, 0, 0, i), at(x, 0, 0, 0, i), 0);
  }
  fx_tensor_release(x);
  fx_tensor_release(y);
}

static void what_cannot_be_is_refused (void) {
  fx_rotation r = { NULL, NULL };
  fx_memory_stats before, after;
  CHECK(fx_rotation_init(&r, 1, 2, 2, 6) == FX_EARG);
  CHECK(strstr(fx_errmsg(), "must be divisible by 4, not 6") != NULL);
  fx_memory(&before);
  for (int k = 1; k <= 4; k++) {
    fx_alloc_fail_at(k);
    CHECK(fx_rotation_init(&r, 1, 2, 2, 8) == FX_ENOMEM);
    fx_memory(&after);
    CHECK(after.live_blocks == before.live_blocks && r.cos == NULL);
  }
  fx_alloc_fail_at(0);
}

int main (void) {
  products_depend_on_the_difference();
  angles_are_the_papers();
  what_cannot_be_is_refused();
  return check_report("positions");
}
