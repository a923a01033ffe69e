--[[
must - what a call gave that answers `nil, message` where a file cannot be written; raises the message in its place,
without a position: it names the file, and the line that wrote it is no user's.
--]]
return function(ok, message, ...)
  if not ok then error(message or "a file could not be written", 0) end
  return ok, message, ...
end
