--[[
bench - how fast this machine trains and samples, call by call, and what it could do at best.
--]]
local bench_accuracy = require "flexlab.bench.accuracy"
local arguments = require "flexlab.commands.arguments"
local operations = require "flexlab.network.operations"
local choices = require "flexlab.choices"
local clock = require "flexlab.bench.clock"
local commands = require "flexlab.commands"
local core = require "flexlab.core"
local kernels = require "flexlab.bench.kernels"
local loader = require "flexlab.bench.loader"
local memory = require "flexlab.bench.memory"
local profile = require "flexlab.bench.profile"
local bench_scaling = require "flexlab.bench.scaling"
local settings = require "flexlab.settings"
local stats = require "flexlab.stats"
local terminal = require "flexlab.terminal"
local whole = require "flexlab.bench.whole"
local words = require "flexlab.words"

local network = settings.of("model").entry

local known = { "kernels", "train", "sample", "scaling", "accuracy", "loader" }

-- Options that only some of the words take: option -> the words.
local only = {
  profile = "train sample", memory = "train sample", shapes = "train sample", op = "kernels",
  batches = "scaling", sizes = "scaling", ["thread-counts"] = "scaling", work = "scaling",
  channels = "accuracy", data = "loader", recompute = "train scaling",
  precision = "kernels train sample scaling",
}

local function check(values)
  local what = values.what
  if not words.has(known, what) then
    arguments.wrong("bench does not know '%s'; %s", what, words.hint(what, known))
  end
  for name, takers in pairs(only) do
    if values[name] ~= nil and not (" " .. takers .. " "):find(" " .. what .. " ", 1, true) then
      arguments.wrong("bench %s takes no --%s; it belongs to bench %s", what, name, (takers:gsub(" ", " and ")))
    end
  end
  if values.profile and values.memory then
    arguments.wrong("bench: --profile and --memory are two measurements; give one of them")
  end
  if values.shapes and not values.profile then
    arguments.wrong("bench: --shapes says how finely --profile looks; give --profile too")
  end
  local names = {}
  for i, op in ipairs(core.ops) do names[i], names[op.name] = op.name, true end
  if values.op and not names[values.op] then
    arguments.wrong("bench: there is no op '%s'; %s", values.op, words.hint(values.op, names))
  end
end

-- Whole numbers from 1 on, from an option that is a list.
local function counts(values, name, default)
  local list = {}
  for i, number in ipairs(values[name] or default) do
    local n = math.tointeger(number)
    if not n or n < 1 then
      arguments.wrong("bench: --%s wants whole numbers from 1 on, got %s", name, number)
    end
    list[i] = n
  end
  return list
end

local function scaling(values)
  values.batches = counts(values, "batches", { 1, 2, 4 })
  values.sizes = counts(values, "sizes", { 32, 64, 128 })
  local threads = core.threads()
  values.thread_counts = counts(values, "thread-counts", threads > 1 and { 1, threads } or { 1 })
  values.work = values.work or "train"
  bench_scaling.run(values)
end

local function accuracy(values)
  values.channels = counts(values, "channels", bench_accuracy.channels)
  bench_accuracy.run(values)
end

-- What the network is, apart from time.
local function describe(values)
  local model = whole.model(values)
  return ("%.2f M parameters, %.4g GFLOP a forward pass of one field"):format(model:count() / 1e6,
    operations.gflop(model))
end

local function measure(values)
  local work = whole.work(values.what, values)
  if values.profile then return profile.run(work, values) end
  if values.memory then return memory.run(work, values) end
  local seconds = clock.timed(values.repeats, work)
  local mib = core.sys.peak_rss() / 2 ^ 20
  if values.json then
    terminal.json { seconds = seconds, peak_mib = mib }
    return
  end
  local median = stats.median(seconds)
  terminal.say(("%s  %s  batch %d of %dx%d: %.4g s (median of %d), %.4g samples/s, peak %.0f MiB resident"):format(
    values.what, whole.name(values), values.batch, values.size, values.size, median, #seconds,
    values.batch / median, mib))
  terminal.say(describe(values))
end

return {
  name = "bench",
  doc = "time training, sampling, reading or single ops, or report the rounding error",
  arguments = { { name = "what", optional = true, words = known,
    doc = "what to measure: kernels, train, sample, scaling, accuracy or loader [kernels]" } },
  options = {
    arguments.setting(network.size, "SIZE", { name = "model", kind = "words",
      words = core.flex_sizes, doc = "size of the network: " .. words.list(core.flex_sizes, "or") }),
    arguments.setting(network.backbone, "WORD", { kind = "words", words = choices.registry "backbones"(),
      doc = "architecture of the network (flexlab list choices)" }),
    { name = "size", value = "N", kind = "integer", least = 1, default = 64, doc = "side of the fields in pixels" },
    arguments.setting(settings.of("data").entry.batch, "N",
      { default = 4, doc = "fields passed to the network at a time" }),
    arguments.setting(settings.of("eval").entry.steps, "N"),
    { name = "repeats", value = "N", kind = "integer", least = 1, default = 5, doc = "number of measurements" },
    { name = "op", value = "NAME", takes = { "op" }, doc = "for kernels: the only op to time" },
    { name = "profile", doc = "for train, sample: print the time of each op" },
    { name = "shapes", doc = "with --profile: print the time of each op and its shapes" },
    { name = "memory", doc = "for train, sample: print the parts of the peak memory" },
    arguments.setting(network.recompute, nil, { doc = "for train: " .. network.recompute.doc }),
    arguments.setting(network.precision, "WORD", { stated = true,
      doc = "precision of the network's convolutions: f32 or bf16" }),
    { name = "work", value = "WORD", kind = "words", words = whole.words,
      doc = "for scaling: what to time, train or sample [train]" },
    { name = "batches", value = "LIST", kind = "numbers", doc = "for scaling: numbers of fields in a batch [1,2,4]" },
    { name = "sizes", value = "LIST", kind = "numbers",
      doc = "for scaling: sides of the fields in pixels [32,64,128]" },
    { name = "thread-counts", value = "LIST", kind = "numbers", doc = "for scaling: numbers of threads [1 and all]" },
    { name = "channels", value = "LIST", kind = "numbers", doc = "for accuracy: numbers of channels [16 to 1152]" },
    { name = "data", value = "FILE", doc = "for loader: files to read [data/turbulence/train_re*.h5]" },
    { name = "json", doc = "print one line of JSON; for train, sample: {\"seconds\":[...],\"peak_mib\":x}" },
    commands.device, commands.threads,
  },
  run = function(values)
    values.what = values.what or "kernels"
    check(values)
    commands.setup(values)
    if values.what == "kernels" then return kernels.run(values) end
    if values.what == "scaling" then return scaling(values) end
    if values.what == "accuracy" then return accuracy(values) end
    if values.what == "loader" then
      values.data = values.data or "data/turbulence/train_re*.h5"
      return loader.run(values)
    end
    return measure(values)
  end,
}
