/*
** rng.h - random numbers as a pure function of their address.
**
** Philox4x32-10 [Salmon et al. 2011] maps (counter, key) to four 32-bit words. The key is the
** seed; the counter holds what is being drawn: the stream (what for), the sample (which field),
** the member (which ensemble member, or call), the step, and the element's index / 4. No state is
** advanced, so noise does not depend on batch size, thread count, device, order or resume, and two
** arms of an ablation with one seed see the same data and the same noise.
**
** counter = { index / 4, sample, (stream << 24) | member, step }, key = { seed low, seed high }
*/
#ifndef FX_RNG_H
#define FX_RNG_H

#include <stdint.h>

/* What numbers are for. ORDER fx_streams */
enum {
  FX_STREAM_INIT = 1,
  FX_STREAM_ORDER,
  FX_STREAM_CROP,
  FX_STREAM_NOISE,
  FX_STREAM_TIME,
  FX_STREAM_DROPOUT,
  FX_STREAM_SAMPLE,
  FX_STREAM_DATA,
  FX_STREAM_USER
};

/* Name and purpose of each stream, FX_STREAM_INIT first; ends with a row whose name is NULL. */
typedef struct {
  const char *name, *doc;
} fx_stream_row;
extern const fx_stream_row fx_streams[];

typedef struct {
  uint64_t seed;
  uint32_t stream; /* < 256 */
  uint32_t sample;
  uint32_t member; /* < 2^24 */
  uint32_t step;
} fx_rng;

/* The bare generator: ten rounds. */
void fx_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* Element `index` of the key's sequence, as 32 random bits. */
uint32_t fx_rng_u32(fx_rng key, uint64_t index);

/* Elements first .. first+n-1: uniform in [0,1) with 24 bits, or standard normal (Box-Muller in
** double with our own log and sincos, rounded to float: the same bits on every machine). */
void fx_rng_uniform(fx_rng key, uint64_t first, int64_t n, float *out);
void fx_rng_normal(fx_rng key, uint64_t first, int64_t n, float *out);
void fx_rng_normal_f64(fx_rng key, uint64_t first, int64_t n, double *out);

#endif
