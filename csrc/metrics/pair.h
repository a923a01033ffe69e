/* pair.h - what the metrics of this folder share: checks, and a loop over samples. Private. */
#ifndef FX_PAIR_H
#define FX_PAIR_H

#include "base/status.h"
#include "tensor/tensor.h"

/* Checks that `field` is f32 (N,H,W,C) and not empty; `metric` and `role` are for the message. */
fx_status fx_check_field(const char *metric, const char *role, const fx_tensor *field);

/* Both of them, and that their shapes are equal. */
fx_status fx_check_pair(const char *metric, const fx_tensor *prediction, const fx_tensor *truth);

/* members (M,H,W,C) and truth (1,H,W,C). */
fx_status fx_check_members(const char *metric, const fx_tensor *members, const fx_tensor *truth);

/* Sorts x, lowest first; numbers that are not (NaN) end up somewhere. */
void fx_sort(double *x, int64_t m);

/* One number from one sample: p and y hold `count` values each. */
typedef double (*fx_sample_metric)(const float *p, const float *y, int64_t count);

/* Checks the pair and fills a new (N) f64 with metric(sample), one parallel item a sample. */
fx_status fx_each_sample(const char *name, fx_sample_metric metric, const fx_tensor *prediction,
                         const fx_tensor *truth, fx_tensor **out);

/* max - min; NaN if a value is not finite. */
double fx_data_range(const float *y, int64_t count);

#endif
