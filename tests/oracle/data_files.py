"""Writes tests/fixtures/data: small files with the keys that public data sets document, and odd variants.

Run by developers only (numpy, h5py, netCDF4 from PyPI):  python3 tests/oracle/data_files.py tests/fixtures/data
The numbers are those of the function `value`, which tests/lua/formats_test.lua computes again; so
what is read is compared with a formula, and with no reader of ours or of Python's.
"""
import os
import sys

import h5py
import netCDF4
import numpy as np

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
N, T, H, W = 2, 3, 8, 12
SHAPE = {"n": N, "t": T, "z": 4, "y": H, "x": W}


def value(axes, channels=1, first=0, **sizes):
    """Integers 32 c + 8 n + 64 t + 4 z + y + 16 x (mod 997): exact in every float type but f16, there too."""
    sizes = {**SHAPE, **sizes, "c": channels}
    factor = {"c": 32, "n": 8, "t": 64, "z": 4, "y": 1, "x": 16}
    total = np.zeros([sizes[a] for a in axes])
    for k, a in enumerate(axes):
        shape = [1] * len(axes)
        shape[k] = -1
        total = total + factor[a] * np.arange(sizes[a]).reshape(shape)
    return (total + 32 * first) % 997


def h5(name, libver=None, **kw):
    return h5py.File(os.path.join(out, name), "w", libver=libver, track_order=False, **kw)


def put(f, path, array, dtype="<f4", **kw):
    return f.create_dataset(path, data=array.astype(dtype), **kw)


# --- the rows of the table ---------------------------------------------------------------------
with h5("8000_12_8_seed_2150.h5") as f:  # NSKT
    put(f, "w", value("tyx"))
with h5("nstk_3channels.h5") as f:  # the older NSTK
    put(f, "w", value("tcyx", 3))
with h5("minflex.h5") as f:
    put(f, "fields", value("tyx"), chunks=(1, H, W), compression="gzip", shuffle=True)
with h5("era5.h5") as f:
    put(f, "fields", value("tcyx", 3), dtype=">f4")
with h5("superbench.h5") as f:
    put(f, "fields", value("tcyx", 3))
    put(f, "LR_fields", value("tcyx", 3, y=H // 4, x=W // 4))
with h5("pdebench_incompressible.h5") as f:
    for name, axes, c, first in ("velocity", "ntyxc", 2, 0), ("particles", "ntyxc", 1, 2), ("force", "nyxc", 2, 3):
        shape = (1, 1, H, W, c) if "t" in axes else (1, H, W, c)
        put(f, name, value(axes, c, first), chunks=shape, compression="lzf", shuffle=True)
    put(f, "t", np.arange(N * T).reshape(N, T) * 0.5)
    f.attrs["config"] = "nu: 0.01\n"
    f.attrs["latestIndex"] = N - 1
with h5("pdebench_incompressible_gzip.h5") as f:
    for name, axes, c, first in ("velocity", "ntyxc", 2, 0), ("particles", "ntyxc", 1, 2), ("force", "nyxc", 2, 3):
        put(f, name, value(axes, c, first), compression="gzip", fletcher32=True)
    put(f, "t", np.arange(N * T).reshape(N, T) * 0.5)
with h5("2D_CFD_periodic_Train.hdf5") as f:  # PDEBench compressible
    for c, name in enumerate(("density", "pressure", "Vx", "Vy")):
        put(f, name, value("ntyx", first=c))
    put(f, "x-coordinate", np.arange(H))
    put(f, "y-coordinate", np.arange(W))
    put(f, "t-coordinate", np.arange(T + 1) * 0.05)
    f.attrs["eta"], f.attrs["zeta"], f.attrs["M"] = 0.01, 0.01, 0.1
with h5("1D_Burgers.hdf5") as f:
    put(f, "tensor", value("ntx"))
    put(f, "t-coordinate", np.arange(T + 1) * 0.05)
    f.attrs["Nu"] = 0.001
with h5("2D_Darcy.hdf5") as f:
    put(f, "tensor", value("ntyx", t=1))
    put(f, "nu", value("nyx", first=1))
    f.attrs["beta"] = 1.0
with h5("2D_diff-react.h5") as f:
    for n in range(N):
        put(f, "%04d/data" % n, value("tyxc", 2) + 8 * n)
        for a, size in (("x", H), ("y", W), ("t", T)):
            put(f, "%04d/grid/%s" % (n, a), np.arange(size) * 0.25)
        f["%04d" % n].attrs["config"] = "sim: {seed: %d}\n" % n
with h5("NavierStokes2D_train_1.h5") as f:  # PDEArena
    g = f.create_group("train")
    for c, name in enumerate(("u", "vx", "vy")):
        put(g, name, value("ntyx", first=c), dtype="<f8")
    put(g, "t", np.arange(N * T).reshape(N, T) * 1.5, dtype="<f8")
    for key in ("dt", "dx", "dy", "buo_y"):
        put(g, key, np.ones(N), dtype="<f8")


def well(name, absent=False, bc=("PERIODIC", "PERIODIC"), **kw):
    with h5(name) as f:
        f.attrs["dataset_name"], f.attrs["grid_type"] = "like_the_well", "cartesian"
        f.attrs["n_spatial_dims"], f.attrs["n_trajectories"] = 2, N
        f.attrs["simulation_parameters"] = ["Reynolds"]
        f.create_dataset("scalars/Reynolds", data=np.float32(5000.0))
        d = f.create_group("dimensions")
        d.attrs["spatial_dims"] = ["x", "y"]
        for a, size in (("time", T), ("x", H), ("y", W)):
            s = put(d, a, np.arange(size) * 0.5)
            s.attrs["time_varying"], s.attrs["sample_varying"] = False, False

        def field(path, axes, c=1, first=0):
            s = put(f, path, value(axes, c, first), **kw)
            s.attrs["sample_varying"], s.attrs["time_varying"] = "n" in axes, "t" in axes
            s.attrs["dim_varying"] = ["y" in axes, "x" in axes]

        field("t0_fields/buoyancy", "ntx" if absent else "ntyx")
        field("t0_fields/mask", "yx", first=9)
        field("t1_fields/velocity", "tyxc" if absent else "ntyxc", 2, 1)
        if not absent:
            t = value("ntyxc", 4, 3).reshape(N, T, H, W, 2, 2)
            s = put(f, "t2_fields/strain", t, **kw)
            s.attrs["sample_varying"] = s.attrs["time_varying"] = True
            s.attrs["dim_varying"] = [True, True]
        for a, kind in zip("xy", bc):
            g = f.create_group("boundary_conditions/%s_boundary" % a)
            g.attrs["bc_type"], g.attrs["associated_dims"] = kind, [a]
            g.attrs["sample_varying"] = g.attrs["time_varying"] = False
            g.create_dataset("mask", data=np.zeros(SHAPE["y" if a == "x" else "x"], bool))


well("well.hdf5")
well("well_absent.hdf5", absent=True, bc=("WALL", "PERIODIC"), compression="gzip", shuffle=True)
with open(os.path.join(out, "stats.yaml"), "w") as f:
    f.write("mean:\n  buoyancy: 100.5\n  velocity:\n  - 1.5\n  - -2.0\nstd:\n  buoyancy: 20.0\n  velocity:\n"
            "  - 3.0\n  - 4.0\nrms:\n  buoyancy: 1.0\n")


def netcdf(name, format, packed):
    with netCDF4.Dataset(os.path.join(out, name), "w", format=format) as f:
        f.createDimension("time", None)
        f.createDimension("lat", H)
        f.createDimension("lon", W)
        for a, size, dims in (("time", T, "f8"), ("lat", H, "f4"), ("lon", W, "f4")):
            v = f.createVariable(a, dims, (a,))
            v[:] = np.arange(size) * 0.5
        for c, a in enumerate(("u", "v")):
            if packed:
                v = f.createVariable(a, "i2", ("time", "lat", "lon"), fill_value=-32768)
                v.scale_factor, v.add_offset = 0.5, 100.0
            else:
                v = f.createVariable(a, "f4", ("time", "lat", "lon"))
            v[:] = value("tyx", first=c)
        z = f.createVariable("orog", "f4", ("lat", "lon"))
        z[:] = value("yx")
        f.title = "odd shapes"


netcdf("packed.nc", "NETCDF4", True)
netcdf("classic.nc", "NETCDF3_CLASSIC", False)
netcdf("offset64_packed.nc", "NETCDF3_64BIT_OFFSET", True)
netcdf("data64.nc", "NETCDF3_64BIT_DATA", False)

np.save(os.path.join(out, "kolmogorov.npy"), value("ntyx", t=6).astype("<f4"))
np.save(os.path.join(out, "fortran.npy"), np.asfortranarray(value("tyx").astype(">f8")))
np.save(os.path.join(out, "half.npy"), value("tyx").astype("<f2"))
np.savez(os.path.join(out, "stored.npz"), u=value("tyx").astype("<i4"), v=value("tyx", first=1).astype("<i4"))
np.savez_compressed(os.path.join(out, "deflated.npz"), u=value("tyx").astype("<f8"), v=value("tyx", first=1))

# --- odd variants --------------------------------------------------------------------------------
for name, dtype, kw in (
    ("w_f64_big", ">f8", {}),
    ("w_f16", "<f2", dict(chunks=(2, 5, 5), compression="gzip", shuffle=True)),
    ("w_i2_big_fletcher", ">i2", dict(chunks=(1, H, W), fletcher32=True)),
    ("w_u1_mod", "u1", {}),
    ("w_unlimited", "<f4", dict(maxshape=(None, H, W), chunks=(1, 3, 7), scaleoffset=None)),
):
    with h5(name + ".h5") as f:
        v = value("tyx") % 251 if dtype == "u1" else value("tyx")
        f.create_dataset("w", data=v.astype(dtype), **kw)
        f.attrs["Re"] = 1234.0
with h5("w_v110.h5", libver=("v110", "v110")) as f:  # the newest structures that HDF5 1.10 knows
    put(f, "w", value("tyx"), chunks=(1, H, W), compression="gzip", maxshape=(None, None, W))
with h5("w_channels_last.h5") as f:
    put(f, "w", value("tyxc", 2))
with h5("userblock.h5", userblock_size=512) as f:  # as MATLAB 7.3
    put(f, "w", value("tyx"), chunks=(1, H, W), compression="gzip")
with h5("own.h5") as f:  # described in three lines
    put(f, "simulation/velocity", value("ntyxc", 2), compression="gzip")
    put(f, "simulation/volume", value("ntzyx"))
    put(f, "simulation/time", np.arange(T) * 2.0)
    f["loop"] = f["simulation"]
    f["simulation/up"] = f["/"]  # a cycle
    f["simulation/soft"] = h5py.SoftLink("/nowhere")
    f["simulation/other"] = h5py.ExternalLink("/etc/passwd", "/x")
print(sum(os.path.getsize(os.path.join(out, n)) for n in os.listdir(out)), "bytes")
