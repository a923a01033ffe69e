--[[
rollout - the settings of a forecast fed with its own answers (flex.rollout.evaluate). Members and steps are numbered
within 65536 (evaluation/rollout.lua).
--]]
return {
  doc = "rollouts: flex.rollout.evaluate",
  { "length", 10, "integer", least = 1, most = 65535, doc = "steps of the rollout" },
  { "members", 1, "integer", least = 1, most = 65535, doc = "number of ensemble members" },
  { "steps", 2, "integer", least = 1, most = 100000, doc = "number of reverse steps of the sampler" },
  { "sampler", "ddim", "word", kind = "samplers", doc = "sampler of the reverse steps" },
  { "feedback", "member", "word", words = { "member", "mean" },
    doc = "what a next step starts from: member, the member's own forecast, or mean, that of all" },
  { "seed", false, "false|integer", least = 0, most = 1 << 53, doc = "seed of the noise; false: the run's" },
}
