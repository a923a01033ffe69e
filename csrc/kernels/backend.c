/*
** backend.c - the tables made from kernels.def, and the choice among them.
**
** A Y in kernels.def without its function does not link. The cpu table exists once for each
** instruction set the build has (FXCPU_AVX2, FXCPU_AVX512, FXCPU_AMX say which).
*/
#define _GNU_SOURCE /* syscall */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "kernels/kernels.h"

/* --- tables ------------------------------------------------------------------------------------ */

/* EACH_ISA(X, more) is X(isa, more) for each instruction set of this build, best first. */
#ifdef FXCPU_AMX
#define AMX(X, ...) X(amx, __VA_ARGS__)
#else
#define AMX(X, ...)
#endif
#ifdef FXCPU_AVX512
#define AVX512(X, ...) X(avx512, __VA_ARGS__)
#else
#define AVX512(X, ...)
#endif
#ifdef FXCPU_AVX2
#define AVX2(X, ...) X(avx2, __VA_ARGS__)
#else
#define AVX2(X, ...)
#endif
#ifdef FXCPU_AMX_EMULATED /* cpu/amx/emulated.h: the slowest of all, so nobody meets it who did not name it */
#define AMX_EMULATED(X, ...) X(amx_emulated, __VA_ARGS__)
#else
#define AMX_EMULATED(X, ...)
#endif
#define EACH_ISA(X, ...) \
  AMX(X, __VA_ARGS__) \
  AVX512(X, __VA_ARGS__) AVX2(X, __VA_ARGS__) X(baseline, __VA_ARGS__) AMX_EMULATED(X, __VA_ARGS__)

#define INDEX(isa, prefix) prefix##isa,
enum { EACH_ISA(INDEX, TABLE_) TABLE_ref, TABLES };

#define DECLARE(isa, name) fx_status fxcpu_##isa##_##name(const fx_kernel_##name *);
#define KERNEL(name, ref, cpu, cuda) \
  fx_status fxref_##name(const fx_kernel_##name *); \
  EACH_ISA(DECLARE, name)
#include "kernels.def"

/* One pass fills every table: a row of kernels.def is a field of each. */
#define PICK_Y(own, other) own
#define PICK__(own, other) other
#define NAME(isa_name, text) [TABLE_##isa_name].name = text, [TABLE_##isa_name].isa = #isa_name,
#define FIELD(isa, kernel, cpu) \
  [TABLE_##isa].kernel = PICK_##cpu(fxcpu_##isa##_##kernel, fxref_##kernel),
#define KERNEL(kernel, ref, cpu, cuda) \
  [TABLE_ref].kernel = fxref_##kernel, EACH_ISA(FIELD, kernel, cpu)
static const fx_backend tables[TABLES] = {
  EACH_ISA(NAME, "cpu")[TABLE_ref].name = "ref",
  [TABLE_ref].isa = "",
#include "kernels.def"
};

#define BOOL_Y true
#define BOOL__ false
#define KERNEL(name, ref, cpu, cuda) { #name, BOOL_##cpu, BOOL_##cuda },
const fx_kernel_row fx_kernel_rows[] = {
#include "kernels.def"
};
const int fx_kernel_row_count = sizeof fx_kernel_rows / sizeof *fx_kernel_rows;

/* --- what the processor has -------------------------------------------------------------------- */

static bool has_baseline (void) { return true; }
#ifdef FXCPU_AMX_EMULATED
static bool has_amx_emulated (void) { return true; }
#endif

#ifdef FXCPU_AVX2
static bool has_avx2 (void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

#ifdef FXCPU_AVX512
static bool has_avx512 (void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("fma");
}
#endif

#ifdef FXCPU_AMX
/* The processor has the unit, and the kernel lets this process use it: its registers are 8 KiB that
** Linux saves only for those that ask (Documentation/x86/xstate.rst). What clang makes of the unit's
** instructions was never run on a processor that has them, so a build with clang leaves them alone. */
static bool amx_allowed (void) {
#if defined(SYS_arch_prctl) && !defined(__clang__)
  const long request = 0x1023 /* ARCH_REQ_XCOMP_PERM */, tile_data = 18;
  return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
         __builtin_cpu_supports("avx512bf16") && syscall(SYS_arch_prctl, request, tile_data) == 0;
#else
  return false;
#endif
}

static bool has_amx (void) { return has_avx512() && amx_allowed(); }
#endif

/* --- choice ------------------------------------------------------------------------------------ */

static const fx_backend *isa_tables[TABLES]; /* those that run here; NULL ends them */
static const char *isa_names[TABLES];
static const fx_backend *cpu_table; /* the chosen instruction set */
static const fx_backend *current;   /* the chosen backend         */

static void add_isa (const fx_backend *table) {
  int n = 0;
  while (isa_tables[n])
    n++;
  isa_tables[n] = table;
  isa_names[n] = table->isa;
}

#define ADD_IF(isa, has) \
  if (has##isa()) \
    add_isa(&tables[TABLE_##isa]);

static void find_isas (void) {
  if (isa_tables[0])
    return;
  EACH_ISA(ADD_IF, has_)
}

const char *const *fx_isas (void) {
  find_isas();
  return isa_names;
}

/* The psABI's names of the processors that a table needs: x86-64-v2 lies between two tables. */
static const char *table_of (const char *name) {
  static const char *const names[][2] = { { "x86-64", "baseline" },
                                          { "x86-64-v2", "baseline" },
                                          { "x86-64-v3", "avx2" },
                                          { "x86-64-v4", "avx512" } };
#ifdef FXCPU_AVX2
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(name, names[i][0]) == 0)
      return names[i][1];
#else
  (void)names;
#endif
  return name;
}

fx_status fx_isa_use (const char *wanted) {
  const char *name = table_of(wanted);
  char list[64] = "";
  find_isas();
  for (int i = 0; isa_tables[i]; i++) {
    if (strcmp(isa_names[i], name) == 0) {
      const bool in_use = !current || current == cpu_table;
      cpu_table = isa_tables[i];
      if (in_use)
        current = cpu_table;
      return FX_OK;
    }
    strcat(strcat(list, " "), isa_names[i]);
  }
  return fx_fail(FX_EARG, "no instruction set '%s' here (there is:%s)", wanted, list);
}

fx_status fx_isa_start (void) {
  const char *wanted = getenv("FLEXLAB_ISA");
  if (wanted && *wanted && fx_isa_use(wanted) != FX_OK)
    return fx_fail_in(FX_EARG, "FLEXLAB_ISA");
  return FX_OK;
}

static void choose_first (void) {
  find_isas();
  cpu_table = isa_tables[0];
  if (fx_isa_start() != FX_OK)
    fx_warn("%s; %s is used", fx_errmsg(), cpu_table->isa);
  current = cpu_table;
}

fx_status fx_backend_use (const char *name) {
  if (!current)
    choose_first();
  if (strcmp(name, "cpu") == 0)
    current = cpu_table;
  else if (strcmp(name, "ref") == 0)
    current = &tables[TABLE_ref];
  else
    return fx_fail(FX_EARG, "no backend '%s' (there is: cpu ref)", name);
  return FX_OK;
}

const fx_backend *fx_backend_current (void) {
  if (!current)
    choose_first();
  return current;
}

const fx_backend *fx_backend_of (const fx_tensor *t) {
  return t->dtype == FX_F64 ? &tables[TABLE_ref] : fx_backend_current();
}
