"""`fastgrad.micrograd` against micrograd as it is installed: its demo's step, the memory of it, and long chains."""

import sys
from functools import partial

import numpy as np

from bench.harness import Contender, Result, Skipped, Timing, compare, row, time_in_turns
from bench.peers import installed
from bench.rows.engines import in_turns
from bench.workers import ask, start, stop
from fastgrad.micrograd import Value

OURS, THEIRS = "fastgrad.micrograd", "micrograd"


def _step_race(settings, name, target, *options):
    """Both libraries, each in a process of its own, one step in turns."""
    if not installed("micrograd"):
        raise Skipped("micrograd is not installed")
    n = settings.size(100, 3)
    workers = {kind: start("scalar", kind, n, *options) for kind in (OURS, THEIRS)}
    try:
        first = {kind: ask(worker) for kind, worker in workers.items()}
        for key in ("loss", "gradients"):
            compare(f"{name}: {key}", np.asarray(first[OURS][key]), np.asarray(first[THEIRS][key]), 1e-9)
        timings = in_turns(workers, settings, fast=OURS)
        peaks = (
            {kind: ask(worker, "peak") for kind, worker in workers.items()} if sys.platform.startswith("linux") else {}
        )
    finally:
        for worker in workers.values():
            if worker.poll() is None:
                stop(worker)
    mine, theirs = timings[OURS].median, timings[THEIRS].median
    results = [
        Result(
            name, mine, theirs, THEIRS, ratio=theirs / mine, target=target, sense=">=", timings=timings,
            note="a training step of the demo's network on 100 points; the ratio is rival / fastgrad",
        )
    ]  # fmt: skip
    return results, peaks


@row(
    "values-demo",
    target=80.0,
    sense=">=",
    note="micrograd's demo as shipped: the cyclic garbage collector on, for both",
)
def demo(settings):
    """With Python's cyclic collector, which is most of micrograd's time; and the memory of a step."""
    results, peaks = _step_race(settings, "values-demo", 80.0)
    if peaks:
        mine, theirs = peaks[OURS], peaks[THEIRS]
        results.append(
            Result(
                "values-memory", mine, theirs, THEIRS, unit="B", ratio=mine / theirs, target=1 / 8,
                note="peak memory of the steps, above the network's own",
            )
        )  # fmt: skip
    return results


@row("values-demo-gc-off", target=12.0, sense=">=", note="the same with gc.disable() for both")
def demo_without_collector(settings):
    """Without it: what the two engines themselves cost."""
    return _step_race(settings, "values-demo-gc-off", 12.0, "gc-off")[0]


def chain(leaf, n):
    """A chain of n ops, each a node: values and gradients stay small whole numbers."""
    y, minus = leaf, Value(-1.0)
    for _ in range(n // 2):
        y = (y + leaf) * minus
    return y


def _build_and_sweep(n):
    leaf = Value(1.0)
    chain(leaf, n).backward()


@row("values-chain", target=120.0, note="a chain of Values: forward + backward + release, ns per op; collector on")
def chain_rows(settings):
    """Time per op at three lengths; the target is of the longest."""
    sizes = [(f"values-chain-1e{power}", settings.size(10**power, 10 * power)) for power in (4, 5, 6)]
    leaf = Value(3.0)
    y = chain(leaf, 10)
    y.backward()
    value, slope = _expected(10)
    compare("values-chain: value", y.data, value, 0.0)
    compare("values-chain: gradient", leaf.grad, slope, 0.0)
    contenders = [Contender(name, partial(_build_and_sweep, n), dict) for name, n in sizes]
    results = []
    for (name, n), t in zip(sizes, time_in_turns(contenders, settings, collect=True)):
        t = Timing(*(1e9 * v / n for v in (t.median, t.low, t.high, t.best)), t.rounds, t.inner)
        bound = {"ratio": t.median, "target": 120.0} if name == sizes[-1][0] else {}
        results.append(Result(name, t.median, unit="ns", timings={"fastgrad": t}, note="per op", **bound))
    return results


def _expected(n):
    """Value and gradient of that chain over 3, by the same recurrence on whole numbers."""
    value, slope = 3, 1
    for _ in range(n // 2):
        value, slope = -(value + 3), -(slope + 1)
    return float(value), float(slope)
