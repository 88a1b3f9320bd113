"""Joining arrays: every operand gets back its own piece of the upstream gradient."""

import numpy as np

from fastgrad import parameters
from fastgrad.rules.draws import normal
from fastgrad.rules.indexing import getitem
from fastgrad.rules.rule import rule


def _piece(g, xs_shape, i, axis):
    """The part of `g` that stands where operand number `i` was put."""
    axis %= g.ndim
    start = sum(shape[axis] for shape in xs_shape[:i])
    return getitem(g, (*(slice(None),) * axis, slice(start, start + xs_shape[i][axis])))


@rule(
    vjp=lambda g, xs_shape, i, axis: _piece(g, xs_shape, i, axis),
    numpy=(),
    prepare=parameters.read(axis=parameters.integer),
    samples=normal(([(2, 3), (1, 3)], {}), ([(2, 3), (2, 1), (2, 0)], {"axis": -1}), ([(2,)], {"axis": 0})),
)
def concat(*xs, axis=0):
    """The arrays `xs` one after the other along `axis`."""
    return np.concatenate(xs, axis=axis)


@rule(
    vjp=lambda g, i, axis: getitem(g, (*(slice(None),) * (axis % g.ndim), i)),
    numpy=(),
    prepare=parameters.read(axis=parameters.integer),
    samples=normal(([(2, 3), (2, 3)], {}), ([(2, 3)] * 3, {"axis": -1}), ([(), ()], {}), ([(0, 2)] * 2, {"axis": 1})),
)
def stack(*xs, axis=0):
    """The arrays `xs`, of one shape, along a new `axis`."""
    return np.stack(xs, axis=axis)
