--[[
samples - the small simulations that the recipes name. They are made on first use, so that a recipe
runs as typed; anything else a recipe names must be there.
--]]
local config = require "flexlab.config"
local context = require "flexlab.context"
local core = require "flexlab.core"
local expected = require "flexlab.expected"
local generate = require "flexlab.flow.generate"
local terminal = require "flexlab.terminal"

local M = {}

--- Pattern that a recipe names -> what flexlab.flow.generate makes for it. The test set has a seed and
--- Reynolds numbers that training has not seen.
M.known = {
  ["data/turbulence/train_re*.h5"] = { out = "data/turbulence/train.h5", re = { 500, 1000, 2000, 4000 },
    seed = 1, size = 256, frames = 16 },
  ["data/turbulence/test_re*.h5"] = { out = "data/turbulence/test.h5", re = { 700, 3000 }, seed = 2,
    size = 256, frames = 8 },
  -- long enough for rollouts of 20 steps behind two frames
  ["data/turbulence/film_re*.h5"] = { out = "data/turbulence/film.h5", re = { 700, 3000 }, seed = 3,
    size = 256, frames = 22 },
}

local function complete(sample)
  for _, re in ipairs(sample.re) do
    if not core.sys.exists(generate.path(sample.out, re, #sample.re)) then return false end
  end
  return true
end

--- Makes what is missing among cfg.file and cfg.test; returns cfg.
---@param cfg table  settings of data: file, test
---@return table
function M.ensure(cfg)
  expected.table("data.ensure", "settings", cfg, 2)
  local plain = config.plain(cfg)
  for _, name in ipairs { "file", "test" } do
    local sample = type(plain[name]) == "string" and M.known[plain[name]]
    if sample and not complete(sample) then
      local run = context.run()
      if run then run:before_simulating() end
      if not (run and run.rehearsal) then
        terminal.warn(("simulating turbulence for %s (once)"):format(plain[name]))
      end
      generate.make("turbulence", sample)
    end
  end
  return cfg
end

return M
