--[[
must - what a call gave that answers `nil, message` where a file cannot be written; raises the message in its place,
without a position: it names the file, and the line that wrote it is no user's.
--]]
--- The results of such a call, if the first of them is true.
---@param ok any              first result of the call: nil or false if it failed
---@param message string|nil  why it failed
---@param ... any             its further results
---@return any  all of them
return function(ok, message, ...)
  if not ok then error(message or "a file could not be written", 0) end
  return ok, message, ...
end
