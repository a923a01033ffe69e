--[[
report - what a run did, as one self-contained report.html in its folder.

  local path = flex.report(run, {
    { title = "Result", text = "...", table = t },
    { title = "A test field", picture = p, alt = "what a reader who cannot see it should know", note = "..." },
    { title = "Spectra", charts = { drawing, ... } },
  })

`run` is the run of a recipe's body or the path of a run's folder. Below the parts come the
training loss, the configuration, the recipe and the provenance, read from the folder. Without
parts the result and the pictures found in the folder are shown. flex.report.compare (evaluation/compare.lua)
makes the parts for a sampler and the methods it must beat.
--]]

local core = require "flexlab.core"
local foreign = require "flexlab.store.foreign"
local html = require "flexlab.html"
local keep = require "flexlab.checkpoint.keep"
local latest = require "flexlab.store.latest"
local notes = require "flexlab.context.notes"
local origin_provenance = require "flexlab.origin.provenance"
local own = require "flexlab.store.own"
local plain = require "flexlab.plain"
local plot = require "flexlab.plot"
local seams = require "flexlab.diffusion.seams"
local tabulate = require "flexlab.tabulate"
local words = require "flexlab.words"

local M = { compare = require "flexlab.evaluation.compare" }

local KEYS = { title = true, text = true, table = true, charts = true, picture = true, note = true,
  alt = true }

local function checked(part)
  for key in pairs(part) do
    if not KEYS[key] then error("report: a part has " .. words.unknown(key, words.keys(KEYS)), 0) end
  end
  return part
end

local function section_of(part)
  local pieces = {}
  local function add(piece) pieces[#pieces + 1] = piece end
  if part.text then add("<p>" .. html.escape(part.text) .. "</p>") end
  if part.table then add('<div class="scroll">' .. part.table:html() .. "</div>") end
  if part.picture then add(html.image(part.picture:png(), part.alt or part.title or "picture")) end
  if part.charts then add(html.charts(part.charts)) end
  if part.note then add('<p class="note">' .. html.escape(part.note) .. "</p>") end
  return html.section(part.title, table.unpack(pieces))
end

-- The loss of metrics.jsonl as a chart, or nil when none was logged.
local function loss_chart(dir)
  local steps, losses = {}, {}
  for line in (own.read(dir, "metrics.jsonl") or ""):gmatch("[^\n]+") do
    local ok, row = pcall(core.json.decode, line)
    local loss = ok and type(row) == "table" and tonumber(row.loss)
    if loss and tonumber(row.step) then
      steps[#steps + 1], losses[#losses + 1] = row.step, loss
    end
  end
  if #steps > 1 then return plot.loss(steps, losses) end
end

-- The parts, behind the first what sampling by tiles has left to say.
local function with_seams(parts, dir)
  local list = foreign.rows(dir .. "/seams.lua", "list of seams", { { tiles = "integer" } })
  local part = list and seams.part(list)
  if not part then return parts end
  local all = table.move(parts, 1, #parts, 1, {})
  table.insert(all, math.min(2, #all + 1), part)
  return all
end

-- The parts, behind the first what a reader of the numbers must know.
local function with_notes(parts, dir)
  local list = notes.of(dir)
  if #list == 0 then return parts end
  local all = table.move(parts, 1, #parts, 1, {})
  table.insert(all, math.min(2, #all + 1), { title = "Notes", text = table.concat(list, ". ") .. "." })
  return all
end

-- The parts with the loss chart beside the charts of the last part, if it has any.
local function with_loss(parts, chart)
  local all = table.move(parts, 1, #parts, 1, {})
  if not chart then return all end
  local last = all[#all]
  if last and last.charts then
    local copy = {}
    for key, value in pairs(last) do copy[key] = value end
    copy.charts = table.move(last.charts, 1, #last.charts, 1, {})
    table.insert(copy.charts, chart)
    all[#all] = copy
  else
    all[#all + 1] = { title = "Training", charts = { chart } }
  end
  return all
end

-- Result, pictures and charts found in a folder.
local function parts_of(dir)
  local parts, charts = {}, {}
  local result = foreign.table(dir .. "/result.lua", "result of a run")
  if result then
    local t = tabulate { "result", "value" }
    local flat = plain.flat(result, true)
    for _, key in ipairs(words.keys(flat)) do t:row { key, flat[key] } end
    parts[1] = { title = "Result", table = t }
  end
  local files = core.sys.list(dir) or {}
  table.sort(files)
  for _, name in ipairs(files) do
    local bytes = (name:match("%.png$") or name:match("%.svg$")) and own.read(dir, name)
    if bytes and name:match("%.png$") then
      parts[#parts + 1] = { title = name, picture = { png = function() return bytes end } }
    elseif bytes then
      charts[#charts + 1] = bytes
    end
  end
  if #charts > 0 then parts[#parts + 1] = { title = "Charts", charts = charts } end
  return parts
end

-- Whether last.h5 will be another file when the run has ended: a hash that it has now would mislead.
local function to_be_reduced(dir)
  if own.path(dir, "result.lua") then return false end
  return keep.wanted(foreign.table(dir .. "/config.lua", "list of settings")) == "ema"
end

local function hashes(dir)
  local facts = {}
  for _, name in ipairs { "recipe.lua", "config.lua", "last.h5" } do
    local path = own.path(dir, name)
    if path then
      local print = origin_provenance.fingerprint(path)
      local text = print and ("%s  %d bytes"):format(print.hash, print.bytes) or "it cannot be read"
      if name == "last.h5" and to_be_reduced(dir) then text = "the averaged weights alone are kept (train.keep)" end
      facts[#facts + 1] = { name, text }
    end
  end
  return facts
end

-- Two unbroken runs of one thing write the same page: what holds a time stands in env.txt and cost.lua (of a study:
-- cost.csv) alone, and a folder is named as seen from the folder of all runs.
local function provenance(dir, env)
  local facts = { { "folder", latest.place(dir) } }
  for line in (own.read(env or dir, "env.txt") or ""):gmatch("[^\n]+") do
    local name, value = line:match("^(%S+)%s+(.*)$")
    if name and name ~= "started" then facts[#facts + 1] = { name, value } end
  end
  table.move(hashes(dir), 1, 3, #facts + 1, facts)
  for line in (own.read(dir, "data.txt") or ""):gmatch("[^\n]+") do
    facts[#facts + 1] = { line:match("^(.-)\t(.*)$") }
  end
  return html.section("Provenance", html.facts(facts))
end

local function settings(dir)
  local pieces = {}
  for _, file in ipairs { { "config.lua", "Configuration" }, { "recipe.lua", "Recipe" } } do
    local text = own.read(dir, file[1])
    if text then pieces[#pieces + 1] = html.fold(file[2] .. " (" .. file[1] .. ")", text) end
  end
  return html.section("Configuration", table.unpack(pieces))
end

--- Writes report.html into the folder of a run and returns its path; raises when it cannot be written. flex.report(run,
--- parts) is the same.
---@param run table|string     a run, or its folder
---@param parts table[]|nil    as the head says; what the folder of the run gives by itself
---@param head table|nil       { title =, subtitle = } in the place of a run's, env = folder whose env.txt is shown
---@return string  path of the page
function M.write(run, parts, head)
  local dir = type(run) == "table" and run.dir or run
  if type(dir) ~= "string" or core.sys.exists(dir) ~= "folder" then
    error(("report: '%s' is not the folder of a run"):format(tostring(dir)), 2)
  end
  local name, hash, seed = dir:match("([^/]+)/([^/]+)/([^/]+)/*$")
  local body = {}
  parts = with_loss(with_notes(with_seams(parts or parts_of(dir), dir), dir), loss_chart(dir))
  for i, part in ipairs(parts) do body[i] = section_of(checked(part)) end
  body[#body + 1] = settings(dir)
  body[#body + 1] = provenance(dir, head and head.env)
  local subtitle = ("FlexLab %s \u{00B7} %s"):format(tostring(core.info().version),
    hash and ("run %s, seed %s"):format(hash, seed) or latest.place(dir))
  if head then subtitle = subtitle:match("^.- \u{00B7} ") .. head.subtitle end
  local path = dir .. "/report.html"
  assert(core.sys.write(path, html.page(head and head.title or name or dir, subtitle, body)))
  return path
end

return setmetatable(M, { __call = function(_, run, parts) return M.write(run, parts) end })
