--[[
symmetry - motions of the plane that turn one solution of the equations into another, as they act on fields.

An element is { turns = 0 .. 3, mirror = false }: first the reflection x -> -x, then quarter turns (x, y) ->
(-y, x). A pixel goes where the motion takes it, and what a channel holds changes with it (`data.kinds`):
  scalar     stays: pressure, density, a tracer
  vorticity  dv/dx - du/dy: a reflection changes its sign, a turn does not
  x, y       components along columns and along rows: they turn into each other
Vorticity with the wrong sign, or a velocity that stays when its field is turned, is a flow that solves no
equation. Which elements are drawn is said by symmetries/*.lua; a shift is no element here but a corner anywhere
on the torus (draws.lua).
--]]
local choices = require "flexlab.choices"
local core = require "flexlab.core"
local settings = require "flexlab.settings"

local M = {}

M.kinds = settings.of("data").entry.kinds.words

-- Names whose meaning does not depend on who wrote the file. u and v are none of them: with some, u is a
-- concentration, and with some the first component runs along rows.
local known = { w = "vorticity", vorticity = "vorticity", p = "scalar", pressure = "scalar", density = "scalar",
  temperature = "scalar", tracer = "scalar" }

-- Those of our own simulations and of observables, where u runs along columns and v along rows.
local own = { u = "x", v = "y" }

-- What each channel of a source (frames.lua) is: the words of cfg.kinds, else what the names say; raises for
-- unknown ones.
local function kinds_of(cfg, source)
  local kinds = {}
  if cfg.kinds and #cfg.kinds ~= source.channels then
    error(("data: kinds must be one word per channel (%d), of: %s"):format(source.channels,
      table.concat(M.kinds, ", ")), 0)
  end
  for c = 1, source.channels do
    local name = source.names[c]
    kinds[c] = cfg.kinds and cfg.kinds[c] or known[name] or source.simulated and own[name]
    if not kinds[c] then
      error(("data: to turn or reflect channel '%s' one must know what it is: kinds = { one word per channel, of %s }")
        :format(tostring(name), table.concat(M.kinds, ", ")), 0)
    end
  end
  return kinds
end

-- The channel that holds the other component of the vector that channel c is a component of: the nth x
-- belongs to the nth y.
local function partner(kinds, c)
  local n, other = 0, kinds[c] == "x" and "y" or "x"
  for i = 1, c do n = n + (kinds[i] == kinds[c] and 1 or 0) end
  for i, kind in ipairs(kinds) do
    n = n - (kind == other and 1 or 0)
    if n == 0 and kind == other then return i end
  end
  error(("data: channel %d is a component '%s' without its '%s': a vector cannot be turned by halves"):format(c,
    kinds[c], other), 0)
end

-- Raises unless every component has its partner.
local function check_vectors(kinds)
  for c, kind in ipairs(kinds) do
    if kind == "x" or kind == "y" then partner(kinds, c) end
  end
end

-- Where each channel comes from, and with which sign: lists. A vector (u, v) is reflected to (-u, v) and
-- turned by a quarter to (-v, u).
local function mixing(kinds, element)
  local from, sign = {}, {}
  for c, kind in ipairs(kinds) do
    from[c], sign[c] = c, 1
    if kind == "vorticity" then
      sign[c] = element.mirror and -1 or 1
    elseif kind == "x" or kind == "y" then
      local turned = element.turns % 2 == 1
      from[c] = turned and partner(kinds, c) or c
      local reflected = element.mirror == true and kinds[from[c]] == "x"
      local back = element.turns == 2 or element.turns == (kind == "x" and 1 or 3)
      sign[c] = (reflected ~= back) and -1 or 1
    end
  end
  return from, sign
end

local function mixed(t, kinds, element)
  local from, sign = mixing(kinds, element)
  local whole, moved, signed
  for c = 1, #kinds do moved, signed = moved or from[c] ~= c, signed or sign[c] < 0 end
  if moved then
    for c = 1, #kinds do
      local channel = t:narrow { axis = 3, start = from[c], length = 1 }
      whole = whole and whole:concat(channel, { axis = 3 }) or channel
    end
  end
  whole = whole or t
  return signed and whole * core.tensor(sign, { dtype = whole.dtype }) or whole
end

--- The patch t (h,w,C) moved by an element; h = w where it turns by a quarter.
---@param t flexlab.Tensor  (h,w,C)
---@param kinds string[]    by channel
---@param element table     { turns = 0..3, mirror = }
---@return flexlab.Tensor
function M.apply(t, kinds, element)
  if element.mirror then t = t:flip { axis = 2 } end
  if element.turns % 2 == 1 then
    t = t:permute({ 2, 1, 3 }):flip { axis = element.turns == 1 and 2 or 1 }
  elseif element.turns == 2 then
    t = t:flip({ axis = 1 }):flip { axis = 2 }
  end
  return mixed(t, kinds, element)
end

--- Whether an element reverses the rows, and the columns, of the patch it is given.
---@param element table  { turns = 0..3, mirror = }
---@return boolean  rows
---@return boolean  columns
function M.reversed(element)
  local rows, columns = element.turns == 1 or element.turns == 2, element.turns == 2 or element.turns == 3
  if element.mirror then columns = not columns end
  return rows, columns
end

-- The words of cfg.augment: true is all there are.
local function words_of(augment)
  if not augment then return {} end
  if augment == true then return choices.registry "symmetries"() end
  return type(augment) == "table" and augment or { augment }
end

--- The symmetries that settings name, checked against a source: { draw(step, sample), shift, kinds }, or
--- nil for none.
---@param cfg table       settings of data: augment, kinds
---@param source table    of frames.lua
---@param square boolean  whether patches are as high as wide, so that quarter turns are possible
---@return table|nil
function M.of(cfg, source, square)
  local words, list, self = words_of(cfg.augment), {}, { shift = false }
  for i, word in ipairs(words) do
    list[i] = choices.get("symmetries", word)
    for _, file in ipairs(source.files) do
      local reason = list[i].broken and list[i].broken(file)
      if reason then
        error(("data: augment: '%s' is no symmetry of '%s': %s"):format(word, file.path, reason), 0)
      end
    end
    self.shift = self.shift or list[i].shift or false
    self.moves = self.moves or list[i].draw ~= nil
  end
  if #list == 0 then return nil end
  if self.moves then
    self.kinds = kinds_of(cfg, source)
    check_vectors(self.kinds)
  end
  --- The element of a sample from numbers in [0, 1), one per word of the list.
  function self.element(numbers)
    local element = { turns = 0, mirror = false }
    for i, symmetry in ipairs(list) do
      if symmetry.draw then symmetry.draw(element, numbers[i], square) end
    end
    return element
  end
  self.count = #list
  return self
end

return M
