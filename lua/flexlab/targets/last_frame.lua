--[[
last_frame - target minus the last frame that is known, whatever the task's estimate is. The batch must
have one: a forecast's is the end of its condition, another task says `last` (N,H,W,C), normalised.
--]]
return {
  doc = "target minus the last known frame, as forecasts of FLEX [arXiv 2505.17351]",
  base = function(batch)
    if batch.last then return batch.last end
    if batch.task ~= "forecast" then
      error(("target 'last_frame': a batch of '%s' has no past frame; use target 'residual' or data.forecast")
        :format(tostring(batch.task)), 0)
    end
    local c, known = batch.estimate.shape[4], batch.lowres.shape[4]
    return batch.lowres:narrow { axis = 4, start = known - c + 1, length = c }
  end,
}
