"""Chains of elementwise ops: arithmetic, memory traffic, and page faults of new results."""

import sys
from functools import partial

import numpy as np

from bench.machine import worker
from bench.results import Result, Skipped, row
from fastgrad.benchmark.elementwise import array_race, mixed, mixed_by_hand, mixed_race


def centred_by_hand(x):
    """Compute value and gradient of `mean((x - mean(x))**2 / (1 + abs(x)))`."""
    n = x.size
    c = x - x.mean()
    d = np.abs(x)
    d += 1.0
    q = c / d
    c *= q
    value = c.mean()
    # through c: 2 q / n minus its mean; through abs: -q^2 sign(x) / n
    g = np.sign(x)
    g *= q
    g *= q
    q *= 2.0
    q -= q.mean()
    q -= g
    q /= n
    return value, q


def centred(x):
    """Compute `mean((x - mean(x))**2 / (1 + abs(x)))` with fastgrad."""
    return ((x - x.mean()) ** 2 / (1.0 + abs(x))).mean()


for _power, _target in ((3, 0.6), (5, 1.0), (7, 1.0)):
    row(
        f"mixed-1e{_power}",
        target=_target,
        note="sum(tanh(x) * sigmoid(x) + exp(-x * x)), per element, forward and backward",
    )(lambda settings, n=10**_power: mixed_race(settings.size(n, 1000)))


@row("mixed-1e5-kept", note="the same, against NumPy with buffers that are kept between calls")
def mixed_kept(settings):
    """Shows how much of the row `mixed-1e5` is due to page faults of new results."""
    x = np.random.default_rng(5).normal(size=settings.size(10**5, 1000))
    buffers = [np.empty_like(x) for _ in range(4)]
    return array_race(x, mixed, partial(mixed_by_hand, buffers=buffers), "")


@row("mixed-memory", target=1.02, note="peak memory of a process that calls mixed-1e7, with everything in it")
def mixed_memory(settings):
    """In the first call, and in later ones, during which the caller holds the previous gradient."""
    if not sys.platform.startswith("linux"):
        raise Skipped("peak memory is only available on Linux")
    results = []
    for when, calls in (("first", 1), ("later", 5)):
        sizes = []
        for kind in ("fastgrad", "hand"):
            with worker("bench.tasks", "memory") as process:
                sizes.append(process.ask("mixed", kind, settings.size(10**7, 1000), calls))
        results.append(
            Result(
                f"mixed-memory-{when}", *sizes, "NumPy by hand", unit="B", ratio=sizes[0] / sizes[1], target=1.02,
                note=f"peak of a process, {when} call of mixed-1e7",
            )
        )  # fmt: skip
    return results


@row("centred-1e5", target=0.7, note="mean((x - mean(x))**2 / (1 + abs(x))), per element, forward and backward")
def centred_row(settings):
    """Large enough that every new NumPy array causes page faults."""
    x = np.random.default_rng(6).normal(size=settings.size(10**5, 1000))
    return array_race(x, centred, centred_by_hand, "centred-1e5")
