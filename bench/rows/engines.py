"""Both engines on the same graph: micrograd's network on 100 points, one node per number, in alternating processes."""

from contextlib import ExitStack
from dataclasses import replace

from bench.machine import worker
from bench.results import Row, Skipped, result, row
from fastgrad.benchmark.peers import installed
from fastgrad.benchmark.race import Race, check, time_race
from fastgrad.benchmark.worker import Remote, WorkerError


def long_steps(settings):
    """Return settings with few rounds, for steps that take seconds."""
    return replace(settings, rounds=(7, 9))


def scalar_race(stack, settings, kinds, *options):
    """Return the workers and the race of a scalar step. `kinds` maps names to pairs (kind, environment)."""
    n = settings.size(100, 3)
    workers = {
        name: stack.enter_context(worker("bench.tasks", "scalar", kind, n, *options, **env))
        for name, (kind, env) in kinds.items()
    }
    mine, *rivals = (Remote(name, process) for name, process in workers.items())
    return workers, Race(mine, rivals, collect=True)


@row(
    "engines-60k",
    target=60.0,
    sense=">=",
    note="a training step on a scalar graph of 60,000 nodes; compiled against pure-Python engine",
)
def engines(settings):
    """The ratio is the time of the pure-Python engine over that of the compiled engine."""
    kinds = {
        "fastgrad": ("fastgrad", {"FASTGRAD_ENGINE": "cython"}),
        "Python engine": ("fastgrad", {"FASTGRAD_ENGINE": "python"}),
    }
    if installed("micrograd"):
        kinds["micrograd"] = ("micrograd", {})
    with ExitStack() as stack:
        workers, race = scalar_race(stack, settings, kinds)
        try:
            nodes = workers["fastgrad"].ask("count")
        except WorkerError as error:
            raise Skipped(f"the compiled engine is not available: {error}") from None
        check("engines", race)
        timings = time_race(race, long_steps(settings))
    note = f"one training step of {nodes} nodes; the ratio is rival / fastgrad"
    return [result(Row("engines-60k", engines, 60.0, ">=", note), timings)]
