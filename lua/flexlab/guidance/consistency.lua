--[[
consistency - the answer, coarsened, is the low field that was given, exactly: after every pass x0 += L(y -
A(base + x0)), where A is the degradation and L its `lift`, A(L(r)) = r. That is the projection onto the
fields that agree with y: orthogonal, since the lifts of block means and of samples are multiples of A's
transpose. eps follows from x_t [Wang et al. 2023, DDNM, without noise; Choi et al. 2021, ILVR].
--]]
local degraded = require "flexlab.data.degraded"

return {
  doc = "the coarsened answer is the given low field, exactly [Wang et al. 2023, DDNM]",
  guide = function(_, env)
    local predict, seen = env.predict, degraded.of(env, "consistency")
    if not seen.lift then
      error(("guidance 'consistency': degradation '%s' has no lift; subsampling and block means have one")
        :format(seen.name), 0)
    end
    return function(x, t)
      local x0 = predict(x, t)
      local alpha, sigma = env.coefficients(t)
      x0 = x0 + seen.lift(seen.low - seen.coarse(x0))
      return x0, (x - x0 * alpha) * (1 / sigma)
    end
  end,
}
