--[[
page - docs/reference.md as one string, made from the tables that the program itself works with.
--]]
local arguments = require "flexlab.commands.arguments"
local choices = require "flexlab.choices"
local commands = require "flexlab.commands"
local core = require "flexlab.core"
local flex = require "flexlab"
local literal = require "flexlab.literal"
local settings = require "flexlab.settings"
local sources = require "tools.reference.sources"
local words = require "flexlab.words"

local function cell(text) return (tostring(text):gsub("|", "\\|"):gsub("\n", " ")) end

local function row(out, ...)
  local cells = table.pack(...)
  for i = 1, cells.n do cells[i] = cell(cells[i]) end
  out[#out + 1] = "| " .. table.concat(cells, " | ") .. " |"
end

local function heading(out, ...)
  row(out, ...)
  out[#out + 1] = "|" .. ("---|"):rep(select("#", ...))
end

local function add(out, ...)
  for _, line in ipairs { ... } do out[#out + 1] = line end
end

-- A default as a recipe would write it.
local function value(v)
  if getmetatable(v) and v.type then return v.type .. " or absent" end
  return (literal.encode(v):gsub("%s+", " "))
end

local function defaults(list)
  local parts = {}
  for _, key in ipairs(words.keys(list)) do parts[#parts + 1] = key .. " = " .. value(list[key]) end
  return table.concat(parts, ", ")
end

local function code(text) return text == "" and "" or "`" .. text .. "`" end

-- The settings of a choice, with what each takes: `eta = 0` (number 0..1).
local function own_settings(list)
  local parts = {}
  if rawequal(list, settings.of("model").defaults) then return "[settings.model](#settingsmodel)" end
  for i, entry in ipairs(settings.entries(list)) do
    local takes = entry[1] and (" (%s)"):format(settings.takes(entry)) or ""
    parts[i] = code(entry.name .. " = " .. value(entry.default)) .. takes
  end
  return table.concat(parts, ", ")
end

local function commands_part(out)
  add(out, "## Commands", "", "Exit codes: 0 done, 1 failed at work, 2 wrong use; 128 and"
    .. " the number of the signal where a signal ended it (Ctrl-C: 130).")
  for _, name in ipairs(commands.names) do
    add(out, "", "### flexlab " .. name, "```", (arguments.help(commands.find(name)):gsub("%s+$", "")), "```")
  end
end

local function choices_part(out)
  add(out, "", "## Choices", "", "Words that a recipe may use. `flex.<kind>()` lists them, `flex.<kind>.<word>` is"
    .. " the choice, `flex.<kind>.define` adds one; what a kind must have is in"
    .. " [extending](extending.md).")
  for _, kind in ipairs(words.keys(choices.kinds)) do
    local registry = choices.registry(kind)
    add(out, "", ("### flex.%s"):format(kind == "optimizers" and "optim" or kind), "")
    heading(out, "word", "what it is", "its settings")
    for _, name in ipairs(registry()) do
      row(out, code(name), registry[name].doc, own_settings(registry[name].defaults))
    end
  end
end

local function settings_part(out)
  add(out, "", "## Settings", "", "What a section of a configuration may hold, declared in lua/flexlab/settings. A"
    .. " section written as `flex.settings.train { ... }` accepts all of its table; a plain one what it names."
    .. " A choice's own settings (`train.beta1`, `eval.eta`) are beside these where the section names that choice, and"
    .. " in `model.<choice>_options`.")
  for _, name in ipairs { "data", table.unpack(settings.names) } do
    local declared = settings.of(name)
    add(out, "", "### settings." .. name, "", declared.doc .. (name ~= "data" and declared.entry.file
      and ", and all of settings.data" or "") .. ".", "")
    heading(out, "setting", "takes", "default", "meaning")
    for _, entry in ipairs(declared.list) do
      if declared.added[entry.name] ~= nil and not entry.internal then
        row(out, code(entry.name), settings.takes(entry), code(value(entry.default)), entry.doc)
      end
    end
  end
end

local function module_path(name)
  return assert(package.searchpath("flexlab." .. name, package.path), name)
end

-- Functions of a module whose table is `flex.<part>`; methods are shown on an object of that name.
local function library_function(out, part, field, f)
  local call
  if f.owner ~= "M" then
    call = f.owner:lower() .. f.sign .. f.name
  elseif field then
    call = f.name == field and "flex." .. part
  else
    call = ("flex.%s.%s"):format(part, f.name)
  end
  if not call then return end
  local function said(text)     -- in its file the module is M
    return (text:gsub("%f[%w_]M%.", f.module and f.module .. "." or field and "" or "flex." .. part .. "."))
  end
  add(out, ("- `%s%s` %s"):format(call, f.arguments, said(f.doc)))
  for _, p in ipairs(f.params) do add(out, ("  - `%s` (`%s`): %s"):format(p.name, p.type, said(p.text))) end
  for _, r in ipairs(f.results) do
    add(out, ("  - returns `%s`%s"):format(r.type, r.text ~= "" and ": " .. said(r.text) or ""))
  end
end

-- Functions that a module hands on: flex.diffusion.sample is diffusion/sampling.lua's.
local function handed_on(out, part, module, listed)
  local loaded, known = require("flexlab." .. module), {}
  for _, f in ipairs(listed) do known[f.name] = true end
  local by_value = sources.by_value()
  for _, name in ipairs(type(loaded) == "table" and words.keys(loaded) or {}) do
    local f = not known[name] and by_value[rawget(loaded, name)]
    if f then
      library_function(out, part, nil, { owner = "M", name = name, arguments = f.arguments, doc = f.doc,
        params = f.params, results = f.results, module = f.module })
    end
  end
end

-- The settings that a module takes, where it has a table of defaults.
local function settings_of(out, module, field)
  local loaded = require("flexlab." .. module)
  local list = not field and type(loaded) == "table" and rawget(loaded, "defaults")
  if not list or not next(list) then return end
  for _, name in ipairs { "data", table.unpack(settings.names) } do
    if rawequal(list, settings.of(name).defaults) then
      add(out, ("- settings: [settings.%s](#settings%s)"):format(name, name))
      return
    end
  end
  add(out, "- settings: `" .. defaults(list) .. "`")
end

local function library_part(out)
  add(out, "", "## The library", "", "`local flex = require \"flexlab\"`; parts load when first named.")
  local parts = getmetatable(flex).parts
  for _, part in ipairs(words.keys(parts)) do
    local module, field = parts[part][1], parts[part][2]
    local library = sources.library(module_path(module))
    add(out, "", "### flex." .. part, "", library.title, "")
    if library.example ~= "" then
      add(out, "```lua", (library.example:gsub("^  ", ""):gsub("\n  ", "\n")), "```", "")
    end
    for _, f in ipairs(library.functions) do library_function(out, part, field, f) end
    if not field then handed_on(out, part, module, library.functions) end
    settings_of(out, module, field)
    if out[#out] == "" then out[#out] = nil end
  end
end

local function signature(f)
  local names = {}
  for i, p in ipairs(f.params) do names[i] = p.optional and "[" .. p.name .. "]" or p.name end
  return f.name .. "(" .. table.concat(names, ", ") .. ")"
end

local prefixes = { ["flexlab.core"] = "flex.", ["flexlab.Tensor"] = "t:", ["flexlab.Flex"] = "net:",
  ["flexlab.FieldWriter"] = "writer:", ["flexlab.Module"] = "layer:" }

local function prefix(holder)
  local class = holder:match "^flexlab%.(%u%w*)$"
  return prefixes[holder] or (class and class:lower() .. ":") or holder:gsub("^flexlab%.core", "core") .. "."
end

local function manual_part(out)
  add(out, "", "## The core", "", "`flexlab.core` is the C module, and `flex.x` is `core.x`. A mistake in a call"
    .. " raises an error that names the caller's line; files and the system give nil and a message. Options come in a"
    .. " last table. An option, method, property or key's field that does not exist raises an error with the nearest"
    .. " name. Indices count from 1, both ends of a range included, and negative ones from the end; so do axes.",
    "`core.ops`, `core.kernels`, `core.streams`, `core.metrics.list`, `core.flex_fields` and `core.flow_options` are"
    .. " the tables from which the rest of this page is made.")
  for _, section in ipairs(sources.manual()) do
    add(out, "", "### " .. section.title, "")
    if section.about then add(out, section.about, "") end
    heading(out, "name", "types", "what it does")
    for _, field in ipairs(section.fields) do
      row(out, code(prefix(section.holder):gsub(":$", ".") .. field.name), code(field.type), field.doc)
    end
    for _, f in ipairs(section.functions) do
      local types = {}
      for i, p in ipairs(f.params) do types[i] = p.type end
      row(out, code(prefix(section.holder) .. signature(f)),
        code(table.concat(types, ", ") .. (f.result and " -> " .. f.result or "")), f.doc)
    end
  end
end

-- What a row of a list of options takes: "whole number 0..1024".
local function option_takes(o)
  if o.kind == "choice" then return (o.words:gsub("|", ", ")) end
  local kinds = { size = "whole number", sizes = "list of whole numbers", seed = "whole number", number = "number",
    numbers = "list of numbers", flag = "true, false" }
  local range = o.least and (o.most and (" %d..%d"):format(o.least, o.most)
    or (" >=%g, <%g"):format(o.least, o.below)) or ""
  return kinds[o.kind] .. range
end

-- A list of options of the core; `last`: the title of a last column, and what it says of a row.
local function options_part(out, title, introduction, rows, last)
  local columns = { "option", "takes", "default", "setting", "meaning", last and last[1] }
  add(out, "", "### " .. title, "", introduction, "")
  heading(out, table.unpack(columns))
  for _, o in ipairs(rows) do
    local cells = { code(o.name), option_takes(o), o.default ~= nil and code(value(o.default)) or "",
      o.setting == "-" and "" or code(o.setting), o.doc, last and o[last[2]] }
    row(out, table.unpack(cells, 1, #columns))
  end
end

local function lists_part(out)
  options_part(out, "The configuration of FLEX", "What `core.flex` takes and a checkpoint's text `network` says"
    .. " (`core.flex_fields`, csrc/model/flex_fields.def). Channels and blocks, depth and heads are those of a `size`,"
    .. " if one is given. `setting` is what decides it in a recipe. `since` is the version of checkpoints that have it;"
    .. (" this FlexLab writes version %d."):format(core.flex_version), core.flex_fields, { "since", "since" })
  options_part(out, "The options of a flow", "What `core.flow` takes (`core.flow_options`, csrc/sim/flow_options.def)."
    .. " `setting` is what decides it in `flexlab generate`; `forcing=ring` counts with that forcing alone.",
    core.flow_options)
end

-- "conv2d(x, w, [b], { stride = 1 })", and the shapes and words that the call does not show.
local function call_of(op)
  local operands, options, notes = {}, {}, {}
  for _, a in ipairs(op.args) do
    if a.kind:find "tensor" then
      operands[#operands + 1] = a.kind == "optional tensor" and "[" .. a.name .. "]" or a.name
      notes[#notes + 1] = a.name .. " " .. a.text .. (a.kind:find "without" and ", no gradient" or "")
    else
      local default = a.default ~= nil and value(a.default) or a.kind == "key" and "key" or "{...}"
      options[#options + 1] = a.name .. " = " .. default
      if a.kind == "choice" then notes[#notes + 1] = a.name .. ": " .. a.text:gsub("|", ", ") end
    end
  end
  if #options > 0 then operands[#operands + 1] = "{ " .. table.concat(options, ", ") .. " }" end
  return ("%s(%s)"):format(op.name, table.concat(operands, ", ")), table.concat(notes, "; ")
end

local function ops_part(out)
  add(out, "", "## Ops", "", "`flex.op(x, ..., { options })` and `x:op(..., { options })` are the same; in"
    .. " [brackets] what may be left out. An op whose only option is a list takes it bare: `x:sum{2, 3}`."
    .. " Numbers may stand for one operand of add, sub, mul, div, maximum and minimum; `+ - * / ^` and unary `-`"
    .. " are ops too. All give gradients.")
  for _, op in ipairs(core.ops) do
    local call, notes = call_of(op)
    add(out, "", "### " .. op.name, "", ("`%s` -> %s"):format(call, op.result), "", op.doc .. " " .. notes .. ".")
  end
end

local function tables_part(out)
  add(out, "", "## Kernels", "", "Who computes: a backend that has no function of its own runs the reference.", "")
  heading(out, "kernel", "ref", "cpu", "cuda")
  for _, k in ipairs(core.kernels) do
    row(out, k.name, "yes", k.cpu and "yes" or "ref", k.cuda and "yes" or "")
  end
  add(out, "", "## Metrics", "",
    "Of a pair: `core.metrics.<name>(prediction, truth)`: (N,H,W,C) twice -> (N), one number a sample. Of an"
    .. " ensemble: `core.metrics.<name>(members, truth)`: (M,H,W,C) and (1,H,W,C) -> (1).", "")
  heading(out, "metric", "of", "unit", "better", "definition")
  for _, m in ipairs(core.metrics.list) do row(out, m.name, m.takes, m.unit, m.better, m.doc) end
  add(out, "", "## Streams of random numbers", "", "A key `{ seed =, stream =, sample =, member =, step = }` is an"
    .. " address: the same key gives the same numbers in any order, batch, thread or process.", "")
  heading(out, "stream", "what for")
  for _, s in ipairs(core.streams) do row(out, s.name, s.doc) end
end

--- The whole page.
return function()
  local out = { "# Reference", "", "Made from the tables of the program by `make docs`; a change here would be lost."
    .. " What it all means is in the [tutorial](tutorial.md) and in [design](design.md).", "" }
  commands_part(out)
  choices_part(out)
  settings_part(out)
  library_part(out)
  manual_part(out)
  lists_part(out)
  ops_part(out)
  tables_part(out)
  return table.concat(out, "\n") .. "\n"
end
