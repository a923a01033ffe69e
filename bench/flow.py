"""Time of a step of decaying two-dimensional turbulence: FlexLab against numpy with FFTW and against torch-cfd.

  python bench/flow.py --program build/release/flexlab            # 1024^2, 3 alternations
  python bench/flow.py --sizes 128,256,512,1024 --repeats 1 --alone
  python bench/flow.py --check --sizes 256                        # the same flow by all of them: differences at t = 1

Each measurement is a process of its own with two threads (FLEXLAB_THREADS: another number); within an alternation all
contestants run one after the other, ratios are formed there, and medians printed. All start from one field (FlexLab's)
and take steps of one length in double precision. --processor: seconds of processor time instead of those of the clock,
which with FLEXLAB_THREADS=1 hardly depend on what else the machine does.
  numpy      the scheme of csrc/sim (RK4, integrating factor, four transforms a stage, 2/3 rule), transforms by
             pyfftw (FFTW_MEASURE, 2 threads), arithmetic by numpy in place, nothing allocated in the loop
  torch-cfd  as published: NavierStokes2DSpectral with RK4CrankNicolsonStepper, which evaluates the right-hand side
             five times a step, with five transforms each; `torch-cfd, single`: in its default single precision
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

import compare

HERE = os.path.dirname(os.path.abspath(__file__))
THREADS = int(os.environ.get("FLEXLAB_THREADS", "2"))


def clock():
    return time.process_time() if os.environ.get("FLEXLAB_CLOCK") == "processor" else time.perf_counter()


class Numpy:
    """csrc/sim/lanes/columns.c in numpy: E = exp(-nu k^2 dt/2), stages a, b, c, and the running sum of W'."""

    def __init__(self, w, re, dt):
        import pyfftw

        n = w.shape[0]
        ky, kx = (np.fft.fftfreq(n) * n)[:, None], np.arange(n // 2 + 1.0)[None, :]
        k2 = kx ** 2 + ky ** 2
        kept = (3 * np.abs(ky) < n) & (3 * kx < n)
        inverse = np.where(k2 > 0, kept / np.where(k2 > 0, k2, 1.0), 0.0)
        self.to_u, self.to_v = 1j * ky * inverse / n ** 2, -1j * kx * inverse / n ** 2
        self.from_a, self.from_b = kept * kx * ky, kept * (kx ** 2 - ky ** 2)
        self.e, self.dt = np.exp(-k2 / re * dt / 2), dt
        shape = (n, n // 2 + 1)
        self.fields = [pyfftw.empty_aligned((n, n)) for _ in range(3)]
        self.modes = [pyfftw.empty_aligned(shape, dtype=complex) for _ in range(2)]
        options = dict(axes=(0, 1), threads=THREADS, flags=("FFTW_MEASURE", "FFTW_DESTROY_INPUT"))
        self.back = [pyfftw.FFTW(m, f, direction="FFTW_BACKWARD", **options) for m, f in zip(self.modes, self.fields[:2])]
        self.forth = [pyfftw.FFTW(f, m, **options) for m, f in zip(self.modes, self.fields[1:])]
        self.state = np.fft.rfft2(w) * kept
        self.f, self.sum, self.rest = (np.empty(shape, complex) for _ in range(3))

    def rate(self, f):
        """The nonlinear term of stage f, in modes[0]."""
        (a, b), (u, v, t) = self.modes, self.fields
        np.multiply(self.to_u, f, out=a)
        np.multiply(self.to_v, f, out=b)
        for plan in self.back:
            plan.execute()
        np.multiply(u, v, out=t)
        v *= v
        u *= u
        v -= u
        for plan in self.forth:
            plan.execute()
        a *= self.from_a
        b *= self.from_b
        a += b
        return a

    def step(self):
        w, e, f, total, t, h = self.state, self.e, self.f, self.sum, self.rest, self.dt
        n = self.rate(w)
        np.multiply(n, h / 2, out=t)
        np.add(w, t, out=f)
        f *= e
        np.multiply(n, h / 6, out=total)
        total += w
        total *= e
        total *= e
        n = self.rate(f)
        np.multiply(w, e, out=f)
        np.multiply(n, h / 2, out=t)
        f += t
        n *= e
        n *= h / 3
        total += n
        n = self.rate(f)
        np.multiply(w, e, out=f)
        np.multiply(n, h, out=t)
        f += t
        f *= e
        n *= e
        n *= h / 3
        total += n
        n = self.rate(f)
        n *= h / 6
        np.add(total, n, out=w)

    def run(self, steps):
        for _ in range(steps):
            self.step()

    def vorticity(self):
        return np.fft.irfft2(self.state)


class TorchCfd:
    """Its first axis is x: fields go in and out transposed."""

    def __init__(self, w, re, dt, single=False):
        import torch
        from torch_cfd import grids, spectral

        torch.set_num_threads(THREADS)
        torch.set_default_dtype(torch.float32 if single else torch.float64)
        grid = grids.Grid(w.shape, domain=((0, 2 * np.pi), (0, 2 * np.pi)))
        self.torch, self.dt = torch, dt
        self.equation = spectral.NavierStokes2DSpectral(1 / re, grid, smooth=True,
                                                        step_fn=spectral.RK4CrankNicolsonStepper())
        self.state = torch.fft.rfft2(torch.tensor(np.ascontiguousarray(w.T), dtype=torch.get_default_dtype()))

    def run(self, steps):
        with self.torch.no_grad():
            self.state, _ = self.equation(self.state, self.dt, steps=steps)

    def vorticity(self):
        return self.torch.fft.irfft2(self.state).numpy().T


CONTESTANTS = {"numpy": Numpy, "torch-cfd": TorchCfd,
               "torch-cfd, single": lambda w, re, dt: TorchCfd(w, re, dt, single=True)}


def one(name, start, re, dt, steps, out):
    """In a process of its own: prints seconds a step; writes the last field."""
    flow = CONTESTANTS[name](np.load(start), re, dt)
    flow.run(2)
    began = clock()
    flow.run(steps - 2)
    print(json.dumps((clock() - began) / (steps - 2)))
    np.save(out, flow.vorticity())


def flexlab(program, size, re, dt, steps, seed=1):
    """Seconds a step, the first and the last field."""
    from safetensors.numpy import load_file

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run.safetensors")
        script = os.path.join(HERE, "..", "tests", "oracle", "flow.lua")
        line = [program, "script", script, path, "--size", str(size), "--re", str(re), "--time", repr(steps * dt),
                "--dt", repr(dt), "--seed", str(seed), "--threads", str(THREADS)]
        text = subprocess.run(line, check=True, capture_output=True, text=True).stdout
        run = load_file(path)
    at = -3 if os.environ.get("FLEXLAB_CLOCK") != "processor" else -7
    return float(text.split()[at]) / 1e3, run["start"].squeeze(), run["end"].squeeze()


def measure(name, start, re, dt, steps):
    with tempfile.TemporaryDirectory() as folder:
        first, last = os.path.join(folder, "start.npy"), os.path.join(folder, "end.npy")
        np.save(first, start)
        line = [sys.executable, __file__, "--one", name, first, str(re), repr(dt), str(steps), last]
        text = subprocess.run(line, check=True, capture_output=True, text=True).stdout
        return json.loads(text.splitlines()[-1]), np.load(last)


def relative(a, b):
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def check(o, names, size):
    dt = 1.0 / (4 * size)
    _, start, end = flexlab(o.program, size, o.re, dt, 4 * size)
    for name in names:
        _, other = measure(name, start, o.re, dt, 4 * size)
        print(f"{size}^2, Re {o.re:g}, t = 1, dt {dt:.2g}: FlexLab against {name}: {relative(end, other):.2e}", flush=True)


def line(size, name, seconds, ours):
    ratios = [a / b for a, b in zip(seconds, ours)]
    usual = statistics.median(seconds)
    return (f"{size:5d}^2  {name:18s} {1e3 * usual:9.2f} ms a step, {1e9 * usual / (size ** 2 * np.log2(size ** 2)):6.2f} ns "
            f"/ (N^2 log2 N^2), x {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def race(o, names, size):
    dt, busy = 1.0 / (2 * size), []
    steps = max(6, min(400, o.work // size ** 2))
    times = {"flexlab": [], **{name: [] for name in names}}
    for _ in range(o.repeats):
        (seconds, start, _), others = compare.watched(lambda: flexlab(o.program, size, o.re, dt, steps))
        times["flexlab"].append(seconds)
        busy.append(others or 0.0)
        for name in names:
            (seconds, _), others = compare.watched(lambda: measure(name, start, o.re, dt, max(6, steps // 4)))
            times[name].append(seconds)
            busy.append(others or 0.0)
    for name, seconds in times.items():
        print(line(size, name, seconds, times["flexlab"]), flush=True)
    print(f"        other processes kept {statistics.median(busy):.2f} cores busy (at most {max(busy):.2f})"
          + (": do not quote" if statistics.median(busy) > compare.QUIET and not o.processor else ""), flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--program", default=os.path.join(HERE, "..", "build", "release", "flexlab"))
    p.add_argument("--sizes", default="1024")
    p.add_argument("--re", type=float, default=1000.0)
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--work", type=int, default=25_000_000, help="points times steps of FlexLab in a measurement")
    p.add_argument("--against", default="numpy;torch-cfd", help="numpy, torch-cfd, 'torch-cfd, single'; by ;")
    p.add_argument("--alone", action="store_true", help="FlexLab only: how its cost grows")
    p.add_argument("--check", action="store_true")
    p.add_argument("--one", nargs=6, help=argparse.SUPPRESS)
    p.add_argument("--processor", action="store_true", help="processor time, not the clock's")
    o = p.parse_args()
    if o.processor:
        os.environ["FLEXLAB_CLOCK"] = "processor"
    if o.one:
        name, start, re, dt, steps, out = o.one
        return one(name, start, float(re), float(dt), int(steps), out)
    names = [] if o.alone else o.against.split(";")
    for size in map(int, o.sizes.split(",")):
        (check if o.check else race)(o, names, size)


if __name__ == "__main__":
    main()
