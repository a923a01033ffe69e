"""Writes what tests/fixtures/cases has beside the files of expected.tsv.

Run by developers only (h5py from PyPI):  python3 tests/oracle/case_files.py tests/fixtures/cases
"""
import os
import sys

import h5py
import numpy as np

os.chdir(sys.argv[1])
field = np.arange(4 * 8 * 12, dtype="f4").reshape(4, 8, 12)

with h5py.File("links.h5", "w") as f:  # symbolic links: to a group, upwards, nowhere, to itself, through another file
    f["run1/u"] = field
    f["latest"] = h5py.SoftLink("/run1")
    f["run1/up"] = h5py.SoftLink("/")
    f["dead"] = h5py.SoftLink("/no")
    f["round"] = h5py.SoftLink("/round")
    f["outside"] = h5py.ExternalLink("vds_src.h5", "/d")
    f["through"] = h5py.SoftLink("/outside")

layout = h5py.VirtualLayout(shape=(4, 8, 12), dtype="f4")
layout[:] = h5py.VirtualSource("vds_src.h5", "d", shape=(4, 8, 12))
with h5py.File("virtual.h5", "w", libver=("earliest", "v110")) as f:
    f.create_virtual_dataset("w", layout)

PACKING = {  # name: type, stored numbers, fill value, attributes
    "default_i1": ("i1", [-128, -127, -126, 0, 127, 1], None, {}),
    "default_u1": ("u1", [255, 254, 0, 1, 2, 3], None, {}),
    "default_i2": ("i2", [-32768, -32767, -32766, 0, 32767, 5], None, {}),
    "default_u2": ("u2", [65535, 65534, 0, 1, 2, 3], None, {}),
    "default_i4": ("i4", [-2147483647, -2147483648, 0, 1, 2, 3], None, {}),
    "default_u4": ("u4", [4294967295, 4294967294, 0, 1, 2, 3], None, {}),
    "default_i8": ("i8", [-9223372036854775806, -9007199254740992, 0, 1, 2, 3], None, {}),
    "default_f4": ("f4", [9.9692099683868690e36, 1e37, -1e37, 0, 1, 2], None, {}),
    "default_f8": ("f8", [9.9692099683868690e36, 9.96921e36, -1e37, 0, 1, 2], None, {}),
    "fill_replaces_default": ("i2", [-32767, 7, 8, 9, 10, 11], 7, {}),
    "fill_nan": ("f4", [np.nan, 2e20, -1, 0, 1, 2], np.nan, {}),
    "fill_and_missing": ("i2", [-5, 0, 5, 10, 15, 20], 5, dict(missing_value=np.int16(10))),
    "long_list": ("f4", [1, 2, 3, 4, 5, 6], None, dict(missing_value=np.array([6, 5, 4, 1, 9], "f4"))),
    "range_packed": ("i2", [-5, 0, 5, 10, 15, 20], None, dict(valid_range=np.array([0, 10], "i2"), scale_factor=0.1)),
    "range_over_min": ("f4", [-5, 0, 5, 10, 15, 20], None,
                       dict(valid_range=np.array([0, 10], "f4"), valid_min=np.float32(5))),
    "max_alone": ("f4", [-5, 0, 5, 10, 15, 20], None, dict(valid_max=np.float32(9.5))),
    "min_not_held": ("i2", [-5, 0, 5, 10, 15, 20], None, dict(valid_min=0.5, scale_factor=0.1)),
    "missing_text": ("i2", [-5, 0, 5, 10, 15, 20], None, dict(missing_value="5")),
    "unsigned_scaled": ("i1", [-1, -2, 0, 1, 127, -128], -1,
                        {"_Unsigned": "true", "scale_factor": np.float32(0.5), "add_offset": 10.0}),
    "offset_alone": ("u1", [1, 2, 3, 4, 5, 6], None, dict(add_offset=-0.25)),
    # where we differ from netCDF4, and say so (csrc/io/packing.h)
    "missing_rounded": ("f4", [1e20, 2e20, -1, 0, 1, 2], None, dict(missing_value=np.float64(1e20))),
    "scale_text": ("i2", [-5, 0, 5, 10, 15, 20], None, dict(scale_factor="0.1")),
    "scale_word": ("i2", [-5, 0, 5, 10, 15, 20], None, dict(scale_factor="small")),
    "scale_list": ("i2", [-5, 0, 5, 10, 15, 20], None, dict(scale_factor=np.array([1.0, 2.0]))),
}

import netCDF4  # noqa: E402

with netCDF4.Dataset("packing.nc", "w", format="NETCDF4") as f:
    f.createDimension("k", 6)
    for name, (dtype, stored, fill, attributes) in PACKING.items():
        v = f.createVariable(name, dtype, ("k",), fill_value=fill)
        v.setncatts(attributes)
        v.set_auto_maskandscale(False)
        v[:] = np.array(stored).astype(dtype)
with netCDF4.Dataset("packing.nc") as f, open("packing.tsv", "w") as out:
    out.write("variable\tvalues (netCDF4 %s)\n" % netCDF4.__version__)
    for name, v in f.variables.items():
        try:
            values = [("-" if x is np.ma.masked or x != x else "%.9g" % x) for x in v[:]]
        except Exception:
            values = ["refused"]
        out.write(name + "\t" + " ".join(values) + "\n")

# Axes and fields by CF's attributes: each variable of one file, with what is right told in tests/lua/cases_test.lua.
with netCDF4.Dataset("cf.nc", "w", format="NETCDF4") as f:
    for name, size in dict(time=None, member=2, lev=3, lat=4, lon=6, nv=2, a=4, b=6).items():
        f.createDimension(name, size)

    def variable(name, axes, dtype="f4", **attributes):
        v = f.createVariable(name, dtype, axes)
        v.setncatts(attributes)
        shape = [5 if a == "time" else len(f.dimensions[a]) for a in axes]
        v[:] = np.arange(np.prod(shape, dtype=int)).reshape(shape)
        return v

    variable("time", ("time",), "f8", units="hours since 2000-01-01", bounds="time_edges")
    variable("time_edges", ("time", "nv"), "f8")
    variable("lev", ("lev",), "f8", positive="down")[:] = [850, 500, 250]
    variable("lat", ("lat",), "f8", units="degrees_north")
    variable("lon", ("lon",), "f8", units="degrees_east")[:] = [0, 60, 120, 180, 240, 300]
    variable("u", ("time", "lev", "lat", "lon"), grid_mapping="crs", ancillary_variables="u_error",
             cell_measures="area: cell_area")
    variable("u_error", ("time", "lev", "lat", "lon"))
    variable("ps", ("time", "lat", "lon"))
    variable("orography", ("lat", "lon"))
    variable("cell_area", ("lat", "lon"))
    variable("other_grid", ("time", "a", "b"))
    f.createVariable("crs", "i4", ())

# Coordinates of two axes that no variable names, as simple writers leave them; and a mesh.
with netCDF4.Dataset("curvilinear.nc", "w", format="NETCDF3_CLASSIC") as f:
    for name, size in dict(step=3, row=4, column=6, face=24, corner=4).items():
        f.createDimension(name, size)
    for name, axes, attributes in (
        ("latitude_of", ("row", "column"), dict(units="degrees_north")),
        ("longitude_of", ("row", "column"), dict(standard_name="longitude")),
        ("when", ("step", "column"), dict(units="days since 1950-01-01")),
        ("mesh_faces", ("face", "corner"), dict(cf_role="face_node_connectivity")),
        ("sst", ("step", "row", "column"), dict(units="degC")),
    ):
        v = f.createVariable(name, "f4", axes)
        v.setncatts(attributes)
        v[:] = np.arange(np.prod(v.shape, dtype=int)).reshape(v.shape)

# A dimension whose longest variable claims 2^50 records: the others must not be read as so many missing ones.
with netCDF4.Dataset("endless.nc", "w", format="NETCDF4") as f:
    f.createDimension("time", None)
    f.createDimension("x", 4)
    f.createVariable("short", "f4", ("time", "x"))[:] = np.ones((2, 4))
    f.createVariable("long", "f4", ("time", "x"))[:] = np.ones((2, 4))
with h5py.File("endless.nc", "r+") as f:
    f["long"].resize((1 << 50, 4))
