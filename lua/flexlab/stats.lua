--[[
stats - what a few seeds can and cannot say.

A sample is a list of numbers, one per seed. Two arms of a study see the same data and noise for
the same seed, so they are compared by their paired differences, with the exact sign-flip test
[Fisher 1935; Pitman 1937]: if the arms were alike, each difference would be as likely to have
the other sign, so p is the share of the 2^n sign patterns whose mean is at least as far from
zero as the one seen. It assumes nothing about the distribution, and is honest about n: no p
below 2/2^n exists (5 seeds: 0.0625; 8 seeds: 0.0078). Several comparisons are corrected by Holm's
step-down rule [Holm 1979]. `p_text` marks a p that n pairs cannot undercut, also after the correction,
and says how many seeds a p below 0.05 would have needed; where there is no p it says why.
A number that is not finite has no place in a pair: p is then NaN, never 0.
--]]

local expected = require "flexlab.expected"
local words = require "flexlab.words"

local M = {}

local CORRECTIONS = { "holm", "none" }

local EXACT = 22         -- pairs up to which all sign patterns are tried (2^21 sums, 0.2 s)
local DRAWS = 99999      -- random patterns beyond that [Phipson & Smyth 2010: (b + 1) / (m + 1)]

--- Arithmetic mean.
---@param x number[]  the sample
---@return number  NaN for an empty list
function M.mean(x)
  local sum = 0
  for i = 1, #x do sum = sum + x[i] end
  return sum / #x
end

--- Standard deviation of a sample, divisor n - 1; NaN for fewer than two numbers.
---@param x number[]  the sample
---@return number
function M.sd(x)
  if #x < 2 then return 0 / 0 end
  local mean, sum = M.mean(x), 0
  for i = 1, #x do sum = sum + (x[i] - mean) ^ 2 end
  return math.sqrt(sum / (#x - 1))
end

--- The q-quantile (0 <= q <= 1), linear between order statistics [Hyndman & Fan 1996, type 7].
---@param x number[]  the sample, in any order, at least one
---@param q number    0..1
---@return number
function M.quantile(x, q)
  local sorted = table.move(x, 1, #x, 1, {})
  table.sort(sorted)
  local position = 1 + q * (#sorted - 1)
  local below = math.floor(position)
  local above = math.min(below + 1, #sorted)
  return sorted[below] + (position - below) * (sorted[above] - sorted[below])
end

--- The middle of a sample, the mean of the two middle ones of an even number [Hyndman & Fan 1996, type 7].
---@param x number[]  the sample, in any order, at least one
---@return number
function M.median(x) return M.quantile(x, 0.5) end

local function common(a, b)
  local of, d = {}, {}
  for i, seed in ipairs(b.seeds) do of[seed] = b[i] end
  for i, seed in ipairs(a.seeds) do
    if of[seed] then d[#d + 1] = a[i] - of[seed] end
  end
  return d
end

--- Differences a[i] - b[i]; of columns of a pivot, which name their seeds, those of the seeds that both have.
---@param a number[]  of the same length as b, or a column of a pivot
---@param b number[]  what is subtracted
---@return number[]
function M.differences(a, b)
  if a.seeds and b.seeds then return common(a, b) end
  if #a ~= #b then
    error(string.format("stats.differences: %d numbers against %d; pairs need as many", #a, #b), 2)
  end
  local d = {}
  for i = 1, #a do d[i] = a[i] - b[i] end
  return d
end

--- Deterministic numbers for resampling: Knuth's 64-bit linear congruential generator (MMIX
--- [Knuth 1997, section 3.3.4]); its upper bits. `draw(n)` is an integer in 1..n.
---@param seed integer|nil  1
---@return function  draw(n) -> integer in 1..n
function M.generator(seed)
  local state = (seed or 1) * 0x9E3779B97F4A7C15 | 1
  return function(n)
    state = state * 6364136223846793005 + 1442695040888963407
    return (state >> 33) % n + 1
  end
end

local function flip_all(d, least)
  local sum, count = M.mean(d) * #d, 0
  local sign = {}
  for i = 1, #d do sign[i] = 1 end
  local patterns = 1 << (#d - 1)          -- the other half mirrors this one
  for k = 1, patterns do
    if math.abs(sum) >= least then count = count + 1 end
    local bit, place = k, 1               -- Gray code: one sign changes between neighbours
    while bit & 1 == 0 and place < #d do bit, place = bit >> 1, place + 1 end
    sum = sum - 2 * sign[place] * d[place]
    sign[place] = -sign[place]
  end
  return count / patterns
end

local function flip_some(d, least, seed)
  local draw, count = M.generator(seed), 0
  for _ = 1, DRAWS do
    local sum = 0
    for i = 1, #d do sum = sum + (draw(2) == 1 and d[i] or -d[i]) end
    if math.abs(sum) >= least then count = count + 1 end
  end
  return (count + 1) / (DRAWS + 1)
end

--- Two-sided p of the sign-flip test on paired differences; exact up to 22 pairs. NaN for none, and where one
--- is not finite.
---@param d number[]         differences, one per pair
---@param options table|nil  { seed = of the random signs beyond 22 pairs }
---@return number  p, in [2 / 2^n, 1] for n pairs
function M.sign_flip(d, options)
  expected.known("stats.sign_flip", options, { "seed" }, 2)
  if #d == 0 then return 0 / 0 end
  local sum, size = 0, 0
  for i = 1, #d do sum, size = sum + d[i], size + math.abs(d[i]) end
  if size ~= size or size == math.huge then return 0 / 0 end
  local least = math.abs(sum) - 1e-12 * size      -- sums that differ by rounding only are ties
  if #d <= EXACT then return flip_all(d, least) end
  return flip_some(d, least, options and options.seed)
end

--- The least two-sided p that n pairs can reach.
---@param n integer  pairs
---@return number
function M.least_p(n)
  return n <= EXACT and 2 / 2 ^ n or 1 / (DRAWS + 1)
end

--- Pairs with which the least p, corrected for so many comparisons, falls below `level` (0.05).
---@param comparisons integer  how many tests are corrected for together
---@param level number|nil     0.05
---@return integer  one more than can be tested exactly (23), where no number up to that suffices
function M.needed(comparisons, level)
  local n = 1
  while comparisons * M.least_p(n) > (level or 0.05) and n <= EXACT do n = n + 1 end
  return n
end

--- A p as text. "(least)": n pairs cannot have a smaller one, with how many seeds 0.05 needs where that is the
--- obstacle. "-" and why where there is none: too few pairs, or a p that so many pairs cannot have given.
---@param p number           corrected for `comparisons`
---@param n integer          pairs
---@param options table|nil  { raw = the p before the correction, comparisons = 1 }
---@return string
function M.p_text(p, n, options)
  expected.known("stats.p_text", options, { "raw", "comparisons" }, 2)
  local raw, comparisons = options and options.raw or p, options and options.comparisons or 1
  if n < 2 then return n == 1 and "- (one pair)" or "- (no pairs)" end
  local least = M.least_p(n)
  if p ~= p or raw ~= raw then return "- (not finite)" end
  if raw < least * (1 - 1e-9) then
    return string.format("- (%.2g cannot come from %d pairs)", raw, n)
  elseif raw > least * (1 + 1e-9) then
    return string.format("%.2g", p)
  elseif p < 0.05 then
    return string.format("%.2g (least)", p)
  end
  return string.format("%.2g (least; needs %d seeds for .05)", p, M.needed(comparisons))
end

--- Holm's correction: adjusted p's, in the order given.
---@param p number[]  one per comparison
---@return number[]  as long, at most 1
function M.holm(p)
  local order, adjusted, running = {}, {}, 0
  for i = 1, #p do order[i] = i end
  table.sort(order, function(a, b) return p[a] < p[b] or p[a] == p[b] and a < b end)
  for rank, i in ipairs(order) do
    running = math.max(running, math.min(1, (#p - rank + 1) * p[i]))
    adjusted[i] = running
  end
  return adjusted
end

--- P(|T| <= t) of Student's distribution with `dof` degrees of freedom
--- [Abramowitz & Stegun 1964, 26.7.3 and 26.7.4: finite sums].
---@param t number     0 or above
---@param dof integer  degrees of freedom, 1 or above
---@return number  0..1
function M.t_central(t, dof)
  local theta = math.atan(t / math.sqrt(dof))
  local cos2 = math.cos(theta) ^ 2
  local odd = dof % 2 == 1
  local term, sum = odd and math.cos(theta) or 1, 0
  for k = odd and 3 or 2, dof, 2 do
    sum = sum + term
    term = term * cos2 * (k - 1) / k
  end
  if odd then return 2 / math.pi * (theta + math.sin(theta) * sum) end
  return math.sin(theta) * sum
end

--- The t for which P(|T| <= t) = level, by bisection.
---@param level number  probability, 0 <= level < 1
---@param dof integer   degrees of freedom, 1 or above
---@return number
function M.t_quantile(level, dof)
  expected.probability("stats.t_quantile", "level", level, 2)
  local low, high = 0, 1
  while M.t_central(high, dof) < level do high = 2 * high end
  for _ = 1, 80 do
    local middle = (low + high) / 2
    if M.t_central(middle, dof) < level then low = middle else high = middle end
  end
  return (low + high) / 2
end

local interval = { __tostring = function(ci) return string.format("[%.4g, %.4g]", ci[1], ci[2]) end }

--- Confidence interval of the mean of x (default 95 %) by Student's t.
---@param x number[]        the sample
---@param level number|nil  0.95
---@return table|string  { low, high }, which prints as text; "-" for fewer than two numbers
function M.t_interval(x, level)
  if #x < 2 then return "-" end
  if level then expected.probability("stats.t_interval", "level", level, 2) end
  local mean = M.mean(x)
  local half = M.t_quantile(level or 0.95, #x - 1) * M.sd(x) / math.sqrt(#x)
  return setmetatable({ mean - half, mean + half }, interval)
end

--- Confidence interval of the mean of x by resampling [Efron 1979]: percentiles of `draws` means.
--- Too narrow below about 10 numbers; t_interval is the default elsewhere for that reason.
---@param x number[]         the sample, at least one
---@param options table|nil  { level = 0.95, draws = 9999, seed = 1 }
---@return table  { low, high }, which prints as text
function M.bootstrap(x, options)
  expected.known("stats.bootstrap", options, { "level", "draws", "seed" }, 2)
  options = options or {}
  if options.level then expected.probability("stats.bootstrap", "level", options.level, 2) end
  local level, draw, means = options.level or 0.95, M.generator(options.seed), {}
  for k = 1, options.draws or 9999 do
    local sum = 0
    for _ = 1, #x do sum = sum + x[draw(#x)] end
    means[k] = sum / #x
  end
  local tail = (1 - level) / 2
  return setmetatable({ M.quantile(means, tail), M.quantile(means, 1 - tail) }, interval)
end

-- Adds p and p_text to the tests of the arms compared; those without a p count as no comparison.
local function correct(tests, compared, how)
  local arms, raw = {}, {}
  for _, arm in ipairs(compared) do
    local p = tests[arm].p_raw
    if p == p then arms[#arms + 1], raw[#raw + 1] = arm, p end
  end
  local adjusted = how == "none" and raw or M.holm(raw)
  for i, arm in ipairs(arms) do tests[arm].p = adjusted[i] end
  for _, arm in ipairs(compared) do
    local t = tests[arm]
    t.p_text = M.p_text(t.p, t.n, { raw = t.p_raw, comparisons = how == "none" and 1 or #arms })
  end
end

--- Every arm of a pivot against one of them, by pairs of the same seed: the difference of the means, its standard
--- deviation and interval, and the p of the sign-flip test. The arm compared against has empty texts, so that a table
--- prints nothing there. Without a common seed diff, sd and p are NaN, which tables print as "-".
---@param pivot table    of study/pivot.lua: columns of numbers by arm
---@param options table  { against = an arm, correct = "holm" or "none", level = 0.95 of the interval }
---@return table  by arm: { diff = mean of arm - against, sd =, ci = interval, p = corrected, p_raw =, p_text =, n =
---  pairs }
function M.paired(pivot, options)
  expected.known("stats.paired", options, { "against", "correct", "level" }, 2)
  if options and options.correct ~= nil and not words.has(CORRECTIONS, options.correct) then
    error("stats.paired: correct: " .. words.unknown(options.correct, CORRECTIONS), 2)
  end
  local against = options and options.against
  local base = pivot[against]
  if not base then
    local names = {}
    for i, arm in ipairs(pivot:arms()) do names[i] = tostring(arm) end
    error("stats.paired: no arm '" .. tostring(against) .. "' to compare against (there are: "
      .. table.concat(names, ", ") .. ")", 2)
  end
  local tests, compared = {}, {}
  for arm, column in pivot:rows() do
    if arm == against then
      tests[arm] = { diff = "", sd = "", ci = "", p_text = "", n = #column }
    else
      local d = M.differences(column, base)
      local p = M.sign_flip(d)
      tests[arm] = { diff = M.mean(d), sd = M.sd(d), ci = M.t_interval(d, options.level),
                     p = p, p_raw = p, n = #d }
      compared[#compared + 1] = arm
    end
  end
  correct(tests, compared, options.correct)
  return tests
end

return M
