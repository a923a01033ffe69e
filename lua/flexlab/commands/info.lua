-- flexlab info - what this build is and what it found on this machine.
local core = require "flexlab.core"
local words = require "flexlab.text"

return {
  name = "info",
  doc = "version, processor, threads, libraries",
  options = { { name = "json", doc = "one line of JSON" } },
  run = function(values)
    local info = core.info()
    info.lua = info.lua or _VERSION
    if values.json then
      print(core.json.encode(info))
      return
    end
    for _, key in ipairs(words.keys(info)) do
      local value = info[key]
      if type(value) == "table" then value = table.concat(value, " ") end
      print(("%-10s %s"):format(key, tostring(value)))
    end
  end,
}
