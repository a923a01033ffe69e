---@meta flexlab
-- Made from the tables of the program by `make docs`; a change here would be lost.

---@alias flexlab.dtype "f32"|"f64"|"bf16"|"f16"

---@class flexlab.Key
---@field seed? integer
---@field stream? "init"|"order"|"crop"|"noise"|"time"|"dropout"|"sample"|"data"|"user"
---@field sample? integer
---@field member? integer
---@field step? integer

---@alias flexlab.FlexSize "nano"|"small"|"medium"|"big"

---@class flexlab.Features
---@field head flexlab.Tensor
---@field skips flexlab.Tensor[]
---@field tokens? boolean

---@class flexlab.Choice
---@field name string
---@field kind string
---@field doc string
---@field defaults table

---@class flexlab.FlexConfig
---@field channels? integer[] channels of each level
---@field res_blocks? integer[] residual blocks of each level
---@field depth? integer transformer blocks: depth // 2 down, one in the middle, depth // 2 up
---@field heads? integer heads of attention
---@field height? integer height of a patch
---@field width? integer width of a patch
---@field in_channels? integer channels of the field
---@field cond_channels? integer channels of the condition
---@field use_transf? boolean a transformer in FLEX's condition encoder too
---@field skip? boolean skip connections among transformer blocks
---@field circular? boolean convolutions wrap around the field's borders
---@field rotary? boolean queries and keys of attention turn by row and column
---@field weak_skips? boolean the condition's skips are added after every block of the base encoder
---@field strong_skips? boolean the condition's skips are added to those that the decoder reads
---@field strong_bottleneck? boolean the condition's head is added to what the decoder begins with
---@field embed_condition? boolean the Reynolds number enters every residual block
---@field condition_encoder? boolean has a condition encoder; false: head and skips come from elsewhere
---@field dropout? number probability of dropout in residual blocks
---@field mlp_ratio? number width of the transformer blocks' inner layer, in channels of a token
---@field recompute? boolean run blocks again in backward: less memory, one more forward pass
---@field precision? "f32"|"bf16" bf16: round the factors of the residual blocks' convolutions to it
---@field size? flexlab.FlexSize preset of channels, res_blocks, depth and heads
---@field seed? integer seed of the initial weights

---@class flexlab.FlowOptions
---@field height? integer grid points along y: even, from 4 on, factors 2, 3 and 5
---@field width? integer grid points along x, as along y
---@field re? number Reynolds number, above 0; the viscosity is its inverse
---@field seed? integer seed of the random initial field
---@field initial? "random"|"rest" random phases with E(k) ~ k^4 exp(-2 (k/k0)^2), or fluid at rest
---@field k0? number wavenumber at which the initial energy peaks
---@field rms_velocity? number r.m.s. velocity of the initial field
---@field forcing? "none"|"kolmogorov"|"ring" forcing: none (decaying flow), kolmogorov (A sin(k y)) or ring (random)
---@field forcing_wavenumber? integer wavenumber k of the forcing
---@field forcing_amplitude? number kolmogorov: amplitude A of the forcing, a velocity per time
---@field forcing_width? number ring: half width of the forced band, wavenumbers k - width to k + width
---@field forcing_rate? number ring: mean energy input per time
---@field drag? number linear friction, 1 / time; negative: 0.1 with a forcing, else 0
---@field cfl? number Courant number
---@field dt? number time step; 0: by the Courant number
---@field walls? "none"|"channel"|"box"|"slip" none; no-slip at two sides (channel) or four (box); free slip at y = 0 and pi (slip)
---@field wall? number channel, box: half the thickness of a wall
---@field cylinders? number[] solid discs: x, y, radius of each
---@field mean_velocity? number velocity of the stream along x, kept by the mean pressure gradient
---@field sponge? number width of a strip at the end of x that restores the mean velocity; 0: none
---@field penalty? number time in which a solid stops fluid inside it; 0: chosen (flow_solid.c)
---@field precision? "single"|"double" precision of the steps and the state: double; or single, which is faster
---@field scalar? boolean carries a passive scalar
---@field schmidt? number Schmidt number of the scalar: viscosity / diffusivity

---@class flexlab.core
local core = {}

--- a tensor from a number, nested lists or another tensor; single precision (f32) by default
---@param value number|table|flexlab.Tensor
---@param options? { dtype?: flexlab.dtype }
---@return flexlab.Tensor
function core.tensor(value, options) end

--- a tensor whose elements are all 0
---@param shape integer[]
---@param options? { dtype?: flexlab.dtype }
---@return flexlab.Tensor
function core.zeros(shape, options) end

--- a tensor whose elements are all `value`
---@param shape integer[]
---@param value number
---@param options? { dtype?: flexlab.dtype }
---@return flexlab.Tensor
function core.full(shape, value, options) end

--- standard normal random numbers, a function of the key alone
---@param shape integer[]
---@param key flexlab.Key
---@param options? { dtype?: flexlab.dtype }
---@return flexlab.Tensor
function core.normal(shape, key, options) end

--- random numbers uniform in [low, high), by default [0, 1)
---@param shape integer[]
---@param key flexlab.Key
---@param options? { low?: number, high?: number, dtype?: flexlab.dtype }
---@return flexlab.Tensor
function core.uniform(shape, key, options) end

--- the numbers 0, 1, .. n-1
---@param n integer
---@return flexlab.Tensor
function core.arange(n) end

--- whether a value is a tensor
---@param value any
---@return boolean
function core.is_tensor(value) end

--- the known word that was meant; nil where none is near
---@param word string
---@param known string[]
---@return string|nil
function core.nearest(word, known) end

--- the sentence that says that a word is not known, with the nearest and all known ones
---@param word string
---@param known string[]
---@param noun? string
---@return string
function core.unknown(word, known, noun) end

---@class flexlab.Tensor
---@field shape integer[] sizes of the axes; `#t` is the first
---@field ndim integer number of axes
---@field dtype flexlab.dtype type of the elements: f32, f64, bf16 or f16
---@field grad flexlab.Tensor? gradient of a leaf; nil before backward
---@field requires_grad boolean whether a gradient flows through it
---@operator add(flexlab.Tensor|number): flexlab.Tensor
---@operator sub(flexlab.Tensor|number): flexlab.Tensor
---@operator mul(flexlab.Tensor|number): flexlab.Tensor
---@operator div(flexlab.Tensor|number): flexlab.Tensor
---@operator pow(flexlab.Tensor|number): flexlab.Tensor
---@operator unm: flexlab.Tensor
---@operator len: integer
---@field [integer|table] flexlab.Tensor
local Tensor = {}

--- number of elements
---@return integer
function Tensor:count() end

--- the only element; raises if there are more
---@return number
function Tensor:item() end

--- the element at these indices
---@param ... integer
---@return number
function Tensor:get(...) end

--- `t:set(i, j, .., value)` sets the element at these indices
---@param ... number
---@return flexlab.Tensor
function Tensor:set(...) end

--- a flat list of all elements, row by row
---@return number[]
function Tensor:totable() end

--- smallest, largest and mean finite element, and the number of elements that are not finite
---@return { min: number, max: number, mean: number, nonfinite: integer }
function Tensor:summary() end

--- a copy, through which gradients flow
---@return flexlab.Tensor
function Tensor:clone() end

--- a copy of another type; refused where a gradient flows
---@param dtype flexlab.dtype
---@return flexlab.Tensor
function Tensor:to(dtype) end

--- the same storage, through which no gradient flows
---@return flexlab.Tensor
function Tensor:detach() end

--- marks a leaf whose gradient is wanted (true) or not (false); returns it
---@param wanted boolean
---@return flexlab.Tensor
function Tensor:track(wanted) end

--- adds gradients to all leaves; without a seed the tensor must have one element
---@param seed? flexlab.Tensor
function Tensor:backward(seed) end

--- removes the gradient
function Tensor:clear_grad() end

--- sets every element, in place
---@param value number
---@return flexlab.Tensor
function Tensor:fill_(value) end

--- copies the elements of a tensor of equal shape, in place
---@param from flexlab.Tensor
---@return flexlab.Tensor
function Tensor:copy_(from) end

--- adds `scale` (1) times a tensor of equal shape, in place
---@param other flexlab.Tensor
---@param scale? number
---@return flexlab.Tensor
function Tensor:add_(other, scale) end

--- multiplies every element, in place
---@param factor number
---@return flexlab.Tensor
function Tensor:mul_(factor) end

--- gives the memory back at once, as `local t <close>` does; later use raises an error that says where the tensor was made
function Tensor:free() end

--- opens a scope, whose end frees all tensors made since, but those that are kept, parameters and the state of optimisers
---@return flexlab.Scope
function core.scope() end

--- the results of `f(...)` with recording for gradients off; it is on again after an error, too
---@param f function
---@param ... any
---@return any
function core.no_grad(f, ...) end

--- bytes that are live, at the peak, cached and budgeted; numbers of blocks, of tensors that Lua holds and of allocations; bytes by kind (weights, optimiser, gradients, activations, workspace), now and at the peak
---@return { live: integer, peak: integer, cached: integer, budget: integer, blocks: integer, handles: integer, requests: integer, live_by_kind: table<string, integer>, peak_by_kind: table<string, integer> }
function core.memory() end

--- starts a new measurement of the peak
function core.reset_peak() end

--- sets the least budget
---@param bytes integer
function core.set_budget(bytes) end

--- makes allocations fail beyond so many live bytes (0: no limit); returns the limit before
---@param bytes integer
---@return integer
function core.limit_memory(bytes) end

--- makes the k-th allocation from now fail, once; for tests
---@param k integer
function core.fail_allocation(k) end

---@class flexlab.Scope
local Scope = {}

--- keeps tensors, or tables of them, beyond the end of the scope: they then belong to the scope around it; returns them
---@param ... any
---@return any
function Scope:keep(...) end

--- frees the others; so does `local scope <close>`
function Scope:close() end

--- number of threads, set if given, 1 to `core.most_threads`; no result depends on it
---@param n? integer
---@return integer
function core.threads(n) end

--- backend of the kernels, set if given: "cpu", or "ref", the readable reference
---@param name? string
---@return string
function core.backend(name) end

--- instruction set of the cpu kernels, set if given: baseline, avx2, avx512, amx, or x86-64-v2 to -v4; the environment variable FLEXLAB_ISA names it at start
---@param name? string
---@return string
function core.isa(name) end

--- version, hash of the C sources, instruction sets, threads, cores, compiler and libraries, by name
---@return table
function core.info() end

---@class flexlab.core.measure
core.measure = {}

--- forgets the last profile and begins one
function core.measure.start() end

--- the profile: one entry { name, op, operands (shapes, or false where one is absent), result (shape), forward and backward { count, seconds, bytes } } for each op with its shapes; `op` is false for other work (the optimiser, sums of gradients), whose time stands under forward
---@return table[]
function core.measure.stop() end

--- seconds of each of `repeats` (5) runs of one entry of the last profile by itself; backward_first is the gradient of the first operand, backward_rest those of the others
---@param call integer
---@param options? { part?: "forward"|"backward"|"backward_first"|"backward_rest", repeats?: integer }
---@return number[]
function core.measure.time(call, options) end

--- runs multiply-adds in registers, one task for each thread; returns the number of operations, two for each multiply-add
---@param rounds integer
---@return number
function core.measure.fma(rounds) end

---@class flexlab.core.nn
core.nn = {}

--- linear map of the last axis, called `(x)`; `bias` is true by default
---@param inputs integer
---@param outputs integer
---@param options? { bias?: boolean }
---@return flexlab.Module
function core.nn.linear(inputs, outputs, options) end

--- convolution with zero padding, called `(x)`; kernel 3 and stride 1 by default; `circular`: periodic padding; `zero`: its weights begin as 0
---@param inputs integer
---@param outputs integer
---@param options? { kernel?: integer, stride?: integer, circular?: boolean, zero?: boolean }
---@return flexlab.Module
function core.nn.conv(inputs, outputs, options) end

--- group normalisation, called `(x)`; 32 groups by default
---@param channels integer
---@param options? { groups?: integer }
---@return flexlab.Module
function core.nn.group_norm(channels, options) end

--- layer normalisation, called `(x)`; `eps` is 1e-6 by default
---@param size integer
---@param options? { eps?: number }
---@return flexlab.Module
function core.nn.layer_norm(size, options) end

--- residual block, called `(x, emb)` with an embedding (N, emb); `recompute`: its activations are computed again in backward
---@param inputs integer
---@param outputs integer
---@param options { emb: integer, resample?: "same"|"down"|"up", circular?: boolean, dropout?: number, recompute?: boolean, precision?: "f32"|"bf16" }
---@return flexlab.Module
function core.nn.resblock(inputs, outputs, options) end

--- transformer block, called `(tokens, skip)`; `mlp` (2) is the ratio of its inner layer's width to `size`. With `rows` and `columns` its positions are rotary: the first `before` tokens have no position; the rest are the rows x columns of the map
---@param size integer
---@param options { heads: integer, mlp?: integer, skip?: boolean, dropout?: number, recompute?: boolean, rows?: integer, columns?: integer, before?: integer }
---@return flexlab.Module
function core.nn.transformer_block(size, options) end

--- adds learned positions, called `(x)`
---@param tokens integer
---@param size integer
---@return flexlab.Module
function core.nn.positions(tokens, size) end

--- embedding of the Reynolds number, called `(re)`: (N,1) -> (N,size)
---@param size integer
---@return flexlab.Module
function core.nn.condition_embedding(size) end

--- embedding of the diffusion time, called `(t)`: (N) -> (N,size)
---@param size integer
---@return flexlab.Module
function core.nn.time_embedding(size) end

---@class flexlab.Module
---@overload fun(x: flexlab.Tensor, ...: flexlab.Tensor): flexlab.Tensor
local Module = {}

--- the parameters, in a fixed order
---@return { name: string, tensor: flexlab.Tensor, trained: boolean }[]
function Module:parameters() end

--- sets the weights, a function of the seed and of the names behind the prefix; returns the module
---@param seed integer
---@param prefix? string
---@return flexlab.Module
function Module:init(seed, prefix) end

--- switches dropout on with a key, off without; returns the module. Masks differ from call to call; the next `train(key)` begins their sequence again
---@param key? flexlab.Key
---@return flexlab.Module
function Module:train(key) end

--- the FLEX network of a [configuration](#the-configuration-of-flex), which has a `size`, or `channels` and `res_blocks` (the rest is then that of `small`); a recipe uses `flex.models.flex`. `core.flex_version` is the version of checkpoints that have all its fields
---@param config flexlab.FlexConfig
---@return flexlab.Flex
function core.flex(config) end

--- the meaning of a size, one of `core.flex_sizes`
---@param size flexlab.FlexSize
---@return { channels: integer[], res_blocks: integer[], depth: integer, heads: integer }
function core.flex_preset(size) end

--- an optimiser of these tensors, with a moving average (EMA) of decay `ema`; a recipe uses `flex.optim`
---@param config { kind: "adam"|"adamw"|"lion", parameters: flexlab.Tensor[], beta1?: number, beta2?: number, eps?: number, weight_decay?: number, ema?: number }
---@return flexlab.Optimizer
function core.optimizer(config) end

---@class flexlab.Flex
local Flex = {}

--- the configuration with every field; `core.flex` takes it again
---@return flexlab.FlexConfig
function Flex:config() end

--- the parameters, with the names of the authors' code
---@return { name: string, tensor: flexlab.Tensor, trained: boolean }[]
function Flex:parameters() end

--- sets the weights, a function of the seed and of the names; returns the network
---@param seed integer
---@param prefix? string
---@return flexlab.Flex
function Flex:init(seed, prefix) end

--- switches dropout on with a key, off without; returns the network
---@param key? flexlab.Key
---@return flexlab.Flex
function Flex:train(key) end

--- the condition encoder: it does not depend on t, so once for each sample is enough
---@param lowres flexlab.Tensor
---@param re? flexlab.Tensor
---@return flexlab.Features
function Flex:condition(lowres, re) end

--- the base encoder, with the features of the condition or without
---@param x flexlab.Tensor
---@param t flexlab.Tensor
---@param re? flexlab.Tensor
---@param features? flexlab.Features
---@return flexlab.Features
function Flex:encode(x, t, re, features) end

--- the decoder
---@param encoded flexlab.Features
---@param t flexlab.Tensor
---@param re? flexlab.Tensor
---@param features? flexlab.Features
---@return flexlab.Tensor
function Flex:decode(encoded, t, re, features) end

--- `encode`, then `decode`
---@param x flexlab.Tensor
---@param t flexlab.Tensor
---@param re? flexlab.Tensor
---@param features? flexlab.Features
---@return flexlab.Tensor
function Flex:predict(x, t, re, features) end

--- the shapes of the skips for a batch of n
---@param n integer
---@return integer[][]
function Flex:skip_shapes(n) end

---@class flexlab.Optimizer
---@field steps integer number of updates so far; may be assigned
local Optimizer = {}

--- one update; returns the norm of the gradient before clipping, or nil, a message and the number of the parameter where it is not finite
---@param options { lr: number, clip?: number }
---@return number?
function Optimizer:step(options) end

--- removes all gradients
function Optimizer:clear_grads() end

--- exchanges the weights and their moving averages
function Optimizer:swap() end

--- the tensors of the state themselves, in the order of the parameters
---@return { steps: integer, first: flexlab.Tensor[], second: flexlab.Tensor[], average: flexlab.Tensor[] }
function Optimizer:state() end

---@class flexlab.core.io
core.io = {}

--- the tensors and texts of an HDF5, safetensors or .pt file, which its content tells apart
---@param path string
---@return { names: string[], tensors: table<string, flexlab.Tensor>, text: table<string, string> }?
function core.io.load(path) end

--- writes .h5 or .safetensors; `names` is the order of the tensors (alphabetic without it); texts may be numbers or booleans
---@param path string
---@param content { names?: string[], tensors: table<string, flexlab.Tensor>, text?: table }
---@return boolean?
function core.io.save(path, content) end

--- opens any file of arrays: HDF5, netCDF 3 and 4, .npy, .npz
---@param path string
---@return flexlab.Container?
function core.io.container(path) end

--- number of boxes that wait to be read ahead, and of those that wait to be taken
---@return integer, integer
function core.io.reading() end

--- begins a file of fields: dataset `w`, one channel, gzip level `deflate` (0) and chunks of side `chunk` (0: a whole frame) by default. With `done`, the number of frames that are there already, it writes PATH.part, which a killed process leaves behind and another continues
---@param path string
---@param options { dataset?: string, frames: integer, height: integer, width: integer, channels?: integer, deflate?: integer, chunk?: integer, done?: integer }
---@return flexlab.FieldWriter?
function core.io.field_writer(path, options) end

--- writes an image (H,W,3) with values from 0 to 1
---@param path string
---@param image flexlab.Tensor
---@return boolean?
function core.io.png(path, image) end

--- the bytes of such a file
---@param image flexlab.Tensor
---@return string
function core.io.png_encode(image) end

---@class flexlab.Container
---@field kind string kind of the file: HDF5, netCDF-3, npy or npz
---@field path string path of the file
local Container = {}

--- the variables, each { path, dtype such as "<f4", number, shape, chunk, axes (their names), filters, packed, missing (stored numbers), valid ({ least, most }), unused (names of attributes that are not used), target (of a symbolic link) }
---@return table[]
function Container:variables() end

--- names of the groups of an HDF5 file
---@return string[]
function Container:groups() end

--- sentences about links that are not followed
---@return string[]
function Container:notes() end

--- attributes of a variable or group, or of the file
---@param path? string
---@return table?
function Container:attributes(path) end

--- a box of a variable; a count of 0 drops the axis. A missing element, by the rules of csrc/io/packing.h, is NaN. A box that was asked for is waited for
---@param path string
---@param options? { start?: integer[], count?: integer[], dtype?: string }
---@return flexlab.Tensor?
function Container:read(path, options) end

--- whether a variable can be read at all, before any number is
---@param path string
---@return boolean?
function Container:check(path) end

--- has another thread read a box, which `read` then returns
---@param path string
---@param options? { start?: integer[], count?: integer[], dtype?: string }
function Container:ask(path, options) end

--- drops the boxes that were asked for and not read
function Container:forget() end

--- fits the cache of decoded chunks to boxes of this size; returns its bytes and the number of its places
---@param path string
---@param count integer[]
---@return integer, integer
function Container:expect(path, count) end

--- of the finite numbers, with their count; `nan` also counts missing elements
---@param path string
---@return { mean: number, std: number, min: number, max: number, count: integer, nan: integer, infinite: integer }?
function Container:statistics(path) end

--- closes the file
function Container:close() end

---@class flexlab.FieldWriter
local FieldWriter = {}

--- writes the next frame, (1,H,W,C)
---@param frame flexlab.Tensor
---@return boolean?
function FieldWriter:append(frame) end

--- writes a number as an attribute
---@param name string
---@param value number
---@return boolean?
function FieldWriter:number(name, value) end

--- writes a text as an attribute of the file, or of one of its data sets
---@param name string
---@param value string
---@param dataset? string
---@return boolean?
function FieldWriter:text(name, value, dataset) end

--- writes a data set along one axis
---@param name string
---@param values number[]
---@return boolean?
function FieldWriter:array(name, values) end

--- writes a data set (1,H,W), a field that holds for all frames
---@param name string
---@param plane flexlab.Tensor
---@return boolean?
function FieldWriter:plane(name, plane) end

--- completes the file and gives it its name
---@return boolean?
function FieldWriter:finish() end

--- returns when what was appended is on the disk
---@return boolean?
function FieldWriter:flush() end

--- closes PATH.part as it was flushed, for another to continue; without `done` it is `abandon`
function FieldWriter:leave() end

--- removes what was written
function FieldWriter:abandon() end

---@class flexlab.Lock
local Lock = {}

--- ends the lock and removes its file; so does `local l <close>`
function Lock:close() end

---@class flexlab.Heartbeat
local Heartbeat = {}

--- ends the heartbeat; so does `local h <close>`
function Heartbeat:close() end

---@class flexlab.Redirection
local Redirection = {}

--- ends the redirection; so does `local r <close>`
function Redirection:close() end

--- a two-dimensional Navier-Stokes flow on [0, 2 pi]^2, by a pseudo-spectral solver, with these [options](#the-options-of-a-flow)
---@param options flexlab.FlowOptions
---@return flexlab.Flow
function core.flow(options) end

--- all options as `core.flow` would take them, with the defaults filled in; no flow is made
---@param options flexlab.FlowOptions
---@return flexlab.FlowOptions
function core.flow_settings(options) end

--- a field (1,H,W,1) f64 with the same coarse field, by the way of coarsening and `factor` (4), and random phases of the scales that the coarse field does not show
---@param field flexlab.Tensor
---@param options { factor?: integer, coarse?: "subsample"|"block_mean"|"cutoff", key?: flexlab.Key }
---@return flexlab.Tensor
function core.perturb(field, options) end

---@class flexlab.Flow
local Flow = {}

--- integrates up to `time`
---@param time number
function Flow:advance(time) end

--- time of the flow
---@return number
function Flow:time() end

--- vorticity (1,H,W,1) f64
---@return flexlab.Tensor
function Flow:vorticity() end

--- starts again from a field of vorticity, at `time` (0)
---@param w flexlab.Tensor
---@param time? number
function Flow:set_vorticity(w, time) end

--- velocity (1,H,W,2) f64 along x and y
---@return flexlab.Tensor
function Flow:velocity() end

--- pressure (1,H,W,1) f64 over the density, of mean 0
---@return flexlab.Tensor
function Flow:pressure() end

--- passive scalar (1,H,W,1) f64
---@return flexlab.Tensor
function Flow:scalar() end

--- replaces the passive scalar; time and vorticity stay
---@param c flexlab.Tensor
function Flow:set_scalar(c) end

--- all options but the cylinders, with those that the solver chose
---@return flexlab.FlowOptions
function Flow:settings() end

--- solid fraction (1,H,W,1) f64 of each point, from 0 to 1
---@return flexlab.Tensor
function Flow:solid() end

--- drag and lift: the force of the fluid on the solids, over the density
---@return number, number
function Flow:force() end

--- everything that the flow remembers besides its time and number of steps, in its precision
---@return flexlab.Tensor
function Flow:state() end

--- continues from a state, bit for bit
---@param state flexlab.Tensor
---@param time number
---@param steps integer
function Flow:restore(state, time, steps) end

--- energy in shells of the wavenumber |k|, f64
---@return flexlab.Tensor
function Flow:spectrum() end

--- energy, enstrophy and their budgets, kmax_eta, dt, steps; mean, variance and loss of variance of the scalar
---@return table<string, number>
function Flow:diagnostics() end

--- frees the flow
function Flow:close() end

---@class flexlab.core.metrics
core.metrics = {}

--- mean and spread (of two members or more) of an ensemble (M,H,W,C), and its score against the truth (1,H,W,C), pixel by pixel
---@param members flexlab.Tensor
---@param truth? flexlab.Tensor
---@return { mean: flexlab.Tensor, spread: flexlab.Tensor?, crps: flexlab.Tensor? }
function core.metrics.ensemble(members, truth) end

--- spectrum (N,bins) by the wavenumber |k|; energy and enstrophy are those of vorticity (1 channel) or velocity (2 channels)
---@param field flexlab.Tensor
---@param options? { window?: boolean, kind?: "sum"|"mean", quantity?: "power"|"energy"|"enstrophy", spacing?: number }
---@return flexlab.Tensor
function core.metrics.spectrum(field, options) end

--- correlation (N,bins) of two fields scale by scale, from -1 to 1
---@param prediction flexlab.Tensor
---@param truth flexlab.Tensor
---@param options? { window?: boolean }
---@return flexlab.Tensor
function core.metrics.coherence(prediction, truth, options) end

--- root mean square (N) of div u over that of all gradients; the field is periodic by default
---@param velocity flexlab.Tensor
---@param options? { periodic?: boolean }
---@return flexlab.Tensor
function core.metrics.divergence(velocity, options) end

--- mean, standard deviation, skewness and kurtosis (N,4)
---@param field flexlab.Tensor
---@return flexlab.Tensor
function core.metrics.moments(field) end

--- counts (N, bins + 2) in 64 bins by default; the outer two count what lies beyond
---@param field flexlab.Tensor
---@param options { low: number, high: number, bins?: integer }
---@return flexlab.Tensor
function core.metrics.histogram(field, options) end

--- fraction (N,T) of |values| above each threshold
---@param field flexlab.Tensor
---@param thresholds number[]
---@return flexlab.Tensor
function core.metrics.exceedances(field, thresholds) end

--- structure function (N,R) of order 2 by default, at separations of 1 to R grid points; longitudinal for velocity; the field is periodic by default
---@param field flexlab.Tensor
---@param options? { order?: integer, separations?: integer, periodic?: boolean }
---@return flexlab.Tensor
function core.metrics.structure_function(field, options) end

--- sums over ensembles of so many members
---@param members integer
---@return flexlab.Calibration
function core.metrics.calibration(members) end

---@class flexlab.Calibration
local Calibration = {}

--- adds one sample: members (M,H,W,C) and truth (1,H,W,C); the key draws the rank among equal values
---@param members flexlab.Tensor
---@param truth flexlab.Tensor
---@param key? flexlab.Key
function Calibration:add(members, truth, key) end

--- every metric of an ensemble, members, samples and ideal_pull_sd, by name
---@return table<string, number>
function Calibration:scores() end

--- counts (M+1) of the rank of the truth among the members
---@return flexlab.Tensor
function Calibration:ranks() end

--- counts (66) of the statistical pull: below -8, in 64 equal bins, above 8
---@return flexlab.Tensor
function Calibration:pulls() end

--- frees the sums
function Calibration:close() end

---@class flexlab.core.json
core.json = {}

--- JSON text with sorted keys; `#` tells lists, an empty table is `{}`. Numbers are exact, whole numbers beyond 2^53 are refused, NaN and infinity become null
---@param value any
---@return string
function core.json.encode(value) end

--- the value, with nil for null; or nil, "not JSON at byte N"
---@param text string
---@return any
function core.json.decode(text) end

---@class flexlab.core.sys
core.sys = {}

--- seconds of a clock that is never set back
---@return number
function core.sys.time() end

--- seconds since 1970
---@return number
function core.sys.now() end

--- makes a folder and those above it
---@param path string
---@return boolean?
function core.sys.mkdirs(path) end

--- what is at a path; other: a pipe, a device, a socket
---@param path string
---@return "file"|"folder"|"other"|nil
function core.sys.exists(path) end

--- when a file was last written, in seconds since 1970 by the file system's clock
---@param path string
---@return number?
function core.sys.modified(path) end

--- two texts to compare: which file it is; its size and times
---@param path string
---@return string?, string?
function core.sys.mark(path) end

--- sets the time at which a file was written: now, or `time`
---@param path string
---@param time? number
---@return boolean?
function core.sys.touch(path, time) end

--- makes a file that is not there; false if it is: of several processes one alone succeeds
---@param path string
---@param text string
---@return boolean?
function core.sys.create(path, text) end

--- number of bytes that may still be written there
---@param path string
---@return integer?
function core.sys.disk_free(path) end

--- has a thread touch a file each so many seconds, until it is closed
---@param path string
---@param seconds number
---@return flexlab.Heartbeat?
function core.sys.heartbeat(path, seconds) end

--- appends standard output and error to a file until it is closed
---@param path string
---@return flexlab.Redirection?
function core.sys.redirect(path) end

--- starts a process, such as { "/bin/sh", ... }, in a group of its own; returns its number
---@param command string[]
---@return integer?
function core.sys.start(command) end

--- how a started process ended, with its exit code or signal; false while it runs
---@param pid integer
---@return false|"exit"|"signal", integer?
function core.sys.ended(pid) end

--- whether a process exists, running or dead and not yet waited for
---@param pid integer
---@return boolean
function core.sys.process_exists(pid) end

--- sends a signal to a process
---@param pid integer
---@param signal "INT"|"TERM"|"HUP"|"KILL"
---@return boolean?
function core.sys.kill(pid, signal) end

--- waits; a signal ends it early
---@param seconds number
function core.sys.sleep(seconds) end

--- names in a folder
---@param path string
---@return string[]?
function core.sys.list(path) end

--- renames a file and replaces one of that name
---@param from string
---@param to string
---@return boolean?
function core.sys.rename(from, to) end

--- removes a file
---@param path string
---@return boolean?
function core.sys.remove(path) end

--- makes a symbolic link, or replaces one, in one step
---@param target string
---@param path string
---@return boolean?
function core.sys.symlink(target, path) end

--- the target of a symbolic link as it is written; nil if the path is none
---@param path string
---@return string?
function core.sys.readlink(path) end

--- the name under which this process writes a file before it has its name
---@param path string
---@return string
function core.sys.temporary(path) end

--- takes a lock, and waits while another process holds it
---@param path string
---@return flexlab.Lock?
function core.sys.lock(path) end

--- bytes of a regular file; nil and a message where it is none
---@param path string
---@return integer?, string?
function core.sys.size(path) end

--- the bytes of a whole file
---@param path string
---@return string?
function core.sys.read(path) end

--- writes a file, whole or not at all, to the disk
---@param path string
---@param text string
---@return boolean?
function core.sys.write(path, text) end

--- adds bytes to a file in one write
---@param path string
---@param text string
---@return boolean?
function core.sys.append(path, text) end

--- returns when a file is on the disk
---@param path string
---@return boolean?
function core.sys.sync(path) end

--- whether a file descriptor is a terminal
---@param fd integer
---@return boolean
function core.sys.isatty(fd) end

--- width of the terminal in characters
---@return integer
function core.sys.columns() end

--- hash of a text, 16 hexadecimal digits
---@param text string
---@return string
function core.sys.hash(text) end

--- number of this process
---@return integer
function core.sys.pid() end

--- name of the machine
---@return string
function core.sys.host() end

--- bytes of memory that the process occupies
---@return integer
function core.sys.rss() end

--- the most bytes that it has occupied so far
---@return integer
function core.sys.peak_rss() end

--- number of presses of Ctrl-C since the last `clear_interrupts`
---@return integer
function core.sys.interrupts() end

--- whether work must end now: after a second press, or a second after the first
---@return boolean
function core.sys.interrupted() end

--- the signal that asked for an end, and its number
---@return "INT"|"TERM"|"HUP"?, integer?
function core.sys.signal() end

--- forgets the presses
function core.sys.clear_interrupts() end

--- whether presses of Ctrl-C are counted instead of ending the program
---@param wanted boolean
function core.sys.catch_interrupts(wanted) end

--- a + b. -> as a and b broadcast
---@param a flexlab.Tensor
---@param b flexlab.Tensor
---@return flexlab.Tensor
function core.add(a, b) end

--- a + b. -> as a and b broadcast
---@param b flexlab.Tensor
---@return flexlab.Tensor
function Tensor:add(b) end

--- a - b. -> as a and b broadcast
---@param a flexlab.Tensor
---@param b flexlab.Tensor
---@return flexlab.Tensor
function core.sub(a, b) end

--- a - b. -> as a and b broadcast
---@param b flexlab.Tensor
---@return flexlab.Tensor
function Tensor:sub(b) end

--- a * b. -> as a and b broadcast
---@param a flexlab.Tensor
---@param b flexlab.Tensor
---@return flexlab.Tensor
function core.mul(a, b) end

--- a * b. -> as a and b broadcast
---@param b flexlab.Tensor
---@return flexlab.Tensor
function Tensor:mul(b) end

--- a / b. -> as a and b broadcast
---@param a flexlab.Tensor
---@param b flexlab.Tensor
---@return flexlab.Tensor
function core.div(a, b) end

--- a / b. -> as a and b broadcast
---@param b flexlab.Tensor
---@return flexlab.Tensor
function Tensor:div(b) end

--- The larger of a and b; at a tie the gradient goes to a. -> as a and b broadcast
---@param a flexlab.Tensor
---@param b flexlab.Tensor
---@return flexlab.Tensor
function core.maximum(a, b) end

--- The larger of a and b; at a tie the gradient goes to a. -> as a and b broadcast
---@param b flexlab.Tensor
---@return flexlab.Tensor
function Tensor:maximum(b) end

--- The smaller of a and b; at a tie the gradient goes to a. -> as a and b broadcast
---@param a flexlab.Tensor
---@param b flexlab.Tensor
---@return flexlab.Tensor
function core.minimum(a, b) end

--- The smaller of a and b; at a tie the gradient goes to a. -> as a and b broadcast
---@param b flexlab.Tensor
---@return flexlab.Tensor
function Tensor:minimum(b) end

--- scale * x + shift. -> as x
---@param x flexlab.Tensor
---@param options? { scale?: number, shift?: number }
---@return flexlab.Tensor
function core.affine(x, options) end

--- scale * x + shift. -> as x
---@param options? { scale?: number, shift?: number }
---@return flexlab.Tensor
function Tensor:affine(options) end

--- e to the power x. -> as x
---@param x flexlab.Tensor
---@return flexlab.Tensor
function core.exp(x) end

--- e to the power x. -> as x
---@return flexlab.Tensor
function Tensor:exp() end

--- Natural logarithm; x > 0. -> as x
---@param x flexlab.Tensor
---@return flexlab.Tensor
function core.log(x) end

--- Natural logarithm; x > 0. -> as x
---@return flexlab.Tensor
function Tensor:log() end

--- Square root; x >= 0, its gradient at 0 is infinite. -> as x
---@param x flexlab.Tensor
---@return flexlab.Tensor
function core.sqrt(x) end

--- Square root; x >= 0, its gradient at 0 is infinite. -> as x
---@return flexlab.Tensor
function Tensor:sqrt() end

--- x * x. -> as x
---@param x flexlab.Tensor
---@return flexlab.Tensor
function core.square(x) end

--- x * x. -> as x
---@return flexlab.Tensor
function Tensor:square() end

--- Absolute value; gradient 0 at 0. -> as x
---@param x flexlab.Tensor
---@return flexlab.Tensor
function core.abs(x) end

--- Absolute value; gradient 0 at 0. -> as x
---@return flexlab.Tensor
function Tensor:abs() end

--- Sine of x in radians. -> as x
---@param x flexlab.Tensor
---@return flexlab.Tensor
function core.sin(x) end

--- Sine of x in radians. -> as x
---@return flexlab.Tensor
function Tensor:sin() end

--- Cosine of x in radians. -> as x
---@param x flexlab.Tensor
---@return flexlab.Tensor
function core.cos(x) end

--- Cosine of x in radians. -> as x
---@return flexlab.Tensor
function Tensor:cos() end

--- Hyperbolic tangent. -> as x
---@param x flexlab.Tensor
---@return flexlab.Tensor
function core.tanh(x) end

--- Hyperbolic tangent. -> as x
---@return flexlab.Tensor
function Tensor:tanh() end

--- 1 / (1 + exp(-x)). -> as x
---@param x flexlab.Tensor
---@return flexlab.Tensor
function core.sigmoid(x) end

--- 1 / (1 + exp(-x)). -> as x
---@return flexlab.Tensor
function Tensor:sigmoid() end

--- x * sigmoid(x) [Elfwing et al. 2018]. -> as x
---@param x flexlab.Tensor
---@return flexlab.Tensor
function core.silu(x) end

--- x * sigmoid(x) [Elfwing et al. 2018]. -> as x
---@return flexlab.Tensor
function Tensor:silu() end

--- Gaussian error linear unit, tanh form [Hendrycks & Gimpel 2016]. -> as x
---@param x flexlab.Tensor
---@return flexlab.Tensor
function core.gelu(x) end

--- Gaussian error linear unit, tanh form [Hendrycks & Gimpel 2016]. -> as x
---@return flexlab.Tensor
function Tensor:gelu() end

--- max(x, 0). -> as x
---@param x flexlab.Tensor
---@return flexlab.Tensor
function core.relu(x) end

--- max(x, 0). -> as x
---@return flexlab.Tensor
function Tensor:relu() end

--- x to the power `exponent`; x >= 0 unless it is whole. -> as x
---@param x flexlab.Tensor
---@param options? { exponent?: number }
---@return flexlab.Tensor
function core.pow(x, options) end

--- x to the power `exponent`; x >= 0 unless it is whole. -> as x
---@param options? { exponent?: number }
---@return flexlab.Tensor
function Tensor:pow(options) end

--- x cut to [low, high]; no gradient outside. -> as x
---@param x flexlab.Tensor
---@param options? { low?: number, high?: number }
---@return flexlab.Tensor
function core.clamp(x, options) end

--- x cut to [low, high]; no gradient outside. -> as x
---@param options? { low?: number, high?: number }
---@return flexlab.Tensor
function Tensor:clamp(options) end

--- Sum over axes, over all without any. -> as x, with size 1 at the axes
---@param x flexlab.Tensor
---@param options? { axes?: integer[] }|integer[]
---@return flexlab.Tensor
function core.sum(x, options) end

--- Sum over axes, over all without any. -> as x, with size 1 at the axes
---@param options? { axes?: integer[] }|integer[]
---@return flexlab.Tensor
function Tensor:sum(options) end

--- Mean over axes, over all without any. -> as x, with size 1 at the axes
---@param x flexlab.Tensor
---@param options? { axes?: integer[] }|integer[]
---@return flexlab.Tensor
function core.mean(x, options) end

--- Mean over axes, over all without any. -> as x, with size 1 at the axes
---@param options? { axes?: integer[] }|integer[]
---@return flexlab.Tensor
function Tensor:mean(options) end

--- Largest value over axes; ties share the gradient equally. -> as x, with size 1 at the axes
---@param x flexlab.Tensor
---@param options? { axes?: integer[] }|integer[]
---@return flexlab.Tensor
function core.max(x, options) end

--- Largest value over axes; ties share the gradient equally. -> as x, with size 1 at the axes
---@param options? { axes?: integer[] }|integer[]
---@return flexlab.Tensor
function Tensor:max(options) end

--- Matrix product over the last two axes; leading axes are equal, or b has none. -> (...,M,N)
---@param a flexlab.Tensor
---@param b flexlab.Tensor
---@return flexlab.Tensor
function core.matmul(a, b) end

--- Matrix product over the last two axes; leading axes are equal, or b has none. -> (...,M,N)
---@param b flexlab.Tensor
---@return flexlab.Tensor
function Tensor:matmul(b) end

--- x w^T + b over the last axis. -> (...,O)
---@param x flexlab.Tensor
---@param w flexlab.Tensor
---@param b? flexlab.Tensor
---@return flexlab.Tensor
function core.linear(x, w, b) end

--- x w^T + b over the last axis. -> (...,O)
---@param w flexlab.Tensor
---@param b? flexlab.Tensor
---@return flexlab.Tensor
function Tensor:linear(w, b) end

--- Part of a transformer block: a w^T + b + add, where a = dropout(activation(layer_norm(x and x2 side by side))) is made while it is read; each part may be left out. Without norm_w nothing is normalised. -> (...,O)
---@param x flexlab.Tensor
---@param x2? flexlab.Tensor
---@param norm_w? flexlab.Tensor
---@param norm_b? flexlab.Tensor
---@param w flexlab.Tensor
---@param b? flexlab.Tensor
---@param add? flexlab.Tensor
---@param options { eps?: number, activation?: "none"|"gelu", p?: number, key: flexlab.Key }
---@return flexlab.Tensor
function core.fused_linear(x, x2, norm_w, norm_b, w, b, add, options) end

--- Part of a transformer block: a w^T + b + add, where a = dropout(activation(layer_norm(x and x2 side by side))) is made while it is read; each part may be left out. Without norm_w nothing is normalised. -> (...,O)
---@param x2? flexlab.Tensor
---@param norm_w? flexlab.Tensor
---@param norm_b? flexlab.Tensor
---@param w flexlab.Tensor
---@param b? flexlab.Tensor
---@param add? flexlab.Tensor
---@param options { eps?: number, activation?: "none"|"gelu", p?: number, key: flexlab.Key }
---@return flexlab.Tensor
function Tensor:fused_linear(x2, norm_w, norm_b, w, b, add, options) end

--- Cross-correlation of x with w, plus bias; pad < 0 means (kH-1)/2, "same" at stride 1. precision bf16: x and w are rounded to bf16 before they are multiplied, and for the gradient of x its factors. -> (N,H',W',O), H' = (H + 2 pad - kH) / stride + 1
---@param x flexlab.Tensor
---@param w flexlab.Tensor
---@param b? flexlab.Tensor
---@param options? { stride?: integer, pad?: integer, padding?: "zeros"|"circular", precision?: "f32"|"bf16" }
---@return flexlab.Tensor
function core.conv2d(x, w, b, options) end

--- Cross-correlation of x with w, plus bias; pad < 0 means (kH-1)/2, "same" at stride 1. precision bf16: x and w are rounded to bf16 before they are multiplied, and for the gradient of x its factors. -> (N,H',W',O), H' = (H + 2 pad - kH) / stride + 1
---@param w flexlab.Tensor
---@param b? flexlab.Tensor
---@param options? { stride?: integer, pad?: integer, padding?: "zeros"|"circular", precision?: "f32"|"bf16" }
---@return flexlab.Tensor
function Tensor:conv2d(w, b, options) end

--- Half a ResBlock: conv2d(a, w, b) + add_resample(add) + add2 at stride 1, where a = resample(dropout(silu(modulate(group_norm(x and x2 side by side))))) is made while it is read. Without norm_w a = resample(x and x2). precision as conv2d's, of a. -> (N,H',W',O), size as resample(x)
---@param x flexlab.Tensor
---@param x2? flexlab.Tensor
---@param x2_add? flexlab.Tensor
---@param norm_w? flexlab.Tensor
---@param norm_b? flexlab.Tensor
---@param emb? flexlab.Tensor
---@param w flexlab.Tensor
---@param b? flexlab.Tensor
---@param add? flexlab.Tensor
---@param add2? flexlab.Tensor
---@param options { groups?: integer, eps?: number, resample?: "same"|"down"|"up", padding?: "zeros"|"circular", add_resample?: "same"|"down"|"up", precision?: "f32"|"bf16", p?: number, key: flexlab.Key }
---@return flexlab.Tensor
function core.fused_conv(x, x2, x2_add, norm_w, norm_b, emb, w, b, add, add2, options) end

--- Half a ResBlock: conv2d(a, w, b) + add_resample(add) + add2 at stride 1, where a = resample(dropout(silu(modulate(group_norm(x and x2 side by side))))) is made while it is read. Without norm_w a = resample(x and x2). precision as conv2d's, of a. -> (N,H',W',O), size as resample(x)
---@param x2? flexlab.Tensor
---@param x2_add? flexlab.Tensor
---@param norm_w? flexlab.Tensor
---@param norm_b? flexlab.Tensor
---@param emb? flexlab.Tensor
---@param w flexlab.Tensor
---@param b? flexlab.Tensor
---@param add? flexlab.Tensor
---@param add2? flexlab.Tensor
---@param options { groups?: integer, eps?: number, resample?: "same"|"down"|"up", padding?: "zeros"|"circular", add_resample?: "same"|"down"|"up", precision?: "f32"|"bf16", p?: number, key: flexlab.Key }
---@return flexlab.Tensor
function Tensor:fused_conv(x2, x2_add, norm_w, norm_b, emb, w, b, add, add2, options) end

--- Normalise each sample over (space, C/groups), then scale and shift [Wu & He 2018]; groups divides C. -> as x
---@param x flexlab.Tensor
---@param w flexlab.Tensor
---@param b? flexlab.Tensor
---@param options? { groups?: integer, eps?: number }
---@return flexlab.Tensor
function core.group_norm(x, w, b, options) end

--- Normalise each sample over (space, C/groups), then scale and shift [Wu & He 2018]; groups divides C. -> as x
---@param w flexlab.Tensor
---@param b? flexlab.Tensor
---@param options? { groups?: integer, eps?: number }
---@return flexlab.Tensor
function Tensor:group_norm(w, b, options) end

--- Normalise over the last axis, then scale and shift [Ba et al. 2016]. -> as x
---@param x flexlab.Tensor
---@param w flexlab.Tensor
---@param b? flexlab.Tensor
---@param options? { eps?: number }
---@return flexlab.Tensor
function core.layer_norm(x, w, b, options) end

--- Normalise over the last axis, then scale and shift [Ba et al. 2016]. -> as x
---@param w flexlab.Tensor
---@param b? flexlab.Tensor
---@param options? { eps?: number }
---@return flexlab.Tensor
function Tensor:layer_norm(w, b, options) end

--- x * (1 + scale) + shift, scale and shift the halves of emb [FiLM; Perez et al. 2018]. -> as x
---@param x flexlab.Tensor
---@param emb flexlab.Tensor
---@return flexlab.Tensor
function core.modulate(x, emb) end

--- x * (1 + scale) + shift, scale and shift the halves of emb [FiLM; Perez et al. 2018]. -> as x
---@param emb flexlab.Tensor
---@return flexlab.Tensor
function Tensor:modulate(emb) end

--- Softmax over the last axis. -> as x
---@param x flexlab.Tensor
---@return flexlab.Tensor
function core.softmax(x) end

--- Softmax over the last axis. -> as x
---@return flexlab.Tensor
function Tensor:softmax() end

--- softmax(q k^T / sqrt(D/heads)) v for each head [Vaswani et al. 2017]; heads divides D. -> (N,T,D)
---@param q flexlab.Tensor
---@param k flexlab.Tensor
---@param v flexlab.Tensor
---@param options? { heads?: integer }
---@return flexlab.Tensor
function core.attention(q, k, v, options) end

--- softmax(q k^T / sqrt(D/heads)) v for each head [Vaswani et al. 2017]; heads divides D. -> (N,T,D)
---@param k flexlab.Tensor
---@param v flexlab.Tensor
---@param options? { heads?: integer }
---@return flexlab.Tensor
function Tensor:attention(k, v, options) end

--- Nearest-neighbour upsampling: every pixel becomes factor x factor. -> (N,fH,fW,C)
---@param x flexlab.Tensor
---@param options? { factor?: integer }
---@return flexlab.Tensor
function core.upsample(x, options) end

--- Nearest-neighbour upsampling: every pixel becomes factor x factor. -> (N,fH,fW,C)
---@param options? { factor?: integer }
---@return flexlab.Tensor
function Tensor:upsample(options) end

--- Mean over factor x factor blocks. -> (N,H/f,W/f,C)
---@param x flexlab.Tensor
---@param options? { factor?: integer }
---@return flexlab.Tensor
function core.mean_pool(x, options) end

--- Mean over factor x factor blocks. -> (N,H/f,W/f,C)
---@param options? { factor?: integer }
---@return flexlab.Tensor
function Tensor:mean_pool(options) end

--- Resample to a size. Plain: align_corners false, as PyTorch's interpolate (bicubic a=-0.75; keys is the bicubic with a=-0.5, which alone leaves a linear field linear). Registered: sample i of the small grid lies on sample i*factor of the large one, as [::f] left it. -> (N,size[1],size[2],C)
---@param x flexlab.Tensor
---@param options? { size?: integer[], method?: "bilinear"|"bicubic"|"nearest"|"keys", registered?: boolean, circular?: boolean }
---@return flexlab.Tensor
function core.resize(x, options) end

--- Resample to a size. Plain: align_corners false, as PyTorch's interpolate (bicubic a=-0.75; keys is the bicubic with a=-0.5, which alone leaves a linear field linear). Registered: sample i of the small grid lies on sample i*factor of the large one, as [::f] left it. -> (N,size[1],size[2],C)
---@param options? { size?: integer[], method?: "bilinear"|"bicubic"|"nearest"|"keys", registered?: boolean, circular?: boolean }
---@return flexlab.Tensor
function Tensor:resize(options) end

--- The same elements in another shape; one size may be -1. -> shape
---@param x flexlab.Tensor
---@param options? { shape?: integer[] }|integer[]
---@return flexlab.Tensor
function core.reshape(x, options) end

--- The same elements in another shape; one size may be -1. -> shape
---@param options? { shape?: integer[] }|integer[]
---@return flexlab.Tensor
function Tensor:reshape(options) end

--- Axes in another order (a copy). -> (x.shape[axes[1]],...)
---@param x flexlab.Tensor
---@param options? { axes?: integer[] }|integer[]
---@return flexlab.Tensor
function core.permute(x, options) end

--- Axes in another order (a copy). -> (x.shape[axes[1]],...)
---@param options? { axes?: integer[] }|integer[]
---@return flexlab.Tensor
function Tensor:permute(options) end

--- a then b along an axis. -> as a, the axis as long as both
---@param a flexlab.Tensor
---@param b flexlab.Tensor
---@param options? { axis?: integer }
---@return flexlab.Tensor
function core.concat(a, b, options) end

--- a then b along an axis. -> as a, the axis as long as both
---@param b flexlab.Tensor
---@param options? { axis?: integer }
---@return flexlab.Tensor
function Tensor:concat(b, options) end

--- `length` entries from `start` along an axis; in C both count from 0, in Lua from 1. -> as x, the axis of `length`
---@param x flexlab.Tensor
---@param options? { axis?: integer, start?: integer, length?: integer }
---@return flexlab.Tensor
function core.narrow(x, options) end

--- `length` entries from `start` along an axis; in C both count from 0, in Lua from 1. -> as x, the axis of `length`
---@param options? { axis?: integer, start?: integer, length?: integer }
---@return flexlab.Tensor
function Tensor:narrow(options) end

--- The entries along an axis in reverse order. -> as x
---@param x flexlab.Tensor
---@param options? { axis?: integer }
---@return flexlab.Tensor
function core.flip(x, options) end

--- The entries along an axis in reverse order. -> as x
---@param options? { axis?: integer }
---@return flexlab.Tensor
function Tensor:flip(options) end

--- sqrt(2) cos(t freqs + phases) [magnitude-preserving Fourier features, Karras et al. 2024]. -> (N,D)
---@param t flexlab.Tensor
---@param freqs flexlab.Tensor
---@param phases flexlab.Tensor
---@return flexlab.Tensor
function core.fourier(t, freqs, phases) end

--- sqrt(2) cos(t freqs + phases) [magnitude-preserving Fourier features, Karras et al. 2024]. -> (N,D)
---@param freqs flexlab.Tensor
---@param phases flexlab.Tensor
---@return flexlab.Tensor
function Tensor:fourier(freqs, phases) end

--- Zero with probability p in [0,1), else divide by 1-p; the mask is a function of key. -> as x
---@param x flexlab.Tensor
---@param options { p?: number, key: flexlab.Key }
---@return flexlab.Tensor
function core.dropout(x, options) end

--- Zero with probability p in [0,1), else divide by 1-p; the mask is a function of key. -> as x
---@param options { p?: number, key: flexlab.Key }
---@return flexlab.Tensor
function Tensor:dropout(options) end

--- mean |a - b|. -> ()
---@param a flexlab.Tensor
---@param b flexlab.Tensor
---@return flexlab.Tensor
function core.l1_loss(a, b) end

--- mean |a - b|. -> ()
---@param b flexlab.Tensor
---@return flexlab.Tensor
function Tensor:l1_loss(b) end

--- mean (a - b)^2. -> ()
---@param a flexlab.Tensor
---@param b flexlab.Tensor
---@return flexlab.Tensor
function core.mse_loss(a, b) end

--- mean (a - b)^2. -> ()
---@param b flexlab.Tensor
---@return flexlab.Tensor
function Tensor:mse_loss(b) end

--- mean of r^2/2 where |r| <= delta, else delta (|r| - delta/2), delta > 0 [Huber 1964]. -> ()
---@param a flexlab.Tensor
---@param b flexlab.Tensor
---@param options? { delta?: number }
---@return flexlab.Tensor
function core.huber_loss(a, b, options) end

--- mean of r^2/2 where |r| <= delta, else delta (|r| - delta/2), delta > 0 [Huber 1964]. -> ()
---@param b flexlab.Tensor
---@param options? { delta?: number }
---@return flexlab.Tensor
function Tensor:huber_loss(b, options) end

--- relative Frobenius norm error ||p - y|| / ||y|| of each sample [SuperBench, Ren et al. 2023]
---@param prediction flexlab.Tensor
---@param truth flexlab.Tensor
---@return flexlab.Tensor
function core.metrics.rfne(prediction, truth) end

--- root of the mean squared error over pixels and channels
---@param prediction flexlab.Tensor
---@param truth flexlab.Tensor
---@return flexlab.Tensor
function core.metrics.rmse(prediction, truth) end

--- mean absolute error over pixels and channels
---@param prediction flexlab.Tensor
---@param truth flexlab.Tensor
---@return flexlab.Tensor
function core.metrics.mae(prediction, truth) end

--- peak signal-to-noise ratio 20 log10((max y - min y) / rmse)
---@param prediction flexlab.Tensor
---@param truth flexlab.Tensor
---@return flexlab.Tensor
function core.metrics.psnr(prediction, truth) end

--- structural similarity, Gaussian window 11 x 11, sigma 1.5 [Wang et al. 2004]
---@param prediction flexlab.Tensor
---@param truth flexlab.Tensor
---@return flexlab.Tensor
function core.metrics.ssim(prediction, truth) end

--- Pearson's correlation over pixels and channels [Pearson 1895]
---@param prediction flexlab.Tensor
---@param truth flexlab.Tensor
---@return flexlab.Tensor
function core.metrics.pearson(prediction, truth) end

--- relative error of the power at wavenumbers 1 .. K/4, K half the shorter side: what a field four times coarser holds
---@param prediction flexlab.Tensor
---@param truth flexlab.Tensor
---@return flexlab.Tensor
function core.metrics.spectral_low(prediction, truth) end

--- relative error of the power at wavenumbers K/4+1 .. K/2
---@param prediction flexlab.Tensor
---@param truth flexlab.Tensor
---@return flexlab.Tensor
function core.metrics.spectral_middle(prediction, truth) end

--- relative error of the power at wavenumbers K/2+1 .. K
---@param prediction flexlab.Tensor
---@param truth flexlab.Tensor
---@return flexlab.Tensor
function core.metrics.spectral_high(prediction, truth) end

--- relative error of the kurtosis <d^4>/<d^2>^2: the weight of the tails
---@param prediction flexlab.Tensor
---@param truth flexlab.Tensor
---@return flexlab.Tensor
function core.metrics.kurtosis_error(prediction, truth) end

--- fair continuous ranked probability score: mean |x - y| - sum |x - x'| / (2 M (M-1)), whose expectation does not depend on M [Ferro 2014]; of one member, in evaluations, the MAE
---@param members flexlab.Tensor
---@param truth flexlab.Tensor
---@param key? flexlab.Key
---@return flexlab.Tensor
function core.metrics.crps(members, truth, key) end

--- the CRPS of the members as they are: mean |x - y| - sum |x - x'| / (2 M^2) [Gneiting & Raftery 2007, eq. 21]
---@param members flexlab.Tensor
---@param truth flexlab.Tensor
---@param key? flexlab.Key
---@return flexlab.Tensor
function core.metrics.crps_plain(members, truth, key) end

--- the CRPS of whole fields: mean ||x - y|| - sum ||x - x'|| / (2 M (M-1)) [Gneiting & Raftery 2007, eq. 22; fair as Ferro 2014]
---@param members flexlab.Tensor
---@param truth flexlab.Tensor
---@param key? flexlab.Key
---@return flexlab.Tensor
function core.metrics.energy_score(members, truth, key) end

--- the energy score of the members as they are, divided by 2 M^2
---@param members flexlab.Tensor
---@param truth flexlab.Tensor
---@param key? flexlab.Key
---@return flexlab.Tensor
function core.metrics.energy_score_plain(members, truth, key) end

--- sqrt((M+1)/M <variance of the members> / <squared error of their mean>); below 1: over-confident [Fortin et al. 2014]
---@param members flexlab.Tensor
---@param truth flexlab.Tensor
---@param key? flexlab.Key
---@return flexlab.Tensor
function core.metrics.spread_skill(members, truth, key) end

--- mean of the pull (p - y) / std, p the mean of the members: bias in units of the spread
---@param members flexlab.Tensor
---@param truth flexlab.Tensor
---@param key? flexlab.Key
---@return flexlab.Tensor
function core.metrics.pull_mean(members, truth, key) end

--- standard deviation of the pull (Gaussian fit); a calibrated Gaussian ensemble of M has sqrt((1 + 1/M) (M-1)/(M-3)), above 1: over-confident
---@param members flexlab.Tensor
---@param truth flexlab.Tensor
---@param key? flexlab.Key
---@return flexlab.Tensor
function core.metrics.pull_sd(members, truth, key) end

--- sum over ranks of |frequency - 1/(M+1)|, 0 for a flat rank histogram [Delle Monache et al. 2006]
---@param members flexlab.Tensor
---@param truth flexlab.Tensor
---@param key? flexlab.Key
---@return flexlab.Tensor
function core.metrics.reliability(members, truth, key) end

---@class flexlab.backbones
---@overload fun(): string[]
---@field define fun(name: string, choice: table|nil): table|nil
---@field flex flexlab.Choice ResBlocks around a transformer, in C: FLEX [arXiv 2505.17351]
---@field unet flexlab.Choice FLEX with ResBlocks in place of its transformer, attention on coarse maps: a U-Net [Ho et al. 2020]
---@field uvit flexlab.Choice a transformer on patches with long skips and FLEX's conditioning [Bao et al. 2023, U-ViT]

---@class flexlab.conditioning
---@overload fun(): string[]
---@field define fun(name: string, choice: table|nil): table|nil
---@field both flexlab.Choice all three conditioning paths: the paper's model
---@field concat flexlab.Choice condition beside x_t as channels, no encoder [Saharia et al. 2021, SR3]
---@field cross_attention flexlab.Choice bottleneck tokens attend to the condition's tokens [Vaswani et al. 2017; Rombach et al. 2022]
---@field film flexlab.Choice the scalar (Re) alone, as scale and shift of every ResBlock [Perez et al. 2018]
---@field none flexlab.Choice no field condition at all: only Re, where it is embedded
---@field strong flexlab.Choice condition skips and head given to the decoder
---@field strong_bottleneck flexlab.Choice one conditioning path: condition head added at the bottleneck
---@field strong_skips flexlab.Choice one conditioning path: condition skips added to those the decoder reads
---@field weak flexlab.Choice condition skips added in the shared encoder
---@field weak_skips flexlab.Choice one conditioning path: condition skips added in the shared encoder

---@class flexlab.degradations
---@overload fun(): string[]
---@field define fun(name: string, choice: table|nil): table|nil
---@field bicubic flexlab.Choice every f-th sample, up by bicubic interpolation, as FLEX
---@field bilinear flexlab.Choice every f-th sample, up by bilinear interpolation, as minFLEX
---@field block_mean flexlab.Choice mean over f x f blocks, up by bicubic interpolation
---@field nearest flexlab.Choice every f-th sample, up by repeating pixels
---@field noisy flexlab.Choice every f-th sample with Gaussian sensor noise, up by aligned bicubic [SuperBench, arXiv 2306.14070]
---@field registered flexlab.Choice every f-th sample, up by bicubic interpolation without shift
---@field spectral flexlab.Choice sharp spectral cut-off at the coarse grid's wavenumber, up by trigonometric interpolation [Pope 2000]

---@class flexlab.encoders
---@overload fun(): string[]
---@field define fun(name: string, choice: table|nil): table|nil
---@field flex flexlab.Choice the authors' U-Net encoder of ResBlocks, inside the C network
---@field fourier flexlab.Choice random Fourier features of the values, 1x1 to every skip [Tancik et al. 2020]
---@field identity flexlab.Choice the condition itself, 1x1 to every skip: no features [arXiv 2505.17351, ablated]
---@field plain flexlab.Choice 3x3 convolutions and SiLU, one per skip [Ronneberger et al. 2015]
---@field pyramid flexlab.Choice one strided convolution per level, 1x1 to every skip
---@field transformer flexlab.Choice a vision transformer on patches, sine positions [Dosovitskiy et al. 2021]
---@field unet flexlab.Choice the authors' encoder without transformer, in Lua: several can share one network
---@field vit flexlab.Choice a vision transformer, one block per skip, Re as a token [Dosovitskiy et al. 2021]

---@class flexlab.formats
---@overload fun(): string[]
---@field define fun(name: string, choice: table|nil): table|nil
---@field fields flexlab.Choice minFLEX, ERA5 as FourCastNet has it, SuperBench: `fields` (T,H,W) or (T,C,H,W)
---@field flexlab flexlab.Choice what `flexlab sample` writes: one dataset (T,H,W) or (T,C,H,W) that says what its channels are
---@field netcdf flexlab.Choice netCDF 3 or 4: axes by attributes, units and names (CF conventions), packed numbers unpacked
---@field nskt flexlab.Choice FLEX's NSKT and `flexlab generate`: `w` (T,H,W) or (T,C,H,W), Re in the file's name
---@field numpy flexlab.Choice numpy .npy and .npz: arrays (H,W), (T,H,W), (N,T,H,W), (T,C,H,W) or (T,H,W,C)
---@field pdearena flexlab.Choice PDEArena Navier-Stokes: u, vx, vy (N,T,H,W) in a group train, valid or test
---@field pdebench_compressible flexlab.Choice PDEBench compressible Navier-Stokes: density, pressure, Vx, Vy(, Vz) (N,T,X,Y(,Z))
---@field pdebench_groups flexlab.Choice PDEBench diffusion-reaction and dam break: groups 0000.. with data (T,X,Y,C)
---@field pdebench_incompressible flexlab.Choice PDEBench incompressible Navier-Stokes: velocity, particles (N,T,H,W,C), force; lzf
---@field pdebench_tensor flexlab.Choice PDEBench one-dimensional sets and Darcy flow: tensor (N,T,X) or (N,1,X,Y)
---@field the_well flexlab.Choice The Well: t0_fields, t1_fields, t2_fields with absent axes and boundary_conditions

---@class flexlab.grids
---@overload fun(): string[]
---@field define fun(name: string, choice: table|nil): table|nil
---@field karras flexlab.Choice equal steps in (sigma/alpha)^(1/rho), rho 7 [Karras et al. 2022, eq. 5]
---@field logsnr flexlab.Choice equal steps in logSNR [Lu et al. 2022]
---@field uniform flexlab.Choice equal steps in t: FLEX's, and DDIM's [Song et al. 2021]

---@class flexlab.guidance
---@overload fun(): string[]
---@field define fun(name: string, choice: table|nil): table|nil
---@field classifier_free flexlab.Choice x0 and eps extrapolated away from the unconditioned ones [Ho & Salimans 2022]
---@field consistency flexlab.Choice the coarsened answer is the given low field, exactly [Wang et al. 2023, DDNM]
---@field none flexlab.Choice the network's answer as it is
---@field observation flexlab.Choice towards the observed low field, by the gradient of its likelihood [Chung et al. 2023; SDA 2023]

---@class flexlab.losses
---@overload fun(): string[]
---@field define fun(name: string, choice: table|nil): table|nil
---@field huber flexlab.Choice quadratic up to delta = 1, linear beyond [Huber 1964]
---@field l1 flexlab.Choice mean |p - y|: FLEX's choice
---@field mse flexlab.Choice mean (p - y)^2

---@class flexlab.models
---@overload fun(): string[]
---@field define fun(name: string, choice: table|nil): table|nil
---@field flex flexlab.Choice U-Net of ResBlocks around a transformer, residual diffusion [arXiv 2505.17351]
---@field multitask flexlab.Choice one network, one condition encoder per task [arXiv 2505.17351]

---@class flexlab.observables
---@overload fun(): string[]
---@field define fun(name: string, choice: table|nil): table|nil
---@field velocity flexlab.Choice the two components of the velocity, from a periodic frame of vorticity
---@field velocity_x flexlab.Choice the first component of the velocity, from a periodic frame of vorticity

---@class flexlab.optimizers
---@overload fun(): string[]
---@field define fun(name: string, choice: table|nil): table|nil
---@field adam flexlab.Choice Adam [Kingma & Ba 2015]
---@field adamw flexlab.Choice Adam with decoupled weight decay [Loshchilov & Hutter 2019]
---@field lion flexlab.Choice Lion: the sign of an interpolated momentum [Chen et al. 2023]; FLEX: lr 1e-5

---@class flexlab.parametrisations
---@overload fun(): string[]
---@field define fun(name: string, choice: table|nil): table|nil
---@field edm flexlab.Choice EDM's preconditioned network [Karras et al. 2022, eq. 7]
---@field eps flexlab.Choice the noise eps, x0 cut at +-4 standard deviations [Ho et al. 2020]
---@field eps_official flexlab.Choice a v network with the alpha-weighted loss of the authors' eps mode
---@field rectified_flow flexlab.Choice the slope eps - x0 of rectified flow [Liu et al. 2022]
---@field v flexlab.Choice velocity alpha eps - sigma x0 [Salimans & Ho 2022]; FLEX's choice
---@field x flexlab.Choice the residual x0 itself
---@field x_official flexlab.Choice x0, sampled with the sign error of the authors' code

---@class flexlab.positions
---@overload fun(): string[]
---@field define fun(name: string, choice: table|nil): table|nil
---@field learned flexlab.Choice a trained vector for each token, interpolated for other sizes [Dosovitskiy et al. 2021]
---@field none flexlab.Choice no positions: the tokens are a set; it shows what positions are worth
---@field rotary flexlab.Choice queries and keys turned by row and column [Su et al. 2021, RoPE; axial]
---@field sincos flexlab.Choice sines and cosines of row and column, fixed [Vaswani et al. 2017; He et al. 2022]

---@class flexlab.samplers
---@overload fun(): string[]
---@field define fun(name: string, choice: table|nil): table|nil
---@field ddim flexlab.Choice deterministic (eta 0) to ancestral (eta 1) [Song et al. 2021]; FLEX's, eta 0
---@field ddpm flexlab.Choice ancestral, fresh noise at every step [Ho et al. 2020]
---@field dpmpp_2m flexlab.Choice DPM-Solver++(2M): multistep, second order, one network pass per step [Lu et al. 2022]
---@field edm flexlab.Choice Heun in sigma, with churn [Karras et al. 2022, algorithm 2]
---@field euler flexlab.Choice Euler steps of the probability flow in t; with `rectified_flow` its own [Liu et al. 2022]
---@field heun flexlab.Choice second order: DDIM corrected at the end of each step, in the angle of (alpha, sigma)

---@class flexlab.schedules
---@overload fun(): string[]
---@field define fun(name: string, choice: table|nil): table|nil
---@field cosine flexlab.Choice cosine schedule in logSNR, +-20, with a shift [Hoogeboom et al. 2023]
---@field edm flexlab.Choice Karras's sigma(t); log-normal sigma in training [Karras et al. 2022]
---@field interpolant flexlab.Choice paths from the current state to the target [Chen et al. 2024, arXiv 2403.13724]
---@field linear flexlab.Choice logSNR linear in t, +-limit [Kingma et al. 2021]
---@field linear_beta flexlab.Choice beta linear in t, 0.1 to 20: DDPM's [Ho et al. 2020; Song et al. 2021]
---@field rectified_flow flexlab.Choice straight paths (1 - t) x0 + t eps: rectified flow [Liu et al. 2022]
---@field sigmoid flexlab.Choice alpha^2 a logistic curve of t [Jabri et al. 2022; Chen 2023]

---@class flexlab.symmetries
---@overload fun(): string[]
---@field define fun(name: string, choice: table|nil): table|nil
---@field reflection flexlab.Choice x to -x: vorticity and the component along x change their sign
---@field rotation flexlab.Choice quarter turns (half turns of patches that are not square); vectors turn with the field
---@field shift flexlab.Choice patches anywhere on a periodic frame, across its edges too

---@class flexlab.targets
---@overload fun(): string[]
---@field define fun(name: string, choice: table|nil): table|nil
---@field interpolant flexlab.Choice stochastic interpolant from the estimate to the target [Chen et al. 2024, arXiv 2403.13724]
---@field last_frame flexlab.Choice target minus the last known frame, as forecasts of FLEX [arXiv 2505.17351]
---@field raw flexlab.Choice the field itself, without an estimate [Ho et al. 2020]
---@field regression flexlab.Choice target minus the answer of a regression network [Mardani et al. 2023, CorrDiff]
---@field residual flexlab.Choice target minus the task's estimate (interpolation, last frame): FLEX [arXiv 2505.17351]

---@class flexlab.weightings
---@overload fun(): string[]
---@field define fun(name: string, choice: table|nil): table|nil
---@field edm flexlab.Choice (s^2 + d^2)/(s d)^2 on the error of x0 [Karras et al. 2022]
---@field min_snr flexlab.Choice min(SNR, 5) on the error of x0 [Hang et al. 2023]
---@field none flexlab.Choice no weighting: every time counts alike in the error of what is predicted; FLEX's choice
---@field sigmoid flexlab.Choice sigmoid(logSNR - 1), the FLEX authors' option; cf. [Kingma & Gao 2023]

---@class flexlab: flexlab.core
local flex = {}
flex.core = core
flex.apply = require("flexlab.apply")
flex.baselines = require("flexlab.evaluation.baselines")
flex.calibration = require("flexlab.evaluation.calibration")
flex.checkpoint = require("flexlab.checkpoint")
flex.choices = require("flexlab.choices")
flex.config = require("flexlab.config")
flex.contracts = require("flexlab.contracts")
flex.convert = require("flexlab.official.convert")
flex.data = require("flexlab.tasks")
flex.diffusion = require("flexlab.diffusion")
flex.doctor = require("flexlab.doctor")
flex.evaluate = require("flexlab.evaluation").evaluate
flex.fields = require("flexlab.data.fields")
flex.frames = require("flexlab.data.frames")
flex.generate = require("flexlab.flow.generate")
flex.help = require("flexlab.help")
flex.html = require("flexlab.html")
flex.literal = require("flexlab.literal")
flex.load_model = require("flexlab.checkpoint").load_model
flex.log = require("flexlab.run.log")
flex.multitask = require("flexlab.diffusion.multitask")
flex.nn = require("flexlab.nn")
flex.optimizer = require("flexlab.optim").of
flex.optional = require("flexlab.config").optional
flex.parity = require("flexlab.official.parity")
flex.picture = require("flexlab.picture")
flex.plot = require("flexlab.plot")
flex.prediction = require("flexlab.diffusion.prediction")
flex.recipe = require("flexlab.run.recipe").new
flex.reference_ensemble = require("flexlab.evaluation.reference_ensemble").make
flex.report = require("flexlab.report")
flex.rng = require("flexlab.rng")
flex.rollout = require("flexlab.evaluation.rollout")
flex.run = require("flexlab.context").run
flex.runs = require("flexlab.study.finished")
flex.sampler_study = require("flexlab.study.samplers").study
flex.samples = require("flexlab.flow.samples")
flex.seams = require("flexlab.diffusion.seams")
flex.settings = require("flexlab.settings")
flex.stats = require("flexlab.stats")
flex.study = require("flexlab.study")
flex.table = require("flexlab.tabulate")
flex.tiling = require("flexlab.diffusion.tiling")
flex.turbulence = require("flexlab.evaluation.turbulence")
flex.words = require("flexlab.words")
---@type flexlab.backbones
flex.backbones = nil
---@type flexlab.conditioning
flex.conditioning = nil
---@type flexlab.degradations
flex.degradations = nil
---@type flexlab.encoders
flex.encoders = nil
---@type flexlab.formats
flex.formats = nil
---@type flexlab.grids
flex.grids = nil
---@type flexlab.guidance
flex.guidance = nil
---@type flexlab.losses
flex.losses = nil
---@type flexlab.models
flex.models = nil
---@type flexlab.observables
flex.observables = nil
---@type flexlab.optimizers
flex.optim = nil
---@type flexlab.parametrisations
flex.parametrisations = nil
---@type flexlab.positions
flex.positions = nil
---@type flexlab.samplers
flex.samplers = nil
---@type flexlab.schedules
flex.schedules = nil
---@type flexlab.symmetries
flex.symmetries = nil
---@type flexlab.targets
flex.targets = nil
---@type flexlab.weightings
flex.weightings = nil

return flex
