--[[
frame - the empty chart: title, legend, grid, ticks, labels. Returns the drawing and `place`,
which turns a pair of values into pixels. The legend stands above the axes, never on the data.
--]]

local svg = require "flexlab.plot.svg"

local M = {}

-- Mid-tones that read on white and on black, and apart for colour-blind eyes [after Okabe & Ito 2008].
M.colours = { "#2f7fc1", "#e0772b", "#2a9d73", "#b653a6", "#c9a300", "#d1495b", "#5aa9e6", "#7a7f87" }

local function colour(i) return M.colours[(i - 1) % #M.colours + 1] end
M.colour = colour

-- About the width of a text in pixels; system fonts differ by some 5 %.
local function text_width(text, size)
  text = text:gsub("%^", "")
  return (utf8.len(text) or #text) * size * 0.57
end

M.text_width = text_width

-- Positions of legend entries, broken into lines. Returns the entries and the number of lines.
local function legend_layout(entries, width)
  local x, row, placed = 0, 0, {}
  for i, entry in ipairs(entries) do
    local w = 30 + text_width(entry.name, 12) + 16
    if x > 0 and x + w > width then x, row = 0, row + 1 end
    placed[i] = { entry = entry, x = x, row = row }
    x = x + w
  end
  return placed, #entries > 0 and row + 1 or 0
end

local function draw_legend(d, placed, left, top)
  for i, p in ipairs(placed) do
    local x, y = left + p.x, top + 18 * p.row
    d:line(x, y - 4, x + 22, y - 4, { colour = p.entry.colour or colour(i), width = 3,
      dash = p.entry.dash })
    d:text(x + 28, y, p.entry.name)
  end
end

local function draw_y(d, box, axis, label)
  for _, tick in ipairs(axis.ticks) do
    local y = box.bottom - axis.at(tick.value) * (box.bottom - box.top)
    d:line(box.left, y, box.right, y, { opacity = tick.label and 0.16 or 0.06 })
    if tick.label then d:text(box.left - 8, y + 4, tick.label, { anchor = "end" }) end
  end
  d:text(18, (box.top + box.bottom) / 2, label, { anchor = "middle", rotate = -90, opacity = 0.85 })
end

local function draw_x(d, box, axis, label)
  for _, tick in ipairs(axis.ticks) do
    local x = box.left + axis.at(tick.value) * (box.right - box.left)
    if not axis.bare then
      d:line(x, box.top, x, box.bottom, { opacity = tick.label and 0.16 or 0.06 })
    end
    if tick.label then d:text(x, box.bottom + 18, tick.label, { anchor = "middle" }) end
  end
  d:line(box.left, box.bottom, box.right, box.bottom, { opacity = 0.6 })
  d:text((box.left + box.right) / 2, box.bottom + 40, label, { anchor = "middle", opacity = 0.85 })
end

-- A width in which every text has room: entries of the legend, lines below the chart, the title.
local function roomy(width, left, options)
  for _, entry in ipairs(options.legend or {}) do width = math.max(width, left + 66 + text_width(entry.name, 12)) end
  for _, text in ipairs(options.below or {}) do width = math.max(width, left + 20 + text_width(text, 12)) end
  return math.ceil(math.max(width, left + 20 + text_width(options.title or "", 14)))
end

--- An empty chart, made wider where a text needs it.
---@param options table  title, width, height (pixels), legend = {{name=, colour=, dash=}}, x = axis, y = axis, x_label,
---  y_label (with the unit), below = lines of text under the chart
---@return table  a drawing
---@return function  (x, y) -> pixels from the left, pixels from the top
function M.new(options)
  local widest, below = 0, options.below or {}
  for _, tick in ipairs(options.y.ticks) do
    widest = math.max(widest, tick.label and text_width(tick.label, 12) or 0)
  end
  local left = math.ceil(46 + widest)
  local width, height = roomy(options.width or 640, left, options), (options.height or 400) + 18 * #below
  local d = svg.new(width, height, options.title or options.y_label)
  local placed, rows = legend_layout(options.legend or {}, width - left - 20)
  local top = (options.title and 36 or 14) + (rows > 0 and 18 * rows + 6 or 0)
  local box = { left = left, right = width - 20, top = top, bottom = height - 54 - 18 * #below }
  if options.title then d:text(left, 22, options.title, { size = 14, bold = true }) end
  draw_legend(d, placed, left, options.title and 46 or 20)
  draw_y(d, box, options.y, options.y_label or "")
  draw_x(d, box, options.x, options.x_label or "")
  for i, text in ipairs(below) do d:text(left, box.bottom + 44 + 18 * i, text) end
  return d, function(x, y)
    return box.left + options.x.at(x) * (box.right - box.left),
      box.bottom - options.y.at(y) * (box.bottom - box.top)
  end
end

return M
