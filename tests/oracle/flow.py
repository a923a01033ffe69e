"""An independent solver of two-dimensional flow: the oracle of core.flow (csrc/sim).

Nothing is shared with the solver but the equations: velocities, not vorticity, are advanced; the pressure
is projected out; products are formed on a grid of 3/2 the points a side (padding), not cut by the 2/3 rule; time is
classical Runge-Kutta of a fixed small step without integrating factor; transforms are scipy's. The modes kept are the
solver's, 3 |k| < n, so both have the same truncated equations and only errors of time remain.

  python3 -m venv /tmp/oracle && /tmp/oracle/bin/pip install -r tests/oracle/requirements.txt
  /tmp/oracle/bin/python tests/oracle/flow.py                   # records tests/fixtures/flow.safetensors
  build/release/flexlab script tests/oracle/flow.lua run.safetensors --size 256
  /tmp/oracle/bin/python tests/oracle/flow.py run.safetensors   # the difference of one run of the solver
"""
import json
import os
import struct
import sys

import numpy as np
from safetensors.numpy import load_file, save_file
from scipy import fft

FIXTURE = os.path.join(os.path.dirname(__file__), "..", "fixtures", "flow.safetensors")


class Flow:
    """Velocities (2,n,n/2+1) of the flow on [0, 2 pi]^2 with vorticity w (n,n); rows are y."""

    def __init__(self, w, re, drag=0.0, force=None, scalar=None, schmidt=1.0):
        self.n = n = w.shape[0]
        self.nu, self.drag, self.kappa = 1.0 / re, drag, 1.0 / (re * schmidt)
        self.ky = (fft.fftfreq(n) * n)[:, None]
        self.kx = np.arange(n // 2 + 1)[None, :].astype(float)
        self.k2 = self.kx ** 2 + self.ky ** 2
        self.kept = (3 * np.abs(self.ky) < n) & (3 * self.kx < n)
        wh = self.forward(w)
        psi = wh / np.where(self.k2 > 0, self.k2, np.inf)
        rows = [1j * self.ky * psi, -1j * self.kx * psi]
        if scalar is not None:
            rows.append(self.forward(scalar))
        self.state = np.array(rows) * self.kept
        self.force = 0.0 if force is None else self.forward(force) * self.kept

    def forward(self, field):
        return fft.rfft2(field, norm="forward", workers=2)

    def padded(self, spectrum):
        """Field of a spectrum on a grid of 3/2 the points a side."""
        n, m = self.n, self.n * 3 // 2
        wide = np.zeros((m, m // 2 + 1), complex)
        wide[: n // 2, : n // 2 + 1] = spectrum[: n // 2]
        wide[-(n // 2) :, : n // 2 + 1] = spectrum[n // 2 :]
        return fft.irfft2(wide, s=(m, m), norm="forward", workers=2)

    def product(self, a, b):
        """Spectrum of a b, cut to the modes of the flow."""
        n = self.n
        wide = fft.rfft2(a * b, norm="forward", workers=2)[:, : n // 2 + 1]
        return np.concatenate([wide[: n // 2], wide[-(n // 2) :]]) * self.kept

    def rate(self, s):
        kx, ky, k2 = 1j * self.kx, 1j * self.ky, np.where(self.k2 > 0, self.k2, 1.0)
        u, v = self.padded(s[0]), self.padded(s[1])
        uu, uv, vv = self.product(u, u), self.product(u, v), self.product(v, v)
        a = -(kx * uu + ky * uv) + self.force
        b = -(kx * uv + ky * vv)
        along = (kx * a + ky * b) / -k2  # the gradient's part: what the pressure takes away
        rows = [a - kx * along, b - ky * along]
        linear = [self.nu * self.k2 + self.drag] * 2
        if len(s) == 3:
            c = self.padded(s[2])
            rows.append(-(kx * self.product(u, c) + ky * self.product(v, c)))
            linear.append(self.kappa * self.k2)
        return np.array(rows) - np.array(linear) * s

    def advance(self, time, steps):
        h = time / steps
        for _ in range(steps):
            s = self.state
            a = self.rate(s)
            b = self.rate(s + h / 2 * a)
            c = self.rate(s + h / 2 * b)
            d = self.rate(s + h * c)
            self.state = s + h / 6 * (a + 2 * b + 2 * c + d)
        return self

    def field(self, spectrum):
        return fft.irfft2(spectrum, s=(self.n, self.n), norm="forward", workers=2)

    def vorticity(self):
        return self.field(1j * self.kx * self.state[1] - 1j * self.ky * self.state[0])


def relative(a, b):
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def random_field(n, k0, seed):
    """Random phases, energy around k0, r.m.s. velocity 1."""
    rng = np.random.default_rng(seed)
    kx, ky = np.meshgrid(np.arange(n // 2 + 1.0), fft.fftfreq(n) * n)
    k = np.hypot(kx, ky)
    white = fft.rfft2(rng.standard_normal((n, n)), norm="forward")
    kept = (3 * kx < n) & (3 * np.abs(ky) < n) & (k > 0)
    w = np.where(kept, white * k ** 2.5 * np.exp(-((k / k0) ** 2)), 0.0)
    full = np.where(kx > 0, 2.0, 1.0)
    w /= np.sqrt((full * np.abs(w) ** 2 / np.where(k > 0, k ** 2, np.inf)).sum())
    return fft.irfft2(w, s=(n, n), norm="forward")


def record():
    n, re, time = 64, 400.0, 1.0
    y, x = np.meshgrid(2 * np.pi * np.arange(n) / n, 2 * np.pi * np.arange(n) / n, indexing="ij")
    start = random_field(n, 5.0, 20251)
    out = {"start": start}
    carried = dict(scalar=1 + 0.1 * start, schmidt=0.7)
    cases = {"decaying": {}, "kolmogorov": dict(drag=0.1, force=2.0 * np.sin(4 * y), **carried)}
    for name, options in cases.items():
        coarse, fine = (Flow(start, re, **options).advance(time, s) for s in (500, 1000))
        out[name] = fine.vorticity()
        print(f"{name}: r.m.s. vorticity {out[name].std():.3f}, between 500 and 1000 steps "
              f"{relative(coarse.vorticity(), out[name]):.1e}")
    out["scalar"] = fine.field(fine.state[2])
    print(f"scalar: between 500 and 1000 steps {relative(coarse.field(coarse.state[2]), out['scalar']):.1e}")
    out = {k: np.ascontiguousarray(v) for k, v in out.items()}
    save_file(out, FIXTURE, metadata={"made_by": "tests/oracle/flow.py", "re": str(re), "time": str(time)})
    print(os.path.getsize(FIXTURE), "bytes")


def metadata(path):
    with open(path, "rb") as f:
        return json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))["__metadata__"]


def compare(path):
    run, text = load_file(path), metadata(path)
    start, end = run["start"].squeeze(), run["end"].squeeze()
    re, time = float(text["re"]), float(text["time"])
    fields = {s: Flow(start, re).advance(time, s).vorticity() for s in (500, 1000)}
    print(f"{start.shape[0]}^2, Re {re:g}, to t = {time:g}, {text['steps']} steps of the solver")
    print(f"the oracle with 500 and 1000 steps: {relative(fields[500], fields[1000]):.2e}")
    print(f"the solver against the oracle:      {relative(end, fields[1000]):.2e}")
    print(f"(what the flow has changed by:      {relative(end, start):.2e})")


if __name__ == "__main__":
    compare(sys.argv[1]) if len(sys.argv) > 1 else record()
