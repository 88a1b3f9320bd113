"""Random programs with nested checkpoints against the same programs without checkpoints."""

import os

import numpy as np
import pytest

import fastgrad as fg

A = np.array([0.25, -0.8, 0.6])
V = np.array([1.0, -0.5, 0.75])
OPS = (
    lambda x, y: x + y,
    lambda x, y: x * y,
    lambda x, y: x - 0.5 * y,
    lambda x, y: np.sin(x) * y,
    lambda x, y: np.tanh(x + y),
    lambda x, y: x * np.sum(y) * 0.3,
)
CHECKED = 300  # by default
PER_CASE = 20


class Block:
    """A function of a few values, as a list of steps that refer to the values in scope by position."""

    def __init__(self, rng, depth):
        self.wrapped = bool(rng.random() < 0.8)
        self.returns = int(rng.integers(1, 4))
        self.steps = []
        for _ in range(rng.integers(1, 3)):
            a, b = map(int, rng.integers(0, 1000, 2))
            kind = rng.random()
            if depth and kind < 0.6:
                args = [int(k) for k in rng.integers(0, 1000, rng.integers(0, 3))]
                self.steps.append(("call", Block(rng, depth - 1), args))
            elif depth and kind < 0.75:
                verb = ("grad", "value_and_grad", "vjp", "jvp")[rng.integers(4)]
                self.steps.append(("derive", Block(rng, depth - 1), (verb, a, float(rng.normal()))))
            elif kind < 0.8:
                self.steps.append(("leaf", float(rng.normal()), None))
            else:
                self.steps.append(("op", int(rng.integers(len(OPS))), (a, b)))

    def call(self, wrap, scope, args):
        """Return the value of the block, or a tuple of several."""
        scope = tuple(scope)

        def function(*args):
            values = [*scope, *args]
            for kind, what, how in self.steps:
                if kind == "op":
                    values.append(OPS[what](values[how[0] % len(values)], values[how[1] % len(values)]))
                elif kind == "call":
                    out = what.call(wrap, values, [values[k % len(values)] for k in how])
                    values += out if isinstance(out, tuple) else [out]
                elif kind == "leaf":
                    values.append(fg.tensor(what, requires_grad=True))
                else:
                    values.append(derivative(what, wrap, values, *how))
            return values[-1] if self.returns == 1 else tuple(values[-self.returns :])

        return (wrap(function) if self.wrapped else function)(*args)


def total(out):
    parts = out if isinstance(out, tuple) else (out,)
    return sum((np.sum(np.sin(y)) for y in parts), 0.0)


def derivative(block, wrap, scope, verb, k, number):
    """A derivative inside of `block`, with respect to a value in scope or to a plain number."""
    at = scope[k % len(scope)] if k % 3 else number

    def f(t):
        return total(block.call(wrap, scope, [t])) * np.sum(t)

    if verb == "grad":
        return fg.grad(f)(at)
    if verb == "value_and_grad":
        value, g = fg.value_and_grad(f)(at)
        return value * g
    if verb == "vjp":
        value, pullback = fg.vjp(f, at)
        return value + pullback(np.float64(0.5))[0]
    return fg.jvp(f, (at,), (at,))[1]


def slopes(program, wrap, way):
    """Return derivatives of one program, of orders 1 to 3, by one of several methods."""
    w = fg.tensor(A + 0.1, requires_grad=True)
    h = np.cos(w)
    fixed = [fg.tensor(0.3, requires_grad=True), w, h, A * 2, 0.7, h * w]

    def f(x):
        return total(program.call(wrap, [x, *fixed], [x, x * 2])) + np.sum(x * x)

    def along(f):
        return lambda x: fg.jvp(f, (x,), (V,))[1]

    x = fg.tensor(A, requires_grad=True)
    if way == 0:
        f(x).backward()
        return x.grad, w.grad
    if way == 1:
        return fg.gradients(f(x), [x, w, h], allow_unused=True)
    if way == 2:
        (g,) = fg.gradients(f(x), [x], create_graph=True)
        return fg.gradients((g * V).sum(), [x, w, h], allow_unused=True)
    if way == 3:
        return fg.grad(f)(A), along(f)(A)
    if way == 4:
        return fg.hvp(f, (A,), (V,)), fg.grad(along(f))(A)
    if way == 5:
        return (fg.hessian(f)(A[:1]),)
    return (fg.grad(along(along(f)))(A),)


def check(seed):
    rng = np.random.default_rng(seed)
    program = Block(rng, int(rng.integers(1, 4)))
    way = int(rng.integers(7))
    want, got = slopes(program, lambda f: f, way), slopes(program, fg.checkpoint, way)
    for k, (a, b) in enumerate(zip(want, got, strict=True)):
        a, b = (np.zeros(3) if g is None else fg.asarray(g).detach().numpy() for g in (a, b))
        np.testing.assert_allclose(b, a, rtol=1e-8, atol=1e-9 * max(1, np.abs(a).max()), err_msg=f"{seed=}, number {k}")


@pytest.mark.filterwarnings("ignore:.*output seems independent:fastgrad.GradientWarning")
@pytest.mark.parametrize("first", range(0, CHECKED, PER_CASE))
def test_checkpoints_change_no_derivative_of_any_program(first):
    for seed in range(first, first + PER_CASE):
        check(seed)


@pytest.mark.heavy
def test_checkpoints_change_no_derivative_of_very_many_programs():
    first = int(os.environ.get("FASTGRAD_FIRST_SEED", CHECKED))
    for seed in range(first, first + 20_000):
        check(seed)
