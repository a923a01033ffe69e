--[[
stubs - lua/flexlab.d.lua as one string: what the Lua language server must know of the core, which is C,
and of `flex`, whose parts load when first named. Everything else it reads in lua/flexlab itself.
--]]
local choices = require "flexlab.choices"
local core = require "flexlab.core"
local flex = require "flexlab"
local sources = require "tools.reference.sources"
local words = require "flexlab.words"

local head = [[
---@meta flexlab
-- Made from the tables of the program by `make docs`; a change here would be lost.

---@alias flexlab.dtype "f32"|"f64"|"bf16"|"f16"

---@class flexlab.Key
---@field seed? integer
---@field stream? %s
---@field sample? integer
---@field member? integer
---@field step? integer

---@alias flexlab.FlexSize %s

---@class flexlab.Features
---@field head flexlab.Tensor
---@field skips flexlab.Tensor[]
---@field tokens? boolean

---@class flexlab.Choice
---@field name string
---@field kind string
---@field doc string
---@field defaults table
]]

local calls = {
  ["flexlab.Module"] = "---@overload fun(x: flexlab.Tensor, ...: flexlab.Tensor): flexlab.Tensor",
  ["flexlab.Tensor"] = [[
---@operator add(flexlab.Tensor|number): flexlab.Tensor
---@operator sub(flexlab.Tensor|number): flexlab.Tensor
---@operator mul(flexlab.Tensor|number): flexlab.Tensor
---@operator div(flexlab.Tensor|number): flexlab.Tensor
---@operator pow(flexlab.Tensor|number): flexlab.Tensor
---@operator unm: flexlab.Tensor
---@operator len: integer
---@field [integer|table] flexlab.Tensor]],
}

local function add(out, ...)
  for _, line in ipairs { ... } do out[#out + 1] = line end
end

-- The local variable of a holder: flexlab.core.io is core.io, flexlab.Tensor is Tensor.
local function variable(holder) return (holder:gsub("^flexlab%.", "")) end

local function declare(out, section, declared)
  if not declared[section.holder] then
    declared[section.holder] = true
    add(out, "", "---@class " .. section.holder)
    for _, f in ipairs(section.fields) do add(out, ("---@field %s %s %s"):format(f.name, f.type, f.doc)) end
    if calls[section.holder] then add(out, calls[section.holder]) end
    local name = variable(section.holder)
    add(out, (name:find "%." and "" or "local ") .. name .. " = {}")
  end
end

local function declaration(out, f, call)
  local names = {}
  add(out, "", "--- " .. f.doc)
  for i, p in ipairs(f.params) do
    names[i] = p.name
    add(out, ("---@param %s%s %s"):format(p.name, p.optional and "?" or "", p.type))
  end
  if f.result then add(out, "---@return " .. f.result) end
  add(out, ("function %s(%s) end"):format(call, table.concat(names, ", ")))
end

local option_types = { int = "integer", number = "number", flag = "boolean", axis = "integer", start = "integer",
  axes = "integer[]", dims = "integer[]", key = "flexlab.Key" }

local function quoted(list) return '"' .. table.concat(list, '"|"') .. '"' end

-- An op as a function of the manual's form; `method`: without its first operand.
local function function_of(op, method)
  local f = { doc = op.doc .. " -> " .. op.result, params = {}, result = "flexlab.Tensor" }
  local fields, list, needed = {}, nil, false
  for i, a in ipairs(op.args) do
    if a.kind:find "tensor" then
      if not (method and i == 1) then
        f.params[#f.params + 1] = { name = a.name, type = "flexlab.Tensor", optional = a.kind:find "optional" ~= nil }
      end
    else
      local kind = option_types[a.kind] or quoted { a.text:gsub("|", '"|"') .. "" }
      fields[#fields + 1] = ("%s%s: %s"):format(a.name, a.kind == "key" and "" or "?", kind)
      list, needed = a.kind == "dims" or a.kind == "axes", needed or a.kind == "key"
    end
  end
  if #fields > 0 then
    local kind = "{ " .. table.concat(fields, ", ") .. " }" .. (#fields == 1 and list and "|integer[]" or "")
    f.params[#f.params + 1] = { name = "options", type = kind, optional = not needed }
  end
  return f
end

local row_types = { size = "integer", seed = "integer", number = "number", flag = "boolean", sizes = "integer[]",
  numbers = "number[]" }

-- A list of options of the core (core.flex_fields) as a class, with `more` fields.
local function options_class(out, name, rows, more)
  add(out, "", "---@class flexlab." .. name)
  for _, row in ipairs(rows) do
    local kind = row_types[row.kind] or quoted { row.words:gsub("|", '"|"') .. "" }
    add(out, ("---@field %s? %s %s"):format(row.name, kind, row.doc))
  end
  for _, line in ipairs(more) do add(out, "---@field " .. line) end
end

local function core_part(out)
  local declared = {}
  for _, section in ipairs(sources.manual()) do
    declare(out, section, declared)
    local sign = section.holder:find "^flexlab%.core" and "." or ":"
    for _, f in ipairs(section.functions) do
      declaration(out, f, variable(section.holder) .. sign .. f.name)
    end
  end
  for _, op in ipairs(core.ops) do
    declaration(out, function_of(op), "core." .. op.name)
    declaration(out, function_of(op, true), "Tensor:" .. op.name)
  end
  for _, m in ipairs(core.metrics.list) do
    local takes = m.takes == "pair" and "prediction: flexlab.Tensor, truth: flexlab.Tensor"
      or "members: flexlab.Tensor, truth: flexlab.Tensor, key?: flexlab.Key"
    declaration(out, sources.parse(("%s(%s): flexlab.Tensor -- %s"):format(m.name, takes, m.doc)),
      "core.metrics." .. m.name)
  end
end

local function flex_part(out)
  for _, kind in ipairs(words.keys(choices.kinds)) do
    add(out, "", "---@class flexlab." .. kind, "---@overload fun(): string[]",
      "---@field define fun(name: string, choice: table|nil): table|nil")
    for _, name in ipairs(choices.registry(kind)()) do
      add(out, ("---@field %s flexlab.Choice %s"):format(name, choices.registry(kind)[name].doc))
    end
  end
  add(out, "", "---@class flexlab: flexlab.core", "local flex = {}", "flex.core = core")
  local parts = getmetatable(flex).parts
  for _, part in ipairs(words.keys(parts)) do
    local module, field = parts[part][1], parts[part][2]
    add(out, ('flex.%s = require("flexlab.%s")%s'):format(part, module, field and "." .. field or ""))
  end
  for _, kind in ipairs(words.keys(choices.kinds)) do
    add(out, "---@type flexlab." .. kind, ("flex.%s = nil"):format(kind == "optimizers" and "optim" or kind))
  end
  add(out, "", "return flex")
end

--- The whole file.
return function()
  local streams = {}
  for i, s in ipairs(core.streams) do streams[i] = s.name end
  local out = { (head:format(quoted(streams), quoted(core.flex_sizes)):gsub("%s+$", "")) }
  options_class(out, "FlexConfig", core.flex_fields, { "size? flexlab.FlexSize preset of channels, res_blocks, depth"
    .. " and heads", "seed? integer seed of the initial weights" })
  options_class(out, "FlowOptions", core.flow_options, {})
  core_part(out)
  flex_part(out)
  return table.concat(out, "\n") .. "\n"
end
