"""Races: contenders are checked for equal answers, then timed in turns. Knows no op and no network.

A race times its contenders A B A B ... in many short rounds, so that a busy moment of the machine affects all of
them, and reports medians. Contenders whose answers differ are not timed.
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

# On one core, CPU time is wall-clock time less what other programs took. Windows counts it in steps of 16 ms.
CLOCK = process_time if get_clock_info("process_time").resolution <= 1e-6 else perf_counter


class Unequal(AssertionError):
    """Two contenders of one race do not compute the same thing."""


@dataclass
class Settings:
    """How long to measure. `quick` is for tests: it also shrinks large sizes, and its ratios mean nothing."""

    quick: bool = False
    seconds: float = 1.5  # per contender
    rounds: tuple[int, int] = (9, 400)  # fewest and most
    turn: float = 2e-3  # seconds per contender and round: shorter than a time slice of the scheduler

    def __post_init__(self):
        if self.quick:
            self.seconds, self.rounds, self.turn = 0.02, (2, 5), 5e-4

    def size(self, n, quick):
        """`n`, or at most `quick` when the code only has to be exercised."""
        return min(n, quick) if self.quick else n


@dataclass
class Contender:
    """One side of a race.

    Parameters
    ----------
    name : str
    step : callable or str
        Does the work once. A string is a statement over the names in `scope`, for work so short that a function call
        would be a visible part of it.
    answer : callable
        Returns what was computed, by name, from a state that is the same for all contenders. It is called once,
        before any timing.
    scope : dict, optional
    """

    name: str
    step: Callable[[], Any] | str
    answer: Callable[[], dict[str, Any]]
    scope: dict[str, Any] = field(default_factory=dict)

    def timer(self, unroll=1):
        """Return a function of n: the seconds that n times `unroll` steps take.

        The loop is made from source as `timeit` does it, for the same low overhead.
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
    """fastgrad against rivals: the first is the one that the target refers to, the others are peers."""

    fastgrad: Contender
    rivals: list[Contender]
    rtol: float = 1e-9
    per: float = 1.0  # units of work in one step: elements, for example
    unroll: int = 1  # steps per turn of the timing loop
    collect: bool = False  # leave the cyclic garbage collector on, where its cost is part of the question

    @property
    def contenders(self):
        return [self.fastgrad, *self.rivals]


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

    def scaled(self, factor):
        """The same in another unit."""
        return Timing(*(factor * v for v in (self.median, self.low, self.high, self.best)), self.rounds, self.inner)


def check(name, race):
    """Raise `Unequal` unless the answers of all rivals equal fastgrad's."""
    for _, text in disagreements(name, race):
        raise Unequal(text)


def disagreements(name, race):
    """Yield each rival whose answer has other names, shapes or, beyond `rtol`, numbers than fastgrad's, and a text."""
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
    """One `Timing` per contender of a race, by name."""
    timings = time_in_turns(
        race.contenders, settings, collect=race.collect, per=race.per * race.unroll, unroll=race.unroll
    )
    return {c.name: t for c, t in zip(race.contenders, timings)}


def time_in_turns(contenders, settings, *, collect=False, per=1.0, unroll=1):
    """One `Timing` per contender, measured A B A B ... with inner loops long enough for the clock."""
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
    """How many steps fill one turn. The doubling also serves as the warm-up."""
    n = 1
    while (seconds := timer(n)) < turn / 2 and n < 1 << 24:
        n = max(2 * n, int(n * turn / max(seconds, 1e-8) / 4))
    return max(1, round(n * turn / seconds))


def duration(seconds):
    """Three digits and a unit from ns to s."""
    for unit, scale in (("ns", 1e9), ("us", 1e6), ("ms", 1e3)):
        if seconds * scale < 999.5:  # what rounds to 1000 goes to the next unit
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds:.3g} s"
