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

#define PICK_Y(own, other) own
#define PICK__(own, other) other

#define KERNEL(name, ref, cpu, cuda) \
  fx_status fxref_##name(const fx_kernel_##name *); \
  fx_status fxcpu_baseline_##name(const fx_kernel_##name *); \
  fx_status fxcpu_avx2_##name(const fx_kernel_##name *); \
  fx_status fxcpu_avx512_##name(const fx_kernel_##name *); \
  fx_status fxcpu_amx_##name(const fx_kernel_##name *);
#include "kernels.def"
#undef KERNEL

#define KERNEL(name, ref, cpu, cuda) .name = fxref_##name,
static const fx_backend ref_table = {
  .name = "ref",
  .isa = "",
#include "kernels.def"
};
#undef KERNEL

#define KERNEL(name, ref, cpu, cuda) .name = PICK_##cpu(fxcpu_baseline_##name, fxref_##name),
static const fx_backend baseline_table = {
  .name = "cpu",
  .isa = "baseline",
#include "kernels.def"
};
#undef KERNEL

#ifdef FXCPU_AVX2
#define KERNEL(name, ref, cpu, cuda) .name = PICK_##cpu(fxcpu_avx2_##name, fxref_##name),
static const fx_backend avx2_table = {
  .name = "cpu",
  .isa = "avx2",
#include "kernels.def"
};
#undef KERNEL
#endif

#ifdef FXCPU_AVX512
#define KERNEL(name, ref, cpu, cuda) .name = PICK_##cpu(fxcpu_avx512_##name, fxref_##name),
static const fx_backend avx512_table = {
  .name = "cpu",
  .isa = "avx512",
#include "kernels.def"
};
#undef KERNEL
#endif

#ifdef FXCPU_AMX
#define KERNEL(name, ref, cpu, cuda) .name = PICK_##cpu(fxcpu_amx_##name, fxref_##name),
static const fx_backend amx_table = {
  .name = "cpu",
  .isa = "amx",
#include "kernels.def"
};
#undef KERNEL

/* The processor has the unit, and the kernel lets this process use it: its registers are 8 KiB that
** Linux saves only for those that ask (Documentation/x86/xstate.rst). */
static bool amx_allowed (void) {
#if defined(FXCPU_AMX_EMULATED)
  return __builtin_cpu_supports("avx512bf16");
#elif defined(SYS_arch_prctl) && !defined(__clang__) /* clang 14 cannot ask for the unit */
  const long request = 0x1023 /* ARCH_REQ_XCOMP_PERM */, tile_data = 18;
  return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
         __builtin_cpu_supports("avx512bf16") && syscall(SYS_arch_prctl, request, tile_data) == 0;
#else
  return false;
#endif
}
#endif

#define BOOL_Y true
#define BOOL__ false
#define KERNEL(name, ref, cpu, cuda) { #name, BOOL_##cpu, BOOL_##cuda },
const fx_kernel_row fx_kernel_rows[] = {
#include "kernels.def"
};
#undef KERNEL
const int fx_kernel_row_count = sizeof fx_kernel_rows / sizeof *fx_kernel_rows;

/* --- choice ------------------------------------------------------------------------------------ */

#define MOST_ISAS 4
static const fx_backend *isa_tables[MOST_ISAS + 1];
static const char *isa_names[MOST_ISAS + 1];
static const fx_backend *cpu_table; /* the chosen instruction set */
static const fx_backend *current;   /* the chosen backend         */

static void add_isa (const fx_backend *table) {
  int n = 0;
  while (isa_tables[n])
    n++;
  isa_tables[n] = table;
  isa_names[n] = table->isa;
}

static void find_isas (void) {
  if (isa_tables[0])
    return;
#ifdef FXCPU_AVX512
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("fma")) {
    if (amx_allowed())
      add_isa(&amx_table);
    add_isa(&avx512_table);
  }
#endif
#ifdef FXCPU_AVX2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    add_isa(&avx2_table);
#endif
  add_isa(&baseline_table);
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
    current = &ref_table;
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
  return t->dtype == FX_F64 ? &ref_table : fx_backend_current();
}
