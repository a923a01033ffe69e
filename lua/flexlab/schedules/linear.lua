--[[
linear - logSNR falls linearly in t: the constant-rate schedule [Kingma et al. 2021, variational
diffusion models].
--]]
return {
  doc = "logSNR linear in t, +-limit [Kingma et al. 2021]",
  defaults = { limit = 10.0 },
  logsnr = function(t, cfg)
    local limit = cfg.limit or 10
    return limit * (1 - 2 * t)
  end,
}
