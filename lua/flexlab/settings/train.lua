--[[
train - the settings of training: those of run:steps (steps, checkpoint) and of the optimiser (flex.optimizer). An
optimiser's own numbers (beta1, ...) stand in its file and are given beside these.
Bounds: 1e9 steps are twelve days at a millisecond each.
--]]
return {
  takes = { { key = "optimizer", kind = "optimizers" } },
  early = true,
  doc = "training: run:steps and flex.optimizer",
  { "steps", false, "false|integer", least = 0, most = 1e9,
    doc = "number of training steps, over which the learning rate falls; false: constant after the warm-up" },
  { "checkpoint", 100, "integer", least = 1, most = 1e9, doc = "number of steps between checkpoints (last.h5)" },
  { "keep", "all", "word", words = { "all", "ema" },
    doc = "content of last.h5 after the end: all, or ema, the averaged weights alone (a quarter of the bytes)" },
  { "optimizer", "adam", "word", kind = "optimizers", doc = "optimiser of the weights" },
  { "lr", 2e-4, "number", least = 0, most = 1e3, doc = "learning rate at the end of the warm-up" },
  { "warmup", 0, "integer", least = 0, most = 1e9,
    doc = "number of steps over which the learning rate rises from lr/warmup (the authors': from 0)" },
  { "cosine", true, "boolean", doc = "lower the learning rate along half a cosine; false: keep it constant" },
  { "clip", 1.0, "false|number", least = 0, most = 1e30, doc = "largest norm of the gradient; false or 0: no limit" },
  { "ema", 0.999, "false|number", least = 0, below = 1,
    doc = "decay of the moving average (EMA) of the weights; false or 0: none" },
  { "weight_decay", 0.0, "number", least = 0, most = 1e3, doc = "rate of weight decay (adamw: 0.01)" },
  { "from", false, "false|text", doc = "checkpoint or run folder whose weights to start from" },
}
