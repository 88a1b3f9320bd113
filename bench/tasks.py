"""Tasks of worker processes: peak memory, and one scalar graph on several engines.

Started by `bench.machine.worker` as `python -m bench.tasks memory` or `python -m bench.tasks scalar KIND N [gc-off]`.
KIND is a library, or "replay" for a program of `fastgrad.micrograd`.
"""

import gc
import random
import sys
from importlib import import_module
from pathlib import Path

from fastgrad.benchmark.race import Contender
from fastgrad.benchmark.worker import serve, served


def chain(leaf, n):
    """Return a chain of n scalar ops, alternately `y + x` and `y * -1`. Values and gradients stay small integers."""
    y = leaf
    for _ in range(n // 2):
        y = (y + leaf) * -1.0
    return y


def memory(how, n):
    """Return the peak memory of building and sweeping a chain of n ops, in bytes per node."""
    import fastgrad as fg

    leaf = fg.tensor(1.0, requires_grad=True)
    chain(leaf, 1000).backward()
    leaf.grad = None
    if how == "tracemalloc":
        import tracemalloc

        tracemalloc.start()
        base = tracemalloc.get_traced_memory()[0]
        chain(leaf, n).backward()
        return (tracemalloc.get_traced_memory()[1] - base) / n
    base = _status("VmRSS")
    chain(leaf, n).backward()
    return (_status("VmHWM") - base) / n


def mixed_memory(kind, n, calls):
    """Return the peak memory of this process after calls of the `mixed` function of n elements, in bytes."""
    import numpy as np

    import fastgrad as fg
    from fastgrad.benchmark import elementwise

    function = elementwise.mixed_by_hand if kind == "hand" else fg.value_and_grad(elementwise.mixed)
    x = np.random.default_rng(5).normal(size=n)
    for _ in range(calls):
        result = function(x)  # held during the next call
    del result
    return _status("VmHWM")


def _status(key):
    """Return a value of /proc/self/status in bytes. (A process inherits the maximum of `getrusage` from its parent.)"""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {key} in /proc/self/status")


def points(n):
    """Return points of two classes in the plane, as Python numbers."""
    draw = random.Random(8)
    inputs = [(draw.uniform(-1, 1), draw.uniform(-1, 1)) for _ in range(n)]
    return inputs, [1.0 if a * b > 0 else -1.0 for a, b in inputs]


def scalar_network(leaf, widths=(2, 16, 16, 1)):
    """Return the parameters of micrograd's MLP, one leaf per number, as layers of neurons (weights, bias)."""
    draw = random.Random(9)
    return [
        [([leaf(draw.uniform(-1, 1)) for _ in range(m)], leaf(0.0)) for _ in range(n)]
        for m, n in zip(widths, widths[1:])
    ]


def scalar_loss(layers, params, leaf, inputs, labels):
    """Return the loss of micrograd's demo, max-margin with an L2 penalty, with one node per number."""
    inputs = [[leaf(v) for v in point] for point in inputs]
    scores = []
    for x in inputs:
        for k, layer in enumerate(layers):
            x = [sum((wi * xi for wi, xi in zip(w, x)), b) for w, b in layer]
            if k < len(layers) - 1:
                x = [unit.relu() for unit in x]
        scores.append(x[0])
    losses = [(1.0 + -label * score).relu() for label, score in zip(labels, scores)]
    return sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in params)


class ScalarStep:
    """A training step of the scalar network: with Tensors ("fastgrad"), with the Values of the module `kind`, or with a
    program made of them once ("replay")."""

    def __init__(self, kind, n):
        self.kind, (self.inputs, self.labels) = kind, points(n)
        if kind == "fastgrad":
            import fastgrad as fg

            self.fg, self.leaf = fg, fg.tensor
            self.layers = scalar_network(lambda v: fg.tensor(v, requires_grad=True))
        else:
            self.leaf = import_module("fastgrad.micrograd.engine" if kind == "replay" else f"{kind}.engine").Value
            self.layers = scalar_network(self.leaf)
        self.params = [p for layer in self.layers for w, b in layer for p in (*w, b)]
        if kind == "replay":
            self.program = import_module("fastgrad.micrograd.engine").replay(self.loss())
        gc.freeze()  # imported objects are not part of the step
        self.base = _status("VmRSS") if sys.platform.startswith("linux") else 0

    def loss(self):
        return scalar_loss(self.layers, self.params, self.leaf, self.inputs, self.labels)

    def step(self, rate=1e-3):
        """Run forward, backward and update. Returns the loss."""
        if self.kind == "fastgrad":
            for p in self.params:
                p.grad = None
            loss = self.loss()
            loss.backward()
            with self.fg.no_grad():
                for p in self.params:
                    p -= rate * p.grad
            return float(loss.detach())
        for p in self.params:
            p.grad = 0.0
        if self.kind == "replay":
            value = self.program()
        else:
            loss = self.loss()
            loss.backward()
            value = float(loss.data)
        for p in self.params:
            p.data -= rate * p.grad
        return value

    def answer(self):
        return {"loss": self.step(), "gradients": [float(p.grad) for p in self.params]}

    def peak(self):
        """Return the peak memory of the steps, in bytes."""
        return _status("VmHWM") - self.base


def count_nodes(loss):
    """Count the recorded ops that `loss` depends on."""
    seen, stack = set(), [loss]
    while stack:
        node = stack.pop()
        if id(node) not in seen and node.op is not None:
            seen.add(id(node))
            stack.extend(node.operands)
    return len(seen)


def main(task, *arguments):
    """Serve the requests of one task."""
    if task == "memory":
        serve({"memory": memory, "mixed": mixed_memory})
    elif task == "scalar":
        kind, n, *options = arguments
        stepper = ScalarStep(kind, int(n))
        if "gc-off" in options:
            gc.disable()
        step = served(Contender(kind, stepper.step, stepper.answer))
        serve({**step, "count": lambda: count_nodes(stepper.loss()), "peak": stepper.peak})
    else:
        raise SystemExit(f"unknown task {task!r}")


if __name__ == "__main__":
    main(*sys.argv[1:])
