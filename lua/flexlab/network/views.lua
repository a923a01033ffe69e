--[[
views - what light condition encoders share: one map, shown to every skip of a network at the skip's size
(means of blocks where it is smaller, repeated pixels where it is larger) through a 1x1 convolution.

  local module = views.new(cfg, channels)       a module with one convolution per skip
  module:show(map)                              (N,h,w,channels) -> features { head=, skips= }
cfg is an encoder's (docs/extending.md).
--]]
local core = require "flexlab.core"
local nn = require "flexlab.nn"

local M = {}

--- map (N,h,w,C) at another height; sizes differ by whole factors.
---@param map flexlab.Tensor  (N,h,w,C)
---@param height integer      a multiple of h, or a part of it
---@return flexlab.Tensor
function M.at_height(map, height)
  local own = map.shape[2]
  if own == height then return map end
  if own > height then return core.mean_pool(map, { factor = own // height }) end
  return core.upsample(map, { factor = height // own })
end

--- The convolutions from a map with `channels` channels to every skip of cfg.
---@param cfg table         an encoder's
---@param channels integer  of the map
---@return flexlab.Module  with :show(map)
function M.new(cfg, channels)
  local self = nn.module { skips = {} }
  local heights = {}
  for i, skip in ipairs(cfg.skips) do
    self.skips[i] = nn.conv(channels, skip.channels, { kernel = 1 })
    heights[i] = skip.height
  end

  -- The head is the last skip: it has its size.
  self.show = function(net, map)
    local sized, skips = {}, {}
    for i, project in ipairs(net.skips) do
      local height = heights[i]
      sized[height] = sized[height] or M.at_height(map, height)
      skips[i] = project(sized[height])
    end
    return { head = skips[#skips], skips = skips }
  end
  return self
end

return M
