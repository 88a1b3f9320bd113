"""`fastgrad.micrograd` against micrograd: time and memory of a step of micrograd's demo, and long chains."""

import sys
from contextlib import ExitStack
from functools import partial

from bench.results import ROWS, Result, Skipped, result, row
from bench.rows.engines import long_steps, scalar_race
from fastgrad.benchmark.peers import installed
from fastgrad.benchmark.race import Contender, check, compare, time_in_turns, time_race
from fastgrad.micrograd import Value

OURS, THEIRS = "fastgrad.micrograd", "micrograd"


def _step_race(settings, name, *options, kinds=(OURS, THEIRS)):
    """Return the result of a step of each kind, each in its own process, and their peak memory."""
    if not installed("micrograd"):
        raise Skipped("micrograd is not installed")
    with ExitStack() as stack:
        workers, race = scalar_race(stack, settings, {kind: (kind, {}) for kind in kinds}, *options)
        check(name, race)
        timings = time_race(race, long_steps(settings))
        linux = sys.platform.startswith("linux")
        peaks = {kind: process.ask("peak") for kind, process in workers.items()} if linux else {}
    return result(ROWS[name], timings), peaks


@row(
    "values-demo",
    target=80.0,
    sense=">=",
    note="a training step of micrograd's demo, 100 points, with the cyclic garbage collector on",
)
def demo(settings):
    """With the cyclic garbage collector, which takes most of micrograd's time. Also measures the memory of a step."""
    line, peaks = _step_race(settings, "values-demo")
    if not peaks:
        return [line]
    mine, theirs = peaks[OURS], peaks[THEIRS]
    note = "peak memory of the steps, without the network"
    memory = Result("values-memory", mine, theirs, THEIRS, "B", ratio=mine / theirs, target=1 / 8, note=note)
    return [line, memory]


@row("values-demo-gc-off", target=12.0, sense=">=", note="the same with gc.disable() for both")
def demo_without_collector(settings):
    """Without the cyclic garbage collector."""
    return [_step_race(settings, "values-demo-gc-off", "gc-off")[0]]


@row(
    "values-demo-replay",
    target=350.0,
    sense=">=",
    note="the same with a program that `replay` made of the graph, against micrograd and against graphs of Values",
)
def demo_replayed(settings):
    """The step includes the two loops over the parameters, in Python, which take a third of it."""
    return [_step_race(settings, "values-demo-replay", "gc-off", kinds=("replay", THEIRS, OURS))[0]]


def chain(leaf, n):
    """Return a chain of n ops. Values and gradients stay small integers."""
    y, minus = leaf, Value(-1.0)
    for _ in range(n // 2):
        y = (y + leaf) * minus
    return y


def _build_and_sweep(n):
    leaf = Value(1.0)
    chain(leaf, n).backward()


@row("values-chain", target=120.0, note="a chain of Values: forward + backward + release, ns per op; collector on")
def chain_rows(settings):
    """Time per op at three lengths. The target is for the longest."""
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
        t = t.scaled(1e9 / n)
        bound = {"ratio": t.median, "target": 120.0} if name == sizes[-1][0] else {}
        results.append(Result(name, t.median, unit="ns", timings={"fastgrad": t}, note="per op", **bound))
    return results


def _expected(n):
    """Compute value and gradient of the chain at 3 with integers."""
    value, slope = 3, 1
    for _ in range(n // 2):
        value, slope = -(value + 3), -(slope + 1)
    return float(value), float(slope)
