--[[
eval - the settings of sampling (flex.diffusion.sample). Those of the sampler, the time grid and the guidance stand
in their files and are given beside these.
Bounds: a member has 24 bits in the key of its noise (csrc/base/rng.h), so first_member + members fit into them;
members of one rollout step are numbered within 65536 (evaluation/rollout.lua); 1e5 steps are a hundred times
the longest chain in use, the 1000 steps of DDPM.
--]]
return {
  takes = { { key = "sampler", kind = "samplers" }, { key = "grid", kind = "grids", otherwise = "uniform" },
    { key = "guidance", kind = "guidance" } },
  doc = "sampling: flex.diffusion.sample",
  { "steps", 2, "integer", least = 1, most = 100000, doc = "number of reverse steps of the sampler" },
  { "members", 1, "integer", least = 1, most = 65535, doc = "number of ensemble members" },
  { "first_member", 1, "integer", least = 1, most = (1 << 24) - 65536, doc = "number of the first member" },
  { "sampler", "ddim", "word", kind = "samplers", doc = "sampler of the reverse steps" },
  { "grid", false, "false|word|numbers", kind = "grids", least = 0, most = 1,
    doc = "times of the steps: a grid, or falling times within [0, 1]; false: the sampler's" },
  { "guidance", "none", "word|words", kind = "guidance", joined = true, empty = true,
    doc = "guidance; several as \"a+b\"" },
  { "seed", false, "false|integer", least = 0, most = 1 << 53, doc = "seed of the noise; false: the run's" },
  { "tiling", false, "boolean|table", of = "tiling",
    doc = "sample fields larger than the network's in overlapping tiles: true, or { overlap = .., ... }" },
}
