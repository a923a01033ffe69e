--[[
arithmetic - how many floating-point operations a network's forward pass takes, counted from its
parameters: a weight (O,kH,kW,I) of a convolution that makes a map of h x w is used 2 h w O kH kW I times,
that of a linear layer 2 O I times a token. Norms, activations and attention's products of tokens are left
out (a few percent; flex-method section 2 counts FLEX-small likewise).

The map size of a layer is known from where it stands in FLEX: input blocks by the skips they make, output
blocks by the skips they take. Other networks give nil.
--]]
local M = {}

-- Height x width after input block i (from 0), by the shapes of the skips.
local function areas_of(net)
  local maps = {}
  for _, shape in ipairs(net:skip_shapes(1)) do
    if #shape == 4 then maps[#maps + 1] = { shape[2] * shape[3] } end
  end
  for i, map in ipairs(maps) do
    map.before = i > 1 and maps[i - 1][1] or map[1]     -- what the block reads
  end
  return maps
end

-- The two convolutions of a halving ResBlock work on the small map: its first one comes after pooling.
local function area(name, maps, tokens)
  local input = name:match("input_blocks%.(%d+)%.")
  if input then return maps[tonumber(input) + 1][1] end
  local output, part = name:match("output_blocks%.(%d+)%.(%d+)%.")
  if output then
    local map = maps[#maps - tonumber(output)]
    if not map then return nil end
    return part == "1" and map.before or tonumber(output) == 0 and map.before or map[1]
  end
  if name:match("attn") or name:match("mlp") or name:match("skip_linear") then return tokens end
  return name:match("^decoder%.final_layer%.") and maps[1][1] or nil
end

--- GFLOP of one forward pass of one sample (condition encoder, encoder, decoder), or nil.
function M.gflop(model)
  local net = model.net
  local ok, maps = pcall(areas_of, net)
  if not ok or #maps == 0 then return nil end
  local sum, tokens = 0, maps[#maps][1] + 1
  for _, p in ipairs(model:parameters()) do
    local shape = p.tensor.shape
    if p.trained and #shape >= 2 and p.name:match("weight$") then
      local places = p.name:match("emb") and 1 or area(p.name, maps, tokens)
      if not places then return nil end
      sum = sum + 2 * p.tensor:count() * places
    end
  end
  return sum / 1e9
end

return M
