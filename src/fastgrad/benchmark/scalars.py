"""The smallest workloads: one sum, the staged expression of the lecture notes, a neuron. They measure overhead.

Also the control: one NumPy call against itself. If its ratio differs from 1, the machine is busy.
"""

import math

import numpy as np

import fastgrad as fg
from fastgrad.benchmark.peers import named, peers
from fastgrad.benchmark.race import Contender, Race


def control():
    """Race a sum of 256 elements against itself."""
    a, b = np.arange(256.0), np.ones(256)
    scope = {"np": np, "a": a, "b": b}
    first, second = (Contender(name, "np.add(a, b)", lambda: {"sum": a + b}, scope) for name in ("np.add", "itself"))
    return Race(first, [second])


def sum_race(name, x1, x2, rival, statement, unroll=1):
    """Race recorded `a + b` against `statement` on plain values."""

    def answer():
        a, b = fg.tensor(x1, requires_grad=True), fg.tensor(x2, requires_grad=True)
        y = a + b
        y.backward(np.ones_like(x1))
        return {"y": y.numpy(), "ga": a.grad.numpy(), "gb": b.grad.numpy()}

    one = np.ones_like(x1)
    leaves = {"a": fg.tensor(x1, requires_grad=True), "b": fg.tensor(x2, requires_grad=True)}
    plain = {"a": x1, "b": x2, "np": np}
    by_hand = Contender(rival, statement, lambda: {"y": np.add(x1, x2), "ga": one, "gb": one}, plain)
    return Race(Contender("fastgrad", "a + b", answer, leaves), [by_hand, *peers(name, x1, x2)], unroll=unroll)


def add_scalar(unroll=1):
    """Race a recorded 0-d sum against one of Python floats."""
    return sum_race("add-0d", 1.5, 2.5, "float + float", "a + b", unroll)


def add_4x4(unroll=1):
    """Race a recorded sum of 4x4 arrays against NumPy's."""
    rng = np.random.default_rng(0)
    return sum_race("add-4x4", rng.normal(size=(4, 4)), rng.normal(size=(4, 4)), "np.add", "np.add(a, b)", unroll)


def staged_lean(x, y):
    """Compute value and gradients of the staged expression, with merged stages and without powers and copies."""
    sig_y = 1.0 / (1.0 + math.exp(-y))
    num = x + sig_y
    sig_x = 1.0 / (1.0 + math.exp(-x))
    xpy = x + y
    inv = 1.0 / (sig_x + xpy * xpy)
    f = num * inv
    d_den = -f * inv
    d_xpy = 2.0 * xpy * d_den
    return f, inv + (1.0 - sig_x) * sig_x * d_den + d_xpy, (1.0 - sig_y) * sig_y * inv + d_xpy


def number(v):
    """Convert a Tensor to a number."""
    return v.item() if isinstance(v, fg.Tensor) else v


def numbers_race(names, step, by_hand, rival, *others):
    """Race `step` against the statement `hand(...)` on Python floats. Both return numbers."""
    hand, arguments = by_hand
    scope = {"hand": hand}
    statement = f"hand({', '.join(map(repr, arguments))})"
    return Race(
        Contender("fastgrad", step, lambda: named(names, map(number, step()))),
        [Contender(rival, statement, lambda: named(names, hand(*arguments)), scope), *others],
    )


def staged_written():
    """Race the staged expression at (3, -4), with leaves, backward, and conversion of the three results to numbers."""

    def step():
        x = fg.tensor(3.0, requires_grad=True)
        y = fg.tensor(-4.0, requires_grad=True)
        f = (x + y.sigmoid()) / (x.sigmoid() + (x + y) ** 2)
        f.backward()
        return f.item(), x.grad.item(), y.grad.item()

    names = ("f", "dx", "dy")
    return numbers_race(names, step, (staged_lean, (3.0, -4.0)), "floats by hand", *peers("staged"))


def neuron_by_hand(w1, w2, b):
    """Compute value and gradients of `relu(w1 * -1 + w2 * -2 + b)**2`."""
    z = w1 * -1.0 + w2 * -2.0 + b
    r = z if z > 0.0 else 0.0
    d = 2.0 * r
    return r * r, -1.0 * d, -2.0 * d, d


def neuron():
    """Race a neuron of scalars, a typical use of micrograd."""

    def step():
        w1 = fg.tensor(2.0, requires_grad=True)
        w2 = fg.tensor(-3.0, requires_grad=True)
        b = fg.tensor(-3.0, requires_grad=True)
        y = (w1 * -1.0 + w2 * -2.0 + b).relu() ** 2
        y.backward()
        return y, w1.grad, w2.grad, b.grad

    names = ("y", "dw1", "dw2", "db")
    return numbers_race(names, step, (neuron_by_hand, (2.0, -3.0, -3.0)), "floats by hand", *peers("neuron"))
