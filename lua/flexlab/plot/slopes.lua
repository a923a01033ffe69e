-- slopes.lua - a slope chart: the arms of a study side by side, one line a seed, the mean on top.
-- Lines that run parallel say that the seeds agree about the arms, whatever their level.

local axis = require "flexlab.plot.axis"
local frame = require "flexlab.plot.frame"
local stats = require "flexlab.stats"

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

-- pivot: what runs:pivot returned; options: title, label (of the metric), log.
return function(pivot, options)
  options = options or {}
  local names, lists = pivot:arms(), {}
  for i, name in ipairs(names) do lists[i] = pivot[name] end
  local drawing, place = frame.new {
    title = options.title or pivot.metric .. " by " .. pivot.key,
    width = options.width or math.max(420, 110 * #names + 100), height = options.height,
    legend = { { name = "mean", colour = frame.colour(2) }, { name = "one seed", colour = frame.colour(1) } },
    x = categories(names), y = axis.fit(lists, { log = options.log }),
    x_label = pivot.key, y_label = options.label or pivot.metric,
  }
  draw_seeds(drawing, place, pivot, names)
  draw_means(drawing, place, pivot, names)
  return drawing
end
