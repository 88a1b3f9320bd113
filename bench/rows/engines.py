"""The two engines on one graph: micrograd's network on 100 points, one node per number, in two processes in turns."""

from statistics import median

import numpy as np

from bench.harness import Result, Skipped, Timing, compare, row
from bench.peers import installed
from bench.workers import ask, start, stop


@row(
    "engines-60k",
    target=60.0,
    sense=">=",
    note="a training step on a scalar graph of 60 k nodes; compiled against pure-Python",
)
def engines(settings):
    """Ratio: how many times longer the pure-Python engine takes for the very same step."""
    n = settings.size(100, 3)
    workers = {"fastgrad": start("scalar", "fastgrad", n, FASTGRAD_ENGINE="cython")}
    try:
        try:
            first = {"fastgrad": ask(workers["fastgrad"])}
        except RuntimeError as error:
            raise Skipped(f"no compiled engine here ({error})") from None
        workers["Python engine"] = start("scalar", "fastgrad", n, FASTGRAD_ENGINE="python")
        if installed("micrograd"):
            workers["micrograd"] = start("scalar", "micrograd", n)
        for name in list(workers)[1:]:
            first[name] = ask(workers[name])
            for key in ("loss", "gradients"):
                compare(
                    f"engines: {key} of both engines",
                    np.asarray(first["fastgrad"][key]),
                    np.asarray(first[name][key]),
                    1e-9,
                )
        nodes = ask(workers["fastgrad"], "count")
        timings = in_turns(workers, settings, fast="fastgrad")
    finally:
        for worker in workers.values():
            if worker.poll() is None:
                stop(worker)
    mine, theirs, *others = (t.median for t in timings.values())
    return [
        Result(
            "engines-60k",
            mine,
            theirs,
            "Python engine",
            ratio=theirs / mine,
            target=60.0,
            sense=">=",
            timings=timings,
            peers=dict(zip(list(workers)[2:], others)),
            note=f"one training step of {nodes} nodes; the ratio is rival / fastgrad",
        )
    ]


def in_turns(workers, settings, fast):
    """Rounds of one step of the slow engines and several of the fast one, whose median counts as one sample."""
    samples = {name: [] for name in workers}
    spent, turns = 0.0, 0
    while turns < 3 or (spent < settings.python_seconds and not settings.quick):
        for name, worker in workers.items():
            seconds = [ask(worker)["seconds"] for _ in range(7 if name == fast else 1)]
            samples[name].append(median(seconds))
            spent += sum(seconds)
        turns += 1
    return {name: Timing.of(s) for name, s in samples.items()}
