/*
** cpu.h - what the CPU kernels share. The folder is compiled once for each instruction set
** (FXCPU_ISA = baseline, avx2, avx512, amx, amx_emulated) and kernels/backend.c picks a table at run time: one
** source, no #ifdef per machine but for the width of a vector, below, and a store that not all have (past.h).
** A unit of its own lies in a folder of its own (amx), and where it takes over says so once. Only f32.
**
** A function is written fxcpu_name; what the linker sees is fxcpu_ISA_name, which FXCPU_SYMBOL at
** the prototype says. A prototype that forgets it does not link: the name is there several times.
*/
#ifndef FX_CPU_H
#define FX_CPU_H

#include "base/alloc.h"
#include "base/symbol.h"
#include "base/thread.h"
#include "base/transpose.h"
#include "kernels/kernels.h"

#define FXCPU_SYMBOL(name) FX_SYMBOL("fxcpu_" FX_TEXT(FXCPU_ISA) "_" #name)

#define KERNEL(name, ref, cpu, cuda) \
  fx_status fxcpu_##name(const fx_kernel_##name *a) FXCPU_SYMBOL(name);
#include "kernels.def"

/* Elements a task handles in elementwise kernels: a multiple of every vector, 64 KiB of floats. */
#define FXCPU_CHUNK 16384
static inline int64_t chunks (int64_t n) { return (n + FXCPU_CHUNK - 1) / FXCPU_CHUNK; }

static inline int64_t smaller (int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t larger (int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t ceil_div (int64_t a, int64_t b) { return (a + b - 1) / b; }

static inline int64_t last_dim (const fx_tensor *t) { return t->shape[t->ndim - 1]; }

/* New scratch of `count` floats or doubles, NULL if there is no memory. */
static inline float *new_floats (int64_t count) { return fx_alloc((size_t)count * sizeof(float)); }
static inline double *new_doubles (int64_t count) {
  return fx_alloc((size_t)count * sizeof(double));
}

#define LINE 16 /* floats in a line of the caches */

/* The set has the AMX unit's instructions (amx/split.h). */
#if defined(__AMX_BF16__) || defined(FXCPU_AMX_EMULATED)
#define FXCPU_AMX_TILES
#endif

/* --- loops ------------------------------------------------------------------------------------ */

/* Before a loop whose step i touches element i of its operands and no other: an operand may be the
** result, and still the compiler may take as many steps at once as it likes. */
#ifdef __clang__
#define STEPS_APART _Pragma("clang loop vectorize(assume_safety)")
#else
#define STEPS_APART _Pragma("GCC ivdep")
#endif

/* Before a loop over the rows of a tile, 16 at most, a constant: registers only, no index. To clang a
** number is a wish that it meets when arrays have long become memory. */
#ifdef __clang__
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif

/* --- vectors (an extension of gcc and clang) ------------------------------------------------- */

#if defined(__AVX512F__) || defined(FXCPU_AMX_EMULATED)
#define LANES 16
#elif defined(__AVX2__)
#define LANES 8
#else
#define LANES 4
#endif

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef double wide __attribute__((vector_size(4 * LANES))); /* LANES/2 doubles */

/* The same in memory: needs no alignment and may alias plain floats. */
typedef float vec_at __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef float half_vec_at __attribute__((vector_size(2 * LANES), aligned(4), may_alias));

static inline vec load (const float *x) { return *(const vec_at *)x; }
static inline void store (float *x, vec v) { *(vec_at *)x = v; }
/* LANES floats of which `count`, which may be negative, exist; the others are 0. */
static inline vec load_part (const float *x, int64_t count) {
  vec v = { 0 };
  if (count >= LANES)
    return load(x);
  for (int64_t i = 0; i < count; i++)
    v[i] = x[i];
  return v;
}

static inline void store_part (float *x, vec v, int64_t count) {
  if (count >= LANES)
    store(x, v);
  else
    for (int64_t i = 0; i < count; i++)
      x[i] = v[i];
}

static inline wide load_wide (const float *x) {
  return __builtin_convertvector(*(const half_vec_at *)x, wide);
}

/* y (cols,rows) = transpose of x (rows,cols). */
static inline void transpose_block (int64_t rows, int64_t cols, const float *x, int64_t from,
                                    float *y, int64_t to) {
  const int64_t whole_rows = rows / 4 * 4, whole_cols = cols / 4 * 4;
  for (int64_t j = 0; j < whole_cols; j += 4)
    for (int64_t i = 0; i < whole_rows; i += 4)
      fx_transpose_4x4(x + i * from + j, from, y + j * to + i, to);
  for (int64_t j = 0; j < cols; j++)
    for (int64_t i = j < whole_cols ? whole_rows : 0; i < rows; i++)
      y[j * to + i] = x[i * from + j];
}

/* Sums of the lanes, in a fixed order. */
static inline float sum_lanes (vec v) {
  float sum = 0.0f;
  for (int i = 0; i < LANES / 2; i++)
    sum += v[i] + v[i + LANES / 2];
  return sum;
}
static inline double sum_wide (wide v) {
  double sum = 0.0;
  for (int i = 0; i < LANES / 2; i++)
    sum += v[i];
  return sum;
}

#endif
