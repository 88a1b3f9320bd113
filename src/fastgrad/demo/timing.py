"""Time per training step: the compiled engine, the pure-Python engine and NumPy by hand, on the same steps, in turns.

An engine is chosen once per process, so the engine that does not run here runs in a worker process (this file, as a
module) that takes its turn on request. Before anything is timed, all must end at the same losses and parameters.
"""

import contextlib
import json
import os
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import numpy as np

import fastgrad as fg
from fastgrad.demo import DemoError
from fastgrad.demo.digits import load_digits, split_digits
from fastgrad.demo.models import KINDS
from fastgrad.demo.train import batches

NAMES = {"cython": "fastgrad, compiled engine", "python": "fastgrad, pure-Python engine", "numpy": "NumPy by hand"}
ROUNDS = 15
STEPS = 40  # in the comparison before, and at most in one turn
TURN = 5e-3  # seconds that a turn of a slow form may last
AGREE = 1e-9


class Timing(NamedTuple):
    """One line of the table: seconds per step (median of the rounds), or the reason why there is none."""

    model: str
    name: str
    seconds: float | None
    reason: str = ""


class Local:
    """Steps in this process, by the engine that runs here or by NumPy."""

    def __init__(self, kind, by_hand, seed):
        self.kind, self.seed = kind, seed
        self.make = kind.by_hand if by_hand else kind.by_fastgrad
        split = split_digits(load_digits(), seed)
        self.batches = list(batches(split.x, split.labels, STEPS, seed, kind.noise))
        self.model = self.make(kind.initial(seed))

    def follow(self):
        """Losses of the first steps of a fresh model, and its parameters after them."""
        model = self.make(self.kind.initial(self.seed))
        losses = [model.step(x, labels, self.kind.rate) for x, labels in self.batches]
        return losses, {name: a.ravel().tolist() for name, a in model.arrays().items()}

    def turn(self, steps):
        """Seconds per step, over `steps` steps after two that warm up."""
        model, rate = self.model, self.kind.rate
        for x, labels in self.batches[:2]:
            model.step(x, labels, rate)
        start = perf_counter()
        for x, labels in self.batches[:steps]:
            model.step(x, labels, rate)
        return (perf_counter() - start) / steps

    def close(self):
        pass


class Remote:
    """The same, in a worker process that runs another engine; requests and answers are lines of JSON."""

    def __init__(self, engine, seed):
        environment = os.environ | {"FASTGRAD_ENGINE": engine, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        # A session of its own: Ctrl-C reaches the parent alone, which then closes the pipe, and that ends the worker.
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(seed)], env=environment, start_new_session=True, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def ask(self, key, what, *more):
        try:
            self.process.stdin.write(json.dumps([key, what, *more]) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise WorkerError(f"its worker process ended with exit code {self.process.wait()}")
        return json.loads(answer)

    def close(self):
        with contextlib.suppress(BrokenPipeError):  # a request that a dead worker has not read
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class WorkerError(DemoError):
    """The other engine could not be started, or ended before its time."""


class _Asked:
    """One model in the worker, with the methods of Local."""

    def __init__(self, worker, key):
        self.worker, self.key = worker, key

    def follow(self):
        return self.worker.ask(self.key, "follow")

    def turn(self, steps):
        return self.worker.ask(self.key, "turn", steps)


def other_engine():
    """The engine that does not run here and "", or None and the reason why there is none."""
    if fg.engine == "cython":
        return "python", ""
    core = Path(fg.__file__).parent / "core"
    built = any(path.name.endswith(tuple(EXTENSION_SUFFIXES)) for path in core.glob("*"))
    return ("cython", "") if built else (None, "not in this installation")


def start_worker(seed):
    """A worker with the other engine and "", or None and why there is none. Its start-up is not waited for."""
    engine, reason = other_engine()
    if engine is None:
        return None, reason
    try:
        return Remote(engine, seed), ""
    except OSError as error:
        return None, f"no second process here ({error.strerror or error})"


def measure(kind, seed, worker, reason, rounds=ROUNDS):
    """Time one step of one model in every form; returns Timings, compiled engine first.

    Raises
    ------
    DemoError
        Where two forms do not agree on losses or parameters.
    """
    forms = {fg.engine: Local(kind, False, seed), "numpy": Local(kind, True, seed)}
    absent = {}
    other = "python" if fg.engine == "cython" else "cython"
    if worker is None:
        absent[other] = reason
    else:
        forms[other] = _Asked(worker, kind.key)
        try:
            forms[other].follow()
        except WorkerError as error:
            absent[other] = str(error)
            del forms[other]
    compare(kind, {name: form.follow() for name, form in forms.items()})
    steps = {name: min(STEPS, max(3, int(TURN / form.turn(3)))) for name, form in forms.items()}
    seconds = {name: [] for name in forms}
    for _ in range(rounds):
        for name, form in forms.items():
            seconds[name].append(form.turn(steps[name]))
    return [
        Timing(kind.title, NAMES[name], median(seconds[name]) if name in seconds else None, absent.get(name, ""))
        for name in NAMES
    ]


def compare(kind, results):
    """Raise unless all forms gave the same losses and parameters, to within rounding that STEPS steps may spread."""
    (first, (losses, parameters)), *others = results.items()
    for name, (other_losses, other_parameters) in others:
        for what, a, b in [
            ("losses", losses, other_losses),
            *((k, parameters[k], other_parameters[k]) for k in parameters),
        ]:
            a, b = np.asarray(a), np.asarray(b)
            if not np.abs(a - b).max() <= AGREE * max(1.0, np.abs(a).max()):
                gap = f"differ in {what} after {STEPS} steps by {np.abs(a - b).max():.1e}"
                raise DemoError(f"{kind.title}: {NAMES[first]} and {NAMES[name]} {gap}")


def duration(seconds):
    """Three digits and a unit from ns to s."""
    for unit, scale in (("ns", 1e9), ("us", 1e6), ("ms", 1e3)):
        if seconds * scale < 999.5:  # what rounds to 1000 goes to the next unit
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds:.3g} s"


def work(lines, out, seed):
    """The worker: answer `[model, "follow"]` and `[model, "turn", steps]` with a line each, until the input ends."""
    locals_ = {}
    for line in lines:
        key, what, *more = json.loads(line)
        if key not in locals_:
            locals_[key] = Local(KINDS[key], False, seed)
        print(json.dumps(getattr(locals_[key], what)(*more)), file=out, flush=True)


if __name__ == "__main__":
    work(sys.stdin, sys.stdout, int(sys.argv[1]))
