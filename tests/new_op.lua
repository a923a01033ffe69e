--[[
new_op - a new op takes the edits that the head of csrc/ops.def names, and no other.

  lua5.4 tests/new_op.lua BUILD SOURCE COMPILER "LIBRARIES"
As ctest runs it, with flexlab.core of the build. A copy of the tree (tests/copy_of_tree.lua) gets the op `softplus` by
one edit of each file that ops.def names, then the written reference, as `make docs` makes it. The C files that see one
of the two tables are compiled again, without optimisation, but for the fast kernels: they call no table, an op without
a fast kernel leaves them as they are, and at -O3 for four instruction sets they take minutes. Then the op must be
listed and tested (before it has a case that is a failure, and so is a wrong gradient), computed, explained by `help`,
and written into reference and stubs, where nothing else may have changed.
--]]
local copies = require "tests.copy_of_tree"

local build, source, compiler, libraries = table.unpack(arg)
assert(libraries, "new_op.lua BUILD SOURCE COMPILER LIBRARIES")

local GRADIENT = "load(k->dy, i) / (1 + exp(-k->beta * load(k->x, i)))"

-- File, text before which the edit goes, what it puts there.
local edits = {
  { "csrc/ops.def", "/* --- reductions (ops/reduce.c)", [[
OP(softplus, "log(1 + exp(beta x)) / beta.", TENSOR(x, "(...)") NUMBER(beta, 1) RESULT("as x"))

]] },
  { "csrc/ops/elementwise.c", "/* --- two operands ---", [[
fx_status fx_softplus_forward (const fx_softplus_args *a, fx_kept *kept, fx_tensor **y) {
  (void)kept;
  if (!(a->beta > 0))
    return fx_fail(FX_EARG, "option 'beta' must be positive, got %g", a->beta);
  FX_TRY(fx_same_dtype(a->x, a->x));
  FX_TRY(fx_tensor_new_like(a->x, y));
  return FX_RUN(a->x, softplus_forward, .x = a->x, .beta = a->beta, .y = *y);
}

fx_status fx_softplus_backward (const fx_softplus_args *a, const fx_kept *kept, const fx_tensor *dy,
                                const fx_softplus_grads *d) {
  (void)kept;
  if (!d->x)
    return FX_OK;
  FX_TRY(fx_tensor_new_like(a->x, d->x));
  return FX_RUN(dy, softplus_backward, .x = a->x, .dy = dy, .beta = a->beta, .dx = *d->x);
}

]] },
  { "csrc/kernels.def", "#undef KERNEL\n", [[
KERNEL(softplus_forward,     Y,  _,  _)
KERNEL(softplus_backward,    Y,  _,  _)
]] },
  { "csrc/kernels/kernels.h", "/* --- who computes ---", [[
/* y = log(1 + exp(beta x)) / beta. */
typedef struct {
  const fx_tensor *x;
  double beta;
  fx_tensor *y;
} fx_kernel_softplus_forward;
typedef struct {
  const fx_tensor *x, *dy;
  double beta;
  fx_tensor *dx;
} fx_kernel_softplus_backward;

]] },
  { "csrc/kernels/ref/elementwise.c", "fx_status fxref_add_scaled", [[
fx_status fxref_softplus_forward (const fx_kernel_softplus_forward *k) {
  for (int64_t i = 0; i < fx_tensor_count(k->x); i++)
    store(k->y, i, log1p(exp(k->beta * load(k->x, i))) / k->beta);
  return FX_OK;
}

fx_status fxref_softplus_backward (const fx_kernel_softplus_backward *k) {
  for (int64_t i = 0; i < fx_tensor_count(k->x); i++)
    store(k->dx, i, ]] .. GRADIENT .. [[);
  return FX_OK;
}

]] },
  { "tests/unit/ops_cases.h", "CASE(pow, ", "CASE(softplus, (T(3, 33)), (3, 33), .beta = 1.5)\n" },
}

-- The files that the head of ops.def names for a new op, as patterns: csrc/ops/<family>.c is any of that folder.
local function named_places(copy)
  local list = copy:read("csrc/ops.def"):match "Adding an op is an edit of these files and of no other:\n(.-)\n%*%* and"
  local places = {}
  for place in list:gmatch "\n?%*%*   (%S+)" do
    places[#places + 1] = "^" .. place:gsub("%p", "%%%0"):gsub("%%<family%%>", "[%%w_]+") .. "$"
  end
  return places
end

local function check_places(copy)
  local places = named_places(copy)
  assert(#places == #edits, ("ops.def names %d files, the test edits %d"):format(#places, #edits))
  for i, edit in ipairs(edits) do
    assert(edit[1]:find(places[i]), ("ops.def names %s where the test edits %s"):format(places[i], edit[1]))
  end
end

local function apply(copy, edit) copy:edit(edit[1], edit[2], edit[3] .. edit[2]) end

local OPS_TEST = "tests/unit/ops_test.c"
local function is(file) return function(name) return name == file end end

-- Compiles the files for which wanted(name) is true, and links ops_test and the core with them.
local function make(copy, wanted)
  local compiled = copy:compile(wanted, "-O0")
  copy:link("ops_test", copy:objects(function(name) return name == OPS_TEST or copies.of_library(name) end))
  return compiled
end

-- ops_test of the copy must end with `code` and say `text`.
local function test_says(copy, arguments, code, text)
  local ended, said = copy:ask("./ops_test " .. arguments)
  assert(ended == code and said:find(text, 1, true),
    ("ops_test %s ended with %d (not %d), or does not say '%s': %s"):format(arguments, ended, code, text, said))
end

local function build_and_test(copy)
  local case = table.remove(edits)
  for _, edit in ipairs(edits) do apply(copy, edit) end
  local sees = copy:seeing { "ops.def", "kernels.def" }
  local compiled = make(copy, function(name)
    return name == OPS_TEST or copies.of_core(name) and sees(name) and not name:find "^csrc/kernels/cpu/"
  end)
  assert(compiled > 40, ("only %d files see the tables"):format(compiled))
  test_says(copy, "-l", 0, "\nsoftplus     0\n")
  test_says(copy, "-o softplus", 1, "op 'softplus' has no case in ops_cases.h")
  apply(copy, case)
  make(copy, is(OPS_TEST))
  test_says(copy, "-l", 0, "\nsoftplus     1\n")
  test_says(copy, "-o softplus", 0, " 0 failed")
  test_says(copy, "-o sotfplus", 2, "the nearest is 'softplus'")
  copy:edit("csrc/kernels/ref/elementwise.c", GRADIENT, "1.001 * " .. GRADIENT)
  make(copy, is "csrc/kernels/ref/elementwise.c")
  test_says(copy, "-o softplus", 1, "in softplus, ops_cases.h")
  copy:edit("csrc/kernels/ref/elementwise.c", "1.001 * " .. GRADIENT, GRADIENT)
  make(copy, is "csrc/kernels/ref/elementwise.c")
  copy:link("lib/flexlab/core.so", "-shared -Wl,-z,nodelete " .. copy:objects(copies.of_core))
end

-- What a user sees, in the copy.
local SEEN = [[
local flex = require "flexlab"
local x = flex.tensor { 0, 1 }:track(true)
local y = x:softplus { beta = 2 }
assert(math.abs(y:get(2) - math.log(1 + math.exp(2)) / 2) < 1e-6)
assert(math.abs(flex.softplus(x):get(1) - math.log(2)) < 1e-6, "beta is 1 by default")
y:backward(flex.tensor { 1, 1 })
assert(math.abs(x.grad:get(1) - 0.5) < 1e-6)
local _, message = pcall(flex.softplus, x, { bta = 2 })
assert(message:find("softplus: no option 'bta'; the nearest is 'beta' (known: beta)", 1, true), message)
local _, page = pcall(require("flexlab.help").page, "softplus")
assert(page:find("softplus  log(1 + exp(beta x)) / beta.", 1, true) and page:find("beta%s+number%s+1"), page)
local called = require("flexlab.help").page(flex.softplus)
assert(called == page, "help(flex.softplus) is help 'softplus'")
]]

-- A generated file must be the tree's with `count` lines more, `line` among them, all others in their order.
local function only_adds(copy, name, count, line)
  local added, next_old = {}, io.lines(source .. "/" .. name)
  local old = next_old()
  for new in copy:read(name):gmatch "([^\n]*)\n" do
    if new == old then old = next_old() else added[#added + 1] = new end
  end
  assert(old == nil, ("%s has lost or changed: %s"):format(name, tostring(old)))
  local text = table.concat(added, "\n")
  assert(#added == count and text:find(line, 1, true),
    ("%s has %d lines more, not %d with '%s': %s"):format(name, #added, count, line, text))
end

local function look(copy)
  copy:write("seen.lua", SEEN)
  copy:run(copy:lua "seen.lua")
  copy:run(copy:lua "tools/reference.lua >/dev/null")
  only_adds(copy, "docs/reference.md", 8, "`softplus(x, { beta = 1.0 })` -> as x")
  only_adds(copy, "lua/flexlab.d.lua", 11, "function Tensor:softplus(options) end")
  for _, test in ipairs { "core_ops_test.lua", "reference_test.lua -p up_to_date -p every_op -p shape -p manual" } do
    local code, said = copy:ask(copy:lua("tests/lua/" .. test))
    assert(code == 0, said)
  end
end

copies.with({ build = build, source = source, compiler = compiler, libraries = libraries,
  folders = { "csrc", "lua", "tools", "docs", "tests/unit", "tests/lua" } }, function(copy)
  check_places(copy)
  build_and_test(copy)
  look(copy)
end)
print "an op is an edit of the files that ops.def names"
