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
