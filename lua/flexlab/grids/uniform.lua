--[[
uniform - t = 1, (n-1)/n, .., 1/n: equal steps of the schedule's own time. FLEX's.
--]]
return {
  doc = "equal steps in t: FLEX's, and DDIM's [Song et al. 2021]",
  times = function(n)
    local times = {}
    for i = 1, n do times[i] = (n - i + 1) / n end
    return times
  end,
}
