"""Rows and races: contenders checked for equal answers, then timed in turns. Knows no op and no network.

A race times its contenders A B A B ... in many short rounds, so that a busy moment of the machine meets all of
them, and reports medians. No number is printed for contenders whose answers differ.
"""

import gc
import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import repeat
from time import get_clock_info, perf_counter, process_time
from typing import Any

import numpy as np

ROWS: dict[str, "Row"] = {}
# On one core the processor's time is the wall clock's, less what other programs took of it. Windows counts it in 16 ms.
CLOCK = process_time if get_clock_info("process_time").resolution <= 1e-6 else perf_counter


class Unequal(AssertionError):
    """Two contenders of one race do not compute the same thing."""


class Skipped(Exception):
    """A row that cannot be measured here; the text says why."""


@dataclass
class Settings:
    """How long to measure. `quick` is for tests: it also shrinks what takes long, and its ratios mean nothing."""

    quick: bool = False
    seconds: float = 1.5  # per contender
    python_seconds: float = 20.0  # for the step on the pure-Python engine

    @property
    def budget(self):
        return 0.02 if self.quick else self.seconds

    @property
    def slice(self):
        return 0.0005 if self.quick else 0.002  # seconds per round: shorter than a scheduler's time slice

    @property
    def rounds(self):
        return (2, 5) if self.quick else (9, 400)

    def size(self, n, quick):
        """`n`, or the size to use in its place when only the code is to be exercised."""
        return min(n, quick) if self.quick else n


@dataclass
class Contender:
    """One side of a race.

    `step` does the work once. `answer` returns what it computed, by name, from a state that is the same for all
    contenders: it is called before any timing, and only then. `statement`, with the names in `scope`, replaces `step`
    where a function call would be a visible part of what is timed.
    """

    name: str
    step: Callable[[], Any] | None
    answer: Callable[[], dict[str, Any]]
    statement: str = ""
    scope: dict[str, Any] = field(default_factory=dict)

    def loop(self):
        """A function of n that does the work n times. Made from source as timeit does it, for the same low overhead."""
        scope = dict(self.scope) if self.statement else {"_step": self.step}
        arguments = "".join(f", {name}={name}" for name in scope)
        source = f"def loop(_n{arguments}):\n    for _ in _repeat(None, _n):\n        {self.statement or '_step()'}\n"
        exec(compile(source, f"<bench {self.name}>", "exec"), scope := scope | {"_repeat": repeat})
        return scope["loop"]


@dataclass
class Race:
    """fastgrad against rivals: the first is the one that the target is about, the others are peers."""

    fastgrad: Contender
    rivals: list[Contender]
    rtol: float = 1e-9
    per: float = 1.0  # how many units of work one step does: elements, say
    collect: bool = False  # leave the cyclic garbage collector on: where its cost is part of the question


@dataclass
class Timing:
    """Seconds (or bytes, or any unit) per unit of work: the median and its quartiles."""

    median: float
    low: float
    high: float
    best: float
    rounds: int
    inner: int = 1

    @classmethod
    def of(cls, values, inner=1):
        low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
        return cls(statistics.median(values), low, high, min(values), len(values), inner)


@dataclass
class Result:
    """One line of the table."""

    row: str
    fastgrad: float
    rival: float | None = None
    rival_name: str = ""
    unit: str = "s"
    ratio: float | None = None
    target: float | None = None
    sense: str = "<="
    peers: dict[str, float] = field(default_factory=dict)
    timings: dict[str, Timing] = field(default_factory=dict)
    note: str = ""

    @classmethod
    def from_dict(cls, found):
        """The Result of which `dataclasses.asdict` made this."""
        return cls(**{**found, "timings": {name: Timing(**t) for name, t in found["timings"].items()}})

    @property
    def met(self):
        """True or False against the target, None where there is none."""
        if self.target is None or self.ratio is None:
            return None
        if self.sense == "~":
            return abs(self.ratio - self.target) <= 0.05
        return self.ratio <= self.target if self.sense == "<=" else self.ratio >= self.target


@dataclass
class Row:
    """One row of the table: makes a `Race`, or measures in its own way and returns Results."""

    name: str
    make: Callable[[Settings], Any]
    target: float | None
    sense: str
    note: str


def row(name, *, target=None, sense="<=", note=""):
    """Register a row. The decorated function takes the Settings and returns a Race or a list of Results."""

    def decorate(make):
        if name in ROWS:
            raise ValueError(f"there is a row named {name!r} already")
        ROWS[name] = Row(name, make, target, sense, note)
        return make

    return decorate


def run_row(entry, settings):
    """The Results of one row."""
    made = entry.make(settings)
    if isinstance(made, Race):
        made = [race_result(entry, made, settings)]
    return made


def race_result(entry, race, settings):
    """Check, time, and put into one line."""
    check(entry.name, race)
    contenders = [race.fastgrad, *race.rivals]
    timings = time_in_turns(contenders, settings, collect=race.collect, per=race.per)
    medians = [t.median for t in timings]
    return Result(
        entry.name,
        medians[0],
        medians[1],
        race.rivals[0].name,
        "s",
        medians[0] / medians[1],
        entry.target,
        entry.sense,
        peers={c.name: m for c, m in zip(contenders[2:], medians[2:])},
        timings={c.name: t for c, t in zip(contenders, timings)},
        note=entry.note,
    )


def check(name, race):
    """Every rival's answer against fastgrad's: the same names, shapes and, within rtol, the same numbers."""
    mine = race.fastgrad.answer()
    if not mine:
        raise Unequal(f"{name}: nothing to compare")
    for rival in race.rivals:
        theirs = rival.answer()
        if theirs.keys() != mine.keys():
            raise Unequal(f"{name}: {race.fastgrad.name} answers {sorted(mine)}, {rival.name} {sorted(theirs)}")
        for key in mine:
            compare(f"{name}: {key} of {race.fastgrad.name} and {rival.name}", mine[key], theirs[key], race.rtol)


def compare(what, x1, x2, rtol):
    """Raise Unequal unless both are arrays of one shape, finite, and equal within rtol of the larger array's scale."""
    x1, x2 = np.asarray(x1), np.asarray(x2)
    if x1.shape != x2.shape:
        raise Unequal(f"{what}: shapes {x1.shape} and {x2.shape}")
    if not (np.isfinite(x1).all() and np.isfinite(x2).all()):
        raise Unequal(f"{what}: not finite")
    scale = max(np.abs(x2).max(initial=0.0), np.finfo(float).tiny)
    difference = np.abs(x1 - x2).max(initial=0.0)
    if not difference <= rtol * scale:
        raise Unequal(f"{what}: differ by {difference:.3g} where the largest element is {scale:.3g}")


def time_in_turns(contenders, settings, *, collect=False, per=1.0):
    """One Timing per contender, measured A B A B ... with inner loops long enough for the clock."""
    loops = [c.loop() for c in contenders]
    inner = [_inner_count(loop, settings.slice) for loop in loops]
    once = [max(seconds, 1e-9) for seconds in (_timed(loop, n) for loop, n in zip(loops, inner))]
    fewest, most = settings.rounds
    rounds = min(most, max(fewest, int(settings.budget * len(loops) / math.fsum(once))))
    samples = [[] for _ in loops]
    was_enabled = gc.isenabled()
    gc.collect()
    if not collect:
        gc.disable()
    try:
        for _ in range(rounds):
            for loop, n, out in zip(loops, inner, samples):
                out.append(_timed(loop, n) / (n * per))
    finally:
        if was_enabled:
            gc.enable()
    return [Timing.of(s, n) for s, n in zip(samples, inner)]


def _timed(loop, n):
    start = CLOCK()
    loop(n)
    return CLOCK() - start


def _inner_count(loop, slice_seconds):
    """How many steps fill one slice. The doubling is the warm-up as well."""
    n = 1
    while (seconds := _timed(loop, n)) < slice_seconds / 2 and n < 1 << 24:
        n = max(2 * n, int(n * slice_seconds / max(seconds, 1e-8) / 4))
    return max(1, round(n * slice_seconds / seconds))
