"""Writes whose value comes from the memory that they overwrite: derivatives, and graphs that do not hold themselves."""

import sys

import numpy as np
import pytest

import fastgrad as fg


def transposed(y):
    v = y.T
    v *= y


def squared(y):
    y *= y


def squared_item(y):
    y[...] *= y


def shifted(y):
    y[1:] *= y[:-1]


def by_row(y):
    v = y[0]
    y *= v
    y *= v


def crossed(y):
    v, w = y[1:], y[:-1]
    v *= w
    w *= v


def power(y):
    y **= y.T


def normalized(y):
    y -= np.max(y)
    y /= y.sum()


def nothing(y):
    v, w = y[1:], y[:1] * y[1:2]
    v[2:] = 1.0
    y[3:] *= y[:1]
    y[:0] *= w
    y[2:] *= w


WRITES = [nothing, transposed, squared, squared_item, shifted, by_row, crossed, power, normalized]
AT = np.random.default_rng(3).uniform(0.5, 1.5, (3, 3))
WEIGHTS = np.arange(1.0, 10.0).reshape(3, 3)


def weighed(write):
    def f(x):
        y = x * 1.0
        write(y)
        return (y * WEIGHTS).sum()

    return f


def difference(f, d):
    return (np.asarray(f(AT + 1e-6 * d)) - np.asarray(f(AT - 1e-6 * d))) / 2e-6


@pytest.mark.parametrize("write", WRITES)
def test_derivatives_of_aliased_writes(write):
    f, d = weighed(write), np.random.default_rng(4).normal(size=AT.shape)
    g = np.asarray(fg.grad(f)(AT))
    np.testing.assert_allclose((g * d).sum(), difference(f, d), rtol=1e-6)
    np.testing.assert_allclose(np.asarray(fg.jvp(f, (AT,), (d,))[1]), (g * d).sum(), rtol=1e-12)
    np.testing.assert_allclose(np.asarray(fg.hvp(f, (AT,), (d,))), difference(fg.grad(f), d), rtol=1e-5, atol=1e-6)


def add_item(y):
    y[:2] += 1


def add_to_view(y):
    v = y[:2]
    v += 1


def scaled_rows(y):
    y[1:] = y[:-1] * 2


def far_rows(y):
    y[1:] = fg.exp(fg.sin(y[:-1]))


HELD = pytest.mark.xfail(strict=True, reason="a view that the statement still holds must find the owner of its memory")
HOLD_NOTHING = [transposed, squared, squared_item, normalized, add_item, add_to_view, scaled_rows, far_rows]
HOLD_NOTHING += [pytest.param(write, marks=HELD) for write in (shifted, by_row)]


@pytest.mark.parametrize("write", HOLD_NOTHING)
@pytest.mark.skipif(fg.engine == "python", reason="the collector of cycles frees its graphs")
def test_graphs_do_not_hold_what_was_written(write):
    x = fg.tensor(AT, requires_grad=True)
    y, unwritten = x * 1.0, x * 1.0
    write(y)
    assert sys.getrefcount(y) == sys.getrefcount(unwritten)


def test_a_view_that_only_the_graph_holds_is_right_or_refused_after_the_write():
    x = fg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1.0
    z = y[:2] * 2
    y[:2] = z
    (view,) = z.operands
    try:
        (g,) = fg.gradients((view * 1).sum(), x)
    except fg.MutationError:
        return
    assert g.tolist() == [2, 2, 0]
