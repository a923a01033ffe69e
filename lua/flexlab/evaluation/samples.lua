--[[
samples - the scores of every test sample, kept beside a run's result: samples.csv.

  method,id,file,frame,y,x,rfne,rmse,...      one row per sample of a method, one column a metric
flex.evaluate writes it when it is called inside a run: the rows of each evaluation join those of the ones before.
A method is called by its name (`evaluate(..., { name = })`, as flex.report.compare gives), a baseline by its own,
anything else "model"; an evaluation between training steps has its step behind, a rollout (the members' mean) its
lead, "model, lead 3". `id` is the number of the sample among the test samples, file, frame, y and x where it lies; they
are empty where a test set does not say so. A metric that a method has not is empty. The file holds no time and no
average: what the result says can be computed from it.

A checkpoint stores how many evaluations there were (`evaluations`); a run that goes on reads them back from the file,
cut to these, as metrics.jsonl is. What the body evaluates again on its way to the saved step is among them.
--]]
local baselines = require "flexlab.evaluation.baselines"
local core = require "flexlab.core"
local own = require "flexlab.store.own"
local tabulate = require "flexlab.tabulate"

local M = {}

M.file = "samples.csv"

local PLACE = { "method", "id", "file", "frame", "y", "x" }

-- The name of a sampler that is a baseline.
local function baseline(sampler)
  for name, f in pairs(baselines) do
    if f == sampler then return name end
  end
end

-- The name of an evaluation, unlike those before it.
local function name_of(run, sampler, name)
  local base = name or baseline(sampler) or "model"
  if run.scope then base = ("%s, step %d"):format(base, run.step) end
  local unique, k = base, 1
  while run.samples[unique] do
    k = k + 1
    unique = ("%s %d"):format(base, k)
  end
  return unique
end

--- Where the samples of a batch lie: { file, frame, y, x } each, or false.
---@param test table|nil  data.test
---@param batch table     of it
---@return table[]
function M.places(test, batch)
  local list, source = {}, type(test) == "table" and test.source
  for i, e in ipairs(batch.index or {}) do
    local file = source and source.files and source.files[e.file]
    list[i] = { file = file and file.path or e.file, frame = e.frame, y = e.y, x = e.x }
  end
  for i = 1, #batch.ids do list[i] = list[i] or false end
  return list
end

-- All evaluations of a run as a table.
local function table_of(evaluations)
  local names, seen = {}, {}
  for _, e in ipairs(evaluations) do
    for name in pairs(e.scores) do
      if not seen[name] then seen[name], names[#names + 1] = true, name end
    end
  end
  table.sort(names)
  local headers = table.move(PLACE, 1, #PLACE, 1, {})
  local t = tabulate(table.move(names, 1, #names, #headers + 1, headers))
  for _, e in ipairs(evaluations) do
    for i, id in ipairs(e.ids) do
      local p = e.places[i] or {}
      local row = { e.name, id, p.file or "", p.frame or "", p.y or "", p.x or "" }
      for _, name in ipairs(names) do row[#row + 1] = e.scores[name] and e.scores[name][i] or "" end
      t:row(row)
    end
  end
  return t
end

-- Adds an evaluation; `scores` are lists by metric, an empty one of a metric that was left out.
local function add(run, name, ids, scores, places)
  local entry = { name = name, ids = ids, scores = {}, places = places }
  for metric, list in pairs(scores) do
    if #list > 0 then entry.scores[metric] = list end
  end
  run.samples[#run.samples + 1], run.samples[name] = entry, entry
end

-- Whether the body is on its way to the step that a checkpoint has.
local function is_repeated(run) return run.replaying and run.saved ~= nil end

--- Adds the scores of one evaluation to the samples.csv of a run.
---@param run table        the current one
---@param sampler any      what was evaluated
---@param name string|nil  of the method
---@param result table     what flex.evaluate returns: id, per_sample
---@param places table     as M.places gives them, one per sample
function M.keep(run, sampler, name, result, places)
  if is_repeated(run) then return end
  run.samples = run.samples or {}
  add(run, name_of(run, sampler, name), result.id, result.per_sample, places)
  run.lock:check()
  table_of(run.samples):save(run.dir .. "/" .. M.file)
end

--- The same of a rollout: "model, lead 3" and "persistence, lead 3".
---@param run table        the current one
---@param name string|nil  of the method
---@param leads table      of rollout_scores: by lead the scorers `mean` and `persistence`
---@param places table     as M.places gives them, one per sample
function M.keep_leads(run, name, leads, places)
  if is_repeated(run) then return end
  run.samples = run.samples or {}
  for k, lead in ipairs(leads) do
    for _, who in ipairs { { "mean", name }, { "persistence", "persistence" } } do
      local scorer = lead[who[1]]
      add(run, name_of(run, nil, ("%s, lead %d"):format(who[2] or "model", k)), scorer.ids, scorer.scores, places)
    end
  end
  run.lock:check()
  table_of(run.samples):save(run.dir .. "/" .. M.file)
end

-- The cells of one line of CSV [RFC 4180] from byte `at` on, and where the next line begins.
local function line_at(text, at)
  local cells = {}
  while true do
    local cell, next_at
    if text:sub(at, at) == '"' then
      local stop = at + 1
      while true do
        stop = text:find('"', stop, true)
        if not stop then return nil end
        if text:sub(stop + 1, stop + 1) ~= '"' then break end
        stop = stop + 2
      end
      cell, next_at = text:sub(at + 1, stop - 1):gsub('""', '"'), stop + 1
    else
      next_at = text:find("[,\n]", at) or #text + 1
      cell = text:sub(at, next_at - 1)
    end
    cells[#cells + 1] = cell
    local c = text:sub(next_at, next_at)
    if c ~= "," then return (c == "\n" or c == "") and cells or nil, next_at + 1 end
    at = next_at + 1
  end
end

-- The headers of a samples.csv and the cells of its lines; nil if there is none. Raises where it is no such table.
local function cells_of(dir)
  local path = own.path(dir, M.file)
  if not path then return nil end
  local text = assert(core.sys.read(path))
  local headers, at = line_at(text, 1)
  local lines = {}
  if not headers or headers[1] ~= "method" or headers[2] ~= "id" then
    error(path .. " is no table of samples: its first line is not method,id,...", 0)
  end
  while at <= #text do
    local cells
    cells, at = line_at(text, at)
    if not cells or #cells ~= #headers then
      error(("%s: line %d has not the %d cells of the first line"):format(path, #lines + 2, #headers), 0)
    end
    lines[#lines + 1] = cells
  end
  return headers, lines
end

--- The rows of a run's samples.csv, { method =, id =, ..., rfne = number }; nil if there is none. Raises where it is
--- no such table.
---@param dir string  the run's folder
---@return table[]|nil
function M.read(dir)
  local headers, lines = cells_of(dir)
  if not headers then return nil end
  for n, cells in ipairs(lines) do
    local row = {}
    for i, name in ipairs(headers) do
      if i <= #PLACE then row[name] = cells[i] else row[name] = tonumber(cells[i]) end
    end
    lines[n] = row
  end
  return lines
end

--- How many evaluations of a run have rows.
---@param run table  the current one
---@return integer
function M.count(run)
  local n = 0
  for _, e in ipairs(run.samples or {}) do
    if #e.ids > 0 then n = n + 1 end
  end
  return n
end

-- One more line of an evaluation; cells stay the texts that they are.
local function extend(e, headers, cells)
  local k, place = #e.ids + 1, {}
  for i, name in ipairs(PLACE) do place[name] = cells[i] end
  e.ids[k], e.places[k] = place.id, place
  for i = #PLACE + 1, #headers do
    if cells[i] ~= "" then
      e.scores[headers[i]] = e.scores[headers[i]] or {}
      e.scores[headers[i]][k] = cells[i]
    end
  end
end

--- Cuts a run's samples.csv to its first `count` evaluations, and returns these as `samples` of the run.
---@param run table      the current one
---@param count integer  evaluations that stay
---@return table[]
function M.cut(run, count)
  local path, list = run.dir .. "/" .. M.file, {}
  if count == 0 then
    run.lock:check()
    if core.sys.exists(path) then assert(core.sys.remove(path)) end
    return list
  end
  local ok, headers, lines = pcall(cells_of, run.dir)
  if not ok then error(headers .. "; remove it (these scores are lost then), or give --fresh to start again", 0) end
  for _, cells in ipairs(lines or {}) do
    local name = cells[1]
    if not list[name] then
      if #list == count then break end
      list[#list + 1] = { name = name, ids = {}, scores = {}, places = {} }
      list[name] = list[#list]
    end
    extend(list[name], headers, cells)
  end
  run.lock:check()
  if #list > 0 then table_of(list):save(path) end
  return list
end

--- What tells a sample from others: where it lies, or its number.
---@param row table  of M.read
---@return string
function M.key(row)
  if row.file == "" then return "sample " .. row.id end
  return ("%s, frame %s, y %s, x %s"):format(row.file, row.frame, row.y, row.x)
end

return M
