"""Reads with one library what FlexLab has written (tools/clients.sh), and compares: clients.py MODULE FOLDER."""
import json
import sys

import numpy as np

module, folder = sys.argv[1:]
mean = float(open(f"{folder}/mean").read().split()[0])
flow = json.load(open(f"{folder}/flow.json"))["variables"]
field = next(v for v in flow if v["path"] == "w")


def same(ours, theirs, what):
    if not np.isclose(ours, theirs, rtol=1e-6, atol=1e-12):
        sys.exit(f"clients: {module}: {what} is {theirs}, we say {ours}")


def check_field(w):
    w = np.asarray(w, dtype=np.float64)
    if list(w.shape) != field["shape"]:
        sys.exit(f"clients: {module}: w is {w.shape}, we say {field['shape']}")
    same(field["std"], w.std(), "the standard deviation of w")
    same(field["max"], w.max(), "the largest of w")


if module == "h5py":
    import h5py

    with h5py.File(f"{folder}/flow.h5") as f:
        check_field(f["w"])
    with h5py.File(f"{folder}/weights.h5") as f:
        same(mean, np.mean(f["model/w"], dtype=np.float64), "the mean of model/w")
        text = f.attrs["kind"]
        if (text.decode() if isinstance(text, bytes) else text) != "a text of Ä":
            sys.exit(f"clients: h5py: the text is {text!r}")
elif module == "netCDF4":
    import netCDF4

    with netCDF4.Dataset(f"{folder}/flow.h5") as f:
        check_field(f["w"][:])
else:
    import safetensors.numpy

    tensors = safetensors.numpy.load_file(f"{folder}/weights.safetensors")
    same(mean, tensors["model/w"].mean(dtype=np.float64), "the mean of model/w")
print(f"clients: {module}: ok")
