"""Compares bench/flex.py with the recorded fixtures: every output, and every gradient they hold.

    python bench/check.py [FIXTURE.safetensors ...]        default: all under tests/fixtures

Prints one line a fixture; exits with 1 if an error exceeds 1e-4 of the largest recorded value (outputs) or 1e-3
(gradients, whose sums are long), and with 2 if a file cannot be read as a fixture.
"""

import json
import pathlib
import sys

import torch
from safetensors import safe_open

import flex

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures"
OUTPUT_TOLERANCE, GRADIENT_TOLERANCE = 1e-4, 1e-3


def read(path):
    with safe_open(path, "pt") as f:
        return json.loads(f.metadata()["config"]), {name: f.get_tensor(name) for name in f.keys()}


def error(ours, theirs, scale=None):
    """The largest difference, relative to the largest recorded value."""
    if ours.shape != theirs.shape:
        raise SystemExit(f"shape {tuple(ours.shape)} where {tuple(theirs.shape)} is recorded")
    return ((ours - theirs).abs().max() / (scale or theirs.abs().max()).clamp_min(1e-30)).item()


def gradients(model, tensors):
    """The worst relative error. A gradient that is 0 in exact arithmetic (a bias before a norm with one channel a
    group) is compared on the scale of its layer's weight."""
    worst = ("", 0.0)
    recorded = {n[5:]: g for n, g in tensors.items() if n.startswith("grad/")}
    for name, parameter in model.named_parameters():
        if name not in recorded:
            continue
        theirs, scale = recorded[name], recorded[name].abs().max()
        weight = recorded.get(name.removesuffix("bias") + "weight")
        if weight is not None and scale < 1e-5 * weight.abs().max():
            scale = 1e-2 * weight.abs().max()
        e = error(parameter.grad, theirs, scale)
        worst = max(worst, (name, e), key=lambda pair: pair[1])
    return len(recorded), worst


def check(path):
    cfg, tensors = read(path)
    model = flex.Flex(**cfg, dropout=0.0)
    model.load_state_dict({n[6:]: p for n, p in tensors.items() if n.startswith("param/")})
    t, re, low, target = (tensors["in/" + n] for n in ("t", "re", "lowres", "target"))
    estimate = low[:, -target.shape[1]:]
    loss, pred, x_t = flex.loss(model, target, estimate, low, re, t, tensors["in/eps"])
    if cfg["kind"] != "v":
        loss = None  # the peer trains v alone; network and schedule are compared all the same
    pairs = {"pred": pred, "x_t": x_t}
    with torch.no_grad():
        pairs["cond_head"], skips = model.condition(low, re)
        pairs["enc_head"], enc = model.encoder(x_t, re, t, skips)
        pairs.update({f"cond_skip.{i}": s for i, s in enumerate(skips)} | {f"enc_skip.{i}": s for i, s in enumerate(enc)})
    if loss is not None:
        pairs["loss"] = loss[None]
        for steps in (1, 2, 4):
            if f"out/sample.{steps}" in tensors:
                pairs[f"sample.{steps}"] = flex.sample(model, tensors["in/x_T"], estimate, low, re, steps)
    outputs = {n: error(v.detach(), tensors["out/" + n]) for n, v in pairs.items()}
    worst = max(outputs, key=outputs.get)
    line = f"{path.stem:10s} {len(outputs):2d} outputs, worst {worst} {outputs[worst]:.1e}"
    good = outputs[worst] <= OUTPUT_TOLERANCE
    if cfg["grads"] and loss is not None:
        loss.backward()
        count, (name, e) = gradients(model, tensors)
        line += f"; {count} gradients, worst {name} {e:.1e}"
        good = good and e <= GRADIENT_TOLERANCE and count > 0
    print(line + ("" if good else "   TOO LARGE"))
    return good


def main(argv):
    paths = [pathlib.Path(p) for p in argv] or [p for p in sorted(FIXTURES.glob("*.safetensors")) if p.stem != "ops"]
    good = True
    for path in paths:
        try:
            good = check(path) and good
        except (OSError, KeyError, RuntimeError) as e:
            print(f"{path}: not a fixture of the network: {e}", file=sys.stderr)
            return 2
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
