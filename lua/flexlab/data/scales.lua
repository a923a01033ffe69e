--[[
scales - mean and standard deviation of each channel: fitted on training frames, given, or those that the makers of
the set published with it; and what is done with them.

A scale is { mean = {by channel}, std = {} }. Frames are read one at a time and merged into running sums, so
that a set may exceed memory and is read once. [Chan, Golub & LeVeque 1983: merging of means and squares]
--]]
local core = require "flexlab.core"
local expected = require "flexlab.expected"
local published = require "flexlab.data.published"
local words = require "flexlab.words"
local variation = require "flexlab.data.variation"

local M = {}

-- Blames the line that called the function that asks.
local function check(what, t, scale)
  expected.tensor(what, "field", t, 4, 3)
  expected.entries(what, "scale", scale, { "mean", "std" }, 3)
end

--- t (N,H,W,C) in the units of training.
---@param t flexlab.Tensor  (N,H,W,C) in physical units
---@param scale table       { mean =, std = } by channel
---@return flexlab.Tensor
function M.normalise(t, scale)
  check("data.normalise", t, scale)
  return (t - core.tensor(scale.mean)) / core.tensor(scale.std)
end

--- Back to physical units; `residual` leaves the mean out.
---@param t flexlab.Tensor      (N,H,W,C) in the units of training
---@param scale table           { mean =, std = } by channel
---@param residual boolean|nil  t is a difference of two fields
---@return flexlab.Tensor
function M.physical(t, scale, residual)
  check("data.physical", t, scale)
  local scaled = t * core.tensor(scale.std)
  return residual and scaled or scaled + core.tensor(scale.mean)
end

-- Mean and variance of each channel of a frame (H,W,C).
local function moments(frame)
  local wide = frame:to("f64")
  local mean = wide:mean { 1, 2 }
  return mean:totable(), (wide - mean):square():mean({ 1, 2 }):totable()
end

-- Merges a frame's moments into those of the frames before it. Frames count alike, whatever their sizes, as
-- they do when patches are drawn.
local function merge(all, mean, variance)
  local before, total = all.frames, all.frames + 1
  for c = 1, #mean do
    local gap = mean[c] - (all.mean[c] or 0)
    all.squares[c] = (all.squares[c] or 0) + variance[c] + gap * gap * before / total
    all.mean[c] = (all.mean[c] or 0) + gap / total
  end
  all.frames = total
end

--- Mean and standard deviation of these entries of a source (frames.lua), of at most `most`
--- of them, evenly spaced (0: all). A channel that does not vary has the standard deviation 1. Third: whether each
--- varies.
---@param source table      of frames.lua
---@param entries table[]   of Frames:list
---@param most integer|nil  0: all
---@return number[]  mean by channel
---@return number[]  standard deviation by channel
---@return boolean[]  by channel
function M.fit(source, entries, most)
  most = (not most or most == 0) and #entries or most
  local all, count = { frames = 0, mean = {}, squares = {} }, math.min(#entries, most)
  for i = 1, count do
    local scope <close> = core.scope()
    local e = entries[(i - 1) * #entries // count + 1]
    merge(all, moments(source:patch(e, 1, 1, source:height(e), source:width(e))))
    scope:close()
  end
  local std, varies = {}, {}
  for c, squares in ipairs(all.squares) do
    varies[c] = squares > 0
    std[c] = varies[c] and math.sqrt(squares / all.frames) or 1
  end
  return all.mean, std, varies
end

-- What is published of each channel beside a file: a list, and where it is.
local function beside(path, names, channels, name)
  local found, message = published.of(path)
  if not found then
    error(("data: %s is 'published', and %s; leave it out to have it fitted"):format(name, message
      or ("there is no stats.yaml in the folder of '%s' or the two above"):format(path)), 0)
  end
  local list = {}
  for c = 1, channels do
    list[c] = found[name][names[c]]
    if not list[c] then
      error(("data: '%s' has %s"):format(found.path, words.unknown(names[c] or "channel " .. c,
        words.keys(found[name]), name .. " of")), 0)
    end
    if name == "std" and list[c] == 0 then list[c] = 1 end   -- as of a fitted one that does not vary
  end
  return list, found.path
end

-- The same for a source, whose files must agree.
local function published_of(cfg, source, name)
  if cfg.observable then
    error(("data: %s is 'published', which is of the variables of the files, not of observable '%s'"):format(name,
      cfg.observable), 0)
  end
  local first, at
  for _, file in ipairs(source.files) do
    local list, path = beside(file.path, source.names, source.channels, name)
    for c, value in ipairs(first or {}) do
      if list[c] ~= value then
        error(("data: '%s' and '%s' publish different %s of '%s': files of one set must agree"):format(at, path, name,
          source.names[c]), 0)
      end
    end
    first, at = first or list, at or path
  end
  return first, at
end

local function per_channel(v, channels, name)
  if type(v) == "number" then
    local list = {}
    for c = 1, channels do list[c] = v end
    return list
  elseif type(v) == "table" and #v == channels then
    return v
  end
  error(("data: %s must be a number or %d of them, one per channel, or 'published'"):format(name, channels), 0)
end

--- The scale that settings name (mean, std), or that of these entries (fit: how many of them); and the path of the
--- file that a published one is from.
---@param cfg table        settings of data: mean, std, fit
---@param source table     of frames.lua
---@param entries table[]  of Frames:list
---@return table  { mean =, std = }
---@return string|nil
function M.of(cfg, source, entries)
  local mean, std, path
  local varies = {}
  local function given(name)
    if cfg[name] ~= "published" then return per_channel(cfg[name], source.channels, name) end
    local list
    list, path = published_of(cfg, source, name)
    return list
  end
  if cfg.mean == false or cfg.std == false then
    mean, std, varies = M.fit(source, entries, cfg.fit)
  end
  if cfg.mean ~= false then mean = given "mean" end
  if cfg.std ~= false then std = given "std" end
  variation.judge(source, mean, std, cfg.std == false and varies or {})
  return { mean = mean, std = std }, path
end

return M
