/*
** sample.c - super-resolution in C, without Lua: what `flexlab sample --low` does, step by step, to
** the same bits.
**
**   cc sample.c $(pkg-config --cflags --libs flexlab) -o sample
**   ./sample runs/sr/0123abcd/1/last.h5 low.h5 fine.h5
**
** low.h5 holds coarse fields w (N,h,w), as large as the network's divided by its factor, and their
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

/* Frame i of `in`, sampled, to the end of `out`. */
static fx_status one (const fx_checkpoint *c, const fx_field *in, int64_t i, double re_number,
                      fx_field_writer *out) {
  const fx_flex_config *n = fx_flex_config_of(c->net);
  fx_tensor *low = NULL, *fine = NULL;
  fx_scope s;
  FX_TRY(fx_field_read(in, i, 0, in->channels, 0, 0, in->height, in->width, &low));
  fx_scope_open(&s);
  fx_scope_take(&s, FX_OK, low);
  fx_tensor *noise = make(&s, 4, n->height, n->width, n->in_channels);
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

int main (int argc, char **argv) {
  fx_checkpoint c = { 0 };
  fx_field *in = NULL;
  fx_field_writer *out = NULL;
  double re;
  fx_status st;
  if (argc != 4)
    return fprintf(stderr, "usage: sample CHECKPOINT LOW OUT\n"), 2;
  fx_set_recording(false); /* no gradients */
  FX_GOTO(fx_checkpoint_load(argv[1], true, &c));
  if (strcmp(c.predict, "v") || strcmp(c.schedule, "cosine") || strcmp(c.degradation, "bicubic"))
    FX_GOTO(fx_fail(FX_EUNSUPPORTED, "%s: this program knows v, cosine and bicubic only", argv[1]));
  FX_GOTO(fx_field_open(argv[2], NULL, &in));
  FX_GOTO(fx_field_number(in, "Re", &re));
  const fx_flex_config *n = fx_flex_config_of(c.net);
  if (in->height * c.factor != n->height || in->width * c.factor != n->width)
    FX_GOTO(
        fx_fail(FX_ESHAPE, "%s: fields must be the network's size divided by its factor", argv[2]));
  const fx_field_layout layout = {
    .frames = in->frames, .channels = n->in_channels, .height = n->height, .width = n->width
  };
  FX_GOTO(fx_field_writer_create(argv[3], &layout, &out));
  for (int64_t i = 0; i < in->frames; i++)
    FX_GOTO(one(&c, in, i, re, out));
  st = fx_field_writer_finish(out);
  out = NULL;
done:
  if (st != FX_OK)
    fprintf(stderr, "sample: %s\n", fx_errmsg());
  fx_field_writer_abandon(out);
  fx_field_close(in);
  fx_checkpoint_free(&c);
  return st == FX_OK ? 0 : 1;
}
