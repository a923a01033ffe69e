--[[
library - which FlexLab this is: recorded by every run, compared when a finished one is found.

  library.this() -> { version =, bytes =, hash = }      hash: its Lua files by their meaning, and its C sources
  library.is(saved) -> boolean                          whether another one, as a run recorded it, is this one
`bytes` is the hash of the same files as they are, which is made much faster than the tokens of all of them: files that
are equal need no lexer, and a comment in one of them makes no other FlexLab. Both are made
once in a process. The C sources count as bytes, by a hash that the build put into the core: a compiler or a
processor makes no other FlexLab, though it may make other last bits (env.txt names them).
--]]
local core = require "flexlab.core"
local loading = require "flexlab.loading"
local tokens = require "flexlab.origin.tokens"

local M = {}

-- Adds { name, text } of every Lua file below a folder, sorted.
local function collect(folder, relative, files)
  local names = core.sys.list(folder) or {}
  table.sort(names)
  for _, name in ipairs(names) do
    local path = folder .. "/" .. name
    if name:match("%.lua$") then
      files[#files + 1] = { relative .. name, core.sys.read(path) or "" }
    elseif core.sys.exists(path) == "folder" then
      collect(path, relative .. name .. "/", files)
    end
  end
  return files
end

-- The hash of our files, each as f(text).
local function hash_of(f)
  local lines = { "C " .. tostring(core.info().sources) }
  for _, file in ipairs(collect(loading.own_folder "flexlab", "", {})) do
    lines[#lines + 1] = file[1] .. " " .. f(file[2])
  end
  return core.sys.hash(table.concat(lines, "\n"))
end

local bytes, meaning

local function bytes_hash()
  bytes = bytes or hash_of(core.sys.hash)
  return bytes
end

local function meaning_hash()
  meaning = meaning or hash_of(tokens.meaning)
  return meaning
end

--- This FlexLab, as runs record it.
---@return table
function M.this()
  return { version = tostring(core.info().version), bytes = bytes_hash(), hash = meaning_hash() }
end

--- Whether what a run recorded is this FlexLab.
---@param saved any  what index.lua of a run has
---@return boolean
function M.is(saved)
  return type(saved) == "table" and saved.version == tostring(core.info().version)
    and (saved.bytes == bytes_hash() or saved.hash == meaning_hash())
end

return M
