--[[
layers - docs/layers.svg as one string: the folders of csrc and of lua/flexlab as boxes, drawn from the two tables of
docs/design.md, which tests/layers.lua holds against the code. So the picture cannot say what the page does not.
--]]
local WIDTH, COLUMN, BOX, GAP, TOP = 920, 430, 26, 6, 84   -- pixels; COLUMN: width of a column of boxes
local LINE = 17                                            -- between two lines of a box
local LETTER, BOLD = 6.1, 8.2                              -- width of a letter of the small and the bold text, about

local function escaped(text) return (text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub("`", "")) end

-- The rows of a table of the page whose first column has this head: { name, text }.
local function rows(page, head)
  local list, inside = {}, false
  for line in (page .. "\n"):gmatch "(.-)\n" do
    local first, second = line:match "^| (.-) | (.-) |$"
    if first == head then
      inside = true
    elseif inside and first then
      list[#list + 1] = { first, second }
    elseif inside and not line:find "^|" then
      break
    end
  end
  return assert(#list > 8 and list, "docs/design.md has no table headed '" .. head .. "'")
end

-- What of a text fits behind a name: its first parts.
local function short(text, room)
  local fits = math.floor(room / LETTER)
  while #text > fits do
    local cut = text:match "^(.*)[,;:]" or text:match "^(.*) %S*$"
    if not cut then return "" end
    text = cut
  end
  return text
end

-- A list of names in lines that fit into a box.
local function lines_of(name)
  local lines = { "" }
  for word in name:gmatch "%S+" do
    if #lines[#lines] + #word > (COLUMN - 20) / BOLD then lines[#lines + 1] = "" end
    lines[#lines] = lines[#lines] .. (lines[#lines] == "" and "" or " ") .. word
  end
  return lines
end

-- Draws a folder at (x, y); returns the height of its box.
local function box(out, x, y, name, text, colour)
  local lines = lines_of(name)
  local height = BOX + (#lines - 1) * LINE
  out[#out + 1] = ('<rect x="%d" y="%d" width="%d" height="%d" rx="4" fill="%s" fill-opacity=".16" stroke="%s"/>')
    :format(x, y, COLUMN, height, colour, colour)
  for i, line in ipairs(lines) do
    local behind = i == #lines and short(text, COLUMN - 28 - #line * BOLD) or ""
    out[#out + 1] = ('<text x="%d" y="%d"><tspan font-weight="600">%s</tspan><tspan dx="8" font-size="11">%s</tspan>'
      .. '</text>'):format(x + 10, y + 17 + (i - 1) * LINE, escaped(line), escaped(behind))
  end
  return height
end

local function title(out, x, text, note)
  out[#out + 1] = ('<text x="%d" y="%d" font-size="15" font-weight="600">%s</text>'):format(x, TOP - 26, text)
  out[#out + 1] = ('<text x="%d" y="%d" font-size="11">%s</text>'):format(x, TOP - 10, note)
end

local head = [[
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img"
  aria-label="Recipes call lua/flexlab, which calls the folders of csrc; each of these knows only those below it"
  font-family="system-ui, -apple-system, Segoe UI, Roboto, DejaVu Sans, sans-serif" font-size="13" fill="#57606a">
<style>@media (prefers-color-scheme: dark) { svg { fill: #9aa5b1 } }</style>
<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
<path d="M0 0L8 4L0 8z" fill="#6e7781"/></marker></defs>
<rect x="10" y="8" width="%d" height="28" rx="4" fill="#2da44e" fill-opacity=".16" stroke="#2da44e"/>
<text x="20" y="26"><tspan font-weight="600">yours</tspan><tspan dx="8" font-size="11">]]
  .. [[recipes; choices in flexlab/KIND/WORD.lua; the same functions as the library's own</tspan></text>]]

--- The whole picture.
return function()
  local file = assert(io.open "docs/design.md")
  local page = file:read "a"
  file:close()
  local lua, c = rows(page, "files and folders of lua/flexlab"), rows(page, "folder")
  local out, right, y, place = { "" }, WIDTH - COLUMN - 10, TOP, TOP
  title(out, 10, "lua/flexlab", "choice, order and bookkeeping; each row knows only those below it")
  title(out, right, "csrc", "work for each pixel or parameter; each folder knows only those below it")
  for i = #lua, 1, -1 do y = y + box(out, 10, y, lua[i][1], lua[i][2], "#2f7fc1") + GAP end
  for i = #c, 1, -1 do
    if c[i][1] == "csrc/lua" then       -- all of Lua calls C through it
      out[#out + 1] = ('<path d="M%d %d h10 V%d h-10 M%d %d H%d" stroke="#6e7781" fill="none" marker-end="url(#a)"/>')
        :format(12 + COLUMN, TOP, y - GAP, 22 + COLUMN, place + BOX // 2, right - 2)
    end
    place = place + box(out, right, place, c[i][1], c[i][2], "#bf8700") + GAP
  end
  local height = math.max(y, place) + 4
  out[1] = head:format(WIDTH, height, WIDTH, height, WIDTH - 20)
  out[#out + 1] = "</svg>"
  return table.concat(out, "\n") .. "\n"
end
