/* arithmetic.c - the tables of sim/lanes' compilations, and which of them a processor can run. */
#include "sim/arithmetic.h"

#define ARITHMETIC(real, set, lanes_) \
  void *fxsim_##real##_##set##_fft(const fx_fft *, bool, void *, void *); \
  void fxsim_##real##_##set##_columns(void *, int64_t, int); \
  void fxsim_##real##_##set##_rows(void *, int64_t, int); \
  static const fx_arithmetic real##_##set = { .isa = #set, \
                                              .lanes = lanes_, \
                                              .fft = fxsim_##real##_##set##_fft, \
                                              .columns = fxsim_##real##_##set##_columns, \
                                              .rows = fxsim_##real##_##set##_rows };
ARITHMETIC(double, baseline, 4)
ARITHMETIC(float, baseline, 8)
#ifdef FXSIM_AVX2
ARITHMETIC(double, avx2, 4)
ARITHMETIC(float, avx2, 8)
#endif

static const fx_arithmetic *const of_baseline[2][2] = { { &double_baseline }, { &float_baseline } };

const fx_arithmetic *const *fx_arithmetics (fx_dtype precision) {
  const int single = precision == FX_F32;
#ifdef FXSIM_AVX2
  static const fx_arithmetic *const of_avx2[2][3] = { { &double_avx2, &double_baseline },
                                                      { &float_avx2, &float_baseline } };
  if (__builtin_cpu_supports("avx2"))
    return of_avx2[single];
#endif
  return of_baseline[single];
}
