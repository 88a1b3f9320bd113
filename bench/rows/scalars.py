"""The smallest workloads: one addition, the staged expression of the lecture notes, a neuron. They measure overhead."""

import math

import fastgrad as fg
from bench.results import row
from fastgrad.benchmark import scalars
from fastgrad.benchmark.peers import peers


@row("add-0d", target=3.0, note="recorded a + b against float + float, both in the loop of timeit")
def add_scalar(settings):
    """A recorded 0-d sum against one of Python floats."""
    return scalars.add_scalar()


@row("add-0d-unrolled", note="the same, 50 times per iteration: without the 3 to 4 ns of the loop")
def add_scalar_unrolled(settings):
    """A stricter version of the row above."""
    return scalars.add_scalar(unroll=50)


@row("add-4x4", target=0.25, note="recorded a + b against np.add(a, b), float64")
def add_4x4(settings):
    """A small matrix, which includes the cost of a result array."""
    return scalars.add_4x4()


def staged_by_hand(x, y):
    """Compute value and gradients of `(x + s(y)) / (s(x) + (x + y)**2)`, stage by stage."""
    sig_y = 1.0 / (1 + math.exp(-y))
    num = x + sig_y
    sig_x = 1.0 / (1 + math.exp(-x))
    xpy = x + y
    xpy_sqr = xpy**2
    den = sig_x + xpy_sqr
    inv_den = 1.0 / den
    f = num * inv_den
    d_num = inv_den
    d_inv_den = num
    d_den = (-1.0 / (den**2)) * d_inv_den
    d_sig_x = d_den
    d_xpy_sqr = d_den
    d_xpy = (2 * xpy) * d_xpy_sqr
    dx = d_xpy
    dy = d_xpy
    dx += ((1 - sig_x) * sig_x) * d_sig_x
    dx += d_num
    d_sig_y = d_num
    dy += ((1 - sig_y) * sig_y) * d_sig_y
    return f, dx, dy


def _staged_race(by_hand, *others):
    tensor, sigmoid = fg.tensor, fg.sigmoid

    def step():
        x = tensor(3.0, requires_grad=True)
        y = tensor(-4.0, requires_grad=True)
        f = (x + sigmoid(y)) / (sigmoid(x) + (x + y) ** 2)
        f.backward()
        return f, x.grad, y.grad

    return scalars.numbers_race(("f", "dx", "dy"), step, (by_hand, (3.0, -4.0)), "floats by hand", *others)


@row(
    "staged",
    target=1.0,
    note="leaves, forward, backward; against Python floats, stage by stage as in the lecture notes",
)
def staged(settings):
    """The staged expression at (3, -4)."""
    return _staged_race(staged_by_hand, *peers("staged"))


@row("staged-lean", note="the same, against Python floats with merged stages")
def staged_lean(settings):
    """A stricter version of the row above."""
    return _staged_race(scalars.staged_lean)


@row("staged-written", target=1.4, note="the same, including the conversion of the three results to numbers")
def staged_written(settings):
    """The complete user code, against Python floats with merged stages."""
    return scalars.staged_written()


@row("neuron", note="a neuron of scalars: leaves, forward, backward; against Python floats")
def neuron(settings):
    """A typical use of micrograd."""
    return scalars.neuron()
