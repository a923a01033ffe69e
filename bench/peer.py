"""One measurement of the peer, in a process of its own so that its peak of resident memory is its own.

    python bench/peer.py train|sample [--mode eager|channels_last|compile] [--model small] [--size 128]
                         [--batch 4] [--repeats 5] [--threads 2] [--steps 2] [--json]

A training repeat is what `flexlab bench train` repeats: loss, backward, clipping at norm 1, Adam and the average of
the weights; a sample repeat is `--steps` reverse steps with the condition encoder run once. One repeat (two where the
compiler works) is left out. Prints {"seconds": [...], "peak_mib": x}, x the peak of resident memory; with 1 and a
sentence on stderr if the mode does not work here.
"""

import argparse
import json
import resource
import sys
import time

import torch

import flex


def arguments(argv):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("what", choices=("train", "sample"))
    p.add_argument("--mode", choices=("eager", "channels_last", "compile"), default="eager")
    p.add_argument("--model", choices=sorted(flex.SIZES), default="small")
    for name, value in ("size", 128), ("batch", 4), ("repeats", 5), ("threads", 2), ("steps", 2):
        p.add_argument("--" + name, type=int, default=value)
    p.add_argument("--json", action="store_true")
    return p.parse_args(argv)


class Work:
    """Model and inputs for a mode; `train` and `sample` are one repeat each."""

    def __init__(self, a):
        torch.manual_seed(1)
        self.a = a
        self.layout = torch.channels_last if a.mode == "channels_last" else torch.contiguous_format
        self.model = flex.Flex(**flex.SIZES[a.model], image_size=a.size).to(memory_format=self.layout)
        self.run = torch.compile(self.model) if a.mode == "compile" else self.model
        if a.mode == "compile":
            self.model.condition = torch.compile(self.model.condition)
            self.model.predict = torch.compile(self.model.predict)
        field = lambda: torch.randn(a.batch, 1, a.size, a.size).to(memory_format=self.layout)
        self.target, self.estimate = field(), field()
        self.re = torch.full((a.batch, 1), 0.1)
        if a.what == "train":
            self.optimizer = torch.optim.Adam(self.model.parameters(), lr=2e-4)
            self.average = [p.detach().clone() for p in self.model.parameters()]

    def train(self):
        t, eps = torch.rand(self.a.batch), torch.randn_like(self.target)
        loss, _, _ = flex.loss(self.run, self.target, self.estimate, self.estimate, self.re, t, eps)
        loss.backward()
        parameters = list(self.model.parameters())
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            torch._foreach_lerp_(self.average, [p.detach() for p in parameters], 1 - 0.999)

    def sample(self):
        self.model.eval()
        flex.sample(self.model, torch.randn_like(self.target), self.estimate, self.estimate, self.re, self.a.steps)


def main(argv):
    a = arguments(argv)
    if min(a.size, a.batch, a.repeats, a.threads, a.steps) < 1:
        print("peer: sizes and counts must be at least 1", file=sys.stderr)
        return 2
    torch.set_num_threads(a.threads)
    work = Work(a)
    repeat, seconds, left_out = getattr(work, a.what), [], 2 if a.mode == "compile" else 1
    for i in range(left_out + a.repeats):
        began = time.perf_counter()
        try:
            repeat()
        except Exception as e:  # the compiler raises classes of its own
            print(f"peer: {a.mode} does not work here: {str(e).splitlines()[0]}", file=sys.stderr)
            return 1
        if i >= left_out:
            seconds.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if a.json:
        print(json.dumps({"seconds": seconds, "peak_mib": peak}))
    else:
        print(f"{a.what} {a.mode}: least {min(seconds):.3f} s, peak {peak:.0f} MiB, PyTorch {torch.__version__}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
