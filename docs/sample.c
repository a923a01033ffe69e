/*
** sample.c - super-resolution in C, without Lua: what `flexlab sample --low` does, step by step, to
** the same bits.
**
**   cc sample.c $(pkg-config --cflags --libs flexlab) -o sample
**   ./sample runs/sr/0123abcd/1/last.h5 low.h5 fine.h5
**
** low.h5 holds coarse fields w (N,h,w) or (N,C,h,w), as large as the network's divided by its factor, and their
** Reynolds number Re. fine.h5 will hold one sample of each.
*/
#include <flexlab.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STEPS = 2, SEED = 1 };

/* Signal and noise at time t of the cosine schedule. */
static void coefficients (const fx_checkpoint *c, double t, double *alpha, double *sigma) {
  const double limit = c->limit > 0 ? c->limit : 20; /* largest |logSNR| */
  const double b = atan(exp(-limit / 2)), a = atan(exp(limit / 2)) - b;
  const double logsnr = -2 * log(tan(a * t + b) * c->shift);
  *alpha = sqrt(1 / (1 + exp(-logsnr)));
  *sigma = sqrt(1 / (1 + exp(logsnr)));
}

/* ax * x + ay * y, borrowed from the scope like every result below. */
static fx_tensor *mix (fx_scope *s, double ax, fx_tensor *x, double ay, fx_tensor *y) {
  return FX_DO(s, add, .a = FX_DO(s, affine, .x = x, .scale = ax),
               .b = FX_DO(s, affine, .x = y, .scale = ay));
}

/* low (N,h,w,C) physical, noise (N,H,W,C), re (N,1), t (N) -> (N,H,W,C) physical. */
static fx_tensor *sample (fx_scope *s, const fx_checkpoint *c, fx_tensor *low, fx_tensor *noise,
                          fx_tensor *re, fx_tensor *t) {
  const fx_dims size = { 2, { noise->shape[1], noise->shape[2] } };
  fx_tensor *up = FX_DO(s, resize, .x = low, .size = size, .method = FX_RESIZE_BICUBIC);
  fx_tensor *estimate = FX_DO(s, div, .a = FX_DO(s, sub, .a = up, .b = c->mean), .b = c->std);
  fx_tensor *x = noise, *x0 = NULL;
  fx_mode mode = fx_flex_mode(c->net); /* its precision; dropout is off */
  fx_features known = { 0 };           /* the condition enters once, not once a step */
  if (fx_flex_condition(s, c->net, estimate, re, &mode, &known) != FX_OK)
    return NULL;
  for (int k = STEPS; k > 0; k--) { /* DDIM [Song et al. 2021]; p is the velocity */
    double alpha, sigma, next_alpha, next_sigma;
    coefficients(c, (double)k / STEPS, &alpha, &sigma);
    coefficients(c, (double)(k - 1) / STEPS, &next_alpha, &next_sigma);
    fx_tensor_fill(t, (double)k / STEPS);
    fx_tensor *p = fx_flex_predict(s, c->net, x, t, re, &known, &mode);
    x0 = mix(s, alpha, x, -sigma, p);
    x = mix(s, next_alpha, x0, next_sigma, mix(s, alpha, p, sigma, x));
  }
  fx_tensor *residual = FX_DO(s, add, .a = estimate, .b = x0);
  return FX_DO(s, add, .a = FX_DO(s, mul, .a = residual, .b = c->std), .b = c->mean);
}

/* A new tensor (the first n of 1, h, w, c), owned by the scope, full of zeros. */
static fx_tensor *make (fx_scope *s, int n, int64_t h, int64_t w, int64_t c) {
  fx_tensor *t = NULL;
  const fx_status st = fx_tensor_new_zeros(FX_F32, n, (int64_t[]){ 1, h, w, c }, &t);
  return fx_scope_take(s, st, t);
}

/* Frame i of variable w of a file, (1,h,w,C). In the file it is (h,w), or (C,h,w). */
static fx_tensor *frame (fx_scope *s, fx_container *in, int64_t w, int64_t i) {
  const fx_variable *v = fx_container_at(in, w);
  const int64_t *n = v->shape, start[4] = { i }, count[4] = { 1, n[1], n[2], n[3] };
  const fx_dims channels_last = { 4, { 0, 2, 3, 1 } }, one_channel = { 4, { 1, n[1], n[2], 1 } };
  fx_tensor *t = NULL;
  const fx_status st = fx_container_read(in, w, start, count, FX_F32, &t);
  t = fx_scope_take(s, st, t);
  if (v->rank == 4)
    return FX_DO(s, permute, .x = t, .axes = channels_last);
  return FX_DO(s, reshape, .x = t, .shape = one_channel);
}

/* Frame i of `in`, sampled, to the end of `out`. */
static fx_status one (const fx_checkpoint *c, fx_container *in, int64_t w, int64_t i,
                      double re_number, fx_field_writer *out) {
  const fx_flex_config *n = fx_flex_config_of(c->net);
  fx_tensor *fine = NULL;
  fx_scope s;
  fx_scope_open(&s);
  fx_tensor *low = frame(&s, in, w, i), *noise = make(&s, 4, n->height, n->width, n->in_channels);
  fx_tensor *re = make(&s, 2, 1, 0, 0), *t = make(&s, 1, 0, 0, 0);
  if (s.status == FX_OK) {
    /* Noise has an address: this sample and member get the same in any batch, on any machine. */
    fx_tensor_normal(noise, (fx_rng){ SEED, FX_STREAM_SAMPLE, (uint32_t)i + 1, .member = 1 });
    fx_tensor_fill(re, re_number / 40000);
    fine = sample(&s, c, low, noise, re, t);
  }
  const fx_status st = fine ? fx_field_writer_append(out, fine) : s.status;
  fx_scope_close(&s);
  return st;
}

/* The number `key` among the attributes of a file. */
static fx_status number (fx_container *in, const char *key, double *value) {
  fx_attributes *all;
  FX_TRY(fx_container_attributes(in, "", &all));
  const fx_attribute *a = fx_attributes_find(all, key);
  const bool found = a && a->numbers && a->n == 1;
  if (found)
    *value = a->numbers[0];
  fx_attributes_free(all);
  return found ? FX_OK : fx_fail(FX_EARG, "%s: no number %s", fx_container_path(in), key);
}

int main (int argc, char **argv) {
  fx_checkpoint c = { 0 };
  fx_container *in = NULL;
  fx_field_writer *out = NULL;
  double re;
  fx_status st;
  if (argc != 4)
    return fprintf(stderr, "usage: sample CHECKPOINT LOW OUT\n"), 2;
  fx_set_recording(false); /* no gradients */
  FX_GOTO(fx_checkpoint_load(argv[1], true, &c));
  if (strcmp(c.predict, "v") || strcmp(c.schedule, "cosine") || strcmp(c.degradation, "bicubic"))
    FX_GOTO(fx_fail(FX_EUNSUPPORTED, "%s: this program knows v, cosine and bicubic only", argv[1]));
  FX_GOTO(fx_container_open(argv[2], &in));
  FX_GOTO(number(in, "Re", &re));
  const int64_t w = fx_container_find(in, "w");
  const fx_variable *v = w < 0 ? NULL : fx_container_at(in, w);
  if (!v || (v->rank != 3 && v->rank != 4))
    FX_GOTO(fx_fail(FX_EARG, "%s: no fields w (N,h,w) or (N,C,h,w)", argv[2]));
  const fx_flex_config *n = fx_flex_config_of(c.net);
  const int64_t *size = v->shape + v->rank - 2;
  if (size[0] * c.factor != n->height || size[1] * c.factor != n->width)
    FX_GOTO(
        fx_fail(FX_ESHAPE, "%s: fields must be the network's size divided by its factor", argv[2]));
  const fx_field_layout layout = {
    .frames = v->shape[0], .channels = n->in_channels, .height = n->height, .width = n->width
  };
  FX_GOTO(fx_field_writer_create(argv[3], &layout, &out));
  for (int64_t i = 0; i < v->shape[0]; i++)
    FX_GOTO(one(&c, in, w, i, re, out));
  st = fx_field_writer_finish(out);
  out = NULL;
done:
  if (st != FX_OK)
    fprintf(stderr, "sample: %s\n", fx_errmsg());
  fx_field_writer_abandon(out);
  fx_container_close(in);
  fx_checkpoint_free(&c);
  return st == FX_OK ? 0 : 1;
}
