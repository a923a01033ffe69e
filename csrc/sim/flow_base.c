/* flow_base.c - the tasks of flow_kernels.h for whatever processor the build is for. */
#include "sim/flow_kernels.h"

void fx_flow_columns_base (void *job, int64_t item, int worker) { columns(job, item, worker); }
void fx_flow_rows_base (void *job, int64_t item, int worker) { rows(job, item, worker); }
