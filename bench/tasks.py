"""What runs in a process of its own: memory high-water marks, and one scalar graph on several engines.

Started as `python -m bench.tasks memory` or `python -m bench.tasks scalar KIND N [gc-off]`; `bench.machine.worker` is
the other end.
"""

import gc
import random
import sys
from importlib import import_module
from pathlib import Path

from fastgrad.benchmark.race import Contender
from fastgrad.benchmark.worker import serve, served


def chain(leaf, n):
    """A chain of n scalar ops, alternately `y + x` and `y * -1`: values and gradients stay small whole numbers."""
    y = leaf
    for _ in range(n // 2):
        y = (y + leaf) * -1.0
    return y


def memory(how, n):
    """Bytes per node, above the leaf, at the peak of building and sweeping a chain of n ops."""
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


def _status(key):
    """A figure of /proc/self/status in bytes. `getrusage` is no help: its maximum is inherited from the parent."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {key} in /proc/self/status")


def points(n):
    """Two interleaved classes in the plane, as plain numbers."""
    draw = random.Random(8)
    inputs = [(draw.uniform(-1, 1), draw.uniform(-1, 1)) for _ in range(n)]
    return inputs, [1.0 if a * b > 0 else -1.0 for a, b in inputs]


def scalar_network(leaf, widths=(2, 16, 16, 1)):
    """The parameters of micrograd's MLP, one leaf per number: layers of neurons of (weights, bias)."""
    draw = random.Random(9)
    return [
        [([leaf(draw.uniform(-1, 1)) for _ in range(m)], leaf(0.0)) for _ in range(n)]
        for m, n in zip(widths, widths[1:])
    ]


def scalar_loss(layers, params, leaf, inputs, labels):
    """The loss of micrograd's demo, in its terms: max-margin plus L2, every number a node."""
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
    """One training step of the scalar network: of Tensors ("fastgrad"), or of the Values of a module by that name."""

    def __init__(self, kind, n):
        self.kind, (self.inputs, self.labels) = kind, points(n)
        if kind == "fastgrad":
            import fastgrad as fg

            self.fg, self.leaf = fg, fg.tensor
            self.layers = scalar_network(lambda v: fg.tensor(v, requires_grad=True))
        else:
            self.leaf = import_module(f"{kind}.engine").Value
            self.layers = scalar_network(self.leaf)
        self.params = [p for layer in self.layers for w, b in layer for p in (*w, b)]
        gc.freeze()  # what is imported is not part of the step
        self.base = _status("VmRSS") if sys.platform.startswith("linux") else 0

    def loss(self):
        return scalar_loss(self.layers, self.params, self.leaf, self.inputs, self.labels)

    def step(self, rate=1e-3):
        """Forward, backward, update. Returns the loss."""
        if self.kind == "fastgrad":
            for p in self.params:
                p.grad = None
            loss = self.loss()
            loss.backward()
            with self.fg.no_grad():
                for p in self.params:
                    p -= rate * p.grad
        else:
            for p in self.params:
                p.grad = 0.0
            loss = self.loss()
            loss.backward()
            for p in self.params:
                p.data -= rate * p.grad
        return float(loss.detach() if self.kind == "fastgrad" else loss.data)

    def answer(self):
        return {"loss": self.step(), "gradients": [float(p.grad) for p in self.params]}

    def peak(self):
        """Bytes above those before the first step, at the highest."""
        return _status("VmHWM") - self.base


def count_nodes(loss):
    """Ops recorded below `loss`."""
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
        serve({"memory": memory})
    elif task == "scalar":
        kind, n, *options = arguments
        stepper = ScalarStep(kind, int(n))
        if "gc-off" in options:
            gc.disable()
        step = served(Contender(kind, stepper.step, stepper.answer))
        serve({**step, "count": lambda: count_nodes(stepper.loss()), "peak": stepper.peak})
    else:
        raise SystemExit(f"no task {task!r}")


if __name__ == "__main__":
    main(*sys.argv[1:])
