"""Time per training step of the compiled engine, the pure-Python engine and hand-written NumPy.

A process can only use one engine, so the other one runs in a worker process (this file, run as a module). Before the
timing, all three must reach the same losses and parameters.
"""

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import fastgrad as fg
from fastgrad.benchmark.race import Contender, Race, Settings, Unequal, check, time_race
from fastgrad.benchmark.worker import Remote, Worker, WorkerError, serve, served
from fastgrad.demo import DemoError
from fastgrad.demo.digits import load_digits, split_digits
from fastgrad.demo.models import KINDS
from fastgrad.demo.train import batches

ENGINES = {"cython": "compiled engine", "python": "pure-Python engine"}
NAMES = {engine: f"fastgrad, {name}" for engine, name in ENGINES.items()} | {"numpy": "NumPy by hand"}
ROUNDS = 15
TURN = 5e-3  # seconds
STEPS = 40  # steps compared before the timing, and number of different batches in it


class Timing(NamedTuple):
    """One row of the table: seconds per step (median of the rounds), or the reason why it was not measured."""

    model: str
    name: str
    seconds: float | None
    reason: str = ""


def contender(kind, name, seed):
    """Return a contender that runs in this process: NumPy if `name` is "numpy", else the engine in use."""
    make = kind.by_hand if name == "numpy" else kind.by_fastgrad
    split = split_digits(load_digits(), seed)
    steps = list(batches(split.x, split.labels, STEPS, seed, kind.noise))
    model, forever = make(kind.initial(seed)), cycle(steps)

    def step():
        return model.step(*next(forever), kind.rate)

    def answer():
        """Return the losses of the first steps of a new model, and its parameters after them."""
        fresh = make(kind.initial(seed))
        return {"losses": [fresh.step(x, labels, kind.rate) for x, labels in steps]} | fresh.arrays()

    return Contender(NAMES[name], step, answer)


def other_engine():
    """Return the engine that is not in use and "", or None and the reason why there is none."""
    if fg.engine == "cython":
        return "python", ""
    core = Path(fg.__file__).parent / "core"
    built = any(path.name.endswith(tuple(EXTENSION_SUFFIXES)) for path in core.glob("*"))
    return ("cython", "") if built else (None, "not in this installation")


def engine_worker(engine, seed):
    """Start a worker process with the given engine, without waiting for it."""
    path = os.pathsep.join(p for p in sys.path if p)
    return Worker(__name__, seed, env=os.environ | {"FASTGRAD_ENGINE": engine, "PYTHONPATH": path})


def start_worker(seed):
    """Return a worker with the other engine and "", or None and the reason why there is none."""
    engine, reason = other_engine()
    if engine is None:
        return None, reason
    try:
        return engine_worker(engine, seed), ""
    except OSError as error:
        return None, f"cannot start a second process: {error.strerror or error}"


def measure(kind, seed, worker, reason, rounds=ROUNDS):
    """Time one step of a model in every version. Returns Timings, the compiled engine first.

    Raises
    ------
    DemoError
        If two versions disagree on losses or parameters.
    """
    race = Race(contender(kind, fg.engine, seed), [contender(kind, "numpy", seed)], collect=True)
    other = "python" if fg.engine == "cython" else "cython"
    if worker is not None:
        remote = Remote(NAMES[other], worker, kind.key)
        try:
            remote.answer()
            race.rivals.append(remote)
        except WorkerError as error:
            reason = str(error)
    try:
        check(kind.title, race)
        timings = time_race(race, Settings(rounds=(rounds, rounds), turn=TURN))
    except (Unequal, WorkerError) as error:
        raise DemoError(str(error)) from error
    return [
        Timing(kind.title, name, timings[name].median) if name in timings else Timing(kind.title, name, None, reason)
        for name in NAMES.values()
    ]


def tasks(seed):
    """Return the tasks of a worker: the steps of every model."""
    found = {}
    for key, kind in KINDS.items():
        found |= served(contender(kind, fg.engine, seed), key)
    return found


if __name__ == "__main__":
    serve(tasks(int(sys.argv[1])))
