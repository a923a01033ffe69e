--[[
slopes - a slope chart: the arms of a study side by side, one line per seed, the mean on top.
Lines that run parallel say that the seeds agree about the arms, whatever their level. Arms whose names have no room
side by side are numbered and named below; numbers far apart get a logarithmic axis, lest one arm flatten the others.
--]]

local axis = require "flexlab.plot.axis"
local expected = require "flexlab.expected"
local frame = require "flexlab.plot.frame"
local stats = require "flexlab.stats"

local SLOT, FAR = 110, 50      -- pixels of an arm; the ratio of two numbers that are far apart

-- The names as they stand below the axis, and the lines that explain them where they are numbers.
local function labels_of(names)
  local wide, numbers, lines = false, {}, {}
  for i, name in ipairs(names) do
    wide = wide or frame.text_width(tostring(name), 12) > SLOT - 8
    numbers[i], lines[i] = tostring(i), ("%d  %s"):format(i, tostring(name))
  end
  if wide then return numbers, lines end
  return names, nil
end

-- Whether all numbers are above 0, and the largest is far above the least.
local function far_apart(lists)
  local least, most = math.huge, -math.huge
  for _, list in ipairs(lists) do
    for _, v in ipairs(list) do
      if v == v and math.abs(v) < math.huge then least, most = math.min(least, v), math.max(most, v) end
    end
  end
  return least > 0 and most > FAR * least
end

local function categories(names)
  local n = #names
  local result = { ticks = {}, bare = true }
  function result.at(i) return (i - 0.5) / n end
  for i, name in ipairs(names) do result.ticks[i] = { value = i, label = tostring(name) } end
  return result
end

-- The value of an arm for a seed, or nil where it has none.
local function value_of(column, seed)
  for i, own in ipairs(column.seeds) do
    if own == seed then return column[i] end
  end
end

-- One thin line and its dots for each seed; the dots tell seed and value on hover.
local function draw_seeds(drawing, place, pivot, names)
  local labels, seeds = pivot:blocks()
  for k, seed in ipairs(seeds) do
    local points, tips = {}, {}
    for i, name in ipairs(names) do
      local value = value_of(pivot[name], seed)
      if value then
        points[#points + 1], points[#points + 2] = place(i, value)
        tips[#tips + 1] = string.format("%s, %s: %.4g", name, labels[k], value)
      end
    end
    if #tips > 1 then drawing:path(points, { colour = frame.colour(1), width = 1.2, opacity = 0.45 }) end
    for i, tip in ipairs(tips) do
      drawing:circle(points[2 * i - 1], points[2 * i], 3.2, { colour = frame.colour(1), opacity = 0.8, tip = tip })
    end
  end
end

local function draw_means(drawing, place, pivot, names)
  for i, name in ipairs(names) do
    local mean = stats.mean(pivot[name])
    if mean == mean then
      local left, y = place(i - 0.2, mean)
      local right = place(i + 0.2, mean)
      drawing:line(left, y, right, y, { colour = frame.colour(2), width = 3.2 })
      drawing:text(right + 4, y + 4, string.format("%.3g", mean), { size = 11 })
    end
  end
end

--- The arms of a study side by side, one line per seed, the mean on top.
---@param pivot table        what runs:pivot returned
---@param options table|nil  { title =, label = (of the metric), log =, width =, height = }
---@return table  a drawing
return function(pivot, options)
  expected.known("plot.slopes", options, { "title", "label", "log", "width", "height" }, 2)
  options = options or {}
  local names, lists = pivot:arms(), {}
  for i, name in ipairs(names) do lists[i] = pivot[name] end
  local shown, below = labels_of(names)
  local log, label = options.log, options.label or pivot.metric
  if log == nil and far_apart(lists) then log, label = true, label .. " (logarithmic)" end
  local drawing, place = frame.new {
    title = options.title or pivot.metric .. " by " .. pivot.key,
    width = options.width or math.max(420, SLOT * #names + 100), height = options.height,
    legend = { { name = "mean", colour = frame.colour(2) }, { name = "one seed", colour = frame.colour(1) } },
    x = categories(shown), y = axis.fit(lists, { log = log }), below = below,
    x_label = pivot.key, y_label = label,
  }
  draw_seeds(drawing, place, pivot, names)
  draw_means(drawing, place, pivot, names)
  return drawing
end
