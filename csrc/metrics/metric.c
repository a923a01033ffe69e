/* metric.c - the list of metrics. Other layers (Lua, the command line, reports) know only this. */
#include "metrics/metric.h"

#include <string.h>

const fx_metric fx_metrics[] = {
  { "rfne", "1", FX_LOWER_IS_BETTER,
    "relative Frobenius norm error ||p - y|| / ||y|| of each sample [SuperBench, Ren et al. 2023]",
    fx_metric_rfne },
  { "rmse", "field", FX_LOWER_IS_BETTER, "root of the mean squared error over pixels and channels",
    fx_metric_rmse },
  { "mae", "field", FX_LOWER_IS_BETTER, "mean absolute error over pixels and channels",
    fx_metric_mae },
  { "psnr", "dB", FX_HIGHER_IS_BETTER,
    "peak signal-to-noise ratio 20 log10((max y - min y) / rmse)", fx_metric_psnr },
  { "ssim", "1", FX_HIGHER_IS_BETTER,
    "structural similarity, Gaussian window 11 x 11, sigma 1.5 [Wang et al. 2004]",
    fx_metric_ssim },
  { "pearson", "1", FX_HIGHER_IS_BETTER,
    "Pearson's correlation over pixels and channels [Pearson 1895]", fx_metric_pearson },
  { NULL, NULL, FX_LOWER_IS_BETTER, NULL, NULL }
};

const fx_metric *fx_metric_find (const char *name) {
  for (const fx_metric *m = fx_metrics; m->name; m++) {
    if (strcmp(m->name, name) == 0)
      return m;
  }
  return NULL;
}
