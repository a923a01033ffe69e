--[[
ops - the op table and the kernel table, as the core has them.
--]]
local arguments = require "flexlab.commands.arguments"
local core = require "flexlab.core"
local help = require "flexlab.help"
local tabulate = require "flexlab.tabulate"
local terminal = require "flexlab.terminal"
local words = require "flexlab.words"

local function signature(op)
  local operands = {}
  for _, argument in ipairs(op.args) do
    if argument.default == nil and argument.kind:lower():find("tensor") then
      operands[#operands + 1] = argument.name
    end
  end
  return op.name .. "(" .. table.concat(operands, ", ") .. ")"
end

local function explain(name)
  local op = help.find_op(name)
  if op then
    terminal.write(help.op_page(op))
    return
  end
  local known = {}
  for _, entry in ipairs(core.ops) do known[#known + 1] = entry.name end
  arguments.wrong("ops: there is no op '%s'; %s", name, words.hint(name, known))
end

return {
  name = "ops",
  doc = "list the ops and the backends that compute them",
  arguments = { { name = "name", optional = true, takes = { "op" },
    doc = "op whose arguments and options are shown" } },
  options = { { name = "kernels", doc = "list the kernels and the backends that have them" } },
  run = function(values)
    if values.name then return explain(values.name) end
    if values.kernels then
      local t = tabulate { "kernel", "ref", "cpu", "cuda" }
      for _, k in ipairs(core.kernels) do
        t:row { k.name, "yes", k.cpu and "yes" or "ref", k.cuda and "yes" or "-" }
      end
      t:print()
      return
    end
    local t = tabulate { "op", "what it does" }
    for _, op in ipairs(core.ops) do t:row { signature(op), op.doc } end
    t:print()
  end,
}
