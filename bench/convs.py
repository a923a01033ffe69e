"""Times every distinct convolution of FLEX in PyTorch: the target for each shape of `flexlab bench kernels`.

    python bench/convs.py [--model small] [--size 128] [--batch 4] [--threads 2] [--repeats 5] [--json]

The shapes are found by running the network once and watching its Conv2d layers, so they cannot go stale. Each is
timed forward, backward-data and backward-weights (with the bias), in N,C,H,W and channels-last; the least of the
repeats is printed, since other work on the machine only ever adds.
"""

import argparse
import json
import sys
import time

import torch
from torch import nn

import flex


def shapes(model, size, batch):
    """{(H, I, O): number of layers} in the order in which a pass meets them."""
    found, hooks = {}, []

    def see(layer, inputs, _):
        key = (inputs[0].shape[2], layer.in_channels, layer.out_channels)
        found[key] = found.get(key, 0) + 1

    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            hooks.append(layer.register_forward_hook(see))
    with torch.no_grad():
        x, re = torch.zeros(1, 1, size, size), torch.zeros(1, 1)
        model(x, torch.zeros(1), x, re)
    for hook in hooks:
        hook.remove()
    return found


def least(repeats, f):
    f()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        f()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def measure(batch, h, i, o, layout, repeats):
    """Seconds forward, backward-data, backward-weights."""
    x = torch.randn(batch, i, h, h).to(memory_format=layout)
    w = torch.randn(o, i, 3, 3).to(memory_format=layout)
    b, dy = torch.randn(o), torch.randn(batch, o, h, h).to(memory_format=layout)

    def backward(mask):
        return lambda: torch.ops.aten.convolution_backward(
            dy, x, w, [o], [1, 1], [1, 1], [1, 1], False, [0, 0], 1, mask)

    with torch.no_grad():
        return (least(repeats, lambda: torch.conv2d(x, w, b, padding=1)),
                least(repeats, backward([True, False, False])),
                least(repeats, backward([False, True, True])))


def main(argv):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--model", choices=flex.SIZES, default="small")
    for name, value in ("size", 128), ("batch", 4), ("threads", 2), ("repeats", 5):
        p.add_argument("--" + name, type=int, default=value)
    p.add_argument("--json", action="store_true")
    a = p.parse_args(argv)
    torch.set_num_threads(a.threads)
    found = shapes(flex.Flex(**flex.SIZES[a.model], image_size=a.size), a.size, a.batch)
    rows, total = [], {}
    if not a.json:
        print(f"PyTorch {torch.__version__}, {a.threads} threads, batch {a.batch}; ms (GFLOP/s); N,C,H,W | channels-last")
        print(f"{'H=W':>4} {'I':>5} {'O':>5} {'times':>5}  " + "  ".join(f"{n:>14} {'':>14}" for n in ("forward", "data", "weights")))
    for (h, i, o), count in found.items():
        flop = 2 * 9 * a.batch * h * h * i * o
        plain = measure(a.batch, h, i, o, torch.contiguous_format, a.repeats)
        last = measure(a.batch, h, i, o, torch.channels_last, a.repeats)
        cells = []
        for name, p1, p2 in zip(("forward", "data", "weights"), plain, last):
            cells.append("  ".join(f"{s * 1e3:7.2f} ({flop / s / 1e9:4.0f})" for s in (p1, p2)))
            total[name] = total.get(name, 0) + count * min(p1, p2)
        rows.append(dict(size=h, inputs=i, outputs=o, count=count, flop=flop, nchw=plain, channels_last=last))
        if not a.json:
            print(f"{h:4d} {i:5d} {o:5d} {count:5d}  " + "  ".join(cells), flush=True)
    if a.json:
        print(json.dumps(rows))
    else:
        print("sum over layers, the better layout each, ms: " + ", ".join(f"{n} {s * 1e3:.0f}" for n, s in total.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
