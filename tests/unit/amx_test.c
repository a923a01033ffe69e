/*
** amx_test.c - what the AMX unit's convolutions promise beyond what every instruction set does (ops_test, bf16_test):
** on the unit where there is one, on its emulation in builds that have it (FLEXLAB_EMULATE_AMX).
*/
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "autograd/tape.h"
#include "base/alloc.h"
#include "check.h"
#include "kernels/kernels.h"

static bool is_here (const char *isa) {
  for (const char *const *here = fx_isas(); *here; here++)
    if (strcmp(*here, isa) == 0)
      return true;
  return false;
}

/* The emulation is in the builds that asked for it, and nobody meets it who did not name it. */
static void emulation_is_there_and_never_first (void) {
#ifdef FXCPU_AMX_EMULATED
  CHECK(is_here("amx_emulated"));
  CHECK(strcmp(fx_isas()[0], "amx_emulated") != 0);
#endif
}

static fx_tensor *filled (int ndim, const int64_t *shape, double value) {
  fx_tensor *t = NULL;
  CHECK_STATUS(fx_tensor_new(FX_F32, ndim, shape, &t));
  fx_tensor_fill(t, value);
  return t;
}

/* A 1x1 convolution of one pixel whose 16 channels are 0 but the first, with weights of 1. */
static double answer_to (double first) {
  fx_tensor *x = filled(4, (int64_t[]){ 1, 1, 1, 16 }, 0), *y = NULL;
  fx_tensor *w = filled(4, (int64_t[]){ 16, 1, 1, 16 }, 1);
  fx_tensor_set(x, 0, first);
  CHECK_STATUS(
      fx_apply(&fx_ops[FX_OP_conv2d], &(fx_conv2d_args){ .x = x, .w = w, .stride = 1 }, &y));
  const double got = fx_tensor_get(y, 0);
  fx_tensor_release(x);
  fx_tensor_release(w);
  fx_tensor_release(y);
  return got;
}

/* amx/split.h: hi and lo together have 16 binary digits, and the ends of f32 are as it says. */
static void numbers_are_split_as_they_say (void) {
  CHECK(answer_to(1.0) == 1.0);
  CHECK(answer_to(1.0 + 0x1p-15) == 1.0 + 0x1p-15);
  CHECK_NEAR(answer_to(1.0 + 0x1p-20), 1.0, 0x1p-17);
  CHECK_NEAR(answer_to(-3.14159265), -3.14159265, 0x1p-15);
  CHECK(answer_to(3.3e38) > 3.29e38);
  CHECK(isnan(answer_to(3.4e38)));
  CHECK(isnan(answer_to(INFINITY)));
  CHECK(isnan(answer_to(NAN)));
  CHECK(answer_to(0x1p-130) == 0.0);
}

/* Weights that fit into L2, and more of them than do (conv.c: tall, wide): each allocation fails once, is reported,
** and leaves nothing behind. */
static void failing_allocations_are_survived (int64_t channels) {
  fx_tensor *x = filled(4, (int64_t[]){ 1, 3, 3, channels }, 1), *y = NULL;
  fx_tensor *w = filled(4, (int64_t[]){ channels, 3, 3, channels }, 1);
  const fx_conv2d_args a = { .x = x, .w = w, .stride = 1, .pad = -1 };
  fx_memory_stats before, after;
  fx_status st = FX_ENOMEM;
  int k = 0;
  fx_memory(&before);
  while (st != FX_OK && k < 50) {
    fx_alloc_fail_at(++k);
    st = fx_apply(&fx_ops[FX_OP_conv2d], &a, &y);
    fx_alloc_fail_at(0);
    CHECK(st == FX_OK || st == FX_ENOMEM);
  }
  CHECK(st == FX_OK && k > 3); /* y, the weights' tiles, bands, scratch */
  CHECK(y && fx_tensor_get(y, fx_tensor_count(y) / 2) == 9.0 * (double)channels);
  fx_tensor_assign(&y, NULL);
  fx_memory(&after);
  CHECK(after.live_bytes == before.live_bytes);
  fx_tensor_release(x);
  fx_tensor_release(w);
}

static void keeps_its_promises (const char *isa) {
  if (!is_here(isa)) {
    printf("amx: SKIPPED: there is no %s here\n", isa);
    return;
  }
  CHECK_STATUS(fx_isa_use(isa));
  numbers_are_split_as_they_say();
  failing_allocations_are_survived(32);
  failing_allocations_are_survived(224);
}

int main (void) {
  emulation_is_there_and_never_first();
  CHECK_STATUS(fx_backend_use("cpu"));
  keeps_its_promises("amx");
  keeps_its_promises("amx_emulated");
  return check_report("amx");
}
