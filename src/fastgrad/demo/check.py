"""Checks the gradients of both models against numerical differences, which use only the loss."""

from typing import NamedTuple

import numpy as np

import fastgrad as fg
from fastgrad.demo.models import NETWORK
from fastgrad.nn import functional as F
from fastgrad.testing import check_grads

STEPS = (1e-4, 3e-5, 1e-5, 3e-6, 1e-6)
ENTRIES = 24


class Check(NamedTuple):
    """One gradient: its name, the number of entries compared, and the largest difference.

    The difference is relative to the largest magnitude in that gradient.
    """

    model: str
    of: str
    shape: tuple
    compared: int
    difference: float


def slope(f, array, index):
    """Central difference of `f()` with respect to `array[index]`.

    Uses the step length whose result agrees best with that of the next shorter one: long steps may cross a kink of the
    hinge or of relu, and short steps are dominated by rounding errors.
    """
    before = array[index]
    slopes = []
    for h in STEPS:
        array[index] = before + h
        above = f()
        array[index] = before - h
        slopes.append((above - f()) / (2.0 * h))
    array[index] = before
    best = min(range(len(slopes) - 1), key=lambda k: abs(slopes[k] - slopes[k + 1]))
    return slopes[best]


def check_model(kind, x, labels, seed):
    """Compare ENTRIES entries of every gradient of one model and of its input; yields a Check for each."""
    draw = np.random.default_rng(seed)
    # The SVM starts from zeros, where all classes are alike: a check at random weights covers more.
    start = {name: a + 0.1 * draw.standard_normal(a.shape) for name, a in kind.initial(seed).items()}
    model = kind.by_fastgrad(start)
    tensor = fg.tensor(x, requires_grad=True)
    model.loss(tensor, labels).backward()
    gradients = {name: p.grad.numpy() for name, p in model.parameters.items()} | {"input": tensor.grad.numpy()}
    places = start | {"input": x.copy()}

    def loss():
        probe = kind.by_fastgrad({name: places[name] for name in start})
        with fg.no_grad():
            return probe.loss(places["input"], labels).item()

    for name, array in places.items():
        exact = gradients[name]
        chosen = draw.choice(array.size, size=min(ENTRIES, array.size), replace=False)
        largest = 0.0
        for index in (np.unravel_index(k, array.shape) for k in chosen):
            largest = max(largest, abs(slope(loss, array, index) - exact[index]))
        yield Check(kind.title, name, array.shape, len(chosen), float(largest / np.abs(exact).max()))


def check_second_order(x, labels, seed):
    """Check second derivatives of the loss with respect to the last layer, where it is smooth."""
    start = NETWORK.initial(seed)
    hidden = np.maximum(x @ start["W1"] + start["b1"], 0.0)
    check_grads(lambda w2, b2: F.cross_entropy(hidden @ w2 + b2, labels), (start["W2"], start["b2"]), order=2)
