--[[
manual - what the functions of the core take and give, a line each; the ops tell this themselves
(core.ops, made from csrc/ops.def).

A line is  name(argument: type, argument?: type): result -- what it does. The types are those of the
Lua language server, which reads them in lua/flexlab.d.lua; docs/reference.md prints the same lines
(tools/reference); one that begins with blanks goes on with the line before. A test compares the names
with those that the core has.
Every section: { holder = class or table, title =, [fields =,] lines }. `flex.x` is `core.x`.
--]]
return {
  { holder = "flexlab.core", title = "Tensors: making them", [[
tensor(value: number|table|flexlab.Tensor, options?: { dtype?: flexlab.dtype }): flexlab.Tensor --
  from a number, nested lists or another tensor; f32 by default
zeros(shape: integer[], options?: { dtype?: flexlab.dtype }): flexlab.Tensor -- full of zeros
full(shape: integer[], value: number, options?: { dtype?: flexlab.dtype }): flexlab.Tensor -- full
  of one number
normal(shape: integer[], key: flexlab.Key, options?: { dtype?: flexlab.dtype }): flexlab.Tensor --
  standard normal numbers at an address
uniform(shape: integer[], key: flexlab.Key, options?: { low?: number, high?: number, dtype?:
  flexlab.dtype }): flexlab.Tensor -- uniform in [low, high), [0, 1) by default
arange(n: integer): flexlab.Tensor -- (n): 0, 1, .. n-1
is_tensor(value: any): boolean -- whether it is a tensor
]] },
  { holder = "flexlab.Tensor", title = "Tensors: methods", fields = [[
shape: integer[] -- sizes; #t is the first
ndim: integer -- number of axes
dtype: flexlab.dtype -- f32, f64, bf16 or f16
grad: flexlab.Tensor? -- gradient of a leaf, nil before backward
requires_grad: boolean -- whether a gradient flows through it
]], [[
count(): integer -- number of elements
item(): number -- the only element
get(...: integer): number -- the element at these indices
set(...: number): flexlab.Tensor -- t:set(i, j, .., value)
totable(): number[] -- all elements, row by row
summary(): { min: number, max: number, mean: number, nonfinite: integer } -- of the finite elements
clone(): flexlab.Tensor -- a copy, through which gradients flow
to(dtype: flexlab.dtype): flexlab.Tensor -- converted; refused where a gradient flows
detach(): flexlab.Tensor -- the same storage without gradient
track(wanted: boolean): flexlab.Tensor -- marks a leaf whose gradient is wanted
backward(seed?: flexlab.Tensor) -- adds gradients to all leaves; without a seed t has one element
clear_grad() -- forgets the gradient
fill_(value: number): flexlab.Tensor -- in place; every element
copy_(from: flexlab.Tensor): flexlab.Tensor -- in place; equal shapes
add_(other: flexlab.Tensor, scale?: number): flexlab.Tensor -- in place; t + scale other
mul_(factor: number): flexlab.Tensor -- in place; t factor
free() -- ends the handle; so does `local t <close>`
]] },
  { holder = "flexlab.core", title = "Memory and recording", [[
scope(): flexlab.Scope -- ends all tensors made since, at its close
no_grad(f: function, ...: any): any -- f(...) with recording off
memory(): { live: integer, peak: integer, cached: integer, budget: integer, blocks: integer,
  handles: integer, requests: integer } -- bytes, and counts
reset_peak() -- starts a new measurement of the peak
set_budget(bytes: integer) -- least number of live bytes that calls for a collection
limit_memory(bytes: integer): integer -- no more than so many bytes may be live; 0: no limit; the limit before
fail_allocation(k: integer) -- the k-th allocation from now fails once; for tests
]] },
  { holder = "flexlab.Scope", title = "Scopes: methods", [[
keep(...: any): any -- tensors (or tables of them) that outlive the scope; returns them
close() -- ends the others; so does `local scope <close>`
]] },
  { holder = "flexlab.core", title = "The machine", [[
threads(n?: integer): integer -- sets if given; the number of threads, which no result depends on
backend(name?: string): string -- "cpu", or "ref", the readable reference
isa(name?: string): string -- instruction set of the cpu kernels
info(): table -- version, sources, isa, isas, blas, threads, hdf5, compiler, cores
]] },
  { holder = "flexlab.core.nn", title = "Layers", [[
linear(inputs: integer, outputs: integer, options?: { bias?: boolean }): flexlab.Module -- called (x)
conv(inputs: integer, outputs: integer, options?: { kernel?: integer, stride?: integer, circular?:
  boolean, zero?: boolean }): flexlab.Module -- called (x); kernel 3; zero: starts as 0
group_norm(channels: integer, options?: { groups?: integer }): flexlab.Module -- called (x); 32 groups
layer_norm(size: integer, options?: { eps?: number }): flexlab.Module -- called (x)
resblock(inputs: integer, outputs: integer, options: { emb: integer, resample?: "same"|"down"|"up",
  circular?: boolean, dropout?: number, recompute?: boolean, precision?: "f32"|"bf16" }): flexlab.Module --
  called (x, emb); recompute: its inside is made again in backward
transformer_block(size: integer, options: { heads: integer, mlp?: integer, skip?: boolean, dropout?:
  number, recompute?: boolean, rows?: integer, columns?: integer, before?: integer }): flexlab.Module --
  called (tokens, skip); with rows, positions are rotary: `before` tokens that stand nowhere, then rows x
  columns
positions(tokens: integer, size: integer): flexlab.Module -- called (x): x plus learned positions
condition_embedding(size: integer): flexlab.Module -- called (re): (N,1) -> (N,size)
time_embedding(size: integer): flexlab.Module -- called (t): (N) -> (N,size)
]] },
  { holder = "flexlab.Module", title = "Layers: methods", [[
parameters(): { name: string, tensor: flexlab.Tensor, trained: boolean }[] -- in a fixed order
init(seed: integer, prefix?: string): flexlab.Module -- weights as a function of seed and name
train(key?: flexlab.Key): flexlab.Module -- dropout on with a key, off with nil
]] },
  { holder = "flexlab.core", title = "The network and its optimiser", [[
flex(config: flexlab.FlexConfig): flexlab.Flex -- the FLEX network; flex.models.flex says this in words.
  With `size`, or `channels` and `res_blocks` (then the rest is as of `small`)
flex_preset(size: flexlab.FlexSize): { channels: integer[], res_blocks: integer[], depth: integer,
  heads: integer } -- what a size of core.flex_sizes says
optimizer(config: { kind: "adam"|"adamw"|"lion", parameters: flexlab.Tensor[], beta1?: number,
  beta2?: number, eps?: number, weight_decay?: number, ema?: number }): flexlab.Optimizer --
  flex.optim.* say this for a model
]] },
  { holder = "flexlab.Flex", title = "The network: methods", [[
config(): flexlab.FlexConfig -- resolved: every field; core.flex takes it again
parameters(): { name: string, tensor: flexlab.Tensor, trained: boolean }[] -- names as the authors'
init(seed: integer, prefix?: string): flexlab.Flex -- weights as a function of seed and name
train(key?: flexlab.Key): flexlab.Flex -- dropout on with a key, off with nil
condition(lowres: flexlab.Tensor, re?: flexlab.Tensor): flexlab.Features -- once per sample: does
  not depend on t
encode(x: flexlab.Tensor, t: flexlab.Tensor, re?: flexlab.Tensor, features?: flexlab.Features):
  flexlab.Features -- the base encoder; x (N,H,W,C), t (N), re (N,1)
decode(encoded: flexlab.Features, t: flexlab.Tensor, re?: flexlab.Tensor, features?:
  flexlab.Features): flexlab.Tensor -- the decoder
predict(x: flexlab.Tensor, t: flexlab.Tensor, re?: flexlab.Tensor, features?: flexlab.Features):
  flexlab.Tensor -- encode, then decode
skip_shapes(n: integer): integer[][] -- shapes of the skips of a batch of n
]] },
  { holder = "flexlab.Optimizer", title = "The optimiser: methods", fields = [[
steps: integer -- updates so far; may be assigned
]], [[
step(options: { lr: number, clip?: number }): number? -- one update; the gradient's norm, or nil,
  message, index when it is not finite
clear_grads() -- forgets all gradients
swap() -- exchanges weights and their averages
state(): { steps: integer, first: flexlab.Tensor[], second: flexlab.Tensor[], average:
  flexlab.Tensor[] } -- the tensors themselves
]] },
  { holder = "flexlab.core.io", title = "Files (nil, message when the world says no)", [[
load(path: string): { names: string[], tensors: table<string, flexlab.Tensor>, text: table<string,
  string> }? -- HDF5, safetensors or .pt, told apart by content
save(path: string, content: { names?: string[], tensors: table<string, flexlab.Tensor>, text?: table
  }): boolean? -- .h5 or .safetensors, atomic
field(path: string, dataset?: string): flexlab.Field? -- opens fields over time for reading
container(path: string): flexlab.Container? -- any file of arrays: HDF5, netCDF, .npy, .npz
reading(): integer, integer -- boxes that were asked and wait to be read; those that wait to be taken
field_writer(path: string, options: { dataset?: string, frames: integer, height: integer, width:
  integer, channels?: integer, deflate?: integer, chunk?: integer, done?: integer }): flexlab.FieldWriter? -- begins a
  file; with done (frames that are there) in PATH.part, which outlives the process
png(path: string, image: flexlab.Tensor): boolean? -- (H,W,3), values 0 to 1
png_encode(image: flexlab.Tensor): string -- the same as a string
]] },
  { holder = "flexlab.Container", title = "Files of arrays: methods", fields = [[
kind: string -- HDF5, netCDF-3, npy or npz
path: string -- of the file
]], [[
variables(): table[] -- { path, dtype, number, shape, chunk, axes (their names), filters, packed, missing (stored
  numbers), valid ({ least, most }), unused (names of attributes), target (of a symbolic link) } each
groups(): string[] -- the groups of an HDF5 file
notes(): string[] -- sentences about links that are not followed
attributes(path?: string): table? -- of a variable or group, or of the file
read(path: string, options?: { start?: integer[], count?: integer[], dtype?: string }):
  flexlab.Tensor? -- a box; a count of 0 drops the axis; waits for one that was asked
check(path: string): boolean? -- whether it can be read at all, before any number is
ask(path: string, options?: { start?: integer[], count?: integer[], dtype?: string }) -- has the box
  read by a thread meanwhile
forget() -- drops what was asked and not read
expect(path: string, count: integer[]): integer, integer -- boxes to come: bytes and places of the cache
  of decoded chunks
statistics(path: string): { mean: number, std: number, min: number, max: number, count: integer,
  nan: integer, infinite: integer }? -- streamed; count is of the finite numbers, nan of missing elements too
close() -- closes the file
]] },
  { holder = "flexlab.Field", title = "Fields: methods", fields = [[
frames: integer -- number of frames
channels: integer -- per pixel
height: integer -- pixels
width: integer -- pixels
dataset: string -- name in the file
path: string -- of the file
]], [[
read(options: { frame: integer, y?: integer, x?: integer, height?: integer, width?: integer,
  channel?: integer, channels?: integer, check?: boolean }): flexlab.Tensor? -- (1,h,w,c); a value
  that is not finite is refused unless check is false
number(name: string): number? -- attribute, or number in the file
text(name: string): string? -- attribute
array(name: string): number[]? -- numbers along one axis, such as times
close() -- also by `local f <close>`
]] },
  { holder = "flexlab.FieldWriter", title = "Writing fields: methods", [[
append(frame: flexlab.Tensor): boolean? -- (1,H,W,C)
number(name: string, value: number): boolean? -- attribute
text(name: string, value: string): boolean? -- attribute
array(name: string, values: number[]): boolean? -- data set along one axis
plane(name: string, plane: flexlab.Tensor): boolean? -- data set (1,H,W): a field that holds for all frames
finish(): boolean? -- completes and renames the file
flush(): boolean? -- what was appended is on the disk
leave() -- closes PATH.part as it was flushed, to go on later; without `done` as abandon
abandon() -- removes what there is
]] },
  { holder = "flexlab.Lock", title = "Locks: methods", [[
close() -- ends it and removes its file; also by `local l <close>`
]] },
  { holder = "flexlab.Heartbeat", title = "Heartbeats: methods", [[
close() -- ends it; also by `local h <close>`
]] },
  { holder = "flexlab.Redirection", title = "Redirections: methods", [[
close() -- what is printed goes where it went before; also by `local r <close>`
]] },
  { holder = "flexlab.core", title = "Simulation", [[
flow(options: flexlab.FlowOptions): flexlab.Flow -- two-dimensional Navier-Stokes on [0, 2 pi]^2,
  pseudo-spectral; precision is that of the steps and of the state
flow_settings(options: flexlab.FlowOptions): flexlab.FlowOptions -- what core.flow would make of them, with
  the defaults, drag and beside solids penalty in place; no flow is made
perturb(field: flexlab.Tensor, options: { factor?: integer, coarse?: "subsample"|"block_mean"|"cutoff",
  key?: flexlab.Key }): flexlab.Tensor -- (1,H,W,1) f64: the same coarse field, other phases of the
  scales it does not show
]] },
  { holder = "flexlab.Flow", title = "Simulation: methods", [[
advance(time: number) -- integrates up to `time`
time(): number -- now
vorticity(): flexlab.Tensor -- (1,H,W,1) f64
set_vorticity(w: flexlab.Tensor, time?: number) -- starts again from a field
velocity(): flexlab.Tensor -- (1,H,W,2) f64: x and y
pressure(): flexlab.Tensor -- (1,H,W,1) f64: over the density, of mean 0
scalar(): flexlab.Tensor -- (1,H,W,1) f64: the passive scalar
set_scalar(c: flexlab.Tensor) -- replaces it; time and vorticity stay
settings(): flexlab.FlowOptions -- all options but the cylinders, with what was left to the solver in place
solid(): flexlab.Tensor -- (1,H,W,1) f64: how solid a point is, 0 to 1
force(): number, number -- of the fluid on the solids, over the density: drag and lift
state(): flexlab.Tensor -- all that a flow remembers besides its time and the number of its steps, in its
  precision
restore(state: flexlab.Tensor, time: number, steps: integer) -- goes on with the same bits
spectrum(): flexlab.Tensor -- energy in shells of |k|, f64
diagnostics(): table<string, number> -- energy, enstrophy, their budgets, kmax_eta, dt,
  steps; mean, variance and its loss of the scalar
close() -- frees it
]] },
  { holder = "flexlab.core.metrics", title = "Metrics of ensembles and spectra", [[
ensemble(members: flexlab.Tensor, truth?: flexlab.Tensor): { mean: flexlab.Tensor, spread:
  flexlab.Tensor?, crps: flexlab.Tensor? } -- members (M,H,W,C), truth (1,H,W,C)
spectrum(field: flexlab.Tensor, options?: { window?: boolean, kind?: "sum"|"mean", quantity?:
  "power"|"energy"|"enstrophy", spacing?: number }): flexlab.Tensor -- (N,bins) by |k|; energy and
  enstrophy of vorticity (1 channel) or velocity (2)
coherence(prediction: flexlab.Tensor, truth: flexlab.Tensor, options?: { window?: boolean
  }): flexlab.Tensor -- (N,bins): correlation scale by scale, -1 .. 1
divergence(velocity: flexlab.Tensor, options?: { periodic?: boolean }): flexlab.Tensor -- (N): root mean
  square of div u over that of all gradients
moments(field: flexlab.Tensor): flexlab.Tensor -- (N,4): mean, standard deviation, skewness, kurtosis
histogram(field: flexlab.Tensor, options: { low: number, high: number, bins?: integer
  }): flexlab.Tensor -- (N, bins + 2) counts; the outer two lie beyond
exceedances(field: flexlab.Tensor, thresholds: number[]): flexlab.Tensor -- (N,T): fraction of |values|
  above each
structure_function(field: flexlab.Tensor, options?: { order?: integer, separations?: integer,
  periodic?: boolean }): flexlab.Tensor -- (N,R), r = 1 .. R grid points; longitudinal for velocity
calibration(members: integer): flexlab.Calibration -- sums over ensembles of so many members
]] },
  { holder = "flexlab.Calibration", title = "Calibration: methods", [[
add(members: flexlab.Tensor, truth: flexlab.Tensor, key?: flexlab.Key) -- one sample: (M,H,W,C) and
  (1,H,W,C); the key draws ranks among equal values
scores(): table<string, number> -- every ensemble metric, and members, samples, ideal_pull_sd
ranks(): flexlab.Tensor -- (M+1) counts
pulls(): flexlab.Tensor -- (66) counts: below -8, 64 equal bins, above 8
close() -- frees it
]] },
  { holder = "flexlab.core.json", title = "JSON", [[
encode(value: any): string -- keys sorted; NaN and infinity become null
decode(text: string): any -- or nil, "not JSON at byte N"
]] },
  { holder = "flexlab.core.sys", title = "The system (nil, message when it says no)", [[
time(): number -- seconds, monotonic
now(): number -- seconds since 1970
mkdirs(path: string): boolean? -- with parents
exists(path: string): "file"|"folder"|"other"|nil -- what is there; other: a pipe, a device, a socket
modified(path: string): number? -- when it was last written, seconds since 1970 by the file system
mark(path: string): string?, string? -- which file it is (device, inode); its size and times of writing and change
touch(path: string, time?: number): boolean? -- it was written now (by the file system) or then
create(path: string, text: string): boolean? -- false if something is there: one process alone makes it
disk_free(path: string): integer? -- bytes that may still be written there
heartbeat(path: string, seconds: number): flexlab.Heartbeat? -- touches a file so often until it is closed
redirect(path: string): flexlab.Redirection? -- what is printed goes to the end of a file until it is closed
start(command: string[]): integer? -- a process with a group of its own; its number
ended(pid: integer): false|"exit"|"signal", integer? -- of a started process: false, or how and its number
process_exists(pid: integer): boolean -- also a dead one that nobody has waited for
kill(pid: integer, signal: "INT"|"TERM"|"HUP"|"KILL"): boolean? -- sends a signal
sleep(seconds: number) -- less if a signal comes
list(path: string): string[]? -- names in a folder
rename(from: string, to: string): boolean? -- replaces
remove(path: string): boolean? -- a file
symlink(target: string, path: string): boolean? -- a symbolic link, at once; replaces one
readlink(path: string): string? -- where a symbolic link leads
temporary(path: string): string -- the name under which this process writes a file first
lock(path: string): flexlab.Lock? -- waits until no other process holds it
size(path: string): integer?, string? -- bytes of a regular file; nil, message where it is none
read(path: string): string? -- a whole file
write(path: string, text: string): boolean? -- atomic and durable
append(path: string, text: string): boolean? -- one write
sync(path: string): boolean? -- to the disk
isatty(fd: integer): boolean -- whether a terminal
columns(): integer -- width of the terminal
hash(text: string): string -- 16 hexadecimal digits
pid(): integer -- of this process
host(): string -- name of the machine
rss(): integer -- resident bytes
peak_rss(): integer -- most resident bytes so far
interrupts(): integer -- presses of Ctrl-C since the last clear
interrupted(): boolean -- whether work is to end now: the second press, or a second after the first
signal(): "INT"|"TERM"|"HUP"?, integer? -- what asked for an end, and its number
clear_interrupts() -- forgets them
catch_interrupts(wanted: boolean) -- whether presses are counted instead of ending the program
]] },
}
