/*
** model_test.c - the network as a whole: sizes, conditioning paths, shapes, gradients, memory, failures. That its
** numbers are the authors' is shown by `flexlab parity` (tests/lua/parity_test.lua).
*/
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "check.h"
#include "model/flex.h"
#include "optim/optimizer.h"

static fx_flex_config tiny (void) {
  fx_flex_config c;
  CHECK_STATUS(fx_flex_preset("nano", &c));
  c.levels = 2;
  c.channels[0] = c.channels[1] = 32;
  c.height = 16;
  c.width = 8;
  return c;
}

typedef struct {
  fx_tensor *x, *t, *re, *low;
} inputs;

static inputs make_inputs (const fx_flex_config *c, int64_t n) {
  inputs in = { NULL, NULL, NULL, NULL };
  const fx_rng key = { .seed = 1, .stream = FX_STREAM_USER };
  CHECK_STATUS(
      fx_tensor_new(FX_F32, 4, (int64_t[]){ n, c->height, c->width, c->in_channels }, &in.x));
  CHECK_STATUS(
      fx_tensor_new(FX_F32, 4, (int64_t[]){ n, c->height, c->width, c->cond_channels }, &in.low));
  CHECK_STATUS(fx_tensor_new(FX_F32, 1, &n, &in.t));
  CHECK_STATUS(fx_tensor_new(FX_F32, 2, (int64_t[]){ n, 1 }, &in.re));
  fx_tensor_normal(in.x, key);
  fx_tensor_normal(in.low, key);
  fx_tensor_uniform(in.t, key, 0.1, 0.9);
  fx_tensor_uniform(in.re, key, 0.01, 0.9);
  return in;
}

static void free_inputs (inputs *in) {
  fx_tensor_release(in->x);
  fx_tensor_release(in->t);
  fx_tensor_release(in->re);
  fx_tensor_release(in->low);
}

/* One pass; *out is new. */
static fx_status pass (const fx_flex *m, const inputs *in, fx_mode *mode, fx_tensor **out) {
  fx_scope s;
  fx_features cond;
  fx_scope_open(&s);
  fx_flex_condition(&s, m, in->low, in->re, mode, &cond);
  fx_tensor *y =
      s.status == FX_OK ? fx_flex_predict(&s, m, in->x, in->t, in->re, &cond, mode) : NULL;
  *out = fx_tensor_retain(y);
  fx_scope_close(&s);
  return s.status;
}

/* The last convolution of every block starts at zero, so a fresh network predicts its last bias. To
** see the rest, tests make every zero weight small and random. */
static void wake_up (fx_flex *m) {
  fx_params *ps = fx_flex_params(m);
  for (int i = 0; i < ps->count; i++) {
    fx_param *p = &ps->list[i];
    if (p->init == FX_INIT_ZERO)
      fx_tensor_uniform(p->value,
                        (fx_rng){ .seed = 9, .stream = FX_STREAM_USER, .sample = (uint32_t)i },
                        -0.1, 0.1);
  }
}

/* 49.67 M is the authors' small model with its super-resolution encoder. */
static void presets_have_their_sizes (void) {
  static const struct {
    const char *size;
    double millions, tolerance;
    int64_t side;
  } want[] = {
    { "nano", 2.136, 0.001, 64 },
    { "small", 49.67, 0.01, 128 },
  };
  for (int i = 0; i < 2; i++) {
    fx_flex_config c;
    fx_flex *m = NULL;
    CHECK_STATUS(fx_flex_preset(want[i].size, &c));
    c.height = c.width = want[i].side;
    CHECK_STATUS(fx_flex_new(&c, 1, &m));
    CHECK_NEAR((double)fx_params_count(fx_flex_params(m)) / 1e6, want[i].millions,
               want[i].tolerance);
    fx_flex_free(m);
  }
}

/* With a path closed its parameters get no gradient; with all open, every parameter gets one. */
static void roads_open_and_close (void) {
  for (int mask = 0; mask < 16; mask++) {
    fx_flex_config c = tiny();
    fx_flex *m = NULL;
    fx_tensor *y = NULL;
    fx_mode mode = { .dropout = 0 };
    c.weak_skips = mask & 1;
    c.strong_skips = mask & 2;
    c.strong_bottleneck = mask & 4;
    c.embed_condition = mask & 8;
    CHECK_STATUS(fx_flex_new(&c, 1, &m));
    wake_up(m);
    inputs in = make_inputs(&c, 2);
    CHECK_STATUS(pass(m, &in, &mode, &y));
    fx_tensor *seed = NULL;
    CHECK_STATUS(fx_tensor_new_like(y, &seed));
    fx_tensor_normal(seed, (fx_rng){ .seed = 2 });
    CHECK_STATUS(fx_backward(y, seed));
    const fx_params *ps = fx_flex_params(m);
    for (int i = 0; i < ps->count; i++) {
      const bool embeds = strstr(ps->list[i].name, "cond_embed") != NULL;
      const bool condition = strncmp(ps->list[i].name, "superres_encoder", 16) == 0;
      bool want = ps->list[i].trained && (!embeds || c.embed_condition);
      if (condition)
        want = want && (mask & 7);
      CHECK((fx_grad(ps->list[i].value) != NULL) == want);
    }
    fx_tensor_release(seed);
    fx_tensor_release(y);
    free_inputs(&in);
    fx_flex_free(m);
  }
}

/* A transformer in the condition encoder, rectangular fields, several channels, wrapped borders, rotary
** positions. */
static void variants_keep_shapes (void) {
  for (int variant = 0; variant < 8; variant++) {
    fx_flex_config c = tiny();
    fx_flex *m = NULL;
    fx_tensor *y = NULL;
    fx_mode mode = { .training = true,
                     .dropout = 0.2,
                     .key = { .seed = 1, .stream = FX_STREAM_DROPOUT } };
    c.use_transf = variant & 1;
    c.skip = variant & 2;
    c.circular = variant & 4;
    c.rotary = !(variant & 2);
    c.in_channels = 2;
    c.cond_channels = 3;
    CHECK_STATUS(fx_flex_new(&c, 1, &m));
    inputs in = make_inputs(&c, 1);
    CHECK_STATUS(pass(m, &in, &mode, &y));
    CHECK(y && fx_same_shape(y, in.x));
    fx_tensor_release(y);
    free_inputs(&in);
    fx_flex_free(m);
  }
}

/* Of the parameters whose names hold `part`, how many there are. */
static int named (const fx_flex *m, const char *part) {
  const fx_params *ps = fx_flex_params((fx_flex *)m);
  int count = 0;
  for (int i = 0; i < ps->count; i++)
    count += strstr(ps->list[i].name, part) != NULL;
  return count;
}

/* The prediction of a network with this configuration, all of it awake, whose trained parameters all have gradients. */
static fx_tensor *predicted (const fx_flex_config *c, fx_flex **m) {
  fx_tensor *y = NULL, *seed = NULL;
  fx_mode mode = { .dropout = 0 };
  CHECK_STATUS(fx_flex_new(c, 1, m));
  wake_up(*m);
  inputs in = make_inputs(c, 2);
  CHECK_STATUS(pass(*m, &in, &mode, &y));
  CHECK_STATUS(fx_tensor_new_like(y, &seed));
  fx_tensor_normal(seed, (fx_rng){ .seed = 2 });
  CHECK_STATUS(fx_backward(y, seed));
  for (int i = 0; i < fx_flex_params(*m)->count; i++)
    CHECK(!fx_flex_params(*m)->list[i].trained || fx_grad(fx_flex_params(*m)->list[i].value));
  fx_tensor_release(seed);
  free_inputs(&in);
  return y;
}

/* depth // 2 blocks down, one in the middle, depth // 2 up: an even depth is the network of the odd one above it. */
static void any_depth_is_two_halves_and_a_middle (void) {
  for (int64_t depth = 0; depth < 6; depth += 2) {
    fx_flex_config c = tiny();
    fx_flex *even = NULL, *odd = NULL;
    c.depth = depth;
    fx_tensor *a = predicted(&c, &even);
    c.depth = depth + 1;
    fx_tensor *b = predicted(&c, &odd);
    CHECK(named(even, "encoder.tr_blocks.") == 11 * (int)(depth / 2)); /* the base encoder's */
    CHECK(named(even, "decoder.tr_blocks.") == 13 * (int)(depth / 2));
    CHECK(named(even, "encoder.mid_block.") == 11);
    CHECK(fx_flex_params(even)->count == fx_flex_params(odd)->count);
    CHECK(fx_flex_skip_count(even, true) == fx_flex_skip_count(even, false) + depth / 2);
    CHECK(memcmp(a->data, b->data, (size_t)fx_tensor_count(a) * sizeof(float)) == 0);
    CHECK(fx_flex_config_of(even)->depth == depth);
    fx_tensor_release(a);
    fx_tensor_release(b);
    fx_flex_free(even);
    fx_flex_free(odd);
  }
}

/* A level without residual blocks has but the one that halves its map. */
static void a_level_may_have_no_blocks (void) {
  fx_flex_config c = tiny();
  fx_flex *m = NULL;
  c.res_blocks[0] = 0;
  c.res_blocks[1] = 0;
  fx_tensor *y = predicted(&c, &m);
  CHECK(fx_flex_skip_count(m, false) == 3 &&
        named(m, "decoder.output_blocks.2.0.in_layers.0") == 2);
  fx_tensor_release(y);
  fx_flex_free(m);
}

/* What the list says is what a size begins with, and a mode follows the configuration. */
static void the_list_says_the_defaults (void) {
  fx_flex_config c = tiny(),
                 fresh = { .width = 3, .circular = true, .precision = FX_PRECISION_BF16 };
  fx_flex *m = NULL;
  fx_options_default(fx_flex_fields, &fresh);
  CHECK(fresh.depth == 13 && fresh.width == 64 && !fresh.circular && fresh.skip);
  CHECK(fresh.precision == FX_PRECISION_F32 && fresh.channels[0] == 0);
  CHECK_NEAR(fresh.dropout, 0.1, 0);
  CHECK(fx_flex_version() >= 2);
  CHECK(fx_option_place("f32|bf16", "f32") == 0 && fx_option_place("f32|bf16", "bf16") == 1);
  CHECK(fx_option_place("f32|bf16", "f3") == -1 && fx_option_place("f32|bf16", "bf16|") == -1);
  c.precision = FX_PRECISION_BF16;
  c.recompute = true;
  c.dropout = 0.3;
  CHECK_STATUS(fx_flex_new(&c, 1, &m));
  const fx_mode mode = fx_flex_mode(m);
  CHECK(mode.precision == FX_PRECISION_BF16 && mode.recompute && !mode.training &&
        mode.dropout == 0.3);
  fx_flex_free(m);
}

/* The second sample of a batch is, bit for bit, that sample alone; so it is with other threads. */
static void samples_are_independent (void) {
  fx_flex_config c = tiny();
  fx_flex *m = NULL;
  fx_tensor *both = NULL, *one = NULL;
  fx_mode mode = { .dropout = 0 };
  CHECK_STATUS(fx_flex_new(&c, 1, &m));
  wake_up(m);
  fx_set_recording(false);
  inputs in = make_inputs(&c, 3), alone = { NULL, NULL, NULL, NULL };
  CHECK_STATUS(pass(m, &in, &mode, &both));
  const int64_t pixels = c.height * c.width, last = 2;
  CHECK_STATUS(
      fx_tensor_view(in.x, last * pixels, 4, (int64_t[]){ 1, c.height, c.width, 1 }, &alone.x));
  CHECK_STATUS(
      fx_tensor_view(in.low, last * pixels, 4, (int64_t[]){ 1, c.height, c.width, 1 }, &alone.low));
  CHECK_STATUS(fx_tensor_view(in.t, last, 1, (int64_t[]){ 1 }, &alone.t));
  CHECK_STATUS(fx_tensor_view(in.re, last, 2, (int64_t[]){ 1, 1 }, &alone.re));
  fx_set_threads(3);
  CHECK_STATUS(pass(m, &alone, &mode, &one));
  CHECK(memcmp(one->data, fx_f32(both) + last * pixels, (size_t)pixels * sizeof(float)) == 0);
  fx_set_recording(true);
  fx_tensor_release(both);
  fx_tensor_release(one);
  free_inputs(&in);
  free_inputs(&alone);
  fx_flex_free(m);
}

/* Loss and gradients of one training pass; the network is gone before backward. */
static fx_status gradients (bool recompute, fx_tensor **loss, fx_tensor *grads[1024], int *count) {
  fx_flex_config c = tiny();
  fx_flex *m = NULL;
  fx_tensor *y = NULL, *params[1024];
  fx_mode mode = { .training = true,
                   .recompute = recompute,
                   .dropout = 0.2,
                   .key = { .seed = 1, .stream = FX_STREAM_DROPOUT } };
  fx_status st;
  *count = 0;
  c.use_transf = true;
  FX_TRY(fx_flex_new(&c, 1, &m));
  wake_up(m);
  inputs in = make_inputs(&c, 2);
  const fx_params *ps = fx_flex_params(m);
  for (int i = 0; i < ps->count; i++)
    params[(*count)++] = fx_tensor_retain(ps->list[i].value);
  st = pass(m, &in, &mode, &y);
  CHECK(mode.key.member > 0);
  fx_flex_free(m);
  if (st == FX_OK)
    st = fx_l1_loss(FX_ARGS(l1_loss, .a = y, .b = in.low), loss);
  fx_tensor_release(y);
  free_inputs(&in);
  if (st == FX_OK)
    st = fx_backward(*loss, NULL);
  for (int i = 0; i < *count; i++) {
    grads[i] = fx_tensor_retain(fx_grad(params[i]));
    fx_tensor_release(params[i]);
  }
  return st;
}

/* The same loss to the bit, dropout included; the same gradients but for the order of sums. */
static void blocks_run_again (void) {
  fx_tensor *kept[1024], *again[1024], *loss[2] = { NULL, NULL };
  int count, other;
  CHECK_STATUS(gradients(false, &loss[0], kept, &count));
  CHECK_STATUS(gradients(true, &loss[1], again, &other));
  CHECK(count == other && fx_f32(loss[0])[0] == fx_f32(loss[1])[0]);
  for (int i = 0; i < count; i++) {
    CHECK(!kept[i] == !again[i]);
    double most = 0, off = 0;
    for (int64_t k = 0; kept[i] && k < fx_tensor_count(kept[i]); k++) {
      most = fmax(most, fabs((double)fx_f32(kept[i])[k]));
      off = fmax(off, fabs((double)fx_f32(kept[i])[k] - (double)fx_f32(again[i])[k]));
    }
    /* a bias in front of a norm has a gradient of rounding alone */
    CHECK(off <= 1e-5 * most + 1e-8);
    fx_tensor_release(kept[i]);
    fx_tensor_release(again[i]);
  }
  fx_tensor_release(loss[0]);
  fx_tensor_release(loss[1]);
}

static fx_status train_step (fx_flex *m, fx_optimizer *o, const inputs *in, int64_t step,
                             bool recompute) {
  fx_tensor *y = NULL, *loss = NULL;
  fx_mode mode = { .training = true,
                   .recompute = recompute,
                   .dropout = 0.1,
                   .key = { .seed = 1, .stream = FX_STREAM_DROPOUT, .step = (uint32_t)step } };
  double norm;
  int bad;
  fx_status st;
  FX_GOTO(pass(m, in, &mode, &y));
  FX_GOTO(fx_l1_loss(FX_ARGS(l1_loss, .a = y, .b = in->low), &loss));
  FX_GOTO(fx_backward(loss, NULL));
  FX_GOTO(fx_optimizer_step(o, 1e-3, 1.0, &norm, &bad));
  fx_optimizer_clear_grads(o);
done:
  fx_tensor_release(y);
  fx_tensor_release(loss);
  return st;
}

static fx_status make_optimizer (fx_flex *m, fx_optimizer **out) {
  fx_tensor *list[1024];
  const fx_params *ps = fx_flex_params(m);
  int n = 0;
  for (int i = 0; i < ps->count; i++)
    if (ps->list[i].trained)
      list[n++] = ps->list[i].value;
  fx_optimizer_config c = fx_optimizer_defaults(FX_OPTIMIZER_ADAM);
  c.ema = 0.999;
  return fx_optimizer_new(&c, list, n, out);
}

/* After a step nothing stays behind, and the weights are the same bits for 1 and 3 threads. */
static void training_is_flat_and_repeatable (void) {
  fx_flex_config c = tiny();
  fx_memory_stats first, last;
  fx_tensor *weights[2] = { NULL, NULL };
  for (int run = 0; run < 2; run++) {
    fx_flex *m = NULL;
    fx_optimizer *o = NULL;
    fx_set_threads(run ? 3 : 1);
    CHECK_STATUS(fx_flex_new(&c, 4, &m));
    CHECK_STATUS(make_optimizer(m, &o));
    inputs in = make_inputs(&c, 2);
    for (int64_t step = 0; step < 6; step++) {
      CHECK_STATUS(train_step(m, o, &in, step, false));
      fx_memory(step == 0 ? &first : &last);
    }
    CHECK(first.live_bytes == last.live_bytes && first.live_blocks == last.live_blocks);
    CHECK_STATUS(fx_tensor_clone(
        fx_params_find(fx_flex_params(m), "encoder.input_blocks.1.0.in_layers.2.weight")->value,
        &weights[run]));
    free_inputs(&in);
    fx_optimizer_free(o);
    fx_flex_free(m);
  }
  CHECK(memcmp(weights[0]->data, weights[1]->data, (size_t)fx_tensor_count(weights[0]) * 4) == 0);
  fx_tensor_release(weights[0]);
  fx_tensor_release(weights[1]);
}

/* Every allocation of building and of a training step fails once, in strides: all are reported. */
static void failing_allocations_are_reported (void) {
  fx_flex_config c = tiny();
  c.rotary = true;
  fx_memory_stats before, after;
  fx_memory(&before);
  for (int k = 1; k < 6000; k = k * 5 / 4 + 1) {
    fx_flex *m = NULL;
    fx_optimizer *o = NULL;
    inputs in = make_inputs(&c, 1);
    fx_alloc_fail_at(k);
    fx_status st = fx_flex_new(&c, 1, &m);
    if (st == FX_OK)
      st = make_optimizer(m, &o);
    if (st == FX_OK)
      st = train_step(m, o, &in, 0, k % 2);
    fx_alloc_fail_at(0);
    CHECK(st == FX_OK || st == FX_ENOMEM);
    free_inputs(&in);
    fx_optimizer_free(o);
    fx_flex_free(m);
  }
  fx_memory(&after);
  CHECK(before.live_blocks == after.live_blocks);
}

static void wrong_configurations_are_named (void) {
  fx_flex_config c = tiny();
  fx_flex *m = NULL;
  c.channels[1] = 48;
  CHECK(fx_flex_new(&c, 1, &m) == FX_EARG && strstr(fx_errmsg(), "channels of level 2"));
  c = tiny();
  c.height = 18;
  CHECK(fx_flex_new(&c, 1, &m) == FX_ESHAPE && strstr(fx_errmsg(), "multiples of 4"));
  c = tiny();
  c.depth = -1;
  CHECK(fx_flex_new(&c, 1, &m) == FX_EARG);
  CHECK(strstr(fx_errmsg(), "depth must be a whole number from 0 to 1024, not -1") != NULL);
  c = tiny();
  c.dropout = 1;
  CHECK(fx_flex_new(&c, 1, &m) == FX_EARG);
  CHECK(strstr(fx_errmsg(), "dropout must be a number from 0 on and below 1, not 1") != NULL);
  c.dropout = NAN;
  CHECK(fx_flex_new(&c, 1, &m) == FX_EARG &&
        strstr(fx_errmsg(), "dropout must be a finite number"));
  c = tiny();
  c.precision = (fx_precision)2;
  CHECK(fx_flex_new(&c, 1, &m) == FX_EARG &&
        strstr(fx_errmsg(), "precision must be one of f32|bf16"));
  c = tiny();
  c.res_blocks[1] = -1;
  CHECK(fx_flex_new(&c, 1, &m) == FX_EARG &&
        strstr(fx_errmsg(), "res_blocks must be a whole number from 0"));
  c.res_blocks[1] = 0;
  c.channels[1] = 64;
  CHECK(fx_flex_new(&c, 1, &m) == FX_EARG);
  CHECK(strstr(fx_errmsg(), "res_blocks of level 2 may be 0 only where the level before has its 64 "
                            "channels, not 32") != NULL);
  c = tiny();
  c.heads = 3;
  CHECK(fx_flex_new(&c, 1, &m) == FX_EARG && strstr(fx_errmsg(), "heads"));
  c = tiny();
  c.rotary = true;
  c.heads = 16;
  CHECK(fx_flex_new(&c, 1, &m) == FX_EARG && strstr(fx_errmsg(), "divisible by 4, not 2"));
  CHECK(fx_flex_preset("tiny", &c) == FX_EARG && strstr(fx_errmsg(), "nano small medium big"));
  CHECK(m == NULL);
}

static void non_finite_gradients_change_nothing (void) {
  fx_flex_config c = tiny();
  fx_flex *m = NULL;
  fx_optimizer *o = NULL;
  CHECK_STATUS(fx_flex_new(&c, 1, &m));
  CHECK_STATUS(make_optimizer(m, &o));
  inputs in = make_inputs(&c, 1);
  fx_tensor_set(in.x, 5, NAN);
  const double before = fx_tensor_get(o->params[0], 0);
  CHECK(train_step(m, o, &in, 0, false) == FX_EARG && strstr(fx_errmsg(), "not finite"));
  CHECK(o->steps == 0 && fx_tensor_get(o->params[0], 0) == before);
  free_inputs(&in);
  fx_optimizer_free(o);
  fx_flex_free(m);
}

int main (void) {
  presets_have_their_sizes();
  roads_open_and_close();
  variants_keep_shapes();
  any_depth_is_two_halves_and_a_middle();
  a_level_may_have_no_blocks();
  the_list_says_the_defaults();
  blocks_run_again();
  samples_are_independent();
  training_is_flat_and_repeatable();
  failing_allocations_are_reported();
  wrong_configurations_are_named();
  non_finite_gradients_change_nothing();
  return check_report("model");
}
