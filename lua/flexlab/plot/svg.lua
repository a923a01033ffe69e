--[[
svg - a drawing as a list of SVG elements [W3C SVG 1.1]; coordinates in pixels, y downwards.

Lines and texts take the colour of the page around them (currentColor), so that a chart set
inline follows a dark page; on its own it is black on whatever the viewer shows.
In a text, `^` lifts the number that follows: "10^-3", "s^-1".
--]]

local core = require "flexlab.core"
local destination = require "flexlab.store.destination"

local Drawing = {}
Drawing.__index = Drawing

local M = {}

local names = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

--- A text as markup.
---@param text any  a text, or what tostring makes one of
---@return string
function M.escape(text) return (tostring(text):gsub('[&<>"]', names)) end

-- A coordinate with two decimals, and no trailing zeros.
local function number(v)
  return (string.format("%.2f", v):gsub("%.?0+$", ""):gsub("^%-0$", "0"))
end

local function attributes(t)
  local keys, out = {}, {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do
    local v = t[key]
    out[i] = string.format(' %s="%s"', key, type(v) == "number" and number(v) or M.escape(v))
  end
  return table.concat(out)
end

--- Appends <name attributes>inner</name>; inner is markup, or absent.
---@param name string       of the element
---@param t table           its attributes
---@param inner string|nil  markup
---@return table  self
function Drawing:element(name, t, inner)
  self[#self + 1] = inner and string.format("<%s%s>%s</%s>", name, attributes(t), inner, name)
    or string.format("<%s%s/>", name, attributes(t))
  return self
end

--- A straight line from (x1, y1) to (x2, y2), in pixels.
---@param x1 number        from the left
---@param y1 number        from the top
---@param x2 number        from the left
---@param y2 number        from the top
---@param style table|nil  { colour =, width =, opacity =, dash = "6 4" }
---@return table  self
function Drawing:line(x1, y1, x2, y2, style)
  style = style or {}
  return self:element("line", { x1 = x1, y1 = y1, x2 = x2, y2 = y2,
    stroke = style.colour or "currentColor", ["stroke-width"] = style.width or 1,
    ["stroke-opacity"] = style.opacity, ["stroke-dasharray"] = style.dash })
end

--- A disc.
---@param x number       of its middle, pixels from the left
---@param y number       of its middle, pixels from the top
---@param radius number  pixels
---@param style table    { colour =, opacity =, tip = (a text that a pointer shows) }
---@return table  self
function Drawing:circle(x, y, radius, style)
  return self:element("circle", { cx = x, cy = y, r = radius, fill = style.colour,
    ["fill-opacity"] = style.opacity }, style.tip and "<title>" .. M.escape(style.tip) .. "</title>")
end

local function lifted(text)
  return (M.escape(text):gsub("%^(%-?[%d.]+)", function(power)
    return string.format('<tspan dy="-0.45em" font-size="75%%">%s</tspan>'
      .. '<tspan dy="0.34em">&#8203;</tspan>', (power:gsub("^%-", "\u{2212}")))
  end))
end

--- A line of text.
---@param x number         pixels from the left
---@param y number         of its base line, pixels from the top
---@param text string      `^` lifts the number that follows
---@param style table|nil  { anchor = start, middle or end, size =, bold =, rotate = (degrees about the point), opacity
---  =, colour = }
---@return table  self
function Drawing:text(x, y, text, style)
  style = style or {}
  return self:element("text", { x = x, y = y, fill = style.colour or "currentColor",
    ["text-anchor"] = style.anchor, ["font-size"] = style.size or 12,
    ["font-weight"] = style.bold and "600" or nil, ["fill-opacity"] = style.opacity,
    transform = style.rotate and string.format("rotate(%s %s %s)", style.rotate, number(x),
      number(y)) or nil }, lifted(text))
end

--- A polyline through points {x1, y1, x2, y2, ...}; a NaN interrupts it.
---@param points number[]  {x1, y1, x2, y2, ...} in pixels
---@param style table      { colour =, width =, opacity =, dash = }
---@return table  self
function Drawing:path(points, style)
  local d, pen = {}, "M"
  for i = 1, #points, 2 do
    local x, y = points[i], points[i + 1]
    if x == x and y == y then
      d[#d + 1] = pen .. number(x) .. " " .. number(y)
      pen = "L"
    else
      pen = "M"
    end
  end
  if #d == 0 then return self end
  return self:element("path", { d = table.concat(d), fill = "none", stroke = style.colour,
    ["stroke-width"] = style.width or 1.8, ["stroke-opacity"] = style.opacity,
    ["stroke-dasharray"] = style.dash, ["stroke-linejoin"] = "round",
    ["stroke-linecap"] = "round" })
end

--- The drawing as one <svg> element.
---@return string
function Drawing:svg()
  return string.format('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" '
    .. 'height="%d" role="img" aria-label="%s" font-family="system-ui, -apple-system, '
    .. 'Segoe UI, Roboto, DejaVu Sans, sans-serif">\n%s\n</svg>\n', self.width, self.height,
    self.width, self.height, M.escape(self.label), table.concat(self, "\n"))
end

--- Writes the drawing; raises when the file cannot be written.
---@param path string  of the file
---@return table  self
function Drawing:save(path)
  assert(core.sys.write(destination.saved(path), self:svg()))
  return self
end

--- An empty drawing.
---@param width number      pixels
---@param height number     pixels
---@param label string|nil  what is read where the drawing is not seen; "chart"
---@return table  a drawing
function M.new(width, height, label)
  return setmetatable({ width = width, height = height, label = label or "chart" }, Drawing)
end

return M
