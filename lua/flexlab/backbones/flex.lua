--[[
flex - the FLEX network: ResBlocks around a transformer whose patches are the pixels of the smallest map. It
is C (csrc/model), its condition encoder included.
--]]
local core = require "flexlab.core"

return {
  doc = "ResBlocks around a transformer, in C: FLEX [arXiv 2505.17351]", title = "FLEX", inside = true,
  needs = { "channels", "res_blocks", "depth", "heads" },
  sizes = function(size) return core.flex_preset(size) end,
  divisor = function(cfg) return 1 << #cfg.channels, "2^levels" end,
  tokens = function(cfg, height, width) return { height >> #cfg.channels, width >> #cfg.channels } end,
  new = function(network, _, seed)
    local c = { seed = seed }
    for _, field in ipairs(core.flex_fields) do c[field.name] = network[field.name] end
    return core.flex(c)
  end,
}
