--[[
html - one page without anything outside it: style, charts and pictures are in the file.
--]]

local svg = require "flexlab.plot.svg"

local M = { escape = svg.escape }

local STYLE = [[
:root { --paper: #fff; --ink: #1d2129; --soft: #5d6673; --line: #e3e6ea; --tint: #f6f7f9; --accent: #2f7fc1; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14161a; --ink: #e4e7ec; --soft: #9aa4b2; --line: #2b3038; --tint: #1c2026; --accent: #6fb1e8; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.55;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 80px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -0.01em; }
h2 { font-size: 20px; margin: 44px 0 12px; padding-top: 20px; border-top: 1px solid var(--line); }
.subtitle { color: var(--soft); margin: 0 0 8px; }
p { max-width: 72ch; margin: 8px 0 14px; }
.note { color: var(--soft); font-size: 14px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 12px 0; }
th, td { padding: 7px 18px 7px 0; text-align: left; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; font-size: 14px; white-space: nowrap; }
th.number, td.number { text-align: right; padding: 7px 6px 7px 22px; }
th.number + th, td.number + td { padding-left: 22px; }
tr.strong td { font-weight: 650; color: var(--accent); }
.scroll { overflow-x: auto; }
.charts { display: flex; flex-wrap: wrap; gap: 20px; }
.charts figure { flex: 1 1 460px; max-width: 680px; }
figure { margin: 8px 0; }
figure svg { width: 100%; height: auto; display: block; }
figure img { width: 100%; max-width: max-content; height: auto; display: block;
  background: #fff; border: 1px solid var(--line); border-radius: 8px; }
figcaption { color: var(--soft); font-size: 14px; margin-top: 6px; }
details { margin: 10px 0; border: 1px solid var(--line); border-radius: 8px; background: var(--tint); }
summary { cursor: pointer; padding: 9px 14px; font-weight: 600; }
pre { margin: 0; padding: 4px 16px 14px; overflow-x: auto; font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 3px 22px; font-size: 14px; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; overflow-wrap: anywhere;
  font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 13px; }
]]

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- Base64 [RFC 4648, section 4].
---@param bytes string  of any content
---@return string
function M.base64(bytes)
  local letters, out = {}, {}
  for i = 1, 64 do letters[i - 1] = ALPHABET:sub(i, i) end
  for i = 1, #bytes, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local n = a << 16 | (b or 0) << 8 | (c or 0)
    out[#out + 1] = letters[n >> 18] .. letters[n >> 12 & 63]
      .. (b and letters[n >> 6 & 63] or "=") .. (c and letters[n & 63] or "=")
  end
  return table.concat(out)
end

--- A picture inside the page.
---@param png string          the bytes of a PNG
---@param alt string          what is read where it is not seen
---@param caption string|nil  below it
---@return string  markup
function M.image(png, alt, caption)
  return ('<figure><img alt="%s" src="data:image/png;base64,%s">%s</figure>'):format(M.escape(alt),
    M.base64(png), caption and "<figcaption>" .. M.escape(caption) .. "</figcaption>" or "")
end

--- Charts side by side where there is room.
---@param drawings any[]  drawings (plot/svg.lua), or SVG as text
---@return string  markup
function M.charts(drawings)
  local out = {}
  for i, drawing in ipairs(drawings) do
    out[i] = "<figure>" .. (type(drawing) == "string" and drawing or drawing:svg()) .. "</figure>"
  end
  return '<div class="charts">' .. table.concat(out) .. "</div>"
end

--- A text under a title that opens it.
---@param title string  what is seen
---@param text string   shown with its line breaks
---@return string  markup
function M.fold(title, text)
  return ("<details><summary>%s</summary><pre>%s</pre></details>"):format(M.escape(title), M.escape(text))
end

--- A list of names and values.
---@param facts table[]  each { name, value }
---@return string  markup
function M.facts(facts)
  local out = {}
  for i, fact in ipairs(facts) do
    out[i] = ("<dt>%s</dt><dd>%s</dd>"):format(M.escape(fact[1]), M.escape(fact[2]))
  end
  return '<dl class="facts">' .. table.concat(out, "\n") .. "</dl>"
end

--- Parts of a page under a heading.
---@param title string|nil  the heading
---@param ... string        markup
---@return string  markup
function M.section(title, ...)
  return (title and "<h2>" .. M.escape(title) .. "</h2>\n" or "") .. table.concat({ ... }, "\n")
end

--- The whole page.
---@param title string     of the page, also in the browser's tab
---@param subtitle string  below it
---@param body string[]    sections: markup
---@return string  HTML
function M.page(title, subtitle, body)
  return table.concat { '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
    '<meta name="color-scheme" content="light dark">\n<title>', M.escape(title), "</title>\n<style>\n",
    STYLE, "</style>\n</head>\n<body>\n<main>\n<h1>", M.escape(title), '</h1>\n<p class="subtitle">',
    M.escape(subtitle), "</p>\n", table.concat(body, "\n"), "\n</main>\n</body>\n</html>\n" }
end

return M
