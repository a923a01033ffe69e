--[[
inspect - what a file holds, as a table (flexlab data --json prints it) and as text.

  { format, doc, container, path, frames, height, width, channels = {names}, boundary,
    quantities = { { name, units, standard_name, long_name, label } }, times = { first, last, count },
    levels = "5 levels of one time",                               where frames are not counted along time alone
    variables = { { path, shape, axes, dtype, chunk, filters, mean, std, min, max, missing, infinite } },
    axes = { { channels = {paths}, told = "lat is row (axis = "Y"), ..." } }, what told each axis, where the file does
    left_out = { { variables = {paths}, why } }, notes = { sentences },
    published = { path, channels = { { name, mean, std } } },      where there is a stats.yaml
    trainable = { sentences }, warnings = { sentences } }
--]]
local cf = require "flexlab.data.cf"
local core = require "flexlab.core"
local fields = require "flexlab.data.fields"
local published = require "flexlab.data.published"
local quantities = require "flexlab.data.quantities"
local source = require "flexlab.data.source"
local layout = require "flexlab.data.layout"
local stretches = require "flexlab.data.stretches"
local tabulate = require "flexlab.tabulate"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"
local variation = require "flexlab.data.variation"

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
    .. "`flexlab data repack FROM TO` writes that"):format(v.path, table.concat(v.chunk, ","), unpacked / frame,
    table.concat(better, ","))
end

-- JSON has no NaN: a number that is none is left out.
local function finite(x) return x == x and math.abs(x) < math.huge and x or nil end

local function describe_variable(container, v, axes, o, warnings)
  local item = { path = v.path, shape = v.shape, dtype = v.dtype, chunk = v.chunk,
    filters = v.filters ~= "" and v.filters or nil, axes = axes and layout.words(axes) or v.axes }
  if axes then warnings[#warnings + 1] = slow(v, axes) end
  if v.unused then
    warnings[#warnings + 1] = ("'%s': %s is not used: numbers of its type (%s) cannot be what it says"):format(v.path,
      v.unused, v.dtype)
  end
  if v.dtype == "unreadable" then
    item.error = ("'%s' cannot be opened: it is damaged, or stored as only a later HDF5 than the %s in use here reads "
      .. "it; its writer can store it for that one (h5py: libver=\"v108\"; h5repack)"):format(v.path, core.info().hdf5)
    warnings[#warnings + 1] = item.error
  end
  if not v.number or o.statistics == false then return item end
  local s, message = container:statistics(v.path)
  if not s then
    item.error = message
    if not words.has(warnings, message) then warnings[#warnings + 1] = message end   -- opening may have said it
    return item
  end
  for _, key in ipairs { "mean", "std", "min", "max" } do item[key] = finite(s[key]) end
  if s.count > 0 then item.fault, item.fault_kind = variation.fault(("'%s'"):format(v.path), s) end
  item.missing, item.infinite = s.nan, s.infinite
  return item
end

-- The chosen ones of these variables.
local function chosen_of(reader, variables)
  local chosen, list = {}, {}
  for _, c in ipairs(reader.chosen) do chosen[c.part.path] = true end
  for _, v in ipairs(variables) do
    if chosen[v.path] or chosen[v.path:match("^%d+/(.*)$")] then list[#list + 1] = v end
  end
  return list
end

-- Chosen variables whose variation networks would not see (variation.lua): sentences, and whether training refuses it.
local function unseen(variables)
  local list, constant, lost = {}, 0, false
  for _, v in ipairs(variables) do
    list[#list + 1] = v.fault
    if v.fault_kind then constant = constant + 1 else lost = lost or v.fault ~= nil end
  end
  return list, lost or constant > 0 and constant == #variables
end

-- Chosen variables that are not complete: sentences.
local function incomplete(variables)
  local list = {}
  for _, v in ipairs(variables) do
    local bad = (v.missing or 0) + (v.infinite or 0)
    if bad > 0 then
      local all = 1
      for _, s in ipairs(v.shape) do all = all * s end
      list[#list + 1] = ("'%s': %d of %d elements are %s: training refuses it; fill the gaps, or choose "
        .. "channels that are complete (--channels, data.channels)"):format(v.path, bad, all,
        v.missing > 0 and v.infinite > 0 and "missing or infinite" or v.missing > 0 and "missing" or "infinite")
    end
  end
  return list
end

local function trainable(reader, found)
  local list, count = {}, found.stretch[reader.frames]
  if reader.height < 2 or reader.width < 2 then
    return { "fields of one dimension: the networks here want two" }
  end
  list[1] = ("super-resolution of %s on %d frame%s of %dx%d"):format(words.list(reader.names), reader.frames,
    reader.frames == 1 and "" or "s", reader.height, reader.width)
  if reader.frames >= 3 * count then
    list[2] = ("forecasting, %d run%s of %d frames"):format(count, count > 1 and "s" or "", reader.frames // count)
  end
  return list
end

-- How frames are counted where it is not along time alone: "2 samples of 3 times".
local function counted(size)
  local list = {}
  for _, kind in ipairs { { "n", "sample" }, { "z", "level" } } do
    local n = size[kind[1]]
    if n > 1 then list[#list + 1] = ("%d %ss"):format(n, kind[2]) end
  end
  if #list == 0 then return nil end
  return words.list(list) .. " of " .. (size.t == 1 and "one time" or size.t .. " times")
end

-- What told the axes of the chosen variables; variables that are told alike in one entry.
local function told_axes(reader)
  local list, by_sentence, seen = {}, {}, {}
  for _, c in ipairs(reader.chosen) do
    local told = c.part.told and not seen[c.part] and cf.told(c.part.told)
    seen[c.part] = true
    if told and not by_sentence[told] then
      by_sentence[told] = { channels = {}, told = told }
      list[#list + 1] = by_sentence[told]
    end
    if told then table.insert(by_sentence[told].channels, c.part.path) end
  end
  return list
end

-- Variables that are no channels by their reason. A format that gives none leaves out what it does not describe.
local function left_out(reader)
  local d, described, by_reason, list = reader.file.description, {}, {}, {}
  for _, c in ipairs(reader.chosen) do described[c.part.path] = true end
  for _, v in ipairs(reader.file.list) do
    local inside = d.groups and v.path:match("^%d+/(.*)$") or v.path
    local why = d.left_out and d.left_out[v.path]
    if not d.left_out and v.number and #v.shape > 1 then why = "not among the channels of this format" end
    if why and not described[inside] then
      if not by_reason[why] then
        by_reason[why] = { variables = {}, why = why }
        list[#list + 1] = by_reason[why]
      end
      table.insert(by_reason[why].variables, v.path)
    end
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
  report.channels, report.boundary, report.quantities = reader.names, reader.boundary, quantities.of(reader)
  local first = reader:time(1)
  if first then report.times = { first = first, last = reader:time(reader.frames), count = reader.counts.t } end
  local found = stretches.of(reader)
  report.levels, report.axes, report.left_out = counted(reader.counts), told_axes(reader), left_out(reader)
  report.notes[#report.notes + 1] = stretches.sentence(reader, found)
  report.notes[#report.notes + 1] = stretches.repeats(reader)
  if reader.falling then
    report.notes[#report.notes + 1] = "the file's times fall: its frames are read in ascending order"
  end
  if reader.wraps == "x" then
    report.notes[#report.notes + 1] = "its longitudes go around the globe: columns are periodic"
  end
  report.trainable = trainable(reader, found)
  if reader.file.format.name == "the_well" then add_published(report, reader) end
end

-- What speaks against training on the chosen variables, and that nothing could be trained where it is refused.
local function warn(report, variables)
  local sentences, refused = unseen(variables)
  for _, sentence in ipairs(incomplete(variables)) do
    table.insert(report.warnings, sentence)
    refused = true
  end
  table.move(sentences, 1, #sentences, #report.warnings + 1, report.warnings)
  if refused then report.trainable = {} end
end

--- The report of a file. Options: format, dataset, axes, channels, statistics (false: no numbers are read).
---@param path string  the file
---@param o table      format, dataset, axes, channels, statistics (false: no numbers are read)
---@return table  as the head says
function M.report(path, o)
  local file, message = source.inspect(path)
  if not file then error("data: " .. tostring(message), 0) end
  local ok, reader = pcall(fields.open, path, { format = o.format, dataset = o.dataset, axes = o.axes,
    channels = o.channels })
  if not ok and tostring(reader):gsub("^data: ", ""):find "^cannot open " then
    file.container:close()
    error(reader, 0)      -- not read, which says nothing about what it is
  end
  -- A file that is not understood is shown as it is; words of the user that do not fit it are an error.
  if not ok and (type(reader) ~= "string" or o.format or o.dataset or o.axes or o.channels) then error(reader, 0) end
  local report = { path = path, container = file.container.kind, format = ok and reader.file.format.name or "unknown",
    doc = ok and reader.file.format.doc or nil, variables = {}, trainable = {}, warnings = {}, axes = {},
    left_out = {}, notes = file.container:notes() }
  if ok then add_fields(report, reader) else report.warnings[1] = (reader:gsub("^data: ", "")) end
  local axes = described_axes(ok and reader)
  for i, v in ipairs(file.list) do
    report.variables[i] = describe_variable(file.container, v, axes[v.path], o, report.warnings)
  end
  if ok then warn(report, chosen_of(reader, report.variables)) end
  for _, v in ipairs(report.variables) do v.fault, v.fault_kind = nil, nil end
  file.container:close()
  if ok then reader:close() end
  return report
end

local function number(x) return x and ("%.6g"):format(x) or "" end

-- Names and attributes come from the file.
local say = terminal.say

--- Prints a report for people.
---@param r table  of M.report
function M.print(r)
  say(("%s: %s, %s%s"):format(r.path, r.container, r.format, r.doc and " (" .. r.doc .. ")" or ""))
  if r.frames then
    say(("%d frame%s of %dx%d%s, channels %s%s%s"):format(r.frames, r.frames == 1 and "" or "s", r.height, r.width,
      r.levels and " (" .. r.levels .. ")" or "", words.list(r.channels),
      r.boundary and ", boundaries " .. r.boundary or "",
      r.times and (", times %g to %g"):format(r.times.first, r.times.last) or ""))
  end
  local said = {}
  for _, q in ipairs(r.quantities or {}) do
    if q.label or q.units or q.long_name then said[#said + 1] = quantities.label(q) end
  end
  if #said > 0 then say("quantities: " .. words.list(said)) end
  for _, a in ipairs(r.axes) do say(("axes of %s: %s"):format(words.list(a.channels), a.told)) end
  local t = tabulate { "variable", "shape", "axes", "type", "chunk", "filters", "mean", "std", "min", "max", "missing" }
  for _, v in ipairs(r.variables) do
    t:row { v.path, table.concat(v.shape, ","), table.concat(v.axes, " "), v.dtype,
      v.chunk and table.concat(v.chunk, ",") or "", v.filters or "",
      number(v.mean), number(v.std), number(v.min), number(v.max), v.missing and tostring(v.missing) or "" }
  end
  t:print()
  for _, c in ipairs(r.published and r.published.channels or {}) do
    say(("published for %s: mean %s, std %s (%s)"):format(c.name, number(c.mean), number(c.std), r.published.path))
  end
  for _, l in ipairs(r.left_out) do say(("left out: %s: %s"):format(words.list(l.variables), l.why)) end
  for _, line in ipairs(r.notes) do say("note: " .. line) end
  for _, line in ipairs(r.trainable) do say("could be trained: " .. line) end
  for _, line in ipairs(r.warnings) do say("warning: " .. line) end
end

return M
