--[[
roofline - the picture of docs/performance.md from one measurement of every kernel [Williams et al. 2009].

  flexlab bench kernels --model small --size 128 --batch 4 --json > kernels.json
  flexlab script tools/roofline.lua kernels.json docs/roofline.svg

Across: operations of the definition for each byte that a call must move at least (operands, results, gradients, each
once). Up: operations of the definition a second. A call lies below memory's slope and the peak of
multiply-adds; a convolution by Winograd's tiles has a peak of its own: 64 products for 324 on larger maps.
--]]
local axis = require "flexlab.plot.axis"
local core = require "flexlab.core"
local frame = require "flexlab.plot.frame"

local WINOGRAD = 324 / 64

-- Kinds of points: legend, op and another that counts as the same, part.
local kinds = {
  { name = "convolution forward", op = "fused_conv", part = "forward", colour = frame.colour(1) },
  { name = "convolution backward", op = "fused_conv", part = "backward", colour = frame.colour(2) },
  { name = "linear forward", op = "linear", same = "fused_linear", part = "forward", colour = frame.colour(3) },
  { name = "attention forward", op = "attention", part = "forward", colour = frame.colour(4) },
}

-- Every measured call of a kind as a point: x, y, and what it is.
local function points_of(rows)
  local list = {}
  for _, row in ipairs(rows) do
    for _, kind in ipairs(kinds) do
      local cell = (row.op == kind.op or row.op == kind.same) and row[kind.part]
      if cell and cell.gflops then
        list[#list + 1] = { kind = kind, x = cell.gflops * cell.ms * 1e6 / cell.bytes, y = cell.gflops,
          tip = ("%s, %s: %.3g ms, %.0f GFLOP/s"):format(row.shape, kind.part, cell.ms, cell.gflops) }
      end
    end
  end
  return list
end

-- A roof: memory's slope from the left edge up to `peak`, then level to the right edge.
local function draw_roof(drawing, place, machine, peak, left, right, dash)
  local corner = peak / machine.bandwidth
  local line = {}
  for _, x in ipairs { left, corner, right } do
    local px, py = place(x, math.min(peak, machine.bandwidth * x) / 1e9)
    line[#line + 1], line[#line + 2] = px, py
  end
  drawing:path(line, { colour = "currentColor", dash = dash, width = 1.6 })
  local px, py = place(corner, peak / 1e9)
  drawing:text(px - 8, py + 2, ("%.0f GFLOP/s"):format(peak / 1e9), { anchor = "end", size = 11 })
end

local function draw(measured)
  local machine, points = measured.machine, points_of(measured.rows)
  if #points == 0 then error("roofline: the measurement holds no convolution; run bench kernels without --op", 0) end
  local xs, ys = {}, { WINOGRAD * machine.all / 1e9 }
  for i, p in ipairs(points) do xs[i], ys[i + 1] = p.x, p.y end
  local x = axis.fit({ xs }, { log = true })
  local left, right = math.min(table.unpack(xs)), math.max(table.unpack(xs))
  local drawing, place = frame.new { title = "Every kernel of a training step against the machine", width = 720,
    height = 440, legend = kinds, x = x, y = axis.fit({ ys }, { log = true }),
    x_label = "operations of the definition a byte", y_label = "GFLOP/s, effective" }
  draw_roof(drawing, place, machine, machine.all, left, right)
  draw_roof(drawing, place, machine, WINOGRAD * machine.all, left, right, "6 4")
  for _, p in ipairs(points) do
    local px, py = place(p.x, p.y)
    drawing:circle(px, py, 4, { colour = p.kind.colour, opacity = 0.8, tip = p.tip })
  end
  return drawing
end

local from, to = arg[1], arg[2]
if not to then error("roofline: usage: flexlab script tools/roofline.lua KERNELS.json PICTURE.svg", 0) end
local text, message = core.sys.read(from)
if not text then error("roofline: " .. message, 0) end
local measured = core.json.decode(text)
if not measured.machine or not measured.rows then
  error(("roofline: %s holds no 'machine' and 'rows': it must come from flexlab bench kernels --json"):format(from), 0)
end
-- Shown by itself, a picture has no page to take its colour from: a grey that reads on white and on black.
local picture = draw(measured):svg():gsub("^<svg ", '<svg color="#6e7781" ')
assert(core.sys.write(to, picture))
print(to)
