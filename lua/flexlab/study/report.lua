--[[
report - the page of a study: what follows, the arms seed by seed, curves, spectra, a sample of each arm, what
it cost, and where every number came from.

  runs:report { metric = "rfne", key = "model.conditioning", against = "both", better = "lower" }  -> path
Spectra come from spectrum.lua ({ truth = {}, prediction = {} }, run:record), pictures from *.png, curves from
metrics.jsonl in the folders of the runs; what is not there is left out. Curves and spectra are means over
the seeds of an arm, pictures those of its first seed.
--]]
local config = require "flexlab.config"
local core = require "flexlab.core"
local destination = require "flexlab.store.destination"
local foreign = require "flexlab.store.foreign"
local judging = require "flexlab.run.judging"
local latest = require "flexlab.store.latest"
local own = require "flexlab.store.own"
local plot = require "flexlab.plot"
local provenance = require "flexlab.origin.provenance"
local ranking = require "flexlab.study.ranking"
local report = require "flexlab.report"
local stats = require "flexlab.stats"
local tabulate = require "flexlab.tabulate"
local words = require "flexlab.words"

local M = {}

local MOST_ARMS = 8       -- curves of more arms cannot be told apart

-- Iterates over (label, tasks of that arm), in order.
local function arms_of(runs)
  local order, tasks, i = {}, {}, 0
  for _, task in ipairs(runs.tasks) do
    local label = task.arm.label
    if not tasks[label] then tasks[label], order[#order + 1] = {}, label end
    table.insert(tasks[label], task)
  end
  return function()
    i = i + 1
    if order[i] then return order[i], tasks[order[i]] end
  end
end

-- Element by element mean of lists, as long as the shortest.
local function mean_list(lists)
  local out, n = {}, math.huge
  for _, list in ipairs(lists) do n = math.min(n, #list) end
  for i = 1, n do
    local sum = 0
    for _, list in ipairs(lists) do sum = sum + list[i] end
    out[i] = sum / #lists
  end
  return out
end

local function losses(dir)
  local steps, values = {}, {}
  for line in (own.read(dir, "metrics.jsonl") or ""):gmatch("[^\n]+") do
    local row = core.json.decode(line)
    if type(row) == "table" and tonumber(row.loss) and tonumber(row.step) then
      steps[#steps + 1], values[#values + 1] = row.step, row.loss
    end
  end
  return steps, values
end

-- Cuts curves where they leave those of the arms without a diverged run by more than a factor of 10: one arm at 1e30
-- would make the others a flat line. Returns the labels of the arms that were cut.
local function clip(series)
  local most, cut = 0, {}
  for _, s in ipairs(series) do
    for _, v in ipairs(s.tame and s.y or {}) do most = v == v and v < math.huge and math.max(most, v) or most end
  end
  for _, s in ipairs(most > 0 and series or {}) do
    local out = false
    for i, v in ipairs(s.y) do
      if v > 10 * most then s.y[i], out = out and 0 / 0 or 10 * most, true end
    end
    if out then cut[#cut + 1] = s.name end
  end
  return cut
end

-- Whether no run of an arm diverged.
local function tame(tasks)
  for _, task in ipairs(tasks) do
    if task.state and task.state.word == "diverged" then return false end
  end
  return true
end

-- The title of a chart that may not have room for all arms.
local function titled(title, drawn, all)
  return drawn < all and ("%s, the first %d of %d arms"):format(title, drawn, all) or title
end

-- The running mean of the loss of every arm.
local function curves(runs)
  local series, arms = {}, 0
  for label, tasks in arms_of(runs) do
    local all, steps = {}, nil
    for _, task in ipairs(tasks) do
      local s, values = losses(task.dir)
      if #values > 1 then steps, all[#all + 1] = s, plot.smooth(values) end
    end
    arms = arms + (steps and 1 or 0)
    if steps and #series < MOST_ARMS then
      local y = mean_list(all)
      series[#series + 1] = { name = label, x = table.move(steps, 1, #y, 1, {}), y = y, tame = tame(tasks) }
    end
  end
  local cut = clip(series)
  for _, s in ipairs(series) do
    s.tame = nil
    if words.has(cut, s.name) then s.name = s.name .. " (leaves the chart)" end
  end
  return #series > 0 and plot.lines(series, { title = titled("Training loss (running mean)", #series, arms),
    x = { label = "step" }, y = { label = "loss", log = true } }) or nil
end

local function spectra(runs)
  local list, arms = {}, 0
  for label, tasks in arms_of(runs) do
    local truth, prediction = {}, {}
    for _, task in ipairs(tasks) do
      local s = foreign.entries(task.dir .. "/spectrum.lua", "record of spectra",
        { truth = "numbers", prediction = "numbers" })
      if s and s.truth and s.prediction then
        truth[#truth + 1], prediction[#prediction + 1] = s.truth, s.prediction
      end
    end
    arms = arms + (#truth > 0 and 1 or 0)
    if #truth > 0 and #list <= MOST_ARMS then
      if #list == 0 then list[1] = { name = "truth", values = mean_list(truth) } end
      list[#list + 1] = { name = label, values = mean_list(prediction) }
    end
  end
  return #list > 0 and plot.spectrum(list, { title = titled("Power spectrum", #list - 1, arms) }) or nil
end

local function pictures(runs)
  local parts = {}
  for label, tasks in arms_of(runs) do
    local names = core.sys.list(tasks[1].dir) or {}
    table.sort(names)
    for _, name in ipairs(names) do
      local bytes = name:match("%.png$") and own.read(tasks[1].dir, name)
      if bytes then
        parts[#parts + 1] = { title = ("%s, seed %d: %s"):format(label, tasks[1].seed, name),
          picture = { png = function() return bytes end } }
        break
      end
    end
  end
  return parts
end

-- Every run with its folder and the hash of its weights; every file that runs read, with its hash.
local function sources(runs)
  local t, files, seen = tabulate { "arm", "seed", "folder", "last.h5" }, tabulate { "file read", "bytes", "hash" }, {}
  for _, task in ipairs(runs.tasks) do
    local weights = provenance.fingerprint(task.dir .. "/last.h5")
    t:row { task.arm.label, task.seed, latest.place(task.dir), weights and weights.hash or "-" }
    for _, file in ipairs(provenance.recorded(task.dir:match("^(.*)/[^/]*$"))) do
      local hash = file.hash or file.meaning
      if not seen[file.path .. hash] then
        seen[file.path .. hash] = true
        files:row { file.path, file.bytes or "-", hash }
      end
    end
  end
  return t, files
end

-- What the numbers allow to say, in a sentence.
local function verdict(main, pivot, tests)
  local best, about = ranking.best(pivot, main.better)
  local text = best == nil and ("No best mean %s is named, since %s."):format(main.name, about.why)
    or ("The best mean %s (%s; %s) is that of %s (%.4g over %d seeds)."):format(main.name,
    judging.phrase(main.better), main.why, tostring(best), about.means[best], #about.seeds)
  if about.note then text = ("%s %s."):format(text, about.note:gsub("^%l", string.upper)) end
  local n, clear = 0, 0
  for arm in pivot:rows() do
    n = math.max(n, tests[arm].p and tests[arm].n or 0)
    clear = clear + ((tests[arm].p or 1) < 0.05 and 1 or 0)
  end
  if n < 2 then return text .. " One seed cannot say more." end
  return text .. (" %d of %d comparisons have a corrected p below 0.05; with %d pairs the least p there is is %.2g.")
    :format(clear, #pivot:arms() - 1, n, stats.least_p(n))
end

local function parts_of(runs, main, o)
  local metric = main.name
  local t, tests, pivot = runs:summary(metric, { key = o.key, against = o.against })
  local note = { "Differences are paired by seed, each averaged over the settings of all other keys first. p: exact "
    .. "sign-flip test, Holm's correction. Intervals: Student's t, and percentiles of 9999 resamples (too narrow below "
    .. "ten pairs)." }
  for _, remark in ipairs(runs:remarks()) do note[#note + 1] = remark:sub(1, 1):upper() .. remark:sub(2) .. "." end
  local parts = { { title = "Result", text = verdict(main, pivot, tests), table = t,
    note = table.concat(note, " ") } }
  local charts = { plot.slopes(pivot, { label = metric }) }
  charts[#charts + 1] = curves(runs)
  charts[#charts + 1] = spectra(runs)
  parts[2] = { title = "Seed by seed", charts = charts }
  for _, part in ipairs(pictures(runs)) do parts[#parts + 1] = part end
  parts[#parts + 1] = { title = "Cost", table = runs:costs { times = false },
    note = "GFLOP: one forward pass of one sample. Seconds and bytes, which differ between two runs of one thing, are "
      .. "in cost.csv beside this page." }
  parts[#parts + 1] = { title = "All runs", table = runs:table(nil, { cost = false }) }
  local folders, files = sources(runs)
  parts[#parts + 1] = { title = "Runs and their weights", table = folders }
  if #files.rows > 0 then parts[#parts + 1] = { title = "Data", table = files } end
  return parts
end

-- Copies of the recipe and the settings of the first run, as the page of a run shows them.
local function copy_settings(runs)
  for _, name in ipairs { "config.lua", "recipe.lua" } do
    local text = own.read(runs.tasks[1].dir, name)
    if text then assert(core.sys.write(runs.dir .. "/" .. name, text)) end
  end
end

--- Writes report.html, runs.csv, runs.tex, summary.csv and cost.csv into the study's folder (or `dir`); returns the
--- path of the page. cost.csv alone holds times: two unbroken studies write the same bytes into the others.
---@param runs table         flexlab.study.runs
---@param options table|nil  metric (the main one), key, against, better ("lower", "higher", "0" or "1"), dir
---@return string  path of the page
function M.write(runs, options)
  local o = config.options("a study's report", { metric = false, key = false, against = false, better = false,
    dir = false }, options, nil, 2)
  local better = ({ min = "lower", max = "higher" })[o.better] or o.better
  if better and not words.has(judging.directions, better) then
    error(("report: better must be one of %s, got %s"):format(words.list(judging.directions), words.show(better)), 2)
  end
  local main = runs:main(o.metric or nil, better or nil)
  if not main then error("report: the runs have no number in common", 2) end
  if o.dir then destination.folder("report", o.dir) end
  local dir = o.dir or runs.dir
  local parts = parts_of(runs, main, o)
  parts[1].table:save(dir .. "/summary.csv")
  runs:table(nil, { cost = false }):save(dir .. "/runs.csv"):save(dir .. "/runs.tex")
  runs:times():save(dir .. "/cost.csv")
  if runs.study then copy_settings(runs) end
  return report.write(dir, parts, { title = runs.name,
    subtitle = ("%d runs"):format(#runs.tasks), env = runs.tasks[1].dir })
end

return M
