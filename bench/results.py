"""Rows of the table and their results. Contains no timing code."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastgrad.benchmark.race import Race, Settings, Timing, check, time_race

ROWS: dict[str, "Row"] = {}


class Skipped(Exception):
    """A row cannot be measured on this machine. The message is the reason."""


@dataclass
class Result:
    """One line of the table."""

    row: str
    fastgrad: float
    rival: float | None = None
    rival_name: str = ""
    unit: str = "s"
    ratio: float | None = None
    ratio_unit: str = "x"  # of `ratio` and `target`: "x", or " us" for a difference
    target: float | None = None
    sense: str = "<="
    peers: dict[str, float] = field(default_factory=dict)
    timings: dict[str, Timing] = field(default_factory=dict)
    note: str = ""

    @classmethod
    def from_dict(cls, found):
        """Create a Result from the output of `dataclasses.asdict`."""
        return cls(**{**found, "timings": {name: Timing(**t) for name, t in found["timings"].items()}})

    @property
    def met(self):
        """Whether the target is met, or None if there is no target."""
        if self.target is None or self.ratio is None:
            return None
        if self.sense == "~":
            return abs(self.ratio - self.target) <= 0.05
        return self.ratio <= self.target if self.sense == "<=" else self.ratio >= self.target


@dataclass
class Row:
    """One row of the table. `make` returns a Race, or measures by itself and returns Results."""

    name: str
    make: Callable[[Settings], Any]
    target: float | None
    sense: str
    note: str


def row(name, *, target=None, sense="<=", note=""):
    """Register a row. The decorated function takes the Settings and returns a Race or a list of Results."""

    def decorate(make):
        if name in ROWS:
            raise ValueError(f"a row named {name!r} already exists")
        ROWS[name] = Row(name, make, target, sense, note)
        return make

    return decorate


def run_row(entry, settings):
    """Measure one row and return its Results."""
    made = entry.make(settings)
    return [race_result(entry, made, settings)] if isinstance(made, Race) else made


def race_result(entry, race, settings):
    """Check and time the contenders, and return a Result. Its ratio refers to the first rival."""
    check(entry.name, race)
    return result(entry, time_race(race, settings))


def result(entry, timings):
    """Return the Result of a row, from the timings of fastgrad, its rival and the peers, in this order."""
    (_, mine), (rival, theirs), *others = ((name, t.median) for name, t in timings.items())
    return Result(
        entry.name, mine, theirs, rival, ratio=theirs / mine if entry.sense == ">=" else mine / theirs,
        target=entry.target, sense=entry.sense, peers=dict(others), timings=timings, note=entry.note,
    )  # fmt: skip
