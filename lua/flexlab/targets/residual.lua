--[[
residual - target minus the task's cheap estimate: interpolation for super-resolution, the last frame for
forecasts [arXiv 2505.17351].
--]]
return {
  doc = "target minus the task's estimate (interpolation, last frame): FLEX [arXiv 2505.17351]",
  base = function(batch) return batch.estimate end,
}
