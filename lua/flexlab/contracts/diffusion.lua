--[[
diffusion - the contracts of schedules, parametrisations, weightings, targets, losses (see trial.lua).
--]]
local core = require "flexlab.core"
local named = require("flexlab.trial").named
local noising = require "flexlab.diffusion.noising"

local M = {}

local POINTS = 100     -- times at which a schedule is looked at

local function drawn(t, choice, cfg)
  local object, key = noising.new(choice, cfg), { seed = 1, stream = "time", step = 4 }
  local list = t:call("draw", choice.draw, object, key, 16, cfg)
  if type(list) ~= "table" or #list ~= 16 then
    t:refuse(choice.draw, ("draw(noising, key, 16) returned %s"):format(type(list) == "table" and #list .. " times"
      or named(list)), "a list of 16 times")
  end
  for _, time in ipairs(list) do
    if t:number(choice.draw, "a time of draw()", time) < 0 or time > 1 then
      t:refuse(choice.draw, ("draw() returned the time %g"):format(time), "a time in [0, 1]")
    end
  end
  local fewer = t:call("draw", choice.draw, object, key, 4, cfg)
  for i = 1, 4 do
    if fewer[i] ~= list[i] then
      t:refuse(choice.draw, ("time %d of a batch of 4 is not that of a batch of 16"):format(i),
        "a number addressed by the key")
    end
  end
  t:kept "draw(): times in [0, 1], addressed by the key"
end

--- A schedule: logsnr falls at every time and is finite; size and draw, where it has them, are above 0 and in [0,1].
---@param t table       the trial (trial.lua)
---@param choice table  that is tried
---@param cfg table     its settings
function M.schedules(t, choice, cfg)
  local f, last = choice.logsnr, nil
  for i = 0, POINTS do
    local time = i / POINTS
    local v = t:number(f, ("logsnr(%g)"):format(time), t:call("logsnr", f, time, cfg))
    if last and v >= last then
      t:refuse(f, ("logsnr %s from %.4g at t = %g to %.4g at t = %g"):format(v > last and "rises" or "does not fall",
        last, (i - 1) / POINTS, v, time), "a fall from signal to noise")
    end
    last = v
  end
  t:kept "logsnr(): finite numbers that fall from t = 0 to t = 1"
  if choice.draw then drawn(t, choice, cfg) end
  if not choice.size then return end
  for i = 0, 10 do
    local v = t:number(choice.size, ("size(%g)"):format(i / 10), t:call("size", choice.size, i / 10, cfg))
    if v <= 0 then t:refuse(choice.size, ("size(%g) is %g"):format(i / 10, v), "a factor above 0") end
  end
  t:kept "size(): factors above 0"
end

-- x0, eps, x_t and { alpha, sigma } of two samples at two times.
local function noised(t, shape)
  local x0, eps = t:normal(shape, 1) * 0.5, t:normal(shape, 2)
  local s = { alpha = core.tensor({ 0.6, 0.8 }):reshape { 2, 1, 1, 1 },
    sigma = core.tensor({ 0.8, 0.6 }):reshape { 2, 1, 1, 1 } }
  return x0, eps, x0 * s.alpha + eps * s.sigma, s
end

local function away(a, b) return (a - b):abs():summary().max end

-- The squared error of the goal for one of x0, by moving the network's answer.
local function error_scales(t, choice, cfg, shape)
  local f = choice.error_scale
  for _, alpha in ipairs { 0.6, 0.8 } do
    local snr = alpha ^ 2 / (1 - alpha ^ 2)
    local what = ("error_scale(%g)"):format(snr)
    local scale = t:number(f, what, t:call("error_scale", f, snr, cfg))
    if scale <= 0 then t:refuse(f, ("%s is %g"):format(what, scale), "a number above 0") end
    if not choice.loss_pair then
      local one = { 2, 1, 1, 1 }
      local s = { alpha = core.full(one, alpha), sigma = core.full(one, math.sqrt(1 - alpha ^ 2)) }
      local x_t, p = t:normal(shape, 1), t:normal(shape, 2) * 0.1
      local moved = away(choice.recover(s, x_t, p + 0.1, cfg), (choice.recover(s, x_t, p, cfg)))
      local real = (0.1 / moved) ^ 2
      if math.abs(scale - real) > 0.01 * real then
        t:refuse(f, ("%s is %.4g"):format(what, scale),
          ("%.4g, the squared error of the goal for one of what recover() makes of it,"):format(real))
      end
    end
  end
  t:kept "error_scale(): agrees with recover()"
end

-- With the network's answer at its goal, x0 and eps come back.
local function recovered(t, choice, cfg, goal, shape)
  local x0, eps, x_t, s = noised(t, shape)
  local x, e = t:call("recover", choice.recover, s, x_t, goal, cfg)
  t:tensor(choice.recover, "recover()", x, shape)
  t:tensor(choice.recover, "recover() as its second value", e, shape)
  t:kept "recover(): x0 and eps of the field's shape"
  if choice.inexact or choice.loss_pair then return end
  for name, off in pairs { x0 = away(x, x0), eps = away(e, eps) } do
    if off > 1e-3 then
      t:refuse(choice.recover, ("recover() of the goal itself misses %s by %.3g"):format(name, off),
        ("the %s that the goal was made of (or the field inexact = true)"):format(name))
    end
  end
  t:kept "recover(goal()) is x0 and eps"
end

--- A parametrisation: goal has the field's shape, and x0 and eps are recovered from it.
---@param t table       the trial (trial.lua)
---@param choice table  that is tried
---@param cfg table     its settings
function M.parametrisations(t, choice, cfg)
  local h, w, c = t:size(8, 8, 1)
  local shape = { 2, h, w, c }
  local x0, eps, x_t, s = noised(t, shape)
  local goal = t:call("goal", choice.goal, s, x0, eps, cfg)
  t:tensor(choice.goal, "goal()", goal, shape)
  t:kept "goal(): a tensor of the field's shape"
  recovered(t, choice, cfg, goal, shape)
  if choice.loss_pair then
    local p, y = t:call("loss_pair", choice.loss_pair, s, x_t, goal, x0, eps, cfg)
    t:tensor(choice.loss_pair, "loss_pair()", p, shape)
    t:tensor(choice.loss_pair, "loss_pair() as its second value", y, shape)
    t:kept "loss_pair(): two tensors of the field's shape"
  end
  if choice.input then
    t:tensor(choice.input, "input()", t:call("input", choice.input, s, x_t, cfg), shape)
    t:kept "input(): a tensor of the field's shape"
  end
  if choice.time then t:number(choice.time, "time(0)", t:call("time", choice.time, 0)) end
  if choice.error_scale then error_scales(t, choice, cfg, shape) end
end

--- A weighting: finite, from 0 on, above 0 somewhere.
---@param t table       the trial (trial.lua)
---@param choice table  that is tried
---@param cfg table     its settings
function M.weightings(t, choice, cfg)
  local f, any = choice.weight, false
  for logsnr = -15, 15 do
    for _, scale in ipairs { 1, math.exp(logsnr) + 1 } do
      local what = ("weight(%g)"):format(logsnr)
      local v = t:number(f, what, t:call("weight", f, logsnr, cfg, scale))
      if v < 0 then t:refuse(f, ("%s is %.4g"):format(what, v), "a weight from 0 on") end
      any = any or v > 0
    end
  end
  if not any then t:refuse(f, "weight() is 0 at every time", "a weight above 0 somewhere") end
  t:kept "weight(): finite, from 0 on"
end

-- A batch of super-resolution that knows a past frame too, in units of its own scale.
local function batch_of(t, shape)
  local n, h, w, c = table.unpack(shape)
  local target, estimate = t:normal(shape, 1), t:normal(shape, 2)
  return { target = target, estimate = estimate, lowres = estimate, last = t:normal(shape, 3), truth = target * 2 + 1,
    low = core.mean_pool(target, { factor = 4 }) * 2 + 1,
    re = core.full({ n, 1 }, 0.1), ids = { 4, 9 }, index = { 1, 2 },
    scale = { mean = { 1.0 }, std = { 2.0 } }, task = "superres", n = n, height = h, width = w, channels = c }
end

M.batch_of = batch_of

--- A target: base is nothing, or has the target's shape.
---@param t table       the trial (trial.lua)
---@param choice table  that is tried
---@param cfg table     its settings
function M.targets(t, choice, cfg)
  local h, w, c = t:size(16, 16, 1)
  local shape = { 2, h, w, c }
  local could, base = t:attempt("base", choice.base, batch_of(t, shape), cfg)
  if could and base ~= nil then
    t:tensor(choice.base, "base()", base, shape)
  end
  if could then
    t:kept(base == nil and "base(): nothing, the field itself" or "base(): a tensor of the target's shape")
  end
end

local function gradient(t, f, value, prediction)
  local came = "the gradient of loss() does not reach the prediction"
  if not value.requires_grad then t:refuse(f, came, "a loss made of the prediction by ops") end
  value:backward()
  local g = prediction.grad and prediction.grad:abs():summary()
  if not g or g.nonfinite == 0 and g.max == 0 then t:refuse(f, came, "a gradient that is not 0 off the goal") end
  if g.nonfinite > 0 then t:refuse(f, "the gradient of loss() is not finite", "a finite gradient") end
end

-- The value of a loss as a number; its operands must be as they were.
local function value_of(t, f, prediction, goal, cfg)
  local p, g = prediction:detach():clone(), goal:detach():clone()
  local value = core.no_grad(function() return t:one("loss", f, p, g, cfg) end)
  for name, pair in pairs { prediction = { p, prediction }, goal = { g, goal } } do
    if away(pair[1], pair[2]) > 0 then
      t:refuse(f, ("loss() wrote to its %s"):format(name),
        "operands as they were (a loss must not write to its operands)")
    end
  end
  if not core.is_tensor(value) or value:count() ~= 1 then
    t:refuse(f, ("loss() returned %s"):format(named(value)), "a scalar")
  end
  return t:number(f, "loss()", value:item())
end

local SMALL = 0.01   -- of a goal that is about 1

-- A loss is smallest where the prediction is its goal: small steps away, along the gradient there too, do not lower it.
local function smallest(t, f, goal, cfg)
  local least = value_of(t, f, goal, goal, cfg)
  local at = goal:detach():clone():track(true)
  local value = t:call("loss", f, at, goal, cfg)
  if value.requires_grad then value:backward() end
  local steps = { core.full(goal.shape, 1) }
  for i = 1, 3 do steps[#steps + 1] = t:normal(goal.shape, 10 + i) end
  local g = at.grad and at.grad:abs():summary()
  if g and g.nonfinite == 0 and g.max > 0 then steps[#steps + 1] = at.grad * (1 / g.max) end
  for _, step in ipairs(steps) do
    for _, size in ipairs { SMALL, -SMALL } do
      local moved = value_of(t, f, goal + step * size, goal, cfg)
      if moved < least - 1e-5 * math.max(math.abs(moved), math.abs(least)) then
        t:refuse(f, ("loss() of the goal itself is %.6g, and of a prediction beside it %.6g"):format(least, moved),
          "a loss that is smallest where the prediction is its goal (or the field inexact = true)")
      end
    end
  end
  t:kept "loss(): smallest where the prediction is its goal"
end

-- n, h, w and c are all different, so that what is turned round shows. A loss of one channel is tried on one.
local function shape_for(t, f, cfg)
  local h, w, c = t:size(16, 32, 2)
  local shape = { 3, h, w, c }
  if (t.choice.contract or {}).channels or pcall(value_of, t, f, t:normal(shape, 1), t:normal(shape, 2), cfg) then
    return shape
  end
  local single = { 3, h, w, 1 }
  return pcall(value_of, t, f, t:normal(single, 1), t:normal(single, 2), cfg) and single or shape
end

--- A loss: a finite scalar, least where the prediction is the goal, whose gradient reaches the prediction.
---@param t table       the trial (trial.lua)
---@param choice table  that is tried
---@param cfg table     its settings
function M.losses(t, choice, cfg)
  local f = choice.loss
  local shape = shape_for(t, f, cfg)
  local prediction, goal = t:normal(shape, 1), t:normal(shape, 2)
  value_of(t, f, prediction, goal, cfg)       -- first, for it sees what is written to the operands
  prediction:track(true)
  gradient(t, f, t:call("loss", f, prediction, goal, cfg), prediction)
  t:kept "loss(): a finite scalar whose gradient reaches the prediction"
  if not choice.inexact then smallest(t, f, goal, cfg) end
end

return M
