"""A model of the time of a data-parallel step: what to expect of more ranks before they are bought.

Adding up n bytes over N ranks takes, by the better of two algorithms that MPI libraries choose between (Thakur,
Rabenseifner and Gropp, "Optimization of collective communication operations in MPICH", 2005):

    recursive doubling              log2(N) * (latency + n / bandwidth)
    reduce-scatter and all-gather   2 * log2(N) * latency + 2 * (N - 1) / N * n / bandwidth

`bandwidth` includes the addition. Gradients are sent in buckets. All but the last begin during the backward pass, and
so are hidden behind it as far as MPI makes progress meanwhile; the last one begins at its end. Every rank waits for the
slowest: of N independent times with relative spread s, that is about s * sqrt(2 ln N) above the mean.

Not in the model: other jobs on the network, more ranks than cores, reading data.
"""

from __future__ import annotations

import math
from typing import NamedTuple

BACKWARD = 0.6  # of the time of forward and backward, the part of the pass that sends gradients


class Network(NamedTuple):
    """What connects the ranks: seconds per message, bytes per second, and what part of the time MPI sends by itself."""

    latency: float
    bandwidth: float
    overlap: float


class Step(NamedTuple):
    """The expected time of a step in seconds: computing, visible communication, waiting for the slowest rank."""

    ranks: int
    computing: float
    sending: float  # all of it
    visible: float
    waiting: float

    @property
    def total(self) -> float:
        return self.computing + self.visible + self.waiting

    @property
    def efficiency(self) -> float:
        """Throughput per rank, in units of that of one rank."""
        return self.computing / self.total


def all_reduce(nbytes: float, ranks: int, network: Network) -> float:
    """Return the time to add up `nbytes` over the ranks, in seconds."""
    if ranks == 1:
        return 0.0
    rounds = math.ceil(math.log2(ranks))
    doubling = rounds * (network.latency + nbytes / network.bandwidth)
    halving = 2 * rounds * network.latency + 2 * (ranks - 1) / ranks * nbytes / network.bandwidth
    return min(doubling, halving)


def predict(
    ranks: int, nbytes: float, computing: float, network: Network, *, bucket: float, large: float, spread: float
) -> Step:
    """Return the expected step of `ranks` ranks.

    Parameters
    ----------
    ranks : int
    nbytes : float
        Of all gradients.
    computing : float
        Seconds that one rank takes for its part of a batch.
    network : Network
    bucket : float
        Bytes of a bucket of small gradients.
    large : float
        Bytes of the largest gradient, a bucket of its own.
    spread : float
        Relative standard deviation of `computing` between ranks.
    """
    size = min(nbytes, max(bucket, large))
    times = [all_reduce(size, ranks, network)] * int(nbytes // size)
    rest = nbytes % size
    if rest:
        times.append(all_reduce(rest, ranks, network))
    sending = sum(times)
    behind = network.overlap * BACKWARD * computing
    visible = times[-1] + max(0.0, sum(times[:-1]) - behind)
    waiting = computing * spread * math.sqrt(2 * math.log(ranks))
    return Step(ranks, computing, sending, visible, waiting)


def seconds(t: float) -> str:
    """Return a duration with three digits and a unit."""
    if t == 0:
        return "0"
    for unit, name in (1.0, "s"), (1e-3, "ms"):
        if t >= unit:
            return f"{t / unit:.3g} {name}"
    return f"{t / 1e-6:.3g} µs"


def table(steps: list[Step]) -> list[str]:
    """Return the lines of a table of steps."""
    lines = [f"{'ranks':>7}{'sending':>12}{'visible':>12}{'waiting':>12}{'step':>12}{'efficiency':>12}{'speedup':>11}"]
    for step in steps:
        words = map(seconds, (step.sending, step.visible, step.waiting, step.total))
        lines.append(
            f"{step.ranks:>7}"
            + "".join(f"{word:>12}" for word in words)
            + f"{step.efficiency:>12.2f}{step.efficiency * step.ranks:>11,.1f}"
        )
    return lines
