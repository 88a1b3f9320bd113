"""Races: comparisons of contenders that are checked for equal answers and then timed in alternation.

A race times its contenders A B A B ... in many short rounds, so that other load on the machine affects all of them, and
reports medians. Contenders whose answers differ are not timed.
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

# On one core, CPU time is wall-clock time minus that of other programs. On Windows, its resolution is 16 ms.
CLOCK = process_time if get_clock_info("process_time").resolution <= 1e-6 else perf_counter


class Unequal(AssertionError):
    """Two contenders of a race give different results."""


@dataclass
class Settings:
    """How long to measure. `quick` is for tests: it also reduces sizes, and its ratios are meaningless."""

    quick: bool = False
    seconds: float = 1.5  # per contender
    rounds: tuple[int, int] = (9, 400)  # minimum and maximum
    turn: float = 2e-3  # seconds per contender and round, shorter than a time slice of the scheduler

    def __post_init__(self):
        if self.quick:
            self.seconds, self.rounds, self.turn = 0.02, (2, 5), 5e-4

    def size(self, n, quick):
        """Return `n`, or at most `quick` in quick mode."""
        return min(n, quick) if self.quick else n


@dataclass
class Contender:
    """One side of a race.

    Parameters
    ----------
    name : str
    step : callable or str
        Does the work once. A string is a statement that uses the names in `scope`, for work so short that a function
        call would matter.
    answer : callable
        Returns the computed values by name, starting from the same state as the other contenders. It is called once,
        before the timing.
    scope : dict, optional
    """

    name: str
    step: Callable[[], Any] | str
    answer: Callable[[], dict[str, Any]]
    scope: dict[str, Any] = field(default_factory=dict)

    def timer(self, unroll=1):
        """Return a function of n that measures the seconds of n times `unroll` steps.

        Like `timeit`, it compiles the loop from source, for a low overhead.
        """
        scope, statement = (self.scope, self.step) if isinstance(self.step, str) else ({"_step": self.step}, "_step()")
        arguments = "".join(f", {name}={name}" for name in scope)
        body = "; ".join([statement] * unroll)
        source = f"def loop(_n{arguments}):\n    for _ in _repeat(None, _n):\n        {body}\n"
        names = scope | {"_repeat": repeat}
        exec(compile(source, f"<bench {self.name}>", "exec"), names)
        loop = names["loop"]

        def seconds(n):
            start = CLOCK()
            loop(n)
            return CLOCK() - start

        return seconds


@dataclass
class Race:
    """fastgrad against rivals. The target refers to the first rival; the others are peers."""

    fastgrad: Contender
    rivals: list[Contender]
    rtol: float = 1e-9
    per: float = 1.0  # units of work in one step: elements, for example
    unroll: int = 1  # steps per turn of the timing loop
    collect: bool = False  # keep the cyclic garbage collector on, if its cost should be included

    @property
    def contenders(self):
        return [self.fastgrad, *self.rivals]


@dataclass
class Timing:
    """Seconds, or another unit, per unit of work: the median and the quartiles."""

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

    def scaled(self, factor):
        """Convert to another unit."""
        return Timing(*(factor * v for v in (self.median, self.low, self.high, self.best)), self.rounds, self.inner)


def check(name, race):
    """Raise `Unequal` unless the answers of all rivals equal fastgrad's."""
    for _, text in disagreements(name, race):
        raise Unequal(text)


def disagreements(name, race):
    """Yield each rival whose answer differs from fastgrad's in names, shapes or numbers, and a message."""
    mine = race.fastgrad.answer()
    if not mine:
        raise Unequal(f"{name}: nothing to compare")
    for rival in race.rivals:
        theirs = rival.answer()
        try:
            if theirs.keys() != mine.keys():
                raise Unequal(f"{name}: {race.fastgrad.name} answers {sorted(mine)}, {rival.name} {sorted(theirs)}")
            for key in mine:
                compare(f"{name}: {key} of {race.fastgrad.name} and {rival.name}", mine[key], theirs[key], race.rtol)
        except Unequal as difference:
            yield rival, str(difference)


def compare(what, x1, x2, rtol):
    """Raise `Unequal` unless both arrays are finite, of one shape, and equal within rtol of the largest element."""
    x1, x2 = np.asarray(x1), np.asarray(x2)
    if x1.shape != x2.shape:
        raise Unequal(f"{what}: shapes {x1.shape} and {x2.shape}")
    if not (np.isfinite(x1).all() and np.isfinite(x2).all()):
        raise Unequal(f"{what}: not finite")
    scale = max(np.abs(x2).max(initial=0.0), np.finfo(float).tiny)
    difference = np.abs(x1 - x2).max(initial=0.0)
    if not difference <= rtol * scale:
        raise Unequal(f"{what}: differ by {difference:.3g} where the largest element is {scale:.3g}")


def time_race(race, settings):
    """Time a race. Returns a dict from the names of the contenders to their `Timing`."""
    timings = time_in_turns(
        race.contenders, settings, collect=race.collect, per=race.per * race.unroll, unroll=race.unroll
    )
    return {c.name: t for c, t in zip(race.contenders, timings)}


def time_in_turns(contenders, settings, *, collect=False, per=1.0, unroll=1):
    """Time contenders in alternation, with inner loops that are long enough for the clock. Returns their `Timing`s."""
    timers = [c.timer(unroll) for c in contenders]
    inner = [_inner_count(seconds, settings.turn) for seconds in timers]
    once = [max(seconds(n), 1e-9) for seconds, n in zip(timers, inner)]
    fewest, most = settings.rounds
    rounds = min(most, max(fewest, int(settings.seconds * len(timers) / math.fsum(once))))
    samples = [[] for _ in timers]
    was_enabled = gc.isenabled()
    gc.collect()
    if not collect:
        gc.disable()
    try:
        for _ in range(rounds):
            for seconds, n, out in zip(timers, inner, samples):
                out.append(seconds(n) / (n * per))
    finally:
        if was_enabled:
            gc.enable()
    return [Timing.of(s, n) for s, n in zip(samples, inner)]


def _inner_count(timer, turn):
    """Return the number of steps that fill one turn. Doubling it also serves as a warm-up."""
    n = 1
    while (seconds := timer(n)) < turn / 2 and n < 1 << 24:
        n = max(2 * n, int(n * turn / max(seconds, 1e-8) / 4))
    return max(1, round(n * turn / seconds))


def duration(seconds):
    """Format a duration with three digits and a unit from ns to s."""
    for unit, scale in (("ns", 1e9), ("us", 1e6), ("ms", 1e3)):
        if seconds * scale < 999.5:  # numbers that round to 1000 use the next unit
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds:.3g} s"
