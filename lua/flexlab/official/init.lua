--[[
official - the authors' checkpoints: names, layouts and what can be told from shapes.

Their weights are (O,I,kH,kW), ours (O,kH,kW,I); names agree. A checkpoint is { encoder, decoder,
superres_encoder, ema = { shadow_params } }; shadow_params is a list in the order of parameters() of
their DiffusionModel, which registers encoder, decoder, then the condition encoder, and has no buffers.
--]]
local core = require "flexlab.core"

local M = {}

local parts = { "encoder", "superres_encoder", "decoder" }

--- A weight in our layout, (O,I,kH,kW) -> (O,kH,kW,I); tensors of other than four axes are as they are.
---@param t flexlab.Tensor  in their layout
---@return flexlab.Tensor
function M.ours(t) return t.ndim == 4 and t:permute { 1, 3, 4, 2 } or t end
--- A weight in their layout, (O,kH,kW,I) -> (O,I,kH,kW); tensors of other than four axes are as they are.
---@param t flexlab.Tensor  in our layout
---@return flexlab.Tensor
function M.theirs(t) return t.ndim == 4 and t:permute { 1, 4, 2, 3 } or t end

--- Our name of an entry of a .pt or safetensors file ("encoder/a.b", "param/encoder.a.b",
--- "module.encoder.a.b"), or nil when it is no weight of the network.
---@param entry string  of the file
---@return string|nil
function M.name(entry)
  local name = entry:gsub("^param/", ""):gsub("^module%.", "")
  for _, part in ipairs { "encoder", "superres_encoder", "decoder", "condition_encoder" } do
    local rest = name:match("^" .. part .. "[./](.+)$")
    if rest and not rest:find("/", 1, true) then return part .. "." .. rest:gsub("^module%.", "") end
  end
end

--- The weights of a loaded archive: list of names, name -> tensor in their layout.
---@param file table  of core.io.load
---@return string[]
---@return table  tensors by name
function M.weights(file)
  local names, tensors = {}, {}
  for _, entry in ipairs(file.names) do
    local name = M.name(entry)
    if name then
      names[#names + 1] = name
      tensors[name] = file.tensors[entry]
    end
  end
  return names, tensors
end

local function same(a, b)
  if #a ~= #b then return false end
  for i = 1, #a do
    if a[i] ~= b[i] then return false end
  end
  return true
end

-- Trained names in an order of parts.
local function in_order(names, order)
  local list = {}
  for _, part in ipairs(order) do
    for _, name in ipairs(names) do
      if name:sub(1, #part + 1) == part .. "." and not name:find("MPFourier", 1, true) then
        list[#list + 1] = name
      end
    end
  end
  return list
end

--- Whether the file has averaged weights.
---@param file table  of core.io.load
---@return boolean
function M.has_averages(file) return file.tensors["ema/shadow_params/0"] ~= nil end

--- Replaces weights by their averages; raises when there are none or shapes do not tell which is which.
---@param file table      of core.io.load
---@param names string[]  of M.weights
---@param tensors table   of M.weights, in which averages replace them
function M.averaged(file, names, tensors)
  local shadow = {}
  while file.tensors["ema/shadow_params/" .. #shadow] do
    shadow[#shadow + 1] = file.tensors["ema/shadow_params/" .. #shadow]
  end
  if #shadow == 0 then error("the file has no averaged weights (ema/shadow_params)", 0) end
  for _, order in ipairs { { "encoder", "decoder", "superres_encoder" }, parts } do
    local list = in_order(names, order)
    local fits = #list == #shadow
    for i, name in ipairs(list) do fits = fits and same(tensors[name].shape, shadow[i].shape) end
    if fits then
      for i, name in ipairs(list) do tensors[name] = shadow[i] end
      return
    end
  end
  error(("the %d averaged weights do not match the %d weights of the file; raw (--raw) takes the final ones"):format(
    #shadow, #names), 0)
end

-- How much wider than a token the inner layer of the transformer blocks is: the ratio whose product is rounded to it.
local function mlp_ratio(tensors)
  local inner = tensors["encoder.mid_block.mlp.fc1.weight"]
  if not inner then error("the file does not hold a FLEX network (encoder.mid_block)", 0) end
  local ratio = inner.shape[1] / inner.shape[2]
  return math.floor(inner.shape[2] * ratio) == inner.shape[1] and ratio or (inner.shape[1] + 0.5) / inner.shape[2]
end

local function count(tensors, pattern)
  local n = 0
  while tensors[pattern:format(n)] do n = n + 1 end
  return n
end

-- Blocks per level: the decoder ends a level > 0 with an up block, output_blocks.<i>.1.
local function res_blocks(tensors)
  local list, run = {}, 0
  for i = 1, count(tensors, "decoder.output_blocks.%d.0.in_layers.0.weight") - 1 do
    run = run + 1
    if tensors[("decoder.output_blocks.%d.1.in_layers.0.weight"):format(i)] then
      table.insert(list, 1, run - 1)
      run = 0
    end
  end
  table.insert(list, 1, run - 1)
  return list
end

-- The heads of the size that has these channels, or nil: a file of weights does not tell them.
local function heads_of(channels)
  for _, size in ipairs(core.flex_sizes) do
    local preset = core.flex_preset(size)
    if table.concat(preset.channels, ",") == table.concat(channels, ",") then return preset.heads end
  end
end

--- The configuration that the shapes tell. What they do not: heads (the authors' for their sizes, else
--- 2), a field that is not square, what the network predicts; `options` may say.
---@param tensors table  by name
---@param options table  heads, height, width, predict, ...
---@return table
function M.config(tensors, options)
  local first = tensors["encoder.input_blocks.0.0.weight"]
  local positions = tensors["encoder.pos_embed"]
  local condition = tensors["superres_encoder.input_blocks.0.0.weight"]
  if not (first and positions and condition and tensors["decoder.norm.weight"]) then
    error("the file does not hold a FLEX network (encoder, superres_encoder and decoder)", 0)
  end
  local c = { kind = "flex", size = "", channels = {}, res_blocks = res_blocks(tensors) }
  local at = 0
  for level, blocks in ipairs(c.res_blocks) do
    at = at + blocks + 1
    local down = tensors[("encoder.input_blocks.%d.0.out_layers.3.weight"):format(at)]
    if not down then error("the blocks of the file's encoder and decoder do not match", 0) end
    c.channels[level] = down.shape[1]
  end
  c.depth = 2 * count(tensors, "encoder.tr_blocks.%d.norm1.weight") + 1     -- an even depth, one less, is the same
  c.mlp_ratio = mlp_ratio(tensors)
  c.heads = options.heads or heads_of(c.channels) or 2
  c.in_channels, c.cond_channels = first.shape[2], condition.shape[2]
  local side = math.floor(math.sqrt(positions.shape[2] - 1) + 0.5) << #c.channels
  c.height, c.width = options.height or side, options.width or side
  c.use_transf = tensors["superres_encoder.pos_embed"] ~= nil
  c.skip = tensors["decoder.tr_blocks.0.skip_linear.weight"] ~= nil
  c.predict, c.official = options.predict, options.predict ~= "v"
  return c
end

--- What a table, the authors' arguments or a model's settings, says of the fields of core.flex.
---@param said table  settings by name
---@return table
function M.fields(said)
  local fields = {}
  for _, field in ipairs(core.flex_fields) do fields[field.name] = said[field.name] end
  return fields
end

--- A core network with the weights, which proves that names and shapes fit.
---@param config table    of M.config
---@param names string[]  of M.weights
---@param tensors table   of M.weights
---@return flexlab.Flex
function M.check(config, names, tensors)
  local net = core.flex(M.fields(config))
  local wanted = {}
  for _, p in ipairs(net:parameters()) do
    wanted[p.name] = true
    local t = tensors[p.name]
    if not t then error("the file lacks the weight '" .. p.name .. "'", 0) end
    if not same(M.ours(t).shape, p.tensor.shape) then
      error(("the weight '%s' has shape (%s), (%s) was expected"):format(p.name,
        table.concat(t.shape, ","), table.concat(M.theirs(p.tensor).shape, ",")), 0)
    end
  end
  for _, name in ipairs(names) do
    if not wanted[name] then error("the file has a weight '" .. name .. "' that FLEX does not", 0) end
  end
  return net
end

return M
