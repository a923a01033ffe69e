/* metric.c - the list of metrics. Other layers (Lua, the command line, reports) know only this. */
#include "metrics/metric.h"

const fx_metric fx_metrics[] = {
  { "rfne", "1", FX_DIRECTION_LOWER,
    "relative Frobenius norm error ||p - y|| / ||y|| of each sample [SuperBench, Ren et al. 2023]",
    fx_metric_rfne },
  { "rmse", "field", FX_DIRECTION_LOWER, "root of the mean squared error over pixels and channels",
    fx_metric_rmse },
  { "mae", "field", FX_DIRECTION_LOWER, "mean absolute error over pixels and channels",
    fx_metric_mae },
  { "psnr", "dB", FX_DIRECTION_HIGHER,
    "peak signal-to-noise ratio 20 log10((max y - min y) / rmse)", fx_metric_psnr },
  { "ssim", "1", FX_DIRECTION_HIGHER,
    "structural similarity, Gaussian window 11 x 11, sigma 1.5 [Wang et al. 2004]",
    fx_metric_ssim },
  { "pearson", "1", FX_DIRECTION_HIGHER,
    "Pearson's correlation over pixels and channels [Pearson 1895]", fx_metric_pearson },
  { "spectral_low", "1", FX_DIRECTION_LOWER,
    "relative error of the power at wavenumbers 1 .. K/4, K half the shorter side: what a field "
    "four times "
    "coarser holds",
    fx_metric_spectral_low },
  { "spectral_middle", "1", FX_DIRECTION_LOWER,
    "relative error of the power at wavenumbers K/4+1 .. K/2", fx_metric_spectral_middle },
  { "spectral_high", "1", FX_DIRECTION_LOWER,
    "relative error of the power at wavenumbers K/2+1 .. K", fx_metric_spectral_high },
  { "kurtosis_error", "1", FX_DIRECTION_LOWER,
    "relative error of the kurtosis <d^4>/<d^2>^2: the weight of the tails", fx_metric_kurtosis },
  { NULL, NULL, FX_DIRECTION_LOWER, NULL, NULL }
};

const char *fx_direction_name (fx_metric_direction direction) {
  static const char *const names[] = { "lower", "higher", "0", "1" };
  return names[direction];
}
