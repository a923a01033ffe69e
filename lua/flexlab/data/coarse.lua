--[[
coarse - the coarse fields themselves (data.low, data.test_low), frame by frame as the fine ones: files, or the
name of a dataset in the same files (SuperBench's LR_fields beside its fields).
--]]
local quantities = require "flexlab.data.quantities"

local M = {}

local function check(cfg, low, fine, name)
  local noted = false
  for i, file in ipairs(fine.files) do
    local other = low.files[i]
    if #low.files ~= #fine.files or other.frames ~= file.frames or low.channels ~= fine.channels
      or other.height * cfg.factor ~= file.height or other.width * cfg.factor ~= file.width then
      error(("data.superres: %s must hold what '%s' does, %d times coarser: %d frames of %dx%dx%d%s"):format(
        name, file.path, cfg.factor, file.frames, file.height // cfg.factor, file.width // cfg.factor,
        fine.channels, other and ("; '%s' has %d of %dx%dx%d"):format(other.path, other.frames, other.height,
        other.width, low.channels) or ""), 0)
    end
    noted = quantities.judge({ file.quantities, file.path }, { other.quantities, other.path }, cfg, noted) or noted
  end
end

-- Whether `low` is a variable of the fine files, and so no file.
local function is_inside(low, fine)
  if type(low) ~= "string" then return false end
  for _, file in ipairs(fine.files) do
    if not file.reader.file.variables[low] then return false end
  end
  return true
end

--- The coarse sources of a set: { train =, test = }, empty when the fields are made coarse here. `open` opens
--- files, and in them a dataset or what they are recognised as; `opened` are the fine sources.
---@param cfg table      settings of data: file, test, low, test_low, factor
---@param opened table   { train =, test = }
---@param open function  (files, dataset or false) -> source
---@return table
function M.open(cfg, opened, open)
  if cfg.test_low and not cfg.low then
    error("data.superres: test_low is given for the tests, so low must be given too", 0)
  elseif not cfg.low then
    return {}
  end
  local inside = is_inside(cfg.low, opened.train) and cfg.low
  if cfg.test and not (cfg.test_low or inside) then
    error("data.superres: low is given for training, so test_low must be given too", 0)
  end
  local low = { train = open(inside and cfg.file or cfg.low, inside) }
  check(cfg, low.train, opened.train, "low")
  low.test = low.train
  if cfg.test then
    local test_inside = not cfg.test_low and inside
      or is_inside(cfg.test_low, opened.test) and cfg.test_low
    low.test = open(test_inside and cfg.test or cfg.test_low, test_inside)
    check(cfg, low.test, opened.test, "test_low")
  end
  return low
end

return M
