/* source.c - see source.h. */
#include "kernels/cpu/source.h"

#include <string.h>

#include "kernels/cpu/mask.h"
#include "kernels/cpu/vmath.h"

conv_source fxcpu_source_plain (const fx_tensor *x, bool circular) {
  const int64_t *d = x->shape;
  return (conv_source){ .x = fx_f32(x),
                        .n = d[0],
                        .h = d[1],
                        .w = d[2],
                        .c1 = d[3],
                        .c = d[3],
                        .rows = d[1],
                        .cols = d[2],
                        .circular = circular };
}

/* mean, factor and shift of every channel of every sample: norm and modulation in one. The rounding
** of the mean moves z by at most 2^-24 |mean| rstd, as in the backward pass, which reads it too. */
static void fill_table (const fx_conv_input *in, conv_source *s) {
  const float *mean = fx_f32(in->mean), *rstd = fx_f32(in->rstd), *w = fx_f32(in->norm_w);
  const float *b = in->norm_b ? fx_f32(in->norm_b) : NULL;
  const int64_t c = s->c, groups = in->groups, width = c / groups;
  for (int64_t n = 0; n < s->n; n++) {
    const float *emb = in->emb ? fx_f32(in->emb) + n * 2 * c : NULL;
    float *table = s->table + n * 3 * c;
    for (int64_t i = 0; i < c; i++) {
      const double scale = emb ? 1.0 + emb[i] : 1.0, offset = emb ? emb[c + i] : 0.0;
      table[i] = mean[n * groups + i / width];
      table[c + i] = (float)(scale * w[i] * rstd[n * groups + i / width]);
      table[2 * c + i] = (float)(scale * (b ? b[i] : 0.0f) + offset);
    }
  }
}

fx_status fxcpu_source_begin (const fx_conv_input *in, conv_source *s) {
  *s = fxcpu_source_plain(in->x, in->circular);
  if (in->x2) {
    s->x2 = fx_f32(in->x2);
    s->x2_add = in->x2_add ? fx_f32(in->x2_add) : NULL;
    s->c2 = last_dim(in->x2);
    s->c += s->c2;
  }
  s->resample = in->resample;
  if (s->resample == FX_RESAMPLE_UP) {
    s->rows *= 2;
    s->cols *= 2;
  } else if (s->resample == FX_RESAMPLE_DOWN) {
    s->rows /= 2;
    s->cols /= 2;
  }
  s->p = in->mean ? in->p : 0;
  s->key = in->key;
  if (!in->mean)
    return FX_OK;
  if (!(s->table = new_floats(s->n * 3 * s->c)))
    return FX_ENOMEM;
  fill_table(in, s);
  return FX_OK;
}

void fxcpu_source_end (conv_source *s) {
  fx_free(s->table);
  s->table = NULL;
}

void fxcpu_source_mask (const conv_source *s, int64_t n, int64_t pixel, int64_t count,
                        const float *x, float *y) {
  fx_rng key = s->key;
  key.sample += (uint32_t)n;
  fxcpu_masked(key, s->p, pixel * s->c, count * s->c, x, y);
}

/* --- rows ------------------------------------------------------------------------------------- */

/* to[i] = SiLU((x[i] - mean[i]) factor[i] + shift[i]) */
static inline void activate (int64_t c, const float *restrict x, const float *restrict mean,
                             const float *restrict factor, const float *restrict shift,
                             float *restrict to) {
  for (int64_t i = 0; i < c; i++) {
    const float z = (x[i] - mean[i]) * factor[i] + shift[i];
    to[i] = z * v_sigmoid(z);
  }
}

/* The first `pixels` of row y of x and x2, activated, `pitch` apart; `sum` is scratch for x2. */
static void plain_row (const conv_source *s, int64_t n, int64_t y, int64_t pixels, int64_t pitch,
                       float *sum, float *to) {
  const int64_t at = (n * s->h + y) * s->w, c = s->c;
  const float *x = s->x + at * s->c1;
  const float *x2 = s->x2 ? second_half(s->x2, s->x2_add, at * s->c2, pixels * s->c2, sum) : NULL;
  const float *mean = s->table ? s->table + n * 3 * c : NULL;
  if (!mean && c == s->c1 && pitch == c) {
    memcpy(to, x, (size_t)(pixels * c) * sizeof *to);
    return;
  }
  for (int64_t j = 0; j < pixels; j++, x += s->c1, to += pitch) {
    const float *half = x2 ? x2 + j * s->c2 : NULL;
    if (mean) {
      activate(s->c1, x, mean, mean + c, mean + 2 * c, to);
      if (half)
        activate(s->c2, half, mean + s->c1, mean + c + s->c1, mean + 2 * c + s->c1, to + s->c1);
    } else {
      memcpy(to, x, (size_t)s->c1 * sizeof *to);
      if (half)
        memcpy(to + s->c1, half, (size_t)s->c2 * sizeof *to);
    }
    for (int64_t i = c; i < pitch; i++)
      to[i] = 0.0f;
    if (s->p > 0 && pitch != c)
      fxcpu_source_mask(s, n, y * s->w + j, 1, to, to);
  }
  if (s->p > 0 && pitch == c)
    fxcpu_source_mask(s, n, y * s->w, pixels, to - pixels * pitch, to - pixels * pitch);
}

static float *sum_line (const conv_source *s, float *scratch) { return scratch + 2 * s->w * s->c; }

static void up_row (const conv_source *s, int64_t n, int64_t y, int64_t pixels, int64_t pitch,
                    float *scratch, float *to) {
  const int64_t c = s->c;
  plain_row(s, n, y / 2, (pixels + 1) / 2, c, sum_line(s, scratch), scratch);
  for (int64_t j = 0; j < pixels; j++, to += pitch) {
    memcpy(to, scratch + j / 2 * c, (size_t)c * sizeof *to);
    for (int64_t i = c; i < pitch; i++)
      to[i] = 0.0f;
  }
}

static void down_row (const conv_source *s, int64_t n, int64_t y, int64_t pixels, int64_t pitch,
                      float *scratch, float *to) {
  const int64_t c = s->c;
  float *other = scratch + s->w * c;
  plain_row(s, n, 2 * y, 2 * pixels, c, sum_line(s, scratch), scratch);
  plain_row(s, n, 2 * y + 1, 2 * pixels, c, sum_line(s, scratch), other);
  for (int64_t j = 0; j < pixels; j++, to += pitch) {
    const float *a = scratch + 2 * j * c, *b = other + 2 * j * c;
    for (int64_t i = 0; i < c; i++)
      to[i] = 0.25f * ((a[i] + a[c + i]) + (b[i] + b[c + i]));
    for (int64_t i = c; i < pitch; i++)
      to[i] = 0.0f;
  }
}

/* Pixels outside the image, from the row itself, whose pixel 0 lies at `left`. */
static void fill_border (const conv_source *s, int64_t left, int64_t count, int64_t pitch,
                         float *to) {
  for (int64_t j = 0; j < count; j++) {
    const int64_t x = j - left;
    if (x >= 0 && x < s->cols) {
      j += s->cols - 1;
      continue;
    }
    float *pixel = to + j * pitch;
    if (s->circular)
      memcpy(pixel, to + (left + wrap(x, s->cols)) * pitch, (size_t)pitch * sizeof *to);
    else
      memset(pixel, 0, (size_t)pitch * sizeof *to);
  }
}

void fxcpu_source_row (const conv_source *s, int64_t n, int64_t y, int64_t left, int64_t count,
                       int64_t pitch, float *scratch, float *to) {
  const int64_t row = s->circular ? wrap(y, s->rows) : y;
  if (row < 0 || row >= s->rows) {
    memset(to, 0, (size_t)(count * pitch) * sizeof *to);
    return;
  }
  const int64_t pixels = smaller(s->cols, count - left);
  float *inner = to + left * pitch;
  if (s->resample == FX_RESAMPLE_UP)
    up_row(s, n, row, pixels, pitch, scratch, inner);
  else if (s->resample == FX_RESAMPLE_DOWN)
    down_row(s, n, row, pixels, pitch, scratch, inner);
  else
    plain_row(s, n, row, pixels, pitch, sum_line(s, scratch), inner);
  if (s->bf16)
    round_to_bf16(pixels * pitch, inner);
  fill_border(s, left, count, pitch, to);
}
