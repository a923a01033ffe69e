-- flexlab bench - how fast this machine trains, samples and computes single ops.
local arguments = require "flexlab.arguments"
local commands = require "flexlab.commands"
local core = require "flexlab.core"
local flex = require "flexlab"
local words = require "flexlab.text"

-- Wall seconds of `repeats` calls of f after one that is not counted; each in a scope of its own.
local function timed(repeats, f)
  local seconds = {}
  for i = 0, repeats do
    local _ <close> = core.scope()
    local began = core.sys.time()
    f(i)
    if i > 0 then seconds[i] = core.sys.time() - began end
    if core.sys.interrupts() > 0 then error("stopped", 0) end
  end
  return seconds
end

local function key(stream) return { seed = 1, stream = stream } end

local function model_of(values)
  return flex.models.flex { size = values.model, height = values.size, width = values.size,
    in_channels = 1, cond_channels = 1, seed = 1 }
end

local function batch_of(values)
  local n, size = values.batch, values.size
  local target = core.normal({ n, size, size, 1 }, key "data")
  local estimate = target:mean_pool({ factor = 4 }):upsample { factor = 4 }
  return { n = n, target = target, estimate = estimate, lowres = estimate, re = core.full({ n, 1 }, 0.1) }
end

local whole = {}

function whole.train(values)
  local model, batch = model_of(values), batch_of(values)
  local optim = flex.optim.adam(model, { lr = 2e-4 })
  return timed(values.repeats, function(i) optim:step(flex.diffusion.loss(model, batch, i + 1)) end)
end

function whole.sample(values)
  local model, batch = model_of(values), batch_of(values)
  return timed(values.repeats, function() flex.diffusion.sample(model, batch, { steps = values.steps }) end)
end

local function report(values, seconds)
  local mib = core.memory().peak / 2 ^ 20
  if values.json then
    print(core.json.encode { seconds = seconds, peak_mib = mib })
    return
  end
  local median = flex.stats.median(seconds)
  print(("%s  %s  batch %d of %dx%d: %.4g s (median of %d), %.4g samples/s, peak %.0f MiB of tensors"):format(
    values.what, values.model, values.batch, values.size, values.size, median, #seconds,
    values.batch / median, mib))
end

-- Each case: name, shape in words, floating-point operations, and a function.
local function cases(n)
  local list = {}
  local function tensor(...) return core.normal({ ... }, key "data") end
  local function case(name, shape, flop, f) list[#list + 1] = { name, shape, flop, f } end
  for _, c in ipairs { { 64, 64 }, { 32, 128 }, { 16, 128 }, { 8, 256 } } do
    local size, channels = c[1], c[2]
    local x, w, b = tensor(n, size, size, channels), tensor(channels, 3, 3, channels), tensor(channels)
    case("conv2d", ("%dx%dx%dx%d"):format(n, size, size, channels),
      2 * 9 * n * size ^ 2 * channels ^ 2, function() return x:conv2d(w, b) end)
  end
  local a, m = tensor(1024, 512), tensor(512, 1024)
  case("matmul", "1024x512 512x1024", 2 * 1024 * 512 * 1024, function() return a:matmul(m) end)
  local q = tensor(n, 64, 256)
  case("attention", ("%dx64x256, 4 heads"):format(n), 4 * n * 64 * 64 * 256,
    function() return q:attention(q, q, { heads = 4 }) end)
  local x, g = tensor(n, 64, 64, 64), tensor(64)
  local count = x:count()
  case("group_norm", ("%dx64x64x64"):format(n), 6 * count, function() return x:group_norm(g, g) end)
  case("silu", ("%dx64x64x64"):format(n), 4 * count, function() return x:silu() end)
  case("add", ("%dx64x64x64"):format(n), count, function() return x + x end)
  return list
end

local function kernels(values)
  local rows, t = {}, flex.table { "op", "shape", "ms", "GFLOP/s" }
  core.no_grad(function()
    for _, case in ipairs(cases(values.batch)) do
      local seconds = flex.stats.median(timed(values.repeats, case[4]))
      rows[#rows + 1] = { op = case[1], shape = case[2], seconds = seconds, gflops = case[3] / seconds / 1e9 }
      t:row { case[1], case[2], seconds * 1e3, case[3] / seconds / 1e9 }
    end
  end)
  if values.json then print(core.json.encode(rows)) else t:print() end
end

return {
  name = "bench",
  doc = "time training, sampling or single ops",
  arguments = { { name = "what", optional = true, doc = "kernels, train or sample [kernels]" } },
  options = {
    { name = "model", value = "SIZE", default = "nano", doc = "nano, small, medium or big" },
    { name = "size", value = "N", kind = "integer", least = 1, default = 64, doc = "side of the fields" },
    { name = "batch", value = "N", kind = "integer", least = 1, default = 4, doc = "fields at once" },
    { name = "steps", value = "N", kind = "integer", least = 1, default = 2, doc = "reverse steps of a sample" },
    { name = "repeats", value = "N", kind = "integer", least = 1, default = 5, doc = "times to measure" },
    { name = "json", doc = "one line: {\"seconds\":[...],\"peak_mib\":x}" },
    commands.device, commands.threads,
  },
  run = function(values)
    values.what = values.what or "kernels"
    commands.setup(values)
    core.reset_peak()
    if values.what == "kernels" then return kernels(values) end
    if not whole[values.what] then
      arguments.wrong("bench does not know '%s'; %s", values.what,
        words.hint(values.what, { "kernels", "train", "sample" }))
    end
    report(values, whole[values.what](values))
  end,
}
