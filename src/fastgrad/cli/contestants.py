"""The rows of the overhead table, by hand (NumPy; floats where the work is scalar) and by fastgrad. Times nothing."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import fastgrad as fg
from fastgrad.nn import functional as F


class Contestant(NamedTuple):
    """One way to do a row's work.

    code : statement that does the work once
    names : what the statement's names stand for
    values : function of nothing, returning the numbers that all contestants must agree on, as a sequence of arrays
    unroll : how often the statement stands in the timed loop, so that a short one is not timed with the loop's own cost
    """

    code: str
    names: dict[str, Any]
    values: Callable
    unroll: int = 1


def calls(function):
    """A contestant that calls `function` and is judged by what it returns."""
    return Contestant("work()", {"work": function}, function)


def judged(work, read):
    """A contestant that calls `work`; `read` makes arrays of what it returns."""
    return Contestant("work()", {"work": work}, lambda: [read(part) for part in work()])


class Row(NamedTuple):
    key: str
    title: str
    contestants: Callable


def adds(a, b, values):
    return Contestant("a + b", {"a": a, "b": b}, values, 50)


def control():
    return {"by hand": calls(lambda: (sum(math.sin(k) for k in range(1000)),))}


def scalar_add():
    a, b = fg.tensor(3.0, requires_grad=True), fg.tensor(-4.0, requires_grad=True)
    return {"by hand": adds(3.0, -4.0, lambda: (-1.0, 1.0, 1.0)), "fastgrad": adds(a, b, lambda: added(a, b))}


def added(a, b):
    """Value and gradients of `a + b`."""
    y = a + b
    gradients = fg.gradients(y, (a, b), None if y.ndim == 0 else np.ones(y.shape))
    return (y.numpy(), *(g.numpy() for g in gradients))


def matrices():
    return np.arange(16.0).reshape(4, 4), np.linspace(-1.0, 1.0, 16).reshape(4, 4)


def matrix_add():
    x1, x2 = matrices()
    a, b = fg.tensor(x1, requires_grad=True), fg.tensor(x2, requires_grad=True)
    ones = np.ones((4, 4))
    hand = Contestant("add(a, b)", {"add": np.add, "a": x1, "b": x2}, lambda: (x1 + x2, ones, ones), 50)
    return {"by hand": hand, "fastgrad": adds(a, b, lambda: added(a, b))}


def staged():
    """The staged expression `(x + s(y)) / (s(x) + (x + y)**2)` at (3, -4): leaves made, forward, backward."""
    exp, tensor, sigmoid = math.exp, fg.tensor, F.sigmoid

    def by_hand():
        x, y = 3.0, -4.0
        sy = 1.0 / (1.0 + exp(-y))
        top = x + sy
        sx = 1.0 / (1.0 + exp(-x))
        xy = x + y
        square = xy * xy
        inverse = 1.0 / (sx + square)
        value = top * inverse
        d_bottom = -value * inverse
        d_xy = 2.0 * xy * d_bottom
        return value, d_xy + (1.0 - sx) * sx * d_bottom + inverse, d_xy + (1.0 - sy) * sy * inverse

    def by_fastgrad():
        x, y = tensor(3.0, requires_grad=True), tensor(-4.0, requires_grad=True)
        value = (x + sigmoid(y)) / (sigmoid(x) + (x + y) ** 2)
        value.backward()
        return value, x.grad, y.grad

    return {"by hand": calls(by_hand), "fastgrad": judged(by_fastgrad, fg.Tensor.numpy)}


def neuron():
    """`relu(w1*x1 + w2*x2 + b)**2` with scalars: the work of micrograd."""
    tensor, relu = fg.tensor, F.relu

    def by_hand():
        w1, w2, b, x1, x2 = 2.0, -3.0, -3.0, -1.0, -2.0
        z = w1 * x1 + w2 * x2 + b
        r = z if z > 0.0 else 0.0
        d = 2.0 * r if z > 0.0 else 0.0
        return r * r, x1 * d, x2 * d, d

    def by_fastgrad():
        w1, w2, b = tensor(2.0, requires_grad=True), tensor(-3.0, requires_grad=True), tensor(-3.0, requires_grad=True)
        y = relu(w1 * -1.0 + w2 * -2.0 + b) ** 2
        y.backward()
        return y, w1.grad, w2.grad, b.grad

    return {"by hand": calls(by_hand), "fastgrad": judged(by_fastgrad, fg.Tensor.numpy)}


def wave():
    return np.linspace(-3.0, 3.0, 1000)


def elementwise():
    """`sum(tanh(x) * sigmoid(x) + exp(-x * x))` on 1,000 elements: value and gradient."""
    x = wave()
    leaf = fg.tensor(x, requires_grad=True)

    def by_hand():
        t, s, e = np.tanh(x), 1.0 / (1.0 + np.exp(-x)), np.exp(-x * x)
        return (t * s + e).sum(), (1.0 - t * t) * s + t * s * (1.0 - s) - 2.0 * x * e

    def by_fastgrad():
        leaf.grad = None
        y = (fg.tanh(leaf) * F.sigmoid(leaf) + fg.exp(-leaf * leaf)).sum()
        y.backward()
        return y, leaf.grad

    return {"by hand": calls(by_hand), "fastgrad": judged(by_fastgrad, fg.Tensor.numpy)}


RATE = 1e-3


def network():
    """Start values of the 64-64-10 network and one batch of 32."""
    draw = np.random.default_rng(0)
    parameters = [draw.normal(size=s) / 8.0 for s in ((64, 64), (64,), (64, 10), (10,))]
    return parameters, draw.normal(size=(32, 64)), draw.integers(10, size=32)


def training():
    """One SGD step of a 64-64-10 network: tanh, cross-entropy, batch 32, float64. Each run goes on from the last."""
    start, x, labels = network()
    rows = np.arange(32)
    w1, b1, w2, b2 = hand = [p.copy() for p in start]
    t1, c1, t2, c2 = leaves = [fg.tensor(p, requires_grad=True) for p in start]
    batch = fg.asarray(x)

    def by_hand():
        h = x @ w1
        h += b1
        np.tanh(h, out=h)
        z = h @ w2
        z += b2
        z -= z.max(axis=1, keepdims=True)
        right = z[rows, labels]
        g = np.exp(z, out=z)
        total = g.sum(axis=1, keepdims=True)
        loss = (np.log(total[:, 0]) - right).sum() / 32
        g /= total
        g[rows, labels] -= 1.0
        g /= 32
        gh = g @ w2.T
        gh *= 1.0 - h * h
        for p, dp in zip(hand, (x.T @ gh, gh.sum(axis=0), h.T @ g, g.sum(axis=0)), strict=True):
            p -= RATE * dp
        return loss, hand[3]

    def by_fastgrad():
        loss = F.cross_entropy(fg.tanh(batch @ t1 + c1) @ t2 + c2, labels)
        loss.backward()
        with fg.no_grad():
            for p in leaves:
                p -= RATE * p.grad
                p.grad = None
        return loss, c2

    return {"by hand": calls(by_hand), "fastgrad": judged(by_fastgrad, fg.Tensor.numpy)}


ROWS = (
    Row("control", "control: 1,000 sines in pure Python", control),
    Row("scalar add", "0-d a + b, recorded", scalar_add),
    Row("matrix add", "4x4 a + b, recorded", matrix_add),
    Row("staged", "staged expression, leaves and sweep", staged),
    Row("neuron", "scalar neuron, leaves and sweep", neuron),
    Row("elementwise", "1,000 elements, value and gradient", elementwise),
    Row("training", "64-64-10 network, batch 32, SGD step", training),
)
