--[[
data - the contracts of the data: degradations, observables, symmetries, formats (see trial.lua).
--]]
local config = require "flexlab.config"
local core = require "flexlab.core"
local geometry = require "flexlab.data.geometry"
local settings = require "flexlab.settings"
local trial = require "flexlab.trial"

local named = trial.named

local M = {}

local FACTOR = 4

local function fields(t)
  local h, w, c = t:size(16, 24, 2)
  return t:normal({ 2, h, w, c }, 1), h, w, c
end

--- A degradation: low is coarser by the factor, up has the fine shape, low(lift(low)) is low.
---@param t table       the trial (trial.lua)
---@param choice table  that is tried
---@param cfg table     its settings
function M.degradations(t, choice, cfg)
  local field, h, w, c = fields(t)
  local coarse = { 2, h // FACTOR, w // FACTOR, c }
  local given = config.plain(settings.of("superres").defaults)
  for k, v in pairs(cfg) do given[k] = v end
  given.factor = FACTOR
  trial.guarded(given)
  local function keys(i) return { seed = 1, stream = "data", sample = i } end
  local low = t:call("low", choice.low, field, FACTOR, given, keys)
  if core.is_tensor(low) and table.concat(low.shape, ",") == table.concat(field.shape, ",") then
    t:refuse(choice.low, ("low() does not reduce: of %s and the factor %d it returned %s"):format(named(field), FACTOR,
      named(low)), ("a tensor (%s)"):format(table.concat(coarse, ",")))
  end
  t:tensor(choice.low, ("low() of %s and the factor %d"):format(named(field), FACTOR), low, coarse)
  t:tensor(choice.low, "low() without settings and keys", t:call("low", choice.low, field, FACTOR), coarse)
  t:kept "low(): a tensor (N,H/f,W/f,C)"
  t:tensor(choice.up, ("up() of %s"):format(named(low)), t:call("up", choice.up, low, h, w, given), { 2, h, w, c })
  t:kept "up(): a tensor (N,H,W,C)"
  local misplaced, wanted = geometry.fault(choice, given, h, w, c)
  if wanted then t:refuse(choice.low, misplaced, wanted) end
  t:kept(misplaced or "cells: samples lie where it says")
  if not choice.lift then return end
  local lifted = t:tensor(choice.lift, "lift()", t:call("lift", choice.lift, low, FACTOR), { 2, h, w, c })
  local off = (choice.low(lifted, FACTOR) - low):abs():summary().max
  if off > 1e-3 then
    t:refuse(choice.lift, ("low(lift(low)) differs from low by %.3g"):format(off), "the low field itself")
  end
  t:kept "lift(): low(lift(low)) = low"
end

--- An observable: a frame of the same height and width. It may ask for a number of channels: the first that will do.
---@param t table       the trial (trial.lua)
---@param choice table  that is tried
function M.observables(t, choice)
  local h, w, own = t:size(32, 32)
  local could, made, channels, first
  for c = own or 1, own or 4 do
    local frame = t:normal({ 1, h, w, c }, 1)
    could, made = pcall(t.call, t, "of", choice.of, frame - frame:mean():item())   -- vorticity has no mean
    channels, first = c, first or made
    if could then break end
  end
  if not could then
    if t.strict then error(first, 0) end
    return
  end
  local count = core.is_tensor(made) and made.shape[4] or channels
  t:tensor(choice.of, ("of() a frame (1,%d,%d,%d)"):format(h, w, channels), made, { 1, h, w, count })
  if choice.names and #choice.names ~= count then
    t:refuse(choice.of, ("of() returned %d channels for %d names"):format(count, #choice.names), "a name a channel")
  end
  t:kept "of(): a frame (1,H,W,C') of the same height and width"
end

local function is_element(e)
  return math.type(e.turns) == "integer" and e.turns >= 0 and e.turns <= 3 and type(e.mirror) == "boolean"
end

--- A symmetry: shift, or draw, which leaves a quarter turn and a mirror image, half turns where patches are not square.
---@param t table       the trial (trial.lua)
---@param choice table  that is tried
---@return nil
function M.symmetries(t, choice)
  if not choice.draw then
    if not choice.shift then t:refuse(nil, "it has neither draw() nor shift = true", "one of them") end
    return t:kept "shift = true"
  end
  for _, number in ipairs { 0, 0.3, 0.6, 0.999 } do
    for _, square in ipairs { true, false } do
      local element = { turns = 0, mirror = false }
      t:call("draw", choice.draw, element, number, square)
      local text = ("draw(element, %g, %s) left turns = %s, mirror = %s"):format(number, tostring(square),
        tostring(element.turns), tostring(element.mirror))
      if not is_element(element) then
        t:refuse(choice.draw, text, "turns in 0..3, mirror true or false")
      elseif not square and element.turns % 2 == 1 then
        t:refuse(choice.draw, text, "half turns of patches that are not square")
      end
    end
  end
  t:kept "draw(): quarter turns and mirror images, half turns where patches are not square"
end

--- A format: a file that holds nothing must not be recognised, and must not be an error, for each is asked of every
--- file.
---@param t table       the trial (trial.lua)
---@param choice table  that is tried
function M.formats(t, choice)
  local source = { path = "empty.h5", variables = {}, list = {}, container = { kind = "hdf5" } }
  function source.container.attributes() return {} end
  function source.numbers() end
  function source.largest() end
  function source.attributes() return {} end
  function source.names() return "no datasets at all" end
  local could, answer = t:attempt("recognise", choice.recognise, source)
  if could and answer then
    t:refuse(choice.recognise, ("recognise() said %s of a file that holds nothing"):format(tostring(answer)), "false")
  end
  if could then t:kept "recognise(): not a file that holds nothing" end
end

return M
