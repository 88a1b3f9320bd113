"""Long graphs: time and memory per node, which must not increase with the length."""

import gc
import sys
from functools import partial

import fastgrad as fg
from bench.machine import worker
from bench.results import Result, Skipped, row
from bench.tasks import chain
from fastgrad.benchmark.race import Contender, compare, time_in_turns

LENGTHS = ((4, 10**4), (5, 10**5), (6, 10**6))


def check_chain(n):
    """Compare value and gradient of a chain with the same recurrence on integers."""
    leaf = fg.tensor(3.0, requires_grad=True)
    y = chain(leaf, n)
    y.backward()
    value, slope = 3, 1
    for _ in range(n // 2):
        value, slope = -(value + 3), -(slope + 1)
    compare(f"chain of {n}: value", y.numpy(), float(value), 0.0)
    compare(f"chain of {n}: gradient", leaf.grad.numpy(), float(slope), 0.0)


def build_and_sweep(leaf, n):
    """Build a chain, sweep it and release it."""
    leaf.grad = None
    chain(leaf, n).backward()


@row("chain", target=2.0, note="scalar ops: forward + backward + release, per op; garbage collector on")
def chain_rows(settings):
    """Time per op at three lengths, and the ratio of the slowest to the fastest."""
    leaf = fg.tensor(1.0, requires_grad=True)
    sizes = [(f"chain-1e{power}", settings.size(n, 10**power // 1000 + 20)) for power, n in LENGTHS]
    for _, n in sizes:
        check_chain(n)
    contenders = [Contender(name, partial(build_and_sweep, leaf, n), dict) for name, n in sizes]
    timings = time_in_turns(contenders, settings, collect=True)
    results = []
    for (name, n), t in zip(sizes, timings):
        per_op = t.scaled(1 / n)
        results.append(Result(name, per_op.median, timings={"fastgrad": per_op}, note="per op"))
    slowest, fastest = max(results, key=lambda r: r.fastgrad), min(results, key=lambda r: r.fastgrad)
    flat = Result(
        "chain-flat",
        slowest.fastgrad,
        fastest.fastgrad,
        fastest.row,
        ratio=slowest.fastgrad / fastest.fastgrad,
        target=2.0,
        note="the slowest length against the fastest",
    )
    gc.collect()
    return [*results, flat]


@row("chain-memory", target=120.0, note="peak memory of building and sweeping 10^6 ops, in bytes per node")
def chain_memory(settings):
    """Measured by tracemalloc and by the operating system, each in a new process."""
    if not sys.platform.startswith("linux"):
        raise Skipped("peak memory is only available on Linux")
    results = []
    for how in ("tracemalloc", "rss"):
        with worker("bench.tasks", "memory") as process:
            size = process.ask("memory", how, settings.size(10**6, 2000))
        results.append(
            Result(
                f"chain-memory-{how}", size, unit="B", ratio=size, target=120.0, note=f"bytes per node, peak, by {how}"
            )
        )
    return results
