#!/bin/sh
# Whether others read what we write: h5py, netCDF4 and safetensors for Python (PYTHON names the interpreter), HDF5's
# and netCDF's own tools. Those that are missing are named as SKIPPED, each.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
program=$PWD/build/release/flexlab
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" generate turbulence --re 200 --size 32 --frames 3 --k0 4 --out "$work/flow.h5" >/dev/null 2>&1
cat >"$work/save.lua" <<'LUA'
local core = require "flexlab.core"
local function tensors() return { ["model/w"] = core.normal({ 3, 4 }, { seed = 1 }), step = core.full({}, 7) } end
for _, path in ipairs(arg) do
  assert(core.io.save(path, { tensors = tensors(), text = { kind = "a text of Ä" } }))
end
print(("%.9g %.9g"):format(tensors()["model/w"]:summary().mean, core.io.load(arg[1]).tensors["model/w"]:summary().mean))
LUA
"$program" script "$work/save.lua" "$work/weights.h5" "$work/weights.safetensors" >"$work/mean"
"$program" data --json "$work/flow.h5" >"$work/flow.json"

skipped () { echo "clients: $1: SKIPPED: it is not installed"; }
for module in h5py netCDF4 safetensors; do
  if "$python" -c "import numpy, $module" 2>/dev/null; then
    "$python" tools/clients.py $module "$work"
  else
    skipped $module
  fi
done
for tool in h5dump ncdump; do
  if command -v $tool >/dev/null; then
    $tool -h "$work/flow.h5" | grep -q w
    echo "clients: $tool: ok"
  else
    skipped $tool
  fi
done
