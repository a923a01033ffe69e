/* mask.c - see mask.h. */
#include "kernels/cpu/mask.h"

#define BLOCKS 64 /* of four numbers */

/* The words of blocks first .. first+BLOCKS-1 of the key's sequence. */
static void draw (const fx_rng *key, uint32_t first, uint32_t out[4 * BLOCKS]) {
  uint32_t c0[BLOCKS], c1[BLOCKS], c2[BLOCKS], c3[BLOCKS];
  uint32_t k0 = (uint32_t)key->seed, k1 = (uint32_t)(key->seed >> 32);
  for (int i = 0; i < BLOCKS; i++) {
    c0[i] = first + (uint32_t)i;
    c1[i] = key->sample;
    c2[i] = key->stream << 24 | (key->member & 0xFFFFFFu);
    c3[i] = key->step;
  }
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < BLOCKS; i++) {
      const uint64_t p0 = (uint64_t)0xD2511F53u * c0[i], p1 = (uint64_t)0xCD9E8D57u * c2[i];
      c0[i] = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0;
      c2[i] = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
      c1[i] = (uint32_t)p1;
      c3[i] = (uint32_t)p0;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (int i = 0; i < BLOCKS; i++) {
    out[4 * i] = c0[i];
    out[4 * i + 1] = c1[i];
    out[4 * i + 2] = c2[i];
    out[4 * i + 3] = c3[i];
  }
}

void fxcpu_masked (fx_rng key, double p, int64_t first, int64_t n, const float *x, float *y) {
  uint32_t words[4 * BLOCKS];
  const float limit = (float)p, scale = (float)(1.0 / (1.0 - p));
  for (int64_t done = 0; done < n;) {
    const int64_t skip = (first + done) % 4, run = smaller(n - done, 4 * BLOCKS - skip);
    draw(&key, (uint32_t)((first + done) / 4), words);
    const uint32_t *word = words + skip;
    /* y may be x */
    STEPS_APART
    for (int64_t i = 0; i < run; i++) {
      const float u = (float)(int32_t)(word[i] >> 8) * 0x1p-24f;
      y[done + i] = x[done + i] * (u >= limit ? scale : 0.0f); /* NaN stays NaN */
    }
    done += run;
  }
}
