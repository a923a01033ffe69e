--[[
doctor - looks for the mistakes that make a result wrong without an error.

  local findings = flex.doctor("runs/sr/1a2b3c4d/1")           a run: its data, its weights, its answers
  local findings = flex.doctor({ file = "train.h5", test = "test.h5", factor = 4 })    data alone
A finding is { check =, state = "ok" | "note" | "fault", text = one sentence with the numbers }. A fault is a mistake in
how numbers were made; a note is what a reader of right numbers must know (docs/design.md section 10). The checks, and
what each looks for, which has been seen in published code and data (issues 49 and 68 of PolymathicAI/the_well):
  split          parts that are not those the run recorded, or overlap (doctor/split.lua)
  quantities     files in other units, or of other names, than the first, or than the checkpoint says (doctor/data.lua)
  leakage        frames that are in the training and in the test part (doctor/data.lua)
  normalisation  mean and std that were fitted on test frames
  registration   an estimate that is shifted against the truth, by other than the authors' (f - 1) / 2 pixels; a
                 baseline `registered` that is, since coarse files are not what the degradation says
  training       an optimiser that moved nothing, as the run has noted (doctor/run.lua)
  weights        tensors with NaN or infinity in them, and the first block whose output has (doctor/run.lua)
  pull           an ensemble too narrow (over-confident) or too wide for its error
  feedback       rollouts that feed the ensemble's mean back
A check that cannot be made (a file is gone, a recipe defines its own encoder) is a note that says so.
--]]
local checkpoint = require "flexlab.checkpoint"
local core = require "flexlab.core"
local doctor_data = require "flexlab.doctor.data"
local foreign = require "flexlab.store.foreign"
local own = require "flexlab.store.own"
local doctor_run = require "flexlab.doctor.run"
local doctor_split = require "flexlab.doctor.split"
local tasks = require "flexlab.tasks"

local M = {}

-- Files of data.txt of a run: { train = {paths}, test = {paths} }, only if all are there.
local function files_of(dir)
  local files = { train = {}, test = {} }
  for line in (own.read(dir, "data.txt") or ""):gmatch("[^\n]+") do
    local part, path = line:match("^(%a+) (.-)\t")
    if part and files[part] then
      if not core.sys.exists(path) then return nil, path .. " is not there any more" end
      table.insert(files[part], path)
    end
  end
  if #files.train == 0 then return nil, "the run has no data.txt that names its files" end
  return files
end

-- The set that a run saw, with the scale of its checkpoint; nil, why.
local function data_of(dir, model, cfg)
  local files, why = files_of(dir)
  if not files then return nil, why end
  local section = type(cfg.data) == "table" and cfg.data or {}
  local more = { file = files.train, test = #files.test > 0 and files.test or false, batch = 4, test_tiles = 16,
    split = section.split or nil, dataset = section.dataset or nil, low = section.low or nil,
    test_low = section.test_low or nil }
  local ok, set = pcall(tasks.as_trained, model, more)
  if not ok then return nil, tostring(set) end
  return set
end

local function subject_of_run(dir)
  local cfg = foreign.table(dir .. "/config.lua", "list of settings")
  if not cfg or not core.sys.exists(dir .. "/last.h5") then
    error(("doctor: '%s' is not the folder of a run (config.lua and last.h5 are wanted)"):format(dir), 3)
  end
  local subject = { dir = dir, config = cfg, recipe = own.read(dir, "recipe.lua") or "" }
  local ok, model = pcall(checkpoint.load_model, dir, { broken = true })
  if ok then subject.model = model else subject.why = tostring(model) end
  subject.files = files_of(dir)
  if ok and model.data and model.scale then subject.set, subject.why_no_data = data_of(dir, model, cfg) end
  return subject
end

local function subject_of_data(given)
  local o = { batch = 4, test_tiles = 16, seed = 1 }
  for key, value in pairs(given) do o[key] = value end
  return { set = tasks.superres(o) }
end

local checks = { { "split", doctor_split.split }, { "quantities", doctor_data.quantities },
  { "leakage", doctor_data.leakage }, { "variance", doctor_data.variance },
  { "normalisation", doctor_data.normalisation },
  { "registration", doctor_data.registration }, { "training", doctor_run.training },
  { "weights", doctor_run.weights }, { "pull", doctor_run.pull }, { "feedback", doctor_run.feedback } }

--- All findings on a run (a folder) or on data (a table); a check that does not apply leaves none.
---@param what string|table  a run's folder, or settings of data
---@return table  list of { check =, state =, text = }
function M.examine(what)
  local subject = type(what) == "table" and subject_of_data(what) or subject_of_run(what)
  local findings = {}
  for _, check in ipairs(checks) do
    local scope <close> = core.scope()
    local ok, state, text = pcall(check[2], subject)
    if not ok then state, text = "note", "could not be looked at: " .. tostring(state) end
    if state then findings[#findings + 1] = { check = check[1], state = state, text = text } end
    scope:close()
  end
  return findings
end

return setmetatable(M, { __call = function(_, ...) return M.examine(...) end })
