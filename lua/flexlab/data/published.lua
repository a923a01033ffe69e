--[[
published - mean and standard deviation that the makers of a set wrote beside its files: The Well's stats.yaml.

The file lies in the folder of the set, whose files are in data/train, data/valid and data/test below it [The
Well's page on its data sets]. It holds, under mean, std and others, one number for a scalar field and lists for
vectors and tensors; of the language that it is written in this reads just that:
  mean:
    pressure: -5.2e-05
    velocity:
    - 0.998
    - -2.0e-08
    strain:
    - - 1.0
      - 2.0
--]]
local core = require "flexlab.core"

local M = {}

--- The numbers of a text: { mean = { pressure = {numbers}, velocity = {...} }, std = ... }; nil and the number of
--- the first line that is not understood.
---@param text string  of stats.yaml
---@return table|nil
---@return integer|nil
function M.parse(text)
  local all, section, list, number = {}, nil, nil, 0
  for line in (text .. "\n"):gmatch("(.-)\r?\n") do
    number = number + 1
    local top, name, value = line:match("^([%w_]+):%s*$"), line:match("^  ([%w_]+):%s*(.*)$")
    local entry = line:match("^  [%- ]*%- (%S+)%s*$")
    if top then
      section, list = {}, nil
      all[top] = section
    elseif name and section then
      list = tonumber(value) and { tonumber(value) } or value == "" and {} or nil
      section[name] = list
      if not list then return nil, number end
    elseif entry and list and tonumber(entry) then
      list[#list + 1] = tonumber(entry)
    elseif not line:match("^%s*#?$") then
      return nil, number
    end
  end
  return all
end

-- The numbers by the names of channels: velocity.1, velocity.2.
local function by_channel(section)
  local all = {}
  for name, list in pairs(section or {}) do
    for c, v in ipairs(list) do all[#list == 1 and name or name .. "." .. c] = v end
  end
  return all
end

--- { path =, mean = {by channel name}, std = {} } for the file at `path`; nil where nothing is published, nil
--- and a sentence where it cannot be understood.
---@param path string  of a file of fields
---@return table|nil
---@return string|nil
function M.of(path)
  local folder = path:match("^(.*)/[^/]*$") or "."
  for _, up in ipairs { "", "/..", "/../.." } do
    local beside = folder .. up .. "/stats.yaml"
    if core.sys.exists(beside) == "file" then
      local all, line = M.parse(core.sys.read(beside))
      if not all then return nil, ("'%s' is not understood at line %d"):format(beside, line) end
      return { path = beside, mean = by_channel(all.mean), std = by_channel(all.std) }
    end
  end
end

return M
