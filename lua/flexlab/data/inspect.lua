--[[
inspect - what a file holds, as a table (flexlab data --json prints it) and as text.

  { format, doc, container, path, frames, height, width, channels = {names}, boundary, times = {first, last, count},
    variables = { { path, shape, axes, dtype, chunk, filters, mean, std, min, max, nan, infinite } },
    published = { path, channels = { { name, mean, std } } },      where there is a stats.yaml
    trainable = { sentences }, warnings = { sentences } }
--]]
local fields = require "flexlab.data.fields"
local published = require "flexlab.data.published"
local source = require "flexlab.data.source"
local layout = require "flexlab.data.layout"
local tabulate = require "flexlab.table"
local text = require "flexlab.text"

local M = {}

-- The axes of each described variable, by path.
local function described_axes(reader)
  local axes = {}
  if not reader then return axes end
  local groups = reader.file.description.groups or { false }
  for _, group in ipairs(groups) do
    for _, part in ipairs(reader.parts) do axes[(group and group .. "/" or "") .. part.path] = part.axes end
  end
  return axes
end

-- A chunk is slow when a patch of one frame makes HDF5 unpack much more than the frame.
local function slow(v, axes)
  if not v.chunk then return end
  local frame, unpacked, better = 1, 1, {}
  for a = 1, #axes do
    local letter = axes:sub(a, a)
    local field = letter == "y" or letter == "x" or letter == "c"
    better[a] = field and v.shape[a] or 1
    frame = frame * better[a]
    unpacked = unpacked * (field and math.ceil(v.shape[a] / v.chunk[a]) * v.chunk[a] or v.chunk[a])
  end
  if unpacked <= 1.5 * frame then return end
  return ("'%s' has chunks (%s): one frame costs %.1f times its size to read; (%s) would be better, "
    .. "`flexlab data repack IN OUT` writes that"):format(v.path, table.concat(v.chunk, ","), unpacked / frame,
    table.concat(better, ","))
end

-- JSON has no NaN: a number that is none is left out.
local function finite(x) return x == x and math.abs(x) < math.huge and x or nil end

local function describe_variable(container, v, axes, o, warnings)
  local item = { path = v.path, shape = v.shape, dtype = v.dtype, chunk = v.chunk,
    filters = v.filters ~= "" and v.filters or nil, axes = axes and layout.words(axes) or v.axes }
  if axes then warnings[#warnings + 1] = slow(v, axes) end
  if not v.number or o.statistics == false then return item end
  local s, message = container:statistics(v.path)
  if not s then
    item.error = message
    warnings[#warnings + 1] = message
    return item
  end
  for _, key in ipairs { "mean", "std", "min", "max" } do item[key] = finite(s[key]) end
  item.nan, item.infinite = s.nan, s.infinite
  return item
end

-- How many runs in time the frames make up: one a sample and depth, and a new one where time goes back.
local function runs_of(reader)
  local runs = 0
  for j = 1, reader.frames do
    local now, before = reader:time(j), j > 1 and reader:time(j - 1)
    if j == 1 or reader:run(j) ~= reader:run(j - 1) or (now and before and now <= before) then runs = runs + 1 end
  end
  return runs
end

local function trainable(reader)
  local list = {}
  local runs = runs_of(reader)
  if reader.height < 2 or reader.width < 2 then
    return { "fields of one dimension: the networks here want two" }
  end
  list[1] = ("super-resolution of %s on %d frames of %dx%d"):format(text.list(reader.names), reader.frames,
    reader.height, reader.width)
  if reader.frames >= 3 * runs then
    list[2] = ("forecasting, %d run%s of %d frames"):format(runs, runs > 1 and "s" or "", reader.frames // runs)
  end
  return list
end

-- What the makers of a set say of the channels, where they do.
local function add_published(report, reader)
  local found, message = published.of(reader.path)
  report.warnings[#report.warnings + 1] = message
  if not found then return end
  report.published = { path = found.path, channels = {} }
  for _, name in ipairs(reader.names) do
    table.insert(report.published.channels, { name = name, mean = found.mean[name], std = found.std[name] })
  end
end

local function add_fields(report, reader)
  report.frames, report.height, report.width = reader.frames, reader.height, reader.width
  report.channels, report.boundary = reader.names, reader.boundary
  local first = reader:time(1)
  if first then report.times = { first = first, last = reader:time(reader.frames), count = reader.size.t } end
  report.trainable = trainable(reader)
  if reader.file.format.name == "the_well" then add_published(report, reader) end
end

--- The report of a file. Options: format, dataset, statistics (false: no numbers are read).
function M.report(path, o)
  local file, message = source.inspect(path)
  if not file then error("data: " .. tostring(message), 0) end
  local ok, reader = pcall(fields.open, path, { format = o.format, dataset = o.dataset })
  if not ok and type(reader) ~= "string" then error(reader, 0) end
  local report = { path = path, container = file.container.kind, format = ok and reader.file.format.name or "unknown",
    doc = ok and reader.file.format.doc or nil, variables = {}, trainable = {}, warnings = {} }
  if ok then add_fields(report, reader) else report.warnings[1] = (reader:gsub("^data: ", "")) end
  local axes = described_axes(ok and reader)
  for i, v in ipairs(file.list) do
    report.variables[i] = describe_variable(file.container, v, axes[v.path], o, report.warnings)
  end
  file.container:close()
  if ok then reader:close() end
  return report
end

local function number(x) return x and ("%.6g"):format(x) or "" end

--- Prints a report for people.
function M.print(r)
  print(("%s: %s, %s%s"):format(r.path, r.container, r.format, r.doc and " (" .. r.doc .. ")" or ""))
  if r.frames then
    print(("%d frames of %dx%d, channels %s%s%s"):format(r.frames, r.height, r.width, text.list(r.channels),
      r.boundary and ", boundaries " .. r.boundary or "",
      r.times and (", times %g to %g"):format(r.times.first, r.times.last) or ""))
  end
  local t = tabulate { "variable", "shape", "axes", "type", "chunk", "filters", "mean", "std", "min", "max", "NaN" }
  for _, v in ipairs(r.variables) do
    t:row { v.path, table.concat(v.shape, ","), table.concat(v.axes, " "), v.dtype,
      v.chunk and table.concat(v.chunk, ",") or "", v.filters or "",
      number(v.mean), number(v.std), number(v.min), number(v.max), v.nan and tostring(v.nan) or "" }
  end
  t:print()
  for _, c in ipairs(r.published and r.published.channels or {}) do
    print(("published for %s: mean %s, std %s (%s)"):format(c.name, number(c.mean), number(c.std), r.published.path))
  end
  for _, line in ipairs(r.trainable) do print("could be trained: " .. line) end
  for _, line in ipairs(r.warnings) do print("warning: " .. line) end
end

return M
