--[[
constant - test samples that hold one number everywhere, such as a tile without rain.

Scores that divide by what the truth holds have no meaning there: the RFNE where all is zero, and PSNR, Pearson's r,
the kurtosis and the power in a band where nothing varies. One such tile would make a mean infinite. They are NaN for
that sample and left out of the mean, of every method alike, since the truth alone decides; the others (RMSE, MAE, CRPS)
count all samples. How many were left out, and which, is a note.
--]]
local words = require "flexlab.words"

local M = {}

-- What the truth must not be for a score: "zero", or any "constant" number.
local undefined = { rfne = "zero", psnr = "constant", pearson = "constant", kurtosis_error = "constant",
  spectral_low = "constant", spectral_middle = "constant", spectral_high = "constant" }

--- Of each sample of a truth (N,H,W,C): "zero", "constant" or false.
---@param truth flexlab.Tensor  (N,H,W,C)
---@return table
function M.kinds(truth)
  local kinds = {}
  for i = 1, truth.shape[1] do
    local s = truth:narrow({ axis = 1, start = i, length = 1 }):summary()
    kinds[i] = s.min == s.max and s.nonfinite == 0 and (s.min == 0 and "zero" or "constant")
  end
  return kinds
end

--- Whether a score has no meaning for a sample of that kind.
---@param name string              of a score
---@param kind string|boolean|nil  of M.kinds
---@return boolean
function M.undefined(name, kind)
  local not_for = kind and undefined[name]
  return not_for == "constant" or (not_for == "zero" and kind == "zero")
end

--- The mean of the values of a score over the samples where it has a meaning; NaN where it has none anywhere.
---@param name string      of a score
---@param values number[]  by sample
---@param kinds table      of M.kinds
---@return number
function M.mean(name, values, kinds)
  local sum, n = 0, 0
  for i, v in ipairs(values) do
    if not M.undefined(name, kinds[i]) then sum, n = sum + v, n + 1 end
  end
  return sum / n
end

-- "sample 3", "samples 1, 4 and 6"; many are cut.
local function listed(ids)
  local shown = table.move(ids, 1, math.min(#ids, 8), 1, {})
  if #ids > 8 then shown[9] = "others" end
  return (#ids == 1 and "sample " or "samples ") .. words.list(shown)
end

--- What to say of the kinds of all samples, whose ids are given, or nil; `channel` is the name of one of several.
---@param kinds table         of M.kinds, of all samples
---@param ids any[]           of all samples
---@param channel string|nil  name of one of several channels
---@return string|nil
function M.sentence(kinds, ids, channel)
  local zero, constant = {}, {}
  for i, id in ipairs(ids) do
    if kinds[i] == "zero" then zero[#zero + 1] = id elseif kinds[i] then constant[#constant + 1] = id end
  end
  if #zero + #constant == 0 then return nil end
  local parts = {}
  if #zero > 0 then parts[1] = ("%s, all zero, from RFNE"):format(listed(zero)) end
  local all = table.move(constant, 1, #constant, #zero + 1, table.move(zero, 1, #zero, 1, {}))
  parts[#parts + 1] = ("%s, the same everywhere, from PSNR, r, kurtosis and spectral errors"):format(listed(all))
  return ("%d of %d test samples%s hold one number everywhere and are left out of means of scores "
    .. "that divide by what they hold, for every method: %s"):format(#all, #ids,
    channel and " of " .. channel or "", table.concat(parts, "; "))
end

return M
