--[[
interpolant - a path that begins at the current state (the estimate) instead of at noise [Chen et al.
2024, arXiv 2403.13724]: the residual is diffused along the schedule `interpolant`, and the network reads
the path itself, estimate + x_t.
--]]
return {
  doc = "stochastic interpolant from the estimate to the target [Chen et al. 2024, arXiv 2403.13724]",
  shows = true,
  check = function(cfg)
    if cfg.schedule ~= "interpolant" then
      error(("target 'interpolant' goes with schedule 'interpolant', not '%s'"):format(tostring(cfg.schedule)), 0)
    end
  end,
  base = function(batch) return batch.estimate end,
}
