"""FlexLab against PyTorch: training step, 2-step sample and peak of resident memory, measured in alternation.

    python bench/compare.py [--model small] [--sizes 128] [--batches 4] [--alternations 5] [--repeats 1]
                            [--modes eager,channels_last,compile] [--threads 2] [--works train,sample]
                            [--program build/release/flexlab] [--python PYTHON] [--out runs/peer]

Every measurement is a process of its own, so that peaks of memory are its own. One alternation runs each contestant
once, so that whatever else the machine does meets all of them; the first repeat of each process is left out. A ratio
is PyTorch's number over FlexLab's *in the same alternation*; medians are over alternations, and the spread is the least
and the largest. "best" is, for each number separately, the PyTorch mode with the least median.

Prints tables; --out also writes OUT.md and OUT.json. Exits with 1 if FlexLab or every mode of PyTorch fails, with 2
at wrong use. Needs no PyTorch itself: --python names the interpreter that has it.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
MODES = ("eager", "channels_last", "compile")
WORKS = ("train", "sample")
QUIET = 0.1  # cores that others may keep busy before the result is marked


class Wrong(Exception):
    """Wrong use: exit code 2."""


class Failed(Exception):
    """A contestant did not run: what it said."""


# --- running ---------------------------------------------------------------------------------------

def busy_seconds():
    """Seconds that all cores together have worked since the system started; None where it does not say."""
    try:
        with open("/proc/stat", encoding="ascii") as f:
            user, nice, system = map(int, f.readline().split()[1:4])
        return (user + nice + system) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None


def own_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def watched(work):
    """What work() gives, and the cores that other processes kept busy meanwhile (None: the system does not say).
    The work is in processes that have ended with it."""
    began, busy, own = time.monotonic(), busy_seconds(), own_seconds()
    result = work()
    wall = time.monotonic() - began
    return result, None if busy is None else max(0.0, busy_seconds() - busy - (own_seconds() - own)) / wall


def run_beside(command, environment):
    """As run, and `others` (see watched)."""
    result, others = watched(lambda: run(command, environment))
    result["others"] = others
    return result


def run(command, environment):
    """The object that a command prints as its last line; Failed with its last words."""
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        words = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Failed(f"{' '.join(map(str, command[:3]))} ended with code {done.returncode}: {words}")
    try:
        result = json.loads(lines[-1])
        return {"seconds": statistics.median(result["seconds"]), "peak_mib": float(result["peak_mib"])}
    except (ValueError, KeyError, TypeError, statistics.StatisticsError):
        raise Failed(f"{command[0]} printed no measurement but: {lines[-1][:200]}") from None


def command_of(a, contestant, work, size, batch):
    common = [work, "--model", a.model, "--size", size, "--batch", batch, "--repeats", a.repeats, "--threads", a.threads,
              "--json"]
    head = [a.program, "bench"] if contestant == "flexlab" else [a.python, HERE / "peer.py"]
    tail = [] if contestant == "flexlab" else ["--mode", contestant]
    return [str(word) for word in head + common + tail]


def beside(m):
    return "" if m["others"] is None else f"; others kept {m['others']:.2f} cores busy"


def alternate(a, work, size, batch, log):
    """{contestant: [measurement an alternation]}, and {mode: why it was left out}."""
    contestants, found, out = ["flexlab", *a.modes], {}, {}
    environment = dict(os.environ, OMP_NUM_THREADS=str(a.threads), MKL_NUM_THREADS=str(a.threads))
    for turn in range(a.alternations):
        # Who goes first changes, so that nobody always follows the same neighbour.
        shift = turn % len(contestants)
        for contestant in contestants[shift:] + contestants[:shift]:
            if contestant in out:
                continue
            try:
                m = run_beside(command_of(a, contestant, work, size, batch), environment)
            except Failed as e:
                if contestant == "flexlab":
                    raise
                out[contestant] = str(e)
                log(f"{contestant} left out: {e}")
                continue
            found.setdefault(contestant, []).append(m)
            log(f"{work} {size}x{size} batch {batch}, {turn + 1} of {a.alternations}, {contestant}: "
                f"{m['seconds']:.3f} s, {m['peak_mib']:.0f} MiB{beside(m)}")
    return {c: ms for c, ms in found.items() if c not in out}, out


# --- what came out ---------------------------------------------------------------------------------

def spread(values):
    return {"median": statistics.median(values), "least": min(values), "largest": max(values)}


def summary(found):
    """For each contestant the spread of seconds and MiB, and of the ratios to FlexLab; and the best modes."""
    rows = {}
    for contestant, ms in found.items():
        row = {key: spread([m[key] for m in ms]) for key in ("seconds", "peak_mib")}
        if contestant != "flexlab":
            pairs = list(zip(ms, found["flexlab"]))
            row["speed_ratio"] = spread([theirs["seconds"] / ours["seconds"] for theirs, ours in pairs])
            row["memory_ratio"] = spread([ours["peak_mib"] / theirs["peak_mib"] for theirs, ours in pairs])
        rows[contestant] = row
    modes = [c for c in rows if c != "flexlab"]
    best = {key: min(modes, key=lambda c: rows[c][key]["median"]) for key in ("seconds", "peak_mib")}
    return rows, best


def text(s, digits=2):
    return f"{s['median']:.{digits}f} ({s['least']:.{digits}f} to {s['largest']:.{digits}f})"


def markdown(case):
    rows, best = case["rows"], case["best"]
    lines = [f"### {case['work']}, {case['model']}, {case['size']}x{case['size']}, batch {case['batch']}", "",
             "| contestant | s | peak MiB | PyTorch's time / FlexLab's | FlexLab's memory / PyTorch's |",
             "| --- | ---: | ---: | ---: | ---: |"]
    for name, row in rows.items():
        marks = [" **least time**"] * (name == best["seconds"]) + [" **least memory**"] * (name == best["peak_mib"])
        ratios = [text(row["speed_ratio"]), text(row["memory_ratio"])] if "speed_ratio" in row else ["", ""]
        lines.append(f"| {name}{''.join(marks)} | {text(row['seconds'], 3)} | {text(row['peak_mib'], 0)} | "
                     f"{ratios[0]} | {ratios[1]} |")
    lines += [f"| {name} | does not work here: {why} | | | |" for name, why in case["left_out"].items()]
    return "\n".join(lines) + "\n"


def ratios(cases):
    """The table that matters: each case against the best of PyTorch."""
    lines = ["| work | model | size | batch | speed ratio | memory ratio |", "| --- | --- | ---: | ---: | ---: | ---: |"]
    for c in cases:
        speed, memory = (c["rows"][c["best"][k]][r] for k, r in (("seconds", "speed_ratio"), ("peak_mib", "memory_ratio")))
        lines.append(f"| {c['work']} | {c['model']} | {c['size']} | {c['batch']} | {text(speed)} of {c['best']['seconds']}"
                     f" | {text(memory)} of {c['best']['peak_mib']} |")
    return "\n".join(lines) + "\n"


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            for line in f:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def said(command):
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout.strip() else "unknown"


def machine(a):
    return {"date": datetime.datetime.now().isoformat(timespec="minutes"), "processor": processor(),
            "cores": len(os.sched_getaffinity(0)), "threads": a.threads, "flexlab": said([a.program, "version"]),
            "pytorch": said([a.python, "-c", "import torch; print(torch.__version__)"]),
            "load_before": os.getloadavg()[0]}


def save(path, content):
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(content, encoding="utf-8")
    temporary.replace(path)


# --- the command -------------------------------------------------------------------------------------

def numbers(word):
    try:
        list_ = [int(part) for part in word.split(",")]
    except ValueError:
        list_ = [0]
    if min(list_) < 1:
        raise argparse.ArgumentTypeError(f"wants whole numbers from 1 on, such as 64,128, got '{word}'")
    return list_


def words(known):
    def read(word):
        for part in word.split(","):
            if part not in known:
                raise argparse.ArgumentTypeError(f"wants some of {','.join(known)}, got '{part}'")
        return word.split(",")
    return read


def arguments(argv):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--model", choices=("nano", "small", "medium", "big"), default="small")
    p.add_argument("--sizes", type=numbers, default=[128])
    p.add_argument("--batches", type=numbers, default=[4])
    for name, value in ("alternations", 5), ("repeats", 1), ("threads", 2):
        p.add_argument("--" + name, type=int, default=value)
    p.add_argument("--modes", type=words(MODES), default=list(MODES))
    p.add_argument("--works", type=words(WORKS), default=list(WORKS))
    p.add_argument("--program", default=str(HERE.parent / "build/release/flexlab"))
    p.add_argument("--python", default=sys.executable, help="the interpreter that has PyTorch")
    p.add_argument("--out", type=pathlib.Path)
    a = p.parse_args(argv)
    if min(a.alternations, a.repeats, a.threads) < 1:
        raise Wrong("--alternations, --repeats and --threads must be at least 1")
    if not os.access(a.program, os.X_OK):
        raise Wrong(f"there is no program {a.program}: build it with `make`, or name it with --program")
    return a


def measure(a):
    cases = []
    log = lambda line: print(line, file=sys.stderr, flush=True)
    for size in a.sizes:
        for batch in a.batches:
            for work in a.works:
                found, out = alternate(a, work, size, batch, log)
                if len(found) < 2:
                    raise Failed("no mode of PyTorch works here: " + "; ".join(out.values()))
                rows, best = summary(found)
                cases.append({"work": work, "model": a.model, "size": size, "batch": batch, "rows": rows, "best": best,
                              "left_out": out, "measurements": found})
    return cases


def main(argv):
    try:
        a = arguments(argv)
        about = machine(a)
        cases = measure(a)
    except Wrong as e:
        print(f"compare: {e}", file=sys.stderr)
        return 2
    except (Failed, OSError) as e:
        print(f"compare: {e}", file=sys.stderr)
        return 1
    about["load_after"] = os.getloadavg()[0]
    head = (f"{about['date']}; {about['processor']}, {about['cores']} cores, {about['threads']} threads, load "
            f"{about['load_before']:.1f} to {about['load_after']:.1f}; {about['flexlab']}; PyTorch {about['pytorch']}; "
            f"medians (least to largest) of {a.alternations} alternations\n")
    others = [m["others"] or 0.0 for case in cases for ms in case["measurements"].values() for m in ms]
    about["others"] = spread(others)
    if about["others"]["median"] > QUIET:
        head += (f"\n**Do not quote:** other processes kept {text(about['others'])} cores busy meanwhile. PyTorch's threads wait "
                 "for one another by spinning, which a busy machine punishes out of proportion.\n")
    page = head + "\n" + ratios(cases) + "\n" + "\n".join(markdown(case) for case in cases)
    print(page, end="")
    if a.out:
        a.out.parent.mkdir(parents=True, exist_ok=True)
        save(a.out.with_suffix(".md"), page)
        save(a.out.with_suffix(".json"), json.dumps({"machine": about, "cases": cases}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
