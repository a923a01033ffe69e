--[[
manual - what the functions of the core take and give, a line each; the ops tell this themselves
(core.ops, made from csrc/ops.def).

A line is  name(argument: type, argument?: type): result -- what it does. The types are those of the
Lua language server, which reads them in lua/flexlab.d.lua; docs/reference.md prints the same lines
(tools/reference); one that begins with blanks goes on with the line before. A test compares the names
with those that the core has.
Every section: { holder = class or table, title =, [about = what holds for all of it,] [fields =,] lines }.
`flex.x` is `core.x`.
--]]
return {
  { holder = "flexlab.core", title = "Tensors: making them",
    about = "A shape is a list such as `{2, 64, 64, 1}`. A key is the address of random numbers, `{ seed =, stream ="
      .. " \"noise\", sample =, member =, step = }`: numbers that are left out are 0, and the stream is `user`."
      .. " [Streams of random numbers](#streams-of-random-numbers) lists the streams.", [[
tensor(value: number|table|flexlab.Tensor, options?: { dtype?: flexlab.dtype }): flexlab.Tensor --
  a tensor from a number, nested lists or another tensor; single precision (f32) by default
zeros(shape: integer[], options?: { dtype?: flexlab.dtype }): flexlab.Tensor -- a tensor whose elements are all 0
full(shape: integer[], value: number, options?: { dtype?: flexlab.dtype }): flexlab.Tensor -- a tensor
  whose elements are all `value`
normal(shape: integer[], key: flexlab.Key, options?: { dtype?: flexlab.dtype }): flexlab.Tensor --
  standard normal random numbers, a function of the key alone
uniform(shape: integer[], key: flexlab.Key, options?: { low?: number, high?: number, dtype?:
  flexlab.dtype }): flexlab.Tensor -- random numbers uniform in [low, high), by default [0, 1)
arange(n: integer): flexlab.Tensor -- the numbers 0, 1, .. n-1
is_tensor(value: any): boolean -- whether a value is a tensor
nearest(word: string, known: string[]): string|nil -- the known word that was meant; nil where none is near
unknown(word: string, known: string[], noun?: string): string -- the sentence that says that a word is not known, with
  the nearest and all known ones
]] },
  { holder = "flexlab.Tensor", title = "Tensors: methods",
    about = "Operators work element by element with broadcasting: `a + b`, `-`, `*`, `/`, `^` and unary `-`; one side"
      .. " may be a number. `a == b` asks whether two variables hold the same tensor. `t[i]` is entry i of the leading"
      .. " axis, without that axis. `t[{1, {3, -1}, {}}]` has one part for each axis: a number selects, `{a, b}` or"
      .. " `{a}` is a range, `{}` takes all. Gradients flow through both. `pairs(t)` walks along the leading axis;"
      .. " `ipairs` cannot, since reading beyond the end raises. The methods whose names end in `_`, which change a"
      .. " tensor in place, return it. They raise on a result through which a gradient flows, and, outside"
      .. " `core.no_grad`, on a tracked leaf.", fields = [[
shape: integer[] -- sizes of the axes; `#t` is the first
ndim: integer -- number of axes
dtype: flexlab.dtype -- type of the elements: f32, f64, bf16 or f16
grad: flexlab.Tensor? -- gradient of a leaf; nil before backward
requires_grad: boolean -- whether a gradient flows through it
]], [[
count(): integer -- number of elements
item(): number -- the only element; raises if there are more
get(...: integer): number -- the element at these indices
set(...: number): flexlab.Tensor -- `t:set(i, j, .., value)` sets the element at these indices
totable(): number[] -- a flat list of all elements, row by row
summary(): { min: number, max: number, mean: number, nonfinite: integer } -- smallest, largest and mean finite
  element, and the number of elements that are not finite
clone(): flexlab.Tensor -- a copy, through which gradients flow
to(dtype: flexlab.dtype): flexlab.Tensor -- a copy of another type; refused where a gradient flows
detach(): flexlab.Tensor -- the same storage, through which no gradient flows
track(wanted: boolean): flexlab.Tensor -- marks a leaf whose gradient is wanted (true) or not (false); returns it
backward(seed?: flexlab.Tensor) -- adds gradients to all leaves; without a seed the tensor must have one element
clear_grad() -- removes the gradient
fill_(value: number): flexlab.Tensor -- sets every element, in place
copy_(from: flexlab.Tensor): flexlab.Tensor -- copies the elements of a tensor of equal shape, in place
add_(other: flexlab.Tensor, scale?: number): flexlab.Tensor -- adds `scale` (1) times a tensor of equal shape, in
  place
mul_(factor: number): flexlab.Tensor -- multiplies every element, in place
free() -- gives the memory back at once, as `local t <close>` does; later use raises an error that says where the
  tensor was made
]] },
  { holder = "flexlab.core", title = "Memory and recording",
    about = "When live bytes exceed the budget, the next op first runs a full collection. The budget is the larger of"
      .. " the least budget (256 MB at first) and 1.5 times what was live after the last collection.", [[
scope(): flexlab.Scope -- opens a scope, whose end frees all tensors made since, but those that are kept, parameters
  and the state of optimisers
no_grad(f: function, ...: any): any -- the results of `f(...)` with recording for gradients off; it is on again
  after an error, too
memory(): { live: integer, peak: integer, cached: integer, budget: integer, blocks: integer,
  handles: integer, requests: integer, live_by_kind: table<string, integer>, peak_by_kind: table<string,
  integer> } -- bytes that are live, at the peak, cached and budgeted; numbers of blocks, of tensors that Lua holds
  and of allocations; bytes by kind (weights, optimiser, gradients, activations, workspace), now and at the peak
reset_peak() -- starts a new measurement of the peak
set_budget(bytes: integer) -- sets the least budget
limit_memory(bytes: integer): integer -- makes allocations fail beyond so many live bytes (0: no limit); returns the
  limit before
fail_allocation(k: integer) -- makes the k-th allocation from now fail, once; for tests
]] },
  { holder = "flexlab.Scope", title = "Scopes: methods",
    about = "Closing a scope also closes those that were opened after it. A scope that is collected without having"
      .. " been closed frees nothing.", [[
keep(...: any): any -- keeps tensors, or tables of them, beyond the end of the scope: they then belong to the scope
  around it; returns them
close() -- frees the others; so does `local scope <close>`
]] },
  { holder = "flexlab.core", title = "The machine", [[
threads(n?: integer): integer -- number of threads, set if given, 1 to `core.most_threads`; no result depends on it
backend(name?: string): string -- backend of the kernels, set if given: "cpu", or "ref", the readable reference
isa(name?: string): string -- instruction set of the cpu kernels, set if given: baseline, avx2, avx512, amx, or
  x86-64-v2 to -v4; the environment variable FLEXLAB_ISA names it at start
info(): table -- version, hash of the C sources, instruction sets, threads, cores, compiler and libraries, by name
]] },
  { holder = "flexlab.core.measure", title = "Measuring time", [[
start() -- forgets the last profile and begins one
stop(): table[] -- the profile: one entry { name, op, operands (shapes, or false where one is absent), result
  (shape), forward and backward { count, seconds, bytes } } for each op with its shapes; `op` is false for other work
  (the optimiser, sums of gradients), whose time stands under forward
time(call: integer, options?: { part?: "forward"|"backward"|"backward_first"|"backward_rest", repeats?:
  integer }): number[] -- seconds of each of `repeats` (5) runs of one entry of the last profile by itself;
  backward_first is the gradient of the first operand, backward_rest those of the others
fma(rounds: integer): number -- runs multiply-adds in registers, one task for each thread; returns the number of
  operations, two for each multiply-add
]] },
  { holder = "flexlab.core.nn", title = "Layers",
    about = "A layer is a module: it is called as a function and has the methods below. A new layer has the weights of"
      .. " seed 0. Fields are (N,H,W,C), tokens (N,T,D).", [[
linear(inputs: integer, outputs: integer, options?: { bias?: boolean }): flexlab.Module -- linear map of the last
  axis, called `(x)`; `bias` is true by default
conv(inputs: integer, outputs: integer, options?: { kernel?: integer, stride?: integer, circular?:
  boolean, zero?: boolean }): flexlab.Module -- convolution with zero padding, called `(x)`; kernel 3 and stride 1
  by default; `circular`: periodic padding; `zero`: its weights begin as 0
group_norm(channels: integer, options?: { groups?: integer }): flexlab.Module -- group normalisation, called `(x)`;
  32 groups by default
layer_norm(size: integer, options?: { eps?: number }): flexlab.Module -- layer normalisation, called `(x)`; `eps`
  is 1e-6 by default
resblock(inputs: integer, outputs: integer, options: { emb: integer, resample?: "same"|"down"|"up",
  circular?: boolean, dropout?: number, recompute?: boolean, precision?: "f32"|"bf16" }): flexlab.Module --
  residual block, called `(x, emb)` with an embedding (N, emb); `recompute`: its activations are computed again in
  backward
transformer_block(size: integer, options: { heads: integer, mlp?: integer, skip?: boolean, dropout?:
  number, recompute?: boolean, rows?: integer, columns?: integer, before?: integer }): flexlab.Module --
  transformer block, called `(tokens, skip)`; `mlp` (2) is the ratio of its inner layer's width to `size`. With `rows`
  and `columns` its positions are rotary: the first `before` tokens have no position; the rest are the rows x columns
  of the map
positions(tokens: integer, size: integer): flexlab.Module -- adds learned positions, called `(x)`
condition_embedding(size: integer): flexlab.Module -- embedding of the Reynolds number, called `(re)`: (N,1) ->
  (N,size)
time_embedding(size: integer): flexlab.Module -- embedding of the diffusion time, called `(t)`: (N) -> (N,size)
]] },
  { holder = "flexlab.Module", title = "Layers: methods",
    about = "A parameter whose tensor is not tracked when the optimiser is made is frozen: neither it nor its average"
      .. " changes by a bit.", [[
parameters(): { name: string, tensor: flexlab.Tensor, trained: boolean }[] -- the parameters, in a fixed order
init(seed: integer, prefix?: string): flexlab.Module -- sets the weights, a function of the seed and of the names
  behind the prefix; returns the module
train(key?: flexlab.Key): flexlab.Module -- switches dropout on with a key, off without; returns the module. Masks
  differ from call to call; the next `train(key)` begins their sequence again
]] },
  { holder = "flexlab.core", title = "The network and its optimiser", [[
flex(config: flexlab.FlexConfig): flexlab.Flex -- the FLEX network of a [configuration](#the-configuration-of-flex),
  which has a `size`, or `channels` and `res_blocks` (the rest is then that of `small`); a recipe uses
  `flex.models.flex`. `core.flex_version` is the version of checkpoints that have all its fields
flex_preset(size: flexlab.FlexSize): { channels: integer[], res_blocks: integer[], depth: integer,
  heads: integer } -- the meaning of a size, one of `core.flex_sizes`
optimizer(config: { kind: "adam"|"adamw"|"lion", parameters: flexlab.Tensor[], beta1?: number,
  beta2?: number, eps?: number, weight_decay?: number, ema?: number }): flexlab.Optimizer --
  an optimiser of these tensors, with a moving average (EMA) of decay `ema`; a recipe uses `flex.optim`
]] },
  { holder = "flexlab.Flex", title = "The network: methods",
    about = "x is (N,H,W,C), t (N), re (N,1) = Re/40000. Features are what an encoder returns: `head` (N,h,w,D),"
      .. " `skips`, a list of maps, and `tokens` (head is then a matrix of tokens with three axes).", [[
config(): flexlab.FlexConfig -- the configuration with every field; `core.flex` takes it again
parameters(): { name: string, tensor: flexlab.Tensor, trained: boolean }[] -- the parameters, with the names of the
  authors' code
init(seed: integer, prefix?: string): flexlab.Flex -- sets the weights, a function of the seed and of the names;
  returns the network
train(key?: flexlab.Key): flexlab.Flex -- switches dropout on with a key, off without; returns the network
condition(lowres: flexlab.Tensor, re?: flexlab.Tensor): flexlab.Features -- the condition encoder: it does not depend
  on t, so once for each sample is enough
encode(x: flexlab.Tensor, t: flexlab.Tensor, re?: flexlab.Tensor, features?: flexlab.Features):
  flexlab.Features -- the base encoder, with the features of the condition or without
decode(encoded: flexlab.Features, t: flexlab.Tensor, re?: flexlab.Tensor, features?:
  flexlab.Features): flexlab.Tensor -- the decoder
predict(x: flexlab.Tensor, t: flexlab.Tensor, re?: flexlab.Tensor, features?: flexlab.Features):
  flexlab.Tensor -- `encode`, then `decode`
skip_shapes(n: integer): integer[][] -- the shapes of the skips for a batch of n
]] },
  { holder = "flexlab.Optimizer", title = "The optimiser: methods", fields = [[
steps: integer -- number of updates so far; may be assigned
]], [[
step(options: { lr: number, clip?: number }): number? -- one update; returns the norm of the gradient before
  clipping, or nil, a message and the number of the parameter where it is not finite
clear_grads() -- removes all gradients
swap() -- exchanges the weights and their moving averages
state(): { steps: integer, first: flexlab.Tensor[], second: flexlab.Tensor[], average:
  flexlab.Tensor[] } -- the tensors of the state themselves, in the order of the parameters
]] },
  { holder = "flexlab.core.io", title = "Files",
    about = "A file that is missing, damaged or full gives nil and a message. Files are written whole or not at all.",
    [[
load(path: string): { names: string[], tensors: table<string, flexlab.Tensor>, text: table<string,
  string> }? -- the tensors and texts of an HDF5, safetensors or .pt file, which its content tells apart
save(path: string, content: { names?: string[], tensors: table<string, flexlab.Tensor>, text?: table
  }): boolean? -- writes .h5 or .safetensors; `names` is the order of the tensors (alphabetic without it); texts may
  be numbers or booleans
container(path: string): flexlab.Container? -- opens any file of arrays: HDF5, netCDF 3 and 4, .npy, .npz
reading(): integer, integer -- number of boxes that wait to be read ahead, and of those that wait to be taken
field_writer(path: string, options: { dataset?: string, frames: integer, height: integer, width:
  integer, channels?: integer, deflate?: integer, chunk?: integer, done?: integer }): flexlab.FieldWriter? -- begins
  a file of fields: dataset `w`, one channel, gzip level `deflate` (0) and chunks of side `chunk` (0: a whole frame)
  by default. With `done`, the number of frames that are there already, it writes PATH.part, which a killed process
  leaves behind and another continues
png(path: string, image: flexlab.Tensor): boolean? -- writes an image (H,W,3) with values from 0 to 1
png_encode(image: flexlab.Tensor): string -- the bytes of such a file
]] },
  { holder = "flexlab.Container", title = "Files of arrays: methods", fields = [[
kind: string -- kind of the file: HDF5, netCDF-3, npy or npz
path: string -- path of the file
]], [[
variables(): table[] -- the variables, each { path, dtype such as "<f4", number, shape, chunk, axes (their names),
  filters, packed, missing (stored numbers), valid ({ least, most }), unused (names of attributes that are not
  used), target (of a symbolic link) }
groups(): string[] -- names of the groups of an HDF5 file
notes(): string[] -- sentences about links that are not followed
attributes(path?: string): table? -- attributes of a variable or group, or of the file
read(path: string, options?: { start?: integer[], count?: integer[], dtype?: string }):
  flexlab.Tensor? -- a box of a variable; a count of 0 drops the axis. A missing element, by the rules of
  csrc/io/packing.h, is NaN. A box that was asked for is waited for
check(path: string): boolean? -- whether a variable can be read at all, before any number is
ask(path: string, options?: { start?: integer[], count?: integer[], dtype?: string }) -- has another thread read a
  box, which `read` then returns
forget() -- drops the boxes that were asked for and not read
expect(path: string, count: integer[]): integer, integer -- fits the cache of decoded chunks to boxes of this size;
  returns its bytes and the number of its places
statistics(path: string): { mean: number, std: number, min: number, max: number, count: integer,
  nan: integer, infinite: integer }? -- of the finite numbers, with their count; `nan` also counts missing elements
close() -- closes the file
]] },
  { holder = "flexlab.FieldWriter", title = "Writing fields: methods", [[
append(frame: flexlab.Tensor): boolean? -- writes the next frame, (1,H,W,C)
number(name: string, value: number): boolean? -- writes a number as an attribute
text(name: string, value: string, dataset?: string): boolean? -- writes a text as an attribute of the file, or of
  one of its data sets
array(name: string, values: number[]): boolean? -- writes a data set along one axis
plane(name: string, plane: flexlab.Tensor): boolean? -- writes a data set (1,H,W), a field that holds for all frames
finish(): boolean? -- completes the file and gives it its name
flush(): boolean? -- returns when what was appended is on the disk
leave() -- closes PATH.part as it was flushed, for another to continue; without `done` it is `abandon`
abandon() -- removes what was written
]] },
  { holder = "flexlab.Lock", title = "Locks: methods", [[
close() -- ends the lock and removes its file; so does `local l <close>`
]] },
  { holder = "flexlab.Heartbeat", title = "Heartbeats: methods", [[
close() -- ends the heartbeat; so does `local h <close>`
]] },
  { holder = "flexlab.Redirection", title = "Redirections: methods", [[
close() -- ends the redirection; so does `local r <close>`
]] },
  { holder = "flexlab.core", title = "Simulation", [[
flow(options: flexlab.FlowOptions): flexlab.Flow -- a two-dimensional Navier-Stokes flow on [0, 2 pi]^2, by a
  pseudo-spectral solver, with these [options](#the-options-of-a-flow)
flow_settings(options: flexlab.FlowOptions): flexlab.FlowOptions -- all options as `core.flow` would take them, with
  the defaults filled in; no flow is made
perturb(field: flexlab.Tensor, options: { factor?: integer, coarse?: "subsample"|"block_mean"|"cutoff",
  key?: flexlab.Key }): flexlab.Tensor -- a field (1,H,W,1) f64 with the same coarse field, by the way of coarsening
  and `factor` (4), and random phases of the scales that the coarse field does not show
]] },
  { holder = "flexlab.Flow", title = "Simulation: methods", [[
advance(time: number) -- integrates up to `time`
time(): number -- time of the flow
vorticity(): flexlab.Tensor -- vorticity (1,H,W,1) f64
set_vorticity(w: flexlab.Tensor, time?: number) -- starts again from a field of vorticity, at `time` (0)
velocity(): flexlab.Tensor -- velocity (1,H,W,2) f64 along x and y
pressure(): flexlab.Tensor -- pressure (1,H,W,1) f64 over the density, of mean 0
scalar(): flexlab.Tensor -- passive scalar (1,H,W,1) f64
set_scalar(c: flexlab.Tensor) -- replaces the passive scalar; time and vorticity stay
settings(): flexlab.FlowOptions -- all options but the cylinders, with those that the solver chose
solid(): flexlab.Tensor -- solid fraction (1,H,W,1) f64 of each point, from 0 to 1
force(): number, number -- drag and lift: the force of the fluid on the solids, over the density
state(): flexlab.Tensor -- everything that the flow remembers besides its time and number of steps, in its precision
restore(state: flexlab.Tensor, time: number, steps: integer) -- continues from a state, bit for bit
spectrum(): flexlab.Tensor -- energy in shells of the wavenumber |k|, f64
diagnostics(): table<string, number> -- energy, enstrophy and their budgets, kmax_eta, dt, steps; mean, variance and
  loss of variance of the scalar
close() -- frees the flow
]] },
  { holder = "flexlab.core.metrics", title = "Metrics of ensembles and spectra",
    about = "The metrics with a name of their own are in the table [Metrics](#metrics), which is `core.metrics.list`.",
    [[
ensemble(members: flexlab.Tensor, truth?: flexlab.Tensor): { mean: flexlab.Tensor, spread:
  flexlab.Tensor?, crps: flexlab.Tensor? } -- mean and spread (of two members or more) of an ensemble (M,H,W,C), and
  its score against the truth (1,H,W,C), pixel by pixel
spectrum(field: flexlab.Tensor, options?: { window?: boolean, kind?: "sum"|"mean", quantity?:
  "power"|"energy"|"enstrophy", spacing?: number }): flexlab.Tensor -- spectrum (N,bins) by the wavenumber |k|;
  energy and enstrophy are those of vorticity (1 channel) or velocity (2 channels)
coherence(prediction: flexlab.Tensor, truth: flexlab.Tensor, options?: { window?: boolean
  }): flexlab.Tensor -- correlation (N,bins) of two fields scale by scale, from -1 to 1
divergence(velocity: flexlab.Tensor, options?: { periodic?: boolean }): flexlab.Tensor -- root mean square (N) of
  div u over that of all gradients; the field is periodic by default
moments(field: flexlab.Tensor): flexlab.Tensor -- mean, standard deviation, skewness and kurtosis (N,4)
histogram(field: flexlab.Tensor, options: { low: number, high: number, bins?: integer
  }): flexlab.Tensor -- counts (N, bins + 2) in 64 bins by default; the outer two count what lies beyond
exceedances(field: flexlab.Tensor, thresholds: number[]): flexlab.Tensor -- fraction (N,T) of |values| above each
  threshold
structure_function(field: flexlab.Tensor, options?: { order?: integer, separations?: integer,
  periodic?: boolean }): flexlab.Tensor -- structure function (N,R) of order 2 by default, at separations of 1 to R
  grid points; longitudinal for velocity; the field is periodic by default
calibration(members: integer): flexlab.Calibration -- sums over ensembles of so many members
]] },
  { holder = "flexlab.Calibration", title = "Calibration: methods", [[
add(members: flexlab.Tensor, truth: flexlab.Tensor, key?: flexlab.Key) -- adds one sample: members (M,H,W,C) and
  truth (1,H,W,C); the key draws the rank among equal values
scores(): table<string, number> -- every metric of an ensemble, members, samples and ideal_pull_sd, by name
ranks(): flexlab.Tensor -- counts (M+1) of the rank of the truth among the members
pulls(): flexlab.Tensor -- counts (66) of the statistical pull: below -8, in 64 equal bins, above 8
close() -- frees the sums
]] },
  { holder = "flexlab.core.json", title = "JSON", [[
encode(value: any): string -- JSON text with sorted keys; `#` tells lists, an empty table is `{}`. Numbers are exact,
  whole numbers beyond 2^53 are refused, NaN and infinity become null
decode(text: string): any -- the value, with nil for null; or nil, "not JSON at byte N"
]] },
  { holder = "flexlab.core.sys", title = "The system",
    about = "What the system refuses gives nil and a message.", [[
time(): number -- seconds of a clock that is never set back
now(): number -- seconds since 1970
mkdirs(path: string): boolean? -- makes a folder and those above it
exists(path: string): "file"|"folder"|"other"|nil -- what is at a path; other: a pipe, a device, a socket
modified(path: string): number? -- when a file was last written, in seconds since 1970 by the file system's clock
mark(path: string): string?, string? -- two texts to compare: which file it is; its size and times
touch(path: string, time?: number): boolean? -- sets the time at which a file was written: now, or `time`
create(path: string, text: string): boolean? -- makes a file that is not there; false if it is: of several processes
  one alone succeeds
disk_free(path: string): integer? -- number of bytes that may still be written there
heartbeat(path: string, seconds: number): flexlab.Heartbeat? -- has a thread touch a file each so many seconds, until
  it is closed
redirect(path: string): flexlab.Redirection? -- appends standard output and error to a file until it is closed
start(command: string[]): integer? -- starts a process, such as { "/bin/sh", ... }, in a group of its own; returns
  its number
ended(pid: integer): false|"exit"|"signal", integer? -- how a started process ended, with its exit code or signal;
  false while it runs
process_exists(pid: integer): boolean -- whether a process exists, running or dead and not yet waited for
kill(pid: integer, signal: "INT"|"TERM"|"HUP"|"KILL"): boolean? -- sends a signal to a process
sleep(seconds: number) -- waits; a signal ends it early
list(path: string): string[]? -- names in a folder
rename(from: string, to: string): boolean? -- renames a file and replaces one of that name
remove(path: string): boolean? -- removes a file
symlink(target: string, path: string): boolean? -- makes a symbolic link, or replaces one, in one step
readlink(path: string): string? -- the target of a symbolic link as it is written; nil if the path is none
temporary(path: string): string -- the name under which this process writes a file before it has its name
lock(path: string): flexlab.Lock? -- takes a lock, and waits while another process holds it
size(path: string): integer?, string? -- bytes of a regular file; nil and a message where it is none
read(path: string): string? -- the bytes of a whole file
write(path: string, text: string): boolean? -- writes a file, whole or not at all, to the disk
append(path: string, text: string): boolean? -- adds bytes to a file in one write
sync(path: string): boolean? -- returns when a file is on the disk
isatty(fd: integer): boolean -- whether a file descriptor is a terminal
columns(): integer -- width of the terminal in characters
hash(text: string): string -- hash of a text, 16 hexadecimal digits
pid(): integer -- number of this process
host(): string -- name of the machine
rss(): integer -- bytes of memory that the process occupies
peak_rss(): integer -- the most bytes that it has occupied so far
interrupts(): integer -- number of presses of Ctrl-C since the last `clear_interrupts`
interrupted(): boolean -- whether work must end now: after a second press, or a second after the first
signal(): "INT"|"TERM"|"HUP"?, integer? -- the signal that asked for an end, and its number
clear_interrupts() -- forgets the presses
catch_interrupts(wanted: boolean) -- whether presses of Ctrl-C are counted instead of ending the program
]] },
}
