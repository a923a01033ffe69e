--[[
data - what a file of fields holds, and what could be trained on it; `data repack` rewrites it.
--]]
local arguments = require "flexlab.commands.arguments"
local inspect = require "flexlab.data.inspect"
local repack = require "flexlab.data.repack"
local variables = require "flexlab.commands.variables"
local terminal = require "flexlab.terminal"

-- Every table of a report that is empty is a list.
local function with_lists(t)
  if next(t) == nil then return setmetatable(t, { __list = true }) end
  for _, value in pairs(t) do
    if type(value) == "table" then with_lists(value) end
  end
  return t
end

local function show(values)
  local o = variables.of(values)
  o.statistics = not values.quick
  local report = inspect.report(values.file, o)
  if values.json then
    terminal.json(with_lists(report))
  else
    inspect.print(report)
  end
  for _, warning in ipairs(report.warnings) do
    if warning:find "^cannot open " then return 1 end   -- not recognised, because it was not read
  end
  for _, variable in ipairs(report.variables) do
    if variable.error then return 1 end
  end
end

return {
  name = "data",
  writes = true,
  doc = "describe a file of fields (data FILE), or rewrite it (data repack FROM TO)",
  arguments = { { name = "file", takes = { "file" }, words = { "repack" },
    doc = "file to describe: HDF5, netCDF, .npy or .npz; or the word repack" },
    { name = "from", optional = true, takes = { "file" }, doc = "with repack: file to read" },
    { name = "to", optional = true, takes = { "file" }, doc = "with repack: HDF5 file to write" } },
  options = variables.with {
    { name = "json", doc = "print JSON" },
    { name = "quick", doc = "skip statistics and missing elements, for which all numbers are read" },
    { name = "deflate", value = "N", kind = "integer", least = 0, most = 9, default = 0,
      doc = "with repack: gzip level; 0: no compression" },
    { name = "chunk", value = "N", kind = "integer", least = 0, default = 0,
      doc = "with repack: side of the chunks in pixels; 0: a whole frame" },
  },
  notes = "repack writes w (frames, channels, height, width), one chunk a frame and channels together, with the"
    .. " times;\n"
    .. "a variable whose numbers cannot be read is named, and makes the exit code 1",
  run = function(values)
    if values.file == "repack" then
      if not values.to then arguments.wrong("data repack: IN and OUT are needed") end
      local o = variables.of(values)
      o.deflate, o.chunk = values.deflate, values.chunk
      terminal.say(repack(values.from, values.to, o))
      return
    end
    if values.from then arguments.wrong("data: one file at a time; '%s' is too much", values.from) end
    return show(values)
  end,
}
