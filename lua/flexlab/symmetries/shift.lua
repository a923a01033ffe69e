--[[
shift - patches begin anywhere on the torus and go on at the other side of the frame, so each pixel is drawn as
often as any other; without it those at the edges of a frame are drawn least.
--]]
return {
  doc = "patches anywhere on a periodic frame, across its edges too",
  shift = true,
  broken = function(file)
    if file.forcing == "kolmogorov" then return "its forcing depends on the place" end
    local word = file.reader.boundary
    if word == "periodic" then return nil end
    return (word and "its boundaries are " .. word or "it does not say that its boundaries are periodic")
      .. " (format = { ..., boundary = \"periodic\" } says so)"
  end,
}
