"""Writes tests/oracle/sample_data.tsv: what netCDF4 says of the real files that tools/sample_data.sh fetches.

Run by developers only (numpy, netCDF4, h5py from PyPI):  python3 tests/oracle/sample_data.py data/samples
One row a variable of numbers: file, variable, shape, mean, standard deviation (population), missing elements, with masks
and scales applied; NaN counts as missing. Where the file is HDF5, h5py must hold the same stored numbers, or this stops.
tests/oracle/sample_data.lua compares.
"""
import os
import sys
import warnings

import h5py
import netCDF4
import numpy as np

warnings.simplefilter("ignore")
root = sys.argv[1]


def variables(group, prefix=""):
    for name, v in group.variables.items():
        yield prefix + name, v
    for name, g in group.groups.items():
        yield from variables(g, prefix + name + "/")


def is_number(v):
    return getattr(v.dtype, "kind", "O") in "iuf" and v.ndim >= 1


def check_h5py(path, name, v):
    """The stored numbers of h5py are those of netCDF4."""
    with h5py.File(path) as f:
        d = f.get(name)
        if d is None or d.attrs.get("NAME", b"").startswith(b"This is a netCDF dimension but"):
            return
        v.set_auto_maskandscale(False)
        raw = v[:]
        v.set_auto_maskandscale(True)
        stored = d[()]
        if stored.shape == raw.shape:
            assert np.array_equal(stored, raw, equal_nan=stored.dtype.kind == "f"), (path, name)


rows = []
for folder, _, names in sorted(os.walk(root)):
    for file in sorted(names):
        path = os.path.join(folder, file)
        if not file.endswith((".nc", ".cdf")):
            continue
        with netCDF4.Dataset(path) as f:
            hdf5 = f.disk_format == "HDF5"
            for name, v in variables(f):
                if not is_number(v):
                    continue
                if hdf5:
                    check_h5py(path, name, v)
                x = np.ma.filled(np.ma.asarray(v[:]).astype("f8"), np.nan)
                good = x[np.isfinite(x)]
                missing = int(np.isnan(x).sum())
                shape = ",".join(map(str, x.shape))
                numbers = ("%.10g\t%.10g" % (good.mean(), good.std())) if good.size else "-\t-"
                rows.append("%s\t%s\t%s\t%s\t%d" % (os.path.relpath(path, root), name, shape, numbers, missing))

out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sample_data.tsv")
with open(out, "w") as f:
    f.write("file\tvariable\tshape\tmean\tsd\tmissing\n" + "\n".join(rows) + "\n")
print(len(rows), "variables of", len({r.split("\t")[0] for r in rows}), "files")
