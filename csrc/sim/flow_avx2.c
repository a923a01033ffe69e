/* flow_avx2.c - the tasks of flow_kernels.h for x86 processors with AVX2, chosen at run time; the
** same bits as flow_base.c, see fft_avx2.c. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("avx2,no-fma")
#endif

#include "sim/flow_kernels.h"

void fx_flow_columns_avx2 (void *job, int64_t item, int worker) { columns(job, item, worker); }
void fx_flow_rows_avx2 (void *job, int64_t item, int worker) { rows(job, item, worker); }
