"""Chains of elementwise ops: arithmetic, memory traffic, and the pages of fresh results."""

from functools import partial

import numpy as np

from bench.results import row
from fastgrad.benchmark.elementwise import array_race, mixed, mixed_by_hand, mixed_race


def centred_by_hand(x):
    """Value and gradient of `mean((x - mean(x))**2 / (1 + abs(x)))`."""
    n = x.size
    c = x - x.mean()
    d = np.abs(x)
    d += 1.0
    q = c / d
    c *= q
    value = c.mean()
    # through c: 2 q / n, less its own mean; through abs: -q^2 sign(x) / n
    g = np.sign(x)
    g *= q
    g *= q
    q *= 2.0
    q -= q.mean()
    q -= g
    q /= n
    return value, q


def centred(x):
    """`mean((x - mean(x))**2 / (1 + abs(x)))` as a user writes it."""
    return ((x - x.mean()) ** 2 / (1.0 + abs(x))).mean()


for _power, _target in ((3, 0.6), (5, 1.0), (7, 1.0)):
    row(
        f"mixed-1e{_power}",
        target=_target,
        note="sum(tanh(x) * sigmoid(x) + exp(-x * x)), per element, forward and backward",
    )(lambda settings, n=10**_power: mixed_race(settings.size(n, 1000)))


@row("mixed-1e5-kept", note="the same against code by hand that keeps its buffers between calls: no fresh pages")
def mixed_kept(settings):
    """Shows the share of page faults of fresh results in the row `mixed-1e5`."""
    x = np.random.default_rng(5).normal(size=settings.size(10**5, 1000))
    buffers = [np.empty_like(x) for _ in range(4)]
    return array_race(x, mixed, partial(mixed_by_hand, buffers=buffers), "")


@row("centred-1e5", target=0.7, note="mean((x - mean(x))**2 / (1 + abs(x))), per element, fresh results each time")
def centred_row(settings):
    """Large enough that every fresh result has fresh pages in NumPy."""
    x = np.random.default_rng(6).normal(size=settings.size(10**5, 1000))
    return array_race(x, centred, centred_by_hand, "centred-1e5")
