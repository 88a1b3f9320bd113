"""The smallest work there is: one addition, and the staged expression of the lecture notes. All overhead."""

import math

import numpy as np

import fastgrad as fg
from bench.harness import Contender, Race, row
from bench.peers import peers


def _fastgrad_sum(x1, x2):
    """Value and gradients of `x1 + x2`, which the timed statement records and drops."""
    a, b = fg.tensor(x1, requires_grad=True), fg.tensor(x2, requires_grad=True)
    y = a + b
    y.backward(np.ones_like(x1))
    return {"y": y.numpy(), "ga": a.grad.numpy(), "gb": b.grad.numpy()}


def _sum_race(x1, x2, statement, rival_statement, rival_name, module=np):
    a, b = fg.tensor(x1, requires_grad=True), fg.tensor(x2, requires_grad=True)
    one = np.ones_like(x1)
    rival = Contender(
        rival_name,
        None,
        lambda: {"y": np.add(x1, x2), "ga": one, "gb": one},
        rival_statement,
        {"a": x1, "b": x2, "np": module},
    )
    return Race(Contender("fastgrad", None, lambda: _fastgrad_sum(x1, x2), statement, {"a": a, "b": b}), [rival])


@row("add-0d", target=3.0, note="recorded a + b against float + float, both in the loop of timeit")
def add_scalar(settings):
    """One recorded 0-d sum against CPython's own."""
    return _sum_race(1.5, 2.5, "a + b", "a + b", "float + float")


@row("add-0d-unrolled", note="the same, 50 times per turn of the loop: without the loop's own 3 to 4 ns")
def add_scalar_unrolled(settings):
    """The stricter form of the row above."""
    line = "; ".join(["a + b"] * 50)
    race = _sum_race(1.5, 2.5, line, line, "float + float")
    race.per = 50
    return race


@row("add-4x4", target=0.25, note="recorded a + b against np.add(a, b), float64")
def add_4x4(settings):
    """A small matrix: the cost of a result array."""
    rng = np.random.default_rng(0)
    return _sum_race(rng.normal(size=(4, 4)), rng.normal(size=(4, 4)), "a + b", "np.add(a, b)", "np.add")


def staged_by_hand(x, y):
    """Value and gradients of `(x + s(y)) / (s(x) + (x + y)**2)`: every stage forward, every stage backward."""
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


def staged_lean(x, y):
    """The same with the stages merged, no powers and no copies: what is left when one optimises Python by hand."""
    sig_y = 1.0 / (1.0 + math.exp(-y))
    num = x + sig_y
    sig_x = 1.0 / (1.0 + math.exp(-x))
    xpy = x + y
    inv = 1.0 / (sig_x + xpy * xpy)
    f = num * inv
    d_den = -f * inv
    d_xpy = 2.0 * xpy * d_den
    return f, inv + (1.0 - sig_x) * sig_x * d_den + d_xpy, (1.0 - sig_y) * sig_y * inv + d_xpy


def detached(v):
    """A Tensor's value without its graph, so that reading it does not warn; a number as it is."""
    return v.detach() if hasattr(v, "detach") else v


def _staged_race(by_hand, name):
    tensor, sigmoid = fg.tensor, fg.sigmoid

    def step():
        x = tensor(3.0, requires_grad=True)
        y = tensor(-4.0, requires_grad=True)
        f = (x + sigmoid(y)) / (sigmoid(x) + (x + y) ** 2)
        f.backward()
        return f, x.grad, y.grad

    def answer(run):
        return lambda: dict(zip(("f", "dx", "dy"), (float(detached(v)) for v in run())))

    def hand():
        return by_hand(3.0, -4.0)

    rival = Contender("floats by hand", None, answer(hand), "hand(3.0, -4.0)", {"hand": by_hand})
    return Race(Contender("fastgrad", step, answer(step)), [rival, *peers(name)])


@row(
    "staged",
    target=1.0,
    note="leaves made, forward, backward; by hand in Python floats, stage by stage as in the notes",
)
def staged(settings):
    """The staged expression at (3, -4)."""
    return _staged_race(staged_by_hand, "staged")


@row("staged-lean", note="the same against Python floats with the stages merged by hand")
def staged_lean_row(settings):
    """The stricter form of the row above."""
    return _staged_race(staged_lean, "")
