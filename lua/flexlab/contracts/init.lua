--[[
contracts - what choices promise, tried on tiny tensors: one file here for the kinds that belong together, found by kind
(trial.lua), and what users call.

  contracts.check(choice, settings, strict) -> list of what was found kept
  contracts.once(choice, settings)          the same when it is first used
  contracts.among(choice, values)           the same; its settings stand among others
  contracts.configuration(cfg, defaults)    every word of a resolved configuration
--]]
local chosen = require "flexlab.chosen"
local trial = require "flexlab.trial"

return { check = trial.check, once = trial.once, among = trial.among, guarded = trial.guarded, named = trial.named,
  configuration = chosen.try }
